"""Customers at several month ends: what was known of them, and whether they were lost later.

One query for all month ends. A customer and month end is one *case*; only customers that were not
lost yet are cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from ...calendar import Calendar
from ...months import YEAR, Month, index_of_text, month_text
from ...panel import churn_window, off_seasons, with_silence

MIN_GAPS = 2
"""Gaps between shipping days below which a customer takes the mean of all."""
DECIMALS = 6
"""Means are rounded, so that the order of rows decides nothing."""
FEATURES = (
    *("silence", "gap_days", "shipments_month", "shipments_quarter", "shipments_year"),
    *("trend", "season_ahead", "active_months", "tenure_months"),
    *("late_share", "tickets_rate", "satisfaction", "satisfaction_known"),
)
"""What the models see: see `states` for each."""


def states(
    panel: ir.Table,
    calendar: Calendar,
    ends: Sequence[Month],
    months_ahead: int,
    as_of: Month,
    *,
    customers_share: float = 1.0,
    lost_too: bool = False,
) -> pd.DataFrame:
    """Every case of some month ends: one row a customer and month end.

    Args:
        panel: `customer_months`.
        calendar: Says when the churn clock stops.
        ends: Months at whose end the customers are looked at.
        months_ahead: Months after which it is looked whether they were lost.
        as_of: Nothing after it is used.
        customers_share: Share of customers taken, by a hash of their id.
        lost_too: Whether customers that are lost already are told as well.

    Returns:
        customer_id, month, is_lost (silent for longer than its churn window `months_ahead` months
        later; null where that lies after `as_of`), silent_days and window_days (at the month end),
        and the features: silence (silent days ÷ window), gap_days (mean days between shipping
        days), shipments_month, shipments_quarter and shipments_year (log of one more than the
        shipments), trend (log ratio of the last quarter to the one before), season_ahead (log
        ratio of the coming months a year ago to a usual quarter of that time), active_months (of
        twelve), tenure_months (log), late_share (of a quarter's deliveries with a promise),
        tickets_rate (a quarter's tickets per shipment of the half year), satisfaction (mean
        satisfaction score of a year, 3 where unknown), satisfaction_known. Ordered.
    """
    known = panel.filter(panel.month <= str(as_of))
    if customers_share < 1:
        known = known.filter((known.customer_id.hash() % 10_000).abs() < 10_000 * customers_share)
    known = known.mutate(index=index_of_text(known.month))
    frame = pd.DataFrame({"end": [m.index for m in ends], "end_on": [m.last_day for m in ends]})
    listed = ibis.memtable(frame, schema={"end": "int32", "end_on": "date"})
    rows = known.inner_join(listed, known.index <= listed.end + months_ahead)
    cases = _summed(rows.mutate(age=rows.end - rows.index), months_ahead)
    timed = _timed(rows, cases, calendar, months_ahead, as_of)
    fallback = timed.own_gap.mean().over(ibis.window(group_by="end"))
    placed = timed.mutate(gap=ibis.coalesce(timed.own_gap, fallback).round(DECIMALS))
    windowed = placed.mutate(window_days=churn_window(placed.gap))
    asked = windowed
    if not lost_too:
        asked = windowed.filter(windowed.silent_days <= windowed.window_days)
    told = _features(asked, months_ahead, as_of).order_by("month", "customer_id").execute()
    return told.round(dict.fromkeys(("silent_days", "window_days", *FEATURES), DECIMALS))


def _summed(rows: ir.Table, ahead: int) -> ir.Table:
    """Sums over the months before each month end."""

    def over(column: str, months: int, skip: int = 0) -> ir.Value:
        inside = (rows.age >= skip) & (rows.age < skip + months)
        return rows[column].cast("float64").sum(where=inside).fill_null(0.0)

    past = rows.age >= 0
    csat = rows.csat_score * rows.answers_n
    in_year = past & (rows.age < YEAR) & rows.csat_score.notnull()
    return rows.group_by("customer_id", "end", "end_on").aggregate(
        days=rows.shipping_days_n.sum(where=past),
        first=rows.first_shipped_at.min(where=past),
        last=rows.last_shipped_at.max(where=past),
        last_later=rows.last_shipped_at.max(),
        months_n=rows.index.count(where=past),
        month=over("shipments_n", 1),
        quarter=over("shipments_n", 3),
        quarter_before=over("shipments_n", 3, 3),
        half=over("shipments_n", 6),
        year=over("shipments_n", YEAR),
        year_before=over("shipments_n", YEAR, ahead),
        ahead_last_year=over("shipments_n", ahead, YEAR - ahead),
        active=over("is_active", YEAR),
        promised=over("promised_n", 3),
        on_time=over("on_time_n", 3),
        tickets=over("tickets_n", 3),
        satisfaction=csat.sum(where=in_year) / rows.answers_n.sum(where=in_year).nullif(0),
    )


def _timed(
    rows: ir.Table, cases: ir.Table, calendar: Calendar, ahead: int, as_of: Month
) -> ir.Table:
    """The cases with the clock: own_gap, silent_days, silent_later (days)."""
    shipped = cases.filter(cases.days > 0)
    key = shipped.customer_id + "@" + shipped.end.cast("string")
    keyed = shipped.mutate(customer_id=key, shipper=shipped.customer_id)
    counts = rows.filter(rows.shipments_n > 0, rows.index <= rows.end).select(
        customer_id=rows.customer_id + "@" + rows.end.cast("string"),
        month_index="index",
        shipments_n="shipments_n",
        reference=rows.end + 1,
    )
    seasons = off_seasons(counts)
    later = keyed.end_on + ibis.interval(days=1) + ibis.interval(months=ahead)
    spans = {
        "spread": (keyed["first"].date(), keyed["last"].date()),
        "silent_days": (keyed["last"].date(), keyed.end_on),
        "silent_later": (keyed.last_later.date(), (later - ibis.interval(days=1)).cast("date")),
    }
    parts = [
        keyed.select("customer_id", since=since, until=until, span=ibis.literal(name))
        for name, (since, until) in spans.items()
    ]
    ran = with_silence(ibis.union(*parts), seasons, calendar, as_of.shifted(ahead))
    wide = ran.group_by("customer_id").aggregate(
        **{name: ran.silent_days.max(where=ran.span == name) for name in spans}
    )
    joined = keyed.join(wide, "customer_id")
    own = ibis.ifelse(joined.days > MIN_GAPS, joined.spread / (joined.days - 1), None)
    return joined.mutate(customer_id=joined.shipper, own_gap=own)


def _features(t: ir.Table, ahead: int, as_of: Month) -> ir.Table:
    is_known = t.end + ahead <= as_of.index
    lost = ibis.ifelse(is_known, t.silent_later > t.window_days, None)
    usual_quarter = t.year_before / YEAR * ahead
    has_year = t.months_n >= YEAR
    ratio = ((t.ahead_last_year + 1) / (usual_quarter + 1)).ln()
    return t.select(
        "customer_id",
        "silent_days",
        "window_days",
        month=month_text(t.end),
        is_lost=lost,
        silence=t.silent_days / t.window_days,
        gap_days=t.gap,
        shipments_month=(t.month + 1).ln(),
        shipments_quarter=(t.quarter + 1).ln(),
        shipments_year=(t.year + 1).ln(),
        trend=((t.quarter + 1) / (t.quarter_before + 1)).ln(),
        season_ahead=ibis.ifelse(has_year, ratio, 0.0),
        active_months=t.active,
        tenure_months=(t.months_n + 1).cast("float64").ln(),
        late_share=1 - ibis.coalesce(t.on_time / t.promised.nullif(0), 1.0),
        tickets_rate=t.tickets / (t.half + 1),
        satisfaction=t.satisfaction.fill_null(3.0),
        satisfaction_known=t.satisfaction.notnull().cast("float64"),
    )
