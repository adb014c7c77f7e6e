"""Intervals that stay valid however often the report looks.

Looks by accrual (new units arrive): a confidence sequence in the number of matured units. Looks
by calendar (the same units, followed longer): K planned looks, of which each spends its share of
the error; with influence values of the earlier looks the boundary uses their correlation, without
them it is Bonferroni's, which is wider. A metric whose window is over for all units at once has
one look in all: there is nothing to look at earlier, and nothing changes later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .estimate import Key
from .estimators.accrual import accrual_interval
from .estimators.comparison import Comparison
from .estimators.looks import (
    CalendarPlan,
    calendar_look,
    look_correlation,
    next_boundary,
    normal_score,
)
from .estimators.results import FloatArray, Status

NAN = float("nan")


@dataclass(frozen=True, eq=False)
class PastLook:
    """One earlier look at one estimate.

    Attributes:
        score: Standard normal score of the estimate then.
        influence: Influence value by unit (or cluster).
        boundary: The boundary c_k it was held against; NaN where it was never stored.
    """

    score: float
    influence: pd.Series
    boundary: float = NAN


@dataclass(frozen=True)
class Reading:
    """What a look shows of one estimate.

    Attributes:
        low, high, p_value: The interval and p value that hold at every look.
        strict_low, strict_high: The same at the level that several guardrails share.
        boundary: c_k in standard normal units, to be stored; NaN by accrual.
        claim: +1 or −1 where this or an earlier look crossed on that side; else 0.
        status: ``ok``, or why there is no interval.
    """

    low: float
    high: float
    p_value: float
    strict_low: float
    strict_high: float
    boundary: float = NAN
    claim: int = 0
    status: Status = Status.OK


@dataclass(frozen=True)
class Looks:
    """How an experiment's estimates are looked at.

    Attributes:
        spec: The plan.
        alpha: Error level of one treatment arm (the plan's, shared by the arms).
        guardrails: Number of guardrails that share the strict level.
        number: Number of this look, for metrics that are looked at more than once.
        once: Metrics that have one look in all.
        past: Earlier looks by the row they belong to.
    """

    spec: ExperimentSpec
    alpha: float
    guardrails: int = 1
    number: int = 1
    once: frozenset[str] = frozenset()
    past: Mapping[Key, tuple[PastLook, ...]] = field(default_factory=dict)

    @property
    def has_several(self) -> bool:
        """Whether some metric is looked at more than once, so that influence values are needed."""
        return self.spec.looks_kind == "calendar" and (self.spec.looks_planned or 1) > 1

    def planned(self, metric: Metric) -> int:
        """Number of planned looks at a metric."""
        return 1 if metric.name in self.once else (self.spec.looks_planned or 1)

    def plan(self, metric: Metric) -> CalendarPlan:
        """The frozen plan of looks at a metric."""
        return CalendarPlan(self.planned(metric), self.alpha, self.spec.spending)

    def taken(self, key: Key) -> int:
        """Number of this look at an estimate."""
        return max(self.number, len(self.past.get(key, ())) + 1)

    def read(
        self, comparison: Comparison, metric: Metric, key: Key, labels: np.ndarray | None = None
    ) -> Reading:
        """The interval of one estimate at this look.

        Args:
            comparison: The estimate, with influence values where earlier looks exist.
            metric: Its metric.
            key: Its row.
            labels: Name of each unit (or cluster) of the influence values.
        """
        if comparison.status is not Status.OK:
            return _nothing(comparison.status)
        strict = self.alpha / max(self.guardrails, 1)
        if self.spec.looks_kind == "accrual":
            return self._by_accrual(comparison, strict)
        plan = self.plan(metric)
        if plan.looks == 1:
            return _only_look(comparison, self.alpha, strict)
        return self._by_calendar(comparison, plan, key, labels, strict)

    def _by_accrual(self, comparison: Comparison, strict: float) -> Reading:
        def interval(alpha: float) -> tuple[float, float, float]:
            found = accrual_interval(
                comparison.effect,
                comparison.std_error,
                comparison.n_analysed,
                self.spec.planned_n or comparison.n_analysed,
                alpha=alpha,
                df=comparison.df if comparison.clusters_control else math.inf,
            )
            return found.low, found.high, found.p_value

        low, high, p_value = interval(self.alpha)
        strict_low, strict_high, _ = interval(strict)
        return Reading(low, high, p_value, strict_low, strict_high, claim=_side(low, high))

    def _by_calendar(
        self,
        comparison: Comparison,
        plan: CalendarPlan,
        key: Key,
        labels: np.ndarray | None,
        strict: float,
    ) -> Reading:
        past = self.past.get(key, ())
        if self.taken(key) > plan.looks:
            return replace(_nothing(Status.LOOKS_EXHAUSTED), claim=_claimed(past))
        if not past or labels is None or not comparison.influence.size:
            return _by_bonferroni(comparison, plan, self.taken(key), strict, _claimed(past))
        now = pd.Series(comparison.influence, index=labels)
        found = calendar_look(
            comparison.effect,
            comparison.std_error,
            comparison.df,
            earlier_scores=np.array([look.score for look in past]),
            earlier_boundaries=np.array([look.boundary for look in past]),
            correlation=_correlation([*(look.influence for look in past), now]),
            plan=plan,
        )
        interval = found.interval
        strict_low, strict_high = _strict(comparison, plan, len(past) + 1, strict)
        claim = _claimed(past) or _side(interval.low, interval.high)
        return Reading(
            interval.low,
            interval.high,
            interval.p_value,
            min(strict_low, interval.low),
            max(strict_high, interval.high),
            found.boundary,
            claim,
            interval.status,
        )


def past_look(comparison: Comparison, labels: np.ndarray) -> PastLook | None:
    """What later looks need to know of this one; None where it had no estimate."""
    if comparison.status is not Status.OK:
        return None
    score = normal_score(comparison.effect, comparison.std_error, comparison.df)
    return PastLook(score, pd.Series(comparison.influence, index=labels))


def settled(
    past: Sequence[PastLook], stored: Sequence[float], plan: CalendarPlan
) -> tuple[PastLook, ...]:
    """Earlier looks with their boundaries: stored ones as they are, others worked out again.

    Args:
        past: Looks 1 … k − 1, in order.
        stored: Boundaries that were stored at the time; may be shorter.
        plan: The frozen plan.
    """
    known: list[PastLook] = []
    for k, look in enumerate(past[: plan.looks]):
        if k < len(stored):
            known.append(replace(look, boundary=float(stored[k])))
            continue
        boundary = next_boundary(
            _correlation([p.influence for p in past[: k + 1]]),
            np.array([p.boundary for p in known]),
            plan,
        )
        known.append(replace(look, boundary=boundary))
    return tuple(known)


def _correlation(influences: Sequence[pd.Series]) -> FloatArray:
    """(k, k) correlation of looks whose units need not be the same."""
    frame = pd.concat(list(influences), axis=1).fillna(0.0)
    return look_correlation(frame.to_numpy())


def _only_look(comparison: Comparison, alpha: float, strict: float) -> Reading:
    """A single look: the fixed interval at the arm's level."""
    low, high = _t_limits(comparison, alpha)
    strict_low, strict_high = _t_limits(comparison, strict)
    boundary = float(stats.norm.isf(alpha / 2))
    return Reading(
        low, high, comparison.p_value, strict_low, strict_high, boundary, _side(low, high)
    )


def _by_bonferroni(
    comparison: Comparison, plan: CalendarPlan, look: int, strict: float, claim: int
) -> Reading:
    """A look whose correlation with the others is not known: the bound of its own share."""
    share = plan.spent(look) - plan.spent(look - 1)
    low, high = _t_limits(comparison, share)
    strict_low, strict_high = _strict(comparison, plan, look, strict)
    p_value = min(1.0, comparison.p_value * plan.alpha / share)
    boundary = float(stats.norm.isf(share / 2))
    claim = claim or _side(low, high)
    return Reading(low, high, p_value, strict_low, strict_high, boundary, claim)


def _strict(
    comparison: Comparison, plan: CalendarPlan, look: int, strict: float
) -> tuple[float, float]:
    """The interval at the guardrails' shared level, by the bound of the look's own share."""
    shared = replace(plan, alpha=strict)
    return _t_limits(comparison, shared.spent(look) - shared.spent(look - 1))


def _t_limits(comparison: Comparison, alpha: float) -> tuple[float, float]:
    half = float(stats.t.isf(alpha / 2, comparison.df)) * comparison.std_error
    return comparison.effect - half, comparison.effect + half


def _claimed(past: Sequence[PastLook]) -> int:
    """The side on which an earlier look crossed its boundary, or 0."""
    crossed = (look for look in past if abs(look.score) >= look.boundary)
    first = next(crossed, None)
    return 0 if first is None else int(math.copysign(1, first.score))


def _side(low: float, high: float) -> int:
    return 1 if low > 0 else -1 if high < 0 else 0


def _nothing(status: Status) -> Reading:
    return Reading(NAN, NAN, NAN, NAN, NAN, status=status)
