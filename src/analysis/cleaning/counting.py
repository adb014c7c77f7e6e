"""How the rows of a source ended, counted from the steps that decided it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import ibis
import ibis.expr.types as ir

from ..engine import Engine
from ..sources import ROW, UNUSABLE, Ingested, SourceTable
from .candidates import LATER, REJECTED, Candidates
from .ledger import Entry
from .merging import Merged, Unique, fan_out
from .selects import ROWS, Query

Fate = Literal["kept", "merged", "rejected", "later"]
LOOKUP = "lookup"


def left_out(engine: Engine, source: SourceTable, offered: Candidates) -> tuple[int, ir.Table]:
    """Rows of the source that the SELECT did not yield.

    Returns:
        How many its WHERE left out, and the rows (`ROW`) that a JOIN let fall.

    Raises:
        ParamsError: A JOIN yields rows more than once.
    """
    query = offered.query
    if not query.filters:
        return 0, offered.table.filter(ibis.literal(False)).select(ROW)
    column = offered.table[ROWS].unnest() if query.grouped else offered.table[ROW]
    seen = offered.table.select(**{ROW: column})
    _refuse_fan_out(seen, offered)
    absent = engine.materialise(source.table.select(ROW).anti_join(seen, ROW))
    let_through = engine.sql(query.from_sql).select(ROW).distinct()
    fallen = engine.materialise(absent.anti_join(let_through, ROW))
    return int(absent.count().execute()) - int(fallen.count().execute()), fallen


def entry_of(
    source: SourceTable,
    unique: Unique,
    merged: Merged,
    kept: ir.Table,
    missing: ir.Table,
    n_left_out: int,
    n_fallen: int,
) -> Entry:
    """The books of one SELECT.

    Args:
        source: The counted source.
        unique: Its rows with every key once.
        merged: The canonical table before required columns were checked.
        kept: The canonical table.
        missing: Rows of `merged.table` that lack a required value.
        n_left_out: Rows that the WHERE left out.
        n_fallen: Rows that a JOIN let fall.
    """
    query = unique.offered.query
    sets = _fates(unique, merged, kept, missing)
    if query.grouped:
        counts = _counts_of_groups(unique.offered, sets)
    elif query.many:
        counts = _counts_of_many(sets)
    else:
        counts = {fate: sum(_count(rows) for rows in listed) for fate, listed in sets.items()}
    return Entry(
        source=source.name,
        system=source.source.system,
        table=query.table,
        rows_in_files=source.rows + len(source.lost),
        rows_later=counts["later"],
        rows_left_out=n_left_out,
        rows_kept=counts["kept"],
        rows_rejected=counts["rejected"] + n_fallen + len(source.lost),
        rows_merged=counts["merged"],
    )


def lookup_entry(source: SourceTable) -> Entry:
    """The books of a source that SELECTs only join."""
    unusable = _count(source.table.filter(source.table[UNUSABLE]))
    return Entry(
        source=source.name,
        system=source.source.system,
        table=LOOKUP,
        rows_in_files=source.rows + len(source.lost),
        rows_later=0,
        rows_left_out=0,
        rows_kept=source.rows - unusable,
        rows_rejected=unusable + len(source.lost),
        rows_merged=0,
    )


def never_counted(ingested: Ingested, queries: Sequence[Query]) -> list[SourceTable]:
    """Sources that no SELECT counts."""
    counted = {query.counted for query in queries}
    return [s for name, s in ingested.sources.items() if name not in counted and s.parts]


def contributed(table: ir.Table, index: int) -> ir.Table:
    """Rows (`ROW`) of SELECT `index` that a canonical table took something from."""
    return table.filter(table[f"_row_{index}"].notnull()).select(**{ROW: table[f"_row_{index}"]})


def _fates(
    unique: Unique, merged: Merged, kept: ir.Table, missing: ir.Table
) -> dict[Fate, list[ir.Table]]:
    offered, index = unique.offered, unique.place
    table = offered.table
    own = kept[f"_row_{index}"].notnull()
    earlier = [kept[f"_row_{at}"].notnull() for at in range(index)]
    preceded = reduce(lambda one, other: one | other, earlier) if earlier else ibis.literal(False)
    row = {ROW: kept[f"_row_{index}"]}
    return {
        "later": [table.filter(table[LATER]).select(ROW)],
        "rejected": [
            table.filter(~table[LATER] & table[REJECTED]).select(ROW),
            unique.contradicting.select(ROW),
            merged.clashing[index].select(ROW),
            contributed(missing, index),
        ],
        "kept": [kept.filter(own & ~preceded).select(**row)],
        "merged": [
            kept.filter(own & preceded).select(**row),
            unique.twice.select(ROW),
            merged.further[index].select(ROW),
        ],
    }


def _counts_of_groups(offered: Candidates, sets: dict[Fate, list[ir.Table]]) -> dict[Fate, int]:
    """Of a kept group one row counts as kept, the others as merged."""
    sizes = offered.table.select(ROW, _n=offered.table[ROWS].length())
    rows: dict[Fate, int] = {}
    for fate, listed in sets.items():
        joined = [sizes.inner_join(one, ROW) for one in listed]
        rows[fate] = sum(int(one["_n"].sum().fill_null(0).execute()) for one in joined)
    groups = sum(_count(one) for one in sets["kept"])
    rows["merged"] += rows["kept"] - groups
    rows["kept"] = groups
    return rows


def _counts_of_many(sets: dict[Fate, list[ir.Table]]) -> dict[Fate, int]:
    """A row that yields several ends as the best that any of them came to."""
    order: tuple[Fate, ...] = ("kept", "merged", "rejected", "later")
    ranked = ibis.union(
        *(one.mutate(_rank=ibis.literal(at)) for at, fate in enumerate(order) for one in sets[fate])
    )
    best = ranked.group_by(ROW).agg(_rank=ranked["_rank"].min())
    counts = best.group_by("_rank").agg(n=best.count()).execute()
    found = dict(zip(counts["_rank"], counts["n"], strict=True))
    return {fate: int(found.get(at, 0)) for at, fate in enumerate(order)}


def _refuse_fan_out(seen: ir.Table, offered: Candidates) -> None:
    if not offered.query.joins or offered.query.many:
        return
    counts = seen.agg(rows=seen.count(), distinct=seen[ROW].nunique()).execute().iloc[0]
    if counts["rows"] != counts["distinct"]:
        raise fan_out(offered, int(counts["rows"] - counts["distinct"]))


def _count(table: ir.Table) -> int:
    return int(table.count().execute())

