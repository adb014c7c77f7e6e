"""What a cluster design will have to go by: its precision and its degrees of freedom.

Clusters of unequal size leave far fewer degrees of freedom than their number says: 24 clusters
whose sizes vary by 90 % have about 7, not 22. Sizes are drawn as often as a design is dealt, and
each draw is worked out exactly for two arms whose clusters share one correlation: the variance of
the difference, the mean and spread of its CR2 estimate, and Satterthwaite's degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .results import FloatArray

DRAWS = 100
"""Designs drawn: the power averaged over them is known to about half a point."""
MOST_CLUSTERS = 240
"""Clusters beyond which degrees of freedom no longer matter: t(60) is normal to 2 %."""
SEED = 20_261_102
"""Fixed, so that the same design promises the same power."""


@dataclass(frozen=True, eq=False)
class ClusterPrecision:
    """What the draws of a cluster design have.

    Attributes:
        variance: (D,) of the effect, for a value of variance 1.
        bias: (D,) mean of the estimate of that variance ÷ the variance.
        spread_df: (D,) degrees of freedom of the estimate itself.
        test_df: (D,) Satterthwaite degrees of freedom under ρ = 1, which the t quantile takes.
    """

    variance: FloatArray
    bias: FloatArray
    spread_df: FloatArray
    test_df: FloatArray


@lru_cache(maxsize=256)
def cluster_precision(
    treated: int, control: int, size: float, size_cv: float, correlation: float
) -> ClusterPrecision:
    """Draw a cluster design and work out each draw.

    Args:
        treated: Clusters of the treated arm, 2 or more.
        control: Clusters of the control arm, 2 or more.
        size: Mean units of a cluster.
        size_cv: Standard deviation ÷ mean of the sizes; drawn from a gamma distribution.
        correlation: Of two units of one cluster.

    Returns:
        One value a draw; a single draw where all clusters are of one size.
    """
    rng = np.random.default_rng(SEED)
    rows = []
    for _ in range(DRAWS if size_cv > 0 else 1):
        arms = [_arm(_sizes(rng, n, size, size_cv), correlation) for n in (treated, control)]
        rows.append(np.sum(arms, axis=0))
    variance, mean, spread, mean_1, spread_1 = np.array(rows).T
    return ClusterPrecision(
        variance, mean / variance, 2 * mean**2 / spread, 2 * mean_1**2 / spread_1
    )


def _sizes(rng: np.random.Generator, n: int, size: float, size_cv: float) -> FloatArray:
    if size_cv == 0:
        return np.full(n, size)
    shape = 1 / size_cv**2
    return np.maximum(1.0, np.round(rng.gamma(shape, size / shape, n)))


def _arm(sizes: FloatArray, correlation: float) -> FloatArray:
    """An arm's variance, and mean and variance of its estimate under ρ and under ρ = 1.

    The estimate is CR2's, raised to the variance it stands for under ρ = 1
    (`clusters.unbiased_where_units_move_as_one`).
    """
    weights = sizes / sizes.sum()
    own = correlation + (1 - correlation) / sizes  # variance of a cluster's mean
    mean, spread = _moments(weights, own)
    mean_1, spread_1 = _moments(weights, np.ones_like(own))
    raised = max(1.0, float(weights @ weights) / mean_1)
    variance = float(weights**2 @ own)
    return np.array(
        [variance, raised * mean, raised**2 * spread, raised * mean_1, raised**2 * spread_1]
    )


def _moments(weights: FloatArray, own: FloatArray) -> tuple[float, float]:
    """Mean and variance of Σ_g (w_g (ȳ_g − ȳ))² / (1 − w_g), the CR2 variance of an arm's mean."""
    centring = np.eye(len(weights)) - weights
    scaled = (weights / np.sqrt(1 - weights))[:, None] * centring
    covariance = (scaled * own) @ scaled.T
    return float(np.trace(covariance)), 2 * float(np.sum(covariance**2))
