"""What an evaluation must know beyond its plan and its units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ..message import Message
from ..months import Month
from .carriers import Table


@dataclass(frozen=True)
class Setting:
    """What an evaluation must know beyond plan and units.

    Attributes:
        as_of: The month whose last instant ends the data; None for a plain table.
        unavailable: Metric → the canonical table that does not exist.
        currency: ISO code of amounts.
        once: Metrics that have one look in all, because their window is over for all at once.
        earlier: Units as they stood at each earlier look, for metrics with more looks.
        boundaries: Stored boundaries of these looks, by row.
        next_look: Day to which the next look's data reach.
        complete_on: Day by which every unit has completed the primaries' windows.
        plan_changes: What was changed in the plan after it was frozen.
        quality: Quality by source and level.
    """

    as_of: Month | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    once: frozenset[str] = frozenset()
    earlier: tuple[Table, ...] = ()
    boundaries: Mapping[str, Sequence[float]] = field(default_factory=dict)
    next_look: dt.date | None = None
    complete_on: dt.date | None = None
    plan_changes: tuple[Message, ...] = ()
    quality: pd.DataFrame | None = None
