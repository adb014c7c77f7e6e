"""Tiers of all customers and months, and the moves of the as-of month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import ParamsError, did_you_mean
from ..months import Month
from ..params import Override, TierPolicy
from ..tables import check
from .codes import HOLD_NAMES, LEVEL_NAMES, NO_LEVEL, REASON_NAMES, Hold, Levels, level_of
from .groups import Groups
from .history import History, MonthRows, read_history
from .members import overrides_of_groups, shared
from .moves import moves_of
from .rules import Ruled, Seen, TierRules
from .tiering import Tiering


def assign(
    scores: ir.Table,
    policy: TierPolicy,
    as_of: Month,
    overrides: Sequence[Override] = (),
    groups: Groups | None = None,
) -> Tiering:
    """Tier every customer, month by month, from the first month of data to `as_of`.

    Args:
        scores: What `score` returned.
        policy: The rules.
        as_of: Last month; scores after it are not used.
        overrides: The committee's overrides.
        groups: What `groups` returned: needed where the policy gives tiers to parents. Each
            member then has its group's tier, score and reason, and the bars count groups.

    Returns:
        Tiers, moves with their numbers, and the bars. Every row whose tier is not the one its
        measure alone would give names the rule that holds it.

    Raises:
        CoverageError: There are no scores of `as_of`.
        ParamsError: An override names a customer that does not exist, or the policy gives tiers
            to parents and no groups were given.

    Example:
        >>> tiering = assign(scores, profile.tiers, workspace.as_of)  # doctest: +SKIP
    """
    if (policy.level == "parent") != (groups is not None):
        raise ParamsError(
            "The policy and the groups do not belong together",
            where="tiers: level",
            got=policy.level,
            todo="Give `assign` what `groups` returned for the same profile.",
        )
    if groups is None:
        return _assigned(scores, policy, as_of, overrides)
    of_groups = overrides_of_groups(overrides, groups.members)
    return shared(_assigned(groups.scores, policy, as_of, of_groups), groups, scores)


def _assigned(
    scores: ir.Table, policy: TierPolicy, as_of: Month, overrides: Sequence[Override]
) -> Tiering:
    history = read_history(scores, as_of, [policy.measure]).under(policy)
    rules = TierRules(policy, history.months[0].index)
    steps: list[tuple[Seen, Ruled]] = []
    kept: list[pa.Table] = []
    bars: list[pd.DataFrame] = []
    for step in walked(history, rules, overrides):
        steps = [*steps[-1:], step]
        kept.append(month_table(*step, history.customer_ids))
        bars.append(_month_bars(*step))
    tiers = check(ibis.memtable(pa.concat_tables(kept)), "tiers")
    moves = moves_of(steps, rules, history, as_of, overrides)
    return Tiering(tiers, moves, pd.concat(bars, ignore_index=True), as_of)


def walked(
    history: History, rules: TierRules, overrides: Sequence[Override]
) -> Iterator[tuple[Seen, Ruled]]:
    """Every month of a history under the rules, oldest first: what it shows, what follows.

    Args:
        history: Read, and put under the rules' policy.
        rules: Fresh.
        overrides: The committee's overrides.

    Raises:
        ParamsError: An override names a customer that does not exist.
    """
    hands = _by_hand(overrides, history)
    for rows in history:
        yield rules.step(rows, _level_by_hand(hands, rows))


def month_table(seen: Seen, ruled: Ruled, customer_ids: pa.Array) -> pa.Table:
    """One month of `tiers`, one row a customer, as the contract says."""
    n = len(seen.rows)
    target = np.where(np.isnan(seen.rows.recency_days), NO_LEVEL, seen.target)
    return pa.table(
        {
            "customer_id": _words(np.arange(n, dtype=np.int32), customer_ids),
            "month": _words(np.zeros(n, np.int8), pa.array([str(Month.at(seen.rows.index))])),
            "score": pa.array(seen.rows.score, mask=np.isnan(seen.rows.score)),
            "tier_by_score": _words(target.astype(np.int8), LEVELS),
            "tier": _words(ruled.level, LEVELS),
            "previous_tier": _words(ruled.before, LEVELS),
            "reason": _words(ruled.reason, pa.array(REASON_NAMES)),
            "held_back_by": _words(ruled.hold, pa.array(HOLD_NAMES), missing=Hold.NONE),
        }
    ).unify_dictionaries()


LEVELS = pa.array(LEVEL_NAMES)


def _words(codes: np.ndarray, words: pa.Array, missing: int = NO_LEVEL) -> pa.DictionaryArray:
    indices = pa.array(codes, mask=codes == missing)
    return pa.DictionaryArray.from_arrays(indices, words)


def _month_bars(seen: Seen, ruled: Ruled) -> pd.DataFrame:
    del ruled
    ranked = seen.target[seen.rows.is_ranked]
    return pd.DataFrame(
        {
            "month": str(Month.at(seen.rows.index)),
            "tier": LEVEL_NAMES[::-1],
            "bar": seen.bars[::-1],
            "customers_n": [int((ranked == level).sum()) for level in range(len(LEVEL_NAMES))][
                ::-1
            ],
        }
    )


@dataclass(frozen=True)
class _Hand:
    position: int
    first: int
    last: int
    level: int


def _by_hand(overrides: Sequence[Override], history: History) -> list[_Hand]:
    # an earlier month can be made again though the customer of a later decision is not known yet
    last = str(Month.at(history.months[-1].index))
    overrides = [o for o in overrides if o.first_month <= last]
    if not overrides:
        return []
    ids = {customer: i for i, customer in enumerate(history.customer_ids.to_pylist())}
    unknown = [o.customer_id for o in overrides if o.customer_id not in ids]
    if unknown:
        raise ParamsError(
            "An override names a customer that does not exist",
            where="overrides",
            got=", ".join(unknown[:5]),
            todo=did_you_mean(unknown[0], ids) or "Correct the id or remove the override.",
        )
    return [
        _Hand(
            ids[o.customer_id],
            Month.parse(o.first_month).index,
            Month.parse(o.last_month).index,
            level_of(o.tier),
        )
        for o in overrides
    ]


def _level_by_hand(hands: Sequence[_Hand], rows: MonthRows) -> Levels:
    level = np.full(len(rows), NO_LEVEL, dtype=np.int8)
    for hand in hands:
        if hand.first <= rows.index <= hand.last and hand.position < len(rows):
            level[hand.position] = hand.level
    return level
