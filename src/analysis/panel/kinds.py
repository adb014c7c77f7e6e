"""How many different kinds there are in a group, without counting them one by one.

Each kind is a bit of an integer, and a group the union of its integers: the engine unites bits in a
third of the time that it takes to tell apart texts in every group.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import ibis
import ibis.expr.types as ir

Counted = Callable[[ir.Table], ir.IntegerValue]
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


@ibis.udf.scalar.builtin(name="bit_count", signature=(("int64",), "int64"))
def bits(_number: int) -> int:  # type: ignore[empty-body]
    """How many bits of a number are set (a function of the engine)."""


def with_kinds(shipments: ir.Table) -> tuple[ir.Table, dict[str, Counted]]:
    """The shipments, and how to count different services, destinations and kinds of cargo.

    Args:
        shipments: One row a shipment; all of them are looked at.

    Returns:
        The shipments with a place for each kind, and column → how it is counted in a group of them.
    """
    kinds_n = shipments.aggregate(**{k: shipments[k].nunique() for k in KINDS}).execute().iloc[0]
    marked = shipments
    different: dict[str, Counted] = {}
    for kind, name in KINDS.items():
        words = -(-int(kinds_n[kind]) // WORD_BITS)
        if words > MOST_WORDS:
            different[name] = partial(_one_by_one, column=kind)
            continue
        listed = shipments.filter(shipments[kind].notnull()).select(kind).distinct()
        place = ibis.row_number().over(ibis.window(order_by=listed[kind]))
        codes = listed.select(**{f"{kind}_named": listed[kind], f"{kind}_place": place})
        marked = marked.left_join(codes, marked[kind] == codes[f"{kind}_named"])
        different[name] = partial(_different, column=f"{kind}_place", words=words)
    return marked, different


def _one_by_one(shipments: ir.Table, column: str) -> ir.IntegerValue:
    return shipments[column].nunique()


def _different(shipments: ir.Table, column: str, words: int) -> ir.IntegerValue:
    """How many different places there are in a group; they lie below `words` × `WORD_BITS`."""
    place = shipments[column]
    bit = ibis.literal(1, "int64") << (place % WORD_BITS)
    parts = [bits(bit.bit_or(where=place // WORD_BITS == word)) for word in range(words)]
    return sum((part.fill_null(0) for part in parts), ibis.literal(0, "int64"))
