"""The moves of one month, and the moves held back, with the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..months import Month
from ..params import Override
from .codes import HOLD_NAMES, LEVEL_NAMES, NO_LEVEL, REASON_NAMES, Hold, Levels
from .history import History
from .memory import lengthened

if TYPE_CHECKING:
    from .rules import Ruled, Seen, TierRules


def moves_of(
    steps: Sequence[tuple[Seen, Ruled]],
    rules: TierRules,
    history: History,
    as_of: Month,
    overrides: Sequence[Override],
) -> pd.DataFrame:
    """One row a customer that moved, or whose move was held back, in the as-of month.

    Args:
        steps: The as-of month, and the month before where there is one.
        rules: The rules after the as-of month.
        history: Whose months they are.
        as_of: The month.
        overrides: The committee's overrides.

    Returns:
        customer_id, group_id (where the tier is shared in a group of several), month, from_tier
        and to_tier (of the move, or of the one held back), direction (up or down), moved, reason,
        held_back_by, measure_class (the customer's class, where the policy goes by classes),
        score, score_before, measure (what the policy cuts; the level of the class), bar (the
        measure needed to move up, or to stay), months_running (months in a row on that side of
        it, at most twelve), recency_days, shipments_n and revenue
        of the month, expected_revenue (what a burst is held against), is_off_season,
        shipments_recent and shipments_last_year (of the months that the season compares),
        revenue_window, margin_window, until (last month of a provisional tier or an override),
        approved_by, override_reason. Moves first, then moves held
        back, each by window revenue, then customer.
    """
    seen, ruled = steps[-1]
    known = ruled.before != NO_LEVEL
    moved = known & (ruled.level != ruled.before)
    start = np.where(moved, ruled.before, ruled.level)
    end = np.where(moved, ruled.level, seen.target)
    up = end > start
    holds = np.array(HOLD_NAMES)[ruled.hold].astype(object)
    holds[moved | (ruled.hold == Hold.NONE)] = None
    frame = pd.DataFrame(
        {
            "customer_id": history.customer_ids.to_pandas(),
            "group_id": pd.Series(None, index=range(len(start)), dtype="str"),
            "month": str(as_of),
            "from_tier": np.array(LEVEL_NAMES)[start],
            "to_tier": np.array(LEVEL_NAMES)[end],
            "direction": np.where(up, "up", "down"),
            "moved": moved,
            "reason": np.array(REASON_NAMES)[ruled.reason],
            "held_back_by": pd.Series(holds, dtype="str"),
            "measure_class": pd.Series(_classes(seen, history), dtype="str"),
            **_numbers(steps, rules, start, end),
            "until": pd.Series(
                _until(seen, ruled, rules, np.where(moved, end, start)), dtype="str"
            ),
        }
    )
    listed = frame[moved | (known & (ruled.hold != Hold.NONE))]
    listed = listed.merge(_approvals(overrides, as_of), on="customer_id", how="left")
    listed["until"] = listed["until"].fillna(listed.pop("last_month"))
    order = ["moved", "revenue_window", "customer_id"]
    return listed.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _classes(seen: Seen, history: History) -> list[str | None]:
    """The class of each customer; None where it has none or the policy goes by none."""
    kind = seen.rows.kind
    if not len(kind):
        return [None] * len(seen.rows)
    return [history.names[code] if code != NO_LEVEL else None for code in kind]


def _numbers(
    steps: Sequence[tuple[Seen, Ruled]],
    rules: TierRules,
    start: Levels,
    end: Levels,
) -> dict[str, np.ndarray]:
    seen = steps[-1][0]
    up = end > start
    above = rules.months_running(start, above=True)
    below = rules.months_running(start, above=False)
    return {
        "score": seen.rows.score,
        "score_before": lengthened(steps[0][0].rows.score, len(start), np.nan)
        if len(steps) > 1
        else np.full(len(start), np.nan),
        "measure": seen.measure,
        "bar": np.where(up, seen.bars[end], seen.bars_to_stay[start]),
        "months_running": np.where(up, above, below),
        "recency_days": seen.rows.recency_days,
        "shipments_n": seen.rows.shipments,
        "revenue": seen.rows.revenue,
        "expected_revenue": seen.burst.expected,
        "is_off_season": seen.season.is_off,
        "shipments_recent": seen.season.recent,
        "shipments_last_year": seen.season.last_year,
        "revenue_window": seen.rows.revenue_window,
        "margin_window": seen.rows.margin_window,
    }


def _until(seen: Seen, ruled: Ruled, rules: TierRules, level: Levels) -> list[str | None]:
    """The last month of a provisional tier; None for the others."""
    last = rules.months_left(level) + seen.rows.index
    lifted = (ruled.floor == level) & (ruled.earned < level)
    months = {index: str(Month.at(index)) for index in np.unique(last)}
    return [
        months[index] if is_lifted else None for index, is_lifted in zip(last, lifted, strict=True)
    ]


def _approvals(overrides: Sequence[Override], as_of: Month) -> pd.DataFrame:
    """One row a customer with an override in force."""
    in_force = [o for o in overrides if o.first_month <= str(as_of) <= o.last_month]
    names = {"customer_id": "customer_id", "last_month": "last_month"}
    names |= {"approved_by": "approved_by", "reason": "override_reason"}
    rows = {new: [getattr(o, old) for o in in_force] for old, new in names.items()}
    return pd.DataFrame(rows, dtype="str")
