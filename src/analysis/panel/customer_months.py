"""The customer-month panel: every customer, every month, and what was known by its end.

Point in time holds by construction: a fact is counted in the month in which it becomes known, so
that a later run adds rows and never changes one.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from ..months import Month, month_index, month_text
from ..params import SensitiveCargo
from ..tables import check
from .coverage import Coverage, bounds_of, coverage_of
from .facts import (
    AMOUNT_DECIMALS,
    CARRIED,
    DELIVERED,
    ELSEWHERE,
    KEY,
    Facts,
    answered,
    carried_elsewhere,
    delivered_elsewhere,
    known_shipments,
    opened,
    owed,
    responded,
    served,
    shipped,
)

SECONDS_A_DAY = 86_400
BLOCK_ROWS = 8_000_000
"""Shipments and months of customers that are made into a panel at a time, in less than 3 GB."""
SO_FAR = ("first_shipped_at", "last_shipped_at")
"""What of earlier shipments is still so in a month without any."""


def customer_months(
    customers: ir.Table,
    shipments: ir.Table,
    tickets: ir.Table | None,
    surveys: ir.Table | None,
    service_costs: ir.Table | None,
    as_of: Month,
    *,
    receivables: ir.Table | None = None,
    sensitive: SensitiveCargo | None = None,
    block_rows: int = BLOCK_ROWS,
) -> ir.Table:
    """The panel: one row a customer and month, from the customer's first month to `as_of`.

    A customer's first month is that of its onboarding or of the first fact known of it, whichever
    is earlier, and never before the first shipment of the data (nothing is known of the months
    before). Months without shipments are rows with zeros. What a profile does not record is null:
    before the first month in which a source knows it, and in a month for which the cost source
    has no row at all.

    Args:
        customers: Canonical `customers`.
        shipments: Canonical `shipments`, masked to `as_of` or not.
        tickets: Canonical `tickets`; None where the profile has none.
        surveys: Canonical `surveys`; None where the profile has none.
        service_costs: Canonical `service_costs`; None where the profile has none.
        as_of: Last month; nothing after its last instant is used.
        receivables: Canonical `receivables`; None where the profile has none.
        sensitive: Which services and cargo are time-critical or special; None: not declared.
        block_rows: Customers with so many shipments and months together make one table of the
            union that is returned; the rows are the same whatever it is.

    Returns:
        A lazy table as the contract `customer_months` says, ordered by customer and month: for a
        large company a union of blocks of customers, which an engine may compute one by one
        (`Engine.materialise` does, if asked). Amounts are in the profile's
        currency; `delay_days_mean` counts an early delivery as 0 days; `margin` is summed over
        shipments whose revenue and cost are both known.

    Example:
        >>> panel = customer_months(customers, shipments, None, None, None,
        ...                         Month.parse("2026-10"))  # doctest: +SKIP
    """
    facts = Facts(
        customers,
        known_shipments(shipments, as_of),
        tickets,
        surveys,
        service_costs,
        receivables,
        sensitive,
        as_of,
    )
    coverage = coverage_of(facts)
    bounds = bounds_of(facts, coverage, block_rows)
    blocks = (_panel_of(facts.among(*pair), coverage) for pair in pairwise(bounds))
    return reduce(ibis.union, blocks)  # a union of many at once would not keep their order


def _panel_of(facts: Facts, coverage: Coverage) -> ir.Table:
    """The panel of some customers, ordered by customer and month."""
    first = coverage.since["shipments"]
    of_month = shipped(facts, coverage.kinds_n)
    found: dict[str, ir.Table | None] = {
        "carried": carried_elsewhere(facts),
        "delivered": delivered_elsewhere(facts),
        "opened": opened(facts),
        "responded": responded(facts),
        "answered": answered(facts),
        "served": served(facts),
        "owed": owed(facts, facts.as_of.index if first is None else first),
    }
    others = {name: fact for name, fact in found.items() if fact is not None}
    joined = _spine(facts, of_month, others, first)
    for fact in others.values():
        joined = joined.left_join(fact.view(), list(KEY)).drop(*(f"{key}_right" for key in KEY))
    made = check(_measured(_together(joined), coverage), "customer_months")
    return made.order_by("customer_id", "month")


def _together(joined: ir.Table) -> ir.Table:
    """The rows, with what became known of shipments of the month and of other months in one."""

    def both(name: str) -> ir.Value:
        here, elsewhere = joined[name], joined[f"{name}{ELSEWHERE}"]
        return ibis.coalesce(here + elsewhere, here, elsewhere)

    split = [*CARRIED, *DELIVERED]
    return joined.mutate(**{name: both(name) for name in split}).drop(
        *(f"{name}{ELSEWHERE}" for name in split)
    )


def _spine(
    facts: Facts, of_month: ir.Table, others: dict[str, ir.Table], first: int | None
) -> ir.Table:
    """One row a customer and month, from its first to the as-of month.

    What is known of a customer in a month holds until something new is known: so the months
    without shipments are unfolded from those with them, and only these are put in order.

    Returns:
        customer_id, month_index; what was shipped in the month, as `shipped` has it (null where
        nothing was), but first_shipped_at and last_shipped_at up to the month's end; overdue (at
        the month's end; null where nothing ever was).
    """
    marks = ibis.union(*_marks(facts, of_month, others, first))
    # of several marks of one month all but the last hold no month: shipments are the last one
    order = ["month_index", marks.shipments_n.notnull()]
    by_customer = ibis.window(group_by="customer_id", order_by=order)
    so_far = ibis.window(group_by="customer_id", order_by=order, following=0)
    spans = marks.mutate(
        until=marks.month_index.lead().over(by_customer).fill_null(facts.as_of.index + 1),
        first_shipped_at=marks.first_shipped_at.min().over(so_far),
        last_shipped_at=marks.last_shipped_at.max().over(so_far),
        overdue=marks.change.sum().over(so_far).round(AMOUNT_DECIMALS),
    ).drop("change")
    unfolded = spans.mutate(month=ibis.range(spans.month_index, spans.until).unnest().cast("int32"))
    is_own = unfolded.month == unfolded.month_index
    of_own = [name for name in of_month.columns if name not in (*KEY, *SO_FAR)]
    return unfolded.select(
        "customer_id",
        *SO_FAR,
        "overdue",
        month_index=unfolded.month,
        **{name: ibis.ifelse(is_own, unfolded[name], None) for name in of_own},
    )


def _marks(
    facts: Facts, of_month: ir.Table, others: dict[str, ir.Table], first: int | None
) -> list[ir.Table]:
    """Months in which something new is known of a customer; several may be of one month.

    Returns:
        Tables of the columns of `shipped` and change (of what is overdue); null where the mark
        says nothing of it.
    """
    nothing = {name: ibis.null(kind) for name, kind in of_month.schema().items()}

    def mark(table: ir.Table, change: ir.Value | None = None) -> ir.Table:
        known = {name: table[name] for name in of_month.columns if name in table.columns}
        # nothing is known of the months before the first shipment of the data
        known["month_index"] = ibis.greatest(table.month_index, first or 0).cast("int32")
        change = ibis.null("float64") if change is None else change
        made = table.select(**(nothing | known), change=change)
        return made.filter(False) if first is None else made

    customers = facts.customers.filter(facts.customers.onboarded_on <= facts.as_of.last_day)
    begun = customers.select("customer_id", month_index=month_index(customers.onboarded_on))
    every = ibis.union(begun, *(fact.select(*KEY) for fact in others.values()))
    starts = every.group_by("customer_id").aggregate(month_index=every.month_index.min())
    owing = [mark(others["owed"], others["owed"].overdue_change)] if "owed" in others else []
    return [mark(of_month), mark(starts), *owing]


def _measured(joined: ir.Table, coverage: Coverage) -> ir.Table:
    """The contract's columns: zero where nothing happened, null where nothing was recorded."""

    def since(kind: str) -> ir.BooleanValue | None:
        first = coverage.since.get(kind)
        return None if first is None else joined.month_index >= first

    def counted(column: str, kind: str, nothing: float = 0) -> ir.Value:
        covered = since(kind)
        if covered is None:
            return ibis.null("int64")
        return ibis.ifelse(covered, joined[column].fill_null(nothing), None)

    def summed(column: str, kind: str) -> ir.Value:
        covered = since(kind)
        if covered is None:
            return ibis.null("float64")
        idle = joined.shipments_n.isnull() & joined[column].isnull() & covered
        return ibis.ifelse(idle, 0.0, joined[column]).round(AMOUNT_DECIMALS)

    def recorded(column: str) -> ir.Value:
        return joined[column] if column in joined.columns else ibis.null("float64")

    return joined.select(
        "customer_id",
        month=month_text(joined.month_index),
        shipments_n=joined.shipments_n.fill_null(0),
        shipping_days_n=joined.shipping_days_n.fill_null(0),
        services_n=counted("services_n", "service"),
        destinations_n=counted("destinations_n", "destination"),
        cargo_types_n=counted("cargo_types_n", "cargo"),
        sensitive_n=counted("sensitive_n", "sensitive"),
        revenue=summed("revenue", "revenue"),
        shipment_cost=summed("shipment_cost", "cost"),
        margin=summed("margin", "margin"),
        deliveries_n=joined.deliveries_n.fill_null(0),
        promised_n=joined.promised_n.fill_null(0),
        on_time_n=joined.on_time_n.fill_null(0),
        on_time_rate=joined.on_time_n / joined.promised_n.nullif(0),
        delay_days_mean=(joined.late_seconds / joined.promised_n / SECONDS_A_DAY).round(
            AMOUNT_DECIMALS
        ),
        damaged_n=counted("damaged_n", "damage"),
        tickets_n=counted("tickets_n", "tickets"),
        responses_n=counted("responses_n", "tickets"),
        response_minutes_median=recorded("response_minutes_median"),
        answers_n=counted("answers_n", "surveys"),
        nps_score=recorded("nps_score"),
        csat_score=recorded("csat_score"),
        cost_to_serve=ibis.ifelse(
            joined.month_index.isin(coverage.costed), joined.cost_to_serve.fill_null(0.0), None
        )
        if coverage.costed
        else ibis.null("float64"),
        due=counted("due", "receivables", 0.0),
        overdue=counted("overdue", "receivables", 0.0),
        first_shipped_at=joined.first_shipped_at,
        last_shipped_at=joined.last_shipped_at,
        is_active=joined.shipments_n.fill_null(0) > 0,
    )
