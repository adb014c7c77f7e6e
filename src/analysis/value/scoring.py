"""The value score of every customer and month."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..months import Month
from ..params import LatePayers, ValuePolicy
from .dimensions import with_dimensions
from .ranking import (
    abc_bars,
    abc_class,
    cut_group,
    month_means,
    position,
    quantile_group,
    rfm_group,
    stands_out,
    with_shared_position,
)
from .windows import trailing

SCORE_DECIMALS = 4
COLUMNS = (
    *("customer_id", "month", "months_n", "shipments_n", "revenue", "recency_days", "frequency"),
    *("revenue_window", "margin_window", "overdue_share", "abc_class", "monetary", "r", "f", "m"),
    *("rfm_group", "abc_by", "rfm_score", "pays_late", "score"),
)


def score(panel: ir.Table, policy: ValuePolicy, as_of: Month) -> ir.Table:
    """RFM, ABC and the value score: one row a customer and month up to `as_of`.

    Recency, frequency (shipments) and monetary value (revenue) of the trailing window are ranked
    among the customers that shipped in the window; the RFM score is the weighted mean of the three
    positions, from 0 to 100. A part that a profile does not record (revenue) drops out and the
    others keep their proportion. ABC goes by the window's margin, and by its revenue in months
    before the first known margin (`abc_by` says which). `score` is the RFM score, or that of the
    seven dimensions where the policy says so; a customer that does not pay keeps a part of it.

    Args:
        panel: `customer_months`.
        policy: Window, groups, cuts and weights.
        as_of: Last month; rows after it are not used.

    Returns:
        A lazy table, ordered by customer and month: customer_id, month, months_n (months since the
        first one, that one = 1), shipments_n and revenue of the month, recency_days, frequency
        (shipments), monetary and
        revenue_window (currency), margin_window (currency), r, f, m (1 lowest), rfm_group,
        abc_class, abc_by, score (0-100; 0 for a customer that shipped before the window only;
        null for one that never shipped), rfm_score (before what late payers lose), overdue_share
        (fraction; null without receivables), pays_late (its score is lowered for it).

    Source:
        Hughes (1994), Strategic Database Marketing (RFM); Pareto's ABC analysis.
    """
    scored = _scored(trailing(panel, policy, as_of), policy)
    chosen = scored.mutate(score=scored.rfm_score)
    if policy.score == "seven":
        seven = with_dimensions(panel, policy, as_of)
        parts = seven.select("customer_id", "month", "value_score")
        joined = scored.left_join(parts.view(), ["customer_id", "month"])
        # who is not ranked has the score of the customers that left, or none
        chosen = joined.mutate(score=ibis.coalesce(joined.value_score, joined.rfm_score))
    lowered = chosen.mutate(score=_lowered(chosen, policy.late_payers))
    # put in order before the words are written out: words are most of what a row holds
    ordered = lowered.order_by("customer_id", "month")
    worded = ordered.mutate(
        monetary=ordered.revenue_window,
        rfm_group=rfm_group(ordered),
        abc_by=ibis.ifelse(ordered.has_margin, "margin", "revenue"),
    )
    return worded.select(*COLUMNS)


def _scored(summed: ir.Table, policy: ValuePolicy) -> ir.Table:
    """RFM and ABC of what `trailing` returned."""
    # the only sort of all rows; what follows is looked up, all of it in one pass
    everyone = summed.mutate(m_position=position(summed, summed.revenue_window))
    means = month_means(everyone)
    placed = everyone.join(means.view(), "month")
    placed = with_shared_position(placed, everyone, "r_position", lambda t: -t.recency_days)
    placed = with_shared_position(placed, everyone, "f_position", lambda t: t.frequency)
    valued = everyone.join(means.view(), "month")
    bars = abc_bars(valued, _worth(valued), policy.abc_cuts)
    placed = placed.left_join(bars, "month")
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
        "overdue_share",
        "has_margin",
        "is_ranked",
        abc_class=abc_class(placed, _worth(placed)),
        **_groups(placed, policy),
        **stands_out(placed),
        rfm_score=_weighted(placed, policy),
        pays_late=_pays_late(placed, policy.late_payers),
    )


def _worth(placed: ir.Table) -> ir.NumericColumn:
    return ibis.ifelse(placed.has_margin, placed.margin_window, placed.revenue_window)


def _groups(placed: ir.Table, policy: ValuePolicy) -> dict[str, ir.Value]:
    """r, f and m: fixed cuts where the policy gives them, else quantiles of the month."""
    measures = {
        "r": ("recency", placed.recency_days),
        "f": ("frequency", placed.frequency),
        "m": ("monetary", placed.revenue_window),
    }
    groups: dict[str, ir.Value] = {}
    for letter, (part, value) in measures.items():
        cuts = policy.rfm_cuts.get(part)  # type: ignore[call-overload]
        if cuts is None:
            groups[letter] = quantile_group(placed[f"{letter}_position"], policy.rfm_groups)
        else:
            ranked = ibis.ifelse(placed.is_ranked, value, None)
            groups[letter] = cut_group(ranked, cuts, falls=letter == "r")
    return groups


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


def _pays_late(placed: ir.Table, rule: LatePayers | None) -> ir.BooleanValue:
    if rule is None:
        return ibis.literal(False)
    return (placed.overdue_share > rule.overdue_above).fill_null(False)


def _lowered(chosen: ir.Table, rule: LatePayers | None) -> ir.NumericColumn:
    if rule is None:
        return chosen.score
    lowered = (chosen.score * rule.keeps).round(SCORE_DECIMALS)
    return ibis.ifelse(chosen.pays_late, lowered, chosen.score)
