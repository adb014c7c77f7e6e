"""Bands of curves whose units come in clusters: CR2 of the share, a jackknife, and coverage."""

import numpy as np
import pytest
from scipy import stats

from analysis.experiment.estimators import kaplan_meier
from analysis.experiment.estimators.cluster_curves import clustered_band
from analysis.experiment.estimators.clusters import (
    cluster_design,
    fit_clusters,
    satterthwaite_df,
)


def drawn(rng, clusters=24, spread=0.5, censored=False):
    """Days, whether the event happened, and clusters that differ in their hazard."""
    sizes = rng.integers(5, 60, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    hazard = np.exp(spread * rng.normal(size=clusters))[cluster] / 150
    gone = np.ceil(rng.exponential(1 / hazard))
    end = np.ceil(rng.uniform(60, 240, len(gone))) if censored else np.full(len(gone), 180.0)
    return np.minimum(gone, end), gone < end, cluster


def test_without_censoring_it_is_the_estimators_variance_of_the_share():
    duration, event, cluster = drawn(np.random.default_rng(1))
    curve = kaplan_meier(duration, event)
    at = np.flatnonzero(curve.time < 180)[::7]
    band = clustered_band(curve, duration, event, cluster, at)
    design = cluster_design(np.ones((len(duration), 1)), cluster)
    errors = [
        np.sqrt(fit_clusters(design, (duration > day) * 1.0).covariance[0, 0])
        for day in curve.time[at]
    ]
    share = np.bincount(cluster) / len(cluster)
    others = np.sum(share**2) - share**2
    mean_of_cr2 = np.sum(share**2 / (1 - share) * ((1 - share) ** 2 + others))
    raised = np.sqrt(np.sum(share**2) / mean_of_cr2)
    assert raised > 1.001
    assert band.std_error == pytest.approx(raised * np.array(errors))
    assert band.df == pytest.approx(satterthwaite_df(design, np.ones(1)))


def test_where_every_unit_is_its_own_cluster_it_is_greenwoods():
    duration, event, _ = drawn(np.random.default_rng(2), clusters=60, censored=True)
    curve = kaplan_meier(duration, event)
    at = np.flatnonzero(curve.at_risk > 100)
    band = clustered_band(curve, duration, event, np.arange(len(duration)), at)
    assert band.std_error == pytest.approx(curve.std_error[at], rel=0.05)
    assert band.low == pytest.approx(curve.low[at], abs=0.005)


def test_with_censoring_it_is_near_the_jackknife_over_clusters():
    duration, event, cluster = drawn(np.random.default_rng(3), clusters=60, censored=True)
    curve = kaplan_meier(duration, event)
    at = np.searchsorted(curve.time, [30.0, 90.0, 150.0])
    band = clustered_band(curve, duration, event, cluster, at)

    def without(g):
        kept = cluster != g
        rest = kaplan_meier(duration[kept], event[kept])
        return rest.survival[np.searchsorted(rest.time, curve.time[at], side="right") - 1]

    left_out = np.array([without(g) for g in range(60)])
    jackknife = np.sqrt(59 / 60 * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    assert band.std_error == pytest.approx(jackknife, rel=0.05)


def test_the_order_of_units_and_the_names_of_clusters_change_nothing():
    rng = np.random.default_rng(4)
    duration, event, cluster = drawn(rng, censored=True)
    curve = kaplan_meier(duration, event)
    at = np.arange(0, len(curve.time), 5)
    band = clustered_band(curve, duration, event, cluster, at)
    mixed = rng.permutation(len(duration))
    again = clustered_band(curve, duration[mixed], event[mixed], 1000 - 7 * cluster[mixed], at)
    assert again.low == pytest.approx(band.low)
    assert again.high == pytest.approx(band.high)


def test_one_cluster_tells_nothing_of_how_clusters_differ():
    duration, event, _ = drawn(np.random.default_rng(5))
    curve = kaplan_meier(duration, event)
    band = clustered_band(curve, duration, event, np.zeros(len(duration), int), np.arange(3))
    assert np.isnan(band.low).all()
    assert np.isnan(band.high).all()


def test_the_band_holds_the_curve_where_greenwoods_does_not():
    """300 draws: 95 % promised of the band; Greenwood's misses one in four."""
    rng = np.random.default_rng(6)
    day = 90.0
    # the share without event, over the clusters' hazards
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    truth = np.sum(weights * np.exp(-np.exp(0.5 * nodes) / 150 * day)) / weights.sum()
    held, plain = 0, 0
    for _ in range(300):
        duration, event, cluster = drawn(rng)
        curve = kaplan_meier(duration, event)
        at = np.searchsorted(curve.time, [day], side="right") - 1
        band = clustered_band(curve, duration, event, cluster, at)
        held += bool(band.low[0] <= truth <= band.high[0])
        plain += bool(curve.low[at][0] <= truth <= curve.high[at][0])
    assert held >= stats.binom.ppf(0.001, 300, 0.95)
    assert plain < 0.85 * 300
