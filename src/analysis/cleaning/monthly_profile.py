"""What one month's rows look like, small enough to keep: later months are held against it.

Only what began in the month is described, as it was known by the month's end. Categories of
free texts, ids and personal columns are never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir

from ..tables import CONTRACTS, Contract
from ..workspace import Month

MOST_CATEGORIES = 40
"""A text column with more different values in a month is no list of categories."""

BINS_AN_OCTAVE = 2
"""Bins of numbers are half octaves (a factor of 1.41), the same in every month."""

MISSING = "missing"
SIZE, TIME, WORD = "size", "hour", "word"
"""Kinds of bins: sizes of numbers and of spans in hours, hours of the day, categories."""


def monthly_profile(tables: Mapping[str, ir.Table], as_of: Month) -> dict[str, Any]:
    """Describe the rows that began in the as-of month.

    Args:
        tables: The canonical tables as of the month.
        as_of: The month.

    Returns:
        A JSON-like mapping: ``tables`` → table → ``rows_n`` and ``columns`` → column →
        ``kind`` and ``bins`` (bin → rows; ``missing`` where there is no value).
    """
    described = {
        name: _described(_of_month(table, CONTRACTS[name], as_of), CONTRACTS[name])
        for name, table in tables.items()
        if name in CONTRACTS and not CONTRACTS[name].private and name != "customer_links"
    }
    return {"schema_version": 1, "month": str(as_of), "tables": described}


def _of_month(table: ir.Table, contract: Contract, as_of: Month) -> ir.Table:
    """Rows that began in the month; of master data all rows."""
    if not contract.began or contract.name == "customers":
        return table
    began, kind = table[contract.began], contract.columns[contract.began].type
    if kind == "month":
        return table.filter(began == str(as_of))
    first = ibis.literal(as_of.start.date() if kind == "date" else as_of.start)
    return table.filter(began >= first)


def _described(rows: ir.Table, contract: Contract) -> dict[str, Any]:
    """All columns of a table in one query."""
    kinds = {name: kind for name in contract.columns if (kind := _kind(name, contract))}
    total = int(rows.count().execute())
    if not kinds or not total:
        return {"rows_n": total, "columns": {}}
    stacked = ibis.union(
        *(
            rows.select(column=ibis.literal(name), bin=_bin(rows, name, kind, contract))
            for name, kind in kinds.items()
        )
    ) if len(kinds) > 1 else rows.select(
        column=ibis.literal(next(iter(kinds))),
        bin=_bin(rows, *next(iter(kinds.items())), contract),
    )  # fmt: skip
    counts = stacked.group_by("column", "bin").agg(n=stacked.count())
    width = counts.mutate(_width=counts.count().over(ibis.window(group_by="column")))
    words = [name for name, kind in kinds.items() if kind == WORD]
    kept = ~width.column.isin(words) | (width["_width"] <= MOST_CATEGORIES + 1)
    frame = width.filter(kept | (width.bin == MISSING))
    frame = frame.order_by("column", "bin").execute()
    columns = {
        name: {
            "kind": kinds[name],
            "bins": dict(zip(own["bin"], own["n"].astype(int).tolist(), strict=True)),
        }
        for name, own in frame.groupby("column")
    }
    return {"rows_n": total, "columns": {name: columns.get(name, {"kind": kinds[name], "bins": {}})
                                         for name in kinds}}  # fmt: skip


def _kind(name: str, contract: Contract) -> str:
    column = contract.columns[name]
    if column.personal or name in contract.key or name.endswith("_id"):
        return ""
    if column.type in ("number", "integer"):
        return SIZE
    if column.type == "time":
        return TIME if name == contract.began else SIZE
    return "" if column.type in ("date", "month") else WORD


def _bin(rows: ir.Table, name: str, kind: str, contract: Contract) -> ir.StringValue:
    value = rows[name]
    if kind == WORD:
        return value.cast("string").fill_null(MISSING)
    if kind == TIME:
        return value.hour().cast("string").fill_null(MISSING)
    if contract.columns[name].type == "time":
        value = (value.epoch_seconds() - rows[contract.began].epoch_seconds()) / 3600
    size = (value.abs().log2() * BINS_AN_OCTAVE).floor().cast("int64").cast("string")
    signed = (value < 0).ifelse("-", "") + size
    return (value == 0).ifelse("0", "2^" + signed).fill_null(MISSING)
