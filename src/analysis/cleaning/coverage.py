"""Whether there is anything to report on: shipments that were kept, and in the month asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from ..errors import CoverageError
from ..tables import CONTRACTS
from ..workspace import Month
from .candidates import Candidates
from .ledger import Entry
from .merging import is_empty

STREAMS = frozenset(
    {
        "shipments",
        "tickets",
        "surveys",
        "survey_items",
        "service_costs",
        "receivables",
        "finance_totals",
    }
)
"""Tables whose rows come month after month; assignments and grants come when they are made, and a
comment when somebody feels like it."""


def refuse_none_kept(shipments: ir.Table, entries: Sequence[Entry]) -> None:
    """Refuse shipments that were all rejected: another month would not help.

    Raises:
        CoverageError: With the rows rejected of each source.
    """
    rejected = {e.source: e for e in entries if e.table == "shipments" and e.rows_rejected}
    if not rejected or not is_empty(shipments):
        return
    raise CoverageError(
        "Every shipment known by this month was rejected",
        where="table 'shipments'",
        got="; ".join(
            f"{name}: {e.rows_rejected:,} of {e.rows_read:,} rows" for name, e in rejected.items()
        ),
        todo="Check that 'customers' has rows, that both tables carry the same system's "
        "customer ids, and that types and forms of the columns fit the files.",
    )


def refuse_empty_month(shipments: ir.Table, as_of: Month) -> None:
    """Refuse a month in which no shipment began or was delivered.

    Raises:
        CoverageError: With the months that the data do cover up to then.
    """
    moved = ibis.greatest(
        shipments.shipped_at, ibis.coalesce(shipments.delivered_at, shipments.shipped_at)
    )
    span = shipments.agg(first=shipments.shipped_at.min(), last=moved.max()).execute().iloc[0]
    if span.notna().all() and span["last"] >= as_of.start:
        return
    covered = f"{span['first']:%Y-%m} to {span['last']:%Y-%m}" if span.notna().all() else ""
    raise CoverageError(
        "No shipment began or was delivered in this month",
        where="month",
        got=str(as_of),
        allowed=covered or "a later month: all shipments in the files began after this one",
        todo="Choose a month that the raw files cover, or add its files.",
    )


def months_covered(
    offers: Mapping[str, Sequence[Candidates]], kept: Mapping[str, ir.Table], as_of: Month
) -> dict[str, tuple[int, int]]:
    """In how many months each source holds usable rows of a dated table.

    Args:
        offers: Canonical table → what each of its SELECTs offered.
        kept: Canonical table → its rows, with the row that each SELECT contributed.
        as_of: The month.

    Returns:
        Source → months without a single row of its own, and months from its first row's to the
        as-of month; of several tables of a source the one with most months. Sources of tables
        that have no rhythm (`STREAMS`) are left out.
    """
    months: dict[str, set[str]] = {}
    for name, offered in offers.items():
        if name in STREAMS:
            for at, one in enumerate(offered):
                found = _months_of(_own_rows(one, at, kept[name]), name)
                source = one.query.counted
                months[source] = max(months.get(source, set()), found, key=len)
    return {source: _gaps(found, as_of) for source, found in months.items() if found}


def _own_rows(offered: Candidates, at: int, kept: ir.Table) -> ir.Table:
    """The usable rows of one SELECT; one that says not when is dated by what it was merged to."""
    if offered.contract.began in offered.table.columns:
        return offered.usable
    return kept.filter(kept[f"_row_{at}"].notnull())


def _months_of(rows: ir.Table, name: str) -> set[str]:
    began = rows[CONTRACTS[name].began]
    kind = CONTRACTS[name].columns[CONTRACTS[name].began].type
    first = began if kind == "month" else began.truncate("M")  # a text for each row takes longer
    months = rows.select(month=first).distinct()
    named = months if kind == "month" else months.select(month=months.month.strftime("%Y-%m"))
    return set(named.execute()["month"].dropna())


def _gaps(found: set[str], as_of: Month) -> tuple[int, int]:
    first = Month.parse(min(found))
    expected = as_of.months_since(first) + 1
    return max(0, expected - len(found)), max(1, expected)
