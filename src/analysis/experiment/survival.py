"""How long a customer stays: when the first gap begins that is too long for this customer.

The churn window of a customer with mean gap g is W = g · ln(20 · 365 / g), held within 30 and
180 days: were its shipments a Poisson stream, a gap that long would come once in 20 years. Three
times the median gap would call 70 % of the customers that never leave churned within a year.
A company whose customers pause more has a longer window: times a factor learnt before assignment
(`window_factor`), still at most 180 days, so that no value is complete later for it.
Gaps are measured by the churn clock of `panel.silence`: it stands still on days on which the
company is shut and in the customer's off-season, as known at assignment.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ..calendar import Calendar
from ..months import Month, month_index
from ..panel import (
    LONGEST_WINDOW_DAYS,
    SHORTEST_WINDOW_DAYS,
    churn_window,
    off_seasons,
    with_silence,
)
from ..params.metric import Metric
from .facts import Part
from .followed import churn_factor
from .window_factor import WindowFactor

MIN_GAPS = 2
"""Gaps of its own below which a customer takes its stratum's mean gap."""
SECONDS_A_DAY = 86_400
NOT_LEARNT = WindowFactor()
FACTOR = "_window_factor"
"""Ends the name of the column with the factor on the churn window; null where none was learnt."""
RETURNED = "_returned"
"""Ends the name of the column that says whether a customer counted as lost shipped again."""
HISTORY, RECENT, GAP = "history", "recent", "gap"
"""Spans that the clock times: first to last shipping day before assignment, from there to
assignment, and the gaps after it."""


def survival_part(
    metrics: Sequence[Metric],
    clock: ir.Table,
    shipments: ir.Table,
    as_of: Month,
    calendar: Calendar | None = None,
    factor: WindowFactor = NOT_LEARNT,
) -> Part:
    """Days until churn begins, from assignment, for each survival metric.

    Nothing after the horizon and the longest churn window is looked at, so that a value does not
    change when more months become known.

    Args:
        metrics: Survival metrics with their horizon in days; a second reading has a longer churn
            window (`churn_factor`).
        clock: One row a unit: customer_id, assigned_at, stratum.
        shipments: The canonical table.
        as_of: Nothing after this month is used.
        calendar: Says when the company is shut; None: never.
        factor: The company's, on every churn window.

    Returns:
        One row a unit: ``<metric>_days`` (start of the first gap longer than the churn window,
        at most the horizon), ``<metric>_churned`` (it began before the horizon) and
        ``<metric>_eligible`` (shipped within its churn window before assignment),
        ``<metric>_returned`` (it churned, and shipped again before what is looked at ends) and
        ``<metric>_window_factor`` (the factor; null where it was not learnt).
    """
    sent = _sent(clock, shipments, as_of)
    days = _shipping_days(sent)
    seasons = off_seasons(_months_before(sent))
    spans = ibis.union(_spans_before(days), _spans_after(clock, days))
    timed = with_silence(spans, seasons, calendar or Calendar(), as_of, "silence")
    windows = _churn_windows(clock, days, timed, factor.value)
    found = _first_long_gaps(metrics, windows, timed)
    return Part(found.select("customer_id", **_columns(metrics, found, factor)))


def _columns(
    metrics: Sequence[Metric], found: ir.Table, factor: WindowFactor
) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {}
    for metric in metrics:
        churned_on, name = found[_churn_day(metric)], metric.name
        window = churn_factor(metric) * found.churn_window
        columns[f"{name}_days"] = churned_on.fill_null(float(metric.horizon or 0))
        columns[f"{name}_churned"] = churned_on.notnull()
        columns[name + RETURNED] = (found[_next_day(metric)] < _end(metric)).fill_null(False)
        learnt = ibis.literal(factor.value) if factor.is_learnt else ibis.null("float64")
        columns[name + FACTOR] = learnt
        columns[f"{name}_eligible"] = (found.silence <= window).fill_null(False)
    return columns


def _churn_day(metric: Metric) -> str:
    return f"{metric.name}_churn_day"


def _next_day(metric: Metric) -> str:
    return f"{metric.name}_next_day"


def _end(metric: Metric) -> float:
    """The first day after assignment that is not looked at."""
    return float(metric.horizon or 0) + churn_factor(metric) * LONGEST_WINDOW_DAYS


def _sent(clock: ir.Table, shipments: ir.Table, as_of: Month) -> ir.Table:
    """One row a shipment of a unit: customer_id, shipped_at, assigned_at."""
    known = shipments.filter(shipments.shipped_at < ibis.literal(as_of.end))
    joined = known.inner_join(clock.select("customer_id", "assigned_at"), "customer_id")
    return joined.select("customer_id", "shipped_at", "assigned_at")


def _months_before(sent: ir.Table) -> ir.Table:
    """Shipments by month up to the one before assignment, as `off_seasons` wants them."""
    months = sent.mutate(
        month_index=month_index(sent.shipped_at), reference=month_index(sent.assigned_at)
    )
    before = months.filter(months.month_index < months.reference)
    return before.group_by("customer_id", "month_index", "reference").agg(
        shipments_n=before.count()
    )


def _shipping_days(sent: ir.Table) -> ir.Table:
    """One row a customer and day with a shipment: day, the date it falls on, and assignment's.

    Day 0 begins at assignment.
    """
    seconds = sent.shipped_at.epoch_seconds() - sent.assigned_at.epoch_seconds()
    days = sent.mutate(day=(seconds.cast("float64") / SECONDS_A_DAY).floor().cast("float64"))
    return days.group_by("customer_id", "day").agg(
        on_date=days.shipped_at.max().date(), assigned_on=days.assigned_at.max().date()
    )


def _spans_before(days: ir.Table) -> ir.Table:
    """Two rows a unit with shipments before assignment: the history, and the silence after it."""
    before = days.filter(days.day < 0)
    edges = before.group_by("customer_id").agg(
        first=before.on_date.min(), last=before.on_date.max(), end=before.assigned_on.max()
    )
    return ibis.union(
        _span(edges, HISTORY, since=edges["first"], until=edges["last"]),
        _span(edges, RECENT, since=edges["last"], until=edges["end"]),
    )


def _spans_after(clock: ir.Table, days: ir.Table) -> ir.Table:
    """The gaps after assignment that may be too long: one row a gap.

    Assignment itself starts the first gap; the last shipment starts one that has no end.
    """
    after = days.filter(days.day > 0).select("customer_id", "day", "on_date")
    zero = ibis.literal(0.0)
    starts = clock.select("customer_id", day=zero, on_date=clock.assigned_at.date()).union(after)
    order = ibis.window(group_by="customer_id", order_by="day")
    gaps = starts.mutate(
        next_day=starts.day.lead().over(order), until=starts.on_date.lead().over(order)
    )
    # no window is shorter, and no clock runs faster than the dates, which days follow within one
    wide = gaps.next_day - gaps.day > SHORTEST_WINDOW_DAYS - 1
    long = gaps.filter(wide | gaps.until.isnull())
    return _span(long, GAP, long.on_date, long.until, long.day, long.next_day)


def _span(
    rows: ir.Table,
    kind: str,
    since: ir.Value,
    until: ir.Value,
    day: ir.Value | None = None,
    next_day: ir.Value | None = None,
) -> ir.Table:
    """Rows as spans of the clock, all with the same columns."""
    none = ibis.null("float64")
    return rows.select(
        "customer_id",
        kind=ibis.literal(kind),
        since=since,
        until=until,
        day=none if day is None else day,
        next_day=none if next_day is None else next_day,
    )


def _churn_windows(clock: ir.Table, days: ir.Table, timed: ir.Table, factor: float) -> ir.Table:
    """One row a unit: churn_window in days, and the silence at assignment.

    The mean gap before assignment and that silence go by the clock.
    """
    before = days.filter(days.day < 0)
    counted = before.group_by("customer_id").agg(gaps=before.count() - 1)
    spans = timed.group_by("customer_id").agg(
        history=timed.silence.max(where=timed.kind == HISTORY),
        silence=timed.silence.max(where=timed.kind == RECENT),
    )
    joined = clock.select("customer_id", "stratum").left_join(counted, "customer_id")
    joined = joined.drop("customer_id_right").left_join(spans, "customer_id")
    own = (joined.gaps >= MIN_GAPS).ifelse(joined.history / joined.gaps, None)
    gap = ibis.coalesce(own, own.mean().over(group_by=joined.stratum), own.mean().over())
    window = ibis.least(factor * churn_window(gap), float(LONGEST_WINDOW_DAYS))
    return joined.select("customer_id", "silence", churn_window=window)


def _first_long_gaps(metrics: Sequence[Metric], windows: ir.Table, timed: ir.Table) -> ir.Table:
    """The windows with the day of churn by each metric: the start of the first gap that is longer.

    Only gaps that begin before the horizon count; what lies after the days that are needed to
    tell is not looked at. Null where there is none.
    """
    gaps = timed.filter(timed.kind == GAP).drop("kind", "since", "until")
    gaps = gaps.inner_join(windows.select("customer_id", "churn_window"), "customer_id")
    gaps = gaps.mutate(next_day=gaps.next_day.fill_null(float("inf")))
    churn = {}
    for metric in metrics:
        too_long = gaps.silence > churn_factor(metric) * gaps.churn_window
        begun = gaps.day < float(metric.horizon or 0)
        long = (too_long | (gaps.next_day >= _end(metric))) & begun
        churn[_churn_day(metric)] = gaps.day.min(where=long)
        churn[_next_day(metric)] = gaps.next_day.argmin(gaps.day, where=long)
    first = gaps.group_by("customer_id").agg(**churn)
    return windows.left_join(first, "customer_id").drop("customer_id_right")
