"""What a committee looks at first: who moved where, how steady tiers are, what they hold."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..months import YEAR, Month, index_of_text
from ..tables import TIERS

"""Months."""
REVERSAL_MONTHS = 6
"""A move undone within so many months is a flip-flop."""


def migration(tiers: ir.Table, as_of: Month) -> pd.DataFrame:
    """Customers by the tier of the month before and the tier now.

    Args:
        tiers: Tiers of `assign`.
        as_of: The month.

    Returns:
        One row a pair of tiers, from the highest: from_tier, to_tier, customers_n, share (of the
        customers of from_tier; null where it had none). Customers in their first month are left
        out.
    """
    now = tiers.filter(tiers.month == str(as_of), tiers.previous_tier.notnull())
    counted = now.group_by(from_tier="previous_tier", to_tier="tier").aggregate(
        customers_n=now.count()
    )
    pairs = pd.MultiIndex.from_product([TIERS, TIERS], names=["from_tier", "to_tier"])
    counts = counted.execute().set_index(["from_tier", "to_tier"])["customers_n"]
    matrix = counts.reindex(pairs, fill_value=0).rename("customers_n").reset_index()
    before = matrix.groupby("from_tier")["customers_n"].transform("sum")
    return matrix.assign(share=matrix["customers_n"] / before.where(before > 0))


def tier_shares(tiers: ir.Table, scores: ir.Table, as_of: Month) -> pd.DataFrame:
    """What each tier holds.

    Args:
        tiers: Tiers of `assign`.
        scores: What `score` returned.
        as_of: The month.

    Returns:
        One row a tier, from the highest: tier, customers_n (that shipped in the window),
        dormant_n (the others), share_of_customers, revenue_window and share_of_revenue,
        margin_window and share_of_margin (of the window; fractions, null where the total is not
        above zero).
    """
    month = str(as_of)
    held = tiers.filter(tiers.month == month).select("customer_id", "tier")
    held = held.join(scores.filter(scores.month == month), "customer_id")
    ranked = held.frequency > 0
    summed = held.group_by("tier").aggregate(
        customers_n=ranked.sum(),
        dormant_n=(~ranked).sum(),
        revenue_window=held.revenue_window.sum(),
        margin_window=held.margin_window.sum(),
    )
    by_tier = summed.execute().set_index("tier").reindex(TIERS).rename_axis("tier").reset_index()
    counts = {name: by_tier[name].fillna(0).astype(int) for name in ("customers_n", "dormant_n")}
    return by_tier.assign(
        **counts,
        share_of_customers=_share(counts["customers_n"]),
        share_of_revenue=_share(by_tier["revenue_window"]),
        share_of_margin=_share(by_tier["margin_window"]),
    )[list(_HELD_BY_TIER)]


_HELD_BY_TIER = (
    *("tier", "customers_n", "dormant_n", "share_of_customers"),
    *("revenue_window", "share_of_revenue", "margin_window", "share_of_margin"),
)


def stability(tiers: ir.Table, as_of: Month, first: Month | None = None) -> pd.DataFrame:
    """How often customers move, over the last twelve months.

    Args:
        tiers: Tiers of `assign`.
        as_of: The last month.
        first: First month that counts, where not twelve months do.

    Returns:
        One row: customer_years, moves_n, moves_per_customer_year, reversals_n (moves that undo
        the customer's move before, within six months), reversals_per_customer_year.
    """
    known = tiers.filter(tiers.month <= str(as_of), tiers.previous_tier.notnull())
    rank = {tier: -place for place, tier in enumerate(TIERS)}
    step = known.tier.cases(*rank.items()) - known.previous_tier.cases(*rank.items())
    index = index_of_text(known.month)
    moved = known.mutate(step=step, index=index).filter(lambda t: t.step != 0)
    past = ibis.window(group_by="customer_id", order_by="index")
    since = str(first or as_of.shifted(1 - YEAR))
    moves = moved.mutate(
        is_reversal=(moved.step.sign() != moved.step.lag().over(past).sign())
        & (moved.index - moved.index.lag().over(past) <= REVERSAL_MONTHS)
    )
    counted = moves.filter(moves.month >= since).aggregate(
        moves_n=lambda t: t.count(), reversals_n=lambda t: t.is_reversal.fill_null(False).sum()
    )
    years = known.filter(known.month >= since).count().execute() / YEAR
    row = counted.execute().fillna(0).astype(int).assign(customer_years=years)
    per_year = {
        f"{name}_per_customer_year": row[f"{name}_n"] / years if years else float("nan")
        for name in ("moves", "reversals")
    }
    return row.assign(**per_year)


def _share(values: pd.Series) -> pd.Series:
    total = values.sum()
    return values / total if total > 0 else values * float("nan")
