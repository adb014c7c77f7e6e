"""What headers mean: the canonical columns that Chinese and English exports call so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ...tables import CONTRACTS
from .synonyms import PROMISE_WORDS, QUALIFIERS, SYNONYMS, TABLE_WORDS

_SHORTEST_PART = 3
"""Characters of a synonym that may be a part of a header (two where it is Chinese)."""

NAMED_SO = 1.0
"""What the name of a file counts, in headers."""

PROMISE = tuple(PROMISE_WORDS.split())
QUALIFYING = tuple(QUALIFIERS.split())
_BARE_IDS = ("id", "no", "code", "number", "编号", "编码", "代码", "单号")


@dataclass(frozen=True)
class Meaning:
    """What one header is taken for.

    Attributes:
        column: The canonical column.
        sure: The header is a known name of it, not only like one.
    """

    column: str
    sure: bool


def normal(header: str) -> str:
    """A header without unit, case, blanks and punctuation.

    Example:
        >>> normal("金额（万元）"), normal("Customer ID")
        ('金额', 'customerid')
    """
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"\(.*?\)|\[.*?\]|【.*?】", "", text) or text
    return re.sub(r"[\W_]+", "", text)


def meanings_of(headers: Sequence[str], table: str) -> dict[str, Meaning]:
    """Header → its canonical column of a table; headers that are like none are left out.

    Known names come first, then names inside a header (the longest one of all first), then an
    ``id`` that nothing else is.
    """
    found: dict[str, Meaning] = {}
    for sure, likely in ((True, _known), (False, _nested), (False, _alike), (False, _as_key)):
        taken = {meaning.column for meaning in found.values()}
        for _, header, column in sorted(_candidates(headers, table, likely), key=lambda c: c[0]):
            if header not in found and column not in taken:
                found[header] = Meaning(column, sure)
                taken.add(column)
    return _with_start(found, table)


def is_called(header: str, kinds: Container[str], unit: str = "") -> bool:
    """Whether a header is a known name of a canonical column of one of some types.

    Args:
        header: As the file writes it.
        kinds: Types of a contract's columns.
        unit: Of the column, where only those with that unit count.
    """
    for table, columns in SYNONYMS.items():
        for column in columns:
            contract = CONTRACTS[table].columns[column]
            fits = contract.type in kinds and (not unit or contract.unit == unit)
            if fits and _known(header, table, column) is not None:
                return True
    return False


def tables_of(headers: Sequence[str], called: str = "") -> list[str]:
    """The canonical tables that a file can yield, the likeliest first; empty where none.

    Args:
        headers: Of the file.
        called: The name of the file, or of its sheet.
    """
    own = {table: _score(meanings_of(headers, table), table) for table in SYNONYMS}
    also = _called(called)
    scores = {t: own[t] + (NAMED_SO if t in also and own[t] > 0 else 0) for t in own}
    best = max(scores, key=lambda table: scores[table])
    if scores[best] <= 1:
        return []
    if best in ("customers", "customer_names"):
        both = [t for t in ("customers", "customer_names") if own[t] > 1 or _named(headers, t)]
        return both or [best]
    return [best]


def _named(headers: Sequence[str], table: str) -> bool:
    """Whether customers have more than an id here: a name, a telephone …"""
    return table == "customer_names" and len(meanings_of(headers, table)) > 1


def lacking(found: Mapping[str, Meaning], table: str) -> list[str]:
    """Columns that the table must have and no header is taken for."""
    have = {meaning.column for meaning in found.values()}
    contract = CONTRACTS[table]
    needed = [n for n, c in contract.columns.items() if c.required or n in contract.key]
    return [name for name in needed if name not in have]


def _score(found: Mapping[str, Meaning], table: str) -> float:
    weight = sum(1.0 if meaning.sure else 0.5 for meaning in found.values())
    return weight - len(lacking(found, table))


def _candidates(
    headers: Sequence[str], table: str, likely: Callable[[str, str, str], int | None]
) -> list[tuple[tuple[int, int, int], str, str]]:
    """How well each header fits each column (the smaller the better), the header, the column."""
    found = []
    for at, header in enumerate(headers):
        for place, column in enumerate(SYNONYMS[table]):
            fit = likely(header, table, column) if normal(header) else None
            if fit is not None:
                found.append(((fit, at, place), header, column))
    return found


def _known(header: str, table: str, column: str) -> int | None:
    """Whether a header is a known name, written as it is or with a word that adds nothing."""
    words = _words(table)[column]
    plainly = normal(header)
    if plainly in words:
        return 0
    if column == "promised_at" and any(rest in _arrivals() for rest in _without(plainly, PROMISE)):
        return 1
    rests = _without(plainly, QUALIFYING)
    return 1 if column != "promised_at" and any(rest in words for rest in rests) else None


def _nested(header: str, table: str, column: str) -> int | None:
    """Whether the last member of a nested name (``times.picked_up``) is a known one."""
    last = header.rpartition(".")[2]
    return _known(last, table, column) if last != header and normal(last) else None


def _alike(header: str, table: str, column: str) -> int | None:
    """How much of a header is a known name, from 0 down; a promise is no delivery."""
    plainly = normal(header)
    dated = CONTRACTS[table].columns[column].type == "time"
    if dated and column != "promised_at" and any(word in plainly for word in PROMISE):
        return None
    inside = [len(word) for word in _words(table)[column] if _is_part(word, plainly)]
    return -max(inside) if inside else None


def _as_key(header: str, table: str, column: str) -> int | None:
    """Whether a header says no more than ``id``, and the column names the table's rows."""
    return 0 if normal(header) in _BARE_IDS and (column,) == CONTRACTS[table].key else None


def _with_start(found: dict[str, Meaning], table: str) -> dict[str, Meaning]:
    """The pick-up as the start of a shipment, where the order is not recorded."""
    if table != "shipments" or "shipped_at" in {m.column for m in found.values()}:
        return found
    return {
        header: Meaning("shipped_at", m.sure) if m.column == "picked_up_at" else m
        for header, m in found.items()
    }


@cache
def _words(table: str) -> dict[str, tuple[str, ...]]:
    return {c: tuple(map(normal, names.split())) for c, names in SYNONYMS[table].items()}


def _arrivals() -> tuple[str, ...]:
    return _words("shipments")["delivered_at"]


def _without(plainly: str, words: Sequence[str]) -> list[str]:
    """A header without one of some words at an end of it."""
    ahead = [plainly.removeprefix(word) for word in words if plainly.startswith(word)]
    return ahead + [plainly.removesuffix(word) for word in words if plainly.endswith(word)]


def _called(name: str) -> list[str]:
    """The tables that a file's name speaks of."""
    text = normal(name)
    return [t for t, words in TABLE_WORDS.items() if any(normal(w) in text for w in words.split())]


def _is_part(word: str, header: str) -> bool:
    least = 2 if not word.isascii() else _SHORTEST_PART
    return len(word) > least and word in header
