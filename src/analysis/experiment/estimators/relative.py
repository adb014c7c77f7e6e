"""Ratios of two estimates: the relative effect, and the effect on those who used the service.

The delta method, or Fieller's interval where the denominator is imprecise: the delta method's
interval is symmetric, the truth is not, once the denominator's coefficient of variation matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .comparison import Comparison
from .results import FloatArray, Note, NoteCode, Status

FIELLER_FROM = 0.1
"""Coefficient of variation of the denominator above which Fieller's interval is used."""

ZERO_AGAINST = 1e-12
"""Denominator against the numerator's size or error below which it is zero but for rounding."""


@dataclass(frozen=True)
class RatioEstimate:
    """A ratio with its interval.

    Attributes:
        status: `ok`; `undefined` when the denominator is zero; `unbounded` when the data cannot
            tell the denominator from zero, so that a limit is infinite.
        value: The ratio (for a relative effect: minus 1).
        std_error: By the delta method.
        ci_low: Lower limit of the 1 − α interval.
        ci_high: Upper limit.
        p_value: Two-sided, for a value of zero.
        method: `delta` or `fieller`.
        notes: What a reader must know.
    """

    status: Status
    value: float
    std_error: float
    ci_low: float
    ci_high: float
    p_value: float
    method: str
    notes: tuple[Note, ...] = ()


def relative_effect(
    comparison: Comparison, *, alpha: float = 0.05, fieller_from: float = FIELLER_FROM
) -> RatioEstimate:
    """The effect divided by the size of the control's value, as a fraction.

    Args:
        comparison: An effect with the covariance of both arm means.
        alpha: Error the interval allows, two-sided.
        fieller_from: Coefficient of variation of the control's value above which Fieller's
            interval replaces the delta method's.

    Returns:
        The relative effect. Without covariates its variance is
        s_C² m_T² / (m_C⁴ n_C) + s_T² / (m_C² n_T).

    Source:
        Fieller 1954, J. R. Stat. Soc. B 16(2).

    Example:
        >>> import numpy as np
        >>> from analysis.experiment.estimators import compare, make_units, relative_effect
        >>> outcome = np.array([11.0, 12.0, 13.0, 9.0, 10.0, 11.0])
        >>> found = relative_effect(compare(outcome, make_units([1, 1, 1, 0, 0, 0])))
        >>> round(found.value, 2), round(found.ci_low, 3), round(found.ci_high, 3)
        (0.2, -0.05, 0.45)
    """
    if comparison.status is not Status.OK:
        return without_ratio(comparison.status)
    treatment, control = comparison.value_treatment, comparison.value_control
    sign = -1.0 if control < 0 else 1.0
    to_effect = np.array([[1.0, -1.0], [0.0, sign]])
    found = ratio_of_estimates(
        np.array([treatment - control, sign * control]),
        to_effect @ comparison.covariance @ to_effect.T,
        comparison.df,
        alpha,
        fieller_from=fieller_from,
    )
    notes = (Note(NoteCode.NEGATIVE_CONTROL),) if sign < 0 else ()
    return RatioEstimate(**{**vars(found), "notes": notes})


def ratio_of_estimates(
    estimates: FloatArray,
    covariance: FloatArray,
    df: float,
    alpha: float,
    *,
    fieller_from: float = FIELLER_FROM,
) -> RatioEstimate:
    """Numerator ÷ denominator of two jointly normal estimates.

    Args:
        estimates: (2,) numerator and denominator.
        covariance: (2, 2) of the two.
        df: Degrees of freedom.
        alpha: Error the interval allows, two-sided.
        fieller_from: Coefficient of variation of the denominator above which Fieller's interval
            is used.

    Returns:
        The ratio with the delta method's interval, or Fieller's.
    """
    numerator, denominator = (float(e) for e in estimates)
    size = max(abs(numerator), float(np.sqrt(np.maximum(covariance[0, 0], 0.0))))
    if abs(denominator) <= ZERO_AGAINST * size:
        return without_ratio(Status.UNDEFINED)
    value = numerator / denominator
    gradient = np.array([1.0, -value]) / denominator
    std_error = float(np.sqrt(max(float(gradient @ covariance @ gradient), 0.0)))
    if std_error == 0:
        return RatioEstimate(Status.NO_VARIATION, value, 0.0, np.nan, np.nan, np.nan, "delta")
    quantile = float(stats.t.isf(alpha / 2, df))
    if np.sqrt(covariance[1, 1]) <= fieller_from * abs(denominator):
        low, high = value - quantile * std_error, value + quantile * std_error
        p_value = float(2 * stats.t.sf(abs(value) / std_error, df))
        return RatioEstimate(Status.OK, value, std_error, low, high, p_value, "delta")
    # no ratio is zero unless its numerator is: the numerator's own test decides under Fieller
    status, low, high = fieller_limits(estimates, covariance, quantile)
    spread = float(np.sqrt(covariance[0, 0]))
    p_value = float(2 * stats.t.sf(abs(numerator) / spread, df)) if spread > 0 else np.nan
    return RatioEstimate(status, value, std_error, low, high, p_value, "fieller")


def fieller_limits(
    estimates: FloatArray, covariance: FloatArray, quantile: float
) -> tuple[Status, float, float]:
    """The ratios r that numerator − r · denominator does not reject.

    Returns:
        Status and limits; infinite with status `unbounded` when the denominator is not
        distinguishable from zero (the set is then a half line, its outside, or everything).
    """
    numerator, denominator = (float(e) for e in estimates)
    squared = quantile**2
    a = denominator**2 - squared * float(covariance[1, 1])
    b = numerator * denominator - squared * float(covariance[0, 1])
    c = numerator**2 - squared * float(covariance[0, 0])
    root = b**2 - a * c
    if a <= 0 or root < 0:
        return Status.UNBOUNDED, -np.inf, np.inf
    half = float(np.sqrt(root))
    return Status.OK, (b - half) / a, (b + half) / a


def without_ratio(status: Status) -> RatioEstimate:
    """No ratio, and why."""
    nan = float("nan")
    return RatioEstimate(status, nan, nan, nan, nan, nan, "none")
