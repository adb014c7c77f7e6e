"""Calendar looks: the same units followed longer each month, looked at K times.

Information grows though n does not, so the correlation of the looks is estimated from influence
values: Σ_jl = Σ_i φ_ij φ_il. At look k the boundary c_k spends α(k/K) − α((k−1)/K): under
N(0, R), the probability of first crossing at look k (Slud and Wei 1982, J. Am. Stat. Assoc.
77(380); Lan and DeMets 1983, Biometrika 70(3)). Boundaries once stored never change. Intervals
are repeated confidence intervals (Jennison and Turnbull 1989, J. R. Stat. Soc. B 51(3)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from .accrual import AlwaysValid
from .look_paths import DRAWS, FEWEST_CROSSINGS, Paths, boundary_of, draw_paths
from .results import FloatArray, Status

Spending = Literal["linear", "obrien_fleming"]

P_STEPS = 20
"""Halvings in the search of the p value: exact to 10⁻⁵ of itself, finer than the draws."""


@dataclass(frozen=True)
class CalendarPlan:
    """What the plan froze about looks.

    Attributes:
        looks: K ≥ 1.
        alpha: Error allowed over all looks together, two-sided.
        spending: `linear` α·t, or `obrien_fleming` 2 − 2Φ(z_{α/2}/√t).
    """

    looks: int
    alpha: float = 0.05
    spending: Spending = "linear"

    def spent(self, look: int) -> float:
        """Error spent up to a look (1 … K)."""
        return _spent(look / self.looks, self.alpha, self.spending)


def look_correlation(influence: FloatArray) -> FloatArray:
    """(k, k) correlation of the estimates at looks 1 … k.

    Args:
        influence: (n, k) influence value of each unit (or cluster) at each look, 0 where it was
            not yet in.

    Returns:
        Correlation matrix; a look without variation is taken as unrelated to the others.
    """
    covariance = influence.T @ influence
    scale = np.sqrt(np.diag(covariance))
    scale = np.where(scale > 0, scale, np.inf)
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def next_boundary(correlation: FloatArray, earlier: FloatArray, plan: CalendarPlan) -> float:
    """c_k: the boundary of the latest look, in standard normal units.

    Args:
        correlation: (k, k) of looks 1 … k.
        earlier: (k − 1,) stored boundaries c_1 … c_{k−1}; they are taken as they are.
        plan: The frozen plan, k ≤ K.

    Returns:
        c_k, at most the Bonferroni bound of the look's own share of the error (for linear
        spending z_{α/(2K)}).

    Raises:
        ValueError: Sizes do not match, or k is beyond the planned looks.

    Example:
        >>> import numpy as np
        >>> plan = CalendarPlan(looks=2)
        >>> first = next_boundary(np.eye(1), np.empty(0), plan)
        >>> round(first, 4)
        2.2414
    """
    k = len(correlation)
    if len(earlier) != k - 1:
        raise ValueError(f"look {k} needs {k - 1} earlier boundaries, got {len(earlier)}")
    if k > plan.looks:
        raise ValueError(f"look {k} is beyond the {plan.looks} planned looks")
    return _next_boundary(draw_paths(correlation), earlier, plan)


def _next_boundary(paths: Paths, earlier: FloatArray, plan: CalendarPlan) -> float:
    k = len(earlier) + 1
    alive = np.ones(DRAWS, dtype=bool)
    for j, boundary in enumerate(earlier):
        alive[paths.beyond(j, float(boundary))] = False
    return boundary_of(paths, k - 1, alive, plan.spent(k) - plan.spent(k - 1))


def planned_boundaries(correlation: FloatArray, plan: CalendarPlan) -> FloatArray:
    """(K,) boundaries of all looks, for a correlation assumed beforehand.

    Args:
        correlation: (K, K), for example from history.
        plan: The plan.
    """
    paths = draw_paths(correlation)
    boundaries = np.empty(0)
    for _ in range(plan.looks):
        boundaries = np.append(boundaries, _next_boundary(paths, boundaries, plan))
    return boundaries


def repeated_interval(
    estimate: float, std_error: float, df: float, boundary: float
) -> tuple[float, float]:
    """Estimate ± t_ν⁻¹(Φ(c_k)) · se."""
    half_width = float(stats.t.isf(stats.norm.sf(boundary), df)) * std_error
    return estimate - half_width, estimate + half_width


def normal_score(estimate: float, std_error: float, df: float) -> float:
    """The estimate's t value, carried to the standard normal scale of the boundaries."""
    tail = stats.t.logsf(abs(estimate) / std_error, df)
    return float(np.sign(estimate) * -stats.norm.ppf(np.exp(tail)))


def repeated_p_value(scores: FloatArray, correlation: FloatArray, plan: CalendarPlan) -> float:
    """The smallest α at which some look up to now would have crossed.

    Below the resolution of the draws: min(1, K · smallest p).

    Args:
        scores: (k,) standard normal scores of looks 1 … k.
        correlation: (k, k).
        plan: The frozen plan; its spending is used with α varied.

    Returns:
        p, never larger than Bonferroni's.
    """
    return _repeated_p_value(draw_paths(correlation), scores, plan)


def _repeated_p_value(paths: Paths, scores: FloatArray, plan: CalendarPlan) -> float:
    smallest = float(2 * stats.norm.sf(np.nanmax(np.abs(scores))))
    bonferroni = min(1.0, plan.looks * smallest)
    low, high = FEWEST_CROSSINGS * plan.looks / DRAWS, 1.0
    if low >= 1 or _crosses(scores, paths, plan, low):
        return min(low, bonferroni)
    for _ in range(P_STEPS):
        middle = float(np.sqrt(low * high))
        if _crosses(scores, paths, plan, middle):
            high = middle
        else:
            low = middle
    return min(high, bonferroni)


@dataclass(frozen=True)
class CalendarLook:
    """One look: what is shown, and the boundary that must be stored.

    Attributes:
        interval: Repeated interval and p value.
        boundary: c_k in standard normal units; NaN beyond the planned looks.
    """

    interval: AlwaysValid
    boundary: float


def calendar_look(
    estimate: float,
    std_error: float,
    df: float,
    *,
    earlier_scores: FloatArray,
    earlier_boundaries: FloatArray,
    correlation: FloatArray,
    plan: CalendarPlan,
) -> CalendarLook:
    """Interval, p value and boundary of look k.

    Args:
        estimate: The effect at this look.
        std_error: Its standard error.
        df: Its degrees of freedom.
        earlier_scores: (k − 1,) `normal_score` of the earlier looks, as stored; NaN for a look
            that had no standard error.
        earlier_boundaries: (k − 1,) boundaries of the earlier looks, as stored.
        correlation: (k, k) of looks 1 … k, see `look_correlation`.
        plan: The frozen plan.

    Returns:
        The look; status `looks exhausted` beyond look K, `no variation` (with its boundary all
        the same, so that the error is spent as planned) where there is no standard error.

    Example:
        >>> import numpy as np
        >>> first = calendar_look(
        ...     2.0, 1.0, np.inf, earlier_scores=np.empty(0), earlier_boundaries=np.empty(0),
        ...     correlation=np.eye(1), plan=CalendarPlan(looks=1),
        ... )
        >>> round(first.boundary, 3), round(first.interval.low, 3), round(first.interval.p_value, 3)
        (1.96, 0.04, 0.046)
    """
    nan = float("nan")
    if len(earlier_boundaries) >= plan.looks:
        return CalendarLook(AlwaysValid(Status.LOOKS_EXHAUSTED, nan, nan, nan, nan), nan)
    paths = draw_paths(correlation)
    boundary = _next_boundary(paths, earlier_boundaries, plan)
    if not (std_error > 0 and df > 0):
        return CalendarLook(AlwaysValid(Status.NO_VARIATION, nan, nan, nan, nan), boundary)
    low, high = repeated_interval(estimate, std_error, df, boundary)
    scores = np.append(earlier_scores, normal_score(estimate, std_error, df))
    p_value = _repeated_p_value(paths, scores, plan)
    interval = AlwaysValid(Status.OK, low, high, p_value, (high - low) / 2 / std_error)
    return CalendarLook(interval, boundary)


def _spent(share: float, alpha: float, spending: Spending) -> float:
    if share <= 0:
        return 0.0
    if spending == "linear":
        return alpha * min(share, 1.0)
    return float(2 * stats.norm.sf(stats.norm.isf(alpha / 2) / np.sqrt(min(share, 1.0))))


def _crosses(scores: FloatArray, paths: Paths, plan: CalendarPlan, alpha: float) -> bool:
    """Whether some look's score reaches its boundary when the plan spends alpha."""
    trial = CalendarPlan(plan.looks, alpha, plan.spending)
    alive = np.ones(DRAWS, dtype=bool)
    for j, score in enumerate(scores):
        boundary = boundary_of(paths, j, alive, trial.spent(j + 1) - trial.spent(j))
        if abs(score) >= boundary:
            return True
        alive[paths.beyond(j, boundary)] = False
    return False
