"""How much worse a guardrail may get: as planned, else a tenth of the control's value.

A margin that is a share of the control's value moves with the data as the effect does. Against it
the effect is held with the error of the two together, T − (1 ± 0.1)·C, as Fieller's interval of the
relative effect does; the effect's own error alone let harm of just the margin pass for safe in 3 %
of draws with even arms, 3.6 % where nine of ten are treated, where 2.5 % are promised.
"""

from __future__ import annotations

import math

import numpy as np

from ..params.metric import Metric
from .estimate import Estimate
from .estimators.results import FloatArray

DEFAULT_MARGIN = 0.10
"""Tolerated harm where the plan names none, as a share of the control's value (statistics.md)."""


def margin_of(estimate: Estimate) -> float:
    """Tolerated harm: as planned, else a tenth of the control's value."""
    if estimate.metric.margin is not None:
        return estimate.metric.margin
    return DEFAULT_MARGIN * abs(estimate.value_control)


def share_error(covariance: FloatArray, control: float, metric: Metric) -> float:
    """Standard error of T − (1 ∓ 0.1)·C, whose sign says on which side of the margin harm lies.

    Args:
        covariance: (2, 2) of the treated and the control value.
        control: The control's value.
        metric: Says which direction is better; NaN for one with a margin of its own.
    """
    if metric.margin is not None:
        return math.nan
    against = np.array([1.0, -(1 - DEFAULT_MARGIN * metric.sign * np.copysign(1.0, control))])
    return float(np.sqrt(max(float(against @ covariance @ against), 0.0)))


def planned_scale(metric: Metric, share_treated: float) -> float:
    """The same error ÷ that of the effect, as planned: alike variances, a positive control.

    Args:
        metric: A guardrail.
        share_treated: Share of units treated; the variances of the values go by it.
    """
    if metric.margin is not None:
        return 1.0
    control = 1 - DEFAULT_MARGIN * metric.sign
    return math.sqrt(1 - share_treated + control**2 * share_treated)


def beside_margin(estimate: Estimate, limits: tuple[float, float]) -> tuple[float, float]:
    """Limits in the direction of better with the margin's error, where it is a share."""
    scale = estimate.share_error / estimate.std_error if estimate.std_error else math.nan
    if not math.isfinite(scale):
        return limits
    low, high = limits
    return estimate.gain - scale * (estimate.gain - low), estimate.gain + scale * (
        high - estimate.gain
    )
