"""A plan rehearsed on history: drawn many times, evaluated by the very code that will evaluate it.

Without an effect the share of draws that claim one is the false-alarm rate; with a planted effect
it is the power. Both come with Wilson's limits, and stand beside what the formula promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from ..contrasts import contrasts
from ..estimate import WHOLE, Estimate
from ..estimation import compare_cell, dressed, make_cell
from ..look_history import looks_of
from ..setting import Setting
from ..study import read_study
from .drawing import draw, tickets
from .history import History
from .looked import as_drawn, effects_so_far
from .planting import planted, room
from .precision import strata_columns
from .workers import each_draw

CONFIDENCE = 0.95
SEED = 20_240_401
"""Fixed beforehand: the same rehearsal gives the same figures."""
BLOCK = "stratum"
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Rehearsed:
    """What the draws of a rehearsal found of one metric and comparison.

    Attributes:
        metric, estimand, treatment: Which estimate.
        n: Units drawn each time.
        draws: Draws with an estimate.
        effect: Planted effect in the metric's own unit, in the better direction; 0 for none.
        claims: Draws that claim an effect: whose interval excludes zero, at any planned look.
        covered: Draws whose interval holds the planted effect.
        std_error: Mean standard error over the draws.
        spread: Standard deviation of the estimates over the draws.
    """

    metric: str
    estimand: str
    treatment: str
    n: int
    draws: int
    effect: float
    claims: int
    covered: int
    std_error: float
    spread: float

    @property
    def share(self) -> float:
        """Share of draws that claim an effect."""
        return self.claims / self.draws

    @property
    def limits(self) -> tuple[float, float]:
        """Wilson's 95 % limits of the share."""
        low, high = proportion_confint(
            self.claims, self.draws, alpha=1 - CONFIDENCE, method="wilson"
        )
        return float(low), float(high)


@dataclass(frozen=True)
class Found:
    """What one draw found of one metric and comparison.

    Attributes:
        metric, estimand, treatment: Which estimate.
        sign: +1 where more of the metric is better.
        is_planted: With the planted effect.
        effect, std_error, low, high: Of the interval that decides, in the metric's own unit.
        claim: +1 or −1 where an interval of this or an earlier look excludes zero; else 0.
    """

    metric: str
    estimand: str
    treatment: str
    sign: int
    is_planted: bool
    effect: float
    std_error: float
    low: float
    high: float
    claim: int


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """A plan ready to be drawn on history.

    Attributes:
        history: See `history_of`.
        spec: What decides the plan's estimates, and nothing beside.
        customers: Units of each draw, chosen anew each time.
        effects: Metric → effect planted in the treated.
    """

    history: History
    spec: ExperimentSpec
    customers: int
    effects: Mapping[str, float]

    def draw(self, number: int) -> tuple[Found, ...]:
        """Deal the arms once, and evaluate them without and with the planted effects."""
        units = _drawn(self.history, self.spec, number, self.customers)
        earlier = as_drawn(self.history, units)
        found = self._found(units, earlier, self.spec.metrics, is_planted=False)
        if not self.effects:
            return found
        metrics = tuple(m for m in self.spec.metrics if m.name in self.effects)
        changed = _with_planted(units, self.spec, number, self.effects)
        then = [
            _with_planted(table, self.spec, number, effects)
            for table, effects in zip(
                earlier, effects_so_far(self.history, self.effects, self.spec), strict=True
            )
        ]
        return (*found, *self._found(changed, then, metrics, is_planted=True))

    def _found(
        self,
        units: pd.DataFrame,
        earlier: Sequence[pd.DataFrame],
        metrics: Sequence[Metric],
        *,
        is_planted: bool,
    ) -> tuple[Found, ...]:
        """What the evaluation says of metrics that are read once, and of those read again."""
        looked_at = self.history.looked_at
        once = [m for m in metrics if m.name not in looked_at]
        again = [m for m in metrics if m.name in looked_at]
        found: list[Found] = []
        if once:
            found += _found(units, _of(self.spec, once), is_planted=is_planted)
        if again:
            looks = self.history.spec.looks_planned
            spec = _of(self.spec, again).model_copy(update={"looks_planned": looks})
            found += _found(units, spec, is_planted=is_planted, earlier=earlier)
        return tuple(found)


def rehearse(
    history: History,
    *,
    draws: int,
    customers: int | None = None,
    effects: Mapping[str, float] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[tuple[Rehearsed, ...], tuple[Rehearsed, ...]]:
    """Draw a plan many times on history, and evaluate each draw without and with an effect.

    Args:
        history: See `history_of`.
        draws: How often.
        customers: Units of each draw, chosen anew each time; all of history where it has fewer.
        effects: Metric → effect planted in the treated; effects larger than the metric's room
            are left out.
        workers: Processes that draw; the figures do not depend on it.
        progress: Told the number of draws done.

    Returns:
        What the draws found without an effect, and with the planted ones (only their metrics):
        one entry a comparison and metric, in the order of the evaluation. A metric whose window
        ends is read once, at its end; one without an end at every planned look, as the
        experiment will be; where units accrue, once with the interval that holds at any time.
    """
    n = min(customers or len(history.units), len(history.units))
    ready = Rehearsal(history, _plain(history), n, _possible(history, effects or {}))
    rows: dict[tuple[bool, str, str, str], list[Found]] = {}
    for done, found in enumerate(each_draw(ready.draw, draws, workers), start=1):
        for one in found:
            key = (one.is_planted, one.estimand, one.treatment, one.metric)
            rows.setdefault(key, []).append(one)
        if progress is not None:
            progress(done)
    nothing, something = (
        tuple(_summed(found, n, ready.effects) for key, found in rows.items() if key[0] is planted)
        for planted in (False, True)
    )
    return nothing, something


def _of(spec: ExperimentSpec, metrics: Sequence[Metric]) -> ExperimentSpec:
    return spec.model_copy(update={"metrics": tuple(metrics)})


def _plain(history: History) -> ExperimentSpec:
    """The plan with what decides its estimates, and nothing beside."""
    spec = history.spec
    blocked = bool(strata_columns(spec))
    update = {
        "metrics": history.metrics,
        "segments": (),
        "ordinary_tiers": (),
        "exposure": None,
        "exposure_services": (),
        "money": None,
        "strata": (BLOCK,) if blocked else (),
        "blocked": spec.blocked or blocked,
        "looks_planned": 1 if spec.looks_kind == "calendar" else None,
        "look": None,
        "cluster": "cluster_id" if spec.cluster else None,
        "covariates": tuple(c for c in spec.covariates if c in history.units),
    }
    return spec.model_copy(update=update)


def _possible(history: History, effects: Mapping[str, float]) -> dict[str, float]:
    return {
        m.name: effects[m.name]
        for m in history.metrics
        if 0 < effects.get(m.name, 0.0) < room(history.units, m)
    }


def _drawn(
    history: History,
    spec: ExperimentSpec,
    number: int,
    customers: int,
) -> pd.DataFrame:
    """Units of one draw with their arms."""
    key = f"rehearsal {number}"
    columns = dict.fromkeys(
        [
            *(spec.unit, "cluster_id", *strata_columns(history.spec), *spec.covariates),
            *(c for m in spec.metrics for c in (*m.columns, m.matured, m.eligible) if c),
        ]
    )
    units = history.units[[c for c in columns if c in history.units]]
    if customers < len(units):
        ticket = tickets(key, units[spec.unit].astype(str), "chosen")
        units = units.loc[ticket.sort_values().index[:customers]]
    units = units.sort_values(spec.unit, ignore_index=True)
    arms = draw(units, spec, key=key, blocks=strata_columns(history.spec))
    new = ["stratum", "arm", *(("cluster_share", "arm_at_half") if _is_staged(spec) else ())]
    units = units.assign(**{name: arms[name].to_numpy() for name in new})
    return units.rename(
        columns={"arm": spec.arm, "cluster_share": spec.share, "arm_at_half": spec.arm_at_half}
    )


def _with_planted(
    units: pd.DataFrame, spec: ExperimentSpec, number: int, effects: Mapping[str, float]
) -> pd.DataFrame:
    """The same units, the treated with better metrics."""
    rng = np.random.default_rng([SEED, number])
    treated = (units[spec.arm] != spec.control).to_numpy()
    for name, effect in effects.items():
        units = planted(units, treated, spec.metric(name), effect, rng)
    return units


def _is_staged(spec: ExperimentSpec) -> bool:
    return spec.design == "saturation"


def _found(
    units: pd.DataFrame,
    spec: ExperimentSpec,
    *,
    is_planted: bool,
    earlier: Sequence[pd.DataFrame] = (),
) -> tuple[Found, ...]:
    """What the evaluation's estimates of the plan's metrics over all units say."""
    once = frozenset(m.name for m in spec.metrics) if not earlier else frozenset()
    setting = Setting(once=once, earlier=tuple(earlier))
    return tuple(
        Found(
            one.metric.name,
            one.estimand,
            one.treatment,
            one.metric.sign,
            is_planted,
            one.effect,
            one.std_error,
            one.av_low,
            one.av_high,
            one.claim,
        )
        for one in _estimates(units, spec, setting)
        if one.is_ok
    )


def _estimates(units: pd.DataFrame, spec: ExperimentSpec, setting: Setting) -> Iterator[Estimate]:
    """The estimates that `evaluate` makes of the plan's metrics over all units."""
    study = read_study(units, spec)
    looks = looks_of(study, setting)
    metrics = [entry for entry in study.followed if entry.declared]
    for side in contrasts(study):
        cell = make_cell(study, side, WHOLE, side.rows)
        again = bool(setting.earlier)
        for compared in compare_cell(cell, metrics, alpha=looks.alpha, keep_influence=again):
            yield dressed(compared, looks)


def _summed(rows: list[Found], n: int, effects: Mapping[str, float]) -> Rehearsed:
    first = rows[0]
    has_effect = first.is_planted and first.estimand != "spillover"
    effect = effects[first.metric] if has_effect else 0.0
    truth = first.sign * effect
    low, high = (np.array([getattr(r, side) for r in rows]) for side in ("low", "high"))
    return Rehearsed(
        metric=first.metric,
        estimand=first.estimand,
        treatment=first.treatment,
        n=n,
        draws=len(rows),
        effect=effect,
        claims=sum(r.claim != 0 for r in rows),
        covered=int(((low <= truth) & (truth <= high)).sum()),
        std_error=float(np.mean([r.std_error for r in rows])),
        spread=float(np.std([r.effect for r in rows], ddof=1)) if len(rows) > 1 else 0.0,
    )
