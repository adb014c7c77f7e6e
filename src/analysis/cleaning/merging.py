"""Rows that are about the same thing, within one source and across sources, become one row.

Within a source an exact duplicate is merged and a contradicting one rejected (the first in the
files stays). Across sources the SELECTs' order is the precedence, field by field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import ibis
import ibis.expr.types as ir

from ..engine import Engine
from ..errors import ParamsError
from ..sources import ROW
from ..tables import Contract
from .candidates import OWN_ID, Candidates

ANOTHER = "another_customer_id"
HAS, WON, OVERRULED = "_has_", "_won_", "_over_"
"""Prefixes of integers, one a SELECT: bit i says that it has a value in column i of the contract,
that its value stands in the table, that another value stands there. Only columns that several
SELECTs yield have bits."""


@dataclass(frozen=True)
class Unique:
    """The rows of one SELECT with every key once.

    Attributes:
        offered: Where they come from.
        place: Of the SELECT among those that take part; earlier ones take precedence.
        rows: One row a key.
        twice: Further exact copies: `ROW`; None where there are none.
        contradicting: Further rows of a key that say something else: `ROW` and ``value`` (the
            key as text); None where there are none.
    """

    offered: Candidates
    place: int
    rows: ir.Table
    twice: ir.Table | None = None
    contradicting: ir.Table | None = None


@dataclass(frozen=True)
class Merged:
    """One canonical table, merged.

    Attributes:
        table: One row a key: the contract's columns and, a SELECT i each, ``_row_i``: the row
            that it contributed, null where it has none; of several SELECTs also the bits
            `HAS`, `WON`, `OVERRULED`.
        wins: Where customers' ids meet and several SELECTs take part: one row a value offered:
            column, ``_part``, won, is_preceded (an earlier row of the key left it empty),
            overruled; else None.
        further: Of every SELECT the further rows that went into a kept row: ``_part``, `ROW`;
            None where there are none.
        clashing: Of every SELECT the rows that contradict a row of the same customer under
            another of its ids: ``_part``, `ROW`, ``value``; None where there are none.
    """

    table: ir.Table
    wins: ir.Table | None = None
    further: ir.Table | None = None
    clashing: ir.Table | None = None


def unique(engine: Engine, offered: Candidates, place: int) -> Unique:
    """Make every key unique within one SELECT.

    Raises:
        ParamsError: One source row came twice under the same key: a JOIN multiplies rows.
    """
    usable, key = offered.usable, offered.key
    counts = usable.group_by(key).agg(_n=usable.count())
    doubled = engine.materialise(counts.filter(counts["_n"] > 1).drop("_n"))
    if is_empty(doubled):
        return Unique(offered, place, usable)
    copies = engine.materialise(_ranked(usable.semi_join(doubled, key), key))
    _refuse_fan_out(copies, offered)
    key_text = reduce(lambda one, other: one + " | " + other, [_shown(copies[c]) for c in key])
    copies = copies.mutate(value=key_text)
    first = copies.filter(copies["_rank"] == 0).select(usable.columns)
    rest = copies.filter(copies["_rank"] > 0)
    return Unique(
        offered,
        place,
        usable.anti_join(doubled, key).union(first),
        rest.filter(rest["_same"]).select(ROW, "value"),
        rest.filter(~rest["_same"]).select(ROW, "value"),
    )


def merged(engine: Engine, contract: Contract, parts: Sequence[Unique]) -> Merged:
    """Merge the SELECTs of one canonical table.

    Args:
        engine: Keeps the result.
        contract: The table's contract.
        parts: One each SELECT, in the order of precedence.
    """
    if "customer_id" in contract.key:
        return _by_customer(engine, contract, parts)
    shaped = [_numbered(part.rows, at) for at, part in enumerate(parts)]
    if len(parts) > 1:
        shaped = [_with_bits(rows, at, shaped, contract) for at, rows in enumerate(shaped)]
    joined = shaped[0]
    for at, other in enumerate(shaped[1:]):  # Ibis 12 cannot join on to a join that coalesces
        joined = _joined(engine.materialise(joined) if at else joined, other, contract)
    table = _filled(joined, contract, len(parts))
    return Merged(engine.materialise(table) if len(parts) > 1 else table)


def is_empty(table: ir.Table) -> bool:
    """Whether a computed table has no rows."""
    return int(table.count().execute()) == 0


def _shown(value: ir.Value) -> ir.StringValue:
    return value.cast("string").fill_null("")


def _ranked(rows: ir.Table, key: list[str]) -> ir.Table:
    """Copies of each key in the files' order, and whether they say the same as the first."""
    window = ibis.window(group_by=key, order_by=ROW)
    said = [c for c in rows.columns if not c.startswith("_") and c not in key]
    same = [rows[c].identical_to(rows[c].first(include_null=True).over(window)) for c in said]
    all_same = reduce(lambda one, other: one & other, same) if same else ibis.literal(True)
    first_row = rows[ROW].first().over(window)
    return rows.mutate(_rank=ibis.row_number().over(window), _same=all_same, _first_row=first_row)


def _refuse_fan_out(copies: ir.Table, offered: Candidates) -> None:
    query = offered.query
    if not query.joins:
        return
    again = copies.filter((copies["_rank"] > 0) & (copies[ROW] == copies["_first_row"]))
    times = int(again.count().execute())
    if times:
        raise fan_out(offered, times)


def fan_out(offered: Candidates, times: int) -> ParamsError:
    """The error for a SELECT that yields rows of its counted source more than once."""
    query = offered.query
    return ParamsError(
        "The SELECT yields rows of its counted source more than once",
        where=f"tables.{query.table}[{query.index}], source '{query.counted}'",
        got=f"{times:,} rows too many",
        allowed="each row of the source at most once",
        todo="A JOIN finds several partners: group the joined source to one row first, or "
        "count that one; 'many: true' allows several rows with different keys.",
    )


def _numbered(rows: ir.Table, at: int) -> ir.Table:
    own = [name for name in rows.columns if not name.startswith("_")]
    return rows.select(*own, **{f"_row_{at}": rows[ROW]})


def _joined(one: ir.Table, other: ir.Table, contract: Contract) -> ir.Table:
    """Both tables' rows by key, the first one's values before the second's."""
    both = one.outer_join(other, list(contract.key), rname="{name}__b")
    values: dict[str, ir.Value] = {}
    for name in dict.fromkeys([*one.columns, *other.columns]):
        if name in one.columns and name in other.columns:
            values[name] = ibis.coalesce(both[name], both[f"{name}__b"])
        else:
            values[name] = both[name]
    at = max(int(name.removeprefix(HAS)) for name in other.columns if name.startswith(HAS))
    values |= _contest(both, one, other, contract, at)
    return both.select(**values)


def _with_bits(rows: ir.Table, at: int, shaped: Sequence[ir.Table], contract: Contract) -> ir.Table:
    """With the bits of the values that a SELECT offers where another one does, too."""
    flags = [
        (bit, rows[name].notnull())
        for bit, name in enumerate(contract.columns)
        if name not in contract.key
        and name in rows.columns
        and sum(name in other.columns for other in shaped) > 1
    ]
    has = bits_where(flags)
    return rows.mutate(
        **{f"{HAS}{at}": has, f"{WON}{at}": has, f"{OVERRULED}{at}": ibis.literal(0, "int64")}
    )


def _contest(
    both: ir.Table, one: ir.Table, other: ir.Table, contract: Contract, at: int
) -> dict[str, ir.Value]:
    """Who won: the later SELECT has a value of its own, the same one, or is overruled."""
    shared = [
        (bit, both[name], both[f"{name}__b"])
        for bit, name in enumerate(contract.columns)
        if name in one.columns and name in other.columns and name not in contract.key
    ]
    stands = [(bit, first.notnull() & later.notnull()) for bit, first, later in shared]
    differs = [(bit, first != later) for bit, first, later in shared]
    own = both[f"{WON}{at}"].fill_null(0)
    won = own - (own & bits_where(stands))  # Ibis 12 writes ~(a | b) as ~a | b
    return {f"{WON}{at}": won, f"{OVERRULED}{at}": bits_where(differs)}


def bits_where(flags: Sequence[tuple[int, ir.BooleanValue]]) -> ir.IntegerValue:
    """An integer whose bit i says whether flag i holds; null counts as no."""
    listed = [flag.fill_null(False).ifelse(1 << bit, 0).cast("int64") for bit, flag in flags]
    return reduce(lambda one, other: one | other, listed) if listed else ibis.literal(0, "int64")


def _filled(table: ir.Table, contract: Contract, parts: int) -> ir.Table:
    """All columns of the contract in order; those that no source yields are null."""
    values = {
        name: table[name] if name in table.columns else ibis.null(column.ibis_type)
        for name, column in contract.columns.items()
    }
    prefixes = ("_row_", HAS, WON, OVERRULED) if parts > 1 else ("_row_",)
    told = {f"{name}{at}": table[f"{name}{at}"] for name in prefixes for at in range(parts)}
    return table.select(**values, **told)


def _by_customer(engine: Engine, contract: Contract, parts: Sequence[Unique]) -> Merged:
    """Tables whose key holds the customer: ids that turned out to be one customer meet here."""
    stacked = engine.materialise(
        ibis.union(*(_stacked(part.rows, contract, at) for at, part in enumerate(parts)))
        if len(parts) > 1
        else _stacked(parts[0].rows, contract, 0)
    )
    key = list(contract.key)
    ranked = engine.materialise(_ranked_ids(stacked, contract, key))
    kept, clashing = ranked.filter(~ranked["_clash"]), ranked.filter(ranked["_clash"])
    values = {
        name: kept[name].sum()
        if name in contract.summed
        else kept[name].first(order_by=kept["_rank"])
        for name in contract.columns
        if name not in key
    }
    rows = {
        f"_row_{at}": kept[ROW].min(where=(kept["_part"] == at) & (kept["_rank"] == 0))
        for at in range(len(parts))
    }
    table = engine.materialise(
        kept.group_by(key).agg(**values, **rows).select(*contract.columns, *rows)
    )
    further = engine.materialise(kept.filter(kept["_rank"] > 0).select("_part", ROW))
    clashing = engine.materialise(clashing.select("_part", ROW, value=OWN_ID))
    return Merged(
        table,
        _wins(engine, kept, contract) if len(parts) > 1 else None,
        None if is_empty(further) else further,
        None if is_empty(clashing) else clashing,
    )


def _wins(engine: Engine, kept: ir.Table, contract: Contract) -> ir.Table:
    """One row a value that a row of a customer offers, and whether it won its field."""
    key = list(contract.key)
    ordered = ibis.window(group_by=key, order_by="_rank")
    fields = []
    for name in contract.columns:
        if name in key or name in contract.summed:
            continue
        offered = kept.select(*key, "_rank", "_part", _value=kept[name].cast("string"))
        first = offered["_value"].first().over(ordered)
        earlier = (
            offered["_value"]
            .count()
            .over(ibis.window(group_by=key, order_by="_rank", preceding=(None, 1)))
        )
        told = offered.mutate(_first=first, _earlier=earlier)
        told = told.filter(told["_value"].notnull())
        fields.append(
            told.select(
                "_part",
                column=ibis.literal(name),
                won=told["_earlier"] == 0,
                is_preceded=told["_rank"] > 0,
                overruled=(told["_earlier"] > 0) & (told["_value"] != told["_first"]),
            )
        )
    return engine.materialise(ibis.union(*fields))


def _stacked(rows: ir.Table, contract: Contract, at: int) -> ir.Table:
    values = {
        name: rows[name] if name in rows.columns else ibis.null(column.ibis_type)
        for name, column in contract.columns.items()
    }
    part = ibis.literal(at, "int64")
    return rows.select(**values, **{OWN_ID: rows[OWN_ID], ROW: rows[ROW], "_part": part})


def _ranked_ids(rows: ir.Table, contract: Contract, key: list[str]) -> ir.Table:
    """Rows of a key by precedence; a clash says another value in a required column."""
    window = ibis.window(group_by=key, order_by=["_part", OWN_ID, ROW])
    must_agree = [
        name
        for name, column in contract.columns.items()
        if column.required and name not in key and name not in contract.summed
    ]
    clash = ibis.literal(False)
    for name in must_agree:
        first = rows[name].first(include_null=True).over(window)
        clash = clash | ~rows[name].identical_to(first)
    return rows.mutate(_rank=ibis.row_number().over(window), _clash=clash)
