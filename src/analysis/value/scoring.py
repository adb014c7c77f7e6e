"""The value score of every customer and month."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..months import Month
from ..params import ValuePolicy
from .ranking import abc_class, position, quantile_group, rfm_group, with_month_means
from .windows import trailing

SCORE_DECIMALS = 4


def score(panel: ir.Table, policy: ValuePolicy, as_of: Month) -> ir.Table:
    """RFM, ABC and the value score: one row a customer and month up to `as_of`.

    Recency, frequency (shipments) and monetary value (revenue) of the trailing window are ranked
    among the customers that shipped in the window; the score is the weighted mean of the three
    positions, from 0 to 100. A part that a profile does not record (revenue) drops out and the
    others keep their proportion. ABC goes by the window's margin, and by its revenue in months
    before the first known margin (`abc_by` says which).

    Args:
        panel: `customer_months`.
        policy: Window, groups, cuts and weights.
        as_of: Last month; rows after it are not used.

    Returns:
        A lazy table: customer_id, month, months_n (months since the first one, that one = 1),
        shipments_n and revenue of the month, recency_days, frequency (shipments), monetary and
        revenue_window (currency), margin_window (currency), r, f, m (1 lowest), rfm_group,
        abc_class, abc_by, score (0-100; 0 for a customer that shipped before the window only;
        null for one that never shipped).

    Source:
        Hughes (1994), Strategic Database Marketing (RFM); Pareto's ABC analysis.
    """
    summed = with_month_means(trailing(panel, policy, as_of))
    placed = summed.mutate(
        r_position=position(summed, -summed.recency_days),
        f_position=position(summed, summed.frequency),
        m_position=position(summed, summed.revenue_window),
    )
    worth = ibis.ifelse(placed.has_margin, placed.margin_window, placed.revenue_window)
    return placed.select(
        "customer_id",
        "month",
        "months_n",
        "shipments_n",
        "revenue",
        "recency_days",
        "frequency",
        "revenue_window",
        "margin_window",
        monetary=placed.revenue_window,
        r=quantile_group(placed.r_position, policy.rfm_groups),
        f=quantile_group(placed.f_position, policy.rfm_groups),
        m=quantile_group(placed.m_position, policy.rfm_groups),
        rfm_group=rfm_group(placed),
        abc_class=abc_class(placed, worth, policy.abc_cuts),
        abc_by=ibis.ifelse(placed.has_margin, "margin", "revenue"),
        score=_weighted(placed, policy),
    )


def _weighted(placed: ir.Table, policy: ValuePolicy) -> ir.NumericColumn:
    parts = {
        "recency": placed.r_position,
        "frequency": placed.f_position,
        "monetary": placed.m_position,
    }
    weighed = [(policy.weights.get(name, 0.0), place) for name, place in parts.items()]  # type: ignore[call-overload]
    total = sum(weight * place.fill_null(0.0) for weight, place in weighed)
    weight = sum(weight * place.notnull().cast("float64") for weight, place in weighed)
    ranked = (100 * total / weight.nullif(0.0)).round(SCORE_DECIMALS)
    never = placed.recency_days.isnull()
    return ibis.ifelse(placed.is_ranked, ranked, ibis.ifelse(never, None, 0.0))
