"""Cells of looks while clusters arrive: few and a moderate number of them, of unequal size."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import accrual_interval, compare, make_units

from .cell import Cell, Claim
from .draws import cluster_sizes, excludes_zero, repeat

GROUP = "Looking every month"
BETWEEN = 0.25
"""Standard deviation of cluster means against 1 within: correlation 0.06, as depots have."""


def _no_effect(looks: tuple[int, ...]):
    """Clusters come in random order of arm, half treated at every look; N* is the last look."""
    most = looks[-1]

    def once(rng: np.random.Generator) -> dict[str, bool]:
        cluster = np.repeat(np.arange(most), cluster_sizes(rng, most))
        pairs = rng.permuted(np.tile([True, False], (most // 2, 1)), axis=1)
        arm = pairs.reshape(-1)[cluster]
        outcome = rng.normal(size=len(cluster)) + BETWEEN * rng.normal(size=most)[cluster]
        always, plain = False, False
        for n in looks:
            rows = cluster < n
            found = compare(outcome[rows], make_units(arm[rows], clusters=cluster[rows]))
            seen = accrual_interval(found.effect, found.std_error, n, most, df=found.df)
            always |= bool(seen.low > 0 or seen.high < 0)
            plain |= excludes_zero(found)
        return {"always": always, "plain": plain}

    return lambda rng, r: repeat(once, rng, r)


CLAIMS = {
    "always": Claim(0.05, "at most", "some look's always-valid interval excludes zero"),
    "plain": Claim(0.05, "published", "some look's plain 95 % interval does"),
}
CELLS = tuple(
    Cell(
        f"accrual-clusters-{looks[-1]}",
        GROUP,
        f"clusters (sizes of CV 0.9) accrue from {looks[0]} to {looks[-1]}, {len(looks)} looks, "
        f"N* {looks[-1]}, no effect",
        CLAIMS,
        _no_effect(looks),
        replications=4000,
        chunk=200,
    )
    for looks in (tuple(range(8, 13)), tuple(range(12, 61, 4)))
)
