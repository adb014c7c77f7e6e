"""How long a customer stays: when the first gap begins that is too long for this customer.

The churn window of a customer with mean gap g is W = g · ln(20 · 365 / g), held within 30 and
180 days: were its shipments a Poisson stream, a gap that long would come once in 20 years. Three
times the median gap would call 70 % of the customers that never leave churned within a year.
Days on which the company is shut count in no gap: nobody can ship then.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..calendar import Calendar
from ..months import Month
from ..panel import churn_window
from ..params.metric import Metric
from .facts import Part

MIN_GAPS = 2
"""Gaps of its own below which a customer takes its stratum's mean gap."""
SECONDS_A_DAY = 86_400


def survival_part(
    metric: Metric,
    clock: ir.Table,
    shipments: ir.Table,
    as_of: Month,
    factor: float = 1.0,
    calendar: Calendar | None = None,
) -> Part:
    """Days until churn begins, from assignment.

    Args:
        metric: A survival metric with its horizon in days.
        clock: One row a unit: customer_id, assigned_at, stratum.
        shipments: The canonical table.
        as_of: Nothing after this month is used.
        factor: Multiplies the churn window (a second reading).
        calendar: Says when the company is shut; None: never.

    Returns:
        One row a unit: ``<metric>_days`` (start of the first gap longer than the churn window,
        at most the horizon), ``<metric>_churned`` (it began before the horizon) and
        ``<metric>_eligible`` (shipped within its churn window before assignment).
    """
    days = _shipping_days(clock, shipments, as_of, calendar)
    windows = _churn_windows(clock, days, factor)
    churned = _first_long_gap(windows, days)
    horizon = float(metric.horizon or 0)
    duration = ibis.least(churned.churn_day.fill_null(horizon), horizon)
    return Part(
        churned.select(
            "customer_id",
            **{
                f"{metric.name}_days": duration,
                f"{metric.name}_churned": (churned.churn_day < horizon).fill_null(False),
                f"{metric.name}_eligible": churned.is_eligible,
            },
        )
    )


def _shipping_days(
    clock: ir.Table, shipments: ir.Table, as_of: Month, calendar: Calendar | None
) -> ir.Table:
    """One row a customer and day with a shipment: day, and its closed days since assignment.

    Day 0 begins at assignment; `shut` counts the closed days between assignment and the day,
    below zero before it.
    """
    known = shipments.filter(shipments.shipped_at < ibis.literal(as_of.end))
    rows = known.inner_join(clock.select("customer_id", "assigned_at"), "customer_id")
    seconds = rows.shipped_at.epoch_seconds() - rows.assigned_at.epoch_seconds()
    day = (seconds.cast("float64") / SECONDS_A_DAY).floor().cast("float64")
    found = rows.select(
        "customer_id",
        day=day,
        _from=rows.assigned_at.date(),
        _to=rows.shipped_at.date(),
    ).distinct()
    if calendar is None or not calendar.closed_days:
        return found.select("customer_id", "day", shut=ibis.literal(0.0)).distinct()
    return _with_closed_days(found, calendar)


def _with_closed_days(found: ir.Table, calendar: Calendar) -> ir.Table:
    """Shipping days with the number of closed days between assignment and them."""
    first, last = min(calendar.closed_days), max(calendar.closed_days)
    numbered = calendar.open_day_numbers(first - dt.timedelta(days=1), last)
    closed = pd.Series(range(len(numbered))) - (numbered["open_n"] - numbered["open_n"].iloc[0])
    table = ibis.memtable(numbered[["day"]].rename(columns={"day": "_on"}).assign(_n=closed))
    table = table.select(_on=table["_on"].cast("date"), _n=table["_n"].cast("float64"))
    ends = float(closed.iloc[-1])

    def counted(name: str) -> ir.Table:
        joined = found.left_join(table, found[name] == table["_on"])
        later = (joined[name] > ibis.literal(last)).ifelse(ends, 0.0)
        return joined.mutate(_n=ibis.coalesce(joined["_n"], later)).drop("_on")

    found = counted("_to").rename(_until="_n")
    found = counted("_from").rename(_since="_n")
    shut = found["_until"] - found["_since"]
    return found.select("customer_id", "day", shut=shut).group_by("customer_id", "day").agg(
        shut=lambda rows: rows.shut.max()
    )  # fmt: skip


def _churn_windows(clock: ir.Table, days: ir.Table, factor: float) -> ir.Table:
    """One row a unit: churn_window in days, and whether it shipped within it before."""
    before = days.filter(days.day < 0)
    before = before.mutate(at=before.day - before.shut)
    history = before.group_by("customer_id").agg(
        gaps=before.day.count() - 1, first=before["at"].min(), last=before["at"].max()
    )
    joined = clock.left_join(history, "customer_id").drop("customer_id_right")
    own = (joined.gaps >= MIN_GAPS).ifelse((joined["last"] - joined["first"]) / joined.gaps, None)
    gap = ibis.coalesce(own, own.mean().over(group_by=joined.stratum), own.mean().over())
    window = factor * churn_window(gap)
    return joined.select(
        "customer_id",
        churn_window=window,
        is_eligible=(-joined["last"] <= window).fill_null(False),
    )


def _first_long_gap(windows: ir.Table, days: ir.Table) -> ir.Table:
    """The windows with churn_day: the start of the first gap longer than the window, or null.

    Assignment itself starts the first gap; the last shipment starts one that has no end yet.
    """
    after = days.filter(days.day > 0)
    origin = windows.select("customer_id", day=ibis.literal(0.0), shut=ibis.literal(0.0))
    starts = origin.union(after.select("customer_id", "day", "shut"))
    starts = starts.mutate(at=starts.day - starts.shut)
    order = ibis.window(group_by=starts.customer_id, order_by=starts.day)
    gaps = starts.mutate(until=starts["at"].lead().over(order))
    timed = gaps.inner_join(windows, "customer_id")
    is_long = (timed.until - timed["at"] > timed.churn_window) | timed.until.isnull()
    first = timed.group_by("customer_id").agg(churn_day=timed.day.min(where=is_long))
    return windows.left_join(first, "customer_id").drop("customer_id_right")
