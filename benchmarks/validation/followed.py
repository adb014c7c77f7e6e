"""Cells of survival and of spillovers: customers that are followed, neighbours that are touched."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.experiment.contrasts import contrasts
from analysis.experiment.estimators import compare, make_units, pseudo_observations
from analysis.experiment.study import read_study
from analysis.params import ExperimentSpec

from .cell import Cell, Claim, coverage
from .draws import cluster_sizes, excludes_zero, half, holds, repeat

SURVIVAL = "Survival"
SPILLOVER = "Spillovers (clusters draw a share of 0, ½, 1)"
HORIZON = 240.0
MEAN_DAYS = 400.0
"""Mean time with the company without treatment."""


def _restricted(mean: float) -> float:
    """Restricted mean of an exponential time."""
    return float(mean * (1 - np.exp(-HORIZON / mean)))


def _staggered(n: int, longer: float, at_once: float):
    """Customers enter over 120 days and are followed 180 to 300; some leave at day 0."""
    truth = (1 - at_once) * (_restricted(MEAN_DAYS * longer) - _restricted(MEAN_DAYS))

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n)
        time = rng.exponential(MEAN_DAYS * np.where(arm, longer, 1.0))
        time = np.where(rng.random(n) < at_once, 0.0, time)
        seen = rng.uniform(180, 300, n)
        values = pseudo_observations(np.minimum(time, seen), time <= seen, arm, HORIZON).values
        return {"coverage": holds(compare(values, make_units(arm)), truth)}

    return lambda rng, r: repeat(once, rng, r)


SATURATION = ExperimentSpec.model_validate(
    {
        "id": "grid",
        "design": "saturation",
        "control": "without",
        "allocation": {"with": 0.5, "without": 0.5},
        "cluster": "depot",
        "planned_n": 30,
        "share_allocation": {0.0: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3},
        "metrics": [{"name": "y", "kind": "mean", "column": "y", "role": "primary"}],
    }
)
DIRECT = 0.4


def _spillover(clusters: int, spill: float):
    """The treated gain; everybody in a cluster gains `spill` times its share of treated."""
    truth = {"total": DIRECT + spill, "direct": DIRECT, "spillover": spill / 2}

    def once(rng: np.random.Generator) -> dict[str, bool]:
        depot = np.repeat(np.arange(clusters), cluster_sizes(rng, clusters))
        n = len(depot)
        share = rng.permutation(np.resize([0.0, 0.5, 1.0], clusters))[depot]
        at_half = rng.random(n) < 0.5
        treated = (share == 1) | ((share == 0.5) & at_half)
        y = rng.normal(size=n) + 0.25 * rng.normal(size=clusters)[depot]
        y = y + DIRECT * treated + spill * share
        study = read_study(_frame(depot, share, at_half, treated, y), SATURATION)
        values = study.numbers("y")
        found = {}
        for c in contrasts(study):
            part = None if c.clusters is None else c.clusters[c.rows]
            strata = None if c.strata is None else c.strata[c.rows]
            units = make_units(c.treated[c.rows], clusters=part, strata=strata)
            found[c.estimand] = compare(values[c.rows], units)
        hits = {name: holds(found[name], truth[name]) for name in truth}
        if spill:
            pooled = compare(y, make_units(treated))
            return {**hits, "pooled": holds(pooled, truth["total"])}
        return {**hits, "false alarms": excludes_zero(found["spillover"])}

    return lambda rng, r: repeat(once, rng, r)


def _frame(
    depot: np.ndarray, share: np.ndarray, at_half: np.ndarray, treated: np.ndarray, y: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": np.arange(len(depot)),
            "depot": depot,
            "cluster_share": share,
            "arm_at_half": np.where(at_half, "with", "without"),
            "arm": np.where(treated, "with", "without"),
            "y": y,
        }
    )


HELD = {
    "total": coverage("95 % interval of the total effect holds the truth", "at least"),
    "direct": coverage("95 % interval of the direct effect holds the truth"),
    "spillover": coverage("95 % interval of the spillover holds the truth", "at least"),
}
POOLED = Claim(0.95, "fails", "the pooled arms' interval holds the total effect")
ALARM = Claim(0.05, "at most", "a spillover is found that is not there")
CELLS = (
    Cell(
        "survival-300",
        SURVIVAL,
        "300 customers, entry over 120 days, a third censored before the horizon, 5 % leave at "
        "once, stay 40 % longer",
        {"coverage": coverage()},
        _staggered(300, 1.4, 0.05),
    ),
    Cell(
        "survival-2000",
        SURVIVAL,
        "2,000 customers, the same, no effect",
        {"coverage": coverage()},
        _staggered(2000, 1.0, 0.05),
    ),
    Cell(
        "spillover-none",
        SPILLOVER,
        "30 depots, no spillover",
        HELD | {"false alarms": ALARM},
        _spillover(30, 0.0),
        replications=4000,
        chunk=250,
        uses=("experiment/estimators", "experiment/contrasts.py", "experiment/study.py"),
    ),
    Cell(
        "spillover-some",
        SPILLOVER,
        "30 depots, everybody in a depot gains by its share of treated",
        HELD | {"pooled": POOLED},
        _spillover(30, 0.4),
        replications=4000,
        chunk=250,
        uses=("experiment/estimators", "experiment/contrasts.py", "experiment/study.py"),
    ),
)
