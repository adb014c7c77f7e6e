"""Cells of repeated looks: 24 calendar looks at outcomes that accumulate, and units that accrue.

A look's boundary c_k cannot lie above Bonferroni's z(α/2K) (the product caps it) nor below
z(α·k/2K), since the error spent by look k holds the chance to cross at look k alone. Only
experiments with a look between the two need their boundaries worked out: the others are decided
by these limits, and the result is the same.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from analysis.experiment.estimators import (
    CalendarPlan,
    accrual_interval,
    compare,
    compare_arms,
    linearised_ratio,
    look_correlation,
    make_units,
    normal_score,
)
from analysis.experiment.estimators.looks import planned_boundaries

from .cell import Cell, Claim, coverage
from .draws import half, repeat

GROUP = "Looking every month"
UNITS = 400
SLACK = 0.02
"""Boundaries are drawn, not exact: what lies so near a limit is worked out all the same."""


def _counts(rng: np.random.Generator, arm: np.ndarray, looks: int, lift: float) -> np.ndarray:
    """Shipments to date: independent months, the same rate for all; (n, K)."""
    monthly = rng.poisson(2.0 + lift * arm[:, None], (len(arm), looks))
    return monthly.cumsum(axis=1).astype(float)


def _revenue(rng: np.random.Generator, arm: np.ndarray, looks: int, lift: float) -> np.ndarray:
    """Revenue to date: a customer's size lasts, so that looks hardly differ."""
    size = rng.lognormal(0.0, 0.8, len(arm))[:, None]
    monthly = size * rng.lognormal(0.0, 0.3, (len(arm), looks)) * (1 + lift * arm[:, None])
    return monthly.cumsum(axis=1)


def _lost(rng: np.random.Generator, arm: np.ndarray, looks: int, lift: float) -> np.ndarray:
    """Lost by now: 0/1, never taken back."""
    month = rng.geometric(0.02 * (1 - lift * arm))
    return (month[:, None] <= np.arange(1, looks + 1)).astype(float)


def _complaints(rng: np.random.Generator, arm: np.ndarray, looks: int, lift: float) -> np.ndarray:
    """Complaints ÷ shipments to date, linearised at each look."""
    proneness = rng.gamma(2.0, 0.5, len(arm))[:, None]
    shipments = rng.poisson(4.0, (len(arm), looks)).cumsum(axis=1) + 1.0
    monthly = rng.poisson(0.4 * proneness * (1 + lift * arm[:, None]), (len(arm), looks))
    top = monthly.cumsum(axis=1).astype(float)
    units = make_units(arm)
    return np.column_stack(
        [linearised_ratio(top[:, k], shipments[:, k], units).values for k in range(looks)]
    )


def crossed(scores: np.ndarray, influence: np.ndarray, plan: CalendarPlan) -> bool:
    """Whether some look crosses its boundary."""
    z = np.abs(scores)
    k = np.arange(1, plan.looks + 1)
    highest = stats.norm.isf(plan.alpha / (2 * plan.looks))
    lowest = stats.norm.isf(plan.alpha * k / (2 * plan.looks))
    if (z >= highest + SLACK).any():
        return True
    if (z < lowest - SLACK).all():
        return False
    return bool((z >= planned_boundaries(look_correlation(influence), plan)).any())


def scores_of(outcome: np.ndarray, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) standard normal scores and (n, K) influence values of all looks."""
    found = compare_arms(outcome, make_units(arm), keep_influence=True)
    scores = [normal_score(f.effect, f.std_error, f.df) if f.std_error > 0 else 0.0 for f in found]
    return np.array(scores), np.column_stack([f.influence for f in found])


def _no_effect(outcome_of, looks: int):
    plan = CalendarPlan(looks)

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, UNITS)
        scores, influence = scores_of(outcome_of(rng, arm, looks, 0.0), arm)
        return {
            "repeated": crossed(scores, influence, plan),
            "plain": bool((np.abs(scores) >= stats.norm.isf(0.025)).any()),
        }

    return lambda rng, r: repeat(once, rng, r)


STEPS = np.unique(np.round(np.geomspace(50, 5000, 40)).astype(int))
"""Units in so far at each of 40 looks."""


def _accrual(effect: float):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = rng.random(STEPS[-1]) < 0.5
        outcome = rng.exponential(size=STEPS[-1]) + effect * arm
        always, plain = True, True
        for n in STEPS:
            found = compare(outcome[:n], make_units(arm[:n]))
            seen = accrual_interval(found.effect, found.std_error, int(n), 2000)
            always &= seen.low <= effect <= seen.high
            plain &= found.ci_low <= effect <= found.ci_high
        return {"always": bool(always), "plain": bool(plain)}

    return lambda rng, r: repeat(once, rng, r)


KINDS = (
    ("counts", _counts, "shipments to date (independent months)"),
    ("revenue", _revenue, "revenue to date (a customer's size lasts)"),
    ("lost", _lost, "lost by now (0/1)"),
    ("complaints", _complaints, "complaints ÷ shipments to date"),
)
CELLS = (
    *(
        Cell(
            f"looks-24-{name}",
            GROUP,
            f"24 calendar looks, 400 units, {words}, no effect",
            {
                "repeated": Claim(0.05, "at most", "some look's repeated interval excludes zero"),
                "plain": Claim(0.05, "published", "some look's plain 95 % interval does"),
            },
            _no_effect(outcome_of, 24),
            replications=4000,
            chunk=200,
        )
        for name, outcome_of, words in KINDS
    ),
    Cell(
        "accrual-40",
        GROUP,
        "units accrue from 50 to 5,000, 40 looks, N* 2,000",
        {
            "always": coverage(
                "the always-valid interval holds the truth at every look", "at least"
            ),
            "plain": Claim(0.95, "published", "the plain 95 % interval does"),
        },
        _accrual(0.1),
        replications=4000,
        chunk=200,
    ),
)
