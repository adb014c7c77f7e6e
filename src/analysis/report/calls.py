"""The customers to call this month: at risk, just moved down, slowing, or in a burst."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import Language
from ..tiers import CALL_PHRASES, explain_calls
from .block import Block, as_heading, rendered
from .experiment_view import tier_name
from .inputs import Inputs

MOST_CALLS = 6
"""Customers to call that the report lists for each reason; the month's table has all."""


def customers_to_call(inputs: Inputs, language: Language) -> Block:
    """The customers to call this month; ids only, unless the profile shows names."""
    calls = inputs.frame("calls")
    if calls is None:
        exists = inputs.tier_counts is not None
        return rendered("calls", language, table=None, lead="", exists=exists, more=0)
    n = len(calls)
    sizes = _sizes(calls)
    listed = calls.groupby("why", sort=False).head(MOST_CALLS)
    return rendered(
        "calls",
        language,
        table=_calls_table(listed, sizes, inputs, language),
        lead=calls_told(inputs, language, with_reasons=True),
        exists=True,
        more=n - len(listed),
    )


def calls_told(inputs: Inputs, language: Language, *, with_reasons: bool = False) -> str:
    """How many customers to call, and for which reasons; empty where there are none."""
    calls = inputs.frame("calls")
    if calls is None:
        return ""
    told = language.plural(
        "{n} customer should hear from its account manager this month.",
        "{n} customers should hear from their account managers this month.",
        len(calls),
    )
    if not with_reasons:
        return told
    sizes = _sizes(calls)
    reasons = [
        language.text("{why} ({n})", why=language.text(CALL_PHRASES.get(why, why)),
                      n=language.number(sizes[why]))
        for why in sorted(sizes, key=_urgency)
    ]  # fmt: skip
    listed = language.text(", ", context="list").join(reasons)
    return language.text("{told} Why: {reasons}.", told=told, reasons=listed)


def _sizes(calls: pd.DataFrame) -> dict[str, int]:
    """Reason → how many customers are to be called for it."""
    return {str(why): int(n) for why, n in calls["why"].value_counts().items()}


def _why(code: str, sizes: Mapping[str, int], language: Language) -> str:
    """The reason that heads a group of calls, with how many there are in all."""
    phrase = as_heading(language.text(CALL_PHRASES.get(code, code)))
    return language.text("{why}: {n}", why=phrase, n=language.number(sizes[code]))


def _urgency(why: str) -> int:
    """Place of a reason: the most urgent first, unknown ones last."""
    return list(CALL_PHRASES).index(why) if why in CALL_PHRASES else len(CALL_PHRASES)


def _calls_table(
    calls: pd.DataFrame, sizes: Mapping[str, int], inputs: Inputs, language: Language
) -> ReadingTable:
    currency = inputs.profile.money.currency
    calls = calls.sort_values("why", key=lambda whys: whys.map(_urgency), kind="stable")
    rows = [
        {
            "customer": _customer(str(row["customer_id"]), inputs),
            "tier": tier_name(str(row["tier"]), language),
            "why": _why(str(row["why"]), sizes, language),
            "told": sentence.in_(language),
            "revenue": language.money(row["revenue_window"], currency),
            "margin": language.money(row["margin_window"], currency),
        }
        for (_, row), sentence in zip(calls.iterrows(), explain_calls(calls, currency), strict=True)
    ]
    headings = {
        "customer": language.text("Customer"),
        "tier": language.text("Tier"),
        "told": language.text("In detail"),
        "revenue": language.text("Revenue, {n} months", n=inputs.profile.value.window_months),
        "margin": language.text("Margin"),
    }
    amounts = {"revenue": "revenue_window", "margin": "margin_window"}
    empty = {key for key, column in amounts.items() if calls[column].isna().all()}
    kept = {key: heading for key, heading in headings.items() if key not in empty}
    return reading_table(
        pd.DataFrame(rows),
        kept,
        caption=language.text("Customers to call this month"),
        numeric=[key for key in amounts if key in kept],
        group="why",
        stacks=True,
        key="calls",
    )


def _customer(customer_id: str, inputs: Inputs) -> str:
    name = inputs.names.get(customer_id)
    return f"{customer_id} {name}" if name else customer_id
