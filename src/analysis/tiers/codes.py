"""The codes of tiers, reasons and holds, as numbers inside and as words in tables.

Levels count upwards, so that a higher number is a better tier.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ..tables import TIERS

Levels = NDArray[np.int8]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

LEVEL_NAMES: tuple[str, ...] = tuple(reversed(TIERS))
"""By level: regular, potential, key, strategic."""
LOWEST, HIGHEST = 0, len(LEVEL_NAMES) - 1
NO_LEVEL = -1
"""Stands for "none": before the first month, or never shipped."""


def level_of(tier: str) -> int:
    """The level of a tier's name."""
    return LEVEL_NAMES.index(tier)


class Reason(IntEnum):
    """Why a customer has its tier this month."""

    STEADY = 0
    HELD = 1
    FIRST_MONTH = 2
    NEW_CUSTOMER = 3
    PROMOTED = 4
    BURST = 5
    DEMOTED = 6
    BURST_OVER = 7
    OVERRIDE = 8
    OVERRIDE_OVER = 9


class Hold(IntEnum):
    """The rule by which a customer does not have the tier its measure alone would give."""

    NONE = 0
    PROMOTE_AFTER = 1
    DEMOTE_AFTER = 2
    SEASONAL_PROTECTION = 3
    BURST = 4
    CAP = 5
    NEW_CUSTOMER = 6
    NOT_REVIEWED = 7
    OVERRIDE = 8
    DEMOTE_MARGIN = 9


REASON_NAMES: tuple[str, ...] = tuple(reason.name.lower() for reason in Reason)
HOLD_NAMES: tuple[str, ...] = tuple(hold.name.lower() for hold in Hold)
