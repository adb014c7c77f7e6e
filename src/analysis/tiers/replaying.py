"""The same months again under other policies, side by side.

Panel and scores are read once; each policy then walks through all months from the first of the
data, as `assign` does, and the months from `first` on are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import ParamsError
from ..months import YEAR, Month
from ..params import Override, Profile, TierPolicy
from ..tables import TIERS, check
from .accuracy import accuracy, longest_wait
from .assigning import month_table, walked
from .groups import Groups, group_months, groups
from .hindsight import HindsightWatch
from .history import History, read_history
from .members import overrides_of_groups
from .rules import TierRules
from .services import planned_cost
from .summary import stability

VALUABLE = TIERS[:2]
"""Tiers whose share of profit is what a policy is judged by first."""


@dataclass(frozen=True)
class Replay:
    """What `replay` returns.

    Attributes:
        comparison: One row a policy: policy, level (customer or parent: who is counted),
            from_month, to_month, customer_years, moves_n, moves_per_customer_year,
            reversals_per_customer_year, the counts of `Hindsight`, planned_cost (of the service
            plan over these months; null without one), top_share_of_value (strategic and key
            customers' share of profit, or of revenue where no profit is known: `value`),
            next_period (months), accuracy_next_period, accuracy_after_a_year (null where that
            lies beyond the last month).
        by_tier: One row a policy and tier: policy, tier, customers_n (mean over months),
            share_of_customers, value (`margin` or `revenue`), share_of_value, planned_cost.
        accuracy: What `accuracy` returns, with the policy.
    """

    comparison: pd.DataFrame
    by_tier: pd.DataFrame
    accuracy: pd.DataFrame


@dataclass(frozen=True)
class _Ground:
    """Who is tiered: customers, or groups."""

    panel: ir.Table
    history: History
    overrides: Sequence[Override]


def replay(
    panel: ir.Table,
    scores: ir.Table,
    customers: ir.Table,
    policies: Mapping[str, TierPolicy],
    profile: Profile,
    as_of: Month,
    *,
    first: Month | None = None,
    overrides: Sequence[Override] = (),
) -> Replay:
    """Run all months again under each policy and compare them.

    Args:
        panel: `customer_months`.
        scores: What `score` returned.
        customers: Canonical `customers` (parents, for policies at their level).
        policies: Name → rules.
        profile: How value is measured, and the service plan.
        as_of: Last month.
        first: First month compared; by default the first with a year of data before it, or the
            second month where there is none.
        overrides: The committee's overrides, in force under every policy.

    Raises:
        ParamsError: `first` lies after `as_of` or before the second month of data, there is one
            month of data only, or a policy names a class that does not exist.
        CoverageError: There are no scores of `as_of`.
    """
    grounds = _grounds(panel, scores, customers, policies, profile, as_of, overrides)
    begin = next(iter(grounds.values())).history.months[0].index
    since = _first_compared(first, begin, as_of)
    told = [
        _played(name, policy, grounds[policy.level], profile, since, as_of)
        for name, policy in policies.items()
    ]
    frames = zip(*told, strict=True)
    comparison, by_tier, right = (pd.concat(list(parts), ignore_index=True) for parts in frames)
    return Replay(comparison, by_tier, right)


def _grounds(
    panel: ir.Table,
    scores: ir.Table,
    customers: ir.Table,
    policies: Mapping[str, TierPolicy],
    profile: Profile,
    as_of: Month,
    overrides: Sequence[Override],
) -> dict[str, _Ground]:
    made: dict[str, _Ground] = {}
    for level in dict.fromkeys(policy.level for policy in policies.values()):
        measures = {p.measure for p in policies.values() if p.level == level}
        if level == "customer":
            history = read_history(scores, as_of, sorted(measures))
            made[level] = _Ground(panel, history, overrides)
        else:
            rules = profile.model_copy(update={"tiers": TierPolicy(level="parent")})
            together = groups(panel, customers, rules, as_of)
            assert isinstance(together, Groups)
            history = read_history(together.scores, as_of, sorted(measures))
            of_groups = overrides_of_groups(overrides, together.members)
            made[level] = _Ground(group_months(panel, together.members), history, of_groups)
    return made


def _first_compared(first: Month | None, begin: int, as_of: Month) -> Month:
    """The first month compared; the first of the data has no month before it."""
    earliest, year_later = Month.at(begin + 1), Month.at(begin + YEAR)
    first = first or (year_later if year_later.index <= as_of.index else earliest)
    if not earliest.index <= first.index <= as_of.index:
        raise ParamsError(
            "There is nothing to compare from this month on",
            where="first month",
            got=str(first),
            allowed=f"{earliest} to {as_of}" if earliest.index <= as_of.index else None,
            todo="" if earliest.index <= as_of.index else f"Replay up to {earliest} or later.",
        )
    return first


def _played(
    name: str, policy: TierPolicy, ground: _Ground, profile: Profile, first: Month, as_of: Month
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One policy: its row of the comparison, its tiers, its accuracy."""
    history = ground.history.under(policy)
    watch = HindsightWatch(first.index)
    kept: list[pa.Table] = []
    rules = TierRules(policy, history.months[0].index)
    for seen, ruled in walked(history, rules, ground.overrides):
        watch.see(seen, ruled)
        kept.append(month_table(seen, ruled, history.customer_ids))
    tiers = check(ibis.memtable(pa.concat_tables(kept)), "tiers")
    by_tier = _by_tier(tiers, ground.panel, profile, first, as_of)
    right = accuracy(tiers, policy, as_of, first=first)
    row = {
        "policy": name,
        "level": policy.level,
        "from_month": str(first),
        "to_month": str(as_of),
        **_flips(tiers, first, as_of),
        **asdict(watch.counted()),
        "planned_cost": by_tier["planned_cost"].sum(min_count=1),
        "value": by_tier["value"].iloc[0],
        "top_share_of_value": by_tier.loc[by_tier["tier"].isin(VALUABLE), "share_of_value"].sum(
            min_count=1
        ),
        "next_period": longest_wait(policy),
        "accuracy_next_period": _accuracy_after(right, longest_wait(policy)),
        "accuracy_after_a_year": _accuracy_after(right, 12),
    }
    return pd.DataFrame([row]), by_tier.assign(policy=name), right.assign(policy=name)


def _flips(tiers: ir.Table, first: Month, as_of: Month) -> dict[str, float]:
    row = stability(tiers, as_of, first).iloc[0]
    names = ("customer_years", "moves_n", "moves_per_customer_year", "reversals_per_customer_year")
    return {name: float(row[name]) for name in names}


def _accuracy_after(right: pd.DataFrame, months: int) -> float:
    found = right.loc[right["months_ahead"] == months, "accuracy"]
    return float(found.iloc[0]) if len(found) else np.nan


def _by_tier(
    tiers: ir.Table, panel: ir.Table, profile: Profile, first: Month, as_of: Month
) -> pd.DataFrame:
    """One row a tier; those that shipped in their window count."""
    held = tiers.filter(tiers.month.between(str(first), str(as_of)), tiers.score > 0)
    months = panel.select("customer_id", "month", "shipments_n", "tickets_n", "revenue", "margin")
    joined = held.select("customer_id", "month", "tier").join(months, ["customer_id", "month"])
    joined = joined.mutate(planned_cost=planned_cost(joined, profile.services))
    summed = joined.group_by("tier").aggregate(
        months=lambda t: t.count(),
        revenue=lambda t: t.revenue.sum(),
        margin=lambda t: t.margin.sum(),
        planned_cost=lambda t: t.planned_cost.sum(),
    )
    frame = summed.execute().set_index("tier").reindex(list(TIERS)).rename_axis("tier")
    by = "margin" if frame["margin"].notna().any() else "revenue"
    counted = frame["months"].fillna(0)
    total = frame[by].sum(min_count=1)
    return pd.DataFrame(
        {
            "customers_n": counted / (as_of.months_since(first) + 1),
            "share_of_customers": counted / max(counted.sum(), 1),
            "value": by,
            "share_of_value": (frame[by] / total if total > 0 else frame[by] * np.nan),
            "planned_cost": frame["planned_cost"],
        }
    ).reset_index()
