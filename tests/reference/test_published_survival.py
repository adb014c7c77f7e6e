"""Survival against the published numbers of the lung cancer data.

Source of the data: Loprinzi and others 1994, J. Clin. Oncol. 12(3); `lung` of the R package
survival, 228 patients (status 2 = died, sex 1 = male). Sources of the numbers: restricted means
of survRM2 / survival (`print(survfit(...), rmean = 965)`), `survdiff` and `coxph` of survival.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.experiment.estimators import (
    compare,
    hazard_ratio,
    kaplan_meier,
    log_rank,
    make_units,
    pseudo_observations,
    restricted_mean,
    restricted_mean_difference,
)

HORIZON_DAYS = 965.0
LUNG = Path(__file__).parent / "data" / "lung.csv"


@pytest.fixture(scope="module")
def lung():
    frame = pd.read_csv(LUNG)
    duration = frame["time_days"].to_numpy(dtype=float)
    return duration, (frame["status"] == 2).to_numpy(), (frame["sex"] == 2).to_numpy()


def test_the_copy_is_complete(lung):
    duration, died, female = lung
    assert (len(duration), died.sum(), female.sum(), duration.sum()) == (228, 165, 90, 69_593)


def test_restricted_means(lung):
    duration, died, female = lung
    male, women = (
        restricted_mean(kaplan_meier(duration[m], died[m]), HORIZON_DAYS) for m in (~female, female)
    )
    assert (male.mean, women.mean) == pytest.approx((324.0484, 455.9041), abs=5.1e-5)
    assert (male.std_error, women.std_error) == pytest.approx((22.29794, 32.91742), abs=5.1e-6)
    difference = restricted_mean_difference(women, male)
    assert difference.difference == pytest.approx(131.8557, abs=5.1e-5)
    assert difference.std_error == pytest.approx(39.75870, abs=5.1e-6)
    assert difference.p_value == pytest.approx(0.0009118595, abs=5.1e-11)


def test_log_rank(lung):
    found = log_rank(*lung)
    assert found.chi_square == pytest.approx(10.32674, abs=5.1e-6)
    assert found.p_value == pytest.approx(0.0013112, abs=5.1e-8)


def test_hazard_ratio(lung):
    """`coxph(Surv(time, status) ~ sex)`: exp(coef) 0.588, se 0.1672, p 0.00149."""
    found = hazard_ratio(*lung)
    assert found.ratio == pytest.approx(0.588, abs=5.1e-4)
    assert found.log_std_error == pytest.approx(0.1672, abs=5.1e-5)
    assert found.p_value == pytest.approx(0.00149, abs=5.1e-6)


def test_pseudo_observations_carry_the_restricted_mean_into_the_one_estimator(lung):
    duration, died, female = lung
    pseudo = pseudo_observations(duration, died, female, HORIZON_DAYS)
    found = compare(pseudo.values, make_units(female))
    assert found.effect == pytest.approx(131.8557, abs=5.1e-5)
    # the jackknife's variance exceeds Greenwood's by O(1/n); here by 1.9 %
    assert found.std_error == pytest.approx(39.75870, rel=0.025)
    assert np.isfinite(found.p_value)
