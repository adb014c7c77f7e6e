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
FATES: tuple[Fate, ...] = ("kept", "merged", "rejected", "later")
"""From the best to the worst."""

LOOKUP = "lookup"


def left_out(
    engine: Engine, source: SourceTable, offered: Candidates
) -> tuple[int, int, ir.Table | None]:
    """Rows of the source that the SELECT did not yield.

    Returns:
        How many its WHERE left out, how many a JOIN let fall, and the latter (`ROW`).

    Raises:
        ParamsError: A JOIN yields rows more than once.
    """
    query = offered.query
    if not query.filters:
        return 0, 0, None
    column = offered.table[ROWS].unnest() if query.grouped else offered.table[ROW]
    seen = offered.table.select(**{ROW: column})
    _refuse_fan_out(seen, offered)
    absent = engine.materialise(source.table.select(ROW).anti_join(seen, ROW))
    let_through = engine.sql(query.from_sql).select(ROW).distinct()
    fallen = engine.materialise(absent.anti_join(let_through, ROW))
    n_fallen = _count(fallen)
    return _count(absent) - n_fallen, n_fallen, fallen


def entry_of(
    source: SourceTable,
    unique: Unique,
    merged: Merged,
    kept: ir.Table,
    missing: ir.Table | None,
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
    else:
        counts = _counts_of_many(sets) if query.many else _counts(sets)
    return Entry(
        source=source.name,
        system=source.source.system,
        table=query.table,
        rows_in_files=source.rows + len(source.lost) + source.later,
        rows_later=counts["later"] + source.later,
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
        rows_in_files=source.rows + len(source.lost) + source.later,
        rows_later=source.later,
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


def _fates(unique: Unique, merged: Merged, kept: ir.Table, missing: ir.Table | None) -> ir.Table:
    """One row an end that a row of the SELECT came to: ``_fate``, `ROW`."""
    place, table = unique.place, unique.offered.table
    ended = table.filter(table[LATER] | table[REJECTED])
    fate = ended[LATER].ifelse(_code("later"), _code("rejected"))
    sets = [ended.select(_fate=fate, **{ROW: ended[ROW]}), _contributions(kept, place)]
    rejected = [unique.contradicting, _of_part(merged.clashing, place)]
    rejected += [contributed(missing, place)] if missing is not None else []
    ends: tuple[tuple[Fate, list[ir.Table | None]], ...] = (
        ("rejected", rejected),
        ("merged", [unique.twice, _of_part(merged.further, place)]),
    )
    for code, listed in ends:
        sets += [t.select(_fate=_code(code), **{ROW: t[ROW]}) for t in listed if t is not None]
    return ibis.union(*sets)


def _contributions(kept: ir.Table, place: int) -> ir.Table:
    """Rows that stand in the table: kept where no earlier SELECT has one, else merged."""
    own = kept.filter(kept[f"_row_{place}"].notnull())
    earlier = [own[f"_row_{at}"].notnull() for at in range(place)]
    preceded = reduce(lambda one, other: one | other, earlier) if earlier else ibis.literal(False)
    fate = preceded.ifelse(_code("merged"), _code("kept"))
    return own.select(_fate=fate, **{ROW: own[f"_row_{place}"]})


def _of_part(table: ir.Table | None, place: int) -> ir.Table | None:
    return None if table is None else table.filter(table["_part"] == place)


def _code(fate: Fate) -> ir.IntegerScalar:
    return ibis.literal(FATES.index(fate), "int8")


def _by_fate(table: ir.Table, **measures: ir.Value) -> list[dict[Fate, int]]:
    """Each measure by fate."""
    frame = table.group_by("_fate").agg(**measures).execute().set_index("_fate")
    return [
        {fate: int(frame[name].get(at, 0)) for at, fate in enumerate(FATES)} for name in measures
    ]


def _counts(fates: ir.Table) -> dict[Fate, int]:
    return _by_fate(fates, n=fates.count())[0]


def _counts_of_groups(offered: Candidates, fates: ir.Table) -> dict[Fate, int]:
    """Of a kept group one row counts as kept, the others as merged."""
    sizes = offered.table.select(ROW, _n=offered.table[ROWS].length())
    sized = fates.inner_join(sizes, ROW)
    rows, groups = _by_fate(sized, rows=sized["_n"].sum(), groups=sized.count())
    further = rows["kept"] - groups["kept"]
    return {**rows, "kept": groups["kept"], "merged": rows["merged"] + further}


def _counts_of_many(fates: ir.Table) -> dict[Fate, int]:
    """A row that yields several ends as the best that any of them came to."""
    best = fates.group_by(ROW).agg(_fate=fates["_fate"].min())
    return _counts(best)


def _refuse_fan_out(seen: ir.Table, offered: Candidates) -> None:
    if not offered.query.joins or offered.query.many:
        return
    counts = seen.agg(rows=seen.count(), distinct=seen[ROW].nunique()).execute().iloc[0]
    if counts["rows"] != counts["distinct"]:
        raise fan_out(offered, int(counts["rows"] - counts["distinct"]))


def _count(table: ir.Table) -> int:
    return int(table.count().execute())
