"""Differences in means and proportions, fixed and always-valid, against published numbers."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportions_ztest

from analysis.experiment.estimators import (
    accrual_interval,
    accrual_multiplier,
    compare,
    compare_arms,
    make_units,
    relative_effect,
)

ROUNDED_5 = 5.1e-6
"""The sources print five decimals."""


def values_with(total: float, squares: float, n: int) -> np.ndarray:
    """n values with a given sum and sum of squares: the mean, and as much above as below it."""
    mean = total / n
    pairs = n // 2
    spread = np.sqrt((squares - n * mean**2) / (2 * pairs))
    signs = np.zeros(n)
    signs[:pairs], signs[pairs : 2 * pairs] = 1, -1
    return mean + spread * signs


def zeros_and_ones(*arms: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and arm numbers from (successes, units) of each arm."""
    outcome = np.concatenate([np.arange(n) < k for k, n in arms]).astype(float)
    return outcome, np.repeat(np.arange(len(arms)), [n for _, n in arms])


@pytest.fixture(scope="module")
def growthbook_means():
    """Source: GrowthBook gbstats, tests/frequentist/test_tests.py, TestTwoSidedTTest."""
    control = values_with(1396.87, 52377.9767, 3407)
    treatment = values_with(2422.7, 134698.29, 3461)
    treated = np.repeat([False, True], [len(control), len(treatment)])
    return compare(np.concatenate([control, treatment]), make_units(treated))


def test_absolute_mean_effect(growthbook_means):
    """Source: as above, test_two_sided_ttest_absolute."""
    found = growthbook_means
    assert found.effect == pytest.approx(0.29, abs=ROUNDED_5)
    assert (found.ci_low, found.ci_high) == pytest.approx((0.04538, 0.53462), abs=ROUNDED_5)
    assert found.std_error == pytest.approx(0.12478, abs=ROUNDED_5)
    assert found.p_value == pytest.approx(0.02016, abs=ROUNDED_5)


def test_relative_mean_effect(growthbook_means):
    """Source: as above, test_two_sided_ttest: the delta method (asked for by name there).

    The control mean's coefficient of variation is 0.16, so that our rule would take Fieller's
    interval; the published one is the delta method's.
    """
    found = relative_effect(growthbook_means, fieller_from=np.inf)
    assert found.method == "delta"
    assert found.value == pytest.approx(0.70732, abs=ROUNDED_5)
    assert (found.ci_low, found.ci_high) == pytest.approx((-0.03526, 1.44989), abs=ROUNDED_5)
    assert found.std_error == pytest.approx(0.37879, abs=ROUNDED_5)
    assert found.p_value == pytest.approx(0.06191, abs=ROUNDED_5)


def test_relative_always_valid_interval():
    """Source: GrowthBook gbstats, TestSequentialTwoSidedTTest, N* = 5000."""
    outcome, arm = zeros_and_ones((1396, 3000), (2422, 3461))
    relative = relative_effect(compare(outcome, make_units(arm == 1)))
    found = accrual_interval(relative.value, relative.std_error, 3000 + 3461, 5000)
    assert relative.value == pytest.approx(0.50386, abs=ROUNDED_5)
    # the source divides a proportion's variance by n, we by n − 1: half a width in 6,000 more
    assert (found.low, found.high) == pytest.approx(
        (0.40098, 0.60675), abs=0.103 / 6000 + ROUNDED_5
    )


@pytest.mark.parametrize(
    ("n", "multiplier"),
    [(100, 6.6944), (1000, 3.3639), (5000, 3.0352), (10_000, 3.0615), (100_000, 3.3369)],
)
def test_always_valid_multiplier(n, multiplier):
    """Source: the boundary of Waudby-Smith and others 2024, worked out for α .05, N* 5000."""
    assert accrual_multiplier(n, 5000) == pytest.approx(multiplier, abs=5.1e-5)  # 4 decimals


COOKIE_CATS = {
    # retention: returned in gate_30 of 44,700 and in gate_40 of 45,489; difference; pooled-z p
    "retention_1": (20034, 20119, -0.0059052, 0.0744097),
    "retention_7": (8502, 8279, -0.0082013, 0.0015542),
}
"""Source: the published experiment (Tactile Entertainment, 90,189 players); pooled-z p values are
the ones of its usual analysis. (A widely copied day-7 p of .016 is a misprint.)"""


@pytest.mark.parametrize("day", COOKIE_CATS)
def test_cookie_cats_plain(day):
    gate_30, gate_40, difference, pooled_p = COOKIE_CATS[day]
    outcome, arm = zeros_and_ones((gate_30, 44_700), (gate_40, 45_489))
    found = compare(outcome, make_units(arm == 1))
    assert found.effect == pytest.approx(difference, abs=5.1e-8)  # 7 decimals
    assert proportions_ztest([gate_40, gate_30], [45_489, 44_700])[1] == pytest.approx(
        pooled_p, abs=5.1e-8
    )
    # pooled and separate variances differ in the fourth digit of p here
    assert found.p_value == pytest.approx(pooled_p, rel=2e-3)


def test_cookie_cats_day_7_plain_says_stop_and_always_valid_does_not():
    """Source: the boundary as above on the published counts, N* 5000."""
    outcome, arm = zeros_and_ones((8502, 44_700), (8279, 45_489))
    plain = compare(outcome, make_units(arm == 1))
    found = accrual_interval(plain.effect, plain.std_error, plain.n_analysed, 5000)
    # as above: n against n − 1 is one half width in 2 · 44,700 here
    tolerance = 0.0087 / 89_400 + 5.1e-8
    assert (found.low, found.high) == pytest.approx((-0.0168132, 0.0004106), abs=tolerance)
    assert found.p_value == pytest.approx(0.0833, abs=5.1e-5)
    assert plain.ci_high < 0 < found.high


def test_cookie_cats_file_gives_the_published_counts(shared_data):
    players = pd.read_csv(shared_data / "cookie_cats" / "cookie_cats.csv")
    units = make_units(players["version"] == "gate_40")
    both = players[["retention_1", "retention_7"]].to_numpy()
    found = dict(zip(("retention_1", "retention_7"), compare_arms(both, units), strict=True))
    for day, (gate_30, gate_40, difference, _) in COOKIE_CATS.items():
        assert found[day].n_control == 44_700
        assert found[day].n_treatment == 45_489
        assert found[day].value_control == pytest.approx(gate_30 / 44_700)
        assert found[day].value_treatment == pytest.approx(gate_40 / 45_489)
        assert found[day].effect == pytest.approx(difference, abs=5.1e-8)
