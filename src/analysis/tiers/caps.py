"""Caps on the moves of one month."""

from __future__ import annotations

import numpy as np

from ..params import MoveCaps
from ..value.ranking import ROUNDING
from .codes import Levels, Mask, Numbers


def kept_back(
    proposed: Levels, before: Levels, measure: Numbers, exempt: Mask, caps: MoveCaps
) -> Mask:
    """Moves beyond the month's caps: the weakest promotions and the strongest demotions wait.

    Args:
        proposed: Level that the rules give.
        before: Level of the month before.
        measure: What the policy cuts; NaN counts as the lowest.
        exempt: Customers whose moves are not capped (committee overrides, new customers).
        caps: Largest shares of customers that move.

    Returns:
        True for customers that keep their level of the month before, shape (n,).
    """
    strength = np.nan_to_num(measure, nan=-np.inf)
    up = (proposed > before) & ~exempt
    down = (proposed < before) & ~exempt
    return _beyond(up, -strength, caps.promotions) | _beyond(down, strength, caps.demotions)


def _beyond(moving: Mask, order: Numbers, share: float | None) -> Mask:
    waits = np.zeros(len(moving), dtype=bool)
    if share is not None:
        movers = np.flatnonzero(moving)
        allowed = max(1, int(share * len(moving) + ROUNDING))
        # equal strength: the longest known customer first, as the arrays are ordered
        ranked = movers[np.argsort(order[movers], kind="stable")]
        waits[ranked[allowed:]] = True
    return waits
