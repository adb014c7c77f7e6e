"""Design help: power, minimum detectable effect and units needed, for every kind of metric.

Every kind is a mean of a value per unit, so a design needs only that value's variance; strata
and covariates lower it, clusters and looks raise the price.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from .accrual import accrual_multiplier
from .look_paths import crossing_probability, null_paths
from .looks import CalendarPlan, Spending, planned_boundaries
from .means import MIN_CLUSTERS
from .planned_clusters import MOST_CLUSTERS, ClusterPrecision, cluster_precision
from .results import FloatArray

LARGEST_N = 1e12
"""Units beyond which a design is called impossible."""
NORMAL_FROM = 1e5
"""Degrees of freedom from which t is normal to 10⁻⁵; the noncentral t is slow out there."""


@dataclass(frozen=True)
class PlannedDesign:
    """What decides the precision of an effect, besides the number of units.

    Attributes:
        variance: Variance of the value per unit, in squared units of the metric.
        share_treated: Planned share of the treated arm of the two arms compared.
        explained: Share of the variance that strata and covariates explain, R².
        cluster_correlation: Correlation of two units of one cluster, after the covariates.
        cluster_size: Mean units of a cluster; 1 when units are randomised.
        cluster_size_cv: Standard deviation ÷ mean of the cluster sizes.
        covariates_of_clusters: Coefficients that use up clusters (strata, cluster covariates).
    """

    variance: float
    share_treated: float = 0.5
    explained: float = 0.0
    cluster_correlation: float = 0.0
    cluster_size: float = 1.0
    cluster_size_cv: float = 0.0
    covariates_of_clusters: int = 0

    @property
    def design_effect(self) -> float:
        """Variance against independent units: 1 + ((cv² + 1)·m − 1)·ρ (Eldridge 2006)."""
        unequal = (self.cluster_size_cv**2 + 1) * self.cluster_size
        return 1 + (unequal - 1) * self.cluster_correlation

    @property
    def clustered(self) -> bool:
        """Whether clusters are what is randomised."""
        return self.cluster_size > 1


@dataclass(frozen=True, eq=False)
class PlannedLooks:
    """How the interval is made.

    Attributes:
        alpha: Error allowed, two-sided.
        looks: K of calendar looks; 1 for a single analysis.
        spending: Of the calendar looks.
        planned_n: N* of an always-valid (accrual) interval, or None for calendar looks.
        correlation: (K, K) of the looks' estimates, from history; None for information that
            grows evenly, √(j/l).
        progress: (K,) effect ÷ standard error at each look, as a share of the last; None for
            √(k/K).
    """

    alpha: float = 0.05
    looks: int = 1
    spending: Spending = "linear"
    planned_n: int | None = None
    correlation: FloatArray | None = None
    progress: FloatArray | None = None


def proportion_variance(rate: float) -> float:
    """Variance of a 0/1 value."""
    return rate * (1 - rate)


def nps_variance(promoters: float, detractors: float) -> float:
    """Variance of a unit's points, from shares of promoters and detractors, in points²."""
    return 100.0**2 * (promoters + detractors - (promoters - detractors) ** 2)


def ratio_variance(numerator: FloatArray, denominator: FloatArray) -> float:
    """Variance of a ratio's linearised value, from history.

    Args:
        numerator: (n,) per unit.
        denominator: (n,) per unit, mean not zero.
    """
    ratio = numerator.mean() / denominator.mean()
    return float(np.var((numerator - ratio * denominator) / denominator.mean(), ddof=1))


def intracluster_correlation(values: FloatArray, clusters: FloatArray) -> float:
    """Correlation of two units of one cluster, by analysis of variance, not below 0.

    Args:
        values: (n,) from history.
        clusters: (n,) codes.

    Source:
        Donner 1986, Int. Stat. Rev. 54(1).
    """
    codes, index = np.unique(clusters, return_inverse=True)
    g, n = len(codes), len(values)
    if g < 2 or n <= g:
        return 0.0
    sizes = np.bincount(index).astype(np.float64)
    means = np.bincount(index, values) / sizes
    between = float(np.sum(sizes * (means - values.mean()) ** 2)) / (g - 1)
    within = float(np.sum((values - means[index]) ** 2)) / (n - g)
    typical = (n - float(np.sum(sizes**2)) / n) / (g - 1)
    total = between + (typical - 1) * within
    return max(0.0, (between - within) / total) if total > 0 else 0.0


def planned_std_error(design: PlannedDesign, n: float) -> float:
    """Standard error of the effect with n units in both arms together."""
    spread = design.variance * (1 - design.explained) * design.design_effect
    return float(np.sqrt(spread / (n * design.share_treated * (1 - design.share_treated))))


def power(design: PlannedDesign, effect: float, n: float, looks: PlannedLooks) -> float:
    """Chance that the interval excludes zero, with n units in both arms together.

    Args:
        design: What decides the precision.
        effect: True effect at the last look, in units of the metric.
        n: Units in both arms.
        looks: How the interval is made. Calendar looks count a crossing at any look; an
            always-valid interval counts the last look only, so that the figure is a lower bound.

    Returns:
        Probability, 0 where the design leaves no degree of freedom.

    Example:
        >>> design = PlannedDesign(variance=proportion_variance(0.19))
        >>> round(power(design, 0.0082, 90189, PlannedLooks()), 3)
        0.881
    """
    return _power(design, effect, n, looks, _shape(looks))


def minimum_detectable_effect(
    design: PlannedDesign, n: float, looks: PlannedLooks, *, target: float = 0.8
) -> float:
    """Smallest effect found with the target power.

    Args:
        design: What decides the precision.
        n: Units in both arms together.
        looks: How the interval is made.
        target: Power wanted.

    Returns:
        Effect in units of the metric; infinite where the design leaves no degree of freedom.
    """
    if not can_decide(design, n):
        return float("inf")
    std_error = planned_std_error(design, n)
    shape = _shape(looks)

    def lacking(shift: float) -> float:
        return _power(design, shift * std_error, n, looks, shape) - target

    far = 8.0
    while lacking(far) < 0:
        far *= 2
    return float(optimize.brentq(lacking, 0.0, far, xtol=1e-6)) * std_error


def units_needed(
    design: PlannedDesign, effect: float, looks: PlannedLooks, *, target: float = 0.8
) -> float:
    """Fewest units in both arms together that find an effect with the target power.

    Returns:
        Units, rounded up to whole clusters; infinite for an effect of zero or beyond 10¹² units.
    """
    shape = _shape(looks)
    smallest = 3 + design.covariates_of_clusters + (1 if design.clustered else 0)

    def enough(clusters: int) -> bool:
        return _power(design, effect, clusters * design.cluster_size, looks, shape) >= target

    if effect == 0 or not enough(int(LARGEST_N / design.cluster_size)):
        return float("inf")
    low, high = smallest - 1, smallest
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(np.ceil(high * design.cluster_size))


def degrees_of_freedom(design: PlannedDesign, n: float) -> float:
    """Clusters (or units) less two arms and what covariates use.

    Sizes of clusters do not count here; what unequal ones take away is in `cluster_precision`.
    """
    return n / design.cluster_size - 2 - design.covariates_of_clusters


def can_decide(design: PlannedDesign, n: float) -> bool:
    """Whether n units leave a degree of freedom and, of clusters, enough in either arm.

    With fewer than four clusters in an arm the evaluation gives no verdict.
    """
    clusters = round(n / design.cluster_size)
    treated = round(clusters * design.share_treated)
    enough = not design.clustered or min(treated, clusters - treated) >= MIN_CLUSTERS
    return enough and degrees_of_freedom(design, n) > 0


def _correlation(looks: PlannedLooks) -> FloatArray:
    if looks.correlation is not None:
        return looks.correlation
    k = np.arange(1, looks.looks + 1)
    return np.asarray(np.sqrt(np.minimum.outer(k, k) / np.maximum.outer(k, k)))


@dataclass(frozen=True, eq=False)
class _LookShape:
    """Calendar looks: boundaries (K,), paths without effect (K, D), progress (K,)."""

    boundaries: FloatArray
    paths: FloatArray
    progress: FloatArray


def _shape(looks: PlannedLooks) -> _LookShape | None:
    """What the looks need whatever n and effect; None for one look, or where units accrue."""
    if looks.planned_n is not None or looks.looks == 1:
        return None
    if looks.correlation is None and looks.progress is None:
        return _even_shape(looks.looks, looks.alpha, looks.spending)
    return _made_shape(looks)


@lru_cache(maxsize=4)
def _even_shape(looks: int, alpha: float, spending: Spending) -> _LookShape:
    """The shape of evenly spaced looks: asked for again at every size of a design."""
    return _made_shape(PlannedLooks(alpha=alpha, looks=looks, spending=spending))


def _made_shape(looks: PlannedLooks) -> _LookShape:
    correlation = _correlation(looks)
    plan = CalendarPlan(looks.looks, looks.alpha, looks.spending)
    even = np.sqrt(np.arange(1, looks.looks + 1) / looks.looks)
    return _LookShape(
        planned_boundaries(correlation, plan),
        null_paths(correlation),
        even if looks.progress is None else looks.progress,
    )


def _power(
    design: PlannedDesign, effect: float, n: float, looks: PlannedLooks, shape: _LookShape | None
) -> float:
    df = degrees_of_freedom(design, n)
    if not can_decide(design, n):
        return 0.0
    shift = abs(effect) / planned_std_error(design, n)
    precision = _precision(design, n)
    if precision is not None:
        return _cluster_power(design, precision, abs(effect), n, looks, shape)
    if shape is not None:
        return crossing_probability(shape.paths, shape.boundaries, shift * shape.progress, df)
    if looks.planned_n is None:
        critical = float(stats.t.isf(looks.alpha / 2, df))
    else:
        independent = int(np.ceil(n / design.cluster_size))
        critical = accrual_multiplier(independent, looks.planned_n, alpha=looks.alpha)
    return _two_sided_power(critical, shift, df)


def _precision(design: PlannedDesign, n: float) -> ClusterPrecision | None:
    """What few clusters leave; None where units are randomised or clusters are many."""
    clusters = round(n / design.cluster_size)
    if not design.clustered or clusters > MOST_CLUSTERS:
        return None
    treated = min(max(round(clusters * design.share_treated), 2), clusters - 2)
    return cluster_precision(
        max(treated, 2),
        max(clusters - treated, 2),
        design.cluster_size,
        design.cluster_size_cv,
        design.cluster_correlation,
    )


def _cluster_power(
    design: PlannedDesign,
    precision: ClusterPrecision,
    effect: float,
    n: float,
    looks: PlannedLooks,
    shape: _LookShape | None,
) -> float:
    """Power averaged over the draws of the clusters' sizes."""
    unexplained = design.variance * (1 - design.explained)
    shift = effect / np.sqrt(unexplained * precision.variance)
    clusters = n / design.cluster_size
    left = 1 - design.covariates_of_clusters / (clusters - 2)
    test_df = np.maximum(precision.test_df * left, 0.5)
    spread_df = np.maximum(precision.spread_df * left, 0.5)
    scale = np.sqrt(precision.bias)
    if shape is not None:
        return crossing_probability(
            shape.paths,
            shape.boundaries,
            float(shift.mean()) * shape.progress,
            float(np.median(test_df)),
            spread_df=float(np.median(spread_df)),
            scale=float(scale.mean()),
        )
    if looks.planned_n is None:
        critical = stats.t.isf(looks.alpha / 2, test_df)
    else:
        multiplier = accrual_multiplier(int(np.ceil(clusters)), looks.planned_n, alpha=looks.alpha)
        critical = np.full_like(test_df, multiplier)
    upper = stats.nct.sf(critical * scale, spread_df, shift)
    lower = np.nan_to_num(stats.nct.cdf(-critical * scale, spread_df, shift))
    return float(np.mean(upper + lower))


def _two_sided_power(critical: float, shift: float, df: float) -> float:
    """P(|T| > critical), T noncentral; normal where the difference is below 10⁻⁵."""
    if df > NORMAL_FROM:
        return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))
    lower = float(stats.nct.cdf(-critical, df, shift))
    return float(stats.nct.sf(critical, df, shift)) + (0.0 if np.isnan(lower) else lower)
