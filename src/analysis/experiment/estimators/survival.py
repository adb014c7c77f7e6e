"""Survival: Kaplan-Meier curves, restricted mean time, pseudo-observations, log-rank.

An event is the start of a customer's first gap longer than its churn window; a unit whose event
is at day 0 counts as at risk at day 0. Times are in days after assignment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .results import BoolArray, FloatArray, IntArray, Status


@dataclass(frozen=True, eq=False)
class Curve:
    """Kaplan-Meier curve at the distinct times of a group.

    Attributes:
        time: (t,) ascending distinct times, events or not.
        at_risk: (t,) units with a time at or after it.
        events: (t,) events at it.
        survival: (t,) share without event just after it.
        std_error: (t,) Greenwood's.
        low: (t,) lower limit of the log-log interval, within 0 and 1.
        high: (t,) upper limit.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    survival: FloatArray
    std_error: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time without event up to a horizon.

    Attributes:
        status: `ok`; `no units`; `horizon beyond data` when nobody is known so far out.
        mean: Area under the curve up to the horizon, in days.
        std_error: From Greenwood's variance.
    """

    status: Status
    mean: float
    std_error: float


def kaplan_meier(duration: FloatArray, event: BoolArray, *, alpha: float = 0.05) -> Curve:
    """The curve of one group.

    Args:
        duration: (n,) days ≥ 0 to the event or to the end of follow-up.
        event: (n,) whether the event happened.
        alpha: Error the pointwise interval allows.

    Returns:
        One row a distinct time. Limits are made on the log(−log) scale (Kalbfleisch and Prentice
        2002, section 1.4); where the curve is 0 or 1 they equal it.

    Raises:
        ValueError: A duration is negative or not finite.
    """
    time, at_risk, events = _life_table(duration, event)
    survival: FloatArray = np.cumprod(1 - events / at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        increments = events / (at_risk * (at_risk - events))
        spread = np.sqrt(np.cumsum(np.where(at_risk > events, increments, 0.0)))
    low, high = log_log_limits(survival, spread, float(stats.norm.isf(alpha / 2)))
    return Curve(time, at_risk, events, survival, survival * spread, low, high)


def log_log_limits(
    survival: FloatArray, relative_error: FloatArray, quantile: float
) -> tuple[FloatArray, FloatArray]:
    """Limits of a curve on the log(−log) scale; where it is 0 or 1 they equal it.

    Args:
        survival: (t,) the curve.
        relative_error: (t,) its standard error divided by it.
        quantile: Of the normal or t distribution.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        width = quantile * relative_error / np.abs(np.log(survival))
        limits = [np.exp(np.log(survival) * np.exp(s * width)) for s in (1, -1)]
    inner = (survival > 0) & (survival < 1)
    low, high = (np.where(inner, limit, survival) for limit in limits)
    return low, high


def restricted_mean(curve: Curve, horizon: float) -> RestrictedMean:
    """Restricted mean survival time with the variance Σ_j A_j² d_j / (Y_j (Y_j − d_j)).

    A_j is the area under the curve from event time j to the horizon (Klein and Moeschberger
    2003, Survival Analysis, section 4.5).

    Args:
        curve: One group's curve.
        horizon: τ in days.

    Returns:
        Mean and standard error, in days.
    """
    if len(curve.time) == 0:
        return RestrictedMean(Status.NO_UNITS, np.nan, np.nan)
    if not reaches(curve.time[-1], curve.survival[-1] == 0, horizon):
        return RestrictedMean(Status.HORIZON_BEYOND_DATA, np.nan, np.nan)
    inside = curve.time < horizon
    starts = np.r_[0.0, curve.time[inside]]
    heights = np.r_[1.0, curve.survival[inside]]
    areas = np.diff(np.r_[starts, horizon]) * heights
    ahead = running_sum_from_end(areas)[1:]
    events, at_risk = curve.events[inside], curve.at_risk[inside]
    free = at_risk > events  # where all die, nothing lies ahead
    variance = np.sum(ahead[free] ** 2 * events[free] / (at_risk * (at_risk - events))[free])
    return RestrictedMean(Status.OK, float(areas.sum()), float(np.sqrt(variance)))


@dataclass(frozen=True)
class RestrictedMeanDifference:
    """Treated minus control, in days.

    Attributes:
        status: `ok`, or the status of the curve that has no mean.
        difference: Days of custom gained per customer.
        std_error: Of the difference.
        p_value: Two-sided normal, for no difference.
    """

    status: Status
    difference: float
    std_error: float
    p_value: float


def restricted_mean_difference(
    treatment: RestrictedMean, control: RestrictedMean
) -> RestrictedMeanDifference:
    """Difference of two restricted means of independent groups."""
    for mean in (treatment, control):
        if mean.status is not Status.OK:
            return RestrictedMeanDifference(mean.status, np.nan, np.nan, np.nan)
    difference = treatment.mean - control.mean
    std_error = float(np.hypot(treatment.std_error, control.std_error))
    if std_error == 0:
        return RestrictedMeanDifference(Status.NO_VARIATION, difference, 0.0, np.nan)
    p_value = float(2 * stats.norm.sf(abs(difference) / std_error))
    return RestrictedMeanDifference(Status.OK, difference, std_error, p_value)


def reaches(last_time: float, ends_at_zero: bool, horizon: float) -> bool:
    """Whether a curve is known up to the horizon: followed so far, or nobody left before."""
    return bool(last_time >= horizon or ends_at_zero)


@dataclass(frozen=True, eq=False)
class PseudoObservations:
    """Values of restricted mean time for the one estimator.

    Attributes:
        status: `ok`, `no units`, or `horizon beyond data` when an arm is not known so far out.
        values: (n,) pseudo-observations in days; NaN where time is unknown, or without status ok.
    """

    status: Status
    values: FloatArray


def pseudo_observations(
    duration: FloatArray, event: BoolArray, treated: BoolArray, horizon: float
) -> PseudoObservations:
    """Jackknife pseudo-observations n·θ − (n − 1)·θ₍₋ᵢ₎ of restricted mean time, arm by arm.

    Their mean in an arm is the arm's restricted mean. Without censoring before the horizon they
    are min(duration, horizon). All leave-one-out curves come from one sorted pass.

    Args:
        duration: (n,) days ≥ 0; NaN for a unit that is not followed (it gets NaN).
        event: (n,) whether the event happened.
        treated: (n,) arm.
        horizon: τ in days, the same for both arms.

    Returns:
        One value a unit, for `compare`.

    Raises:
        ValueError: A duration is negative or infinite.

    Source:
        Andersen, Hansen and Klein 2004, Lifetime Data Analysis 10(4).

    Example:
        >>> import numpy as np
        >>> found = pseudo_observations(
        ...     np.array([2.0, 9, 12, 4, 8, 12]), np.array([1, 1, 0, 1, 1, 0], bool),
        ...     np.array([1, 1, 1, 0, 0, 0], bool), 10.0)
        >>> found.values
        array([ 2.,  9., 10.,  4.,  8., 10.])
    """
    followed = ~np.isnan(duration)
    values = np.full(len(duration), np.nan)
    for arm in (treated & followed, ~treated & followed):
        if not arm.any():
            return PseudoObservations(Status.NO_UNITS, values)
        arm_time = duration[arm]
        last = float(arm_time.max())
        if not reaches(last, bool(event[arm][arm_time == last].all()), horizon):
            return PseudoObservations(Status.HORIZON_BEYOND_DATA, values)
    for arm in (treated & followed, ~treated & followed):
        values[arm] = _pseudo_of_arm(duration[arm], event[arm], horizon)
    return PseudoObservations(Status.OK, values)


def _pseudo_of_arm(duration: FloatArray, event: BoolArray, horizon: float) -> FloatArray:
    """(n,) pseudo-observations of one arm.

    Without unit i the curve up to its time T is Π (n_j − 1 − d_j)/(n_j − 1), at T it takes the
    step of the units left, and after T it runs parallel to the full curve.
    """
    n = len(duration)
    beyond = duration >= horizon
    time, at_risk, events, index = _life_table_with_index(
        np.minimum(duration, horizon), event & ~beyond
    )
    if n == 1:
        return np.minimum(duration, horizon)
    survival = np.cumprod(1 - events / at_risk)
    width = np.diff(np.r_[time, horizon])
    ahead = running_sum_from_end(survival * width)  # area from each time to the horizon
    whole = time[0] + ahead[0]
    # the curve without one unit that lives beyond: before each time, and its area until then
    others = np.maximum(at_risk - 1, 1)
    reduced = np.cumprod(np.maximum(1 - events / others, 0.0))
    before = np.r_[1.0, reduced[:-1]]
    area_before = np.r_[0.0, np.cumsum(before * np.diff(np.r_[0.0, time]))][1:]
    step_if_event = (at_risk - events) / others
    step_if_censored = np.maximum(1 - events / others, 0.0)
    step = np.where(event & ~beyond, step_if_event[index], step_if_censored[index])
    # alone at the end: nobody is left to say more, and the curve without the unit stays flat
    alone = at_risk[index] == 1
    step = np.where(alone, 1.0, step)
    with np.errstate(divide="ignore", invalid="ignore"):
        parallel = np.where(survival > 0, ahead / survival, 0.0)
    after = np.where(alone, horizon - time[index], parallel[index])
    without = area_before[index] + before[index] * step * after
    return np.asarray(n * whole - (n - 1) * without)


def running_sum_from_end(values: FloatArray) -> FloatArray:
    """(t,) sum of each value and all after it."""
    return np.asarray(np.cumsum(values[::-1])[::-1], dtype=np.float64)


def _life_table(duration: FloatArray, event: BoolArray) -> tuple[FloatArray, ...]:
    """Distinct times with the numbers at risk and of events, each (t,)."""
    return _life_table_with_index(duration, event)[:3]


def _life_table_with_index(
    duration: FloatArray, event: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """The life table, and (n,) the row of each unit's time."""
    if not np.isfinite(duration).all() or (duration < 0).any():
        raise ValueError("durations must be finite and not negative")
    time, index = np.unique(duration, return_inverse=True)
    leaving = np.bincount(index, minlength=len(time)).astype(np.float64)
    events = np.bincount(index, weights=event.astype(np.float64), minlength=len(time)).astype(
        np.float64
    )
    return time.astype(np.float64), running_sum_from_end(leaving), events, index
