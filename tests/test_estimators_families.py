"""Gates, multiplicity and segments: many questions at once."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.experiment.estimators import (
    Status,
    benjamini_hochberg,
    compare,
    compare_by_segment,
    crossover,
    family_interval,
    holm,
    imbalance,
    interaction_test,
    intersection_union,
    intracluster_correlation,
    loss,
    make_units,
    nps_variance,
    proportion_variance,
    sample_ratio,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closure_of_bonferroni(values):
    """A question is rejected if every set of questions that holds it is, by Bonferroni."""
    every = [s for k in range(len(values)) for s in combinations(range(len(values)), k + 1)]
    closed = [
        max(min(1.0, len(s) * min(values[j] for j in s)) for s in every if i in s)
        for i in range(len(values))
    ]
    assert holm(values) == pytest.approx(closed)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_false_discovery_rate_is_that_of_scipy(values):
    assert benjamini_hochberg(values) == pytest.approx(stats.false_discovery_control(values))


def test_questions_without_an_answer_do_not_count():
    assert holm([0.01, np.nan, 0.04]).tolist() == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert holm([]).size == 0


def test_all_primaries_hold_only_if_the_worst_holds():
    assert intersection_union([0.01, 0.04]) == 0.04
    assert np.isnan(intersection_union([0.01, np.nan]))
    assert np.isnan(intersection_union([]))


def test_a_family_interval_shares_the_error():
    low, high = family_interval(1.0, 0.5, 30, 4)
    assert (high - low) / 2 == pytest.approx(0.5 * stats.t.isf(0.05 / 8, 30))


def test_sample_ratio_over_strata_is_bonferroni_of_the_worst():
    counts = np.array([[500, 500], [300, 200], [10, 12]])
    found = sample_ratio(counts, np.array([0.5, 0.5]))
    worst = stats.chisquare([300, 200]).pvalue
    assert (found.worst, found.tests) == (1, 3)
    assert found.p_value == pytest.approx(3 * worst)
    assert found.alarm == (3 * worst < 0.001)


def test_sample_ratio_of_few_units_is_exact():
    found = sample_ratio(np.array([8, 0]), np.array([0.5, 0.5]))
    assert found.p_value == pytest.approx(2 / 2**8)
    three_arms = sample_ratio(np.array([4, 0, 0]), np.ones(3))
    assert three_arms.p_value == pytest.approx(3 / 3**4)
    assert sample_ratio(np.array([12, 0, 0]), np.ones(3)).alarm


def test_units_in_an_arm_that_was_not_planned_alarm():
    assert sample_ratio(np.array([50, 50, 1]), np.array([0.5, 0.5, 0.0])).alarm


def test_loss_in_one_arm_is_seen_although_the_ratio_is_not():
    assigned, analysed = np.array([10_000, 10_000]), np.array([9_990, 9_900])
    found = loss(assigned, analysed, control=0)
    assert found.p_value == pytest.approx(stats.fisher_exact([[9900, 100], [9990, 10]]).pvalue)
    assert (found.alarm, found.worst) == (True, 1)
    assert not sample_ratio(analysed, np.array([0.5, 0.5])).alarm
    assert not loss(assigned, assigned - 50, control=0).alarm
    with pytest.raises(ValueError, match="more units analysed than assigned"):
        loss(np.array([1, 1]), np.array([2, 1]), 0)


def test_crossover_alarms_above_one_percent():
    assert [crossover(k, 1000).alarm for k in (10, 11)] == [False, True]
    assert crossover(0, 0).status is Status.NO_UNITS


def test_imbalance_holds_the_family_at_one_in_a_thousand():
    assert not imbalance([0.0002, 0.5, 0.5, 0.5, 0.5]).alarm
    assert imbalance([0.0001, np.nan, 0.5]).alarm
    assert imbalance([np.nan]).status is Status.TOO_FEW_UNITS


@pytest.fixture
def tiers():
    rng = np.random.default_rng(3)
    n = 1200
    tier = rng.integers(0, 4, n)
    treated = rng.random(n) < 0.5
    prior = rng.normal(size=n)
    outcome = prior + rng.normal(size=n) * (1 + tier) + treated * np.where(tier == 3, 2.0, 0.0)
    return tier, treated, prior, outcome


def test_each_segment_is_the_same_regression_on_its_own_units(tiers):
    tier, treated, prior, outcome = tiers
    units = make_units(treated, covariates=prior)
    found = compare_by_segment(np.column_stack([outcome, -outcome]), units, tier)
    assert found.codes.tolist() == [0, 1, 2, 3]
    for code, (first, second) in zip(found.codes, found.comparisons, strict=True):
        alone = compare(outcome[tier == code], units.take(tier == code))
        assert (first.effect, first.std_error) == (alone.effect, alone.std_error)
        assert second.effect == pytest.approx(-first.effect)


def test_units_without_a_segment_are_left_out(tiers):
    tier, treated, _, outcome = tiers
    found = compare_by_segment(outcome, make_units(treated), np.where(tier == 3, -1, tier))
    assert found.codes.tolist() == [0, 1, 2]


def test_interaction_of_two_segments_is_the_t_test_of_their_difference(tiers):
    tier, treated, _, outcome = tiers
    two = tier < 2
    found = compare_by_segment(outcome[two], make_units(treated[two]), tier[two]).of_outcome(0)
    test = interaction_test(found)
    error = np.hypot(found[0].std_error, found[1].std_error)
    assert test.f_value == pytest.approx(((found[0].effect - found[1].effect) / error) ** 2)
    squares = [c.std_error**2 for c in found]
    welch = sum(squares) ** 2 / sum(s**2 / c.df for s, c in zip(squares, found, strict=True))
    assert test.df_within == pytest.approx(welch)


def test_interaction_sees_an_effect_in_one_tier_only(tiers):
    tier, treated, prior, outcome = tiers
    units = make_units(treated, covariates=prior)
    real = interaction_test(compare_by_segment(outcome, units, tier).of_outcome(0))
    none = outcome - treated * np.where(tier == 3, 2.0, 0.0)
    null = interaction_test(compare_by_segment(none, units, tier).of_outcome(0))
    assert real.p_value < 0.01 < null.p_value
    assert (real.segments, real.df_between) == (4, 3)


def test_interaction_alarms_as_often_as_promised():
    rng = np.random.default_rng(12)
    treated, tier = np.arange(240) % 2 == 0, np.arange(240) // 2 % 4
    units = make_units(treated)
    alarms = sum(
        interaction_test(
            compare_by_segment(rng.normal(size=240) * (1 + tier), units, tier).of_outcome(0)
        ).p_value
        < 0.05
        for _ in range(300)
    )
    assert alarms <= stats.binom.ppf(0.999, 300, 0.05)


def test_interaction_in_cluster_designs_uses_the_correlation_of_the_effects():
    """Both tiers of a depot share its level: their difference is far surer than each effect."""
    rng = np.random.default_rng(2)
    depot = np.repeat(np.arange(30), 40)
    tier = np.tile([0, 1], 600)
    treated = depot % 2 == 0
    outcome = 5 * rng.normal(size=30)[depot] + rng.normal(size=1200) + treated * tier * 0.5
    units = make_units(treated, clusters=depot)
    found = compare_by_segment(outcome, units, tier, keep_influence=True).of_outcome(0)
    test = interaction_test(found)
    assert test.p_value < 0.001
    assert all(c.std_error > 1 for c in found)
    with pytest.raises(ValueError, match="keep the influence values"):
        interaction_test(compare_by_segment(outcome, units, tier).of_outcome(0))


def test_one_segment_has_no_interaction(tiers):
    tier, treated, _, outcome = tiers
    one = compare_by_segment(outcome, make_units(treated), np.zeros_like(tier)).of_outcome(0)
    assert interaction_test(one).status is Status.TOO_FEW_UNITS


def test_history_gives_variances_and_the_correlation_within_clusters():
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(400), rng.integers(2, 30, 400))
    values = rng.normal(size=400)[cluster] + 3 * rng.normal(size=len(cluster))
    assert intracluster_correlation(values, cluster) == pytest.approx(0.1, abs=0.03)
    assert intracluster_correlation(rng.normal(size=60), np.arange(60) % 3) < 0.1
    assert intracluster_correlation(np.zeros(6), np.arange(6) % 2) == 0.0
    assert proportion_variance(0.2) == pytest.approx(0.16)
    points = rng.choice([100.0, 0, -100], 50_000, p=[0.5, 0.2, 0.3])
    assert nps_variance(0.5, 0.3) == pytest.approx(points.var(), rel=0.02)
