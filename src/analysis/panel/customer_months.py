"""The customer-month panel: every customer, every month, and what was known by its end.

Point in time holds by construction: a fact is counted in the month in which it becomes known
(a shipment when picked up, its delivery when delivered, an answer when answered), so that a
later run adds rows and never changes one.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..months import Month, index_of_text, month_index, month_text
from ..params import SensitiveCargo
from ..tables import check
from .kinds import bits, with_kinds

AMOUNT_DECIMALS = 4
"""Sums are rounded to this many decimals, so that they do not depend on the order of rows."""
SECONDS_A_DAY = 86_400
SECONDS_A_MINUTE = 60
OVERDUE_AFTER_DAYS = 30
"""An invoice unpaid so long after its due date is overdue (the usual end of a reminder)."""
KEY = ("customer_id", "month_index")
NEVER = ibis.null("timestamp(6)")
_SO_FAR = ibis.window(group_by="customer_id", order_by="month_index", following=0)


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

    Returns:
        A lazy table as the contract `customer_months` says. Amounts are in the profile's
        currency; `delay_days_mean` counts an early delivery as 0 days; `margin` is summed over
        shipments whose revenue and cost are both known.

    Example:
        >>> panel = customer_months(customers, shipments, None, None, None,
        ...                         Month.parse("2026-10"))  # doctest: +SKIP
    """
    shipped = _shipped(shipments, sensitive, as_of)
    facts = {
        "shipped": shipped,
        "carried": _carried(shipments, as_of),
        "delivered": _delivered(shipments, as_of),
        "opened": _opened(tickets, as_of),
        "responded": _responded(tickets, as_of),
        "answered": _answered(surveys, as_of),
        "served": _served(service_costs, as_of),
        "owed": _owed(receivables, shipped.month_index.min().as_scalar(), as_of),
    }
    coverage = _known_since(facts, surveys, as_of)
    joined = _spine(customers, facts, coverage, as_of)
    for name, fact in facts.items():
        if fact is not None:
            joined = joined.left_join(fact.view(), list(KEY)).drop(*(f"{key}_right" for key in KEY))
        if name == "shipped":
            # here, not later: a window is cheap over few columns
            last = joined.last_shipped_at.max().over(_SO_FAR)
            begun = ibis.ifelse(last.notnull(), joined.began_at, None)
            joined = joined.mutate(last_shipped_at=last, first_shipped_at=begun)
        if name == "owed" and fact is not None:
            changed = joined.overdue_change.sum().over(_SO_FAR)
            joined = joined.mutate(overdue=changed.round(AMOUNT_DECIMALS))
    if facts["served"] is not None:
        costed = facts["served"].select(costed_month="month_index").distinct()
        joined = joined.left_join(costed, joined.month_index == costed.costed_month)
    return check(_measured(joined.cross_join(coverage)), "customer_months")


def _amount(values: ir.NumericColumn) -> ir.NumericScalar:
    return values.sum().round(AMOUNT_DECIMALS)


def _shipped(shipments: ir.Table, sensitive: SensitiveCargo | None, as_of: Month) -> ir.Table:
    """One row a customer and month with shipments."""
    marked, different = with_kinds(shipments.filter(shipments.shipped_at < as_of.end))
    day = ibis.literal(1, "int64") << marked.shipped_at.day()
    return marked.group_by("customer_id", month_index=month_index(marked.shipped_at)).aggregate(
        shipments_n=marked.count(),
        shipping_days_n=bits(day.bit_or()),
        **different,
        sensitive_n=_is_sensitive(marked, sensitive).sum(),
        revenue=_amount(marked.revenue),
        first_shipped_at=marked.shipped_at.min(),
        last_shipped_at=marked.shipped_at.max(),
    )


def _is_sensitive(shipments: ir.Table, sensitive: SensitiveCargo | None) -> ir.BooleanValue:
    """Whether a shipment is time-critical or special; null where nothing says what is."""
    if sensitive is None or not (sensitive.services or sensitive.cargo_types):
        return shipments.shipped_at.isnull().nullif(False)
    urgent = shipments.service.isin(list(sensitive.services))
    special = shipments.cargo_type.isin(list(sensitive.cargo_types))
    known = shipments.service.notnull() | shipments.cargo_type.notnull()
    return ibis.ifelse(known, urgent.fill_null(False) | special.fill_null(False), None)


def _carried(shipments: ir.Table, as_of: Month) -> ir.Table:
    """One row a customer and month in which costs of shipments became known, at pick-up."""
    since = ibis.coalesce(shipments.picked_up_at, shipments.shipped_at)
    known = shipments.mutate(carried_at=since).filter(
        shipments.shipped_at < as_of.end, since < as_of.end, shipments.cost.notnull()
    )
    return known.group_by("customer_id", month_index=month_index(known.carried_at)).aggregate(
        shipment_cost=_amount(known.cost),
        margin=_amount(known.revenue - known.cost),
    )


def _delivered(shipments: ir.Table, as_of: Month) -> ir.Table:
    """One row a customer and month with deliveries."""
    known = shipments.filter(shipments.shipped_at < as_of.end, shipments.delivered_at < as_of.end)
    late = (known.delivered_at.epoch_seconds() - known.promised_at.epoch_seconds()).clip(lower=0)
    return known.group_by("customer_id", month_index=month_index(known.delivered_at)).aggregate(
        deliveries_n=known.count(),
        promised_n=known.promised_at.count(),
        on_time_n=(known.delivered_at <= known.promised_at).sum(),
        delay_days_mean=(late.mean() / SECONDS_A_DAY).round(AMOUNT_DECIMALS),
        damaged_n=known.is_damaged.sum(),
    )


def _opened(tickets: ir.Table | None, as_of: Month) -> ir.Table | None:
    """One row a customer and month with tickets opened."""
    if tickets is None:
        return None
    known = tickets.filter(tickets.opened_at < as_of.end)
    month = month_index(known.opened_at)
    return known.group_by("customer_id", month_index=month).aggregate(tickets_n=known.count())


def _responded(tickets: ir.Table | None, as_of: Month) -> ir.Table | None:
    """One row a customer and month with tickets first answered."""
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


def _answered(surveys: ir.Table | None, as_of: Month) -> ir.Table | None:
    """One row a customer and month with survey answers."""
    if surveys is None:
        return None
    known = surveys.filter(surveys.sent_at < as_of.end, surveys.answered_at < as_of.end)
    return known.group_by("customer_id", month_index=month_index(known.answered_at)).aggregate(
        answers_n=known.count(),
        nps_score=known.nps_score.mean().round(AMOUNT_DECIMALS),
        csat_score=known.csat_score.mean().round(AMOUNT_DECIMALS),
    )


def _served(service_costs: ir.Table | None, as_of: Month) -> ir.Table | None:
    """One row a customer and month with service costs."""
    if service_costs is None:
        return None
    known = service_costs.filter(service_costs.month <= str(as_of))
    return known.group_by("customer_id", month_index=index_of_text(known.month)).aggregate(
        cost_to_serve=_amount(known.cost)
    )


def _owed(receivables: ir.Table | None, first: ir.IntegerScalar, as_of: Month) -> ir.Table | None:
    """One row a customer and month in which invoices fell due, or began or ceased to be overdue.

    What changed before the first month of the panel counts in that month: an amount that was
    overdue by then is overdue in it.
    """
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
        due=_amount(every.due), overdue_change=_amount(every.change)
    )


def _known_since(
    facts: dict[str, ir.Table | None], surveys: ir.Table | None, as_of: Month
) -> ir.Table:
    """One row: the first month in which each kind of fact is known; null where it never is."""
    shipped, carried = facts["shipped"], facts["carried"]
    delivered, opened = facts["delivered"], facts["opened"]
    assert shipped is not None
    assert carried is not None
    assert delivered is not None
    since = shipped.aggregate(
        since_shipments=shipped.month_index.min(),
        since_revenue=shipped.month_index.min(where=shipped.revenue.notnull()),
        since_service=shipped.month_index.min(where=shipped.services_n > 0),
        since_destination=shipped.month_index.min(where=shipped.destinations_n > 0),
        since_cargo=shipped.month_index.min(where=shipped.cargo_types_n > 0),
        since_sensitive=shipped.month_index.min(where=shipped.sensitive_n.notnull()),
    )
    costs = carried.aggregate(
        since_cost=carried.month_index.min(),
        since_margin=carried.month_index.min(where=carried.margin.notnull()),
    )
    damage = delivered.aggregate(
        since_damage=delivered.month_index.min(where=delivered.damaged_n.notnull())
    )
    since = since.cross_join(costs).cross_join(damage)
    if opened is not None:
        since = since.cross_join(opened.aggregate(since_tickets=opened.month_index.min()))
    owed = facts["owed"]
    if owed is not None:
        since = since.cross_join(owed.aggregate(since_receivables=owed.month_index.min()))
    if surveys is not None:
        sent = month_index(surveys.filter(surveys.sent_at < as_of.end).sent_at)
        since = since.cross_join(sent.min().name("since_surveys").as_table())
    return since


def _spine(
    customers: ir.Table, facts: dict[str, ir.Table | None], coverage: ir.Table, as_of: Month
) -> ir.Table:
    """One row a customer and month, from its first to the as-of month; with its first shipment."""
    known = customers.filter(customers.onboarded_on <= as_of.last_day)
    begun = known.select("customer_id", month_index=month_index(known.onboarded_on))
    seen = [
        fact.select(*KEY, began_at=fact.first_shipped_at if name == "shipped" else NEVER)
        for name, fact in facts.items()
        if fact is not None
    ]
    every = ibis.union(begun.mutate(began_at=NEVER), *seen)
    starts = every.group_by("customer_id").aggregate(
        first_index=every.month_index.min(), began_at=every.began_at.min()
    )
    since = coverage.since_shipments.as_scalar()
    starts = starts.filter(since.notnull())
    first = ibis.greatest(starts.first_index, since)
    months = ibis.range(first, as_of.index + 1).unnest()
    return starts.select("customer_id", "began_at", month_index=months.cast("int32"))


def _measured(joined: ir.Table) -> ir.Table:
    """The contract's columns: zero where nothing happened, null where nothing was recorded."""

    def counted(column: str, since: str, nothing: float = 0) -> ir.Value:
        if since not in joined.columns:
            return ibis.null("int64")
        covered = joined.month_index >= joined[since]
        return ibis.ifelse(covered, joined[column].fill_null(nothing), None)

    def summed(column: str, since: str) -> ir.Value:
        nothing = joined.shipments_n.isnull() & joined[column].isnull()
        idle = nothing & (joined.month_index >= joined[since])
        return ibis.ifelse(idle, 0.0, joined[column])

    def recorded(column: str, kind: str) -> ir.Value:
        return joined[column] if column in joined.columns else ibis.null(kind)

    costed = "costed_month" in joined.columns
    return joined.select(
        "customer_id",
        month=month_text(joined.month_index),
        shipments_n=joined.shipments_n.fill_null(0),
        shipping_days_n=joined.shipping_days_n.fill_null(0),
        services_n=counted("services_n", "since_service"),
        destinations_n=counted("destinations_n", "since_destination"),
        cargo_types_n=counted("cargo_types_n", "since_cargo"),
        sensitive_n=counted("sensitive_n", "since_sensitive"),
        revenue=summed("revenue", "since_revenue"),
        shipment_cost=summed("shipment_cost", "since_cost"),
        margin=summed("margin", "since_margin"),
        deliveries_n=joined.deliveries_n.fill_null(0),
        promised_n=joined.promised_n.fill_null(0),
        on_time_n=joined.on_time_n.fill_null(0),
        on_time_rate=joined.on_time_n / joined.promised_n.nullif(0),
        delay_days_mean=joined.delay_days_mean,
        damaged_n=counted("damaged_n", "since_damage"),
        tickets_n=counted("tickets_n", "since_tickets"),
        responses_n=counted("responses_n", "since_tickets"),
        response_minutes_median=recorded("response_minutes_median", "float64"),
        answers_n=counted("answers_n", "since_surveys"),
        nps_score=recorded("nps_score", "float64"),
        csat_score=recorded("csat_score", "float64"),
        cost_to_serve=ibis.ifelse(
            joined.costed_month.notnull(), joined.cost_to_serve.fill_null(0.0), None
        )
        if costed
        else ibis.null("float64"),
        due=counted("due", "since_receivables", 0.0),
        overdue=counted("overdue", "since_receivables", 0.0),
        first_shipped_at=joined.first_shipped_at,
        last_shipped_at=joined.last_shipped_at,
        is_active=joined.shipments_n.fill_null(0) > 0,
    )
