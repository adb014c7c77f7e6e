"""How often a tier equals the tier that the customer earns later.

The literature prints a figure without saying of what. Read here: the tier in force at the end of a
month against the tier that the same cut-offs give to the customer's measure so many months
later. With a trailing window of a year, one month later eleven of twelve months are the same
months, so that a high figure is no achievement; a year later none is.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from ..literature import printed
from ..months import YEAR, Month, index_of_text
from ..params import TierPolicy
from ..tables import TIERS

MONTHS_AHEAD = (1, 3, 6, 12)
CONFIDENCE = 0.95
CLAIMED = printed("tier-accuracy-89", "accuracy")


def accuracy(
    tiers: ir.Table,
    policy: TierPolicy,
    as_of: Month,
    *,
    first: Month | None = None,
    months_ahead: Sequence[int] = MONTHS_AHEAD,
) -> pd.DataFrame:
    """How often the tier in force equals the tier earned later.

    Customers count in every month in which they have a score above zero: those that shipped in
    its window. Nothing after `as_of` is used, so that months whose later month has not come yet
    do not count.

    Args:
        tiers: Tiers of `assign`.
        policy: The rules it was assigned with.
        as_of: Last month.
        first: First month whose tiers count; by default as many as lie within the year whose
            later month is known.
        months_ahead: How much later.

    Returns:
        One row a number of months ahead: months_ahead, is_next_period (it is the longest time
        until the policy's next review), from_month and to_month (months whose tiers count),
        customer_months_n, customers_n, accuracy, ci_low and ci_high (95 %, customers as
        clusters), higher and lower (shares whose tier was higher, lower than the one earned),
        by_chance (accuracy of the same tiers dealt at random), claimed. Fractions; null where
        no later month is known.
    """
    place = {tier: rank for rank, tier in enumerate(reversed(TIERS))}
    scored = tiers.filter(tiers.month <= str(as_of), tiers.score > 0)
    held = scored.select("customer_id", "month", "tier", index=index_of_text(scored.month))
    reached = tiers.filter(tiers.month <= str(as_of))
    earned = reached.select(
        "customer_id", earned_at=index_of_text(reached.month), earned=reached.tier_by_score
    )
    period = longest_wait(policy)
    rows = []
    for ahead in months_ahead:
        last = as_of.shifted(-ahead)
        since = first or last.shifted(1 - YEAR)
        pairs = held.filter(held.month >= str(since), held.month <= str(last))
        pairs = pairs.mutate(later=pairs.index + ahead)
        met = pairs.join(earned, ["customer_id", ("later", "earned_at")])
        row = _agreement(met, place)
        rows.append({"months_ahead": ahead, "is_next_period": ahead == period, **row})
    return pd.DataFrame(rows)


def longest_wait(policy: TierPolicy) -> int:
    """Months from one review to the next, at most: the period that a tier is meant for."""
    months = sorted(policy.review_months)
    following = [*months[1:], months[0] + YEAR]
    return max(after - month for month, after in zip(months, following, strict=True))


def _agreement(met: ir.Table, place: dict[str, int]) -> dict[str, object]:
    """The figures of one horizon; `met` has one row a customer and month."""
    earned = met.earned.fill_null(TIERS[-1])
    step = met.tier.cases(*place.items()) - earned.cases(*place.items())
    by_customer = (
        met.mutate(step=step)
        .group_by("customer_id")
        .aggregate(months_n=lambda t: t.count(), hits=lambda t: (t.step == 0).sum())
    )
    told = by_customer.execute()
    pairs = (
        met.mutate(earned_tier=earned, step=step)
        .group_by("tier", "earned_tier")
        .aggregate(
            n=lambda t: t.count(),
            step=lambda t: t.step.max(),
            from_month=lambda t: t.month.min(),
            to_month=lambda t: t.month.max(),
        )
    )
    return _figures(told, pairs.execute())


def _figures(by_customer: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, object]:
    n = int(pairs["n"].sum())
    if not n:
        return dict(_NOTHING)
    months, hits = by_customer["months_n"].to_numpy(), by_customer["hits"].to_numpy()
    share = hits.sum() / n
    customers = len(months)
    spread = float(np.sqrt(((hits - share * months) ** 2).sum())) / n
    spread *= np.sqrt(customers / (customers - 1)) if customers > 1 else np.nan
    half = stats.t.ppf((1 + CONFIDENCE) / 2, max(customers - 1, 1)) * spread
    held, earned = (pairs.groupby(c)["n"].sum() / n for c in ("tier", "earned_tier"))
    return {
        "from_month": pairs["from_month"].min(),
        "to_month": pairs["to_month"].max(),
        "customer_months_n": n,
        "customers_n": customers,
        "accuracy": share,
        "ci_low": max(share - half, 0.0),
        "ci_high": min(share + half, 1.0),
        "higher": pairs.loc[pairs["step"] > 0, "n"].sum() / n,
        "lower": pairs.loc[pairs["step"] < 0, "n"].sum() / n,
        "by_chance": float((held * earned.reindex(held.index).fillna(0)).sum()),
        "claimed": CLAIMED,
    }


_NOTHING: dict[str, object] = {
    "from_month": None,
    "to_month": None,
    "customer_months_n": 0,
    "customers_n": 0,
    **dict.fromkeys(("accuracy", "ci_low", "ci_high", "higher", "lower", "by_chance"), np.nan),
    "claimed": CLAIMED,
}
