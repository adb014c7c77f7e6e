"""Customers who should hear from their account manager this month, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..message import Message, Value
from ..months import YEAR, Month, index_of_text
from ..panel import churn_window
from ..params import SeasonalProtection, TierPolicy
from .words import BOTH

DAYS_A_MONTH = 365.25 / 12
RECENT_MONTHS = 3
"""Months held against the customer's own pace before them."""

CALL_PHRASES: Mapping[str, str] = {
    "at_risk": "silent for longer than usual",
    "likely_lost": "likely to be lost",
    "demoted": "just moved down",
    "slowing": "ships much less than usual",
    "burst": "business burst",
}
"""Why a customer is called, the most urgent first → phrase of the catalogue."""


def calls(
    tiers: ir.Table,
    scores: ir.Table,
    moves: pd.DataFrame,
    policy: TierPolicy,
    as_of: Month,
    risks: pd.DataFrame | None = None,
    clock: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Customers to call, each for the most urgent reason.

    Valuable customers silent for longer than their own rhythm explains (at_risk) or shipping
    much less than usual (slowing), unless it is their off-season; valuable customers that a
    forecast expects to lose (likely_lost); customers that just lost a valuable tier (demoted);
    customers in a burst (burst).

    Args:
        tiers: Tiers of `assign`.
        scores: What `score` returned.
        moves: Moves of `assign`.
        policy: The rules it was assigned with.
        as_of: The month.
        risks: Where churn is forecast: customer_id and risk (0-1) of each customer.
        clock: The churn clock, as `churn_risk` tells it; without it silence is counted on the
            wall, closed days and off-season included.

    Returns:
        One row a customer: customer_id, month, tier, why, risk (null where none is forecast),
        revenue_window, margin_window, months_silent (whole months since the last shipment),
        recency_days, silent_days (by the churn clock), usual_gap_days (mean days between
        shipments before the silence), silent_after_days (silence that is no longer usual, by the
        clock), shipments_recent (last three months), shipments_expected (of them, by the pace
        before), revenue and expected_revenue (of a burst's month). Ordered by reason, then by
        window revenue, then by customer.
    """
    month = str(as_of)
    rhythm = _by_the_clock(_rhythm(scores, policy, as_of), clock)
    now = tiers.filter(tiers.month == month).select("customer_id", "tier")
    listed = now.join(rhythm, "customer_id").join(_moved(moves), "customer_id", how="left")
    listed = listed.drop("customer_id_right").left_join(_risks(risks), "customer_id")
    reasoned = listed.mutate(why=_why(listed, policy)).filter(lambda t: t.why.notnull())
    frame = reasoned.mutate(
        month=ibis.literal(month),
        months_silent=(listed.recency_days / DAYS_A_MONTH).floor().cast("int32"),
    )[list(_COLUMNS)].execute()
    urgency = frame["why"].map({why: place for place, why in enumerate(CALL_PHRASES)})
    order = ["urgency", "revenue_window", "customer_id"]
    ordered = frame.assign(urgency=urgency).sort_values(order, ascending=[True, False, True])
    return ordered.drop(columns="urgency").reset_index(drop=True)


_COLUMNS = (
    *("customer_id", "month", "tier", "why", "risk", "revenue_window", "margin_window"),
    *("months_silent", "recency_days", "silent_days", "usual_gap_days", "silent_after_days"),
    *("shipments_recent", "shipments_expected", "revenue", "expected_revenue"),
)


def _rhythm(scores: ir.Table, policy: TierPolicy, as_of: Month) -> ir.Table:
    """One row a customer that shipped in the last year: how it usually ships, and lately."""
    age = as_of.index - index_of_text(scores.month)
    season = policy.seasonal_protection or SeasonalProtection()
    known = scores.mutate(age=age).filter(lambda t: t.age >= 0)
    shipped = known.shipments_n
    in_year, is_recent = known.age < YEAR, known.age < RECENT_MONTHS
    now = known.age == 0
    summed = known.group_by("customer_id").aggregate(
        year=shipped.sum(where=in_year),
        shipments_recent=shipped.sum(where=is_recent),
        before=shipped.sum(where=in_year & ~is_recent),
        months_before=(in_year & ~is_recent).sum(),
        same=shipped.sum(where=known.age < season.months),
        last_year=shipped.sum(where=(known.age >= YEAR) & (known.age < YEAR + season.months)),
        first_age=known.age.max(where=shipped > 0),
        first_age_in_year=known.age.max(where=(shipped > 0) & in_year),
        **{name: known[name].max(where=now) for name in _OF_THE_MONTH},
    )
    shipping = summed.filter(summed.year > 0)
    active_days = (shipping.first_age_in_year + 1) * DAYS_A_MONTH - shipping.recency_days
    gap = (active_days / shipping.year).clip(lower=1.0)
    usual = shipping.year / YEAR * season.months * season.quiet_below
    return shipping.mutate(
        usual_gap_days=gap,
        silent_after_days=churn_window(gap),
        shipments_expected=shipping.before / shipping.months_before.nullif(0) * RECENT_MONTHS,
        is_off_season=(shipping.same < usual)
        & (shipping.last_year < usual)
        & (shipping.first_age >= YEAR + season.months)
        & (policy.seasonal_protection is not None),
    )


def _by_the_clock(rhythm: ir.Table, clock: pd.DataFrame | None) -> ir.Table:
    """The rhythm with silence and window of the churn clock; by the wall where it tells nothing."""
    names = {"silent_days": "silent", "gap_days": "gap", "window_days": "window"}
    schema = {"clock_id": "string", **dict.fromkeys(names.values(), "float64")}
    told = pd.DataFrame(columns=list(schema))
    if clock is not None:
        told = clock.rename(columns={"customer_id": "clock_id", **names})[list(schema)]
    ticked = ibis.memtable(told.reset_index(drop=True), schema=schema)
    joined = rhythm.left_join(ticked, rhythm.customer_id == ticked.clock_id)
    return joined.mutate(
        silent_days=ibis.coalesce(joined.silent, joined.recency_days.cast("float64")),
        usual_gap_days=ibis.coalesce(joined.gap, joined.usual_gap_days),
        silent_after_days=ibis.coalesce(joined.window, joined.silent_after_days),
    ).drop(*schema)


_OF_THE_MONTH = ("recency_days", "revenue", "revenue_window", "margin_window")


def _moved(moves: pd.DataFrame) -> ir.Table:
    """The as-of month's demotions and bursts, one row a customer."""
    wanted = moves["moved"] & moves["reason"].isin(["demoted", "burst_over", "burst"])
    kept = moves.loc[wanted, ["customer_id", "from_tier", "reason", "expected_revenue"]]
    schema = ibis.schema(
        {
            "customer_id": "string",
            "from_tier": "string",
            "reason": "string",
            "expected_revenue": "float64",
        }
    )
    return ibis.memtable(kept, schema=schema)


def _risks(risks: pd.DataFrame | None) -> ir.Table:
    """Forecasts, one row a customer; none where nothing is forecast."""
    schema = ibis.schema({"customer_id": "string", "risk": "float64"})
    kept = pd.DataFrame(columns=schema.names) if risks is None else risks[list(schema.names)]
    return ibis.memtable(kept.reset_index(drop=True), schema=schema)


def _why(listed: ir.Table, policy: TierPolicy) -> ir.Value:
    rules = policy.calls
    valuable = listed.tier.isin(rules.valuable_tiers)
    short = listed.shipments_expected - rules.noise_sds * listed.shipments_expected.sqrt()
    slowing = (listed.shipments_recent < rules.slowing_below * listed.shipments_expected) & (
        listed.shipments_recent < short
    )
    fell = listed.reason.isin(["demoted", "burst_over"])
    return ibis.cases(
        (valuable & (listed.silent_days > listed.silent_after_days) & ~listed.is_off_season,
         "at_risk"),
        (valuable & (listed.risk >= rules.risk_at_least), "likely_lost"),
        (fell & listed.from_tier.isin(rules.valuable_tiers), "demoted"),
        (valuable & slowing & ~listed.is_off_season, "slowing"),
        (listed.reason == "burst", "burst"),
        else_=None,
    )  # fmt: skip


CALL_SENTENCES: Mapping[str, str] = {
    "at_risk": (
        "Silent for {silent} days; ships every {gap} days on average, and {limit} days would be "
        "unusual."
    ),
    "likely_lost": "Forecast to be lost with a chance of {risk}; silent for {silent} days now.",
    "slowing": "{recent} shipments in the last three months against {expected} by its own pace.",
    "demoted": "Just moved down to {tier}; {recent} shipments in the last three months.",
    "burst": "Revenue of {revenue} this month against an expected {expected_revenue}.",
}


def explain_calls(listed: pd.DataFrame, currency: str) -> list[Message]:
    """One sentence a row of `calls`, in the same order.

    Args:
        listed: What `calls` returned, or the table read back.
        currency: ISO code of the profile's amounts.
    """
    records: list[dict[str, Any]] = listed.to_dict("records")  # type: ignore[assignment]
    return [_sentence(call, currency) for call in records]


def calls_in_words(listed: pd.DataFrame, currency: str) -> pd.DataFrame:
    """The sentences of `explain_calls` in both languages.

    Args:
        listed: What `calls` returned, or the table read back.
        currency: ISO code of the profile's amounts.

    Returns:
        One row a row of `calls`, in the same order: customer_id, tier, why, zh, en.
    """
    messages = explain_calls(listed, currency)
    told = {speak.code: [m.in_(speak) for m in messages] for speak in BOTH}
    return listed[["customer_id", "tier", "why"]].assign(**told)


def _known(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _sentence(call: Mapping[str, Any], currency: str) -> Message:
    def number(name: str, digits: int = 0) -> Value:
        value = call[name]
        missing = value is None or math.isnan(value)
        return Value("number", None if missing else float(value), digits)

    # held against the window, silence goes by the clock, else by the wall
    by_clock = call["why"] == "at_risk" and "silent_days" in call
    values = {
        "silent": number("silent_days" if by_clock else "recency_days"),
        "gap": number("usual_gap_days", 1),
        "limit": number("silent_after_days"),
        "recent": number("shipments_recent"),
        "expected": number("shipments_expected"),
        "risk": Value("percent", _known(call.get("risk"))),
        "tier": Value("term", call["tier"]),
        "revenue": Value("money", call["revenue"], currency=currency),
        "expected_revenue": Value("money", call["expected_revenue"], currency=currency),
    }
    source = CALL_SENTENCES[call["why"]]
    return Message(source, {k: v for k, v in values.items() if f"{{{k}}}" in source})
