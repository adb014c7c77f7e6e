"""Cells of cluster-randomised designs: few clusters, of unequal size."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import (
    NoteCode,
    compare,
    linearised_ratio,
    make_units,
    permutation_test,
)
from analysis.experiment.estimators.bootstrap import wild_cluster_bootstrap
from analysis.experiment.estimators.cluster_arms import cluster_arms
from analysis.experiment.estimators.clusters import fit_clusters
from analysis.experiment.estimators.covariates import clean_covariates

from .cell import Cell, Claim, coverage
from .draws import cluster_sizes, excludes_zero, half, holds, repeat, warned, within

GROUP = "Cluster-randomised, sizes of CV 0.9"
BETWEEN = 0.25
"""Standard deviation of cluster means against 1 within: correlation 0.06, as depots have."""
EFFECT = 0.3


def _draw(rng: np.random.Generator, clusters: int, treated: int, effect: float):
    """(outcome, arm, cluster) of one experiment."""
    cluster = np.repeat(np.arange(clusters), cluster_sizes(rng, clusters))
    arm = half(rng, clusters, treated)[cluster]
    noise = rng.normal(size=len(cluster)) + BETWEEN * rng.normal(size=clusters)[cluster]
    return noise + effect * arm, arm, cluster


def _coverage(clusters: int, treated: int):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        outcome, arm, cluster = _draw(rng, clusters, treated, EFFECT)
        found = compare(outcome, make_units(arm, clusters=cluster))
        return {"coverage": holds(found, EFFECT), "warned": warned(found, NoteCode.FEW_CLUSTERS)}

    return lambda rng, r: repeat(once, rng, r)


def _stratified(clusters: int, strata: int, treated: int):
    """Few clusters of each arm in a stratum; a mean, and a ratio whose denominator goes by cluster.

    Complaints ÷ shipments: a depot whose customers ship twice as much weighs twice as much.
    """
    stratum = np.repeat(np.arange(strata), clusters // strata)
    treated_of = dict.fromkeys(range(strata), treated)
    gain = 0.05

    def once(rng: np.random.Generator) -> dict[str, bool]:
        cluster = np.repeat(np.arange(clusters), cluster_sizes(rng, clusters))
        arm, region = within(rng, stratum, treated_of)[cluster], stratum[cluster]
        alike = BETWEEN * rng.normal(size=clusters)[cluster]
        outcome = rng.normal(size=len(cluster)) + alike + EFFECT * arm + 0.5 * region
        shipments = rng.poisson(4 * np.exp(0.3 * rng.normal(size=clusters))[cluster]) + 1.0
        rate = 0.4 + 0.1 * region + gain * arm + 0.4 * alike
        complaints = shipments * rate + 0.4 * np.sqrt(shipments) * rng.normal(size=len(cluster))
        units = make_units(arm, strata=region, clusters=cluster)
        ratio = linearised_ratio(complaints, shipments, units)
        return {
            "coverage": holds(compare(outcome, units), EFFECT),
            "ratio": holds(compare(ratio.values, units), gain),
        }

    return lambda rng, r: repeat(once, rng, r)


def _adjusted(clusters: int):
    """A covariate of the clusters and one of the units."""

    def once(rng: np.random.Generator) -> dict[str, bool]:
        outcome, arm, cluster = _draw(rng, clusters, clusters // 2, EFFECT)
        region = rng.normal(size=clusters)[cluster]
        prior = rng.normal(size=len(cluster))
        units = make_units(arm, clusters=cluster, covariates=np.column_stack([region, prior]))
        return {"coverage": holds(compare(outcome + 0.3 * region + prior, units), EFFECT)}

    return lambda rng, r: repeat(once, rng, r)


def _second_opinions(clusters: int, treated: int):
    """No effect: the permutation p and the wild bootstrap p beside the t interval."""

    def once(rng: np.random.Generator) -> dict[str, bool]:
        outcome, arm, cluster = _draw(rng, clusters, treated, 0.0)
        units = make_units(arm, clusters=cluster)
        return {
            "t": excludes_zero(compare(outcome, units)),
            "permutation": bool(permutation_test(outcome, units).p_value <= 0.05),
            "bootstrap": bool(_bootstrap_p(outcome, units) <= 0.05),
        }

    return lambda rng, r: repeat(once, rng, r)


def _bootstrap_p(outcome: np.ndarray, units) -> float:
    """The p value of `bootstrap_test` without its search for the interval."""
    design = cluster_arms(units, clean_covariates(None, (), len(units))).design
    fit = fit_clusters(design, outcome - outcome[0])
    return wild_cluster_bootstrap(design, fit, np.array([1.0, -1.0]), interval=False).p_value


def _too_few(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    def once(rng: np.random.Generator) -> dict[str, bool]:
        outcome, arm, cluster = _draw(rng, 8, 2, EFFECT)
        return {
            "refused": bool(np.isnan(compare(outcome, make_units(arm, clusters=cluster)).p_value))
        }

    return repeat(once, rng, replications)


WARNED = Claim(0.0, "published", "few clusters are told beside the interval")
SAFE = coverage(holds="at least")
SECOND = {
    "t": Claim(0.05, "at most", "the interval excludes zero without an effect"),
    "permutation": Claim(0.05, "at most", "permutation p ≤ 5 % without an effect"),
    "bootstrap": Claim(0.05, "published", "wild bootstrap p ≤ 5 % without an effect"),
}
CELLS = (
    Cell(
        "clusters-8-hard",
        GROUP,
        "8 clusters, 4 treated",
        {
            "coverage": coverage(holds="published"),
            "warned": Claim(0.999, "at least", "few clusters are told beside the interval"),
        },
        _coverage(8, 4),
        hard=True,
    ),
    Cell(
        "clusters-8-of-2",
        GROUP,
        "8 clusters, 2 treated: too few for a verdict",
        {"refused": Claim(0.9999, "at least", "no interval is given (insufficient clusters)")},
        _too_few,
        replications=1000,
    ),
    *(
        Cell(
            f"clusters-{clusters}-{name}",
            GROUP,
            f"{clusters} clusters, {treated} treated",
            {"coverage": SAFE, "warned": WARNED},
            _coverage(clusters, treated),
        )
        for clusters, treated, name in (
            (20, 10, "even"),
            (20, 5, "quarter"),
            (60, 30, "even"),
            (60, 15, "quarter"),
        )
    ),
    *(
        Cell(
            f"clusters-24-strata-{strata}",
            GROUP,
            f"24 clusters in {strata} strata, {treated} of {24 // strata} treated in each",
            {
                "coverage": SAFE,
                "ratio": coverage("95 % interval of a ratio holds the truth", "at least"),
            },
            _stratified(24, strata, treated),
        )
        for strata, treated in ((2, 3), (3, 2), (6, 2))
    ),
    Cell(
        "clusters-24-adjusted",
        GROUP,
        "24 clusters, 12 treated, a covariate of the clusters and one of the units",
        {"coverage": SAFE},
        _adjusted(24),
    ),
    Cell(
        "clusters-8-opinions",
        GROUP,
        "8 clusters, 4 treated, no effect: second opinions",
        SECOND | {"t": Claim(0.05, "published", SECOND["t"].what)},
        _second_opinions(8, 4),
        replications=4000,
        chunk=250,
        hard=True,
    ),
    Cell(
        "clusters-20-opinions",
        GROUP,
        "20 clusters, 10 treated, no effect: second opinions",
        SECOND,
        _second_opinions(20, 10),
        replications=4000,
        chunk=250,
    ),
)
