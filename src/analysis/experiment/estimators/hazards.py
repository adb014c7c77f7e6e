"""Two further readings of survival: log-rank test and Cox hazard ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .results import BoolArray, FloatArray, Status
from .survival import running_sum_from_end

MAX_STEPS = 50
"""Newton steps; a hazard ratio that exists is found in fewer than 10."""
STEP_TOLERANCE = 1e-10
"""Change of the log hazard ratio below which the steps end."""
LARGEST_LOG_RATIO = 20.0
"""Log hazard ratio beyond which the likelihood has no maximum (one arm without events)."""


@dataclass(frozen=True)
class LogRank:
    """Log-rank test of two groups.

    Attributes:
        status: `ok`, or `no variation` when no event can tell the groups apart.
        chi_square: Statistic with one degree of freedom.
        p_value: Of equal hazards.
    """

    status: Status
    chi_square: float
    p_value: float


@dataclass(frozen=True)
class HazardRatio:
    """Cox model with the arm as its only covariate.

    Attributes:
        status: `ok`, `no variation`, or `not converged` when an arm has no event.
        ratio: Hazard of the treated ÷ hazard of the controls.
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


@dataclass(frozen=True, eq=False)
class _EventTable:
    """Distinct event times: units at risk and events, (t,) each, treated and all."""

    at_risk_treated: FloatArray
    at_risk: FloatArray
    events_treated: FloatArray
    events: FloatArray


def log_rank(duration: FloatArray, event: BoolArray, treated: BoolArray) -> LogRank:
    """Log-rank test, variance hypergeometric (Mantel 1966, Cancer Chemother. Rep. 50(3)).

    Args:
        duration: (n,) days; NaN for units not followed, which are left out.
        event: (n,) whether the event happened.
        treated: (n,) arm.
    """
    table = _event_table(duration, event, treated)
    share = table.at_risk_treated / table.at_risk
    expected = table.events * share
    left = np.maximum(table.at_risk - 1, 1)
    variance = table.events * share * (1 - share) * (table.at_risk - table.events) / left
    total = float(variance.sum())
    if total <= 0:
        return LogRank(Status.NO_VARIATION, np.nan, np.nan)
    chi_square = float(np.sum(table.events_treated - expected)) ** 2 / total
    return LogRank(Status.OK, chi_square, float(stats.chi2.sf(chi_square, 1)))


def hazard_ratio(
    duration: FloatArray, event: BoolArray, treated: BoolArray, *, alpha: float = 0.05
) -> HazardRatio:
    """Cox hazard ratio with Efron's handling of ties (1977, J. Am. Stat. Assoc. 72(359)).

    With one 0/1 covariate the likelihood needs only counts at the distinct event times, so a
    million units cost one sort.

    Args:
        duration: (n,) days; NaN for units not followed, which are left out.
        event: (n,) whether the event happened.
        treated: (n,) arm.
        alpha: Error the interval allows, two-sided.
    """
    table = _event_table(duration, event, treated)
    treated_events, events = table.events_treated.sum(), table.events.sum()
    if not _informative(table):
        return _no_ratio(Status.NO_VARIATION)
    if treated_events in (0, events):
        return _no_ratio(Status.NOT_CONVERGED)
    terms = _efron_terms(table)
    log_ratio = 0.0
    for _ in range(MAX_STEPS):
        score, information = _score(terms, log_ratio, float(treated_events))
        step = float(np.clip(score / information, -2, 2))
        log_ratio += step
        if abs(step) < STEP_TOLERANCE or abs(log_ratio) > LARGEST_LOG_RATIO:
            break
    if abs(step) >= STEP_TOLERANCE:
        return _no_ratio(Status.NOT_CONVERGED)
    std_error = float(_score(terms, log_ratio, float(treated_events))[1] ** -0.5)
    width = float(stats.norm.isf(alpha / 2)) * std_error
    limits = (float(np.exp(log_ratio - width)), float(np.exp(log_ratio + width)))
    p_value = float(2 * stats.norm.sf(abs(log_ratio) / std_error))
    return HazardRatio(Status.OK, float(np.exp(log_ratio)), std_error, *limits, p_value)


def _event_table(duration: FloatArray, event: BoolArray, treated: BoolArray) -> _EventTable:
    followed = ~np.isnan(duration)
    time, index = np.unique(duration[followed], return_inverse=True)
    arm, happened = treated[followed].astype(np.float64), event[followed].astype(np.float64)
    one = np.ones_like(arm)

    def by_time(values: FloatArray) -> FloatArray:
        return np.bincount(index, values, minlength=len(time)).astype(np.float64)

    keep = by_time(happened) > 0
    return _EventTable(
        running_sum_from_end(by_time(arm))[keep],
        running_sum_from_end(by_time(one))[keep],
        by_time(arm * happened)[keep],
        by_time(happened)[keep],
    )


def _informative(table: _EventTable) -> bool:
    """Whether some event happened while both arms were at risk."""
    both = (table.at_risk_treated > 0) & (table.at_risk_treated < table.at_risk)
    return bool(both.any())


def _efron_terms(table: _EventTable) -> tuple[FloatArray, FloatArray]:
    """Treated and controls at risk for each event; ties leave one after another on average."""
    times = np.repeat(np.arange(len(table.events)), table.events.astype(np.intp))
    first = np.cumsum(table.events) - table.events
    gone = (np.arange(len(times)) - first[times]) / table.events[times]
    treated = table.at_risk_treated[times] - gone * table.events_treated[times]
    everyone = table.at_risk[times] - gone * table.events[times]
    return treated, everyone - treated


def _score(
    terms: tuple[FloatArray, FloatArray], log_ratio: float, treated_events: float
) -> tuple[float, float]:
    """Derivative and information of the partial likelihood."""
    treated, control = terms
    share = treated * np.exp(log_ratio) / (treated * np.exp(log_ratio) + control)
    return treated_events - float(share.sum()), float(np.sum(share * (1 - share)))


def _no_ratio(status: Status) -> HazardRatio:
    nan = float("nan")
    return HazardRatio(status, nan, nan, nan, nan, nan)
