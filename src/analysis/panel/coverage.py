"""What the data hold at all: since when each kind of fact is known, and how much there is.

Asked once of all customers, so that the panel may be made of some of them at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from ..months import Month
from .facts import Facts, is_sensitive
from .kinds import KINDS

RECORDED = {"service": "service", "destination": "destination_region", "cargo": "cargo_type"}
"""Kind of fact → the column of `shipments` that records it."""


@dataclass(frozen=True)
class Coverage:
    """What is known by the end of a month, of all customers.

    Attributes:
        since: Kind of fact → `Month.index` of the first month in which it is known; None where it
            never is.
        costed: Months for which the cost source has any row.
        kinds_n: Column of a shipment → how many different values it has.
        shipments_n: Shipments.
    """

    since: Mapping[str, int | None]
    costed: tuple[int, ...]
    kinds_n: Mapping[str, int]
    shipments_n: int


def coverage_of(facts: Facts) -> Coverage:
    """Look through the facts, one query a table."""
    known = facts.shipments
    sensitive = is_sensitive(known, facts.sensitive)
    first = known.shipped_at.min
    asked: dict[str, ir.Scalar] = {
        "shipments_n": known.count(),
        "shipments": first(),
        "revenue": first(where=known.revenue.notnull()),
        "sensitive": first(where=sensitive.notnull()),
        **{name: first(where=known[column].notnull()) for name, column in RECORDED.items()},
        "cost": known.carried_at.min(),
        "margin": known.carried_at.min(where=known.revenue.notnull()),
        "damage": known.delivered_at.min(where=known.is_damaged.notnull()),
        **{f"{column}_n": known[column].nunique() for column in KINDS},
    }
    found = _answers(known, asked)
    since = {name: _index(found[name]) for name in asked if not name.endswith("_n")}
    if facts.tickets is not None:
        since["tickets"] = _earliest(facts.tickets, "opened_at", facts.as_of)
    if facts.surveys is not None:
        since["surveys"] = _earliest(facts.surveys, "sent_at", facts.as_of)
    if facts.receivables is not None:
        since["receivables"] = _earliest(facts.receivables, "due_on", facts.as_of)
    kinds_n = {column: int(found[f"{column}_n"]) for column in KINDS}
    return Coverage(since, _costed(facts), kinds_n, int(found["shipments_n"]))


def _answers(table: ir.Table, asked: Mapping[str, ir.Scalar]) -> dict[str, Any]:
    return dict(table.aggregate(**asked).to_pyarrow().to_pylist()[0])


def _earliest(table: ir.Table, column: str, as_of: Month) -> int | None:
    index = _index(_answers(table, {"first": table[column].min()})["first"])
    return None if index is None or index > as_of.index else index


def _index(time: dt.date | None) -> int | None:
    return None if time is None else Month(time.year, time.month).index


def _costed(facts: Facts) -> tuple[int, ...]:
    if facts.service_costs is None:
        return ()
    months = facts.service_costs.select("month").distinct().to_pyarrow().column(0).to_pylist()
    indices = (Month.parse(month).index for month in months)
    return tuple(sorted(index for index in indices if index <= facts.as_of.index))


def bounds_of(facts: Facts, coverage: Coverage, block_rows: int) -> list[str | None]:
    """The ids at which blocks of customers begin; None before the first and after the last.

    Blocks follow each other by id, and shipments and months together are about as many in each.
    """
    first = coverage.since["shipments"]
    if first is None or coverage.shipments_n <= block_rows:
        return [None, None]
    months_n = facts.as_of.index + 1 - first
    counted = facts.shipments.group_by("customer_id").aggregate(rows_n=lambda t: t.count())
    sized = counted.mutate(rows_n=counted.rows_n + months_n)
    before = sized.rows_n.sum().over(ibis.window(order_by="customer_id", following=0))
    numbered = sized.mutate(block=(before - sized.rows_n) // block_rows)
    firsts = numbered.group_by("block").aggregate(first=numbered.customer_id.min())
    return [None, *sorted(firsts.to_pyarrow()["first"].to_pylist())[1:], None]
