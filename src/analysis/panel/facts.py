"""What became known of a customer in a month: one table a kind of fact.

A fact is counted in the month in which it becomes known (a shipment when picked up, its delivery
when delivered, an answer when answered). Nearly every shipment is picked up, and most are
delivered, in the month in which they are shipped: these are added up with the shipments
themselves, in one pass, and only the others apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir

from ..months import Month, index_of_text, month_index
from ..params import SensitiveCargo
from .kinds import with_kinds

AMOUNT_DECIMALS = 4
"""Sums are rounded to this many decimals, so that they do not depend on the order of rows."""
SECONDS_A_MINUTE = 60
OVERDUE_AFTER_DAYS = 30
"""An invoice unpaid so long after its due date is overdue (the usual end of a reminder)."""
KEY = ("customer_id", "month_index")
CARRIED = ("shipment_cost", "margin")
DELIVERED = ("deliveries_n", "promised_n", "on_time_n", "late_seconds", "damaged_n")
ELSEWHERE = "_elsewhere"
"""Ends the name of what was shipped in another month than it was carried or delivered in."""


@dataclass(frozen=True)
class Facts:
    """The canonical tables that the panel is made of.

    Attributes:
        customers, tickets, surveys, service_costs, receivables: As canonical; None where the
            profile has none.
        shipments: What `known_shipments` returned.
        sensitive: Which services and cargo are time-critical or special; None: not declared.
        as_of: Nothing after the end of this month is used.
    """

    customers: ir.Table
    shipments: ir.Table
    tickets: ir.Table | None
    surveys: ir.Table | None
    service_costs: ir.Table | None
    receivables: ir.Table | None
    sensitive: SensitiveCargo | None
    as_of: Month

    def among(self, first: str | None, end: str | None) -> Facts:
        """The same of the customers from one id on and before another; None: without a bound."""

        def chosen(table: ir.Table | None) -> ir.Table | None:
            if table is None:
                return None
            from_first = [] if first is None else [table.customer_id >= first]
            before_end = [] if end is None else [table.customer_id < end]
            return table.filter(*from_first, *before_end) if from_first or before_end else table

        return replace(
            self,
            customers=chosen(self.customers),
            shipments=chosen(self.shipments),
            tickets=chosen(self.tickets),
            surveys=chosen(self.surveys),
            service_costs=chosen(self.service_costs),
            receivables=chosen(self.receivables),
        )


def known_shipments(shipments: ir.Table, as_of: Month) -> ir.Table:
    """The shipments up to a month, with what was known of them by its end.

    Returns:
        The rows with carried_at (when their cost became known: at pick-up); it and delivered_at
        are null where it was not known yet.
    """
    known = shipments.filter(shipments.shipped_at < as_of.end)
    carried_at = ibis.coalesce(known.picked_up_at, known.shipped_at)
    is_carried = (carried_at < as_of.end) & known.cost.notnull()
    is_delivered = known.delivered_at < as_of.end
    return known.mutate(
        carried_at=ibis.ifelse(is_carried, carried_at, None),
        delivered_at=ibis.ifelse(is_delivered, known.delivered_at, None),
    )


def is_sensitive(shipments: ir.Table, sensitive: SensitiveCargo | None) -> ir.BooleanValue:
    """Whether a shipment is time-critical or special; null where nothing says what is."""
    if sensitive is None or not (sensitive.services or sensitive.cargo_types):
        return shipments.shipped_at.isnull().nullif(False)
    urgent = shipments.service.isin(list(sensitive.services))
    special = shipments.cargo_type.isin(list(sensitive.cargo_types))
    known = shipments.service.notnull() | shipments.cargo_type.notnull()
    return ibis.ifelse(known, urgent.fill_null(False) | special.fill_null(False), None)


def shipped(facts: Facts, kinds_n: Mapping[str, int]) -> ir.Table:
    """One row a customer and month with shipments; with what of them was known in the month.

    Args:
        facts: The tables.
        kinds_n: How many different kinds there are at most, by column of `shipments`.
    """
    kinds = with_kinds(facts.shipments, kinds_n)
    marked = kinds.shipments.mutate(month_index=month_index(kinds.shipments.shipped_at))
    summed = marked.group_by(list(KEY)).aggregate(
        shipments_n=marked.count(),
        **kinds.sums,
        sensitive_n=_times(is_sensitive(marked, facts.sensitive)),
        revenue=marked.revenue.sum(),
        first_shipped_at=marked.shipped_at.min(),
        last_shipped_at=marked.shipped_at.max(),
        **_carried(marked, month_index(marked.carried_at) == marked.month_index),
        **_delivered(marked, month_index(marked.delivered_at) == marked.month_index),
    )
    return summed.mutate(**kinds.counts).drop(*kinds.words)


def carried_elsewhere(facts: Facts) -> ir.Table:
    """One row a customer and month in which costs of another month's shipments became known."""
    others = _of_other_months(facts.shipments, "carried_at")
    return _elsewhere(others, _carried(others, others.month_index.notnull()))


def delivered_elsewhere(facts: Facts) -> ir.Table:
    """One row a customer and month with deliveries of another month's shipments."""
    others = _of_other_months(facts.shipments, "delivered_at")
    return _elsewhere(others, _delivered(others, others.month_index.notnull()))


def _of_other_months(shipments: ir.Table, column: str) -> ir.Table:
    dated = shipments.mutate(month_index=month_index(shipments[column]))
    return dated.filter(dated.month_index != month_index(dated.shipped_at))


def _elsewhere(others: ir.Table, sums: dict[str, ir.Value]) -> ir.Table:
    named = {f"{name}{ELSEWHERE}": value for name, value in sums.items()}
    return others.group_by(list(KEY)).aggregate(**named)


def _carried(t: ir.Table, here: ir.BooleanValue) -> dict[str, ir.Value]:
    # values are chosen before they are added up: faster than the engine's FILTER
    return {
        "shipment_cost": ibis.ifelse(here, t.cost, None).sum(),
        "margin": ibis.ifelse(here, t.revenue - t.cost, None).sum(),
    }


def _delivered(t: ir.Table, here: ir.BooleanValue) -> dict[str, ir.Value]:
    late = (t.delivered_at.epoch_seconds() - t.promised_at.epoch_seconds()).clip(lower=0)
    on_time = t.delivered_at <= t.promised_at
    return {
        "deliveries_n": _times(here),
        "promised_n": _times(here & t.promised_at.notnull()),
        "on_time_n": _times(here & on_time),
        # whole seconds: their sum is exact in any order
        "late_seconds": ibis.ifelse(here, late.cast("float64"), None).sum(),
        "damaged_n": _times(here & t.is_damaged),
    }


def _times(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """How often a condition holds."""
    return condition.nullif(False).count()


def amount(values: ir.NumericColumn) -> ir.NumericScalar:
    """The sum of amounts, rounded."""
    return values.sum().round(AMOUNT_DECIMALS)


def opened(facts: Facts) -> ir.Table | None:
    """One row a customer and month with tickets opened."""
    tickets, as_of = facts.tickets, facts.as_of
    if tickets is None:
        return None
    known = tickets.filter(tickets.opened_at < as_of.end)
    month = month_index(known.opened_at)
    return known.group_by("customer_id", month_index=month).aggregate(tickets_n=known.count())


def responded(facts: Facts) -> ir.Table | None:
    """One row a customer and month with tickets first answered."""
    tickets, as_of = facts.tickets, facts.as_of
    if tickets is None:
        return None
    known = tickets.filter(tickets.opened_at < as_of.end, tickets.first_response_at < as_of.end)
    waited = known.first_response_at.epoch_seconds() - known.opened_at.epoch_seconds()
    return known.group_by(
        "customer_id", month_index=month_index(known.first_response_at)
    ).aggregate(
        responses_n=known.count(),
        response_minutes_median=(waited / SECONDS_A_MINUTE).median().round(AMOUNT_DECIMALS),
    )


def answered(facts: Facts) -> ir.Table | None:
    """One row a customer and month with survey answers."""
    surveys, as_of = facts.surveys, facts.as_of
    if surveys is None:
        return None
    known = surveys.filter(surveys.sent_at < as_of.end, surveys.answered_at < as_of.end)
    return known.group_by("customer_id", month_index=month_index(known.answered_at)).aggregate(
        answers_n=known.count(),
        nps_score=known.nps_score.mean().round(AMOUNT_DECIMALS),
        csat_score=known.csat_score.mean().round(AMOUNT_DECIMALS),
    )


def served(facts: Facts) -> ir.Table | None:
    """One row a customer and month with service costs."""
    service_costs, as_of = facts.service_costs, facts.as_of
    if service_costs is None:
        return None
    known = service_costs.filter(service_costs.month <= str(as_of))
    return known.group_by("customer_id", month_index=index_of_text(known.month)).aggregate(
        cost_to_serve=amount(known.cost)
    )


def owed(facts: Facts, first: int) -> ir.Table | None:
    """One row a customer and month in which invoices fell due, or began or ceased to be overdue.

    What changed before the first month of the panel counts in that month: an amount that was
    overdue by then is overdue in it.
    """
    receivables, as_of = facts.receivables, facts.as_of
    if receivables is None:
        return None
    known = receivables.filter(receivables.due_on <= as_of.last_day)
    late_on = (known.due_on + ibis.interval(days=OVERDUE_AFTER_DAYS)).cast("date")
    fell_due = known.select(
        "customer_id", month_index=month_index(known.due_on), due=known.amount, change=0.0
    )
    began = known.filter(
        late_on <= as_of.last_day, (known.paid_on > late_on) | known.paid_on.isnull()
    )
    late = (began.due_on + ibis.interval(days=OVERDUE_AFTER_DAYS)).cast("date")
    begun = began.select("customer_id", month_index=month_index(late), due=0.0, change=began.amount)
    paid = began.filter(began.paid_on <= as_of.last_day)
    ended = paid.select(
        "customer_id", month_index=month_index(paid.paid_on), due=0.0, change=-paid.amount
    )
    changed = ibis.union(begun, ended)
    changed = changed.mutate(month_index=ibis.greatest(changed.month_index, first).cast("int32"))
    every = ibis.union(fell_due, changed)
    return every.group_by(list(KEY)).aggregate(
        due=amount(every.due), overdue_change=amount(every.change)
    )
