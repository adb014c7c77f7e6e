"""Sample ratios, net promoter scores and multiplicity against published numbers."""

import numpy as np
import pytest

from analysis.experiment.estimators import (
    benjamini_hochberg,
    compare,
    holm,
    make_units,
    nps_share,
    nps_values,
    sample_ratio,
)

EVEN = np.array([0.5, 0.5])


def test_cookie_cats_sample_ratio_is_no_alarm():
    """Source: chi-square test of the published arm sizes."""
    found = sample_ratio(np.array([44_700, 45_489]), EVEN)
    assert found.statistic == pytest.approx(6.9024, abs=5.1e-5)
    assert found.p_value == pytest.approx(0.00861, abs=5.1e-6)
    assert not found.alarm


def test_sample_ratio_that_alarms():
    """Source: Kohavi, Tang and Xu 2020, Trustworthy Online Controlled Experiments, chapter 21."""
    found = sample_ratio(np.array([821_588, 815_482]), EVEN)
    assert found.p_value == pytest.approx(1.82e-6, abs=5.1e-9)
    assert found.alarm


def test_net_promoter_score():
    """Source: formulas of Rocks 2016 (Am. Stat. 70(4)) for 162 / 108 / 54 answers."""
    found = nps_share(162, 108, 54)
    assert found.score == pytest.approx(33.33, abs=5.1e-3)
    assert found.std_error == pytest.approx(4.14087, abs=5.1e-6)
    assert found.adjusted == pytest.approx(33.0275, abs=5.1e-5)
    assert (found.ci_low, found.ci_high) == pytest.approx((24.9453, 41.1098), abs=5.1e-5)


def test_net_promoter_score_through_the_one_estimator():
    """The same answers as an arm: the same score; the variance divides by n − 1 there."""
    scores = np.repeat([10.0, 8.0, 3.0], [162, 108, 54])
    both = nps_values(np.concatenate([scores, scores])).values
    found = compare(both, make_units(np.repeat([True, False], len(scores))))
    assert found.value_treatment == pytest.approx(100 / 3)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(4.14087 * np.sqrt(324 / 323), abs=1e-5)


def test_holm():
    """Source: GrowthBook, pvalue correction tests (agree with R's p.adjust)."""
    found = holm([0.01, 0.04, 0.03, 0.005, 0.55, 0.6])
    assert found == pytest.approx([0.05, 0.12, 0.12, 0.03, 1, 1], abs=1e-12)


def test_benjamini_hochberg():
    """Source: GrowthBook, pvalue correction tests (agree with R's p.adjust)."""
    found = benjamini_hochberg([0.898, 0.138, 0.007, 0.964, 0.538, 0.006, 0.138])
    expected = [0.964, 0.2415, 0.0245, 0.964, 0.7532, 0.0245, 0.2415]
    assert found == pytest.approx(expected, abs=1e-9)
