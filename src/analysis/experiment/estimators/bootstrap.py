"""Restricted wild cluster bootstrap: a second opinion when clusters are few.

Residuals of the fit that imposes the null hypothesis are multiplied, a cluster at a time, by
random weights, and the studentised effect is recomputed (Cameron, Gelbach and Miller 2008, Rev.
Econ. Stat. 90(3); Roodman and others 2019, Stata J. 19(1)). All of it is a function of the
clusters' scores, so a draw costs G × K whatever the number of units. The observed data are one
of the draws: an honest two-sided p is never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .cluster_arms import cluster_arms, clusters_per_arm
from .clusters import ClusterDesign, ClusterFit, cr1_std_error, fit_clusters
from .comparison import NEGLIGIBLE
from .covariates import clean_covariates
from .results import FloatArray, Status
from .units import Units, usable

WildWeights = Literal["webb", "rademacher"]

POINTS: dict[WildWeights, tuple[float, ...]] = {
    "rademacher": (-1.0, 1.0),
    "webb": tuple(s * np.sqrt(v) for s in (-1.0, 1.0) for v in (0.5, 1.0, 1.5)),
}
"""Weights of mean 0 and variance 1; Webb's six points (2014, Queen's Economics Department
Working Paper 1315) leave fewer ties than Rademacher's two."""
ENUMERATED_UP_TO = 2**17
"""Draws up to which all are enumerated instead of sampled."""
RANDOM_DRAWS = 9_999
"""Random draws otherwise: with the data itself 10,000, so that α · draws is whole."""
SEED = 20_260_101
"""Fixed, so that the same data give the same p."""
TIE = 1e-9
"""Relative difference below which a draw's statistic equals the observed one: rounding."""
SEARCH_SPAN = 1e6
"""Standard errors from the estimate beyond which an interval's limit is called infinite."""
SEARCH_STEPS = 60
"""Halvings of the search for a limit: more than double precision can tell apart."""


@dataclass(frozen=True)
class WildBootstrap:
    """One contrast, tested and inverted.

    Attributes:
        status: `ok`, or why there is no p value.
        estimate: The contrast.
        std_error: CR1, the scale of `t_value`; see `cr1_std_error`.
        t_value: (estimate − null) / std_error.
        p_value: Share of draws with |t| at least as large, the data being one of them.
        ci_low: Smallest null that is not rejected; −inf where the draws cannot reject any, NaN
            where the interval was not asked for.
        ci_high: Largest null that is not rejected.
        draws: Number of draws, the data included.
        enumerated: True when these are all draws there are.
    """

    status: Status
    estimate: float
    std_error: float
    t_value: float
    p_value: float
    ci_low: float
    ci_high: float
    draws: int
    enumerated: bool


@dataclass(frozen=True, eq=False)
class _Restricted:
    """Cluster scores as a function of the null: base + (estimate − null) · slope.

    Attributes:
        direction: (K,) (Z'WZ)⁻¹ contrast.
        spread: (G, K) Z_g'WZ_g (Z'WZ)⁻¹ contrast, then once more (Z'WZ)⁻¹.
        base: (G, K) Z_g'W e_g of the unrestricted fit.
        slope: (G, K) change of the restricted score with the distance to the null.
    """

    direction: FloatArray
    spread: FloatArray
    base: FloatArray
    slope: FloatArray

    def scores(self, distance: float) -> FloatArray:
        """(G, K) Z_g'W times residuals of the fit restricted to estimate − distance."""
        return self.base + distance * self.slope


def wild_cluster_bootstrap(
    design: ClusterDesign,
    fit: ClusterFit,
    contrast: FloatArray,
    *,
    null: float = 0.0,
    alpha: float = 0.05,
    weights: WildWeights = "webb",
    enumerate_up_to: int = ENUMERATED_UP_TO,
    interval: bool = True,
) -> WildBootstrap:
    """Test contrast'β = null, and the interval of nulls that are not rejected.

    Args:
        design: The regression with its clusters.
        fit: Its fit to the outcome.
        contrast: (K,).
        null: Value tested.
        alpha: Error the interval allows, two-sided.
        weights: `webb` or `rademacher`.
        enumerate_up_to: Largest number of draws that is enumerated.
        interval: Search the interval's limits.

    Returns:
        The p value and the interval by inversion.
    """
    estimate = float(contrast @ fit.coefficients)
    std_error = cr1_std_error(design, fit, contrast)
    if std_error <= NEGLIGIBLE * max(float(np.abs(fit.coefficients).max()), abs(null)):
        return _without_p(Status.NO_VARIATION, estimate)
    draws, enumerated = _draws(len(design.starts), weights, enumerate_up_to)
    restricted = _restrict(design, fit, contrast)

    def p_at(value: float) -> float:
        return _p_value(restricted, estimate - value, draws, enumerated)

    low, high = np.nan, np.nan
    if interval:
        low = _limit(p_at, estimate, -std_error, alpha)
        high = _limit(p_at, estimate, std_error, alpha)
    return WildBootstrap(
        Status.OK,
        estimate,
        std_error,
        (estimate - null) / std_error,
        p_at(null),
        low,
        high,
        len(draws) + (0 if enumerated else 1),
        enumerated,
    )


def bootstrap_test(
    outcome: FloatArray,
    units: Units,
    *,
    null: float = 0.0,
    alpha: float = 0.05,
    weights: WildWeights = "webb",
) -> WildBootstrap:
    """The bootstrap for the effect of `compare` in a cluster design.

    Args:
        outcome: (n,) values; units without a finite value or with weight 0 are left out.
        units: Units with clusters.
        null: Effect tested.
        alpha: Error the interval allows, two-sided.
        weights: `webb` or `rademacher`.

    Returns:
        Test and interval of the adjusted difference; a status where an arm has fewer than two
        clusters.
    """
    used = usable(outcome, units)
    kept = units.take(used)
    if min(clusters_per_arm(kept)) < 2:
        return _without_p(Status.INSUFFICIENT_CLUSTERS, np.nan)
    covariates = clean_covariates(kept.covariates, kept.covariate_names, len(kept))
    design = cluster_arms(kept, covariates).design
    fit = fit_clusters(design, outcome[used] - outcome[used][0])
    contrast = np.zeros(len(fit.coefficients))
    contrast[:2] = 1, -1
    return wild_cluster_bootstrap(design, fit, contrast, null=null, alpha=alpha, weights=weights)


def _without_p(status: Status, estimate: float) -> WildBootstrap:
    nan = float("nan")
    return WildBootstrap(status, estimate, nan, nan, nan, nan, nan, 0, False)


def _draws(n_clusters: int, weights: WildWeights, enumerate_up_to: int) -> tuple[FloatArray, bool]:
    """(D, G) weights of each draw, and whether these are all."""
    points = np.array(POINTS[weights])
    if len(points) ** n_clusters <= enumerate_up_to:
        shape = (len(points),) * n_clusters
        every = np.unravel_index(np.arange(len(points) ** n_clusters), shape)
        return points[np.column_stack(every)], True
    generator = np.random.default_rng(SEED)
    return points[generator.integers(len(points), size=(RANDOM_DRAWS, n_clusters))], False


def _restrict(design: ClusterDesign, fit: ClusterFit, contrast: FloatArray) -> _Restricted:
    """Scores of the restricted fit: residuals grow by Z (Z'WZ)⁻¹ c · distance / c'(Z'WZ)⁻¹c."""
    direction = design.inverse @ contrast
    moved = design.grams @ direction
    slope = moved / float(contrast @ direction)
    return _Restricted(direction, moved @ design.inverse, fit.residual_scores, slope)


def _p_value(
    restricted: _Restricted, distance: float, draws: FloatArray, enumerated: bool
) -> float:
    """Share of draws whose |t| reaches the observed one."""
    scores = restricted.scores(distance)
    along = scores @ restricted.direction
    observed = _squared_t(restricted, scores, along, np.ones((1, len(along))))[0]
    reached = int(np.sum(_squared_t(restricted, scores, along, draws) >= observed * (1 - 2 * TIE)))
    return reached / len(draws) if enumerated else (reached + 1) / (len(draws) + 1)


def _squared_t(
    restricted: _Restricted, scores: FloatArray, along: FloatArray, draws: FloatArray
) -> FloatArray:
    """(D,) squared studentised effects of draws, up to the constant of CR1.

    The effect of a draw is Σ v_h a_h; its residual score in cluster g, along the contrast, is
    v_g a_g − b_g' Σ v_h s_h.
    """
    effects = draws @ along
    residuals = draws * along - (draws @ scores) @ restricted.spread.T
    variances = np.einsum("dg,dg->d", residuals, residuals)
    squared = np.full(len(draws), np.inf)
    np.divide(effects**2, variances, out=squared, where=variances > 0)
    return squared


def _limit(p_at: Callable[[float], float], estimate: float, step: float, alpha: float) -> float:
    """Farthest null on one side that is not rejected: outward doubling, then halving."""
    inside, outside = estimate, estimate + step
    while p_at(outside) > alpha:
        inside, outside = outside, estimate + 2 * (outside - estimate)
        if abs(outside - estimate) > SEARCH_SPAN * abs(step):
            return float(np.copysign(np.inf, step))
    for _ in range(SEARCH_STEPS):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        if p_at(middle) > alpha:
            inside = middle
        else:
            outside = middle
    return inside
