"""How many different kinds there are in a group, without counting them one by one.

Each kind is a bit of an integer, and a group the union of its integers: the engine unites bits in a
third of the time that it takes to tell apart texts in every group, and one integer holds the days
of a month, the services and the kinds of cargo together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, or_

import ibis
import ibis.expr.types as ir
from ibis import Deferred, _

WORD_BITS = 62
"""Kinds that one integer remembers, a bit for each."""
MOST_WORDS = 6
"""With more kinds (destinations written as addresses) the engine counts them one by one."""
KINDS = {
    "service": "services_n",
    "destination_region": "destinations_n",
    "cargo_type": "cargo_types_n",
}
"""Column of a shipment → how many different ones a customer had in a month."""
DAYS_N = "shipping_days_n"
MOST_DAYS = 31


@ibis.udf.scalar.builtin(name="bit_count", signature=(("int64",), "int64"))
def bits(_number: int) -> int:  # type: ignore[empty-body]
    """How many bits of a number are set (a function of the engine)."""


@dataclass(frozen=True)
class Kinds:
    """Shipments whose kinds can be counted in groups.

    Attributes:
        shipments: With an integer for each of `sums`.
        sums: Column → how a group of these shipments has it.
        counts: Column → how many different kinds a group has, from its `sums`.
        words: The columns of `sums` that only `counts` needs.
    """

    shipments: ir.Table
    sums: Mapping[str, Deferred]
    counts: Mapping[str, Deferred | ir.IntegerScalar]
    words: Sequence[str]


def with_kinds(shipments: ir.Table, kinds_n: Mapping[str, int]) -> Kinds:
    """Make different services, destinations, kinds of cargo and days countable.

    Args:
        shipments: One row a shipment; all of them are looked at.
        kinds_n: How many different kinds they hold at most, by column.
    """
    few = {kind: n for kind, n in kinds_n.items() if n <= MOST_WORDS * WORD_BITS}
    sizes = {"day": MOST_DAYS, **few}
    marked = shipments.mutate(day_place=shipments.shipped_at.day() - 1)
    for kind in few:
        listed = shipments.filter(shipments[kind].notnull()).select(kind).distinct()
        place = ibis.row_number().over(ibis.window(order_by=listed[kind]))
        codes = listed.select(**{f"{kind}_named": listed[kind], f"{kind}_place": place})
        marked = marked.left_join(codes, marked[kind] == codes[f"{kind}_named"])
    fields = _fields(sizes)
    words = {
        f"_word_{word}": reduce(
            or_, (_bit(marked[f"{f.kind}_place"], f) for f in fields if f.word == word)
        )
        for word in sorted({field.word for field in fields})
    }
    names = {"day": DAYS_N, **KINDS}
    sums = {name: _[name].bit_or() for name in words}
    sums |= {KINDS[kind]: _[kind].nunique() for kind in kinds_n if kind not in few}
    counts = {names[kind]: _counted([f for f in fields if f.kind == kind]) for kind in sizes}
    return Kinds(marked.mutate(**words), sums, counts, tuple(words))


@dataclass(frozen=True)
class _Field:
    """The bits of a kind's places in one word: those from `low` to `high` lie from `shift` on."""

    kind: str
    word: int
    low: int
    high: int
    shift: int
    is_all: bool

    @property
    def mask(self) -> ir.IntegerScalar:
        return ibis.literal(((1 << (self.high - self.low)) - 1) << self.shift, "int64")


def _fields(sizes: Mapping[str, int]) -> list[_Field]:
    """Where the places of each kind lie; a word is filled before the next one is begun."""
    fields: list[_Field] = []
    begins = 0
    for kind, n in sizes.items():
        low = 0
        while low < n:
            word, shift = divmod(begins, WORD_BITS)
            high = min(n, low + WORD_BITS - shift)
            fields.append(_Field(kind, word, low, high, shift, is_all=high - low == n))
            begins += high - low
            low = high
    return fields


def _counted(fields: Sequence[_Field]) -> Deferred | ir.IntegerScalar:
    """How many bits of a kind's fields are set."""
    parts = [bits(_[f"_word_{field.word}"] & field.mask) for field in fields]
    return reduce(add, parts) if parts else ibis.literal(0, "int64")


def _bit(place: ir.IntegerColumn, field: _Field) -> ir.IntegerColumn:
    """The bit of a place; no bit where there is none, or where another field has it."""
    one, shift = ibis.literal(1, "int64"), place - field.low + field.shift
    if not field.is_all:
        shift = ibis.ifelse(place.between(field.low, field.high - 1), shift, None)
    return (one << shift).fill_null(0)
