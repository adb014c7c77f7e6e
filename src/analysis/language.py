"""Text, numbers and dates in the reader's language.

The source text of every sentence is English; other languages come from gettext catalogues
in ``locale/<language>/*.po`` (one file an area, merged when read). Values are put in with
named placeholders: ``text("{n} customers moved", n=12)``.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeGuard

from babel import Locale, dates, numbers
from babel.messages.pofile import read_po

from .errors import ParamsError

LanguageCode = Literal["zh", "en"]
LANGUAGES: tuple[LanguageCode, ...] = ("zh", "en")
LOCALES = Path(__file__).with_name("locale")
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of what follows them: in a value of a sentence one would turn our
own words around. A cell of its own keeps them, for there they reach no further."""
MISSING = "–"
"""Shown for a value that does not exist; never an empty cell, never 0."""


@cache
def _catalogue(code: str) -> dict[str | tuple[str, str], tuple[str, ...]]:
    """All messages of one language: (context, English) or English → its forms."""
    messages: dict[str | tuple[str, str], tuple[str, ...]] = {}
    for path in sorted((LOCALES / code).glob("*.po")):
        with path.open("rb") as stream:
            for message in read_po(stream, locale=code):
                if message.id and message.string:
                    many = isinstance(message.id, (tuple, list))
                    source = message.id[0] if many else str(message.id)
                    forms = message.string if many else (message.string,)
                    key = (message.context, source) if message.context else source
                    messages[key] = tuple(str(form) for form in forms)
    return messages


@dataclass(frozen=True)
class Language:
    """One reader's language.

    Attributes:
        code: ``zh`` or ``en``; also the value of HTML's ``lang``.

    Example:
        >>> Language("en").percent(0.0685, 2)
        '6.85%'
        >>> Language("zh").month("2026-10")
        '2026年10月'
    """

    code: LanguageCode

    def __post_init__(self) -> None:
        if self.code not in LANGUAGES:
            raise ParamsError("Unknown language", got=self.code, allowed=LANGUAGES)

    @property
    def locale(self) -> Locale:
        """Babel's locale of this language."""
        return Locale.parse("zh_Hans_CN" if self.code == "zh" else "en_GB")

    def text(self, source: str, /, context: str = "", **values: object) -> str:
        """A sentence of the catalogue with its values put in.

        Args:
            source: The English sentence, with ``{name}`` for each value.
            context: Tells apart equal English words that differ elsewhere.
            **values: One for each placeholder; already formatted, or plain. Signs that turn the
                direction of text are left out of them.

        Returns:
            The sentence; the English one where the catalogue lacks it (a test finds those).
        """
        values = {name: _straight(value) for name, value in values.items()}
        if self.code == "en":
            return source.format(**values)
        forms = _catalogue(self.code).get((context, source) if context else source, (source,))
        return forms[0].format(**values)

    def plural(self, one: str, many: str, n: int, /, **values: object) -> str:
        """A sentence that depends on a count; ``{n}`` is the formatted count."""
        filled = {"n": self.number(n), **{k: _straight(value) for k, value in values.items()}}
        if self.code == "en":
            return (one if n == 1 else many).format(**filled)
        forms = _catalogue(self.code).get(one, (many,))
        return forms[-1].format(**filled)

    def number(self, value: float | None, digits: int = 0, *, sign: bool = False) -> str:
        """A number with thousands separators; ``sign`` shows + as well."""
        if not _exists(value):
            return MISSING
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        text = numbers.format_decimal(
            round(value, digits) + 0.0, format=pattern, locale=self.locale
        )
        text = text.replace("-", "−")
        return f"+{text}" if sign and value > 0 and not _is_zero_text(text) else text

    def percent(self, value: float | None, digits: int = 1, *, sign: bool = False) -> str:
        """A fraction shown as per cent."""
        if not _exists(value):
            return MISSING
        return self.number(value * 100, digits, sign=sign) + "%"

    def points(self, value: float | None, digits: int = 1, *, sign: bool = True) -> str:
        """A difference of two fractions, in percentage points."""
        if not _exists(value):
            return MISSING
        return self.text("{n} pp", n=self.number(value * 100, digits, sign=sign))

    def money(self, value: float | None, currency: str, *, sign: bool = False) -> str:
        """An amount with its currency sign, in a unit that keeps it short (万, 亿; k, m, bn)."""
        if not _exists(value):
            return MISSING
        steps = (
            ((1e8, "亿"), (1e4, "万"), (1, ""))
            if self.code == "zh"
            else ((1e9, "bn"), (1e6, "m"), (1e3, "k"), (1, ""))
        )
        size, unit = next((s for s in steps if abs(value) >= s[0]), (1, ""))
        mark = numbers.get_currency_symbol(currency, locale=self.locale)
        digits = 0 if size == 1 and abs(value) >= 100 else (2 if abs(value) / size < 10 else 1)
        prefix = "−" if value < 0 else "+" if sign and value > 0 else ""
        return f"{prefix}{mark}{self.number(abs(value) / size, digits)}{unit}"

    def amount(self, value: float, currency: str, digits: int = 0) -> str:
        """An amount with its currency sign in whole units, or with decimals, not shortened."""
        mark = numbers.get_currency_symbol(currency, locale=self.locale)
        return f"{'−' if value < 0 else ''}{mark}{self.number(abs(value), digits)}"

    def month(self, month: str) -> str:
        """A month such as 2026-10."""
        day = dt.date.fromisoformat(f"{month}-01")
        if self.code == "zh":
            return f"{day.year}年{day.month}月"
        return dates.format_date(day, "MMMM y", locale=self.locale)

    def date(self, day: dt.date | None) -> str:
        """A day, written out."""
        if day is None:
            return MISSING
        if self.code == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return dates.format_date(day, "d MMM y", locale=self.locale)

    def listed(self, items: list[str]) -> str:
        """Several words in one sentence: ``a, b and c``."""
        if self.code == "zh":
            return "、".join(items)
        return (
            items[0]
            if len(items) == 1
            else ", ".join(items[:-1]) + " and " + items[-1]
            if items
            else ""
        )


def limit_digits(ends: tuple[float, float], digits: tuple[int, int]) -> int:
    """Decimals for both limits of an interval: the fewest of theirs that leave none at zero.

    Example:
        >>> limit_digits((-1.68, 0.041), (1, 3)), limit_digits((-1.7, 0.5), (1, 1))
        (2, 1)
    """
    known = [end for end in ends if end and math.isfinite(end)]
    tried = range(min(digits), max(digits))
    return next((d for d in tried if all(round(end, d) for end in known)), max(digits))


def _straight(value: object) -> object:
    """A value of a sentence without signs that turn the direction of what follows."""
    return TURNS.sub("", value) if isinstance(value, str) and not value.isascii() else value


def _exists(value: float | None) -> TypeGuard[float]:
    return value is not None and value == value


def _is_zero_text(text: str) -> bool:
    return not any(ch in "123456789" for ch in text)
