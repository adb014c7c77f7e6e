"""Cells of skewed values where few are treated: the t interval leans, and is published as it is.

The mean of the few treated and its standard error move together: a draw that misses the largest
customers is low and looks certain. With even arms the two sides make up for each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.experiment.estimators import NoteCode, compare, make_units

from .cell import Cell, Claim
from .draws import half, repeat, warned


def _no_effect(n: int, treated: int, sigma: float):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n, treated)
        revenue = rng.lognormal(0.0, sigma, n) * (rng.random(n) >= 0.2)
        found = compare(revenue, make_units(arm))
        return {
            "better": found.ci_low > 0,
            "worse": found.ci_high < 0,
            "warned": warned(found, NoteCode.SKEWED),
        }

    return lambda rng, r: repeat(once, rng, r)


TOLD = Claim(0.90, "at least", "the skewness is told beside the interval")
CELLS = tuple(
    Cell(
        f"skewed-tenth-{n}",
        "Customer-randomised",
        f"{n:,} units, a tenth treated, skewed revenue (20 % ship nothing, lognormal σ {sigma:g}), "
        "no effect",
        {
            "better": Claim(0.025, "at most", "the treated are found to be better"),
            "worse": Claim(0.025, "published", "the treated are found to be worse"),
            "warned": TOLD if n == 2000 else replace(TOLD, holds="published"),
        },
        _no_effect(n, n // 10, sigma),
        replications=4000 if n > 5000 else 10_000,
        chunk=500,
        hard=True,
    )
    for n, sigma in ((2000, 1.0), (10_000, 1.0))
)
