"""From measures to the tier that a month's measure alone would give."""

from __future__ import annotations

import numpy as np

from ..params import TierPolicy
from ..value.ranking import ROUNDING, bar_of_first, customers_within
from .codes import HIGHEST, LEVEL_NAMES, LOWEST, Levels, Mask, Numbers
from .history import MonthRows


def measure_of(rows: MonthRows, policy: TierPolicy) -> Numbers:
    """What the policy cuts, shape (n,); NaN where it is unknown."""
    by_name = {"score": rows.score, "revenue": rows.revenue_window, "margin": rows.margin_window}
    return rows.standing if policy.classes is not None else by_name[policy.measure]


def bars_of(rows: MonthRows, policy: TierPolicy) -> Numbers:
    """The smallest measure that gives each level this month.

    Equal measures are never split: where a cut-off falls among equals, all of them stay below.
    A tier therefore holds at most its share, and if nobody stands out, nobody is above the rest.

    Args:
        rows: The month.
        policy: Cut-offs; shares are of the customers that shipped in the window.

    Returns:
        One bar a level, shape (4,); −inf for the lowest, +inf where nobody reaches the level.
    """
    measure = measure_of(rows, policy)
    counts = rows.is_ranked & ~np.isnan(measure)
    if policy.classes is not None:
        return np.array([-np.inf, *range(LOWEST + 1, HIGHEST + 1)])
    if policy.at_least is not None:
        steps = [policy.at_least.get(tier, np.inf) for tier in LEVEL_NAMES[1:]]  # type: ignore[call-overload]
        return np.array([-np.inf, *steps])
    by_margin = (policy.value_by or policy.measure) == "margin"
    worth = rows.margin_window if by_margin else rows.revenue_window
    if policy.value_shares is None:  # who earns what matters only for shares of value
        falling, paid = -np.sort(-measure[counts]), worth[counts]
    else:
        order = np.lexsort((-worth[counts], -measure[counts]))
        falling, paid = measure[counts][order], worth[counts][order]
    holds = _customers_above(paid, policy)
    return np.array([-np.inf, *(bar_of_first(falling, k) for k in reversed(holds))])


def targets_of(measure: Numbers, is_ranked: Mask, bars: Numbers) -> Levels:
    """The level that the measure alone gives; the lowest for customers that are not ranked."""
    known = np.where(is_ranked & ~np.isnan(measure), measure, -np.inf)
    level = np.full(len(known), LOWEST, dtype=np.int8)
    for step in range(LOWEST + 1, HIGHEST + 1):
        level[known >= bars[step]] = step
    return level


def lowered(bars: Numbers, margin: float) -> Numbers:
    """The bars below which a measure counts as below: each lower by a share of itself."""
    finite = np.isfinite(bars)
    return np.where(finite, bars - margin * np.abs(np.where(finite, bars, 0.0)), bars)


def _customers_above(worth: Numbers, policy: TierPolicy) -> list[int]:
    """How many of the customers, from the top, each tier but the last may reach down to."""
    shares = policy.value_shares if policy.value_shares is not None else policy.customer_shares
    steps = np.cumsum([shares.get(tier, 0.0) for tier in reversed(LEVEL_NAMES[1:])])  # type: ignore[call-overload]
    if policy.value_shares is None:
        return customers_within(steps, len(worth))
    paid = np.nan_to_num(np.clip(worth, 0, None))
    before = np.cumsum(paid) - paid
    return [int(np.sum(before < step * paid.sum() - ROUNDING)) for step in steps]
