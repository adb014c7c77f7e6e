"""A small cell of the validation grid: intervals hold as often as they promise.

Limits are the 99.9 % binomial limits of the promise at the number of replications; seeds are
fixed, so that a failure is a change in the code.
"""

import numpy as np
from scipy import stats

from analysis.experiment.estimators import (
    compare,
    linearised_ratio,
    make_units,
    pseudo_observations,
    relative_effect,
)

REPLICATIONS = 1000
LOW, HIGH = stats.binom.interval(0.999, REPLICATIONS, 0.95)


def covered(intervals: list[tuple[float, float]], truth: float) -> int:
    return sum(low <= truth <= high for low, high in intervals)


def test_fifty_units_with_strata_a_covariate_and_unequal_variances():
    rng = np.random.default_rng(101)
    strata = np.repeat([0, 1], [30, 20])
    intervals = []
    for _ in range(REPLICATIONS):
        treated = np.concatenate([rng.permutation(30) < 10, rng.permutation(20) < 10])
        prior = rng.normal(size=50)
        noise = rng.normal(size=50) * np.where(treated, 2.0, 1.0)
        outcome = prior + 3 * strata + 0.5 * treated + noise
        found = compare(outcome, make_units(treated, strata=strata, covariates=prior))
        intervals.append((found.ci_low, found.ci_high))
    assert LOW <= covered(intervals, 0.5) <= HIGH


def test_a_skewed_outcome_at_five_hundred_units():
    rng = np.random.default_rng(102)
    truth = 0.2 * np.exp(0.5)
    intervals, relative = [], []
    for _ in range(REPLICATIONS):
        treated = rng.permutation(500) < 250
        outcome = rng.lognormal(size=500) * np.where(treated, 1.2, 1.0)
        found = compare(outcome, make_units(treated))
        intervals.append((found.ci_low, found.ci_high))
        ratio = relative_effect(found)
        relative.append((ratio.ci_low, ratio.ci_high))
    assert LOW <= covered(intervals, truth) <= HIGH
    assert LOW <= covered(relative, 0.2) <= HIGH


def test_a_ratio_with_unequal_allocation_by_stratum():
    rng = np.random.default_rng(103)
    strata = np.repeat([0, 1], 200)
    intervals = []
    for _ in range(REPLICATIONS):
        treated = np.concatenate([rng.permutation(200) < 50, rng.permutation(200) < 150])
        sessions = rng.poisson(np.where(strata == 0, 5, 2)) + 1.0
        orders = rng.binomial(sessions.astype(int), 0.2 + 0.1 * strata + 0.05 * treated)
        units = make_units(treated, strata=strata)
        found = compare(linearised_ratio(orders, sessions, units).values, units)
        intervals.append((found.ci_low, found.ci_high))
    assert LOW <= covered(intervals, 0.05) <= HIGH


def test_twenty_clusters_of_unequal_size():
    rng = np.random.default_rng(104)
    sizes = np.round(np.exp(rng.normal(2.3, 0.8, 20))).astype(int) + 2
    cluster = np.repeat(np.arange(20), sizes)
    intervals = []
    for _ in range(REPLICATIONS):
        treated = (rng.permutation(20) < 10)[cluster]
        outcome = rng.normal(size=len(cluster)) + 0.5 * rng.normal(size=20)[cluster] + treated
        found = compare(outcome, make_units(treated, clusters=cluster))
        intervals.append((found.ci_low, found.ci_high))
    # the working model errs on the safe side: only the lower limit is a promise
    assert covered(intervals, 1.0) >= LOW


def test_restricted_mean_survival_with_staggered_entry():
    horizon = 60.0
    rng = np.random.default_rng(105)
    means = (100.0, 130.0)
    truth = np.subtract(*[m * (1 - np.exp(-horizon / m)) for m in reversed(means)])
    intervals = []
    for _ in range(REPLICATIONS):
        treated = rng.permutation(200) < 100
        gone = rng.exponential(np.where(treated, means[1], means[0]))
        followed = rng.uniform(40, 120, 200)
        pseudo = pseudo_observations(np.minimum(gone, followed), gone <= followed, treated, horizon)
        found = compare(pseudo.values, make_units(treated))
        intervals.append((found.ci_low, found.ci_high))
    assert LOW <= covered(intervals, truth) <= HIGH
