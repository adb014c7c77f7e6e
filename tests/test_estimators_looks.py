"""Looks over time: the error spent is the error promised, and what is stored stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.experiment.estimators import (
    CalendarPlan,
    PlannedDesign,
    PlannedLooks,
    Status,
    accrual_interval,
    calendar_look,
    compare,
    look_correlation,
    make_units,
    minimum_detectable_effect,
    next_boundary,
    normal_score,
    power,
    repeated_interval,
    repeated_p_value,
    units_needed,
)
from analysis.experiment.estimators.looks import planned_boundaries

LOOKS = 6


def growing_information(k: int) -> np.ndarray:
    looks = np.arange(1, k + 1)
    return np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))


SHAPES = {
    "independent": np.eye(LOOKS),
    "growing": growing_information(LOOKS),
    "the same": np.ones((LOOKS, LOOKS)),
    "nearly the same": 0.999 + 0.001 * np.eye(LOOKS),
}


@pytest.mark.parametrize("spending", ["linear", "obrien_fleming"])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_looks_together_alarm_as_often_as_promised(shape, spending):
    """Against draws of another generator: 200,000, so that 99.9 % limits are ± 0.16 points."""
    boundaries = planned_boundaries(SHAPES[shape], CalendarPlan(LOOKS, 0.05, spending))
    values, vectors = np.linalg.eigh(SHAPES[shape])
    root = vectors * np.sqrt(np.maximum(values, 0))
    draws = np.random.default_rng(99).standard_normal((200_000, LOOKS)) @ root.T
    found = np.mean((np.abs(draws) >= boundaries).any(axis=1))
    assert found == pytest.approx(0.05, abs=0.0016 + 0.0005)  # and the draws' own ± 0.05 points


def test_one_look_is_the_fixed_interval():
    assert next_boundary(np.eye(1), np.empty(0), CalendarPlan(1)) == pytest.approx(
        1.95996, abs=1e-4
    )


def test_no_boundary_exceeds_bonferronis():
    for shape in SHAPES.values():
        boundaries = planned_boundaries(shape, CalendarPlan(LOOKS))
        assert boundaries.max() <= stats.norm.isf(0.05 / (2 * LOOKS)) + 1e-12


def test_obrien_fleming_spends_little_at_first_and_nearly_all_at_last():
    boundaries = planned_boundaries(
        growing_information(LOOKS), CalendarPlan(LOOKS, 0.05, "obrien_fleming")
    )
    assert boundaries[0] == pytest.approx(
        stats.norm.isf(stats.norm.sf(1.95996 * np.sqrt(6))), abs=1e-3
    )
    assert boundaries[-1] < 2.1


def test_stored_boundaries_decide_the_next_one():
    plan, correlation = CalendarPlan(3), growing_information(3)
    stored = planned_boundaries(correlation, plan)
    assert next_boundary(correlation, stored[:2], plan) == stored[2]
    stricter = next_boundary(correlation, np.array([9.0, 9.0]), plan)
    assert stricter > stored[2]  # paths that an earlier look would have stopped still count


def test_a_later_look_does_not_change_the_draws_of_an_earlier_one():
    plan = CalendarPlan(LOOKS)
    by_one = np.empty(0)
    for k in range(1, LOOKS + 1):
        by_one = np.append(by_one, next_boundary(growing_information(k), by_one, plan))
    assert by_one.tolist() == planned_boundaries(growing_information(LOOKS), plan).tolist()


def test_p_is_below_alpha_exactly_where_a_boundary_is_crossed():
    plan = CalendarPlan(LOOKS)
    for shape in SHAPES.values():
        boundaries = planned_boundaries(shape, plan)
        for k in (1, 3, LOOKS):
            scores = np.zeros(k)
            scores[-1] = boundaries[k - 1] + 0.01
            assert repeated_p_value(scores, shape[:k, :k], plan) < 0.05
            scores[-1] = boundaries[k - 1] - 0.01
            assert repeated_p_value(scores, shape[:k, :k], plan) > 0.05


def test_p_never_rises_as_looks_are_added():
    scores = np.array([2.9, 1.0, -2.0, 0.3, 3.1, 0.1])
    shape = growing_information(LOOKS)
    plan = CalendarPlan(LOOKS)
    found = [repeated_p_value(scores[:k], shape[:k, :k], plan) for k in range(1, LOOKS + 1)]
    assert found == sorted(found, reverse=True)


def test_p_of_a_strong_effect_is_bonferronis():
    found = repeated_p_value(np.array([1.0, 8.0]), growing_information(2), CalendarPlan(2))
    assert found == pytest.approx(2 * 2 * stats.norm.sf(8), rel=1e-9)


def test_p_of_one_look_is_the_plain_p():
    for score in (0.1, 1.0, 1.96, 2.5):
        found = repeated_p_value(np.array([score]), np.eye(1), CalendarPlan(1))
        assert found == pytest.approx(2 * stats.norm.sf(score), rel=2e-3)  # 1/√ of the tail draws


def test_the_interval_excludes_zero_exactly_where_the_boundary_is_crossed():
    for t_value, crossed in ((2.9, False), (3.3, True)):
        score = normal_score(t_value, 1.0, 20)
        low, _ = repeated_interval(t_value, 1.0, 20, 2.7)
        assert (score >= 2.7) == crossed == (low > 0)


def test_a_look_gives_interval_p_and_the_boundary_to_store():
    plan = CalendarPlan(2)
    first = calendar_look(
        1.0,
        0.5,
        100,
        earlier_scores=np.empty(0),
        earlier_boundaries=np.empty(0),
        correlation=np.eye(1),
        plan=plan,
    )
    second = calendar_look(
        1.6,
        0.5,
        100,
        earlier_scores=np.array([normal_score(1.0, 0.5, 100)]),
        earlier_boundaries=np.array([first.boundary]),
        correlation=growing_information(2),
        plan=plan,
    )
    assert first.interval.low < 0 < second.interval.low
    assert second.interval.p_value < 0.05 < first.interval.p_value
    assert second.interval.multiplier == pytest.approx((1.6 - second.interval.low) / 0.5)


def test_beyond_the_last_look_there_is_no_claim():
    found = calendar_look(
        1.0,
        0.1,
        100,
        earlier_scores=np.array([0.0]),
        earlier_boundaries=np.array([1.96]),
        correlation=np.eye(2),
        plan=CalendarPlan(1),
    )
    assert found.interval.status is Status.LOOKS_EXHAUSTED


def test_a_look_without_variation_spends_its_share_and_makes_no_claim():
    found = calendar_look(
        0.0,
        0.0,
        np.nan,
        earlier_scores=np.empty(0),
        earlier_boundaries=np.empty(0),
        correlation=np.eye(1),
        plan=CalendarPlan(4),
    )
    assert found.interval.status is Status.NO_VARIATION
    assert np.isfinite(found.boundary)


def test_correlation_of_looks_comes_from_influence_values():
    """Followed twice as long with independent months: correlation √½."""
    rng = np.random.default_rng(8)
    units = make_units(np.arange(20_000) % 2 == 0)
    month = rng.normal(size=(20_000, 2))
    cumulated = np.cumsum(month, axis=1)
    influence = [compare(cumulated[:, k], units, keep_influence=True).influence for k in (0, 1)]
    found = look_correlation(np.column_stack([*influence, np.zeros(20_000)]))
    assert found[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.02)  # ± 3 standard errors
    assert found[2].tolist() == [0, 0, 1]  # a look before any data


def test_always_valid_interval_and_p_agree_at_the_boundary():
    for p_side, estimate_factor in ((1.0, 0.9999), (-1.0, 1.0001)):
        width = accrual_interval(0.0, 0.1, 700, 1000).high
        found = accrual_interval(width * estimate_factor, 0.1, 700, 1000)
        assert (found.p_value - 0.05) * p_side > 0
        assert found.low * p_side < 0


def test_always_valid_interval_needs_a_standard_error():
    assert accrual_interval(1.0, 0.0, 10, 100).status is Status.NO_VARIATION
    with pytest.raises(ValueError, match="planned_n is 0"):
        accrual_interval(1.0, 1.0, 10, 0)


def test_looking_at_every_hundredth_unit_the_always_valid_interval_keeps_its_promise():
    """500 experiments of 5,000 units, looked at 50 times: misses at most 5 % (99.9 % limit)."""
    rng = np.random.default_rng(5)
    sums = rng.normal(size=(500, 50, 100)).sum(axis=2).cumsum(axis=1)
    n = np.arange(100, 5001, 100)
    half_width = np.array([accrual_interval(0.0, 1 / np.sqrt(k), int(k), 2500).high for k in n])
    misses = (np.abs(sums / n) > half_width).any(axis=1).sum()
    plain = (np.abs(sums / n) > 1.96 / np.sqrt(n)).any(axis=1).sum()
    assert misses <= stats.binom.ppf(0.999, 500, 0.05)
    assert plain > 100


def test_power_of_a_fixed_analysis_is_the_noncentral_ts():
    """Cohen 1988, table 2.4.1: d = 0.5, 64 an arm, two-sided 5 %: power 0.80."""
    design = PlannedDesign(variance=1.0)
    assert power(design, 0.5, 128, PlannedLooks()) == pytest.approx(0.801, abs=5e-4)
    assert units_needed(design, 0.5, PlannedLooks()) == 128
    assert minimum_detectable_effect(design, 128, PlannedLooks()) == pytest.approx(0.499, abs=1e-3)


def test_power_with_looks_is_what_simulated_experiments_reach():
    design, looks = PlannedDesign(variance=1.0), PlannedLooks(looks=LOOKS)
    effect = minimum_detectable_effect(design, 1000, looks)
    drift = effect / np.sqrt(4 / 1000) * np.sqrt(np.arange(1, LOOKS + 1) / LOOKS)
    root = np.linalg.cholesky(growing_information(LOOKS))
    draws = np.random.default_rng(1).standard_normal((50_000, LOOKS)) @ root.T + drift
    boundaries = planned_boundaries(growing_information(LOOKS), CalendarPlan(LOOKS))
    found = np.mean((np.abs(draws) >= boundaries).any(axis=1))
    assert found == pytest.approx(0.8, abs=0.008)  # 99.9 % limits of both simulations
    fixed = minimum_detectable_effect(design, 1000, PlannedLooks())
    assert fixed < effect < 1.15 * fixed


def test_clusters_and_covariates_change_the_price_as_their_formulas_say():
    single = PlannedDesign(variance=1.0)
    explained = PlannedDesign(variance=1.0, explained=0.5)
    clustered = PlannedDesign(1.0, cluster_correlation=0.05, cluster_size=20, cluster_size_cv=0.9)
    assert clustered.design_effect == pytest.approx(1 + ((0.81 + 1) * 20 - 1) * 0.05)
    needed = [units_needed(d, 0.2, PlannedLooks()) for d in (single, explained, clustered)]
    assert needed[1] == pytest.approx(needed[0] / 2, rel=0.01)
    assert needed[2] > needed[0] * clustered.design_effect  # fewer degrees of freedom besides
    assert needed[2] % 20 == 0


def test_designs_that_cannot_work_say_so():
    looks = PlannedLooks()
    assert units_needed(PlannedDesign(1.0), 0.0, looks) == np.inf
    few = PlannedDesign(1.0, cluster_correlation=0.1, cluster_size=50)
    assert power(few, 1.0, 100, looks) == 0.0  # two clusters
    assert power(few, 9.0, 350, looks) == 0.0  # seven: three in an arm, which gives no verdict
    assert power(few, 9.0, 400, looks) > 0.9
    assert minimum_detectable_effect(few, 100, looks) == np.inf


def test_an_always_valid_design_needs_more_units_than_a_fixed_one():
    design = PlannedDesign(variance=1.0)
    always = units_needed(design, 0.2, PlannedLooks(planned_n=1000))
    assert always > 1.5 * units_needed(design, 0.2, PlannedLooks())


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 200), st.integers(8, 400), st.floats(-8, 8))
def test_with_few_degrees_of_freedom_the_always_valid_interval_is_the_wider_one(df, n, t):
    found = accrual_interval(t, 1.0, n, 100, df=df)
    assert (found.high - found.low) / 2 > stats.t.isf(0.025, df)
    assert found.multiplier > accrual_interval(t, 1.0, n, 100).multiplier
    if abs(abs(t) - found.multiplier) > 1e-6:  # rounding at the limit itself
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_with_many_degrees_of_freedom_it_is_the_normal_one():
    few, none = (accrual_interval(3.1, 1.0, 100, 100, df=df) for df in (1e8, np.inf))
    assert few.high == pytest.approx(none.high, rel=1e-6)
    assert few.p_value == pytest.approx(none.p_value, rel=1e-5)
