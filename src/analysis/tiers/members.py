"""The tier of a group, shared by its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..errors import ParamsError
from ..params import Override
from ..tables import check
from .codes import Reason
from .groups import Groups
from .tiering import Tiering

NEW = Reason.NEW_CUSTOMER.name.lower()


def shared(tiering: Tiering, groups: Groups, scores: ir.Table) -> Tiering:
    """Each member with its group's tier, and its own row of each of the group's moves.

    A member's first month has no previous tier; in a group that existed before, its reason is
    that it is new.

    Args:
        tiering: Of the groups.
        groups: Who belongs to whom.
        scores: What `score` returned of the customers: which months each of them has.
    """
    months = scores.select("customer_id", "month", member_months="months_n")
    own = months.filter(months.month <= str(tiering.as_of))
    owned = own.left_join(groups.members, "customer_id").drop("customer_id_right")
    owned = owned.mutate(owner=ibis.coalesce(owned.group_id, owned.customer_id))
    of_group = tiering.tiers.rename(owner="customer_id")
    joined = owned.join(of_group, ["owner", "month"])
    is_first = joined.member_months == 1
    joins = is_first & joined.previous_tier.notnull()
    tiers = joined.mutate(
        previous_tier=ibis.ifelse(is_first, None, joined.previous_tier),
        reason=ibis.ifelse(joins, NEW, joined.reason),
    ).drop("member_months", "owner", "group_id")
    known = owned.filter(owned.month == str(tiering.as_of), owned.member_months > 1)
    members = known.select("customer_id", "owner", "group_id").execute()
    return replace(tiering, tiers=check(tiers, "tiers"), moves=_moves(tiering.moves, members))


def _moves(moves: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """One row a member whose group moved or was held back; `group_id` null for lone customers."""
    told = moves.drop(columns="group_id").rename(columns={"customer_id": "owner"})
    listed = members.merge(told, on="owner").drop(columns="owner")
    order = ["moved", "revenue_window", "customer_id"]
    ordered = listed.sort_values(order, ascending=[False, False, True], ignore_index=True)
    return ordered.astype({"group_id": "str"})[moves.columns]


def overrides_of_groups(overrides: Sequence[Override], members: ir.Table) -> list[Override]:
    """The committee's overrides, each for the whole group of the customer it names.

    Raises:
        ParamsError: Two overrides of one group are in force at a time.
    """
    frame = members.execute()
    top = dict(zip(frame["customer_id"], frame["group_id"], strict=True))
    moved = [
        o.model_copy(update={"customer_id": top.get(o.customer_id, o.customer_id)})
        for o in overrides
    ]
    ordered = sorted(moved, key=lambda o: (o.customer_id, o.first_month))
    for one, following in pairwise(ordered):
        same = one.customer_id == following.customer_id
        if same and following.first_month <= one.last_month:
            raise ParamsError(
                "Two overrides of one group are in force at a time",
                where="overrides",
                got=one.customer_id,
                todo="Tiers are given to parents: keep one override for the whole group.",
            )
    return moved
