"""Ordered scores: the proportional-odds reading beside a difference in mean satisfaction.

A mean treats the steps of a 1-5 score as equal; the ordered logit (McCullagh 1980, J. R. Stat.
Soc. B 42(2)) asks only whether the treated arm's answers lie higher: one odds ratio for every
cut of the scale. With the arm as the only covariate the likelihood needs a 2 × K table, so any
number of units costs one count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .results import BoolArray, FloatArray, Status

MAX_STEPS = 100
"""Newton steps; a finite maximum is found in fewer than 20."""
STEP_TOLERANCE = 1e-9
"""Largest change of a coefficient below which the steps end."""
LARGEST_LOG_ODDS = 15.0
"""|log odds ratio| beyond which the arms' answers do not overlap: there is no finite maximum."""


@dataclass(frozen=True)
class OddsRatio:
    """Odds of a higher score, treated ÷ control.

    Attributes:
        status: `ok`; `no units`; `no variation` when one score holds all answers; `not
            converged` when the arms' answers do not overlap.
        ratio: Odds ratio, above 1 when the treated score higher.
        log_std_error: Standard error of its logarithm.
        ci_low: Lower limit of the 1 − α interval of the ratio.
        ci_high: Upper limit.
        p_value: Wald, two-sided, for a ratio of 1.
    """

    status: Status
    ratio: float
    log_std_error: float
    ci_low: float
    ci_high: float
    p_value: float


def ordered_odds_ratio(scores: FloatArray, treated: BoolArray, *, alpha: float = 0.05) -> OddsRatio:
    """Proportional-odds model of an ordered score on the arm.

    Args:
        scores: (n,) ordered values, for example 1-5; NaN for no answer.
        treated: (n,) arm.
        alpha: Error the interval allows, two-sided.

    Returns:
        The odds ratio. Units are taken as independent.

    Example:
        >>> import numpy as np
        >>> scores = np.repeat([1.0, 2, 3, 1, 2, 3], [10, 20, 30, 20, 20, 20])
        >>> found = ordered_odds_ratio(scores, np.repeat([True, False], 60))
        >>> round(found.ratio, 2), round(found.p_value, 3)
        (2.17, 0.025)
    """
    answered = np.isfinite(scores)
    levels, index = np.unique(scores[answered], return_inverse=True)
    counts = np.zeros((2, len(levels)))
    np.add.at(counts, (treated[answered].astype(np.intp), index), 1.0)
    if counts.sum(axis=1).min() == 0:
        return _no_ratio(Status.NO_UNITS)
    if len(levels) == 1:
        return _no_ratio(Status.NO_VARIATION)
    fitted = _maximise(counts)
    if fitted is None:
        return _no_ratio(Status.NOT_CONVERGED)
    log_odds, std_error = fitted
    width = float(stats.norm.isf(alpha / 2)) * std_error
    limits = (float(np.exp(log_odds - width)), float(np.exp(log_odds + width)))
    p_value = float(2 * stats.norm.sf(abs(log_odds) / std_error))
    return OddsRatio(Status.OK, float(np.exp(log_odds)), std_error, *limits, p_value)


def _maximise(counts: FloatArray) -> tuple[float, float] | None:
    """Log odds ratio and its standard error by Newton's method with step halving."""
    cumulated = np.cumsum(counts.sum(axis=0))[:-1]
    shares = cumulated / counts.sum()
    found = np.r_[np.log(shares / (1 - shares)), 0.0]  # cut points, then the effect
    for _ in range(MAX_STEPS):
        likelihood, gradient, information = _derivatives(found, counts)
        step: FloatArray = np.linalg.solve(information, gradient).astype(np.float64)
        while _derivatives(found + step, counts)[0] < likelihood and _is_large(step):
            step *= 0.5
        found = found + step
        if abs(found[-1]) > LARGEST_LOG_ODDS:
            return None
        if not _is_large(step):
            covariance = np.linalg.inv(_derivatives(found, counts)[2])
            return float(found[-1]), float(np.sqrt(covariance[-1, -1]))
    return None


def _is_large(step: FloatArray) -> bool:
    return float(np.abs(step).max()) > STEP_TOLERANCE


def _derivatives(
    coefficients: FloatArray, counts: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Log likelihood, gradient and expected information (K, K) of cut points and effect.

    P(score ≤ k | arm) = logistic(cut_k − effect · arm).
    """
    cuts, effect = coefficients[:-1], coefficients[-1]
    k = len(cuts)
    likelihood, gradient = 0.0, np.zeros(k + 1)
    information = np.zeros((k + 1, k + 1))
    if (np.diff(cuts) <= 0).any():
        return -np.inf, gradient, information
    for arm in (0, 1):
        below = 1 / (1 + np.exp(-(cuts - effect * arm)))
        share = np.diff(np.r_[0.0, below, 1.0])
        slope = below * (1 - below)
        moves = np.zeros((k + 1, k + 1))  # row: score, column: derivative of its share
        moves[np.arange(k), np.arange(k)] = slope
        moves[np.arange(1, k + 1), np.arange(k)] -= slope
        moves[:, -1] = -arm * moves[:, :-1].sum(axis=1)
        likelihood += float(counts[arm] @ np.log(share))
        gradient += moves.T @ (counts[arm] / share)
        information += counts[arm].sum() * (moves.T / share) @ moves
    return likelihood, gradient, information


def _no_ratio(status: Status) -> OddsRatio:
    nan = float("nan")
    return OddsRatio(status, nan, nan, nan, nan, nan)
