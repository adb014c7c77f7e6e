"""Cells of power: what `tierlab design` promises, against experiments that are really run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.experiment.estimators import (
    CalendarPlan,
    PlannedDesign,
    PlannedLooks,
    compare,
    linearised_ratio,
    make_units,
    minimum_detectable_effect,
    nps_values,
    nps_variance,
    power,
    proportion_variance,
)

from . import looks
from .cell import Cell, Claim
from .draws import CLUSTER_SIZE_CV, excludes_zero, half, repeat

GROUP = "Power of the design help"


def _always(once: Callable[[np.random.Generator], bool]):
    return lambda rng, r: repeat(lambda g: {"power": once(g)}, rng, r)


def _claim(promise: float) -> dict[str, Claim]:
    return {"power": Claim(promise, "near", "finds the effect that is there")}


# a mean with a covariate that explains 36 % of the variance, a quarter treated
MEAN = PlannedDesign(variance=1.0, share_treated=0.25, explained=0.36)
MEAN_EFFECT = minimum_detectable_effect(MEAN, 400, PlannedLooks())


def _mean(rng: np.random.Generator) -> bool:
    arm = half(rng, 400, 100)
    prior = rng.normal(size=400)
    outcome = 0.6 * prior + 0.8 * rng.normal(size=400) + MEAN_EFFECT * arm
    return excludes_zero(compare(outcome, make_units(arm, covariates=prior)))


# retention of 80 % in 2,000 customers
SHARE_EFFECT = 0.05
SHARE = PlannedDesign(variance=proportion_variance(0.80 + SHARE_EFFECT / 2))


def _share(rng: np.random.Generator) -> bool:
    arm = half(rng, 2000)
    outcome = rng.random(2000) < 0.80 + SHARE_EFFECT * arm
    return excludes_zero(compare(outcome.astype(float), make_units(arm)))


# complaints per shipment, 600 customers
RATE, RATE_EFFECT, MEAN_SHIPMENTS, SPREAD = 0.10, 0.025, 6.0, 1.0


def _ratio_variance() -> float:
    """Var(num − R·den)/E(den)² with shipments Poisson and complaints binomial given them."""
    rate = RATE + RATE_EFFECT / 2
    return (MEAN_SHIPMENTS + 1) * rate * (1 - rate) / (MEAN_SHIPMENTS + 1) ** 2


RATIO = PlannedDesign(variance=_ratio_variance())


def _ratio(rng: np.random.Generator) -> bool:
    arm = half(rng, 600)
    shipments = rng.poisson(MEAN_SHIPMENTS, 600) + 1
    complaints = rng.binomial(shipments, RATE + RATE_EFFECT * arm)
    units = make_units(arm)
    values = linearised_ratio(complaints.astype(float), shipments.astype(float), units).values
    return excludes_zero(compare(values, units))


# NPS of 1,000 answers: from 45/25 to 51/21
NPS = PlannedDesign(
    variance=(nps_variance(0.45, 0.25) + nps_variance(0.51, 0.21)) / 2, share_treated=0.5
)


def _nps(rng: np.random.Generator) -> bool:
    arm = half(rng, 1000)
    draw = rng.random(1000)
    promoter, detractor = np.where(arm, 0.51, 0.45), np.where(arm, 0.21, 0.25)
    scores = np.where(draw < promoter, 9.0, np.where(draw > 1 - detractor, 3.0, 7.0))
    return excludes_zero(compare(nps_values(scores).values, make_units(arm)))


# 24 clusters of 20 customers, sizes of CV 0.9, correlation 0.05
BETWEEN = float(np.sqrt(0.05 / 0.95))
CLUSTERED = PlannedDesign(
    variance=1 + BETWEEN**2,
    cluster_correlation=0.05,
    cluster_size=20,
    cluster_size_cv=CLUSTER_SIZE_CV,
)
CLUSTER_EFFECT = minimum_detectable_effect(CLUSTERED, 24 * 20, PlannedLooks())


def _clusters(rng: np.random.Generator) -> bool:
    shape = 1 / CLUSTER_SIZE_CV**2
    sizes = np.maximum(1, np.round(rng.gamma(shape, 20 / shape, 24))).astype(int)
    cluster = np.repeat(np.arange(24), sizes)
    arm = half(rng, 24)[cluster]
    noise = rng.normal(size=len(cluster)) + BETWEEN * rng.normal(size=24)[cluster]
    return excludes_zero(compare(noise + CLUSTER_EFFECT * arm, make_units(arm, clusters=cluster)))


# 6 calendar looks at counts to date, 400 customers: information grows with the months
LOOKS = 6
MONTHLY = 2.0
LOOKS_DESIGN = PlannedDesign(variance=MONTHLY * LOOKS)
LOOKS_EFFECT = minimum_detectable_effect(LOOKS_DESIGN, 400, PlannedLooks(looks=LOOKS))


def _with_looks(rng: np.random.Generator) -> bool:
    arm = half(rng, 400)
    lift = LOOKS_EFFECT / LOOKS
    # both arms drift by half the effect, so that their variances are the planned one on average
    months = rng.poisson(MONTHLY + lift * (arm[:, None] - 0.5), (400, LOOKS))
    scores, influence = looks.scores_of(months.cumsum(axis=1).astype(float), arm)
    return looks.crossed(scores, influence, CalendarPlan(LOOKS))


def _promise(design: PlannedDesign, effect: float, n: int) -> float:
    return power(design, effect, n, PlannedLooks())


USES = ("experiment/estimators", "experiment/estimators/power.py")
CELLS = (
    Cell(
        "power-mean",
        GROUP,
        "mean, 400 units, a quarter treated, covariate of correlation 0.6",
        _claim(_promise(MEAN, MEAN_EFFECT, 400)),
        _always(_mean),
        uses=USES,
    ),
    Cell(
        "power-share",
        GROUP,
        "retention 80 % + 5 points, 2,000 units",
        _claim(_promise(SHARE, SHARE_EFFECT, 2000)),
        _always(_share),
        uses=USES,
    ),
    Cell(
        "power-ratio",
        GROUP,
        "complaints ÷ shipments 10 % + 2.5 points, 600 units",
        _claim(_promise(RATIO, RATE_EFFECT, 600)),
        _always(_ratio),
        uses=USES,
    ),
    Cell(
        "power-nps",
        GROUP,
        "NPS 20 + 10 points, 1,000 answers",
        _claim(_promise(NPS, 10.0, 1000)),
        _always(_nps),
        uses=USES,
    ),
    Cell(
        "power-clusters",
        GROUP,
        "24 clusters of about 20, CV 0.9, correlation 0.05",
        _claim(_promise(CLUSTERED, CLUSTER_EFFECT, 480)),
        _always(_clusters),
        uses=USES,
    ),
    Cell(
        "power-looks",
        GROUP,
        "6 calendar looks at counts to date, 400 units",
        _claim(power(LOOKS_DESIGN, LOOKS_EFFECT, 400, PlannedLooks(looks=LOOKS))),
        _always(_with_looks),
        replications=4000,
        chunk=200,
        uses=USES,
    ),
)
