"""A million units, twelve metrics, four segments, with covariates: room, and time beside others.

How many seconds it takes is measured by `benchmarks/evaluate_at_size.py`.
"""

import resource
import time

import numpy as np
import pandas as pd
import pytest

from analysis.experiment.estimators import (
    compare_arms,
    compare_by_segment,
    interaction_test,
    make_units,
    relative_effect,
)

UNITS, METRICS, SEGMENTS = 1_000_000, 12, 4


@pytest.fixture(scope="module")
def million():
    rng = np.random.default_rng(0)
    treated = rng.random(UNITS) < 0.5
    prior = rng.normal(size=(UNITS, 3))
    outcomes = np.asfortranarray(rng.normal(size=(UNITS, METRICS)) + prior[:, :1])
    outcomes[rng.random(UNITS) < 0.3, 0] = np.nan  # a survey
    outcomes[-50_000:, 1:3] = np.nan  # windows that still run
    strata, segment = rng.integers(0, 12, UNITS), rng.integers(0, SEGMENTS, UNITS)
    return outcomes, make_units(treated, strata=strata, covariates=prior), segment


@pytest.mark.full
def test_a_million_units_in_four_gigabytes(million):
    outcomes, units, segment = million
    whole = compare_arms(outcomes, units)
    segments = compare_by_segment(outcomes, units, segment)
    for j, found in enumerate(whole):
        relative_effect(found)
        interaction_test(segments.of_outcome(j))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 <= 4  # KiB to GiB


@pytest.mark.full
def test_not_slower_than_tea_tasting_on_means_with_a_covariate(million):
    tea = pytest.importorskip("tea_tasting", reason="tea-tasting is a test-only extra")
    outcomes, units, _ = million
    names = [f"metric_{j}" for j in range(3, METRICS)]
    frame = pd.DataFrame(outcomes[:, 3:], columns=names)
    frame["variant"], frame["prior"] = units.treated.astype(int), units.covariates[:, 0]
    experiment = tea.Experiment({n: tea.Mean(n, covariate="prior") for n in names})

    def seconds(work):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    lean = make_units(units.treated, covariates=units.covariates[:, 0])
    ours = seconds(lambda: compare_arms(frame[names].to_numpy(), lean))
    assert ours <= seconds(lambda: experiment.analyze(frame))
