"""A plan rehearsed on history: drawn many times, evaluated by the very code that will evaluate it.

Without an effect the share of draws that claim one is the false-alarm rate; with a planted effect
it is the power. Both come with Wilson's limits, and stand beside what the formula promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from ...params.experiment import ExperimentSpec
from ..contrasts import contrasts
from ..estimate import WHOLE, Estimate
from ..estimation import compare_cell, dressed, make_cell
from ..look_history import looks_of
from ..setting import Setting
from ..study import read_study
from .drawing import draw, keyed
from .history import History
from .planting import planted, room
from .precision import strata_columns

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
        claims: Draws whose interval excludes zero.
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


def rehearse(
    history: History,
    *,
    draws: int,
    customers: int | None = None,
    effects: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> tuple[Rehearsed, ...]:
    """Draw and evaluate a plan many times on history.

    Args:
        history: See `history_of`.
        draws: How often.
        customers: Units of each draw, chosen anew each time; all of history where it has fewer.
        effects: Metric → effect planted in the treated; effects larger than the metric's room
            are left out. None: no effect at all.
        progress: Told the number of draws done.

    Returns:
        One entry a comparison and metric, in the order of the evaluation. Each draw is read as a
        single reading at the end of the windows, as the plan's looks demand for units that
        accrue.
    """
    spec = _plain(history)
    possible = _possible(history, effects or {})
    found: dict[tuple[str, str, str], list[Estimate]] = {}
    setting = Setting(once=frozenset(m.name for m in spec.metrics))
    for number in range(draws):
        units = _drawn(history, spec, number, customers, possible)
        for estimate in _estimates(units, spec, setting):
            key = (estimate.estimand, estimate.treatment, estimate.metric.name)
            if estimate.is_ok:
                found.setdefault(key, []).append(estimate)
        if progress is not None:
            progress(number + 1)
    n = min(customers or len(history.units), len(history.units))
    return tuple(_summed(rows, n, possible) for rows in found.values())


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
    customers: int | None,
    effects: Mapping[str, float],
) -> pd.DataFrame:
    """Units of one draw, with what is planted in them."""
    key = f"rehearsal {number}"
    columns = dict.fromkeys(
        [
            *(spec.unit, "cluster_id", *strata_columns(history.spec), *spec.covariates),
            *(c for m in spec.metrics for c in (*m.columns, m.matured, m.eligible) if c),
        ]
    )
    units = history.units[[c for c in columns if c in history.units]]
    if customers is not None and customers < len(units):
        ticket = units[spec.unit].astype(str).map(lambda unit: keyed(key, "chosen", unit))
        units = units.loc[ticket.sort_values().index[:customers]]
    units = units.sort_values(spec.unit, ignore_index=True)
    arms = draw(units, spec, key=key, blocks=strata_columns(history.spec))
    new = ["stratum", "arm", *(("cluster_share", "arm_at_half") if _is_staged(spec) else ())]
    units = units.assign(**{name: arms[name].to_numpy() for name in new})
    units = units.rename(
        columns={"arm": spec.arm, "cluster_share": spec.share, "arm_at_half": spec.arm_at_half}
    )
    rng = np.random.default_rng([SEED, number])
    treated = (units[spec.arm] != spec.control).to_numpy()
    for name, effect in effects.items():
        units = planted(units, treated, spec.metric(name), effect, rng)
    return units


def _is_staged(spec: ExperimentSpec) -> bool:
    return spec.design == "saturation"


def _estimates(units: pd.DataFrame, spec: ExperimentSpec, setting: Setting) -> Iterator[Estimate]:
    """The estimates that `evaluate` makes of the plan's metrics over all units."""
    study = read_study(units, spec)
    looks = looks_of(study, setting)
    metrics = [entry for entry in study.followed if entry.declared]
    for side in contrasts(study):
        cell = make_cell(study, side, WHOLE, side.rows)
        for compared in compare_cell(cell, metrics, alpha=looks.alpha):
            yield dressed(compared, looks)


def _summed(rows: list[Estimate], n: int, effects: Mapping[str, float]) -> Rehearsed:
    first = rows[0]
    name = first.metric.name
    effect = effects.get(name, 0.0) if first.estimand != "spillover" else 0.0
    truth = first.metric.sign * effect
    low, high = (np.array([getattr(r, side) for r in rows]) for side in ("av_low", "av_high"))
    return Rehearsed(
        metric=name,
        estimand=first.estimand,
        treatment=first.treatment,
        n=n,
        draws=len(rows),
        effect=effect,
        claims=int(((low > 0) | (high < 0)).sum()),
        covered=int(((low <= truth) & (truth <= high)).sum()),
        std_error=float(np.mean([r.std_error for r in rows])),
        spread=float(np.std([r.effect for r in rows], ddof=1)) if len(rows) > 1 else 0.0,
    )
