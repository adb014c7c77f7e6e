"""What the companies of all seeds gave, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd


@dataclass
class Found:
    """What all seeds together gave.

    Attributes:
        scored: One row a planted error, with its outcome.
        alarms: One row a seed and rule: listed rows in which nothing was planted.
        tables: Table → counts of `wrong_cells`, added up.
        rows: Rows read.
        checks: Checks of level 4 → rows or amounts by which the sources differ more than those
            of the company without errors.
        unknown: Kind without a rule → counts of rows: planted, listed, harmless, missed, other.
        seen: Kind without a rule → what saw it in total, by seed.
    """

    scored: list[pd.DataFrame] = field(default_factory=list)
    alarms: list[pd.DataFrame] = field(default_factory=list)
    tables: dict[str, Counter[str]] = field(default_factory=dict)
    rows: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    seen: dict[str, list[set[str]]] = field(default_factory=dict)
