"""Bursts: a jump against the customer's own baseline, its season and the company's month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..months import YEAR
from ..params import BurstPromotion
from .codes import HIGHEST, LOWEST, NO_LEVEL, Levels, Mask, Numbers
from .history import MonthRows
from .memory import Recent

MEMORY_MONTHS = 25
"""The longest baseline that `BurstPromotion` allows, and the month itself."""
STEADY_SHIPMENTS, STEADY_MONTHS = 5.0, 8
"""Customers expected to ship so many, known for so many months, tell how much months vary."""
FEWEST_STEADY = 30
"""With fewer of them nothing is learnt: counts then vary as chance alone has it."""
LARGEST_SPREAD = 4.0
"""Variance of a month's rate as a share of its square: beyond this a month tells nothing."""
HALVINGS = 20
"""Of the range of the spread: six digits, more than a month's data hold."""
MEDIAN_OF_CHI_SQUARE = 0.4549
"""Median of a squared standard normal."""
ANSCOMBE = 3 / 8
"""Added to a count so that its square root varies alike at all sizes."""


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
    that in revenue, at least the customer's own best month of the year before, with more
    shipments than chance explains: chance in the count, in the baseline, and in how much a
    steady customer's months vary in this company.

    Source:
        Anscombe (1948), The transformation of Poisson, binomial and negative-binomial data.
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
        best = self._revenue.stacked(0, YEAR - 1, len(rows)).max(axis=0)
        months = np.clip(rows.months_n - 2, 1, policy.baseline_months)
        spread = _spread(rows, usual_n * peaks, peaks / months)
        beyond = _deviation(rows.shipments, expected_n, peaks / months, spread)
        jumped = (value >= policy.ratio * expected) & (value >= best) & (beyond >= policy.noise_sds)
        known = (rows.months_n >= policy.min_history_months + 2) & (usual > 0)
        return Burst(jumped & known, expected, _reaches(value, usual, targets, peaks))


def _deviation(count: Numbers, expected: Numbers, length: Numbers, spread: float) -> Numbers:
    """Standard deviations by which a month's count exceeds the expected one, shape (n,).

    Args:
        count: Shipments of the month.
        expected: Expected shipments, themselves estimated.
        length: The month's weight against the months that the estimate rests on.
        spread: Variance of a month's rate as a share of its square.
    """
    rise = 2 * (np.sqrt(count + ANSCOMBE) - np.sqrt(expected + ANSCOMBE))
    return rise / np.sqrt((1 + length) * (1 + spread * expected))


def _spread(rows: MonthRows, expected: Numbers, length: Numbers) -> float:
    """How much steady customers' months vary beyond chance, from this month's own customers.

    The value at which the median customer is as far off as the median of chance: bursts, which
    are few, do not move it.
    """
    steady = (expected >= STEADY_SHIPMENTS) & (rows.months_n >= STEADY_MONTHS)
    if steady.sum() < FEWEST_STEADY:
        return 0.0
    count, usual, weight = rows.shipments[steady], expected[steady], length[steady]
    low, high = 0.0, LARGEST_SPREAD
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        off = np.median(_deviation(count, usual, weight, middle) ** 2)
        low, high = (middle, high) if off > MEDIAN_OF_CHI_SQUARE else (low, middle)
    return (low + high) / 2


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
