"""Off-season months: quiet now, quiet at the same time last year, and customers in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..months import YEAR
from ..params import SeasonalProtection
from .codes import Mask, Numbers
from .history import MonthRows
from .memory import Recent, lengthened

"""Months."""
MEMORY_MONTHS = YEAR + 6
"""A year and the longest comparison that `SeasonalProtection` allows."""


@dataclass(frozen=True)
class Season:
    """What a month looks like beside the customer's own year; every array has shape (n,).

    Attributes:
        is_off: The month is in the customer's off-season.
        recent: Shipments of the compared months.
        last_year: Shipments of the same months last year.
        year: Shipments of the last twelve months.
    """

    is_off: Mask
    recent: Numbers
    last_year: Numbers
    year: Numbers


class SeasonWatch:
    """Tells off-season months, month after month.

    A customer needs to have shipped before the compared months of last year: else their silence
    was no season, the customer had not begun.
    """

    def __init__(self, policy: SeasonalProtection | None) -> None:
        self._policy = policy
        self._shipments: Recent[np.float64] = Recent(MEMORY_MONTHS, 0.0)
        self._first_shipped: Numbers = np.empty(0)

    def see(self, rows: MonthRows) -> Season:
        """Take in the next month."""
        n = len(rows)
        self._shipments.add(rows.shipments)
        first = lengthened(self._first_shipped, n, np.inf)
        self._first_shipped = np.where((rows.shipments > 0) & np.isinf(first), rows.index, first)
        compared = self._policy.months if self._policy else 3
        recent = self._shipments.stacked(0, compared - 1, n).sum(axis=0)
        last_year = self._shipments.stacked(YEAR, YEAR + compared - 1, n).sum(axis=0)
        year = self._shipments.stacked(0, YEAR - 1, n).sum(axis=0)
        if self._policy is None:
            return Season(np.zeros(n, dtype=bool), recent, last_year, year)
        usual = year / YEAR * compared * self._policy.quiet_below
        had_begun = self._first_shipped <= rows.index - YEAR - compared
        return Season((recent < usual) & (last_year < usual) & had_begun, recent, last_year, year)
