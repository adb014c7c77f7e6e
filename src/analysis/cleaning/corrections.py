"""Declared corrections applied to the sources, each held against what it expects to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..engine import Engine
from ..errors import AnalysisError, ParamsError, raise_all
from ..params import in_language
from ..params.corrections import ROWS_EXPECTED, Bounds, Correction
from ..sources import FAULTS, ROW, UNUSABLE, Ingested, LostRow, Rows, SourceTable
from .conditions import declared, expected, matched, typed, unknown_source

RULE = "correction:"
"""How the rules of corrections begin in the list of rejects."""

APPLIED_COLUMNS = (
    "id", "source", "action", "column", "status", "rows_n", "reason", "who",
)  # fmt: skip
ENDS = {"set": "corrected", "scale": "corrected", "flag": "flagged", "drop": "rejected"}
"""Action → what the list of rejects says of the row."""


@dataclass(frozen=True)
class Touched:
    """The rows that a correction changed or flagged.

    Attributes:
        correction: Which one.
        rows: One row a source row: `ROW`, and ``value``: what stood there before, as text.
    """

    correction: Correction
    rows: ir.Table


@dataclass(frozen=True)
class Corrected(Ingested):
    """The sources with their declared corrections.

    Attributes:
        applied: One row a correction: id, source, action, column, status, rows_n (that it
            matched; 0 where it is retired or its optional source is absent), reason, who.
        touched: Rows changed or flagged, for the list of rejects; dropped rows are among the
            sources' lost ones.
    """

    applied: pd.DataFrame
    touched: tuple[Touched, ...]


def correct(ingested: Ingested, corrections: Sequence[Correction]) -> Corrected:
    """Apply corrections in their order.

    Args:
        ingested: The sources as read; they are not changed, but the views that SELECTs read
            now show the corrected rows.
        corrections: As `load_corrections` read them.

    Returns:
        The sources, each row of them as corrected.

    Raises:
        ParamsError: With every correction that names an unknown source or column, matches no
            row, or does not find what it expects.
    """
    sources = dict(ingested.sources)
    faults: list[AnalysisError] = []
    counts: list[int] = []
    touched: list[Touched] = []
    for one in corrections:
        try:
            source, rows_n, found = _applied(ingested.engine, sources, one)
        except AnalysisError as fault:
            faults.append(fault)
            continue
        sources[one.source] = source
        counts.append(rows_n)
        touched += [found] if found else []
    raise_all(faults)
    rows = [
        (c.id, c.source, c.action, c.column, c.status, n, *_told(c))
        for c, n in zip(corrections, counts, strict=True)
    ]
    applied = pd.DataFrame(rows, columns=list(APPLIED_COLUMNS)).astype({"rows_n": "int64"})
    return Corrected(MappingProxyType(sources), ingested.engine, applied, tuple(touched))


def _told(one: Correction) -> tuple[str, str]:
    """Its reason and who decided it, for the table: in English where both languages are given."""
    return in_language(one.reason, "en"), in_language(one.who, "en")


def _applied(
    engine: Engine, sources: dict[str, SourceTable], one: Correction
) -> tuple[SourceTable, int, Touched | None]:
    source = _source_of(sources, one)
    _refuse_misfit(source, one)
    if not one.is_applied or not source.parts:
        return source, 0, None
    found = engine.materialise(_found(source, one))
    rows_n = _held(found, one)
    table = source.table
    if one.action == "flag":
        return source, rows_n, Touched(one, found)
    if one.action == "drop":
        return without_rows(engine, source, found, one.rule), rows_n, None
    changed = _changed(engine, table, found, source, one)
    return _shown(engine, source, changed), rows_n, Touched(one, found)


def _source_of(sources: dict[str, SourceTable], one: Correction) -> SourceTable:
    if one.source not in sources:
        raise unknown_source(one, sources)
    return sources[one.source]


def _refuse_misfit(source: SourceTable, one: Correction) -> None:
    """Refuse columns and values that do not fit the source, also of a retired correction."""
    matched(source.table, one, source)
    expected(source.table, one, source)
    if one.action == "set":
        kind = declared(one.column, source, f"{one.id}.column")
        if one.value is not None:
            typed(one.value, kind, f"{one.id}.value")
    if one.action == "scale":
        kind = declared(one.column, source, f"{one.id}.column")
        if kind not in ("number", "amount"):
            raise ParamsError(
                "Only a number can be scaled",
                where=f"{one.id}.column",
                got=f"{one.column}: {kind}",
                todo="Name a column of type number or amount.",
            )


def _found(source: SourceTable, one: Correction) -> ir.Table:
    table = source.table
    rows = table.filter(matched(table, one, source))
    before = rows[one.column].cast("string") if one.column else ibis.null("string")
    return rows.select(ROW, value=before, _expected=expected(rows, one, source))


def _held(found: ir.Table, one: Correction) -> int:
    """How many rows were found, held against the expectation."""
    counts = found.agg(n=found.count(), odd=(~found["_expected"]).sum()).execute().iloc[0]
    n, odd = int(counts["n"]), int(counts["odd"]) if counts["n"] else 0
    if n == 0:
        raise ParamsError(
            "A correction matches no row",
            where=one.id,
            got=f"0 rows of the source '{one.source}'",
            todo="The source may have been mended: set 'status: retired', or mend its 'match'.",
        )
    if odd or not _count_fits(n, one.expectation.get(ROWS_EXPECTED)):
        raise ParamsError(
            "A correction does not find what it expects",
            where=f"{one.id}.expectation",
            got=f"{odd:,} of {n:,} matched rows are not as expected" if odd else f"{n:,} rows",
            todo="The source may have been mended: correcting it again would spoil it. Set "
            "'status: retired', or renew the expectation.",
        )
    return n


def _count_fits(n: int, wanted: object) -> bool:
    if not isinstance(wanted, Bounds):
        return wanted is None or n == wanted
    limits = {k: v for k, v in wanted.model_dump().items() if v is not None}
    holds = {
        "at_least": lambda limit: n >= limit,
        "at_most": lambda limit: n <= limit,
        "above": lambda limit: n > limit,
        "below": lambda limit: n < limit,
    }
    return all(holds[name](limit) for name, limit in limits.items())


def without_rows(engine: Engine, source: SourceTable, gone: ir.Table, rule: str) -> SourceTable:
    """The source without some rows, which count as rejected.

    Args:
        engine: Holds the sources.
        source: It is not changed, but SELECTs see the rest from now on.
        gone: `ROW` of the rows, each once.
        rule: What the list of rejects says of them.
    """
    rows = gone.select(ROW).order_by(ROW).execute()[ROW]
    lost = tuple(LostRow(int(row), rule, "") for row in rows)
    kept = source.holding(Rows(source.table, (*source.lost, *lost), source.rows - len(lost)))
    return _shown(engine, kept, engine.materialise(source.table.anti_join(gone, ROW)))


def _changed(
    engine: Engine, table: ir.Table, found: ir.Table, source: SourceTable, one: Correction
) -> ir.Table:
    """The table with one column set or scaled; an unreadable cell that is set is mended."""
    hit = table[ROW].isin(found[ROW])
    table = table.mutate(_hit=hit)
    value = table[one.column]
    if one.action == "scale":
        new = value * one.factor
    elif one.value is None:
        new = ibis.null(value.type())
    else:
        kind = declared(one.column, source, one.id)
        new = typed(one.value, kind, one.id).cast(value.type())
    changed = table.mutate(**{one.column: table["_hit"].ifelse(new, value)})
    if one.action == "set":
        changed = _mended(changed, one.column)
    return engine.materialise(changed.drop("_hit").select(source.table.columns))


def _mended(table: ir.Table, column: str) -> ir.Table:
    faults = table[FAULTS]
    left = faults.filter(lambda fault: fault["column"] != column)
    left = (left.length() > 0).ifelse(left, ibis.null(faults.type()))
    mended = table.mutate(**{FAULTS: table["_hit"].ifelse(left, faults)})
    rejecting = mended[FAULTS].filter(lambda fault: fault["rejects"]).length() > 0
    return mended.mutate(
        **{UNUSABLE: mended["_hit"].ifelse(rejecting.fill_null(False), mended[UNUSABLE])}
    )


def _shown(engine: Engine, source: SourceTable, table: ir.Table) -> SourceTable:
    """The source with another table, which its SELECTs see from now on."""
    view = engine.connection.create_view(f"source_{source.name}", table, overwrite=True)
    return source.holding(Rows(view, source.lost, source.rows))
