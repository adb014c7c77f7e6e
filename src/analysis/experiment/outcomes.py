"""One row a unit: what each customer of an experiment did in its windows, and was before.

Windows are days after assignment in the profile's local time: ``[from, to)`` holds what happened
from `from` whole days after assignment until just before `to` whole days after it. A unit whose
window is still running has no value: it is counted as maturing, never as a low value. Nothing
that happened or became known after the window's end, or after the as-of month, is used, so a
value never changes once it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..calendar import Calendar
from ..months import Month
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .facts import (
    Part,
    cost_part,
    exposure_part,
    shipment_part,
    survey_part,
    ticket_part,
    tier_part,
    whole_months,
)
from .followed import (
    DAYS_OF_COST,
    IN_COST_MONTHS,
    NET_BY_MONTH,
    days_to_mature,
    metrics_followed,
    months_of_money,
)
from .survival import NOT_LEARNT, RETURNED, survival_part
from .window_factor import WindowFactor, learn_window_factor

ASSIGNED = ("customer_id", "arm", "assigned_at", "cluster_id", "cluster_share", "arm_at_half")
TRAITS = ("region", "industry", "contract_type", "depot")


@dataclass(frozen=True)
class Facts:
    """The canonical tables an experiment is followed with; a missing one is None.

    Attributes:
        assignments, customers, shipments: Needed.
        tickets, surveys, service_costs, tiers, service_events: Optional.
    """

    assignments: ir.Table
    customers: ir.Table
    shipments: ir.Table
    tickets: ir.Table | None = None
    surveys: ir.Table | None = None
    service_costs: ir.Table | None = None
    tiers: ir.Table | None = None
    service_events: ir.Table | None = None

    def missing(self, metric: Metric) -> str:
        """The first table without which a metric cannot be measured; empty where all are there."""
        return next((name for name in metric.tables if getattr(self, name) is None), "")


FACTS = tuple(field.name for field in fields(Facts))


def outcomes(
    experiment: ExperimentSpec,
    assignments: ir.Table,
    customers: ir.Table,
    shipments: ir.Table,
    tickets: ir.Table | None = None,
    surveys: ir.Table | None = None,
    service_costs: ir.Table | None = None,
    tiers: ir.Table | None = None,
    service_events: ir.Table | None = None,
    *,
    as_of: Month,
    calendar: Calendar | None = None,
) -> ir.Table:
    """The values of an experiment's units, ready for `evaluate`.

    Args:
        experiment: The plan; its metrics name measures.
        assignments, customers, shipments, tickets, surveys, service_costs, tiers, service_events:
            Canonical tables; optional ones may be None, and their metrics have no columns then.
        as_of: Nothing after this month's last instant is used.
        calendar: Says when the company is shut: such days count in no gap between shipments.

    Returns:
        One row a unit assigned by then: customer_id, arm, assigned_at, cluster_id, cluster_share,
        arm_at_half, stratum, is_known (in the customer table), region, industry, contract_type,
        depot, tier (in force at the end of the month before assignment), ``prior_*`` covariates
        of the half year before assignment, and for each metric its columns (null while it
        matures) and ``<metric>_matured``; ``net_value_to_month_<n>`` where margin and cost to
        serve are measured over the same window. Amounts in the profile's currency, times in
        minutes.

    Example:
        >>> units = outcomes(plan, assignments, customers, shipments,
        ...                  as_of=Month.parse("2026-10"))  # doctest: +SKIP
        >>> units.columns[:3]  # doctest: +SKIP
        ('customer_id', 'arm', 'assigned_at')
    """
    facts = Facts(
        assignments,
        customers,
        shipments,
        tickets,
        surveys,
        service_costs,
        tiers,
        service_events,
    )
    units = _assigned(experiment, facts, as_of)
    metrics = [followed.metric for followed in metrics_followed(experiment)]
    for part in _parts(experiment, metrics, facts, units, as_of, calendar):
        units = units.left_join(part.table, "customer_id").drop("customer_id_right")
        units = units.mutate(**{name: _zero_for_null(units[name]) for name in part.zeros})
    matured = _only_matured(units, [m for m in metrics if not facts.missing(m)], as_of)
    with_days = _days_of_money(matured, metrics, as_of)
    return _net_by_month(with_days, months_of_money(experiment), as_of)


def _assigned(experiment: ExperimentSpec, facts: Facts, as_of: Month) -> ir.Table:
    """One row an assignment of the experiment, with what is known of the customer."""
    ours = facts.assignments.filter(
        facts.assignments.experiment_id == experiment.id,
        facts.assignments.assigned_at < ibis.literal(as_of.end),
    ).select(*ASSIGNED, "stratum")
    known = facts.customers.select("customer_id", "onboarded_on", *TRAITS)
    joined = ours.left_join(known, "customer_id")
    days = joined.assigned_at.date().epoch_days() - joined.onboarded_on.epoch_days()
    return joined.mutate(
        is_known=joined.customer_id_right.notnull(),
        prior_tenure_days=ibis.greatest(days, 0).cast("float64"),
    ).drop("customer_id_right", "onboarded_on")


def _parts(
    experiment: ExperimentSpec,
    metrics: list[Metric],
    facts: Facts,
    units: ir.Table,
    as_of: Month,
    calendar: Calendar | None,
) -> list[Part]:
    """One table of columns a source table, each one row a customer with rows in it."""
    clock = units.group_by("customer_id").agg(
        assigned_at=units.assigned_at.min(), stratum=units.stratum.min()
    )
    months = months_of_money(experiment) if facts.service_costs is not None else 0
    parts = [shipment_part(metrics, clock, facts.shipments, as_of, months)]
    if facts.tickets is not None:
        parts.append(ticket_part(metrics, clock, facts.tickets, as_of))
    if facts.surveys is not None:
        parts.append(survey_part(metrics, clock, facts.surveys, as_of))
    if facts.service_costs is not None:
        parts.append(cost_part(metrics, clock, facts.service_costs, as_of, months))
    if facts.tiers is not None:
        parts.append(tier_part(clock, facts.tiers))
    if facts.service_events is not None and experiment.exposure_services:
        parts.append(exposure_part(experiment, clock, facts.service_events, as_of))
    survival = [metric for metric in metrics if metric.kind == "survival"]
    if survival:
        factor = _window_factor(survival, clock, facts.shipments, as_of, calendar)
        parts.append(survival_part(survival, clock, facts.shipments, as_of, calendar, factor))
    return parts


def _window_factor(
    survival: list[Metric],
    clock: ir.Table,
    shipments: ir.Table,
    as_of: Month,
    calendar: Calendar | None,
) -> WindowFactor:
    """The factor on the churn window; not looked for while no value is complete."""
    first = clock.assigned_at.min().execute()
    days = min(days_to_mature(metric) for metric in survival)
    if pd.isna(first) or pd.Timestamp(first) + pd.Timedelta(days=days) > as_of.end:
        return NOT_LEARNT
    return learn_window_factor(shipments, pd.Timestamp(first), calendar or Calendar())


def _days_of_money(units: ir.Table, metrics: list[Metric], as_of: Month) -> ir.Table:
    """Days of the whole months over which a margin is held against its service costs."""
    columns = {}
    for metric in metrics:
        if f"{metric.name}{IN_COST_MONTHS}" in units.columns:
            begins, ends = whole_months(metric, units.assigned_at, as_of)
            days = ends.date().epoch_days() - begins.date().epoch_days()
            columns[f"{metric.name}{DAYS_OF_COST}"] = days.cast("float64")
    return units.mutate(**columns) if columns else units


def _net_by_month(units: ir.Table, months: int, as_of: Month) -> ir.Table:
    """Margin less cost to serve from assignment to each month's end, null while it runs."""
    columns: dict[str, ir.Value] = {}
    parts: list[str] = []
    for number in range(1, months + 1):
        margin, cost = f"margin_to_month_{number}", f"cost_to_month_{number}"
        if margin in units.columns and cost in units.columns:
            over = units.assigned_at + ibis.interval(months=number) <= ibis.literal(as_of.end)
            net = units[margin].cast("float64") - units[cost].cast("float64")
            columns[f"{NET_BY_MONTH}{number}"] = over.ifelse(net, ibis.null("float64"))
            columns[f"{NET_BY_MONTH}{number}_matured"] = over
            parts += [margin, cost]
    return units.mutate(**columns).drop(*parts) if parts else units


def _zero_for_null(column: ir.Column) -> ir.Value:
    return column.fill_null(False if column.type().is_boolean() else 0)


def _only_matured(units: ir.Table, metrics: list[Metric], as_of: Month) -> ir.Table:
    """Null where the unit's window is still running, and the flag that says so."""
    end = ibis.literal(as_of.end)
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        matured = units.assigned_at + ibis.interval(days=days_to_mature(metric)) <= end
        columns[str(metric.matured)] = matured
        invited = f"{metric.name}_invited"
        also = (invited, f"{metric.name}{IN_COST_MONTHS}", f"{metric.name}{RETURNED}")
        for name in (*metric.columns, *(n for n in also if n in units.columns)):
            columns[name] = matured.ifelse(units[name], ibis.null(units[name].type()))
    return units.mutate(**columns)
