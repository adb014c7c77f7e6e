"""The seven dimensions of a customer's value, each an expression over the panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import ibis
import ibis.expr.types as ir

from ..months import YEAR, Month, index_of_text, month_index
from ..panel import AMOUNT_DECIMALS
from ..params import ValuePolicy
from .ranking import position

POINTS = 100
SCORE_DECIMALS = 4
WEIGHT_DECIMALS = 6
"""Entropy weights are rounded, so that the order of rows decides nothing."""
GROWTH_MONTHS = 6
"""Months compared with the same months of last year: half a year, so that chance weighs less."""


def _growth(t: ir.Table) -> ir.Value:
    """Log ratio of shipments to the same months of last year; before that, to the months before.

    One shipment is added on both sides, so that small customers' chance does not lead.
    """
    before = ibis.ifelse(
        t.months_n >= YEAR + GROWTH_MONTHS, t.shipments_year_ago, t.shipments_before
    )
    ratio = ((t.shipments_lately + 1) / (before + 1)).ln()
    return ibis.ifelse(t.months_n >= 2 * GROWTH_MONTHS, ratio, None)


DIMENSIONS: Mapping[str, Callable[[ir.Table], ir.Value]] = MappingProxyType(
    {
        "order_scale": lambda t: t.shipments_window.cast("float64"),
        "order_value": lambda t: t.revenue_window,
        "service_complexity": lambda t: t.variety_window / t.active_months.nullif(0),
        "profit_contribution": lambda t: t.margin_window - t.cost_to_serve_window.fill_null(0.0),
        "growth_potential": _growth,
        "loyalty": lambda t: t.active_months * (1 + t.tenure_months).ln(),
        "demand_sensitivity": lambda t: t.sensitive_window / t.shipments_window.nullif(0),
    }
)
"""Dimension → what it measures in the trailing window; higher is worth more.

Order scale: shipments. Order value: revenue. Service complexity: different services, destinations
and kinds of cargo in a month with shipments, on average. Profit contribution: margin less cost to
serve. Growth potential: see `_growth`. Loyalty: months with shipments × log of the tenure in
months. Demand sensitivity: share of time-critical or special shipments.
"""


def with_dimensions(panel: ir.Table, policy: ValuePolicy, as_of: Month) -> ir.Table:
    """The seven dimensions of every ranked customer: one row a customer and month.

    Args:
        panel: `customer_months`.
        policy: Window, weights.
        as_of: Last month; rows after it are not used.

    Returns:
        A lazy table, ordered by customer and month: customer_id, month; for each dimension its
        measure (``order_scale`` …), its
        points (``order_scale_points``, 0-100: position among the month's customers) and its
        weight (``order_scale_weight``, of 1 in all); value_score (0-100: weighted mean of the
        points known). Only customers that shipped in the window.
    """
    windows = _windows(panel, policy, as_of)
    ranked = windows.filter(windows.shipments_window > 0).mutate(is_ranked=True)
    measured = ranked.select(
        "customer_id",
        "month",
        "is_ranked",
        **{name: measure(ranked).round(AMOUNT_DECIMALS) for name, measure in DIMENSIONS.items()},
    )
    weighed = _weighed(measured, policy)
    placed = weighed.mutate(
        **{f"{name}_points": _points(weighed, name) for name in DIMENSIONS},
    )
    scored = placed.mutate(value_score=_score(placed)).drop("is_ranked")
    return scored.order_by("customer_id", "month")


def _points(measured: ir.Table, name: str) -> ir.Value:
    return (POINTS * position(measured, measured[name])).round(SCORE_DECIMALS)


def _weighed(measured: ir.Table, policy: ValuePolicy) -> ir.Table:
    """The rows, with the weight of each dimension in their month."""
    if isinstance(policy.dimensions, str):
        told = _information(measured)
        rows = measured.join(told.view(), "month")
    else:
        by_hand = {n: float(policy.dimensions.get(n, 0.0)) for n in DIMENSIONS}  # type: ignore[call-overload]
        rows = measured.mutate(**{f"{n}_weight": ibis.literal(w) for n, w in by_hand.items()})
    total = sum((rows[f"{n}_weight"] for n in DIMENSIONS), ibis.literal(0.0))
    weights = {n: rows[f"{n}_weight"] / total.nullif(0.0) for n in DIMENSIONS}
    return rows.mutate(**{f"{n}_weight": w.round(WEIGHT_DECIMALS) for n, w in weights.items()})


def _information(measured: ir.Table) -> ir.Table:
    """One row a month: 1 − entropy of each dimension over its customers ÷ the largest possible.

    A dimension in which customers differ much tells them apart and weighs more.

    Source:
        The entropy weight method, after Shannon (1948); measures are scaled to 0-1 first.
    """
    bounds = measured.group_by("month").aggregate(
        **{f"{n}_low": measured[n].min() for n in DIMENSIONS},
        **{f"{n}_high": measured[n].max() for n in DIMENSIONS},
    )
    joined = measured.join(bounds.view(), "month")
    scaled = joined.select(
        "month",
        **{
            n: (joined[n] - joined[f"{n}_low"])
            / (joined[f"{n}_high"] - joined[f"{n}_low"]).nullif(0.0)
            for n in DIMENSIONS
        },
    )
    summed = scaled.group_by("month").aggregate(
        **{f"{n}_n": scaled[n].count() for n in DIMENSIONS},
        **{f"{n}_sum": scaled[n].sum() for n in DIMENSIONS},
        **{f"{n}_log": (scaled[n] * scaled[n].nullif(0.0).ln()).sum() for n in DIMENSIONS},
    )

    def told(name: str) -> ir.Value:
        total = summed[f"{name}_sum"].nullif(0.0)
        entropy = total.ln() - summed[f"{name}_log"] / total
        largest = ibis.greatest(summed[f"{name}_n"], 2).cast("float64").ln()
        return (1 - entropy / largest).round(WEIGHT_DECIMALS).fill_null(0.0)

    return summed.select("month", **{f"{n}_weight": told(n) for n in DIMENSIONS})


def _score(placed: ir.Table) -> ir.Value:
    """Weighted mean of the points; a dimension that is not known drops out."""
    parts = [(placed[f"{n}_points"], placed[f"{n}_weight"]) for n in DIMENSIONS]
    total = sum((w * p.fill_null(0.0) for p, w in parts), ibis.literal(0.0))
    weight = sum((w * p.notnull().cast("float64") for p, w in parts), ibis.literal(0.0))
    return (total / weight.nullif(0.0)).round(SCORE_DECIMALS)


def _windows(panel: ir.Table, policy: ValuePolicy, as_of: Month) -> ir.Table:
    """Sums of each customer's trailing window: one row a customer and month."""
    known = panel.filter(panel.month <= str(as_of))

    def months(first: int, last: int) -> dict[str, object]:
        """From so many months before to so many before, as a window."""
        return {
            "group_by": "customer_id",
            "order_by": "month",
            "preceding": (first, last) if last else first,
            **({} if last else {"following": 0}),
        }

    window = ibis.window(**months(policy.window_months - 1, 0))
    lately = ibis.window(**months(GROWTH_MONTHS - 1, 0))
    before = ibis.window(**months(2 * GROWTH_MONTHS - 1, GROWTH_MONTHS))
    year_ago = ibis.window(**months(YEAR + GROWTH_MONTHS - 1, YEAR))
    so_far = ibis.window(group_by="customer_id", order_by="month", following=0)
    kinds = [known.services_n, known.destinations_n, known.cargo_types_n]
    variety = sum((kind.fill_null(0) for kind in kinds), ibis.literal(0))
    recorded = ibis.coalesce(*kinds).notnull()
    return known.select(
        "customer_id",
        "month",
        months_n=ibis.row_number().over(so_far) + 1,
        shipments_window=known.shipments_n.sum().over(window),
        revenue_window=known.revenue.sum().over(window),
        margin_window=known.margin.sum().over(window),
        cost_to_serve_window=known.cost_to_serve.sum().over(window),
        variety_window=ibis.ifelse(recorded, variety, None).sum().over(window),
        sensitive_window=known.sensitive_n.sum().over(window),
        active_months=known.is_active.cast("int32").sum().over(window),
        tenure_months=_tenure_months(known),
        shipments_lately=known.shipments_n.sum().over(lately),
        shipments_before=known.shipments_n.sum().over(before).fill_null(0),
        shipments_year_ago=known.shipments_n.sum().over(year_ago).fill_null(0),
    )


def _tenure_months(panel: ir.Table) -> ir.IntegerValue:
    """Months from the first shipment to the month, the first one included."""
    return index_of_text(panel.month) - month_index(panel.first_shipped_at) + 1
