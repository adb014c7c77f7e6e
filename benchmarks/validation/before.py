"""A cell of the gate that the arms were alike before the start: skewed values, few treated."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import compare, make_units
from analysis.experiment.estimators.randomisation import differences_before

from .cell import Cell, Claim
from .draws import half

UNITS, TREATED, SIGMA = 1000, 100, 1.5
ALARM = 0.001


def _alike(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    arm = half(rng, UNITS, TREATED)
    units = make_units(arm)
    values = rng.lognormal(0.0, SIGMA, (UNITS, replications))
    plain = [compare(values[:, j], units).p_value for j in range(replications)]
    by_draw = differences_before(values, units)
    return {"draw": np.array(by_draw) < ALARM, "t": np.array(plain) < ALARM}


CELLS = (
    Cell(
        "alike-before",
        "Customer-randomised",
        "gate: alike before the start, 1,000 units, a tenth treated, skewed values (lognormal "
        "σ 1.5)",
        {
            "draw": Claim(ALARM, "at most", "alarms at p < 0.001, by the draw"),
            "t": Claim(ALARM, "published", "alarms at p < 0.001, by a t test"),
        },
        _alike,
        chunk=250,
    ),
)
