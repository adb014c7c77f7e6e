"""Which row broke which rule: the list of rejects, with file, row, column and value."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from ..engine import Engine
from ..sources import FAULTS, LINE_BITS, ROW, UNUSABLE, SourceTable
from ..tables import CONTRACTS
from .candidates import LATER, OWN_ID, REJECTED, Candidates
from .corrections import ENDS, Touched
from .merging import ANOTHER, is_empty
from .rules import BROKEN
from .selects import ROWS, Query

SCHEMA = ibis.schema(
    {
        "table": "string",
        "source": "string",
        "_row": "int64",
        "column": "string",
        "rule": "string",
        "value": "string",
        "action": "string",
    }
)
"""``action``: rejected (the row), emptied (the cell; the row stays), filled (by another source),
corrected or flagged (by a declared correction)."""

CORRECTION = "correction"
"""What stands for the table where a declared correction changed or flagged a row."""

MASKED_KEEP = 1


def nothing() -> ir.Table:
    """No violation at all."""
    return ibis.memtable([], schema=SCHEMA)


def of_candidates(engine: Engine, offered: Candidates, source: SourceTable) -> list[ir.Table]:
    """Violations found while judging the rows of one SELECT.

    Returns:
        Tables of `SCHEMA`: broken rules, and unreadable cells that the SELECT uses; rows that
        began later are not judged.
    """
    table = offered.table.filter(~offered.table[LATER])
    troubled = engine.materialise(table.filter((table[BROKEN] != 0) | table[FAULTS].notnull()))
    if is_empty(troubled):
        return []
    return [_broken(offered, troubled), *_unreadable(offered, troubled, source)]


def of_duplicates(offered: Candidates, rows: ir.Table) -> ir.Table:
    """Rows that contradict an earlier row of the same key and source."""
    key = ", ".join(offered.contract.key)
    return _simple(offered.query, rows, key, "duplicate_key", rows.value)


def of_clashes(offered: Candidates, clashing: ir.Table) -> ir.Table:
    """Rows that contradict a row of the same customer under another id."""
    key = ", ".join(offered.contract.key)
    return _simple(offered.query, clashing, key, ANOTHER, clashing.value)


def of_missing(offered: Candidates, rows: ir.Table, column: str, rule: str) -> ir.Table:
    """Rows whose merged result lacks a required value.

    Args:
        offered: The SELECT that contributed.
        rows: `ROW` of the contributions.
        column: The required column.
        rule: ``required`` or ``unknown_customer``.
    """
    value: ir.Value = ibis.null("string")
    if rule == "unknown_customer" and OWN_ID in offered.table.columns:
        rows = rows.inner_join(offered.table.select(ROW, OWN_ID), ROW)
        value = rows[OWN_ID]
    return _simple(offered.query, rows, column, rule, value)


def of_lost(source: SourceTable, table: str) -> ir.Table:
    """Rows that never became cells."""
    columns = {
        "table": [table for _ in source.lost],
        "source": [source.name for _ in source.lost],
        "_row": [lost.row for lost in source.lost],
        "column": [None for _ in source.lost],
        "rule": [lost.rule for lost in source.lost],
        "value": [lost.told or None for lost in source.lost],
        "action": ["rejected" for _ in source.lost],
    }
    return ibis.memtable(columns, schema=SCHEMA) if source.lost else nothing()


def of_touched(found: Touched, personal: Collection[str]) -> ir.Table:
    """Rows that a declared correction changed or flagged, with what stood there before."""
    one, value = found.correction, found.rows.value
    return found.rows.select(
        table=ibis.literal(CORRECTION),
        source=ibis.literal(one.source),
        _row=found.rows[ROW],
        column=ibis.literal(one.column or None, "string"),
        rule=ibis.literal(one.rule),
        value=masked_text(value) if one.column in personal else value,
        action=ibis.literal(ENDS[one.action]),
    )


def of_lookup(source: SourceTable, personal: frozenset[str]) -> ir.Table:
    """Unreadable rows of a source that is only joined, never counted."""
    rows = source.table.filter(source.table[UNUSABLE]).select(ROW, _fault=source.table[FAULTS])
    rows = rows.mutate(_fault=rows["_fault"].unnest())
    found = rows.select(
        table=ibis.literal("lookup"),
        source=ibis.literal(source.name),
        _row=rows[ROW],
        column=rows["_fault"]["column"],
        rule=rows["_fault"]["rule"],
        value=rows["_fault"]["value"],
        action=rows["_fault"]["rejects"].ifelse("rejected", "emptied"),
    )
    return _masked(found, personal)


def not_selected(source: str, table: str, rows: ir.Table) -> ir.Table:
    """Rows that a JOIN of the SELECT lets fall because they have no partner."""
    return rows.select(
        table=ibis.literal(table),
        source=ibis.literal(source),
        _row=rows[ROW],
        column=ibis.null("string"),
        rule=ibis.literal("not_selected"),
        value=ibis.null("string"),
        action=ibis.literal("rejected"),
    )


def together(engine: Engine, found: Iterable[ir.Table]) -> ir.Table:
    """All violations in one table; what was to be filled and was not is only a rejection."""
    every = engine.materialise(ibis.union(nothing(), *found))
    named = ["table", "source", ROW, "column"]
    rejected = every.filter((every.action == "rejected") & every.column.notnull()).select(*named)
    filled = every.filter(every.action == "filled").anti_join(rejected.distinct(), named)
    return every.filter(every.action != "filled").union(filled)


def rows_rejected(rejects: ir.Table) -> dict[tuple[str, str], int]:
    """Source and table → rows with a rule that rejected them, each counted once."""
    rows = rejects.filter(rejects.action == "rejected")
    rows = rows.select("source", "table", "file", "row").distinct()
    frame = rows.group_by("source", "table").agg(n=rows.count()).execute()
    return {(r.source, r.table): int(r.n) for r in frame.itertuples()}


def placed(found: ir.Table, sources: Iterable[SourceTable]) -> ir.Table:
    """Violations with the file and the row number that a reader of the file sees.

    Returns:
        One row a violation: table, source, file, row, column, rule, value, action.
    """
    names = [
        {"source": s.name, "_part": part.number, "file": _file_name(part.file, part.sheet)}
        for s in sources
        for part in s.parts
    ]
    files = ibis.memtable(
        names or [{"source": "", "_part": 0, "file": ""}],
        schema={"source": "string", "_part": "int64", "file": "string"},
    )
    found = found.mutate(_part=found[ROW] // 2**LINE_BITS, row=found[ROW] % 2**LINE_BITS)
    placed = found.left_join(files, ["source", "_part"])
    return placed.select(
        "table", "source", "file", "row", "column", "rule", "value", "action"
    ).order_by("table", "source", "file", "row", "column", "rule")


def _file_name(name: str, sheet: str) -> str:
    return f"{name} [{sheet}]" if sheet else name


def _broken(offered: Candidates, troubled: ir.Table) -> ir.Table:
    """One violation a broken rule and source row (each row of a group is named)."""
    entry = dt.dtype("struct<column: string, rule: string, value: string, action: string>")
    listed = [
        ((troubled[BROKEN] & (1 << at)) != 0).ifelse(
            ibis.struct(
                {
                    "column": ibis.literal(rule.column),
                    "rule": ibis.literal(rule.name),
                    "value": _shown(offered, rule.column, troubled[rule.shown or rule.column]),
                    "action": ibis.literal(rule.action),
                }
            ).cast(entry),
            ibis.null(entry),
        )
        for at, rule in enumerate(offered.rules)
    ]
    if not listed:
        return nothing()
    found = ibis.array(listed).filter(lambda one: one.notnull())
    rows = troubled[ROWS] if offered.query.grouped else ibis.array([troubled[ROW]])
    rows = troubled.select(_found=found, **{ROW: rows})
    rows = rows.mutate(_found=rows["_found"].unnest())
    return _from_struct(offered.query, rows.mutate(**{ROW: rows[ROW].unnest()}), "_found")


def _unreadable(offered: Candidates, troubled: ir.Table, source: SourceTable) -> list[ir.Table]:
    """Unreadable cells of the source rows, and the rest of a group that they reject."""
    query = offered.query
    if not query.used:
        return []
    rows = troubled.filter(troubled[FAULTS].notnull())
    if query.grouped:
        own = rows.select(**{ROW: rows[ROWS].unnest()})
        rows = source.table.semi_join(own, ROW)
        rows = rows.filter(rows[FAULTS].notnull())
    faults = rows.select(ROW, _fault=rows[FAULTS].unnest())
    faults = faults.filter(faults["_fault"]["column"].isin(query.used))
    action = faults["_fault"]["rejects"].ifelse("rejected", "emptied")
    unreadable = _from_struct(query, faults, "_fault", action)
    unreadable = _masked(unreadable, query.personal[query.counted])
    found = [unreadable]
    if query.grouped:
        found.append(_dragged_along(offered, troubled, found[0]))
    return found


def _dragged_along(offered: Candidates, troubled: ir.Table, unreadable: ir.Table) -> ir.Table:
    """Readable rows of a group that is rejected because of an unreadable one."""
    groups = troubled.filter(troubled[REJECTED] & (troubled[BROKEN] == 0))
    rows = groups.select(**{ROW: groups[ROWS].unnest()}).anti_join(unreadable, ROW)
    return _simple(offered.query, rows, ibis.null("string"), "group_rejected", ibis.null("string"))


def _from_struct(
    query: Query, rows: ir.Table, name: str, action: ir.Value | None = None
) -> ir.Table:
    return rows.select(
        table=ibis.literal(query.table),
        source=ibis.literal(query.counted),
        _row=rows[ROW],
        column=rows[name]["column"],
        rule=rows[name]["rule"],
        value=rows[name]["value"],
        action=rows[name]["action"] if action is None else action,
    )


def _simple(
    query: Query, rows: ir.Table, column: str | ir.Value, rule: str, value: ir.Value
) -> ir.Table:
    return rows.select(
        table=ibis.literal(query.table),
        source=ibis.literal(query.counted),
        _row=rows[ROW],
        column=ibis.literal(column) if isinstance(column, str) else column,
        rule=ibis.literal(rule),
        value=value,
        action=ibis.literal("rejected"),
    )


def _shown(offered: Candidates, column: str, value: ir.Value) -> ir.StringValue:
    """A value as text; of personal data only the first sign and the length."""
    text = value.cast("string")
    contract = CONTRACTS[offered.query.table]
    if column in contract.columns and contract.columns[column].personal:
        return masked_text(text)
    return text


def _masked(found: ir.Table, personal: frozenset[str]) -> ir.Table:
    """Violations with the values of a source's personal columns masked."""
    if not personal:
        return found
    hidden = found.column.isin(sorted(personal))
    return found.mutate(value=hidden.ifelse(masked_text(found.value), found.value))


def masked_text(text: ir.StringValue) -> ir.StringValue:
    """Of personal data only the first sign and the length."""
    return text.left(MASKED_KEEP) + "***(" + text.length().cast("string") + ")"
