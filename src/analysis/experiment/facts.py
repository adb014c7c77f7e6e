"""What one source table says of each unit: values in its windows, covariates from before.

Each part is one aggregation of one table: one row a customer that has rows in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ..months import Month, first_day
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .followed import IN_COST_MONTHS

PRIOR_DAYS = 182
"""Days before assignment over which covariates are measured: half a year."""
PRIOR_MONTHS = 6
"""Whole months before assignment over which monthly covariates are measured."""
ACTIVE_DAYS = 90
"""A customer that shipped within so many days before assignment was active (a quarter)."""
SECONDS_A_MINUTE = 60


@dataclass(frozen=True)
class Part:
    """Columns that one source table gives.

    Attributes:
        table: One row a customer: customer_id and the columns.
        zeros: Columns that are 0, not unknown, for a customer without rows.
    """

    table: ir.Table
    zeros: tuple[str, ...] = ()


def window_start(metric: Metric, assigned_at: ir.TimestampValue) -> ir.TimestampValue:
    """First instant of a unit's window."""
    assert metric.window is not None
    return assigned_at + ibis.interval(days=metric.window[0])


def window_end(metric: Metric, assigned_at: ir.TimestampValue) -> ir.TimestampValue:
    """First instant after a unit's window, which has an end."""
    assert metric.window is not None
    _, last = metric.window
    assert last is not None
    return assigned_at + ibis.interval(days=last)


def shipment_part(
    metrics: list[Metric], clock: ir.Table, shipments: ir.Table, as_of: Month, months: int = 0
) -> Part:
    """Retention, frequency, margin, on-time deliveries, and the shipments complaints refer to.

    Columns ``margin_to_month_1 … months`` sum the margin of the whole months since assignment.
    """
    rows = _of_units(clock, shipments.filter(shipments.shipped_at < ibis.literal(as_of.end)))
    margin = rows.revenue - rows.cost
    on_time = rows.delivered_at <= rows.promised_at
    promised = rows.promised_at.notnull()
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        if metric.kind == "survival":
            continue
        shipped = _in_window(metric, rows, rows.shipped_at, as_of)
        delivered = promised & _in_window(metric, rows, rows.delivered_at, as_of)
        if metric.measure == "retention":
            columns[metric.name] = shipped.any().cast("float64")
        elif metric.measure == "frequency":
            columns[metric.name] = _count(shipped)
        elif metric.measure == "margin":
            columns[metric.name] = margin.sum(where=shipped)
            columns[f"{metric.name}{IN_COST_MONTHS}"] = margin.sum(
                where=shipped & _in_whole_months(metric, rows, as_of)
            )
        elif metric.measure == "complaints":
            columns[f"{metric.name}_denominator"] = _count(shipped)
        elif metric.measure == "on_time":
            columns[f"{metric.name}_numerator"] = _count(delivered & on_time)
            columns[f"{metric.name}_denominator"] = _count(delivered)
    begins = _next_month(rows.assigned_at)
    for number in range(1, months + 1):  # of whole months, as costs come
        end = (rows.assigned_at + ibis.interval(months=number)).truncate("M")
        inside = (rows.shipped_at >= begins) & (rows.shipped_at < end)
        columns[f"margin_to_month_{number}"] = margin.sum(where=inside)
    zeros = tuple(columns)
    before = _before(rows, rows.shipped_at)
    arrived = promised & _before(rows, rows.delivered_at)
    recent = before & (rows.shipped_at >= rows.assigned_at - ibis.interval(days=ACTIVE_DAYS))
    columns |= {
        "prior_shipments": _count(before),
        "prior_revenue": rows.revenue.sum(where=before),
        "prior_margin": margin.sum(where=before),
        "prior_active": recent.any().cast("float64"),
        "prior_on_time": on_time.cast("float64").mean(where=arrived),
    }
    zeros += ("prior_shipments", "prior_revenue", "prior_margin", "prior_active")
    return Part(rows.group_by("customer_id").agg(**columns), zeros)


def ticket_part(metrics: list[Metric], clock: ir.Table, tickets: ir.Table, as_of: Month) -> Part:
    """Complaints, and the minutes to the first response of the tickets answered."""
    rows = _of_units(clock, tickets.filter(tickets.opened_at < ibis.literal(as_of.end)))
    waited = rows.first_response_at.epoch_seconds() - rows.opened_at.epoch_seconds()
    minutes = waited.cast("float64") / SECONDS_A_MINUTE
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        if metric.measure == "complaints":
            opened = _in_window(metric, rows, rows.opened_at, as_of)
            columns[f"{metric.name}_numerator"] = _count(opened)
        elif metric.measure == "response_minutes":
            opened = _in_window(metric, rows, rows.opened_at, as_of)
            answered = opened & _in_window(metric, rows, rows.first_response_at, as_of)
            columns[f"{metric.name}_numerator"] = minutes.sum(where=answered)
            columns[f"{metric.name}_denominator"] = _count(answered)
    zeros = tuple(columns)
    before = _before(rows, rows.opened_at)
    columns |= {
        "prior_tickets": _count(before),
        "prior_response_minutes": minutes.mean(
            where=before & (rows.first_response_at < rows.assigned_at)
        ),
    }
    return Part(rows.group_by("customer_id").agg(**columns), (*zeros, "prior_tickets"))


def survey_part(metrics: list[Metric], clock: ir.Table, surveys: ir.Table, as_of: Month) -> Part:
    """The last answer to a survey sent in the window; who did not answer has none."""
    rows = _of_units(clock, surveys.filter(surveys.sent_at < ibis.literal(as_of.end)))
    scores = {"nps": rows.nps_score, "csat": rows.csat_score}
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        if metric.measure in scores:
            score = scores[metric.measure]
            asked = _in_window(metric, rows, rows.sent_at, as_of)
            given = asked & _in_window(metric, rows, rows.answered_at, as_of) & score.notnull()
            last = score.last(where=given, order_by=[rows.sent_at, rows.survey_id])
            columns[metric.name] = last.cast("float64")
            columns[f"{metric.name}_answered"] = _count(given) > 0
            columns[f"{metric.name}_invited"] = _count(asked) > 0
    flags = tuple(name for name, column in columns.items() if column.type().is_boolean())
    before = _before(rows, rows.sent_at)
    told = before & (rows.answered_at < rows.assigned_at)
    columns |= {
        "prior_nps": rows.nps_score.mean(where=told),
        "prior_csat": rows.csat_score.mean(where=told),
        "prior_answers": _count(told),
    }
    return Part(rows.group_by("customer_id").agg(**columns), (*flags, "prior_answers"))


def cost_part(
    metrics: list[Metric], clock: ir.Table, costs: ir.Table, as_of: Month, months: int = 0
) -> Part:
    """Service costs of the whole months that lie in the window.

    Columns ``cost_to_month_1 … months`` sum them from assignment on.
    """
    begins = first_day(costs.month).cast("timestamp(6)")
    dated = costs.mutate(begins=begins, ends=begins + ibis.interval(months=1))
    rows = _of_units(clock, dated.filter(dated.ends <= ibis.literal(as_of.end)))
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        if metric.measure == "cost_to_serve":
            inside = (rows.begins >= window_start(metric, rows.assigned_at)) & (
                rows.ends <= _closes(metric, rows, as_of)
            )
            columns[metric.name] = rows.cost.sum(where=inside)
    for number in range(1, months + 1):
        end = rows.assigned_at + ibis.interval(months=number)
        inside = (rows.begins >= rows.assigned_at) & (rows.ends <= end)
        columns[f"cost_to_month_{number}"] = rows.cost.sum(where=inside)
    earliest = rows.assigned_at - ibis.interval(months=PRIOR_MONTHS)
    before = (rows.ends <= rows.assigned_at) & (rows.begins >= earliest)
    columns["prior_cost_to_serve"] = rows.cost.sum(where=before)
    return Part(rows.group_by("customer_id").agg(**columns), tuple(columns))


def tier_part(clock: ir.Table, tiers: ir.Table) -> Part:
    """The tier in force at the end of the month before assignment."""
    month_before = clock.assigned_at - ibis.interval(months=1)
    dated = clock.mutate(month=month_before.strftime("%Y-%m"))
    joined = dated.inner_join(
        tiers.select("customer_id", "month", "tier"), ["customer_id", "month"]
    )
    return Part(joined.select("customer_id", "tier").distinct())


def exposure_part(
    experiment: ExperimentSpec, clock: ir.Table, events: ir.Table, as_of: Month
) -> Part:
    """Whether the unit used one of the services that count, by the end of the last window."""
    ours = events.filter(events.service.isin(list(experiment.exposure_services)))
    rows = _of_units(clock, ours)
    windows = [metric.window for metric in experiment.metrics if metric.window]
    closed = [last for _, last in windows if last is not None]
    ends = ibis.literal(as_of.end)
    if closed and len(closed) == len(windows):
        ends = ibis.least(ends, rows.assigned_at + ibis.interval(days=max(closed)))
    used = (rows.used_at >= rows.assigned_at) & (rows.used_at < ends)
    name = str(experiment.exposure)
    return Part(rows.group_by("customer_id").agg(**{name: used.any().fill_null(False)}), (name,))


def _of_units(clock: ir.Table, rows: ir.Table) -> ir.Table:
    """A table's rows of the experiment's customers, with their time of assignment."""
    return rows.inner_join(clock.select("customer_id", "assigned_at"), "customer_id")


def _closes(metric: Metric, rows: ir.Table, as_of: Month) -> ir.TimestampValue:
    """First instant that no longer counts for a metric: its window's end, or the as-of's."""
    return _end_of_window(metric, rows.assigned_at, as_of)


def _end_of_window(
    metric: Metric, assigned_at: ir.TimestampValue, as_of: Month
) -> ir.TimestampValue:
    end = ibis.literal(as_of.end)
    is_open = metric.window is None or metric.window[1] is None
    return end if is_open else ibis.least(window_end(metric, assigned_at), end)


def _in_window(
    metric: Metric, rows: ir.Table, at: ir.TimestampValue, as_of: Month
) -> ir.BooleanValue:
    """Whether a row's time lies in its unit's window and is known by the as-of month."""
    inside = (at >= window_start(metric, rows.assigned_at)) & (at < _closes(metric, rows, as_of))
    return inside.fill_null(False)


def _in_whole_months(metric: Metric, rows: ir.Table, as_of: Month) -> ir.BooleanValue:
    """Whether a shipment lies in a month that the window holds whole: costs come by the month."""
    begins, ends = whole_months(metric, rows.assigned_at, as_of)
    return (rows.shipped_at >= begins) & (rows.shipped_at < ends)


def whole_months(
    metric: Metric, assigned_at: ir.TimestampValue, as_of: Month
) -> tuple[ir.TimestampValue, ir.TimestampValue]:
    """Begin of the first month, and end of the last, that a unit's window holds whole."""
    begins = _next_month(window_start(metric, assigned_at))
    return begins, _end_of_window(metric, assigned_at, as_of).truncate("M")


def _next_month(at: ir.TimestampValue) -> ir.TimestampValue:
    """The first instant of a month at or after an instant."""
    begins = at.truncate("M")
    return (begins < at).ifelse(begins + ibis.interval(months=1), begins)


def _before(rows: ir.Table, at: ir.TimestampValue) -> ir.BooleanValue:
    """Whether a row's time lies in the half year before assignment."""
    earliest = rows.assigned_at - ibis.interval(days=PRIOR_DAYS)
    return ((at < rows.assigned_at) & (at >= earliest)).fill_null(False)


def _count(condition: ir.BooleanValue) -> ir.FloatingScalar:
    return condition.cast("float64").sum()
