"""Cluster-robust inference with few clusters against published numbers.

Source: Roodman, Nielsen, MacKinnon and Webb 2019 (Stata J. 19(1), "Fast and wild"), example after
Gruber and Poterba 1994: the Tax Reform Act of 1986 and the self-employed's health insurance, 8
years as clusters; p values of boottest with full enumeration.
"""

import numpy as np
import pytest

from analysis.experiment.estimators import wild_cluster_bootstrap
from analysis.experiment.estimators.clusters import cluster_design, cr1_std_error, fit_clusters

INSURED = {  # year: (others, self-employed)
    1983: (0.8755078315734863, 0.7104426026344299),
    1984: (0.8795032501220703, 0.7378297448158264),
    1985: (0.8717851042747498, 0.7070132493972778),
    1986: (0.8709482550621033, 0.7120023369789124),
    1987: (0.8723994493484497, 0.7190173864364624),
    1988: (0.8586542010307312, 0.7665775418281555),
    1989: (0.8543781042098999, 0.7420612573623657),
    1990: (0.8470781445503235, 0.7457417845726013),
}
FIRST_YEAR_AFTER = 1988
OF_INTERACTION = np.array([0.0, 0.0, 0.0, 1.0])
ALL_WEBB_DRAWS = 6**8


@pytest.fixture(scope="module")
def gruber_poterba():
    years = np.repeat(list(INSURED), 2)
    self_employed = np.tile([0.0, 1.0], len(INSURED))
    after = (years >= FIRST_YEAR_AFTER).astype(float)
    regressors = np.column_stack([np.ones(len(years)), self_employed, after, self_employed * after])
    design = cluster_design(regressors, years)
    return design, fit_clusters(design, np.array(list(INSURED.values())).ravel())


def test_estimate_and_plain_standard_error(gruber_poterba):
    design, fit = gruber_poterba
    std_error = cr1_std_error(design, fit, OF_INTERACTION)
    estimate = fit.coefficients[3]
    assert estimate == pytest.approx(0.05485776, abs=5.1e-9)  # 8 decimals printed
    assert std_error == pytest.approx(0.00735744, abs=5.1e-9)
    assert (estimate - 0.04) / std_error == pytest.approx(2.0194, abs=5.1e-5)


@pytest.mark.parametrize(
    ("weights", "null", "p_value"),
    [
        ("rademacher", 0.04, 20 / 256),  # printed as 0.078125
        ("rademacher", 0.0, 1 / 128),  # a library that leaves out the data itself prints 0
        ("webb", 0.04, 0.0757),
    ],
)
def test_all_draws_enumerated(gruber_poterba, weights, null, p_value):
    design, fit = gruber_poterba
    found = wild_cluster_bootstrap(
        design,
        fit,
        OF_INTERACTION,
        null=null,
        weights=weights,
        enumerate_up_to=ALL_WEBB_DRAWS,
        interval=False,
    )
    assert found.enumerated
    exact = weights == "rademacher"
    assert found.p_value == pytest.approx(p_value, abs=1e-12 if exact else 5.1e-5)


def test_random_webb_draws_agree_with_all_of_them(gruber_poterba):
    design, fit = gruber_poterba
    found = wild_cluster_bootstrap(design, fit, OF_INTERACTION, null=0.04)
    assert (found.draws, found.enumerated) == (10_000, False)
    # four standard errors of a share of 7.6 % in 10,000 draws
    assert found.p_value == pytest.approx(0.0757, abs=4 * np.sqrt(0.0757 * 0.9243 / 10_000))
