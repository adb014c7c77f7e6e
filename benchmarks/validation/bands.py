"""Cells of the bands of retention curves where clusters were randomised."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import kaplan_meier
from analysis.experiment.estimators.cluster_curves import clustered_band

from .cell import Cell, Claim, coverage
from .draws import cluster_sizes, repeat

DAYS, SHOWN = 180.0, 90.0
SPREAD = 0.5
"""Standard deviation of the logarithm of the clusters' hazards."""
USUAL = 150.0
"""Days that a customer of a usual cluster stays."""


def _truth() -> float:
    """Share without event after the days shown, over the clusters' hazards."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(np.sum(weights * np.exp(-np.exp(SPREAD * nodes) * SHOWN / USUAL)) / weights.sum())


def _bands(clusters: int, censored: bool):
    truth = _truth()

    def once(rng: np.random.Generator) -> dict[str, bool]:
        cluster = np.repeat(np.arange(clusters), cluster_sizes(rng, clusters))
        hazard = np.exp(SPREAD * rng.normal(size=clusters))[cluster] / USUAL
        gone = np.ceil(rng.exponential(1 / hazard))
        end = np.ceil(rng.uniform(45, DAYS, len(gone))) if censored else DAYS
        duration, event = np.minimum(gone, end), gone <= end
        curve = kaplan_meier(duration, event)
        at = np.searchsorted(curve.time, [SHOWN], side="right") - 1
        band = clustered_band(curve, duration, event, cluster, at)
        return {
            "band": bool(band.low[0] <= truth <= band.high[0]),
            "greenwood": bool(curve.low[at][0] <= truth <= curve.high[at][0]),
        }

    return lambda rng, r: repeat(once, rng, r)


CELLS = tuple(
    Cell(
        f"curve-clusters-{clusters}{'-censored' if censored else ''}",
        "Survival",
        f"retention curve of one arm of {clusters} clusters (sizes of CV 0.9) that lose customers "
        f"unlike{', a third censored before the day' if censored else ''}; day {SHOWN:.0f}",
        {
            "band": coverage("the 95 % band holds the share still there", "at least"),
            "greenwood": Claim(
                0.95, "fails", "Greenwood's does, which takes units for independent"
            ),
        },
        _bands(clusters, censored),
        replications=4000,
        chunk=200,
    )
    for clusters, censored in (
        (10, False),
        (30, False),
        (30, True),
    )
)
