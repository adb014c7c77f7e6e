"""Bursts: a jump against the customer's own baseline, its season and the company's month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..params import BurstPromotion
from .codes import HIGHEST, LOWEST, NO_LEVEL, Levels, Mask, Numbers
from .history import MonthRows
from .memory import Recent
from .season import YEAR

MEMORY_MONTHS = 25
"""The longest baseline that `BurstPromotion` allows, and the month itself."""


@dataclass(frozen=True)
class Burst:
    """Who jumped this month; every array has shape (n,).

    Attributes:
        is_burst: The customer jumped.
        expected: Revenue that was expected of it (shipments, where no revenue is recorded).
        reaches: Level whose customers usually earn what the customer earned this month, or the
            level that its measure gives.
    """

    is_burst: Mask
    expected: Numbers
    reaches: Levels


class BurstWatch:
    """Finds jumps, month after month.

    What is expected of a customer is its baseline (the mean of the months before, without its
    first one, which is seldom a whole month) times the company's own peak (Double 11 is nobody's
    jump), or what it did at the same time last year, whichever is larger. A jump is `ratio` times
    that in revenue, with more shipments than chance explains.
    """

    def __init__(self, policy: BurstPromotion | None) -> None:
        self._policy = policy
        self._revenue: Recent[np.float64] = Recent(MEMORY_MONTHS, 0.0)
        self._shipments: Recent[np.float64] = Recent(MEMORY_MONTHS, 0.0)

    def see(self, rows: MonthRows, targets: Levels) -> Burst:
        """Take in the next month.

        Args:
            rows: The month.
            targets: The level that each customer's measure alone gives this month.
        """
        value = _value_of(rows)
        none = Burst(np.zeros(len(rows), bool), np.full(len(rows), np.nan), targets * 0)
        found = none if self._policy is None else self._found(rows, value, targets, self._policy)
        # the first month counts in nobody's baseline
        began = rows.months_n == 1
        self._revenue.add(np.where(began, 0.0, value))
        self._shipments.add(np.where(began, 0.0, rows.shipments))
        return found

    def _found(
        self, rows: MonthRows, value: Numbers, targets: Levels, policy: BurstPromotion
    ) -> Burst:
        usual = _baseline(self._revenue, rows, policy)
        usual_n = _baseline(self._shipments, rows, policy)
        peaks = _peaks(value, usual)
        expected = np.maximum(usual * peaks, _last_year(self._revenue, len(rows)))
        expected_n = np.maximum(usual_n * peaks, _last_year(self._shipments, len(rows)))
        noise = policy.noise_sds * np.sqrt(np.maximum(expected_n, 1.0))
        jumped = (value >= policy.ratio * expected) & (rows.shipments >= expected_n + noise)
        known = (rows.months_n >= policy.min_history_months + 2) & (usual > 0)
        return Burst(jumped & known, expected, _reaches(value, usual, targets, peaks))


def _baseline(past: Recent[np.float64], rows: MonthRows, policy: BurstPromotion) -> Numbers:
    """Mean of the whole months before, since the customer began; 0 for a new one."""
    summed = past.stacked(0, policy.baseline_months - 1, len(rows)).sum(axis=0)
    months = np.minimum(rows.months_n - 2, policy.baseline_months)
    return summed / np.maximum(months, 1)


def _last_year(past: Recent[np.float64], n: int) -> Numbers:
    """The largest of the same month last year and the months beside it."""
    return past.stacked(YEAR - 2, YEAR, n).max(axis=0)


def _value_of(rows: MonthRows) -> Numbers:
    """Revenue of the month; shipments where the profile records no revenue."""
    unknown = np.isnan(rows.revenue)
    return rows.shipments if unknown.all() else np.nan_to_num(rows.revenue)


def _peaks(value: Numbers, usual: Numbers) -> Numbers:
    """This month of all other customers against their months before; at least 1, shape (n,).

    Of the others, since in a small company a customer's own jump would pass for everybody's.
    """
    before = usual.sum() - usual
    now = value.sum() - value
    return np.maximum(np.divide(now, before, out=np.ones_like(now), where=before > 0), 1.0)


def _reaches(value: Numbers, usual: Numbers, targets: Levels, peaks: Numbers) -> Levels:
    """The highest level whose customers' median monthly value this month's value attains.

    At least the level that the measure gives: a jump need not wait for what is earned anyway.
    """
    level = np.full(len(value), LOWEST, dtype=np.int8)
    for step in range(LOWEST + 1, HIGHEST + 1):
        of_level = usual[(targets == step) & (usual > 0)]
        if len(of_level):
            level[value >= np.median(of_level) * peaks] = step
    return np.maximum(level, targets)


def floor_of(burst: Burst, level: Levels, policy: BurstPromotion | None) -> Levels:
    """The provisional level of customers that jumped; NO_LEVEL for the others."""
    if policy is None:
        return np.full(len(level), NO_LEVEL, dtype=np.int8)
    lifted = np.minimum(burst.reaches, level + policy.max_steps).astype(np.int8)
    return np.where(burst.is_burst, lifted, NO_LEVEL).astype(np.int8)
