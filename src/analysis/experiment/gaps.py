"""Whether one arm lacks more of its units, or of their values, than chance explains.

Where units were randomised: Fisher's test. Where clusters were, a depot may lack more than another
for reasons of its own, and Fisher's test, which takes customers for independent, alarmed in 5 to
16 % of faultless draws where one in a thousand is promised (20 depots, 5 % missing, correlation
0.02 to 0.05): there the shares are compared by the one estimator, with its clusters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .contrasts import Contrast
from .estimators.gates import GateTest, imbalance, loss
from .estimators.means import compare
from .estimators.results import BoolArray, Status
from .study import Study
from .values import units_of


def gap_test(
    study: Study, contrasts: Sequence[Contrast], used: BoolArray, known: BoolArray
) -> GateTest:
    """Whether the arms differ in the share that is known.

    Args:
        study: The units.
        contrasts: Who is compared with whom.
        used: (n,) units that count.
        known: (n,) of these, the ones that are there, or have a value.

    Returns:
        The test, arms by Bonferroni.
    """
    spec = study.spec
    if spec.design == "customer":
        arms = list(spec.allocation)
        members = [study.in_arm(arm) for arm in arms]
        counts = [np.array([int((m & side).sum()) for m in members]) for side in (used, known)]
        return loss(counts[0], counts[1], arms.index(spec.control))
    compared = [side for side in contrasts if side.estimand != "spillover"]
    return imbalance([_p_by_draw(study, side, used, known) for side in compared])


def _p_by_draw(study: Study, side: Contrast, used: BoolArray, known: BoolArray) -> float:
    """p of the difference in shares; 0 where every cluster has its arm's share and they differ."""
    rows = used & side.rows
    found = compare(known[rows] * 1.0, units_of(study, side, rows, adjusted=False))
    if found.status is Status.NO_VARIATION:
        return 0.0 if found.effect else 1.0
    return found.p_value if found.status is Status.OK else float("nan")
