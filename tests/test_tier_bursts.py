"""Bursts: how much months vary is measured, and small numbers are not mistaken for jumps."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.params import BurstPromotion
from analysis.tiers.bursts import FEWEST_STEADY, BurstWatch, _deviation, _spread
from analysis.tiers.history import MonthRows


def month(index: int, shipments: np.ndarray) -> MonthRows:
    n = len(shipments)
    return MonthRows(
        index=index,
        months_n=np.full(n, index + 1, dtype=np.int32),
        score=np.full(n, 50.0),
        revenue_window=np.full(n, 1.0),
        margin_window=np.full(n, 1.0),
        shipments=shipments.astype(float),
        revenue=shipments * 100.0,
        is_ranked=np.ones(n, dtype=bool),
        recency_days=np.zeros(n),
    )


def drawn(spread: float, pace: float, n: int, months: int, seed: int = 1) -> np.ndarray:
    """Counts whose rate varies with the given variance (as a share of its square)."""
    rng = np.random.default_rng(seed)
    varied = rng.gamma(1 / spread, spread, (months, n)) if spread else np.ones((months, n))
    return rng.poisson(pace * varied)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.4])
def test_the_spread_of_steady_customers_is_recovered(spread):
    counts = drawn(spread, pace=30, n=6000, months=13)
    rows = month(12, counts[12])
    expected, length = counts[6:12].mean(axis=0), np.full(6000, 1 / 6)
    # a median of 6,000 squares errs by 3 % of the variance, which is in proportion to 1 + 30 φ
    assert _spread(rows, expected, length) == pytest.approx(spread, abs=0.09 * (1 / 30 + spread))


def test_a_few_bursts_do_not_move_the_spread():
    counts = drawn(0.1, pace=30, n=6000, months=13)
    jumped = counts[12].copy()
    jumped[:120] *= 4
    expected, length = counts[6:12].mean(axis=0), np.full(6000, 1 / 6)
    plain = _spread(month(12, counts[12]), expected, length)
    assert _spread(month(12, jumped), expected, length) == pytest.approx(plain, rel=0.1)


def test_too_few_customers_tell_nothing():
    n = FEWEST_STEADY - 1
    assert _spread(month(12, np.full(n, 90)), np.full(n, 30.0), np.full(n, 1 / 6)) == 0.0


@pytest.mark.parametrize("pace", [1.0, 3.0, 10.0, 40.0])
def test_without_bursts_chance_alone_gives_the_alarms_it_should(pace):
    """2.25 standard deviations are 1.2 % of the months of customers that merely vary."""
    counts = drawn(0.1, pace, n=20_000, months=13, seed=3)
    expected = counts[6:12].mean(axis=0)
    beyond = _deviation(counts[12].astype(float), expected, np.full(20_000, 1 / 6), 0.1)
    # square roots of small counts are not quite normal: at most twice the share
    assert (beyond >= 2.25).mean() < 0.025


def test_a_return_to_the_best_month_of_the_year_is_no_burst():
    shipments = [20, 20, 20, 20, 2, 2, 2, 2, 2, 2, 19, 60]
    watch, none = BurstWatch(BurstPromotion()), np.zeros(1, dtype=np.int8)
    found = [watch.see(month(i, np.array([n])), none) for i, n in enumerate(shipments)]
    assert [bool(f.is_burst[0]) for f in found] == [False] * 11 + [True]
