"""What each tier gets, what it costs, and what it brings.

Cost to serve is what was recorded; the planned cost is what the service plan would cost for the
same customers, months, shipments and tickets. Both are counted by the tier in force in the
month, over the last twelve months.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from ..literature import printed
from ..months import YEAR, Month
from ..params import Profile, ServicePlan
from ..tables import TIERS

LARGE_CUSTOMER = printed("value-cost", "yuan_a_year")
"""Yuan of revenue a year: the bound in the claim `value-cost`."""
CLAIM_CURRENCY = "CNY"
CONFIDENCE = 0.95
SUMS = ("shipments_n", "tickets_n", "revenue", "shipment_cost", "margin", "cost_to_serve")
"""Columns of the panel that are added up."""


@dataclass(frozen=True)
class Claim:
    """What the literature prints of one group of customers; fractions, None where it is silent."""

    id: str
    share_of_customers: float | None = None
    share_of_cost: float | None = None
    share_of_profit: float | None = None


CLAIMS: dict[tuple[str, str], Claim] = {
    ("yearly_revenue", "above_1_million"): Claim(
        "value-cost",
        share_of_cost=printed("value-cost", "cost"),
        share_of_profit=printed("value-cost", "profit"),
    ),
    **{
        ("abc", letter): Claim(
            "abc-shares",
            share_of_customers=printed("abc-shares", f"{letter.lower()}_customers"),
            share_of_profit=printed("abc-shares", letter.lower()),
        )
        for letter in "ABC"
    },
}


def tier_services(
    panel: ir.Table, tiers: ir.Table, scores: ir.Table, profile: Profile, as_of: Month
) -> pd.DataFrame:
    """Services, cost and profit by tier, beside the claims of the literature.

    Args:
        panel: `customer_months`.
        tiers: Tiers of `assign`.
        scores: What `score` returned.
        profile: Its service plan and currency.
        as_of: Last of the twelve months.

    Returns:
        One row a group: grouping (`tier`; `abc`; `yearly_revenue`: above and below one million
        yuan, only where the profile counts in yuan, knows twelve months and scores windows of
        twelve), group (`all`: the whole), months_n (of the window), customers_n (mean over months
        of those that shipped in their own trailing window), share_of_customers, shipments_n,
        tickets_n, revenue, shipment_cost, cost_to_serve (recorded), planned_cost (by the service
        plan; null without one), cost (shipments and service), profit (margin − cost to serve),
        share_of_cost and share_of_profit with 95 % limits (`_low`, `_high`: of customers like
        these; null where the total is not above zero; a group that loses money has a share of
        profit below 0, and the others then more than 1), cost_per_shipment (shipment and service),
        service_cost_per_shipment, services (names in the plan, joined by commas), claim,
        claimed_share_of_customers, _cost and _profit. Amounts in the profile's currency. What is
        not recorded is null; profit is the margin alone where no cost to serve is recorded.
    """
    window = _window(panel, tiers, scores, profile.services, as_of)
    months_n = int(window.month.nunique().execute())
    yearly = months_n == YEAR and profile.value.window_months == YEAR
    whole = yearly and profile.money.currency == CLAIM_CURRENCY
    groupings = {"tier": window.tier, "abc": window.abc_class}
    if whole:
        above = ibis.ifelse(window.revenue_year > LARGE_CUSTOMER, "above", "below")
        groupings["yearly_revenue"] = above + "_1_million"
    told = [
        _grouped(window.mutate(group=column), months_n).assign(grouping=name)
        for name, column in groupings.items()
    ]
    frame = pd.concat(told, ignore_index=True)
    return _claimed(_named(frame, profile.services))[list(COLUMNS)]


COLUMNS = (
    *("grouping", "group", "months_n", "customers_n", "share_of_customers"),
    *("shipments_n", "tickets_n", "revenue", "shipment_cost", "cost_to_serve", "planned_cost"),
    *("cost", "profit", "share_of_cost", "share_of_cost_low", "share_of_cost_high"),
    *("share_of_profit", "share_of_profit_low", "share_of_profit_high"),
    *("cost_per_shipment", "service_cost_per_shipment", "services", "claim"),
    *("claimed_share_of_customers", "claimed_share_of_cost", "claimed_share_of_profit"),
)
ORDER = (*TIERS, "all", "above_1_million", "below_1_million", "A", "B", "C")


def _window(
    panel: ir.Table, tiers: ir.Table, scores: ir.Table, plan: ServicePlan | None, as_of: Month
) -> ir.Table:
    """One row a customer and month of the window, of those that shipped in their own window."""
    since, until = str(as_of.shifted(1 - YEAR)), str(as_of)
    months = panel.filter(panel.month.between(since, until))
    months = months.select("customer_id", "month", *SUMS)
    held = tiers.filter(tiers.month.between(since, until)).select("customer_id", "month", "tier")
    counted = scores.filter(scores.month.between(since, until), scores.frequency > 0)
    counted = counted.select("customer_id", "month")
    last = scores.filter(scores.month == until)
    last = last.select("customer_id", "abc_class", revenue_year="revenue_window")
    joined = months.join(counted, ["customer_id", "month"]).join(held, ["customer_id", "month"])
    joined = joined.left_join(last, "customer_id").drop("customer_id_right")
    return joined.mutate(planned_cost=planned_cost(joined, plan))


def planned_cost(months: ir.Table, plan: ServicePlan | None) -> ir.FloatingValue:
    """What the service plan costs in a month: null without a plan.

    Args:
        months: Rows with tier, shipments_n, tickets_n and revenue of the month.
        plan: The service plan.
    """
    if plan is None:
        return ibis.null("float64")
    amounts = {
        ("month", False): ibis.literal(1.0),
        ("month", True): (months.shipments_n > 0).cast("float64"),
        ("shipment", False): months.shipments_n.cast("float64"),
        ("revenue", False): months.revenue.fill_null(0.0),
        ("ticket", False): months.tickets_n.fill_null(0).cast("float64"),
    }
    cost = ibis.literal(0.0)
    for (per, active_only), amount in amounts.items():
        rates = {tier: _rate(plan, tier, per, active_only=active_only) for tier in TIERS}
        if any(rates.values()):
            cost = cost + months.tier.cases(*rates.items(), else_=0.0) * amount
    return cost


def _rate(plan: ServicePlan, tier: str, per: str, *, active_only: bool) -> float:
    services = [plan.offered[name] for name in plan.tiers.get(tier, ())]  # type: ignore[call-overload]
    return sum(
        s.cost
        for s in services
        if s.per == per and (per != "month" or s.active_only == active_only)
    )


def _grouped(window: ir.Table, months_n: int) -> pd.DataFrame:
    """One row a group of `window.group`, and `all`; customers without one are left out."""
    known = window.filter(window.group.notnull())
    # A sum of integers is wider than an integer to the engine: with nulls it would become objects.
    sums = {name: known[name].sum().cast("float64") for name in (*SUMS, "planned_cost")}
    by_customer = known.group_by("customer_id", "group").aggregate(months=known.count(), **sums)
    frame = by_customer.execute()
    frame["cost"] = frame["shipment_cost"] + frame["cost_to_serve"].fillna(0.0)
    frame["profit"] = frame["margin"] - frame["cost_to_serve"].fillna(0.0)
    summed = frame.groupby("group")[[*SUMS, "planned_cost", "cost", "profit", "months"]].sum(
        min_count=1
    )
    every = frame[summed.columns].sum(min_count=1).to_frame("all").T
    table = pd.concat([summed, every]).rename_axis("group").reset_index()
    for name in ("cost", "profit"):
        table = table.merge(_shares(frame, name), on="group", how="left")
    shipments = table["shipments_n"].where(table["shipments_n"] > 0)
    return table.assign(
        months_n=months_n,
        customers_n=table["months"] / max(months_n, 1),
        share_of_customers=table["months"] / max(frame["months"].sum(), 1),
        cost_per_shipment=table["cost"] / shipments,
        service_cost_per_shipment=table["cost_to_serve"] / shipments,
    )


def _shares(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Each group's share of the total, with limits: a ratio of sums over customers.

    Costs are not below zero, so neither is a share of them, nor above 1; a loss is below zero.
    """
    least, most = (0.0, 1.0) if name == "cost" else (-np.inf, np.inf)
    total_by_customer = frame.groupby("customer_id")[name].sum(min_count=1)
    total, n = total_by_customer.sum(), total_by_customer.count()
    rows = []
    for group, part in frame.groupby("group"):
        if not total > 0:
            continue
        own = part.groupby("customer_id")[name].sum().reindex(total_by_customer.index).fillna(0.0)
        share = own.sum() / total
        residual = (own - share * total_by_customer.fillna(0.0)).to_numpy()
        spread = float(np.sqrt((residual**2).sum() * n / max(n - 1, 1))) / total
        half = stats.t.ppf((1 + CONFIDENCE) / 2, max(n - 1, 1)) * spread
        rows.append((group, share, max(share - half, least), min(share + half, most)))
    shown = f"share_of_{name}"
    return pd.DataFrame(rows, columns=["group", shown, f"{shown}_low", f"{shown}_high"]).astype(
        {"group": "str"}
    )


def _named(frame: pd.DataFrame, plan: ServicePlan | None) -> pd.DataFrame:
    """Ordered, without `all` but once, and with the services of each tier."""
    kept = frame[(frame["group"] != "all") | (frame["grouping"] == "tier")]
    place = kept["group"].map({group: rank for rank, group in enumerate(ORDER)})
    ordered = kept.assign(place=place).sort_values(["place"], ignore_index=True)
    names = {tier: ",".join(given) for tier, given in plan.tiers.items()} if plan else {}
    services = ordered["group"].map(names).astype("str").where(ordered["grouping"] == "tier")
    return ordered.assign(services=services)


def _claimed(frame: pd.DataFrame) -> pd.DataFrame:
    claims = [
        CLAIMS.get((grouping, group), Claim(""))
        for grouping, group in zip(frame["grouping"], frame["group"], strict=True)
    ]
    claimed = {
        f"claimed_{name}": pd.Series([getattr(c, name) for c in claims], dtype="float64")
        for name in ("share_of_customers", "share_of_cost", "share_of_profit")
    }
    return frame.assign(claim=pd.Series([c.id or None for c in claims], dtype="str"), **claimed)
