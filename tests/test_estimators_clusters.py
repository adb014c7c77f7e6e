"""Cluster-robust inference against matrices written out, other libraries, and exact permutation."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.experiment.estimators import (
    NoteCode,
    Status,
    bootstrap_test,
    compare,
    make_units,
    permutation_test,
    wild_cluster_bootstrap,
)
from analysis.experiment.estimators.cluster_arms import cluster_arms
from analysis.experiment.estimators.clusters import (
    cluster_design,
    cr1_std_error,
    fit_clusters,
    satterthwaite_df,
)
from analysis.experiment.estimators.covariates import clean_covariates


@pytest.fixture
def depots():
    """12 depots of 3 to 40 customers, in two blocks, with a covariate and weights."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(3, 40, 12)
    cluster = np.repeat(np.arange(12), sizes)
    n = len(cluster)
    covariate = rng.normal(size=n) + rng.normal(size=12)[cluster]
    outcome = rng.normal(size=n) + rng.normal(size=12)[cluster] + covariate
    return cluster, cluster % 2 == 0, cluster // 2 % 2, covariate, rng.uniform(0.5, 2, n), outcome


def root_of_inverse(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def dense_cr2(regressors, outcome, cluster, contrast, weights, raised=None):
    """CR2 and its degrees of freedom with n × n matrices, as the papers write them.

    `raised` is a factor on each cluster's part; the mean of the variance and what it should be
    when the units of a cluster move as one are returned too.
    """
    root = np.sqrt(weights)
    z, y = regressors * root[:, None], outcome * root
    inverse = np.linalg.inv(z.T @ z)
    estimate, hat = inverse @ z.T @ y, z @ inverse @ z.T
    maker, residual = np.eye(len(y)) - hat, y - z @ estimate
    working = np.zeros_like(hat)
    variance, projections = 0.0, []
    for g in np.unique(cluster):
        i = np.flatnonzero(cluster == g)
        adjusted = root_of_inverse(np.eye(len(i)) - hat[np.ix_(i, i)]) @ z[i] @ inverse @ contrast
        adjusted = adjusted * np.sqrt(1.0 if raised is None else raised[g])
        variance += (adjusted @ residual[i]) ** 2
        projections.append(maker[:, i] @ adjusted)
        working[np.ix_(i, i)] = np.outer(root[i], root[i])  # units of a cluster move as one
    spread = np.array(projections) @ working @ np.array(projections).T
    df = np.trace(spread) ** 2 / np.sum(spread**2)
    own = z @ inverse @ contrast
    return estimate, variance, df, (np.trace(spread), own @ working @ own)


@pytest.mark.parametrize("weighted", [False, True])
def test_cr2_and_its_degrees_of_freedom_are_those_of_the_full_matrices(depots, weighted):
    cluster, treated, block, covariate, weights, outcome = depots
    weights = weights if weighted else np.ones(len(outcome))
    units = make_units(
        treated,
        strata=block,
        covariates=covariate,
        clusters=cluster,
        weights=weights if weighted else None,
    )
    found = compare(outcome, units, keep_influence=True)
    others = np.column_stack([block == 0, covariate]).astype(float)
    others -= np.average(others, axis=0, weights=weights)
    arm = np.column_stack([treated, ~treated]).astype(float)
    regressors = np.hstack([arm, arm[:, :1] * others, arm[:, 1:] * others])
    contrast = np.r_[1.0, -1.0, np.zeros(4)]
    factors = []
    for one in np.eye(6)[:2]:
        *_, (mean, truth) = dense_cr2(regressors, outcome, cluster, one, weights)
        factors.append(max(1.0, truth / mean))
    assert min(factors) > 1.1  # three clusters in an arm of a stratum
    raised = np.where(np.arange(12) % 2 == 0, *factors)
    estimate, variance, df, _ = dense_cr2(regressors, outcome, cluster, contrast, weights, raised)
    assert found.effect == pytest.approx(contrast @ estimate)
    assert found.std_error**2 == pytest.approx(variance)
    assert found.df == pytest.approx(df)
    assert found.influence_ids.tolist() == list(range(12))
    assert np.sum(found.influence**2) == pytest.approx(variance)
    assert found.method == ("regression weighted clustered" if weighted else "regression clustered")


def test_clusters_that_cross_arms_have_correlated_means(depots):
    cluster, *_, outcome = depots
    treated = np.arange(len(outcome)) % 2 == 0
    found = compare(outcome, make_units(treated, clusters=cluster))
    arm = np.column_stack([treated, ~treated]).astype(float)
    contrast = np.array([1.0, -1.0])
    _, variance, df, _ = dense_cr2(arm, outcome, cluster, contrast, np.ones(len(outcome)))
    assert found.std_error**2 == pytest.approx(variance)
    assert found.df == pytest.approx(df)
    assert found.covariance[0, 1] > 0


def test_with_clusters_of_one_size_cr2_is_welchs_variance_of_cluster_means():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(10), 7)
    outcome = rng.normal(size=70) + rng.normal(size=10)[cluster]
    found = compare(outcome, make_units(cluster % 2 == 0, clusters=cluster))
    means = outcome.reshape(10, 7).mean(axis=1)
    welch = stats.ttest_ind(means[::2], means[1::2], equal_var=False)
    assert found.effect / found.std_error == pytest.approx(welch.statistic)
    assert found.df == pytest.approx(8)  # G − 2: the working model has equal variances


@pytest.mark.parametrize("shares", [(90, 10, 20, 60), (30, 30, 30, 30), (400, 3, 5, 80)])
def test_the_variance_is_right_on_average_where_customers_of_a_depot_are_alike(shares):
    """Two depots an arm and stratum. The variance is quadratic in the outcome: its mean under
    independent depots is its sum over the depots' indicators. CR2 by itself expects a fifth."""
    sizes = np.r_[shares, shares[::-1]]
    cluster = np.repeat(np.arange(8), sizes)
    units = make_units(cluster % 4 < 2, strata=cluster // 4, clusters=cluster)
    arms = cluster_arms(units, clean_covariates(None, (), len(units)))
    found = [arms.estimate((cluster == g) * 1.0) for g in range(8)]
    for arm in (0, 1):
        mean = sum(f.covariance[arm, arm] for f in found)
        truth = sum((f.means[arm]) ** 2 for f in found)
        assert mean == pytest.approx(truth)
        assert sum(f.covariance[0, 1] for f in found) == pytest.approx(0)


def test_cr1_agrees_with_statsmodels(depots):
    cluster, treated, _, covariate, _, outcome = depots
    regressors = np.column_stack([np.ones(len(outcome)), treated, covariate])
    design = cluster_design(regressors, cluster)
    fit = fit_clusters(design, outcome)
    other = sm.OLS(outcome, regressors).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    for k in range(3):
        assert cr1_std_error(design, fit, np.eye(3)[k]) == pytest.approx(other.bse[k])


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pyfixest 0.60 on pandas 3.1
def test_cr1_agrees_with_pyfixest(depots):
    pyfixest = pytest.importorskip("pyfixest", reason="pyfixest is a test-only extra")
    cluster, treated, _, covariate, _, outcome = depots
    frame = pd.DataFrame({"y": outcome, "t": treated * 1.0, "x": covariate, "g": cluster})
    other = pyfixest.feols("y ~ t + x", data=frame, vcov={"CRV1": "g"})
    regressors = np.column_stack([np.ones(len(outcome)), treated, covariate])
    design = cluster_design(regressors, cluster)
    fit = fit_clusters(design, outcome)
    assert cr1_std_error(design, fit, np.eye(3)[1]) == pytest.approx(other.se()["t"])


def test_fewer_than_four_clusters_in_an_arm_give_no_interval(depots):
    cluster, _, _, _, _, outcome = depots
    found = compare(outcome, make_units(cluster < 3, clusters=cluster))
    assert found.status is Status.INSUFFICIENT_CLUSTERS
    assert (found.clusters_treatment, found.clusters_control) == (3, 9)
    assert np.isfinite(found.effect)
    assert np.isnan([found.ci_low, found.ci_high, found.p_value]).all()
    single = compare(outcome, make_units(cluster < 1, clusters=cluster))
    assert single.status is Status.INSUFFICIENT_CLUSTERS
    assert np.isfinite(single.value_treatment)


def test_cluster_level_covariates_are_limited_to_one_for_eight_clusters(depots):
    cluster, treated, _, covariate, _, outcome = depots
    of_depot = np.random.default_rng(5).normal(size=(12, 3))[cluster]
    columns = np.column_stack([of_depot[:, :2], covariate, of_depot[:, 2]])
    names = ["size", "age", "prior", "distance"]
    units = make_units(treated, clusters=cluster, covariates=columns, covariate_names=names)
    found = compare(outcome, units)
    assert found.covariates == ("size", "prior")
    beyond = {n.subject for n in found.notes if n.code is NoteCode.COVARIATES_TOO_MANY}
    assert beyond == {"age", "distance"}


def test_more_strata_than_clusters_can_carry_are_pooled():
    """Customers of 40 kinds in 12 depots: a coefficient for each would leave no variance."""
    rng = np.random.default_rng(6)
    cluster = np.repeat(np.arange(12), 200)
    kinds = rng.integers(0, 40, 2400)
    units = make_units(cluster % 2 == 0, strata=kinds, clusters=cluster)
    found = compare(rng.normal(size=2400) + kinds, units)
    assert found.n_strata == 4  # 6 clusters an arm, two of them kept free
    assert [n.count for n in found.notes if n.code is NoteCode.STRATA_POOLED] == [37]
    assert found.status is Status.OK
    assert found.df > 3


def test_a_cluster_that_alone_decides_a_coefficient_adds_no_infinite_variance():
    """(I − H) of such a cluster is singular: the pseudo-inverse leaves that direction out."""
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(10), 6)
    only_there = np.where(cluster == 0, rng.normal(size=60), 0.0)
    regressors = np.column_stack([np.ones(60), cluster % 2 == 0, only_there])
    design = cluster_design(regressors, cluster)
    fit = fit_clusters(design, rng.normal(size=60))
    assert np.isfinite(fit.covariance).all()
    assert 0 < satterthwaite_df(design, np.array([0.0, 1.0, 0.0])) <= 8


def t_value(outcome, cluster, treated_clusters):
    found = compare(outcome, make_units(np.isin(cluster, treated_clusters), clusters=cluster))
    return abs(found.effect / found.std_error)


def test_permutation_enumerates_every_assignment():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(8), rng.integers(2, 9, 8))
    outcome = rng.normal(size=len(cluster)) + rng.normal(size=8)[cluster]
    chosen = [0, 2, 4, 6]
    found = permutation_test(outcome, make_units(np.isin(cluster, chosen), clusters=cluster))
    observed = t_value(outcome, cluster, chosen)
    every = [t_value(outcome, cluster, list(c)) for c in combinations(range(8), 4)]
    assert (found.assignments, found.enumerated) == (70, True)
    assert abs(found.t_value) == pytest.approx(observed)
    assert found.p_value == pytest.approx(np.mean(np.array(every) >= observed - 1e-9))


def test_permutation_keeps_to_blocks_and_studentises_the_adjusted_effect(depots):
    cluster, treated, block, covariate, _, outcome = depots
    units = make_units(treated, strata=block, clusters=cluster, covariates=covariate)
    found = permutation_test(outcome, units)
    assert found.assignments == 20 * 20  # C(6, 3) in each of two blocks
    adjusted = compare(outcome, units)
    assert found.t_value == pytest.approx(adjusted.effect / adjusted.std_error)


def test_random_permutation_is_reproducible_and_never_zero():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(24), 5)
    treated = cluster % 2 == 0
    outcome = rng.normal(size=120) + 50 * treated
    found = permutation_test(outcome, make_units(treated, clusters=cluster))
    assert found == permutation_test(outcome, make_units(treated, clusters=cluster))
    assert (found.assignments, found.p_value) == (5_000, 1 / 5_000)


def test_permutation_is_refused_in_words_where_clusters_cross_arms(depots):
    cluster, *_, outcome = depots
    crossing = make_units(np.arange(len(outcome)) % 2 == 0, clusters=cluster)
    assert permutation_test(outcome, crossing).status is Status.UNDEFINED


def test_bootstrap_agrees_with_refitting_every_draw():
    """Restricted residuals times every sign pattern, refitted from scratch, CR1 each time."""
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(6), rng.integers(3, 8, 6))
    treated = cluster % 2 == 0
    covariate = rng.normal(size=len(cluster))
    regressors = np.column_stack([np.ones(len(cluster)), treated, covariate])
    outcome = rng.normal(size=len(cluster)) + 0.7 * treated + rng.normal(size=6)[cluster]
    design = cluster_design(regressors, cluster)
    null, contrast = 0.2, np.array([0.0, 1.0, 0.0])
    found = wild_cluster_bootstrap(
        design, fit_clusters(design, outcome), contrast, null=null, weights="rademacher"
    )

    def t_of(values):
        fit = fit_clusters(design, values)
        return abs(fit.coefficients[1] - null) / cr1_std_error(design, fit, contrast)

    restricted = regressors[:, [0, 2]]
    shifted = outcome - null * treated
    fitted = restricted @ np.linalg.lstsq(restricted, shifted, rcond=None)[0] + null * treated
    observed = t_of(outcome)
    every = [
        t_of(fitted + np.array(signs)[cluster] * (outcome - fitted))
        for signs in product([-1.0, 1.0], repeat=6)
    ]
    assert found.enumerated
    assert found.p_value == pytest.approx(np.mean(np.array(every) >= observed - 1e-9))


def test_bootstrap_interval_holds_the_nulls_that_are_not_rejected(depots):
    cluster, treated, _, covariate, _, outcome = depots
    units = make_units(treated, clusters=cluster, covariates=covariate)
    found = bootstrap_test(outcome, units, weights="rademacher")
    width = found.ci_high - found.ci_low
    assert found.ci_low < found.estimate < found.ci_high
    for limit, inside, outside in (
        (found.ci_low, 1e-3, -1e-3),
        (found.ci_high, -1e-3, 1e-3),
    ):
        within = bootstrap_test(outcome, units, null=limit + inside * width, weights="rademacher")
        beyond = bootstrap_test(outcome, units, null=limit + outside * width, weights="rademacher")
        assert within.p_value > 0.05 >= beyond.p_value


def test_random_bootstrap_draws_are_reproducible_and_their_p_is_never_zero():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(24), 5)
    treated = cluster % 2 == 0
    units = make_units(treated, clusters=cluster)
    found = bootstrap_test(rng.normal(size=120) + 50 * treated, units)
    assert (found.draws, found.enumerated, found.p_value) == (10_000, False, 1 / 10_000)


def test_bootstrap_with_too_few_sign_patterns_has_an_unbounded_interval():
    cluster = np.repeat(np.arange(4), 5)  # 16 sign patterns: p is at least 2/16
    outcome = np.random.default_rng(1).normal(size=20)
    units = make_units(cluster % 2 == 0, clusters=cluster)
    found = bootstrap_test(outcome, units, weights="rademacher")
    assert found.p_value >= 1 / 8
    assert (found.ci_low, found.ci_high) == (-np.inf, np.inf)


def test_false_alarms_with_eight_unequal_clusters_stay_near_five_percent():
    """Where plain CR1 with t(G−1) alarms 13-17 % of the time (measured for the design)."""
    rng = np.random.default_rng(11)
    sizes = np.array([3, 5, 8, 10, 14, 20, 30, 60])
    cluster = np.repeat(np.arange(8), sizes)
    alarms, plain = 0, 0
    replications = 600
    for _ in range(replications):
        treated_clusters = rng.permutation(8) < 4
        treated = treated_clusters[cluster]
        outcome = rng.normal(size=len(cluster)) + rng.normal(size=8)[cluster]
        found = compare(outcome, make_units(treated, clusters=cluster))
        alarms += found.p_value < 0.05
        design = cluster_design(np.column_stack([treated, ~treated]).astype(float), cluster)
        fit = fit_clusters(design, outcome)
        error = cr1_std_error(design, fit, np.array([1.0, -1.0]))
        plain += abs(found.effect / error) > stats.t.isf(0.025, 7)
    high = stats.binom.ppf(0.9995, replications, 0.05)
    assert alarms <= high
    assert plain > high
