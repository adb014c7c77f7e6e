"""The trailing window of each customer: what it did in the months that count."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from ..months import Month, first_day
from ..panel import AMOUNT_DECIMALS
from ..params import ValuePolicy


def trailing(panel: ir.Table, policy: ValuePolicy, as_of: Month) -> ir.Table:
    """Sums over each customer's window, one row a customer and month.

    Args:
        panel: `customer_months`.
        policy: Length of the window.
        as_of: Last month.

    Returns:
        customer_id, month, months_n (months since the first one, that one = 1), shipments_n and
        revenue of the month, frequency (shipments of the window), revenue_window, margin_window
        (null where no margin is known in the window), recency_days (days from the last shipment
        to the end of the month; null before the first shipment), is_ranked (shipped in the
        window), overdue_share (of the invoices due in the window or still unpaid; null without).
    """
    known = panel.filter(panel.month <= str(as_of))
    whole = ibis.window(group_by="customer_id", order_by="month", following=0)
    last = ibis.window(
        group_by="customer_id",
        order_by="month",
        preceding=policy.window_months - 1,
        following=0,
    )
    summed = known.select(
        "customer_id",
        "month",
        months_n=(ibis.row_number().over(whole) + 1).cast("int32"),
        shipments_n=known.shipments_n.cast("int32"),
        revenue=known.revenue,
        frequency=known.shipments_n.sum().over(last).cast("int32"),
        revenue_window=known.revenue.sum().over(last).round(AMOUNT_DECIMALS),
        margin_window=known.margin.sum().over(last).round(AMOUNT_DECIMALS),
        recency_days=_days_to_month_end(known),
        overdue_share=_overdue_share(known, last),
    )
    return summed.mutate(is_ranked=summed.frequency > 0)


def _days_to_month_end(panel: ir.Table) -> ir.IntegerValue:
    last_day = first_day(panel.month) + ibis.interval(months=1) - ibis.interval(days=1)
    return last_day.cast("date").delta(panel.last_shipped_at.date(), unit="day").cast("int32")


def _overdue_share(panel: ir.Table, last: Any) -> ir.Value:
    """Amount overdue at the month's end ÷ invoices of the window, at most 1."""
    if "overdue" not in panel.columns:
        return ibis.null("float64")
    due = ibis.greatest(panel.due.sum().over(last), panel.overdue)
    return (panel.overdue / due.nullif(0)).round(AMOUNT_DECIMALS).clip(lower=0.0, upper=1.0)
