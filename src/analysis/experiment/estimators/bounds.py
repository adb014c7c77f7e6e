"""Bounds for what non-response could hide: Lee's, and the worst case.

Lee (2009, Rev. Econ. Stud. 76(3)): if the service moves response in one direction only, trimming
the arm that answers more bounds the effect on those who would answer either way. The share to
trim seldom falls between two answers; the answer at the cut is taken in part (fractional
trimming), without which the bounds of a score with few values are too wide or too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from .cluster_arms import clusters_per_arm
from .means import MIN_CLUSTERS, MIN_UNITS, compare_arms
from .results import BoolArray, FloatArray, IntArray, Status
from .strata import pool_strata
from .units import LARGEST_VALUE, Units, usable

HAS_BOUND = (Status.OK, Status.NO_VARIATION)
"""Comparisons whose effect can serve as a bound; without variation it is exact."""


@dataclass(frozen=True)
class Bounds:
    """Lower and upper bound of an effect.

    Attributes:
        status: `ok`, or why there are no bounds.
        low: Lower bound.
        high: Upper bound.
        low_error: Standard error of the lower bound.
        high_error: Standard error of the upper bound.
        ci_low: Limit of the interval for the effect itself (Imbens and Manski).
        ci_high: Upper limit.
        trimmed_share: Share of the more responsive arm that is trimmed; 0 for worst-case bounds.
    """

    status: Status
    low: float
    high: float
    low_error: float
    high_error: float
    ci_low: float
    ci_high: float
    trimmed_share: float = 0.0


def lee_bounds(values: FloatArray, units: Units, *, alpha: float = 0.05) -> Bounds:
    """Bounds for the effect on always-responders, if response is monotone in the service.

    Strata enter by standardising both arms to the strata of all units; covariates do not enter.

    Args:
        values: (n,) outcome, NaN for units that did not answer.
        units: All assigned (matured) units.
        alpha: Error the interval allows, two-sided.

    Returns:
        Bounds with standard errors (by unit, or by cluster), in units of the outcome.
    """
    if units.weights is not None and not units.weights.all():
        counted = units.weights > 0
        return lee_bounds(values[counted], units.take(counted), alpha=alpha)
    answered = usable(values, units)
    fewest = min(int((answered & arm).sum()) for arm in _arms(units))
    if fewest < MIN_UNITS:
        return _no_bounds(Status.TOO_FEW_UNITS if fewest else Status.NO_UNITS)
    if units.clusters is not None and min(clusters_per_arm(units)) < MIN_CLUSTERS:
        return _no_bounds(Status.INSUFFICIENT_CLUSTERS)
    weights = _standardising_weights(units)
    rates = [_weighted_mean(answered[m].astype(np.float64), weights[m]) for m in _arms(units)]
    keep_share = min(rates) / max(rates)
    sides = [
        _trimmed_effect(values, answered, units, weights, keep_share, from_top=top)
        for top in ((True, False) if rates[0] >= rates[1] else (False, True))
    ]
    (low, low_influence), (high, high_influence) = sides
    errors = (_error(low_influence, units), _error(high_influence, units))
    return _with_interval((low, high), errors, _df(units), alpha, 1 - keep_share)


def worst_case_bounds(
    values: FloatArray, units: Units, lowest: float, highest: float, *, alpha: float = 0.05
) -> Bounds:
    """Bounds that assume nothing of those who did not answer (Manski 1990, AER 80(2)).

    Args:
        values: (n,) outcome, NaN for units that did not answer.
        units: All assigned (matured) units.
        lowest: Smallest possible value.
        highest: Largest possible value.
        alpha: Error the interval allows, two-sided.

    Returns:
        Bounds through the one estimator, in units of the outcome. To be shown, never decided on.
    """
    missing = ~(np.abs(values) <= LARGEST_VALUE)
    against = np.where(units.treated, lowest, highest)
    in_favour = np.where(units.treated, highest, lowest)
    filled = np.column_stack(
        [np.where(missing, against, values), np.where(missing, in_favour, values)]
    )
    low, high = compare_arms(filled, units, alpha=alpha)
    statuses = [c.status for c in (low, high) if c.status not in HAS_BOUND]
    if statuses:
        return _no_bounds(statuses[0])
    errors = (low.std_error, high.std_error)
    df = float(np.nanmin([low.df, high.df, np.inf]))
    return _with_interval((low.effect, high.effect), errors, df, alpha, 0.0)


def imbens_manski_interval(
    low: float,
    high: float,
    low_error: float,
    high_error: float,
    alpha: float,
    *,
    df: float = np.inf,
) -> tuple[float, float]:
    """Interval that covers the effect, wherever between its bounds it lies.

    Bounds widened by c standard errors, Φ(c + (high − low)/max se) − Φ(−c) = 1 − α: from the
    one-sided to the two-sided quantile as the bounds close. Φ is the t distribution where the
    errors have few degrees of freedom.

    Source:
        Imbens and Manski 2004, Econometrica 72(6).
    """
    largest = max(low_error, high_error)
    gap = (high - low) / largest if largest > 0 else np.inf

    def excess(c: float) -> float:
        return float(stats.t.cdf(c + gap, df) - stats.t.cdf(-c, df) - (1 - alpha))

    one_sided, two_sided = float(stats.t.isf(alpha, df)), float(stats.t.isf(alpha / 2, df))
    c = one_sided
    if excess(one_sided) < 0:
        c = float(optimize.brentq(excess, one_sided, two_sided + 1e-6))
    return low - c * low_error, high + c * high_error


def _trimmed_effect(
    values: FloatArray,
    answered: BoolArray,
    units: Units,
    weights: FloatArray,
    keep_share: float,
    *,
    from_top: bool,
) -> tuple[float, FloatArray]:
    """One bound, and each unit's influence on it (n,).

    The trimmed mean T = (αq − E(q − Y)₊) / α over respondents of the more responsive arm, α the
    share kept, has influence (αq − (q − Y)₊ − αT)/α from the answers (q drops out: the cut is
    where T is stationary) and (q − T)/α per unit of α from the response rates.
    """
    treated, control = _arms(units)
    rates = [_weighted_mean(answered[m].astype(np.float64), weights[m]) for m in (treated, control)]
    more, fewer = (treated, control) if rates[0] >= rates[1] else (control, treated)
    r_more, r_fewer = max(rates), min(rates)
    sign = 1.0 if from_top else -1.0  # trimming from below is trimming −Y from above
    in_more, in_fewer = more & answered, fewer & answered
    cut, kept_mean = _kept_mean(sign * values[in_more], weights[in_more], keep_share)
    influence = np.zeros(len(values))
    shortfall = np.maximum(cut - sign * values[in_more], 0.0)
    influence[in_more] = (keep_share * (cut - kept_mean) - shortfall) / (keep_share * r_more)
    slope = (cut - kept_mean) / keep_share
    influence[more] -= slope * keep_share * (answered[more] - r_more) / r_more
    influence[fewer] += slope * (answered[fewer] - r_fewer) / r_more
    other_mean = _weighted_mean(values[in_fewer], weights[in_fewer])
    influence = sign * influence
    influence[in_fewer] -= (values[in_fewer] - other_mean) / r_fewer
    for member in (treated, control):
        influence[member] *= weights[member] / weights[member].sum()
    direction = 1.0 if rates[0] >= rates[1] else -1.0
    return direction * (sign * kept_mean - other_mean), direction * influence


def _kept_mean(values: FloatArray, weights: FloatArray, share: float) -> tuple[float, float]:
    """Value at the cut, and mean of the lowest share of the weight, the cut value in part."""
    order = np.argsort(values, kind="stable")
    ordered, weight = values[order], weights[order]
    cumulated = np.cumsum(weight)
    target = share * cumulated[-1]
    position = min(int(np.searchsorted(cumulated, target)), len(ordered) - 1)
    cut = float(ordered[position])
    shortfall = float(np.sum(weight[:position] * (cut - ordered[:position])))
    return cut, cut - shortfall / target


def _standardising_weights(units: Units) -> FloatArray:
    """(n,) weights that give each arm the strata of all units."""
    own = np.ones(len(units)) if units.weights is None else units.weights
    strata = pool_strata(units)
    everyone = np.bincount(strata.codes, own, minlength=strata.n_strata).astype(np.float64)
    weights = np.empty(len(units))
    for member in _arms(units):
        arm = np.bincount(strata.codes[member], own[member], minlength=strata.n_strata)
        factor = np.divide(everyone, arm, out=np.zeros_like(everyone), where=arm > 0)
        weights[member] = own[member] * factor[strata.codes[member]]
    return weights


def _error(influence: FloatArray, units: Units) -> float:
    """Standard error from influence values, summed within clusters where there are some."""
    if units.clusters is None:
        return float(np.sqrt(np.sum(influence**2)))
    codes: IntArray = np.unique(units.clusters, return_inverse=True)[1]
    sums = np.bincount(codes, influence)
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)))


def _arms(units: Units) -> tuple[BoolArray, BoolArray]:
    return units.treated, ~units.treated


def _weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    return float(weights @ values / weights.sum())


def _df(units: Units) -> float:
    """Independent observations less the two arms."""
    per_arm = (0, 0) if units.clusters is None else clusters_per_arm(units)
    return float((sum(per_arm) or len(units)) - 2)


def _with_interval(
    bounds: tuple[float, float],
    errors: tuple[float, float],
    df: float,
    alpha: float,
    trimmed: float,
) -> Bounds:
    limits = imbens_manski_interval(*bounds, *errors, alpha, df=df)
    return Bounds(Status.OK, *bounds, *errors, *limits, trimmed)


def _no_bounds(status: Status) -> Bounds:
    nan = float("nan")
    return Bounds(status, nan, nan, nan, nan, nan, nan)
