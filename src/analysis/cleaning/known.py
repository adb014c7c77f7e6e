"""The sources as they were at the end of a month: what came later is not read.

A row that says when it began is dated by that. Rows that do not (an empty or impossible date, a
row that never became cells) are dated by their neighbours: they came later where most dated rows
of their stretch of the file did. A file of which hardly a row had begun was not there at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from types import MappingProxyType

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..engine import Engine
from ..sources import LINE_BITS, ROW, Ingested, LostRow, Part, Rows, SourceTable
from ..workspace import Month
from .corrections import Corrected
from .merging import is_empty
from .rules import FAR_FUTURE_YEARS
from .selects import KNOWN, engine_table

STRETCH_BITS = 6
"""64 successive rows of a file are neighbours: few enough to lie within days of each other in a
busy system, enough that a mistyped date does not decide."""
STRAGGLERS = 0.05
"""A file came later though up to this share of its rows began before: rows that were sent again,
or booked late. All such files together hold no more of the source's rows of the month, and of all
that began by its end: else they are no stragglers, and no file is left out."""


@dataclass(frozen=True)
class _Marks:
    """What the dates of a row say.

    Attributes:
        dated: It has a plausible one.
        known: It began by the month's end.
        recent: It began in the month.
    """

    dated: ir.BooleanValue
    known: ir.BooleanValue
    recent: ir.BooleanValue


def known_by(
    ingested: Ingested,
    dates: Mapping[str, Sequence[str]],
    as_of: Month,
    *,
    ahead: Collection[str] = (),
) -> Ingested:
    """The sources without what came after a month.

    Args:
        ingested: All of them, read; they are not changed.
        dates: Source → the columns that say when a row began (`dated_sources`); sources that
            are not named are left whole.
        as_of: The month.
        ahead: Sources whose rows are written before they begin: none of their files is left out
            as a whole.

    Returns:
        The same sources, under names of their own in the engine (`KNOWN`); each tells how many
        rows came later.
    """
    engine, sources = ingested.engine, dict(ingested.sources)
    for name, source in ingested.sources.items():
        if name in dates and source.parts and source.rows:
            sources[name] = _known(engine, source, dates[name], as_of, whole=name in ahead)
        engine.view(engine_table(name, KNOWN), sources[name].table)
    kept = replace(ingested, sources=MappingProxyType(sources))
    return _touched_by_then(kept) if isinstance(kept, Corrected) else kept


def _touched_by_then(kept: Corrected) -> Corrected:
    """What a correction found in a later row is not told."""
    touched = tuple(
        replace(one, rows=one.rows.semi_join(kept.sources[one.correction.source].table, ROW))
        if kept.sources[one.correction.source].later
        else one
        for one in kept.touched
    )
    return replace(kept, touched=touched)


def _known(
    engine: Engine, source: SourceTable, columns: Sequence[str], as_of: Month, *, whole: bool
) -> SourceTable:
    table = source.table
    marks = _marks(source, columns, as_of)
    files = _counted(table, LINE_BITS, marks).execute().set_index("_of")
    if files.dated.sum() == files.known.sum():
        return source
    stretches = engine.materialise(_counted(table, STRETCH_BITS, marks))
    gone = [] if whole else _later_files(files)
    mostly = files.index[2 * files.known < files.dated].tolist()
    began = marks.known | ~marks.dated
    there = (table[ROW] >> LINE_BITS).notin(gone) if gone else ibis.literal(True)
    rows = table.filter(there & began)
    undated = rows.filter(~marks.dated).select(ROW)
    later = engine.materialise(_among_later(undated, stretches, mostly))
    rows = rows if is_empty(later) else rows.anti_join(later, ROW)
    there_then = [one for one in source.lost if one.row >> LINE_BITS not in gone]
    lost = _lost_by_then(there_then, stretches, mostly)
    number = int(rows.count().execute())
    n_later = source.rows - number + len(source.lost) - len(lost)
    known = source.holding(Rows(rows, lost, number, n_later))
    return replace(known, parts=_parts(source, gone))


def _marks(source: SourceTable, columns: Sequence[str], as_of: Month) -> _Marks:
    horizon = as_of.end.replace(year=as_of.end.year + FAR_FUTURE_YEARS)
    dated, known, recent = [], [], []
    for name in columns:
        began, kind = source.table[name], source.source.reading(name).type
        plausible = began < _moment(kind, horizon)
        by_then = began < _moment(kind, as_of.end)
        dated.append(plausible.fill_null(False))
        known.append(by_then.fill_null(False))
        recent.append((by_then & (began >= _moment(kind, as_of.start))).fill_null(False))
    return _Marks(reduce(or_, dated), reduce(or_, known), reduce(or_, recent))


def _moment(kind: str, moment: dt.datetime) -> ir.Value:
    """A first instant of a month in a column's type."""
    if kind == "month":
        return ibis.literal(f"{moment:%Y-%m}")
    return ibis.literal(moment.date() if kind == "date" else moment)


def _counted(table: ir.Table, bits: int, marks: _Marks) -> ir.Table:
    """How many rows of each file or stretch (``_of``) are dated, known and recent."""
    counts = {"dated": marks.dated.sum(), "known": marks.known.sum(), "recent": marks.recent.sum()}
    return table.group_by(_of=table[ROW] >> bits).agg(**counts)


def _later_files(files: pd.DataFrame) -> list[int]:
    """Files of which hardly a row had begun, where all of them hold hardly any of what had.

    A file a branch, each over years, has hardly a row of its first months either; but together
    such files hold those months.
    """
    month = files.recent if files.recent.sum() else files.known
    hardly = (files.known <= STRAGGLERS * files.dated) & (month <= STRAGGLERS * month.sum())
    gone = files[hardly & (files.dated > 0)]
    held = gone[["known", "recent"]].sum() <= STRAGGLERS * files[["known", "recent"]].sum()
    return [int(part) for part in gone.index] if held.all() else []


def _among_later(rows: ir.Table, stretches: ir.Table, mostly: Sequence[int]) -> ir.Table:
    """Those rows (`ROW`) whose neighbours came later; without dated ones the whole file decides."""
    near = rows.mutate(_of=rows[ROW] >> STRETCH_BITS).left_join(stretches, "_of")
    file = (near[ROW] >> LINE_BITS).isin(list(mostly)) if mostly else ibis.literal(False)
    stretch = near.known * 2 < near.dated
    return near.filter((near.dated > 0).fill_null(False).ifelse(stretch, file)).select(ROW)


def _lost_by_then(
    lost: Sequence[LostRow], stretches: ir.Table, mostly: Sequence[int]
) -> tuple[LostRow, ...]:
    """The rows that never became cells, without those among later ones."""
    if not lost:
        return ()
    rows = ibis.memtable({ROW: [one.row for one in lost]}, schema={ROW: "int64"})
    later = set(_among_later(rows, stretches, mostly).execute()[ROW])
    return tuple(one for one in lost if one.row not in later)


def _parts(source: SourceTable, gone: Sequence[int]) -> tuple[Part, ...]:
    """The files that were there; of a source that must be there at least their names."""
    parts = tuple(part for part in source.parts if part.number not in gone)
    return parts if parts or source.source.optional else source.parts
