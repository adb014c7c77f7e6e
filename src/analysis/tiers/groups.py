"""Tiers at the level of the parent: a group earns one tier, and its members share it.

A group is the customer at the top of the chain of parents with everyone below it. What its
members do is added up month by month and scored like a customer's; the tier that it earns is
the tier of each member from the member's first month.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..months import Month
from ..panel import AMOUNT_DECIMALS
from ..params import Profile
from ..tables import CONTRACTS, check
from ..value import score

MOST_STEPS = 32
"""Doublings while following parents: chains of up to 2³² are followed to their end."""
WEIGHTS = {
    "delay_days_mean": "deliveries_n",
    "response_minutes_median": "responses_n",
    "nps_score": "answers_n",
    "csat_score": "answers_n",
}
"""Mean of the panel → the count it is weighted by when members are added up."""
EARLIEST = ("first_shipped_at",)
LARGEST = (
    "last_shipped_at",
    *("shipping_days_n", "services_n", "destinations_n", "cargo_types_n"),
)
"""Taken from the member that has most: kinds (and days) of several members may be the same."""
COMPUTED = ("customer_id", "month", "on_time_rate", "is_active")


@dataclass(frozen=True)
class Groups:
    """What `groups` returns.

    Attributes:
        members: One row a customer that belongs to a group of several: customer_id, group_id
            (the customer at the top).
        scores: What `score` returns, of the groups and of the customers that stand alone.
    """

    members: ir.Table
    scores: ir.Table


def groups(panel: ir.Table, customers: ir.Table, profile: Profile, as_of: Month) -> Groups | None:
    """Groups and their scores, where the policy tiers parents; None where it tiers customers.

    Parents are taken as the customer file has them now: it keeps no history of them.

    Args:
        panel: `customer_months`.
        customers: Canonical `customers`.
        profile: How value is measured, and at which level tiers are given.
        as_of: Last month.

    Example:
        >>> groups(panel, customers, profile, as_of) is None  # doctest: +SKIP
        True
    """
    if profile.tiers.level == "customer":
        return None
    members = members_of(customers)
    return Groups(members, score(group_months(panel, members), profile.value, as_of))


def members_of(customers: ir.Table) -> ir.Table:
    """Who belongs to whom: one row a customer of a group of several, customer_id and group_id.

    Chains of parents are followed to the top. Where parents point at each other in a circle, the
    smallest id of the circle is its top.
    """
    below = customers.filter(
        customers.parent_customer_id.notnull(),
        customers.parent_customer_id != customers.customer_id,
    )
    links = below.select("customer_id", "parent_customer_id").execute()
    tops = _tops(links["customer_id"].to_numpy(), links["parent_customer_id"].to_numpy())
    schema = {"customer_id": "string", "group_id": "string"}
    return ibis.memtable(tops, schema=ibis.schema(schema))


def _tops(child: np.ndarray, parent: np.ndarray) -> pd.DataFrame:
    """One row an id: customer_id, group_id. Both arguments have shape (links,)."""
    ids, place = np.unique(np.concatenate([child, parent]).astype(str), return_inverse=True)
    up = np.arange(len(ids))
    up[place[: len(child)]] = place[len(child) :]
    first, smallest = up.copy(), np.minimum(np.arange(len(ids)), up)
    for _ in range(MOST_STEPS):  # pointer doubling: each step sees twice as far up
        smallest = np.minimum(smallest, smallest[up])
        up = up[up]
    top = np.where(first[up] == up, up, smallest[up])
    return pd.DataFrame({"customer_id": ids, "group_id": ids[top]})


def group_months(panel: ir.Table, members: ir.Table) -> ir.Table:
    """The panel of the groups: one row a group (or lone customer) and month.

    Counts and amounts are added up, means weighted by what they are means of; of different
    services, destinations, kinds of cargo and days the member with most counts.

    Args:
        panel: `customer_months`.
        members: What `members_of` returned.

    Returns:
        As the contract `customer_months` says, with the group's id in `customer_id`.
    """
    joined = panel.left_join(members, "customer_id").drop("customer_id_right")
    mapped = joined.mutate(owner=ibis.coalesce(joined.group_id, joined.customer_id))
    summed = mapped.group_by(customer_id="owner", month="month").aggregate(**_added(mapped))
    return check(
        summed.mutate(
            on_time_rate=summed.on_time_n / summed.promised_n.nullif(0),
            is_active=summed.shipments_n > 0,
        ),
        "customer_months",
    )


def _added(mapped: ir.Table) -> dict[str, ir.Scalar]:
    return {
        name: _together(mapped, name)
        for name in CONTRACTS["customer_months"].columns
        if name not in COMPUTED
    }


def _together(mapped: ir.Table, name: str) -> ir.Scalar:
    """One column of the members' rows of a month."""
    column = mapped[name]
    if name in WEIGHTS:
        weight = mapped[WEIGHTS[name]].cast("float64")
        total = (column * weight).sum(where=column.notnull())
        whole = weight.sum(where=column.notnull()).nullif(0)
        return (total / whole).round(AMOUNT_DECIMALS)
    if name in EARLIEST:
        return column.min()
    if name in LARGEST:
        return column.max()
    return column.sum() if column.type().is_integer() else column.sum().round(AMOUNT_DECIMALS)
