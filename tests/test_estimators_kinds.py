"""Ratios, net promoter scores with non-response, relative effects and compliers."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from analysis.experiment.estimators import (
    NoteCode,
    Status,
    compare,
    complier_effect,
    imbens_manski_interval,
    lee_bounds,
    linearised_ratio,
    make_units,
    nps_share,
    nps_values,
    ordered_odds_ratio,
    ratio_of_estimates,
    ratio_variance,
    relative_effect,
    response_weights,
    worst_case_bounds,
)


@pytest.fixture
def shops():
    """2,000 units with orders and sessions; the control arm is the larger."""
    rng = np.random.default_rng(6)
    n = 2000
    treated = rng.random(n) < 0.3
    sessions = rng.poisson(3, n) + 1.0
    orders = rng.binomial(sessions.astype(int), 0.2 + 0.05 * treated).astype(float)
    return treated, orders, sessions, rng.normal(size=n) + sessions


def test_ratio_is_the_delta_method(shops):
    treated, orders, sessions, _ = shops
    ratio = linearised_ratio(orders, sessions, make_units(treated))
    found = compare(ratio.values, make_units(treated))
    variance = 0.0
    for member, value in ((treated, found.value_treatment), (~treated, found.value_control)):
        assert value == pytest.approx(orders[member].sum() / sessions[member].sum())
        covariance = np.cov(orders[member], sessions[member])
        gradient = np.array([1, -value]) / sessions[member].mean()
        variance += gradient @ covariance @ gradient / member.sum()
        assert ratio_variance(orders[member], sessions[member]) == pytest.approx(
            gradient @ covariance @ gradient
        )
    assert found.std_error == pytest.approx(np.sqrt(variance))


def test_ratio_with_unequal_allocation_by_stratum_is_standardised():
    """Stratum 1 has a low ratio and is mostly treated; the true difference is .05 in each."""
    sessions = np.repeat([4.0, 1.0], 4000)
    strata = np.repeat([0, 1], 4000)
    treated = np.concatenate([np.arange(4000) % 4 == 0, np.arange(4000) % 4 != 0])
    rate = np.where(strata == 0, 0.5, 0.1) + 0.05 * treated
    orders = sessions * rate
    units = make_units(treated, strata=strata)
    ratio = linearised_ratio(orders, sessions, units)
    found = compare(ratio.values, units)
    assert found.effect == pytest.approx(0.05, abs=1e-12)
    plain = orders[treated].sum() / sessions[treated].sum()
    plain -= orders[~treated].sum() / sessions[~treated].sum()
    assert abs(plain - 0.05) > 0.03  # what the arms' own ratios would say


def test_ratio_without_denominator_is_undefined():
    treated = np.arange(10) % 2 == 0
    ratio = linearised_ratio(np.ones(10), np.where(treated, 1.0, 0.0), make_units(treated))
    assert ratio.status is Status.UNDEFINED
    assert np.isnan(ratio.values).all()


def test_means_ratios_and_cuped_agree_with_tea_tasting(shops):
    """Same method, hence 1e-6; CUPED there has one slope for both arms, ours one for each."""
    tea = pytest.importorskip("tea_tasting", reason="tea-tasting is a test-only extra")
    treated, orders, sessions, prior = shops
    frame = pd.DataFrame(
        {"variant": treated.astype(int), "orders": orders, "sessions": sessions, "prior": prior}
    )
    experiment = tea.Experiment(
        mean=tea.Mean("orders"), ratio=tea.RatioOfMeans("orders", "sessions")
    )
    other = experiment.analyze(frame)
    units = make_units(treated)
    ours = {
        "mean": compare(orders, units),
        "ratio": compare(linearised_ratio(orders, sessions, units).values, units),
    }
    for name, found in ours.items():
        assert found.effect == pytest.approx(other[name].effect_size, rel=1e-6)
        assert found.ci_low == pytest.approx(other[name].effect_size_ci_lower, rel=1e-6)
        assert found.ci_high == pytest.approx(other[name].effect_size_ci_upper, rel=1e-6)
        assert found.p_value == pytest.approx(other[name].pvalue, rel=1e-6)
        relative = relative_effect(found)
        assert relative.value == pytest.approx(other[name].rel_effect_size, rel=1e-6)
    cuped = tea.Experiment(mean=tea.Mean("orders", covariate="prior")).analyze(frame)["mean"]
    found = compare(orders, make_units(treated, covariates=prior))
    error = (cuped.effect_size_ci_upper - cuped.effect_size_ci_lower) / 2 / 1.96
    # the slopes differ by sampling error times the covariate's chance imbalance: second order
    assert found.effect == pytest.approx(cuped.effect_size, abs=0.05 * error)
    assert found.std_error == pytest.approx(error, rel=0.02)


def test_relative_effect_is_the_formula_for_two_independent_means(shops):
    treated, orders, *_ = shops
    found = relative_effect(compare(orders, make_units(treated)))
    t, c = orders[treated], orders[~treated]
    variance = c.var(ddof=1) * t.mean() ** 2 / (c.mean() ** 4 * len(c))
    variance += t.var(ddof=1) / (c.mean() ** 2 * len(t))
    assert found.value == pytest.approx(t.mean() / c.mean() - 1)
    assert found.std_error == pytest.approx(np.sqrt(variance))
    assert (found.status, found.method) == (Status.OK, "delta")


def test_fiellers_limits_are_the_ratios_that_are_just_not_rejected():
    estimates, covariance = np.array([2.0, 4.0]), np.array([[1.0, 0.2], [0.2, 0.9]])
    found = ratio_of_estimates(estimates, covariance, 30.0, 0.05)
    assert found.method == "fieller"
    for limit in (found.ci_low, found.ci_high):
        contrast = np.array([1.0, -limit])
        t_value = (contrast @ estimates) / np.sqrt(contrast @ covariance @ contrast)
        assert abs(t_value) == pytest.approx(stats.t.isf(0.025, 30))


def test_a_denominator_not_told_from_zero_leaves_the_ratio_unbounded():
    found = ratio_of_estimates(np.array([1.0, 1.0]), np.eye(2), 50.0, 0.05)
    assert found.status is Status.UNBOUNDED
    assert (found.ci_low, found.ci_high) == (-np.inf, np.inf)
    zero = ratio_of_estimates(np.array([1.0, 0.0]), np.eye(2), 50.0, 0.05)
    assert zero.status is Status.UNDEFINED


def test_relative_to_a_negative_control_a_gain_is_a_gain():
    rng = np.random.default_rng(0)
    treated = np.arange(400) % 2 == 0
    found = relative_effect(compare(rng.normal(size=400) - 10 + 2 * treated, make_units(treated)))
    assert found.value == pytest.approx(0.2, abs=0.03)
    assert NoteCode.NEGATIVE_CONTROL in {n.code for n in found.notes}


def test_compliers_effect_is_two_stage_least_squares():
    rng = np.random.default_rng(9)
    n = 3000
    assigned = np.arange(n) % 2 == 0
    uses = (rng.random(n) < np.where(assigned, 0.6, 0.1)).astype(float)
    outcome = 2 * uses + rng.normal(size=n)
    units = make_units(assigned)
    found = complier_effect(
        compare(outcome, units, keep_influence=True), compare(uses, units, keep_influence=True)
    )
    wald = (outcome[assigned].mean() - outcome[~assigned].mean()) / (
        uses[assigned].mean() - uses[~assigned].mean()
    )
    residual = outcome - outcome.mean() - wald * (uses - uses.mean())
    first = uses[assigned].mean() - uses[~assigned].mean()
    error = np.sqrt(sum(residual[m].var(ddof=1) / m.sum() for m in (assigned, ~assigned))) / first
    assert found.effect.value == pytest.approx(wald)
    assert found.effect.std_error == pytest.approx(error, rel=1e-9)
    assert found.first_stage_f > 500
    assert found.effect.ci_low < 2 < found.effect.ci_high


def test_everybody_assigned_uses_and_nobody_else_then_it_is_the_effect_itself():
    assigned = np.arange(40) % 2 == 0
    outcome = np.random.default_rng(1).normal(size=40) + assigned
    units = make_units(assigned)
    itt = compare(outcome, units, keep_influence=True)
    found = complier_effect(itt, compare(assigned * 1.0, units, keep_influence=True))
    assert found.effect.value == pytest.approx(itt.effect)
    assert (found.effect.ci_low, found.effect.ci_high) == pytest.approx((itt.ci_low, itt.ci_high))


def test_a_weak_instrument_is_named_and_its_interval_is_wide():
    rng = np.random.default_rng(2)
    assigned = np.arange(200) % 2 == 0
    uses = (rng.random(200) < np.where(assigned, 0.33, 0.3)).astype(float)
    units = make_units(assigned)
    found = complier_effect(
        compare(rng.normal(size=200), units, keep_influence=True),
        compare(uses, units, keep_influence=True),
    )
    assert NoteCode.WEAK_INSTRUMENT in {n.code for n in found.effect.notes}
    assert found.effect.status is Status.UNBOUNDED


def test_scores_become_points_and_scores_off_the_scale_are_reported():
    found = nps_values(np.array([0, 6, 6.5, 7, 8, 9, 10, 11, -1, np.inf, np.nan]))
    points = [-100, -100, 0, 0, 0, 100, 100]
    assert found.values[:7].tolist() == points
    assert np.isnan(found.values[7:]).all()
    assert [(n.code, n.count) for n in found.notes] == [(NoteCode.OUT_OF_RANGE, 3)]


def test_a_group_of_promoters_only_has_an_interval_within_the_scale():
    found = nps_share(3, 0, 0)
    assert (found.score, found.std_error) == (100.0, 0.0)
    assert found.ci_low < 100 == found.ci_high
    assert nps_share(0, 0, 0).status is Status.NO_UNITS


@pytest.fixture
def survey():
    """Answering depends on a covariate, differently by arm; the covariate moves the score."""
    rng = np.random.default_rng(7)
    n = 6000
    treated = rng.random(n) < 0.5
    mood = rng.normal(size=n)
    answers = rng.random(n) < 1 / (1 + np.exp(-(0.2 + mood * np.where(treated, 1.2, -0.4))))
    points = np.where(rng.normal(size=n) + mood + 0.2 * treated > 0, 100.0, -100.0)
    return treated, mood, answers, points


def test_response_probabilities_are_those_of_a_logit_by_arm(survey):
    treated, mood, answers, _ = survey
    found = response_weights(answers, make_units(treated, covariates=mood))
    for member in (treated, ~treated):
        other = sm.Logit(answers[member].astype(float), sm.add_constant(mood[member])).fit(disp=0)
        # the two stop their steps at different small gradients
        assert found.probability[member] == pytest.approx(other.predict(), abs=1e-6)
        weights = found.weights[member & answers]
        raw = 1 / found.probability[member & answers]
        low, high = np.quantile(raw, [0.01, 0.99])
        assert weights == pytest.approx(np.clip(raw, low, high))
    assert (found.weights[~answers] == 0).all()
    assert found.trimmed == [n.count for n in found.notes][-1] > 0
    assert found.rate_treatment == pytest.approx(answers[treated].mean())


def test_weighting_undoes_response_that_depends_on_the_covariate(survey):
    treated, mood, answers, points = survey
    everyone = compare(points, make_units(treated))
    observed = np.where(answers, points, np.nan)
    naive = compare(observed, make_units(treated))
    weights = response_weights(answers, make_units(treated, covariates=mood)).weights
    weighted = compare(observed, make_units(treated, weights=weights))
    assert abs(naive.effect - everyone.effect) > 6 * naive.std_error
    assert abs(weighted.effect - everyone.effect) < 2.5 * weighted.std_error


def test_when_all_answer_weights_are_one():
    found = response_weights(np.ones(20, bool), make_units(np.arange(20) % 2 == 0))
    assert found.weights.tolist() == [1.0] * 20
    assert found.effective_treatment == pytest.approx(10)


def test_a_covariate_that_decides_response_keeps_weights_finite_and_is_named():
    treated = np.arange(200) % 2 == 0
    covariate = np.repeat([-1.0, 1.0], 100) + np.linspace(0, 0.1, 200)
    found = response_weights(covariate > 0, make_units(treated, covariates=covariate))
    assert np.isfinite(found.weights).all()
    separated = {n.subject for n in found.notes if n.code is NoteCode.RESPONSE_SEPARATED}
    assert separated == {"treatment", "control"}


def test_lee_bounds_trim_the_tied_answer_in_part():
    """Treated: all 4 answer; controls: half do. Keep half of the treated, ties split."""
    treated = np.repeat([True, False], 4)
    values = np.array([100, 100, 0, -100, 0, 0, np.nan, np.nan], dtype=float)
    found = lee_bounds(values, make_units(treated))
    assert found.trimmed_share == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((-50.0, 100.0))
    odd = np.array([100, 100, 0, -100, 0, 0, 0, np.nan], dtype=float)  # keep 3 of 4
    found = lee_bounds(odd, make_units(treated))
    assert (found.low, found.high) == pytest.approx((0.0, 200 / 3))
    split = np.array([100, 100, 100, -100, 100, 100, np.nan, np.nan, np.nan], dtype=float)
    found = lee_bounds(split, make_units([True] * 4 + [False] * 5))  # keep 1.6 of 4
    assert found.low == pytest.approx((-100 + 0.6 * 100) / 1.6 - 100)


def test_lee_bounds_mirror_when_the_arms_change_places():
    rng = np.random.default_rng(2)
    values = np.where(rng.random(300) < 0.7, rng.choice([-100.0, 0, 100], 300), np.nan)
    treated = rng.random(300) < 0.5
    one, other = lee_bounds(values, make_units(treated)), lee_bounds(values, make_units(~treated))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert (one.low_error, one.ci_high) == pytest.approx((other.high_error, -other.ci_low))


def test_lee_bounds_are_standardised_over_strata():
    """Allocation and level differ by stratum: plain bounds miss an effect of zero."""
    strata = np.repeat([0, 1], 3000)
    treated = np.concatenate([np.arange(3000) % 4 == 0, np.arange(3000) % 4 != 0])
    answers = np.random.default_rng(1).random(6000) < np.where(treated, 0.95, 0.9)
    values = np.where(answers, np.where(strata == 1, 50.0, -50.0), np.nan)
    found = lee_bounds(values, make_units(treated, strata=strata))
    plain = lee_bounds(values, make_units(treated))
    assert found.low < 0 < found.high
    assert plain.low > 0


def test_lee_bounds_errors_match_their_spread_over_samples():
    rng = np.random.default_rng(4)
    treated = np.arange(1000) % 2 == 0
    lows, errors = [], []
    for _ in range(400):
        points = rng.choice([-100.0, 0.0, 100.0], 1000, p=[0.3, 0.3, 0.4])
        answered = rng.random(1000) < np.where(treated, 0.7, 0.5)
        found = lee_bounds(np.where(answered, points, np.nan), make_units(treated))
        lows.append(found.low)
        errors.append(found.low_error)
    # a standard deviation of 400 draws is known to 3.5 %; 3.3 of these
    assert np.mean(errors) == pytest.approx(np.std(lows), rel=0.12)


def test_worst_case_bounds_fill_in_the_extremes():
    treated = np.array([True] * 3 + [False] * 3)
    values = np.array([100.0, 0, np.nan, 0, -100, np.nan])
    found = worst_case_bounds(values, make_units(treated), -100, 100)
    assert (found.low, found.high) == pytest.approx((0 - 0, 200 / 3 + 200 / 3))
    assert found.ci_low < found.low < found.high < found.ci_high


def test_imbens_manski_goes_from_two_sided_to_one_sided():
    assert imbens_manski_interval(0, 0, 1, 1, 0.05) == pytest.approx((-1.95996, 1.95996), abs=1e-4)
    assert imbens_manski_interval(0, 9, 1, 1, 0.05) == pytest.approx((-1.64485, 10.64485), abs=1e-4)


def test_ordered_odds_ratio_is_that_of_statsmodels():
    rng = np.random.default_rng(8)
    treated = np.arange(600) % 2 == 0
    latent = rng.logistic(size=600) + 0.6 * treated
    scores = np.digitize(latent, [-1.5, -0.5, 0.4, 1.5]) + 1.0
    found = ordered_odds_ratio(np.append(scores, np.nan), np.append(treated, True))
    model = OrderedModel(scores, treated[:, None].astype(float), distr="logit")
    other = model.fit(method="bfgs", disp=0, gtol=1e-8)
    assert np.log(found.ratio) == pytest.approx(other.params[0], abs=1e-4)  # stops of BFGS
    assert found.log_std_error == pytest.approx(other.bse[0], rel=0.01)  # expected, observed


def test_ordered_scores_that_do_not_overlap_or_vary_have_no_odds_ratio():
    treated = np.arange(6) % 2 == 0
    assert ordered_odds_ratio(treated * 1.0, treated).status is Status.NOT_CONVERGED
    assert ordered_odds_ratio(np.ones(6), treated).status is Status.NO_VARIATION
    assert ordered_odds_ratio(np.where(treated, np.nan, 1), treated).status is Status.NO_UNITS


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("more_answer_when_treated", [True, False])
def test_lee_bounds_errors_are_the_derivatives_by_each_units_weight(
    clustered, more_answer_when_treated
):
    """The influence of a unit is what a little more weight on it does to the bound."""
    rng = np.random.default_rng(13)
    cluster = np.repeat(np.arange(12), 10)
    treated = cluster < 7  # of unequal size, so that the cut falls within an answer
    answers = rng.random(120) < np.where(treated == more_answer_when_treated, 0.9, 0.6)
    values = np.where(answers, rng.normal(size=120) + rng.normal(size=12)[cluster], np.nan)
    clusters = cluster if clustered else None

    def bounds(weights):
        found = lee_bounds(values, make_units(treated, clusters=clusters, weights=weights))
        return np.array([found.low, found.high])

    step = 1e-6
    influence = [
        (bounds(1 + step * np.eye(120)[i]) - bounds(np.ones(120))) / step for i in range(120)
    ]
    if clustered:
        sums = np.array([np.sum(np.array(influence)[cluster == g], axis=0) for g in range(12)])
        expected = np.sqrt(12 / 11 * np.sum(sums**2, axis=0))
    else:
        expected = np.sqrt(np.sum(np.square(influence), axis=0))
    found = lee_bounds(values, make_units(treated, clusters=clusters))
    # differences over 10⁻⁶ keep about six digits
    assert (found.low_error, found.high_error) == pytest.approx(tuple(expected), rel=1e-4)
