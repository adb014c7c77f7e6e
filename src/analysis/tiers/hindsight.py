"""What became of the customers that a policy held, lifted or let fall: known only afterwards.

Off-seasons and bursts are told here by the standard rules, whatever the policy under test says,
so that policies with and without protection are held against the same customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..months import YEAR
from ..params import BurstPromotion, SeasonalProtection
from .bursts import BurstWatch
from .codes import NO_LEVEL, Hold, Levels, Mask, Numbers
from .memory import lengthened
from .rules import Ruled, Seen
from .season import SeasonWatch

MONTHS_TO_RETURN = 6
"""A customer is back when it ships a usual month's worth within so many months."""


@dataclass(frozen=True)
class Hindsight:
    """Counts over the months compared; of customers, each counted once.

    Attributes:
        protected_n: Customers whose demotion seasonal protection held back.
        protected_known_n: Of them, those of whom it is known by now whether they came back.
        protected_returned_n: Of these, those who came back to their usual month.
        off_season_demoted_n: Customers that moved down in their off-season.
        off_season_demoted_known_n, off_season_demoted_returned_n: The same of them.
        bursts_n: Jumps that reach a higher tier than the customer had the month before.
        bursts_missed_n: Of them, those not followed by a higher tier in that month or the next.
    """

    protected_n: int
    protected_known_n: int
    protected_returned_n: int
    off_season_demoted_n: int
    off_season_demoted_known_n: int
    off_season_demoted_returned_n: int
    bursts_n: int
    bursts_missed_n: int


@dataclass(frozen=True)
class _Month:
    index: int
    shipments: Numbers
    usual: Numbers
    level: Levels
    protected: Mask
    fell_off_season: Mask
    jumped: Mask
    before: Levels


class HindsightWatch:
    """Follows a policy month by month, and counts when the months are over.

    Args:
        first_index: First month compared; months before it only give history.
    """

    def __init__(self, first_index: int) -> None:
        self._first = first_index
        self._season = SeasonWatch(SeasonalProtection())
        self._bursts = BurstWatch(BurstPromotion())
        self._months: list[_Month] = []

    def see(self, seen: Seen, ruled: Ruled) -> None:
        """Take in the next month."""
        season = self._season.see(seen.rows)
        burst = self._bursts.see(seen.rows, seen.target)
        known = ruled.before != NO_LEVEL
        month = _Month(
            index=seen.rows.index,
            shipments=seen.rows.shipments,
            usual=season.year / YEAR,
            level=ruled.level,
            protected=(ruled.hold == Hold.SEASONAL_PROTECTION) & seen.season.is_off,
            fell_off_season=known & (ruled.level < ruled.before) & season.is_off,
            jumped=burst.is_burst & known & (burst.reaches > ruled.before),
            before=ruled.before,
        )
        if month.index >= self._first:
            self._months.append(month)

    def counted(self) -> Hindsight:
        """What is known after the last month."""
        protected = self._returned("protected")
        fallen = self._returned("fell_off_season")
        return Hindsight(*protected, *fallen, *self._missed())

    def _returned(self, what: str) -> tuple[int, int, int]:
        """Customers, those whose return is decided, those who returned: from their first month."""
        n = len(self._months[-1].level) if self._months else 0
        begun, known, back = (np.zeros(n, dtype=bool) for _ in range(3))
        last = len(self._months) - 1
        for place, month in enumerate(self._months):
            here = lengthened(getattr(month, what), n, False) & ~begun
            begun |= here
            usual = lengthened(month.usual, n, np.inf)
            later = self._months[place + 1 : place + 1 + MONTHS_TO_RETURN]
            returned = here & np.any(
                [lengthened(m.shipments, n, 0.0) >= usual for m in later] or [np.zeros(n, bool)],
                axis=0,
            )
            back |= returned
            known |= here if place + MONTHS_TO_RETURN <= last else returned
        return int(begun.sum()), int(known.sum()), int(back.sum())

    def _missed(self) -> tuple[int, int]:
        jumps = missed = 0
        for place, month in enumerate(self._months):
            n = len(month.level)
            best = np.maximum(
                month.level, self._months[min(place + 1, len(self._months) - 1)].level[:n]
            )
            jumps += int(month.jumped.sum())
            missed += int((month.jumped & (best <= month.before)).sum())
        return jumps, missed
