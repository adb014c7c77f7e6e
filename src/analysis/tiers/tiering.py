"""What tiering gives: tiers, moves and bars."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from ..months import Month


@dataclass(frozen=True)
class Tiering:
    """What `assign` returns.

    Attributes:
        tiers: One row a customer and month up to `as_of`, as the contract `tiers` says.
        moves: One row a customer that moved, or whose move was held back, in the as-of month.
        bars: One row a month and tier: month, tier, bar (smallest measure that gives the tier;
            infinite where nobody reaches it), customers_n (customers whose measure gives it).
        as_of: The last month.
    """

    tiers: ir.Table
    moves: pd.DataFrame
    bars: pd.DataFrame
    as_of: Month
