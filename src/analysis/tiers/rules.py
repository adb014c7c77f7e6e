"""The rules of one month, applied to all customers at once.

The heart is a window: a customer's tier is raised to the lowest level of its last
`promote_after` reviews and lowered to the highest of its last `demote_after` ones, and
otherwise stays. A better score in any month can therefore never lead to a worse tier. On top
lie, in this order: the start of new customers, the provisional floor of a burst, the
committee's overrides, and the caps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..months import YEAR, Month
from ..params import TierPolicy
from .bursts import Burst, BurstWatch, floor_of
from .caps import kept_back
from .codes import HIGHEST, LOWEST, NO_LEVEL, Hold, Levels, Mask, Numbers, Reason, level_of
from .cutoffs import bars_of, lowered, measure_of, targets_of
from .history import MonthRows
from .memory import Recent, lengthened
from .season import Season, SeasonWatch

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Seen:
    """What one month shows, before any rule; arrays have one entry a customer, shape (n,).

    Attributes:
        rows: The month's scores.
        measure: What the policy cuts.
        bars: Smallest measure of each level, shape (4,).
        bars_to_stay: The same, lower by the policy's margin.
        target: Level that the measure alone would give.
        near: Level that the measure is good enough to stay in.
        season, burst: What the watches saw.
        is_new: The customer is in its declared start.
        is_first: This is the first month of data.
        is_review: Tiers are reviewed this month.
        by_hand: Level set by the committee; NO_LEVEL for the others.
    """

    rows: MonthRows
    measure: Numbers
    bars: Numbers
    bars_to_stay: Numbers
    target: Levels
    near: Levels
    season: Season
    burst: Burst
    is_new: Mask
    is_first: bool
    is_review: bool
    by_hand: Levels


@dataclass(frozen=True)
class Ruled:
    """What the rules make of it; arrays have shape (n,).

    Attributes:
        before: Level of the month before; NO_LEVEL for a customer's first month.
        earned: Level by the reviews alone.
        floor: Provisional level after a burst; NO_LEVEL where there was none.
        waits: The move is kept back by the caps.
        level: Level in force.
        would_fall: The reviews would lower the level, were the off-season counted.
        reason, hold: Codes of `Reason` and `Hold`.
    """

    before: Levels
    earned: Levels
    floor: Levels
    waits: Mask
    level: Levels
    would_fall: Mask
    reason: Codes
    hold: Codes


class TierRules:
    """Carries all customers from month to month.

    Args:
        policy: The rules.
        first_index: The first month of data: customers seen in it are no new customers.
    """

    def __init__(self, policy: TierPolicy, first_index: int) -> None:
        self._policy = policy
        self._first_index = first_index
        self._season = SeasonWatch(policy.seasonal_protection)
        self._bursts = BurstWatch(policy.burst_promotion)
        burst = policy.burst_promotion
        self._targets: Recent[np.int8] = Recent(YEAR, NO_LEVEL)
        self._nears: Recent[np.int8] = Recent(YEAR, NO_LEVEL)
        self._floors: Recent[np.int8] = Recent(burst.provisional_months if burst else 1, NO_LEVEL)
        # a review that never was cannot lead to a move
        self._up: Recent[np.int8] = Recent(policy.promote_after, LOWEST)
        self._down: Recent[np.int8] = Recent(policy.demote_after, HIGHEST)
        self._down_unprotected: Recent[np.int8] = Recent(policy.demote_after, HIGHEST)
        self._earned: Levels = np.empty(0, np.int8)
        self._level: Levels = np.empty(0, np.int8)
        self._was_lifted: Mask = np.empty(0, bool)
        self._was_by_hand: Mask = np.empty(0, bool)

    def step(self, rows: MonthRows, by_hand: Levels) -> tuple[Seen, Ruled]:
        """The next month.

        Args:
            rows: The month's scores; the customers of the months before come first.
            by_hand: Level set by the committee; NO_LEVEL for the others, shape (n,).
        """
        seen = self._look(rows, by_hand)
        ruled = self._rule(seen)
        lifted = (ruled.floor > ruled.earned) & (ruled.level == ruled.floor)
        self._earned, self._level = ruled.earned, ruled.level
        self._was_lifted, self._was_by_hand = lifted, by_hand != NO_LEVEL
        return seen, ruled

    def months_running(self, level: Levels, *, above: bool) -> NDArray[np.int64]:
        """Months in a row, up to now, that count as above (below) a level; at most twelve."""
        past = self._targets if above else self._nears
        levels = past.stacked(0, YEAR - 1, len(level))
        runs = (levels > level) if above else (levels < level) & (levels != NO_LEVEL)
        return np.cumprod(runs, axis=0).sum(axis=0)

    def months_left(self, level: Levels) -> NDArray[np.int64]:
        """Months after this one in which a burst still gives at least a level."""
        kept = (
            self._policy.burst_promotion.provisional_months if self._policy.burst_promotion else 1
        )
        floors = self._floors.stacked(0, kept - 1, len(level))
        return np.where(floors >= level, kept - 1 - np.arange(kept)[:, None], 0).max(axis=0)

    def _look(self, rows: MonthRows, by_hand: Levels) -> Seen:
        policy = self._policy
        measure, bars = measure_of(rows, policy), bars_of(rows, policy)
        target = targets_of(measure, rows.is_ranked, bars)
        bars_to_stay = lowered(bars, policy.demote_margin)
        months_of_data = rows.index - self._first_index + 1
        is_first = months_of_data == 1
        return Seen(
            rows=rows,
            measure=measure,
            bars=bars,
            bars_to_stay=bars_to_stay,
            target=target,
            near=targets_of(measure, rows.is_ranked, bars_to_stay),
            season=self._season.see(rows),
            burst=self._bursts.see(rows, target),
            is_new=(rows.months_n < months_of_data) & (rows.months_n <= policy.start_months),
            is_first=is_first,
            is_review=is_first or Month.at(rows.index).number in policy.review_months,
            by_hand=by_hand,
        )

    def _rule(self, seen: Seen) -> Ruled:
        n = len(seen.rows)
        before = lengthened(self._level, n, NO_LEVEL)
        earned, would_fall = self._reviewed(seen, before)
        floor = self._provisional(seen, earned)
        set_by_hand = seen.by_hand != NO_LEVEL
        proposed = np.where(set_by_hand, seen.by_hand, np.maximum(earned, floor)).astype(np.int8)
        exempt = set_by_hand | (before == NO_LEVEL)
        waits = kept_back(proposed, before, seen.measure, exempt, self._policy.caps)
        level = np.where(waits, before, proposed).astype(np.int8)
        # a promotion that waits for the cap is earned anew next month, or not any more
        earned = np.where(waits, np.minimum(earned, before), earned).astype(np.int8)
        ruled = Ruled(before, earned, floor, waits, level, would_fall, level, level)
        return Ruled(
            *(before, earned, floor, waits, level, would_fall),
            reason=self._reasons(seen, ruled),
            hold=_holds(seen, ruled),
        )

    def _reviewed(self, seen: Seen, before: Levels) -> tuple[Levels, Mask]:
        """Level by the reviews alone, and whether it would fall without seasonal protection."""
        n, policy, target = len(seen.rows), self._policy, seen.target
        start = level_of(policy.start_tier)
        level = lengthened(self._earned, n, start)
        self._targets.add(target)
        self._nears.add(seen.near)
        would_fall = np.zeros(n, dtype=bool)
        if seen.is_review:
            near = seen.near
            earned_in_year = self._nears.stacked(0, YEAR - 1, n).max(axis=0) >= level
            shielded = seen.season.is_off & earned_in_year
            self._up.add(target)
            self._down.add(np.where(shielded, np.maximum(near, level), near))
            self._down_unprotected.add(near)
            lowest = self._up.stacked(0, policy.promote_after - 1, n).min(axis=0)
            highest = self._down.stacked(0, policy.demote_after - 1, n).max(axis=0)
            unshielded = self._down_unprotected.stacked(0, policy.demote_after - 1, n).max(axis=0)
            level = np.clip(level, lowest, highest)
            would_fall = unshielded < level
        # a provisional or overridden tier that the measure is good enough for does not lapse
        level = np.maximum(level, np.minimum(before, seen.near))
        if seen.is_first:
            level = np.where(np.isnan(seen.rows.recency_days), start, target)
        return np.where(seen.is_new, start, level).astype(np.int8), would_fall

    def _provisional(self, seen: Seen, earned: Levels) -> Levels:
        """The highest level that a burst of the last months still gives."""
        policy, n = self._policy.burst_promotion, len(seen.rows)
        if policy is None:
            return np.full(n, NO_LEVEL, dtype=np.int8)
        now = floor_of(seen.burst, earned, policy)
        self._floors.add(np.where(seen.is_new, NO_LEVEL, now).astype(np.int8))
        floors: Levels = self._floors.stacked(0, policy.provisional_months - 1, n).max(axis=0)
        return floors

    def _reasons(self, seen: Seen, ruled: Ruled) -> Codes:
        n = len(seen.rows)
        known = ruled.before != NO_LEVEL
        up, down = (ruled.level > ruled.before) & known, (ruled.level < ruled.before) & known
        by_burst = (ruled.floor > ruled.earned) & (ruled.level > ruled.earned)
        set_by_hand = seen.by_hand != NO_LEVEL
        first = Reason.FIRST_MONTH if seen.is_first else Reason.NEW_CUSTOMER
        return np.select(
            [
                set_by_hand,
                ~known,
                (up | down) & lengthened(self._was_by_hand, n, False),
                up & by_burst,
                up,
                down & lengthened(self._was_lifted, n, False),
                down,
                seen.is_new,
                ruled.level == seen.target,
            ],
            [
                Reason.OVERRIDE,
                first,
                Reason.OVERRIDE_OVER,
                Reason.BURST,
                Reason.PROMOTED,
                Reason.BURST_OVER,
                Reason.DEMOTED,
                Reason.NEW_CUSTOMER,
                Reason.STEADY,
            ],
            default=Reason.HELD,
        ).astype(np.int8)


def _holds(seen: Seen, ruled: Ruled) -> Codes:
    lifted = (ruled.floor == ruled.level) & (ruled.earned < ruled.level)
    return np.select(
        [
            ruled.level == seen.target,
            seen.by_hand != NO_LEVEL,
            ruled.waits,
            seen.is_new,
            (seen.target < ruled.level) & lifted,
            np.full(len(seen.rows), not seen.is_review),
            seen.target > ruled.level,
            ruled.would_fall,
            seen.near >= ruled.level,
        ],
        [
            Hold.NONE,
            Hold.OVERRIDE,
            Hold.CAP,
            Hold.NEW_CUSTOMER,
            Hold.BURST,
            Hold.NOT_REVIEWED,
            Hold.PROMOTE_AFTER,
            Hold.SEASONAL_PROTECTION,
            Hold.DEMOTE_MARGIN,
        ],
        default=Hold.DEMOTE_AFTER,
    ).astype(np.int8)
