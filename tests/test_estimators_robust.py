"""Whatever comes in: a status and notes, never a crash, a silent drop or a NaN without a status."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analysis.experiment.estimators import (
    Comparison,
    NoteCode,
    Status,
    compare,
    compare_arms,
    lee_bounds,
    linearised_ratio,
    make_units,
    permutation_test,
    pseudo_observations,
    relative_effect,
    response_weights,
    worst_case_bounds,
)

NUMBERS = [
    f.name
    for f in fields(Comparison)
    if f.type == "float"  # effect, limits, p value …
]
HALVES = np.arange(40) % 2 == 0


def assert_honest(found: Comparison) -> None:
    """Every number is there, or the status says why not."""
    assert len(NUMBERS) == 8
    missing = [name for name in NUMBERS if np.isnan(getattr(found, name))]
    assert not missing or found.status is not Status.OK, (found.status, missing)
    if found.status is Status.OK:
        assert found.ci_low <= found.effect <= found.ci_high
        assert 0 <= found.p_value <= 1
        assert found.std_error > 0
        assert found.df > 0


def test_an_all_zero_metric_has_an_effect_of_zero_and_says_it_does_not_vary():
    found = compare(np.zeros(40), make_units(HALVES))
    assert (found.status, found.effect, found.std_error) == (Status.NO_VARIATION, 0.0, 0.0)
    assert relative_effect(found).status is Status.NO_VARIATION


def test_arms_that_are_constant_but_differ_keep_their_effect_without_an_interval():
    found = compare(np.where(HALVES, 1.0, 0.1), make_units(HALVES))
    assert (found.status, found.effect) == (Status.NO_VARIATION, pytest.approx(0.9))
    assert np.isnan(found.p_value)


def test_a_constant_with_rounding_noise_does_not_vary():
    outcome = np.full(40, 0.1) * (1 + 1e-16 * np.arange(40))
    assert compare(outcome + 1e6, make_units(HALVES)).status is Status.NO_VARIATION


def test_an_outcome_that_its_covariate_determines_does_not_vary():
    covariate = np.random.default_rng(0).normal(size=40)
    found = compare(3 * covariate + 1, make_units(HALVES, covariates=covariate))
    assert found.status is Status.NO_VARIATION
    assert found.effect == pytest.approx(0, abs=1e-12)


def test_one_constant_arm_is_noted():
    outcome = np.where(HALVES, np.arange(40.0), 0.0)
    found = compare(outcome, make_units(HALVES))
    assert found.status is Status.OK
    assert NoteCode.CONSTANT_IN_ONE_ARM in {n.code for n in found.notes}


def test_one_unit_an_arm_gives_values_without_an_error():
    found = compare(np.array([3.0, 1.0]), make_units([1, 0]))
    assert (found.status, found.effect) == (Status.TOO_FEW_UNITS, 2.0)
    assert (found.n_treatment, found.n_control) == (1, 1)


@pytest.mark.parametrize("treated", [np.ones(4, bool), np.zeros(4, bool), np.zeros(0, bool)])
def test_an_arm_without_units(treated):
    found = compare(np.arange(len(treated)) * 1.0, make_units(treated))
    assert found.status is Status.NO_UNITS
    assert relative_effect(found).status is Status.NO_UNITS


def test_infinite_and_missing_values_are_left_out_and_counted():
    outcome = np.random.default_rng(0).normal(size=40)
    outcome[:3], outcome[3], outcome[4] = np.nan, np.inf, -np.inf
    found = compare(outcome, make_units(HALVES))
    counts = {n.code: n.count for n in found.notes}
    assert counts == {NoteCode.MISSING_OUTCOMES: 3, NoteCode.INFINITE_OUTCOMES: 2}
    assert found.n_treatment + found.n_control == 35
    assert_honest(found)


def test_a_covariate_of_nothing_but_gaps_is_dropped():
    units = make_units(HALVES, covariates=np.full(40, np.nan), covariate_names=["prior"])
    found = compare(np.random.default_rng(0).normal(size=40), units)
    assert [n.subject for n in found.notes if n.code is NoteCode.COVARIATE_CONSTANT] == ["prior"]
    assert_honest(found)


def test_huge_and_tiny_values_neither_overflow_nor_vanish():
    outcome = np.random.default_rng(0).normal(size=40)
    units = make_units(HALVES, covariates=outcome + np.random.default_rng(1).normal(size=40))
    plain = compare(outcome, units)
    for scale in (1e150, 1e-150):
        huge = make_units(HALVES, covariates=units.covariates * scale)
        found = compare(outcome * 1e-80, huge)
        assert found.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_wrong_lengths_and_weights_are_programming_errors():
    with pytest.raises(ValueError, match="strata has 3 rows, treated has 4"):
        make_units([1, 0, 1, 0], strata=[1, 2, 3])
    with pytest.raises(ValueError, match="outcomes have 3 rows, units 4"):
        compare(np.zeros(3), make_units([1, 0, 1, 0]))
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        make_units([1, 0], weights=[1, -1])


def test_labels_in_any_language_make_strata_and_clusters():
    units = make_units([1, 0, 1, 0], strata=["战略", "重点", "战略", "重点"], clusters=list("abab"))
    assert units.strata.tolist() == [0, 1, 0, 1]
    assert units.clusters.tolist() == [0, 1, 0, 1]


values = st.one_of(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf]),
)


weights = st.just(0.0) | st.floats(0.01, 100)


@st.composite
def experiments(draw):
    n = draw(st.integers(0, 24))
    of_units = {
        "treated": draw(arrays.arrays(bool, n)),
        "strata": draw(st.none() | arrays.arrays(int, n, elements=st.integers(-1, 3))),
        "clusters": draw(st.none() | arrays.arrays(int, n, elements=st.integers(0, 9))),
        "covariates": draw(
            st.none()
            | arrays.arrays(float, st.tuples(st.just(n), st.integers(1, 3)), elements=values)
        ),
        "weights": draw(st.none() | arrays.arrays(float, n, elements=weights)),
        "blocked": draw(st.booleans()),
    }
    return make_units(**of_units), draw(arrays.arrays(float, (n, 2), elements=values))


@settings(max_examples=150, deadline=None)
@given(experiments())
def test_any_data_give_numbers_or_a_status(experiment):
    units, outcomes = experiment
    for found in compare_arms(outcomes, units, keep_influence=True):
        assert_honest(found)
        relative = relative_effect(found)
        assert relative.status is not Status.OK or np.isfinite(relative.std_error)
        if found.status is Status.OK:
            assert np.sum(found.influence**2) == pytest.approx(found.std_error**2)


@settings(max_examples=100, deadline=None)
@given(experiments())
def test_any_data_give_bounds_ratios_and_weights_or_a_status(experiment):
    units, outcomes = experiment
    first, second = outcomes[:, 0], outcomes[:, 1]
    bounds = [lee_bounds(first, units), worst_case_bounds(np.clip(first, 0, 1), units, 0.0, 1.0)]
    for bound in bounds:
        numbers = (bound.low, bound.high, bound.ci_low, bound.ci_high)
        assert bound.status is not Status.OK or np.isfinite(numbers).all()
        assert bound.status is not Status.OK or bound.ci_low <= bound.ci_high
    ratio = linearised_ratio(first, second, units)
    assert ratio.status is not Status.OK or np.isfinite(ratio.ratio_control)
    weights = response_weights(np.isfinite(first), units)
    assert np.isfinite(weights.weights).all()
    if units.clusters is not None:
        permuted = permutation_test(first, units)
        assert permuted.status is not Status.OK or 0 < permuted.p_value <= 1
    pseudo = pseudo_observations(np.abs(np.nan_to_num(first)), second > 0, units.treated, 5.0)
    assert pseudo.status is not Status.OK or np.isfinite(pseudo.values).all()


@pytest.mark.parametrize("is_small", [True, False])
def test_an_arm_without_events_does_not_make_a_rare_event_certain(is_small):
    """12 of 2,209 against 0 of 238: Fisher's exact p is .62, with a variance of 0 it was .0005."""
    large, small = np.arange(2209) < 12, np.zeros(238)
    outcome = np.concatenate([large, small])
    found = compare(outcome, make_units(np.repeat([not is_small, is_small], [2209, 238])))
    pooled = outcome.mean() * (1 - outcome.mean()) * (1 / 2209 + 1 / 238)
    assert found.std_error == pytest.approx(np.sqrt(pooled), rel=0.01)  # 1/n against 1/(n-1)
    assert found.p_value > 0.2
    assert abs(found.effect) == pytest.approx(12 / 2209)


def test_a_large_arm_without_spread_does_not_narrow_the_interval():
    outcome = np.concatenate([np.arange(100) % 3, np.zeros(900)])
    found = compare(outcome, make_units(np.repeat([1, 0], [100, 900])), keep_influence=True)
    assert found.std_error == pytest.approx(np.std(np.arange(100) % 3, ddof=1) / 10)
    assert np.sum(found.influence**2) == pytest.approx(found.std_error**2)
