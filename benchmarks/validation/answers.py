"""Cells of NPS with non-response: what the weighted reading claims, and where it must fail."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats

from analysis.experiment.estimators import (
    Units,
    compare,
    lee_bounds,
    make_units,
    nps_share,
    nps_values,
    response_weights,
    worst_case_bounds,
)

from .cell import Cell, Claim, coverage
from .draws import half, holds, repeat

GROUP = "NPS and non-response"
UNITS = 1200
EFFECT = 0.25
"""Shift of the latent satisfaction (standard deviation about 1.2)."""
SLOPE = 0.7
"""Of satisfaction on what was known before."""
PROMOTER, DETRACTOR = 0.5, -0.4
"""Latent satisfaction from which a customer promotes, and below which it detracts."""


def _points(latent: np.ndarray) -> np.ndarray:
    return 100.0 * ((latent >= PROMOTER) * 1.0 - (latent < DETRACTOR))


def _scores(latent: np.ndarray) -> np.ndarray:
    """0-10 answers of a latent satisfaction."""
    return np.where(latent >= PROMOTER, 9.0, np.where(latent < DETRACTOR, 4.0, 7.0))


def _nps(shift: float, spread: float) -> float:
    """NPS of a normal latent satisfaction, in points."""
    return 100 * float(
        stats.norm.sf((PROMOTER - shift) / spread) - stats.norm.cdf((DETRACTOR - shift) / spread)
    )


SPREAD = float(np.hypot(SLOPE, 1.0))
TRUTH = _nps(EFFECT, SPREAD) - _nps(0.0, SPREAD)


def _logistic(odds: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(odds)))


def _as_answered(
    arm: np.ndarray, prior: np.ndarray, latent: np.ndarray, answered: np.ndarray
) -> tuple[np.ndarray, Units, Units]:
    """Points of those who answered, and all units, without and with their weights."""
    values = nps_values(np.where(answered, _scores(latent), np.nan)).values
    before = make_units(arm, covariates=prior)
    weights = response_weights(answered, before).weights
    return values, before, make_units(arm, covariates=prior, weights=weights)


def _by_covariate(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    """Who answers depends on what was known before, differently in each arm."""

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, UNITS)
        prior = rng.normal(size=UNITS)
        latent = SLOPE * prior + rng.normal(size=UNITS) + EFFECT * arm
        chance = _logistic(-0.3 + np.where(arm, 0.2 * prior, 0.9 * prior))
        answered = rng.random(UNITS) < chance
        values, before, weighted = _as_answered(arm, prior, latent, answered)
        return {
            "weighted": holds(compare(values, weighted), TRUTH),
            "unweighted": holds(compare(values, make_units(arm)), TRUTH),
            "worst case": holds(worst_case_bounds(values, before, -100, 100), TRUTH),
        }

    return repeat(once, rng, replications)


RESPONSE_LEVEL, RESPONSE_SLOPE, RESPONSE_SHIFT = -0.6, 1.0, 0.5
"""Log odds of an answer: rising in satisfaction itself, and higher for the treated."""


def _always_responders() -> float:
    """The effect on those who would answer in either arm: they answer as controls do."""

    def weight(y: float) -> float:
        chance = float(_logistic(RESPONSE_LEVEL + RESPONSE_SLOPE * y))
        return chance * float(stats.norm.pdf(y, scale=SPREAD))

    def gain(y: float) -> float:
        both = np.array([y + EFFECT, y])
        points = _points(both)
        return float(points[0] - points[1]) * weight(y)

    cuts = sorted({PROMOTER, DETRACTOR, PROMOTER - EFFECT, DETRACTOR - EFFECT})
    whole = integrate.quad(weight, -9, 9)[0]
    return integrate.quad(gain, -9, 9, points=cuts)[0] / whole


ALWAYS = _always_responders()


def _by_answer(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    """Who answers depends on the answer itself, and the treated answer more."""

    def once(rng: np.random.Generator) -> dict[str, bool]:
        arm = half(rng, UNITS)
        prior = rng.normal(size=UNITS)
        latent = SLOPE * prior + rng.normal(size=UNITS) + EFFECT * arm
        odds = RESPONSE_LEVEL + RESPONSE_SLOPE * latent + RESPONSE_SHIFT * arm
        answered = rng.random(UNITS) < _logistic(odds)
        values, before, weighted = _as_answered(arm, prior, latent, answered)
        return {
            "weighted": holds(compare(values, weighted), TRUTH),
            "worst case": holds(worst_case_bounds(values, before, -100, 100), TRUTH),
            "lee": holds(lee_bounds(values, make_units(arm)), ALWAYS),
        }

    return repeat(once, rng, replications)


def _one_share(n: int):
    """The score of one group of n answers."""
    truth = 100 * (0.55 - 0.15)

    def once(rng: np.random.Generator) -> dict[str, bool]:
        counts = rng.multinomial(n, [0.55, 0.30, 0.15])
        return {"coverage": holds(nps_share(*counts), truth)}

    return lambda rng, r: repeat(once, rng, r)


CELLS = (
    Cell(
        "nps-by-covariate",
        GROUP,
        "1,200 units, half answer, who answers depends on what was known, differently by arm",
        {
            "weighted": coverage("weighted interval holds the truth", "at least"),
            "unweighted": Claim(0.95, "fails", "unweighted interval holds the truth"),
            "worst case": coverage("worst-case interval holds the truth", "at least"),
        },
        _by_covariate,
    ),
    Cell(
        "nps-by-answer",
        GROUP,
        "1,200 units, who answers depends on the answer itself, the treated answer more",
        {
            "worst case": coverage("worst-case interval holds the truth", "at least"),
            "lee": coverage("Lee interval holds the effect on always-responders", "at least"),
            "weighted": Claim(0.95, "fails", "weighted interval holds the truth"),
        },
        _by_answer,
    ),
    *(
        Cell(
            f"nps-share-{n}",
            GROUP,
            f"score of one group of {n} answers (adjusted Wald)",
            {"coverage": coverage(holds="within" if n > 100 else "published")},
            _one_share(n),
            hard=n <= 100,
        )
        for n in (30, 400)
    ),
)
