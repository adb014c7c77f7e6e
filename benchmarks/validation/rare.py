"""Cells of rare events: few losses or complaints, the smaller arm often without any."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import NoteCode, compare, make_units

from .cell import Cell, Claim
from .draws import excludes_zero, half, repeat, warned

GROUP = "Customer-randomised"


def _rare(n: int, treated: int, rate: float):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n, treated)
        found = compare((rng.random(n) < rate).astype(float), make_units(arm))
        told = warned(found, NoteCode.SKEWED, NoteCode.CONSTANT_IN_ONE_ARM)
        return {"false alarms": excludes_zero(found), "warned": told}

    return lambda rng, r: repeat(once, rng, r)


CLAIMS = {
    "false alarms": Claim(0.05, "at most", "found an effect that is not there"),
    "warned": Claim(0.0, "published", "the few events are told beside the interval"),
}
CELLS = (
    Cell(
        "rare-tenth",
        GROUP,
        "2,500 units, a tenth treated, 0.4 % have the event (one in the smaller arm), no effect",
        CLAIMS,
        _rare(2500, 250, 0.004),
    ),
    Cell(
        "rare-even",
        GROUP,
        "2,500 units, half treated, 0.4 % have the event (five in each arm), no effect",
        CLAIMS,
        _rare(2500, 1250, 0.004),
    ),
)
