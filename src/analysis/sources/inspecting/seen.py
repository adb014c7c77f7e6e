"""The texts of one column, and what is said about what it holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...params import ColumnReading
from ...params.sources import DATED, NUMERIC
from .names import is_called

NEARLY_ALL = 0.97

EMPTY = "empty"

FILLS = "fills"
"""Among what is read of a column: the days that stand for none."""

MOST, NAMED = 0.75, 0.4
"""Shares of texts that must fit a type: to be of it, to be of it with exceptions, and to be of it
with exceptions where the header says the same."""

_NULLS = (
    "n/a na null none nan - -- — —— – － / 无 暂无 未填 未填写 未知 空 #n/a n.a. (null) <null> nil "
    "unknown 不详 待定 tbd ? \\n"
)

NULL_WORDS = frozenset(_NULLS.split())
"""Texts that usually mean that there is no value, in small letters."""

_MONEY = re.compile(
    r"金额|收入|运费|费用|成本|单价|价格|货值|保费|应收|应付|amount|revenue|price|cost|fee|freight|charge|"
    r"(^|[_\s])value|insurance",
    re.IGNORECASE,
)

_MONEY_UNIT = re.compile(
    r"[(（\[【]\s*(百万|千|万|亿)?\s*(元|人民币|rmb|cny|usd|eur|gbp|jpy|hkd|[¥￥$€£])"
    r"|(^|[\s_])(rmb|cny|usd|eur|gbp|jpy|hkd)$",
    re.IGNORECASE,
)
"""A unit of money in a header: in brackets, or a currency at its end."""

_TIMELY = re.compile(r"日期|时间|日$|date|time|_at$|_on$|day", re.IGNORECASE)

_ABBREVIATED = "jan feb mar apr may jun jul aug sep oct nov dec"

_MONTH_NAMES = frozenset(_ABBREVIATED.split())


@dataclass(frozen=True)
class Kind:
    """What one column holds.

    Attributes:
        reading: How it is to be read.
        sure: Whether nothing about it is guessed.
        notes: What is odd or guessed, in words; never a value of a personal column.
        words: The texts of a column that has few different ones.
        days: Its times are days: none has a clock time.
    """

    reading: ColumnReading
    sure: bool = True
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    days: bool = False


@dataclass(frozen=True)
class Seen:
    """The texts of one column: how often each comes, and which types read them."""

    header: str
    texts: Counter[str]
    read: Mapping[str, frozenset[str]]

    @property
    def n(self) -> int:
        """How many cells hold a text."""
        return sum(self.texts.values())

    def share(self, kind: str) -> float:
        """The share of the cells that a type reads."""
        return sum(self.texts[t] for t in self.read[kind]) / self.n if self.n else 0.0

    def unread(self, kind: str) -> Counter[str]:
        """The texts that a type does not read."""
        return Counter({t: n for t, n in self.texts.items() if t not in self.read[kind]})


def timely(header: str) -> bool:
    """Whether a header speaks of a date or a time."""
    return bool(_TIMELY.search(header)) or is_called(header, DATED)


def monetary(header: str) -> bool:
    """Whether a header speaks of money."""
    named = _MONEY.search(header) or _MONEY_UNIT.search(header.strip())
    return bool(named) or is_called(header, NUMERIC, "currency")


def with_exceptions(seen: Seen, key: str, reading: ColumnReading) -> Kind:
    """A reading, with what the texts that it cannot read may mean."""
    unread = seen.unread(key)
    if not unread:
        return Kind(reading)
    fills = seen.read.get(FILLS, frozenset()) if reading.type in DATED else frozenset()
    words = [t for t in unread if t.strip().lower() in NULL_WORDS or t in fills]
    others = Counter({_pattern(t): 0 for t in unread if t not in words})
    for text, n in unread.items():
        if text not in words:
            others[_pattern(text)] += n
    frequent = [p for p, n in others.most_common(8) if n >= max(3, 0.001 * seen.n)]
    nulls = tuple(t.strip() for t in words) + tuple(p for p in frequent if _is_wording(p))
    n = sum(unread.values())
    note = f"{n:,} of {seen.n:,} texts tried are no {reading.type}"
    sure = not nulls and n <= (1 - NEARLY_ALL) * seen.n
    return Kind(reading.model_copy(update={"nulls": nulls}), sure, (note,))


def _is_wording(pattern: str) -> bool:
    """Whether a pattern is words for "no value", not a value that could not be read."""
    if not pattern.endswith("*"):
        return bool(re.search(r"[^\W\d]", pattern)) and not re.search(r"\d", pattern)
    head = pattern[:-1].strip(" .,-")
    return not (re.fullmatch(r"[A-Za-z]{3}|\W*", head) or head.lower()[:3] in _MONTH_NAMES)


def _pattern(text: str) -> str:
    """A text with what follows its first digit left open: ``See DN-304 (…)`` → ``See DN-*``."""
    head = re.split(r"\d", text.strip(), maxsplit=1)[0]
    return f"{head}*" if head != text.strip() and len(head) > 3 else text.strip()
