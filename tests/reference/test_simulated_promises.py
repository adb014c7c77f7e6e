"""Estimators against formulas written out again from scratch, on companies drawn here.

Each situation is drawn with numpy, its truth follows from the numbers it is drawn with, and the
effect is worked out a second time by a few lines that share nothing with the project. Both must
agree, and the intervals must hold the truth as often as they promise: within the 99.9 % binomial
limits at the number of draws, so that one in a thousand would fail by chance. Seeds are fixed.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from analysis.experiment.estimators import (
    compare,
    linearised_ratio,
    make_units,
    nps_values,
    pseudo_observations,
)

DRAWS = 300
EXACT = 1e-9
"""Relative: the same formula, summed in another order."""
Drawn = tuple[object, float, float, float]
"""The estimate, the truth, and effect and standard error worked out again (NaN: not the same)."""


def arms(rng: np.random.Generator, n: int, treated: int) -> np.ndarray:
    return rng.permutation(n) < treated


def welch(rng: np.random.Generator) -> Drawn:
    """Skewed margins, a quarter treated, another variance in each arm."""
    arm = arms(rng, 400, 100)
    y = rng.gamma(2.0, np.where(arm, 6.0, 5.0))
    a, b = y[arm], y[~arm]
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return compare(y, make_units(arm)), 2.0, a.mean() - b.mean(), error


def interacted(rng: np.random.Generator) -> Drawn:
    """A covariate whose slope differs by arm: two lines, met at the covariate's overall mean."""
    arm, x = arms(rng, 300, 150), rng.normal(size=300)
    y = rng.normal(size=300) + np.where(arm, 1.5, 0.5) * x + 0.3 * arm
    mean, level, variance = x.mean(), [], 0.0
    for side in (arm, ~arm):
        design = np.column_stack([np.ones(side.sum()), x[side] - mean])
        inverse = np.linalg.inv(design.T @ design)
        beta = inverse @ design.T @ y[side]
        leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
        scores = design * ((y[side] - design @ beta) / np.sqrt(1 - leverage))[:, None]
        level.append(beta[0])
        variance += (inverse @ scores.T @ scores @ inverse)[0, 0]
    found = compare(y, make_units(arm, covariates=x))
    # the covariate's mean is of these customers, whom the effect is told of
    return found, 0.3 + mean, level[0] - level[1], float(np.sqrt(variance))


def ratio(rng: np.random.Generator) -> Drawn:
    """Complaints by shipments: the difference of two ratios, and the variance of each by hand."""
    arm = arms(rng, 600, 300)
    shipments = rng.poisson(8.0, 600) + 1.0
    complaints = rng.binomial(shipments.astype(int), np.where(arm, 0.12, 0.10)).astype(float)
    units = make_units(arm)
    found = compare(linearised_ratio(complaints, shipments, units).values, units)
    effect, variance = 0.0, 0.0
    for side, sign in ((arm, 1), (~arm, -1)):
        r = complaints[side].sum() / shipments[side].sum()
        left = (complaints[side] - r * shipments[side]) / shipments[side].mean()
        effect += sign * r
        variance += left.var(ddof=1) / side.sum()
    return found, 0.02, effect, float(np.sqrt(variance))


def answers(rng: np.random.Generator) -> Drawn:
    """NPS of those asked: shares of promoters less shares of detractors."""
    arm = arms(rng, 500, 250)
    draw = rng.random(500)
    promoter, detractor = np.where(arm, 0.50, 0.45), np.where(arm, 0.20, 0.25)
    score = np.where(draw < promoter, 10.0, np.where(draw > 1 - detractor, 2.0, 8.0))
    effect, variance = 0.0, 0.0
    for side, sign in ((arm, 1), (~arm, -1)):
        p, d = (score[side] >= 9).mean(), (score[side] <= 6).mean()
        effect += sign * 100 * (p - d)
        variance += 100**2 * (p + d - (p - d) ** 2) / (side.sum() - 1)
    return compare(nps_values(score).values, make_units(arm)), 10.0, effect, float(variance**0.5)


def staying(rng: np.random.Generator) -> Drawn:
    """Days of custom, a third censored: the area under each arm's curve, step by step."""
    arm, horizon = arms(rng, 200, 100), 100.0
    time = rng.exponential(np.where(arm, 200.0, 150.0))
    seen = rng.uniform(60, 160, 200)
    days, left = np.minimum(time, seen), time <= seen
    found = compare(pseudo_observations(days, left, arm, horizon).values, make_units(arm))

    def area(side: np.ndarray) -> float:
        total, height, before = 0.0, 1.0, 0.0
        for moment in np.sort(days[side & left & (days < horizon)]):
            total, before = total + height * (moment - before), moment
            height *= 1 - 1 / (days[side] >= moment).sum()
        return total + height * (horizon - before)

    truth = [m * (1 - np.exp(-horizon / m)) for m in (200.0, 150.0)]
    return found, truth[0] - truth[1], area(arm) - area(~arm), np.nan


def clusters(rng: np.random.Generator) -> Drawn:
    """Depots of one size: the plain t test of their means, with depots as the units."""
    depot = np.repeat(np.arange(24), 15)
    treated = arms(rng, 24, 12)
    y = rng.normal(size=360) + 0.4 * rng.normal(size=24)[depot] + 0.5 * treated[depot]
    means = y.reshape(24, 15).mean(axis=1)
    a, b = means[treated], means[~treated]
    error = float(np.sqrt(a.var(ddof=1) / 12 + b.var(ddof=1) / 12))
    found = compare(y, make_units(treated[depot], clusters=depot))
    return found, 0.5, a.mean() - b.mean(), error


SITUATIONS = (welch, interacted, ratio, answers, staying, clusters)


def held(situation: Callable, draws: int, seed: int) -> int:
    """How many intervals hold the truth, after the effect was worked out again each time."""
    rng, hits = np.random.default_rng([seed, SITUATIONS.index(situation)]), 0
    for _ in range(draws):
        found, truth, effect, error = situation(rng)
        assert found.effect == pytest.approx(effect, rel=EXACT, abs=EXACT)
        if np.isfinite(error):
            assert found.std_error == pytest.approx(error, rel=EXACT)
        hits += found.ci_low <= truth <= found.ci_high
    return hits


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.__name__)
def test_estimates_are_those_of_the_formula_and_intervals_hold_the_truth(situation):
    low, high = stats.binom.interval(0.999, DRAWS, 0.95)
    assert low <= held(situation, DRAWS, seed=511) <= high


@pytest.mark.full
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.__name__)
def test_intervals_hold_the_truth_over_many_draws(situation):
    low, high = stats.binom.interval(0.999, 2000, 0.95)
    assert low <= held(situation, 2000, seed=512) <= high
