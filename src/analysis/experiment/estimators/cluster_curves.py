"""Bands of a survival curve whose units come in clusters.

Greenwood's variance takes units for independent; customers of one depot are not. The curve is
linearised: each unit's influence on S(t) is −S(t) · ∫₀ᵗ dM_i(u) / (Y(u) − d(u)), its martingale
weighed by those who stay (Andersen, Borgan, Gill and Keiding 1993, Statistical Models Based on
Counting Processes, section IV.3). Summed by cluster and scaled as the estimator scales a mean, the
squares give the variance; where nobody is censored it is its own for the share without event.
The limits use the Satterthwaite degrees of freedom that cluster sizes leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .clusters import cluster_design, satterthwaite_df, shortfall
from .results import BoolArray, FloatArray, IntArray
from .survival import Curve, log_log_limits

FEWEST_CLUSTERS = 2
"""Clusters of an arm below which nothing tells how they differ."""


@dataclass(frozen=True, eq=False)
class Band:
    """Pointwise limits of a curve.

    Attributes:
        low, high: (t,) limits at the times asked for; NaN where they cannot be known.
        std_error: (t,).
        df: Degrees of freedom.
    """

    low: FloatArray
    high: FloatArray
    std_error: FloatArray
    df: float


def clustered_band(
    curve: Curve,
    duration: FloatArray,
    event: BoolArray,
    clusters: IntArray,
    at: IntArray,
    *,
    alpha: float = 0.05,
) -> Band:
    """Limits of one arm's curve, right for clusters.

    Args:
        curve: `kaplan_meier` of the same units.
        duration: (n,) days.
        event: (n,) whether the event happened.
        clusters: (n,) code of each unit's cluster.
        at: (t,) ascending positions of the curve's times at which limits are wanted.
        alpha: Error the pointwise interval allows.

    Returns:
        Limits on the log(−log) scale; where the curve is 1 or 0 they equal it. With a single
        cluster they are unknown.
    """
    sizes, codes = _sizes(clusters)
    if len(sizes) < FEWEST_CLUSTERS:
        unknown = np.full(len(at), np.nan)
        return Band(unknown, unknown, unknown, 0.0)
    influence = _influence(curve, duration, event, codes, len(sizes), at)
    scale = 1 - sizes / sizes.sum()
    survival = curve.survival[at]
    design, mean = cluster_design(np.ones((len(codes), 1)), codes), np.ones(1)
    variance = shortfall(design, mean) * np.sum(influence**2 / scale[:, None], axis=0)
    relative = np.sqrt(variance)
    df = satterthwaite_df(design, mean)
    quantile = float(stats.t.isf(alpha / 2, df))
    low, high = log_log_limits(survival, relative, quantile)
    return Band(low, high, survival * relative, df)


def _sizes(clusters: IntArray) -> tuple[FloatArray, IntArray]:
    """(G,) units a cluster, and (n,) codes from 0."""
    _, codes, counts = np.unique(clusters, return_inverse=True, return_counts=True)
    return counts.astype(np.float64), codes


def _influence(
    curve: Curve,
    duration: FloatArray,
    event: BoolArray,
    codes: IntArray,
    n_clusters: int,
    at: IntArray,
) -> FloatArray:
    """(G, t) Σ ∫₀ᵗ dM_i(u) / (Y(u) − d(u)) over the units of each cluster.

    A unit adds 1/(Y − d) at its own event, and takes away Σ d/(Y(Y − d)) over its times at risk.
    """
    place = np.searchsorted(curve.time, duration)
    staying = np.maximum(curve.at_risk - curve.events, 1)  # where nobody stays the curve is 0
    step = 1 / staying
    compensator = np.cumsum(curve.events * step / curve.at_risk)
    column = np.searchsorted(at, place)  # the first time asked for that is not before its own
    shape = (n_clusters, len(at) + 1)
    cell = codes * shape[1] + column

    def by_cluster(values: FloatArray) -> FloatArray:
        summed = np.bincount(cell, weights=values, minlength=shape[0] * shape[1])
        return np.asarray(summed.reshape(shape), dtype=np.float64)

    own = event * step[place] - compensator[place]
    ended = np.cumsum(by_cluster(own)[:, :-1], axis=1)
    left = by_cluster(np.ones(len(codes)))
    still = np.cumsum(left[:, ::-1], axis=1)[:, ::-1][:, 1:]
    return np.asarray(ended - still * compensator[at])
