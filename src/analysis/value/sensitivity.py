"""What would change if a weight of the value score were another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..params import TierPolicy
from ..tables import TIERS
from .dimensions import DIMENSIONS
from .ranking import bar_of_first, customers_within

CHANGES = (-0.2, 0.2)
"""Shares by which a weight is moved."""


def weight_sensitivity(dimensions: pd.DataFrame, policy: TierPolicy) -> pd.DataFrame:
    """How many customers another weight would put into another tier.

    Tiers are those that the score alone gives, cut as tiers are: the policy's bars where it cuts
    the score by `at_least`, else its shares of customers (5, 15 and 30 % where it cuts by shares
    of value).

    Args:
        dimensions: One month of `with_dimensions`.
        policy: How scores become tiers.

    Returns:
        One row a dimension and change: dimension, weight (of 1), change (−0.2, 0.2), customers,
        moved (customers whose tier changes), moved_share, up (of them, upwards).
    """
    points = np.column_stack([dimensions[f"{n}_points"].to_numpy(float) for n in DIMENSIONS])
    weights = np.column_stack([dimensions[f"{n}_weight"].to_numpy(float) for n in DIMENSIONS])
    usual = _tiers(_scores(points, weights), policy)
    rows = []
    for place, name in enumerate(DIMENSIONS):
        weight = float(weights[0, place]) if len(weights) else float("nan")
        for change in CHANGES:
            tried = weights.copy()
            tried[:, place] *= 1 + change
            tiers = _tiers(_scores(points, tried), policy)
            moved = int((tiers != usual).sum())
            rows.append(
                {
                    "dimension": name,
                    "weight": weight,
                    "change": change,
                    "customers": len(usual),
                    "moved": moved,
                    "moved_share": moved / len(usual) if len(usual) else float("nan"),
                    "up": int((tiers < usual).sum()),
                }
            )
    return pd.DataFrame(rows)


def _scores(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n,) weighted means of the points known, as `with_dimensions` rounds them."""
    known = ~np.isnan(points)
    weighed = np.where(known, weights, 0.0)
    with np.errstate(invalid="ignore"):
        return np.round((np.nan_to_num(points) * weighed).sum(axis=1) / weighed.sum(axis=1), 4)


def _tiers(scores: np.ndarray, policy: TierPolicy) -> np.ndarray:
    """(n,) place of the tier, 0 the highest."""
    bars = _bars(scores, policy)
    return sum((np.nan_to_num(scores, nan=-1.0) < bar).astype(int) for bar in bars.values())


def _bars(scores: np.ndarray, policy: TierPolicy) -> Mapping[str, float]:
    """The smallest score of each tier but the last."""
    if policy.at_least is not None and policy.measure == "score":
        return {t: policy.at_least[t] for t in TIERS[:-1] if t in policy.at_least}
    shares = policy.customer_shares or TierPolicy().customer_shares
    held = np.cumsum([shares.get(tier, 0.0) for tier in TIERS[:-1]])  # type: ignore[call-overload]
    ordered = np.sort(scores[~np.isnan(scores)])[::-1]
    bars = [bar_of_first(ordered, k) for k in customers_within(held, len(ordered))]
    return dict(zip(TIERS[:-1], bars, strict=True))
