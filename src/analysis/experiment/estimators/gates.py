"""Numbers behind the gates: whether the data can be trusted before any effect is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from .results import FloatArray, IntArray, Status

ALARM_AT = 0.001
"""p below which a gate alarms: it is looked at each month on many experiments, and an alarm
stops everything (Fabijan and others 2019, KDD, "Diagnosing Sample Ratio Mismatch")."""
CROSSOVER_ALARM = 0.01
"""Share of units found in two arms above which a gate alarms."""
FEWEST_EXPECTED = 5.0
"""Expected count below which the chi-square's p is unreliable (Cochran 1954)."""


@dataclass(frozen=True)
class GateTest:
    """One gate.

    Attributes:
        status: `ok`, or why it could not be tested.
        alarm: True when the data are not to be trusted.
        p_value: Smallest p after correction for the number of tests.
        statistic: Chi-square, odds ratio, or share, as the gate has it; of the worst test.
        tests: Number of tests.
        worst: Position of the worst test (stratum, arm, or metric), −1 where there is none.
    """

    status: Status
    alarm: bool
    p_value: float
    statistic: float
    tests: int
    worst: int


def sample_ratio(counts: IntArray, allocation: FloatArray) -> GateTest:
    """Sample ratio: do the arms' sizes fit the planned allocation?

    Args:
        counts: (A,) units by arm, or (S, A) by stratum and arm; clusters in a cluster design.
        allocation: (A,) or (S, A) planned shares; rescaled to sum to 1.

    Returns:
        The test, strata by Bonferroni. Expected counts below 5 make it exact: each arm against
        the rest by the binomial, arms by Bonferroni. Units in an arm of share 0 alarm.

    Example:
        >>> import numpy as np
        >>> found = sample_ratio(np.array([44700, 45489]), np.array([0.5, 0.5]))
        >>> round(found.statistic, 4), round(found.p_value, 5), found.alarm
        (6.9024, 0.00861, False)
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    shares = np.broadcast_to(np.asarray(allocation, dtype=np.float64), table.shape)
    found = [_ratio_test(row, share) for row, share in zip(table, shares, strict=True)]
    return _worst([p for _, p in found], [s for s, _ in found])


def _ratio_test(counts: FloatArray, allocation: FloatArray) -> tuple[float, float]:
    """Chi-square and p of one stratum; NaN where it cannot be tested."""
    total = counts.sum()
    if total == 0 or allocation.sum() <= 0:
        return np.nan, np.nan
    if counts[allocation <= 0].sum() > 0:
        return np.inf, 0.0
    planned = allocation > 0
    observed = counts[planned]
    expected = total * allocation[planned] / allocation[planned].sum()
    if len(observed) < 2:
        return np.nan, np.nan
    chi_square = float(np.sum((observed - expected) ** 2 / expected))
    if expected.min() >= FEWEST_EXPECTED:
        return chi_square, float(stats.chi2.sf(chi_square, len(observed) - 1))
    n_tests = 1 if len(observed) == 2 else len(observed)
    exact = [
        _binomial_p(int(k), int(total), float(e / total))
        for k, e in zip(observed[:n_tests], expected, strict=False)
    ]
    return chi_square, min(1.0, n_tests * min(exact))


@lru_cache(maxsize=4096)
def _binomial_p(successes: int, total: int, share: float) -> float:
    """Exact two-sided p; strata of equal size repeat the same question."""
    return float(stats.binomtest(successes, total, share).pvalue)


def loss(assigned: IntArray, analysed: IntArray, control: int) -> GateTest:
    """Loss of units against the assignment file, each arm against the control (Fisher's test).

    The sample ratio of a blocked design varies less than its chi-square supposes, and hides a
    loss that this test sees.

    Args:
        assigned: (A,) units assigned.
        analysed: (A,) of these, units found in the data.
        control: Position of the control arm.

    Returns:
        The test, arms by Bonferroni; the statistic is the odds ratio of being found.

    Raises:
        ValueError: More units were analysed than assigned.
    """
    assigned, analysed = np.asarray(assigned), np.asarray(analysed)
    if (analysed > assigned).any():
        raise ValueError("more units analysed than assigned")
    lost = assigned - analysed
    arms = [a for a in range(len(assigned)) if a != control]
    found = [
        stats.fisher_exact([[analysed[a], lost[a]], [analysed[control], lost[control]]])
        for a in arms
    ]
    return _worst([float(f.pvalue) for f in found], [float(f.statistic) for f in found], arms)


def crossover(in_two_arms: int, units: int) -> GateTest:
    """Share of units found in more than one arm; above 1 % it alarms."""
    if units == 0:
        return GateTest(Status.NO_UNITS, False, np.nan, np.nan, 0, -1)
    share = in_two_arms / units
    return GateTest(Status.OK, share > CROSSOVER_ALARM, np.nan, share, 1, 0)


def imbalance(p_values: Sequence[float] | FloatArray) -> GateTest:
    """Pre-period imbalance: did the arms differ before anything was done?

    Args:
        p_values: (m,) of the metrics' pre-period values, by the design's own draw
            (`differences_before`); NaN where not available.

    Returns:
        Bonferroni over metrics; the statistic is the smallest p.
    """
    values = [float(p) for p in p_values]
    return _worst(values, values)


def _worst(
    p_values: Sequence[float], statistics: Sequence[float], positions: Sequence[int] | None = None
) -> GateTest:
    """The smallest p, times the number of tests."""
    known = [i for i, p in enumerate(p_values) if not np.isnan(p)]
    if not known:
        return GateTest(Status.TOO_FEW_UNITS, False, np.nan, np.nan, 0, -1)
    worst = min(known, key=lambda i: (p_values[i], -statistics[i]))
    p_value = min(1.0, p_values[worst] * len(known))
    position = worst if positions is None else positions[worst]
    return GateTest(Status.OK, p_value < ALARM_AT, p_value, statistics[worst], len(known), position)
