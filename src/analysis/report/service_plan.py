"""What each tier gets, what that costs, and what it brings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import MISSING, Language
from ..tables import TIERS
from .block import Block, rendered
from .experiment_view import tier_name
from .inputs import Inputs

WHOLE = "all"
"""The row of every tier together."""
HIGHEST = TIERS[:2]
"""The tiers whose shares of cost and profit the first sentence tells."""
LOWEST = TIERS[-1]
"""The tier that is judged by its cost per shipment."""
OPTIONAL = ("services", "recorded", "planned", "a_shipment", "of_cost", "of_profit")
"""Columns that are left out where no row knows them."""


def service_plan(inputs: Inputs, language: Language) -> Block:
    """Services, their cost and the profit by tier, over the last twelve months."""
    rows, plan = tier_rows(inputs), inputs.profile.services
    if rows is None or (
        plan is None and rows[["cost", "profit"]].astype(float).fillna(0.0).eq(0.0).all(axis=None)
    ):
        return rendered("service_plan", language, exists=False, is_computed=rows is not None)
    return rendered(
        "service_plan",
        language,
        exists=True,
        lead=_lead(rows, language),
        table=_table(rows, inputs, language),
        has_plan=plan is not None and any(plan.tiers.values()),
        has_cost=bool(rows["cost_to_serve"].notna().any()),
        remarks=[told for told in (_against_plan(rows, inputs, language),
                                   _lowest(rows, inputs, language)) if told],
    )  # fmt: skip


def tier_rows(inputs: Inputs) -> pd.DataFrame | None:
    """The rows by tier with the whole as the last, indexed by tier; None without any."""
    frame = inputs.frame("tier_services")
    if frame is None:
        return None
    rows = frame[frame["grouping"] == "tier"].set_index("group")
    known = [name for name in (*TIERS, WHOLE) if name in rows.index]
    return rows.loc[known] if len(known) > 1 else None


def _lead(rows: pd.DataFrame, language: Language) -> str:
    """The shares of the highest tiers, as far as there are any."""
    held = rows.loc[[tier for tier in HIGHEST if tier in rows.index]]
    if held.empty or held[["share_of_cost", "share_of_profit"]].isna().any(axis=None):
        return ""
    shares = held[["share_of_customers", "share_of_cost", "share_of_profit"]].sum()
    return language.text(
        "{tiers} are {customers} of customers, {cost} of cost and {profit} of profit.",
        tiers=language.listed([tier_name(tier, language) for tier in held.index]),
        customers=language.percent(shares["share_of_customers"]),
        cost=language.percent(shares["share_of_cost"]),
        profit=language.percent(shares["share_of_profit"]),
    )


def _table(rows: pd.DataFrame, inputs: Inputs, language: Language) -> ReadingTable:
    shown = pd.DataFrame([_row(name, row, inputs, language) for name, row in rows.iterrows()])
    headings = {
        "tier": language.text("Tier"),
        "services": language.text("What it gets by the plan"),
        "customers": language.text("Customers", context="column"),
        "recorded": language.text("Cost to serve, recorded"),
        "planned": language.text("Cost to serve, by the plan"),
        "a_shipment": language.text("Cost to serve, per shipment"),
        "of_cost": language.text("Share of cost"),
        "of_profit": language.text("Share of profit (95% interval)"),
    }
    idle = [name for name in OPTIONAL if (shown[name] == MISSING).all()]
    headings = {name: told for name, told in headings.items() if name not in idle}
    return reading_table(
        shown,
        headings,
        caption=language.plural(
            "Services, cost and profit by tier, last month",
            "Services, cost and profit by tier, last {n} months",
            int(rows["months_n"].iloc[0]),
        ),
        numeric=[name for name in headings if name not in ("tier", "services")],
        stacks=True,
        key="services",
    )


def _row(name: Any, row: pd.Series, inputs: Inputs, language: Language) -> dict[str, str]:
    currency = inputs.profile.money.currency
    is_whole = name == WHOLE
    return {
        "tier": language.text("Total") if is_whole else tier_name(str(name), language),
        "services": _services(row, inputs, language),
        "customers": language.number(row["customers_n"]),
        "recorded": _amount(row["cost_to_serve"], currency, language),
        "planned": _amount(row["planned_cost"], currency, language),
        "a_shipment": _amount(row["service_cost_per_shipment"], currency, language),
        "of_cost": MISSING if is_whole else language.percent(row["share_of_cost"]),
        "of_profit": MISSING if is_whole else _share(row, language),
    }


def _services(row: pd.Series, inputs: Inputs, language: Language) -> str:
    """The titles of a tier's services, in the plan's order."""
    plan, given = inputs.profile.services, row["services"]
    if plan is None or pd.isna(given) or not given:
        return MISSING
    names = str(given).split(",")
    titles = [plan.offered[n].title.in_(language.code) for n in names if n in plan.offered]
    return language.text(", ", context="list").join(titles) or MISSING


def _amount(value: Any, currency: str, language: Language) -> str:
    return MISSING if pd.isna(value) else language.money(float(value), currency)


def _share(row: pd.Series, language: Language) -> str:
    if pd.isna(row["share_of_profit"]):
        return MISSING
    ends = ("share_of_profit", "share_of_profit_low", "share_of_profit_high")
    value, low, high = (language.percent(float(row[end])) for end in ends)
    between = language.text("{low} to {high}", low=low, high=high)
    return language.text("{effect} ({between})", effect=value, between=between)


def _against_plan(rows: pd.DataFrame, inputs: Inputs, language: Language) -> str:
    """Whether less or more was spent on service than the plan costs."""
    whole, currency = rows.loc[rows.index[-1]], inputs.profile.money.currency
    recorded, planned = whole["cost_to_serve"], whole["planned_cost"]
    if pd.isna(recorded) or pd.isna(planned) or not planned > 0:
        return ""
    return language.text(
        "Recorded: {recorded}; the plan would cost {planned} for the same customers, months, "
        "shipments and complaints, so {share} of it was spent.",
        recorded=language.money(float(recorded), currency),
        planned=language.money(float(planned), currency),
        share=language.percent(float(recorded) / float(planned), 0),
    )


def _lowest(rows: pd.DataFrame, inputs: Inputs, language: Language) -> str:
    """The cost per shipment by which the lowest tier is judged."""
    by_tier = {str(name): row["cost_per_shipment"] for name, row in rows.iterrows()}
    if pd.isna(by_tier.get(LOWEST)):
        return ""
    currency = inputs.profile.money.currency
    own, all_tiers = (
        language.money(float(by_tier[name]), currency) for name in (LOWEST, str(rows.index[-1]))
    )
    return language.text(
        "{tier} customers are judged by cost per shipment (transport and service): {own}, all "
        "tiers {all_tiers}.",
        tier=tier_name(LOWEST, language), own=own, all_tiers=all_tiers,
    )  # fmt: skip
