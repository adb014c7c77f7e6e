"""Survival against statsmodels and against leaving units out one by one."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from analysis.experiment.estimators import (
    Status,
    compare,
    hazard_ratio,
    kaplan_meier,
    log_rank,
    make_units,
    pseudo_observations,
    restricted_mean,
    restricted_mean_difference,
)


@pytest.fixture
def customers():
    """400 customers, whole days (many ties), censored between day 30 and day 120."""
    rng = np.random.default_rng(5)
    treated = np.arange(400) % 2 == 0
    gone = np.ceil(rng.exponential(80 + 30 * treated))
    end = np.ceil(rng.uniform(30, 120, 400))
    return np.minimum(gone, end), gone <= end, treated


def restricted_mean_by_hand(duration, event, horizon):
    """Area under the curve, one step after another."""
    alive, area, before = 1.0, 0.0, 0.0
    for time in np.unique(duration[duration < horizon]):
        area += alive * (time - before)
        before = time
        alive *= 1 - np.sum((duration == time) & event) / np.sum(duration >= time)
    return area + alive * (horizon - before)


def jackknife_by_hand(duration, event, horizon):
    n = len(duration)
    whole = restricted_mean_by_hand(duration, event, horizon)
    without = [
        restricted_mean_by_hand(np.delete(duration, i), np.delete(event, i), horizon)
        for i in range(n)
    ]
    return n * whole - (n - 1) * np.array(without)


def test_curve_and_greenwoods_error_are_those_of_statsmodels(customers):
    duration, event, _ = customers
    found = kaplan_meier(duration, event)
    other = SurvfuncRight(duration, event.astype(int))
    at = np.searchsorted(found.time, other.surv_times)
    assert found.survival[at] == pytest.approx(other.surv_prob)
    assert found.std_error[at] == pytest.approx(other.surv_prob_se)
    assert found.at_risk[at] == pytest.approx(other.n_risk)
    assert ((found.low <= found.survival) & (found.survival <= found.high)).all()
    assert ((found.low >= 0) & (found.high <= 1)).all()


def test_log_rank_and_hazard_ratio_are_those_of_statsmodels(customers):
    duration, event, treated = customers
    chi_square, p_value = survdiff(duration, event.astype(int), treated.astype(int))
    found = log_rank(duration, event, treated)
    assert (found.chi_square, found.p_value) == pytest.approx((chi_square, p_value))
    cox = sm.PHReg(duration, treated * 1.0, status=event.astype(int), ties="efron").fit()
    ratio = hazard_ratio(duration, event, treated)
    assert np.log(ratio.ratio) == pytest.approx(cox.params[0], abs=1e-6)
    assert ratio.log_std_error == pytest.approx(cox.bse[0], rel=1e-6)


def test_pseudo_observations_are_the_jackknife(customers):
    duration, event, treated = customers
    found = pseudo_observations(duration, event, treated, 90.0)
    for member in (treated, ~treated):
        by_hand = jackknife_by_hand(duration[member], event[member], 90.0)
        assert found.values[member] == pytest.approx(by_hand, abs=1e-8)
        curve = restricted_mean(kaplan_meier(duration[member], event[member]), 90.0)
        assert found.values[member].mean() == pytest.approx(curve.mean, rel=0.002)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=8),
    st.integers(1, 6),
)
def test_pseudo_observations_are_the_jackknife_with_any_ties(lives, horizon):
    duration = np.array([float(d) for d, _ in lives])
    event = np.array([e for _, e in lives])
    both = np.repeat([True, False], len(lives))
    found = pseudo_observations(np.tile(duration, 2), np.tile(event, 2), both, float(horizon))
    if found.status is Status.OK:
        by_hand = jackknife_by_hand(duration, event, float(horizon))
        assert found.values[both] == pytest.approx(by_hand, abs=1e-9)
    else:
        last = duration == duration.max()
        assert duration.max() < horizon
        assert not event[last].all()


def test_without_censoring_before_the_horizon_they_are_the_lives_cut_at_it():
    rng = np.random.default_rng(1)
    gone = rng.exponential(100, 20_000)
    end = rng.uniform(60, 300, 20_000)
    treated = np.arange(20_000) % 2 == 0
    found = pseudo_observations(np.minimum(gone, end), gone <= end, treated, 60.0)
    # n times the rounding of a sum of n areas
    assert found.values == pytest.approx(np.minimum(gone, 60.0), abs=1e-6)


def test_the_one_estimator_agrees_with_greenwood_on_large_samples():
    rng = np.random.default_rng(1)
    treated = np.arange(20_000) % 2 == 0
    gone = rng.exponential(100 + 20 * treated)
    end = rng.uniform(30, 150, 20_000)
    duration, event = np.minimum(gone, end), gone <= end
    arms = [
        restricted_mean(kaplan_meier(duration[m], event[m]), 120.0) for m in (treated, ~treated)
    ]
    difference = restricted_mean_difference(*arms)
    pseudo = pseudo_observations(duration, event, treated, 120.0)
    found = compare(pseudo.values, make_units(treated))
    assert found.effect == pytest.approx(difference.difference, rel=1e-3)
    assert found.std_error == pytest.approx(difference.std_error, rel=0.01)


def test_an_event_on_day_0_counts_among_those_at_risk():
    found = kaplan_meier(np.array([0.0, 5, 10, 10]), np.array([True, True, False, False]))
    assert found.at_risk[0] == 4
    assert found.survival.tolist() == [0.75, 0.5, 0.5]
    assert restricted_mean(found, 10.0).mean == pytest.approx(0.75 * 5 + 0.5 * 5)


def test_a_horizon_beyond_follow_up_is_refused():
    duration, event = np.array([5.0, 8, 9, 5, 8, 12]), np.array([1, 1, 0, 1, 1, 1], bool)
    treated = np.array([1, 1, 1, 0, 0, 0], bool)
    assert pseudo_observations(duration, event, treated, 10.0).status is Status.HORIZON_BEYOND_DATA
    arms = [restricted_mean(kaplan_meier(duration[m], event[m]), 10.0) for m in (treated, ~treated)]
    assert [a.status for a in arms] == [Status.HORIZON_BEYOND_DATA, Status.OK]
    assert restricted_mean_difference(*arms).status is Status.HORIZON_BEYOND_DATA
    everyone_left = restricted_mean(kaplan_meier(duration[~treated], event[~treated]), 20.0)
    assert everyone_left.mean == pytest.approx(25 / 3)  # nobody is left to be followed


def test_negative_and_infinite_durations_are_errors():
    for bad in (-1.0, np.inf):
        with pytest.raises(ValueError, match="durations must be finite and not negative"):
            kaplan_meier(np.array([1.0, bad]), np.array([True, False]))


def test_units_that_are_not_followed_get_no_value():
    duration = np.array([5.0, np.nan, 12, 5, 8, 12])
    event = np.array([1, 0, 0, 1, 1, 0], bool)
    treated = np.array([1, 1, 1, 0, 0, 0], bool)
    found = pseudo_observations(duration, event, treated, 10.0)
    assert np.isnan(found.values).tolist() == [False, True, False, False, False, False]


def test_an_arm_without_events_has_no_hazard_ratio_but_a_log_rank_test():
    duration = np.array([5.0, 6, 7, 10, 10, 10])
    event = np.array([1, 1, 1, 0, 0, 0], bool)
    treated = ~event
    assert hazard_ratio(duration, event, treated).status is Status.NOT_CONVERGED
    assert log_rank(duration, event, treated).status is Status.OK
    nothing = hazard_ratio(duration, np.zeros(6, bool), treated)
    assert nothing.status is Status.NO_VARIATION
    assert log_rank(duration, np.zeros(6, bool), treated).status is Status.NO_VARIATION
