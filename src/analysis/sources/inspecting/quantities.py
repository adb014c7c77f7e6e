"""Columns of numbers: amounts of money with their unit and currency, weights, counts."""

from __future__ import annotations

import re
from collections import Counter

from ...params import ColumnReading
from ..written_numbers import MONEY_SIGNS
from .names import normal
from .seen import MOST, NAMED, Kind, Seen, monetary, with_exceptions

_UNITS: tuple[tuple[str, float], ...] = (
    ("百万元", 1e6), ("千元", 1e3), ("万元", 1e4), ("亿元", 1e8), ("万", 1e4), ("亿", 1e8),
    ("k", 1e3), ("thousand", 1e3), ("million", 1e6), ("分", 0.01), ("cents", 0.01),
)  # fmt: skip

_SIGNS = {
    code: re.compile(rf"(?<![a-z])(?:{signs})(?![a-z])", re.IGNORECASE)
    for code, signs in MONEY_SIGNS.items()
}

POUND = 0.45359237
"""kg."""


def numeric(seen: Seen) -> Kind | None:
    """What a column of numbers holds; None where it is none."""
    if seen.share("comma") > seen.share("number") + 0.05 and seen.share("comma") >= MOST:
        kind = number(seen, whole=False, key="comma")
        reading = kind.reading.model_copy(update={"decimal": ","})
        return Kind(reading, kind.sure, (*kind.notes, "decimal commas"))
    if seen.share("number") < (NAMED if monetary(seen.header) or _weighs(seen) else MOST):
        return None
    if any(_has_id_length(text) or _is_numbering(text) for text in seen.texts):
        return None
    whole = seen.share("integer") >= seen.share("number")
    return number(seen, whole=whole)


def _has_id_length(text: str) -> bool:
    """More digits than a quantity has; behind the decimal mark a spreadsheet writes any number."""
    return len(re.sub(r"\D", "", re.split(r"[.,](?=\d+$)", text.strip())[0])) > 15


def _weighs(seen: Seen) -> bool:
    return bool(re.search("重量|weight|体积|volume", seen.header, re.IGNORECASE))


def _is_numbering(text: str) -> bool:
    """Digits that are no quantity: a code with zeros ahead, a telephone number."""
    digits = text.strip()
    return bool(re.fullmatch(r"0\d+|\+\d[\d -]{6,}", digits))


def number(seen: Seen, *, whole: bool, key: str = "number") -> Kind:
    """What a column that holds numbers says about them: money or not, unit, currency.

    Args:
        seen: The column.
        whole: Whether all are whole numbers.
        key: The conversion that reads them.
    """
    money = monetary(seen.header)
    kind = "amount" if money else "integer" if whole and not _weighs(seen) else "number"
    unit, note = unit_in(seen.header, money)
    named: Counter[str] = currencies_in(seen) if money else Counter()
    currency = named.most_common(1)[0][0] if named else None
    reading = ColumnReading(type=kind, unit=unit, currency=currency)
    found = with_exceptions(seen, key, reading)
    told = [*found.notes, *([note] if note else [])]
    told += [f"several currencies: {', '.join(named)}"] if len(named) > 1 else []
    return Kind(found.reading, found.sure and len(named) < 2, tuple(told))


def currencies_in(seen: Seen) -> Counter[str]:
    """Currency → how many of a column's amounts name it, or all where the header does."""
    said = named_in(seen.header)
    if said:
        return Counter({said: seen.n})
    named: Counter[str] = Counter()
    for text, n in seen.texts.items():
        currency = currency_of(text)
        if currency:
            named[currency] += n
    return named


def currency_of(text: str) -> str:
    """The currency that a text names, by its longest sign; empty where it names none.

    Example:
        >>> currency_of("¥1,234"), currency_of("12 美元"), currency_of("Europe")
        ('CNY', 'USD', '')
    """
    found = {code: max(map(len, sign.findall(text)), default=0) for code, sign in _SIGNS.items()}
    best = max(found, key=lambda code: found[code])
    return best if found[best] else ""


def _inside(header: str) -> str:
    """What stands in brackets behind a header's words."""
    inside = re.search(r"[(（\[【]\s*([^)）\]】]+?)\s*[)）\]】]", header)
    return " ".join(inside[1].split()).lower() if inside else ""


def measure(header: str) -> tuple[float, str]:
    """The factor and the currency that a header names; 1 and nothing where it names none."""
    return unit_in(header, money=True)[0] or unit_in(header, money=False)[0] or 1.0, named_in(
        header
    )


def named_in(header: str) -> str:
    """The currency that a header names; empty where it names none."""
    last = re.split(r"[\s_]", header.strip())[-1]
    return currency_of(_inside(header)) or (currency_of(last) if last.isascii() else "")


def unit_in(header: str, money: bool) -> tuple[float | None, str]:
    """The factor that a header's unit asks for, and what to say about it."""
    written = _inside(header)
    if money:
        is_code = written.upper() in MONEY_SIGNS
        factor = next((f for name, f in _UNITS if written.startswith(name) and not is_code), None)
        return factor, f"the header says {written}" if written and factor else ""
    if re.search("重量|weight", header, re.IGNORECASE):
        factors = {
            "吨": 1000.0,
            "t": 1000.0,
            "ton": 1000.0,
            "tons": 1000.0,
            "克": 0.001,
            "g": 0.001,
            **dict.fromkeys(("lb", "lbs", "pound", "pounds", "磅"), POUND),
            "斤": 0.5,
        }
        if written in factors:
            return factors[written], f"the header says {written}"
        if normal(header).endswith(("weightg", "weightgrams")):
            return 0.001, "the header says g"
        if normal(header).endswith(("weightlb", "weightlbs")):
            return POUND, "the header says lb"
    return None, ""
