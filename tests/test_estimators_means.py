"""The one estimator for units, against independent estimators and exhaustive randomisation."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.experiment.estimators import NoteCode, Status, compare, compare_arms, make_units

ROUNDING = 1e-9
"""Same formula in another order of operations: only double precision separates the two."""


@pytest.fixture
def people():
    """300 units: arm, stratum, two covariates, weights, an outcome with a varying effect."""
    rng = np.random.default_rng(20)
    n = 300
    treated = rng.random(n) < 0.4
    strata = rng.integers(0, 3, n)
    covariates = rng.normal(size=(n, 2))
    weights = rng.uniform(0.5, 3, n)
    outcome = covariates @ [1, 2] + strata + treated * (1 + covariates[:, 0])
    return treated, strata, covariates, weights, outcome + rng.normal(size=n) * (1 + treated)


def interacted_least_squares(treated, strata, covariates, weights, outcome):
    """Lin's regression written out with dummy columns, in statsmodels, with its own HC2."""
    weights = np.ones(len(outcome)) if weights is None else weights
    dummies = pd.get_dummies(pd.Series(strata), drop_first=True).to_numpy(dtype=float)
    others = np.column_stack([dummies, covariates])
    others -= np.average(others, axis=0, weights=weights)
    arm = np.column_stack([treated, ~treated]).astype(float)
    design = np.hstack([arm, arm[:, :1] * others, arm[:, 1:] * others])
    return sm.WLS(outcome, design, weights=weights).fit(cov_type="HC2")


def test_without_covariates_it_is_welchs_test(people):
    treated, *_, outcome = people
    found = compare(outcome, make_units(treated))
    welch = stats.ttest_ind(outcome[treated], outcome[~treated], equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert found.p_value == pytest.approx(welch.pvalue, rel=ROUNDING)
    assert found.df == pytest.approx(welch.df, rel=ROUNDING)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))
    assert found.method == "difference"


@pytest.mark.parametrize("weighted", [False, True])
def test_with_strata_and_covariates_it_is_the_interacted_regression_with_hc2(people, weighted):
    treated, strata, covariates, weights, outcome = people
    weights = weights if weighted else None
    units = make_units(treated, strata=strata, covariates=covariates, weights=weights)
    found = compare(outcome, units, keep_influence=True)
    independent = interacted_least_squares(treated, strata, covariates, weights, outcome)
    means, covariance = independent.params[:2], independent.cov_params()[:2, :2]
    assert (found.value_treatment, found.value_control) == pytest.approx(tuple(means))
    assert found.covariance == pytest.approx(covariance, abs=ROUNDING)
    contrast = np.array([1, -1])
    assert found.std_error == pytest.approx(np.sqrt(contrast @ covariance @ contrast))
    assert np.sum(found.influence**2) == pytest.approx(found.std_error**2)
    assert found.covariates == ("x1", "x2")


def test_strata_alone_give_the_stratified_difference_and_neymans_variance(people):
    treated, strata, *_, outcome = people
    found = compare(outcome, make_units(treated, strata=strata))
    frame = pd.DataFrame({"t": treated, "s": strata, "y": outcome})
    cells = frame.groupby(["s", "t"])["y"].agg(["mean", "var", "size"]).unstack()
    share = cells["size"].sum(axis=1) / len(frame)
    assert found.effect == pytest.approx(
        np.sum(share * (cells["mean"][True] - cells["mean"][False]))
    )
    variance = share**2 * (cells["var"] / cells["size"]).sum(axis=1)
    assert found.std_error == pytest.approx(np.sqrt(variance.sum()))


def every_assignment(n, treated_n):
    for chosen in combinations(range(n), treated_n):
        treated = np.zeros(n, dtype=bool)
        treated[list(chosen)] = True
        yield treated


def test_over_every_assignment_the_difference_is_unbiased_and_hc2_is_neymans_bound():
    """All 252 ways to treat 5 of 10: mean effect = true effect; mean HC2 = variance + s²(τ)/n."""
    rng = np.random.default_rng(3)
    control = rng.exponential(size=10)
    effect = rng.normal(1, 0.5, size=10)
    found = [
        compare(np.where(t, control + effect, control), make_units(t))
        for t in every_assignment(10, 5)
    ]
    effects = np.array([f.effect for f in found])
    assert effects.mean() == pytest.approx(effect.mean(), rel=ROUNDING)
    bound = effects.var() + effect.var(ddof=1) / 10
    assert np.mean([f.std_error**2 for f in found]) == pytest.approx(bound, rel=ROUNDING)


def test_over_every_blocked_assignment_the_stratified_variance_is_exact_for_a_constant_effect():
    rng = np.random.default_rng(4)
    control = np.concatenate([rng.normal(size=4), rng.normal(5, 3, size=6)])
    strata = np.repeat([0, 1], [4, 6])
    found = []
    for first in every_assignment(4, 2):
        for second in every_assignment(6, 3):
            treated = np.concatenate([first, second])
            found.append(compare(control + 2 * treated, make_units(treated, strata=strata)))
    effects = np.array([f.effect for f in found])
    assert effects.mean() == pytest.approx(2, rel=ROUNDING)
    assert np.mean([f.std_error**2 for f in found]) == pytest.approx(effects.var(), rel=ROUNDING)


def test_many_outcomes_at_once_are_each_the_same_as_alone(people):
    treated, strata, covariates, _, outcome = people
    units = make_units(treated, strata=strata, covariates=covariates)
    gaps = outcome.copy()
    gaps[::7] = np.nan
    table = np.column_stack([outcome, gaps, outcome**2, gaps * 3])
    together = compare_arms(table, units)
    for j, found in enumerate(together):
        alone = compare(table[:, j], units)
        assert (found.effect, found.std_error, found.df) == (
            alone.effect,
            alone.std_error,
            alone.df,
        )
    kept = np.isfinite(gaps)
    dropped = compare(outcome[kept], units.take(kept))
    assert together[1].effect == pytest.approx(dropped.effect, rel=ROUNDING)
    assert together[1].n_treatment + together[1].n_control == kept.sum()
    assert any(n.code is NoteCode.MISSING_OUTCOMES and n.count == 43 for n in together[1].notes)


def test_the_order_of_rows_does_not_matter(people):
    treated, strata, covariates, _, outcome = people
    units = make_units(treated, strata=strata, covariates=covariates)
    shuffled = np.random.default_rng(0).permutation(len(outcome))
    one, other = compare(outcome, units), compare(outcome[shuffled], units.take(shuffled))
    assert one.effect == pytest.approx(other.effect, rel=ROUNDING)
    assert one.std_error == pytest.approx(other.std_error, rel=ROUNDING)


def test_shift_and_scale_carry_through_even_for_large_values(people):
    treated, strata, covariates, _, outcome = people
    units = make_units(treated, strata=strata, covariates=covariates * 1e9 + 1e12)
    plain = compare(outcome, make_units(treated, strata=strata, covariates=covariates))
    moved = compare(outcome * 10 + 1e9, units)
    # values of 10⁹ keep 7 digits of an outcome of size 1
    assert moved.effect == pytest.approx(10 * plain.effect, rel=1e-6)
    assert moved.std_error == pytest.approx(10 * plain.std_error, rel=1e-6)


def test_a_covariate_that_explains_the_outcome_narrows_the_interval(people):
    treated, _, covariates, _, outcome = people
    plain = compare(outcome, make_units(treated))
    adjusted = compare(outcome, make_units(treated, covariates=covariates))
    assert adjusted.std_error < 0.7 * plain.std_error


def test_constant_and_collinear_covariates_are_dropped_and_named(people):
    treated, strata, covariates, _, outcome = people
    redundant = np.column_stack(
        [
            np.full(len(outcome), 7.0),
            covariates[:, 0],
            3 - 2 * covariates[:, 0],
            strata == 1,
            treated * 1.0,
        ]
    )
    names = ["constant", "prior", "prior again", "a stratum", "the arm"]
    units = make_units(treated, strata=strata, covariates=redundant, covariate_names=names)
    found = compare(outcome, units)
    lean = compare(outcome, make_units(treated, strata=strata, covariates=covariates[:, 0]))
    assert found.covariates == ("prior",)
    assert {n.subject: n.code for n in found.notes} == {
        "constant": NoteCode.COVARIATE_CONSTANT,
        "prior again": NoteCode.COVARIATE_COLLINEAR,
        "a stratum": NoteCode.COVARIATE_COLLINEAR,
        "the arm": NoteCode.COVARIATE_COLLINEAR,
    }
    assert found.effect == pytest.approx(lean.effect, rel=ROUNDING)
    assert found.std_error == pytest.approx(lean.std_error, rel=ROUNDING)


def test_gaps_in_a_covariate_are_filled_and_marked(people):
    treated, _, covariates, _, outcome = people
    gaps = covariates[:, :1].copy()
    gaps[:30] = np.nan
    gaps[30] = np.inf
    filled = np.where(np.isfinite(gaps), gaps, gaps[np.isfinite(gaps)].mean())
    found = compare(outcome, make_units(treated, covariates=gaps, covariate_names=["prior"]))
    by_hand = compare(
        outcome, make_units(treated, covariates=np.hstack([filled, ~np.isfinite(gaps)]))
    )
    assert found.covariates == ("prior", "prior missing")
    assert found.effect == pytest.approx(by_hand.effect, rel=ROUNDING)
    assert any(n.code is NoteCode.COVARIATE_MISSING and n.count == 31 for n in found.notes)


def test_covariates_beyond_what_the_units_carry_are_dropped_in_order():
    rng = np.random.default_rng(1)
    treated = np.arange(50) % 2 == 0  # 25 an arm: room for 2
    found = compare(rng.normal(size=50), make_units(treated, covariates=rng.normal(size=(50, 4))))
    assert found.covariates == ("x1", "x2")
    beyond = [n.subject for n in found.notes if n.code is NoteCode.COVARIATES_TOO_MANY]
    assert beyond == ["x3", "x4"]


def test_small_strata_are_pooled_on_counts_and_reported():
    treated = np.array([1, 1, 0, 0] * 5 + [1, 0, 1, 0, 0]).astype(bool)
    strata = np.repeat([0, 1, 2], [12, 8, 5])
    strata[-1] = 3  # one control unit alone: it joins the smallest stratum
    outcome = np.random.default_rng(1).normal(size=25)
    found = compare(outcome, make_units(treated, strata=strata))
    by_hand = compare(outcome, make_units(treated, strata=np.where(strata == 3, 2, strata)))
    assert found.n_strata == 3
    assert [n.count for n in found.notes if n.code is NoteCode.STRATA_POOLED] == [2]
    assert (found.effect, found.std_error) == pytest.approx((by_hand.effect, by_hand.std_error))


def test_unblocked_strata_need_five_units_of_each_arm():
    treated = np.arange(40) % 2 == 0
    strata = np.repeat([0, 1, 2, 3], [16, 16, 4, 4])
    outcome = np.random.default_rng(1).normal(size=40)
    blocked = compare(outcome, make_units(treated, strata=strata))
    dealt_by_chance = compare(outcome, make_units(treated, strata=strata, blocked=False))
    # the two small strata have 4 of each arm together: a third joins them
    assert (blocked.n_strata, dealt_by_chance.n_strata) == (4, 2)


def test_unequal_allocation_by_stratum_does_not_bias_the_arm_means():
    """Twice as many treated in the rich stratum: plain means differ, adjusted ones do not."""
    strata = np.repeat([0, 1], 900)
    treated = np.concatenate([np.arange(900) % 3 == 0, np.arange(900) % 3 != 0])
    outcome = np.where(strata == 1, 10.0, 0.0) + np.tile([0.0, 0.1, -0.1, 0.1, -0.1, 0.0], 300)
    assert compare(outcome, make_units(treated)).effect > 3
    assert compare(outcome, make_units(treated, strata=strata)).effect == pytest.approx(0, abs=0.05)


def test_degrees_of_freedom_follow_the_stratum_that_carries_the_variance():
    """Ten customers make the variance: t has their degrees of freedom, not those of thousands."""
    rng = np.random.default_rng(2)
    strata = np.repeat([0, 1], [1000, 10])
    treated = np.arange(1010) % 2 == 0
    outcome = np.where(strata == 1, rng.normal(0, 1000, 1010), rng.normal(0, 0.1, 1010))
    found = compare(outcome, make_units(treated, strata=strata))
    assert 4 <= found.df <= 8.1


def bell_mccaffrey(design: np.ndarray, contrast: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights on squared residuals of the HC2 variance and its degrees of freedom, written out."""
    inverse = np.linalg.inv(design.T @ design)
    maker = np.eye(len(design)) - design @ inverse @ design.T
    delta = (design @ inverse @ contrast) ** 2 / np.diag(maker)
    spread = maker * delta
    return delta, np.trace(spread) ** 2 / np.trace(spread @ spread)


def test_degrees_of_freedom_are_bell_and_mccaffreys_within_arms_and_welchs_between():
    rng = np.random.default_rng(2)
    treated = np.arange(80) % 4 == 0
    covariate = rng.lognormal(sigma=1.5, size=80)
    outcome = rng.normal(size=80) * (1 + 3 * treated)
    found = compare(outcome, make_units(treated, covariates=covariate))
    variances, dfs = [], []
    for member in (treated, ~treated):
        design = np.column_stack([np.ones(80), covariate - covariate.mean()])[member]
        delta, df = bell_mccaffrey(design, np.array([1.0, 0.0]))
        residual = sm.OLS(outcome[member], design).fit().resid
        variances.append(delta @ residual**2)
        dfs.append(df)
    assert found.df == pytest.approx(
        sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dfs, strict=True))
    )
    assert found.df < 40  # n − k would be 76


def test_skewed_estimates_carry_a_warning():
    treated = np.arange(60) % 2 == 0
    outcome = np.zeros(60)
    outcome[0] = 100.0
    outcome[1:5] = 1.0
    found = compare(outcome, make_units(treated))
    assert NoteCode.SKEWED in {n.code for n in found.notes}
    even = compare(np.random.default_rng(0).normal(size=60), make_units(treated))
    assert NoteCode.SKEWED not in {n.code for n in even.notes}


def test_a_few_treated_without_a_giant_are_told_of_the_skewness_that_the_others_show():
    """What misses is the interval of a tenth that drew none of the large customers."""
    rng = np.random.default_rng(4)
    revenue = np.sort(rng.lognormal(0.0, 1.0, 2000))
    treated = np.zeros(2000, dtype=bool)
    treated[rng.choice(1900, 200, replace=False)] = True  # the largest hundred are controls
    found = compare(revenue, make_units(treated))
    assert found.ci_high < 0  # "worse", by chance
    assert NoteCode.SKEWED in {n.code for n in found.notes}
    half = np.arange(2000) % 2 == 0
    assert NoteCode.SKEWED not in {n.code for n in compare(revenue, make_units(half)).notes}
    normal = compare(rng.normal(size=2000), make_units(treated))
    assert NoteCode.SKEWED not in {n.code for n in normal.notes}


def test_zero_weights_take_units_out(people):
    treated, strata, covariates, weights, outcome = people
    weights = np.where(np.arange(300) < 50, 0.0, weights)
    units = make_units(treated, strata=strata, covariates=covariates, weights=weights)
    found, left = compare(outcome, units), compare(outcome[50:], units.take(weights > 0))
    assert found.effect == pytest.approx(left.effect, rel=ROUNDING)
    assert found.n_treatment == left.n_treatment
    assert found.status is Status.OK
