"""Cells of unit-randomised designs: means, shares, skewed revenue, ratios, relative effects."""

from __future__ import annotations

import numpy as np

from analysis.experiment.estimators import (
    NoteCode,
    compare,
    linearised_ratio,
    make_units,
    relative_effect,
    sample_ratio,
)

from .cell import Cell, Claim, coverage
from .draws import excludes_zero, half, holds, repeat, warned, within

GROUP = "Customer-randomised"


def _stratified(n: int):
    """Strata with unequal allocation, a covariate whose slope differs by arm, unequal variances."""
    sizes = (n * 3 // 5, n - n * 3 // 5)
    strata = np.repeat([0, 1], sizes)
    treated_of = {0: sizes[0] // 3, 1: sizes[1] // 2}

    def once(rng: np.random.Generator) -> dict[str, bool]:
        treated = within(rng, strata, treated_of)
        prior = rng.normal(size=n)
        noise = rng.normal(size=n) * np.where(treated, 1.5, 1.0)
        outcome = prior * np.where(treated, 1.2, 0.8) + 2 * strata + 0.5 * treated + noise
        units = make_units(treated, strata=strata, covariates=prior)
        # the covariate is drawn anew: its own spread belongs to the effect on the population,
        # so the truth is the effect on these units
        truth = 0.5 + 0.4 * float(prior.mean())
        return {"coverage": holds(compare(outcome, units), truth)}

    return lambda rng, r: repeat(once, rng, r)


def _no_effect(n: int, treated: int):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n, treated)
        outcome = rng.exponential(size=n) + rng.normal(size=n)
        return {"false alarms": excludes_zero(compare(outcome, make_units(arm)))}

    return lambda rng, r: repeat(once, rng, r)


def _share(n: int, rate: float, lift: float, treated: int):
    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n, treated)
        outcome = (rng.random(n) < rate + lift * arm).astype(float)
        found = compare(outcome, make_units(arm))
        ratio = relative_effect(found)
        return {"coverage": holds(found, lift), "relative": holds(ratio, lift / rate)}

    return lambda rng, r: repeat(once, rng, r)


def _skewed(n: int, sigma: float, lift: float, quiet: float):
    """Revenue: a share ships nothing, the others a lognormal amount; the treated earn more."""
    mean = (1 - quiet) * np.exp(sigma**2 / 2)

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, n)
        amount = rng.lognormal(0.0, sigma, n) * (rng.random(n) >= quiet)
        found = compare(amount * np.where(arm, 1 + lift, 1.0), make_units(arm))
        return {
            "coverage": holds(found, lift * mean),
            "relative": holds(relative_effect(found), lift),
            "warned": warned(found, NoteCode.SKEWED),
        }

    return lambda rng, r: repeat(once, rng, r)


def _ratio(n: int):
    """Complaints per shipment; strata differ in size, level and allocation (1:3 against 3:1)."""
    strata = np.repeat([0, 1], n // 2)
    treated_of = {0: n // 8, 1: 3 * n // 8}
    effect = 0.05

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = within(rng, strata, treated_of)
        shipments = rng.poisson(np.where(strata == 0, 5, 2)) + 1.0
        complaints = rng.binomial(shipments.astype(int), 0.2 + 0.1 * strata + effect * arm)
        units = make_units(arm, strata=strata)
        found = compare(linearised_ratio(complaints.astype(float), shipments, units).values, units)
        plain = [complaints[m].sum() / shipments[m].sum() for m in (arm, ~arm)]
        naive = abs(plain[0] - plain[1] - effect) <= found.ci_high - found.effect
        return {"coverage": holds(found, effect), "arm-level ratio": bool(naive)}

    return lambda rng, r: repeat(once, rng, r)


def _sample_ratio(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    def once(rng: np.random.Generator) -> dict[str, bool]:
        treated = rng.binomial(2000, 0.5)
        found = sample_ratio(np.array([treated, 2000 - treated]), np.array([0.5, 0.5]))
        return {"false alarms": bool(found.p_value < 0.001)}

    return repeat(once, rng, replications)


RELATIVE = coverage("95 % interval of the relative effect holds the truth")
SKEWED = {
    "coverage": coverage(),
    "relative": RELATIVE,
    "warned": Claim(0.0, "published", "the skewness is told beside the interval"),
}
CELLS = (
    *(
        Cell(
            f"units-{n}",
            GROUP,
            f"{n:,} units, unequal allocation by stratum, covariate whose slope differs by arm, "
            "unequal variances",
            {"coverage": coverage()},
            _stratified(n),
            chunk=500 if n < 5000 else 250,
        )
        for n in (50, 500, 50_000)
    ),
    *(
        Cell(
            f"no-effect-{n}-{name}",
            GROUP,
            f"{n:,} units, {words}, no effect",
            {"false alarms": Claim(0.05, "within", "found an effect that is not there")},
            _no_effect(n, treated),
        )
        for n, treated, name, words in (
            (500, 250, "even", "half treated"),
            (500, 125, "quarter", "a quarter treated"),
        )
    ),
    Cell(
        "share-500",
        GROUP,
        "500 units, retention 80 % + 5 points, a quarter treated",
        {"coverage": coverage(), "relative": RELATIVE},
        _share(500, 0.80, 0.05, 125),
    ),
    Cell(
        "share-50000",
        GROUP,
        "50,000 units, a rare share of 2 % + 0.3 points",
        {"coverage": coverage(), "relative": RELATIVE},
        _share(50_000, 0.02, 0.003, 25_000),
        chunk=250,
    ),
    Cell(
        "skewed-500",
        GROUP,
        "500 units, skewed revenue (20 % ship nothing, lognormal σ 1), + 20 %",
        SKEWED,
        _skewed(500, 1.0, 0.2, 0.2),
    ),
    Cell(
        "skewed-5000",
        GROUP,
        "5,000 units, very skewed revenue (30 % ship nothing, lognormal σ 1.3), + 10 %",
        SKEWED,
        _skewed(5000, 1.3, 0.1, 0.3),
    ),
    Cell(
        "skewed-50-hard",
        GROUP,
        "25 skewed units an arm (20 % ship nothing, lognormal σ 1.3), doubled by the treatment",
        {
            "coverage": coverage(holds="published"),
            "relative": Claim(0.95, "published", RELATIVE.what),
            "warned": Claim(0.90, "at least", "the skewness is told beside the interval"),
        },
        _skewed(50, 1.3, 1.0, 0.2),
        hard=True,
    ),
    Cell(
        "ratio-strata",
        GROUP,
        "complaints ÷ shipments, 400 units, allocation 1:3 in one stratum and 3:1 in the other",
        {
            "coverage": coverage(),
            "arm-level ratio": Claim(
                0.95, "fails", "the same interval around the arms' plain ratios holds the truth"
            ),
        },
        _ratio(400),
    ),
    Cell(
        "sample-ratio",
        GROUP,
        "sample-ratio gate, 2,000 units as planned",
        {"false alarms": Claim(0.001, "at most", "alarms at p < 0.001")},
        _sample_ratio,
        uses=("experiment/estimators/gates.py",),
    ),
)
