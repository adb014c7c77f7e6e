"""Every move in one sentence, in either language, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..language import Language
from ..message import Message, Value
from ..months import YEAR
from ..params import TierPolicy

BOTH = (Language("zh"), Language("en"))

REASON_PHRASES: Mapping[str, str] = {
    "steady": "unchanged",
    "held": "move held back",
    "first_month": "first month of data",
    "new_customer": "new customer",
    "promoted": "earned a higher tier",
    "burst": "business burst",
    "demoted": "stayed below its tier",
    "burst_over": "provisional tier ended",
    "override": "decided by the committee",
    "override_over": "committee decision ended",
}
"""Code of a reason → phrase of the catalogue."""

HOLD_PHRASES: Mapping[str, str] = {
    "promote_after": "not above for long enough",
    "demote_after": "not below for long enough",
    "demote_margin": "close to the bar",
    "seasonal_protection": "seasonal protection",
    "burst": "provisional tier after a burst",
    "cap": "most moves of a month reached",
    "new_customer": "new customer",
    "not_reviewed": "no review in this month",
    "override": "decided by the committee",
}
"""Code of a rule that holds a move back → phrase of the catalogue."""

MEASURE_PHRASES: Mapping[str, str] = {
    "score": "value score",
    "revenue": "revenue of the window",
    "margin": "margin of the window",
    "abc": "ABC class",
    "rfm": "RFM group",
}
CLASS_PHRASES: Mapping[str, str] = {
    "A": "A",
    "B": "B",
    "C": "C",
    "high_frequency_high_value": "often and of high value",
    "high_frequency_low_value": "often and of low value",
    "low_frequency_high_value": "seldom and of high value",
    "low_frequency_low_value": "seldom and of low value",
    "dormant": "dormant",
}
"""Class → phrase of the catalogue; a class of other name is shown as it is."""

_MOVED: Mapping[str, str] = {
    "promoted": (
        "Moved up from {old} to {new}: {what} {value} has met the bar ({bar} now) for {months} "
        "months in a row."
    ),
    "burst": (
        "Moved up from {old} to {new}, provisionally until {until}: revenue of {revenue} this "
        "month against an expected {expected}."
    ),
    "demoted": (
        "Moved down from {old} to {new}: {what} {value} has stayed below what {old} needs "
        "({bar} now) for {months} months in a row."
    ),
    "burst_over": (
        "Moved down from {old} to {new}: the provisional tier has ended, and {what} {value} alone "
        "does not earn {old}."
    ),
    "override": (
        "Moved from {old} to {new} by the committee until {until} (approved by {who}): {why}."
    ),
    "override_over": "Moved from {old} to {new}: the committee's decision has ended.",
}
_MOVED_AT_ONCE: Mapping[str, str] = {
    "promoted": "Moved up from {old} to {new}: {what} {value} meets the bar of {bar} this month.",
    "demoted": (
        "Moved down from {old} to {new}: {what} {value} is below the {bar} that {old} needs."
    ),
}
_BURST_BY_SHIPMENTS = (
    "Moved up from {old} to {new}, provisionally until {until}: {shipments} shipments this month "
    "against an expected {expected_shipments}."
)
_HELD: Mapping[str, str] = {
    "promote_after": (
        "Stays {old} for now: {what} {value} has met the {new} bar ({bar} now) for {months} of "
        "the {promote_after} months needed."
    ),
    "demote_after": (
        "Stays {old} for now: {what} {value} has been below what {old} needs ({bar} now) for "
        "{months} of the {demote_after} months after which it moves down."
    ),
    "demote_margin": (
        "Stays {old}: {what} {value} alone would give {new}, but it is not below the {bar} at "
        "which months start to count."
    ),
    "seasonal_protection": (
        "Stays {old} in its off-season: shipments in the last {season_months} months: {recent}; "
        "in the same months last year: {last_year}."
    ),
    "burst": "Stays {old} until {until} after a burst; {what} {value} alone would give {new}.",
    "cap": (
        "Stays {old} because the month's cap on moves is reached; {what} {value} alone would give "
        "{new}."
    ),
    "new_customer": "Stays {old} as a new customer; {what} {value} alone would give {new}.",
    "not_reviewed": "Stays {old} until the next review; {what} {value} alone would give {new}.",
    "override": (
        "Stays {old} by the committee until {until} (approved by {who}): {why}; {what} {value} "
        "alone would give {new}."
    ),
}
_AFTER_SEASON = (
    "Stays {old} for now: {what} {value} is below the {bar} that {old} needs, but its off-season "
    "months do not count towards a move down."
)
_BY_CLASS: Mapping[str, str] = {
    "promoted": (
        "Moved up from {old} to {new}: its {what} earns {new} or more (now: {value}; months in a "
        "row: {months})."
    ),
    "demoted": (
        "Moved down from {old} to {new}: its {what} earns less than {old} (now: {value}; months "
        "in a row: {months})."
    ),
    "promote_after": (
        "Stays {old} for now: its {what} ({value}) has earned {new} for {months} of the "
        "{promote_after} months needed."
    ),
    "demote_after": (
        "Stays {old} for now: its {what} ({value}) has earned less than {old} for {months} of the "
        "{demote_after} months after which it moves down."
    ),
    "after_season": (
        "Stays {old} for now: its {what} ({value}) is less than {old} needs, but its off-season "
        "months do not count towards a move down."
    ),
}
"""What is said otherwise where the policy goes by classes: these have no bar."""
_BY_REVIEW: Mapping[str, str] = {
    "promoted": (
        "Moved up from {old} to {new}: {what} {value} has met the bar ({bar} now) in "
        "{promote_after} reviews in a row."
    ),
    "demoted": (
        "Moved down from {old} to {new}: {what} {value} has stayed below what {old} needs "
        "({bar} now) in {demote_after} reviews in a row."
    ),
    "promote_after": (
        "Stays {old} for now: {what} {value} meets the {new} bar ({bar} now), as it must in "
        "{promote_after} reviews in a row."
    ),
    "demote_after": (
        "Stays {old} for now: {what} {value} is below what {old} needs ({bar} now), which moves it "
        "down only after {demote_after} reviews in a row."
    ),
}
_BY_REVIEW_OF_CLASS: Mapping[str, str] = {
    "promoted": (
        "Moved up from {old} to {new}: its {what} (now: {value}) has earned {new} or more in "
        "{promote_after} reviews in a row."
    ),
    "demoted": (
        "Moved down from {old} to {new}: its {what} (now: {value}) has earned less than {old} in "
        "{demote_after} reviews in a row."
    ),
    "promote_after": (
        "Stays {old} for now: its {what} ({value}) earns {new}, as it must in {promote_after} "
        "reviews in a row."
    ),
    "demote_after": (
        "Stays {old} for now: its {what} ({value}) earns less than {old}, which moves it down "
        "only after {demote_after} reviews in a row."
    ),
}
"""What is said where tiers are not reviewed every month: months in a row decide nothing there."""
_IN_GROUP = "As part of the group {group}: {sentence}"
_NO_BAR = "Moved down from {old} to {new}: {what} {value} is no longer enough for {old}."

SENTENCES: tuple[str, ...] = (
    *_MOVED.values(),
    *_MOVED_AT_ONCE.values(),
    *_HELD.values(),
    *_BY_CLASS.values(),
    *_BY_REVIEW.values(),
    *_BY_REVIEW_OF_CLASS.values(),
    *(_IN_GROUP, _BURST_BY_SHIPMENTS, _AFTER_SEASON, _NO_BAR),
)
"""Every sentence that `explain` can say; a test holds that each exists in both languages."""


def explain(moves: pd.DataFrame, policy: TierPolicy, currency: str) -> list[Message]:
    """One sentence a row of `moves`, in the same order.

    Args:
        moves: What `assign` returned, or the table `moves` read back.
        policy: The rules it was assigned with.
        currency: ISO code of the profile's amounts.

    Returns:
        Messages, rendered in either language with `Message.in_`.
    """
    records: list[dict[str, Any]] = moves.to_dict("records")  # type: ignore[assignment]
    return [_sentence(move, policy, currency) for move in records]


def moves_in_words(moves: pd.DataFrame, policy: TierPolicy, currency: str) -> pd.DataFrame:
    """The sentences of `explain` in both languages.

    Args:
        moves: What `assign` returned, or the table `moves` read back.
        policy: The rules it was assigned with.
        currency: ISO code of the profile's amounts.

    Returns:
        One row a row of `moves`, in the same order: customer_id, from_tier, to_tier, moved, zh,
        en.
    """
    messages = explain(moves, policy, currency)
    told = {speak.code: [m.in_(speak) for m in messages] for speak in BOTH}
    return moves[["customer_id", "from_tier", "to_tier", "moved"]].assign(**told)


def _sentence(move: Mapping[str, Any], policy: TierPolicy, currency: str) -> Message:
    source = _source(move, policy)
    makers = _values(policy, currency)
    used = [name for name in makers if f"{{{name}}}" in source]
    told = Message(source, {name: makers[name](move) for name in used})
    group = move.get("group_id")
    if _is_missing(group):
        return told
    whole = {"group": Value("plain", group), "sentence": Value("message", told.to_json())}
    return Message(_IN_GROUP, whole)


def _source(move: Mapping[str, Any], policy: TierPolicy) -> str:
    by_class = policy.classes is not None
    by_review = _BY_REVIEW_OF_CLASS if by_class else _BY_REVIEW
    is_monthly = len(set(policy.review_months)) == YEAR
    if not move["moved"]:
        hold = move["held_back_by"]
        if hold in by_review and not is_monthly:
            return by_review[hold]
        after_season = hold == "seasonal_protection" and not move["is_off_season"]
        if by_class and (after_season or hold in _BY_CLASS):
            return _BY_CLASS["after_season" if after_season else hold]
        return _AFTER_SEASON if after_season else _HELD[hold]
    reason = move["reason"]
    if reason == "demoted" and not by_class and not np.isfinite(move["bar"]):
        return _NO_BAR
    reviews = {"promoted": policy.promote_after, "demoted": policy.demote_after}
    if not is_monthly and reviews.get(reason, 1) > 1:
        return by_review[reason]
    if by_class and reason in _BY_CLASS:
        return _BY_CLASS[reason]
    if reason == "burst" and _is_missing(move["revenue"]):
        return _BURST_BY_SHIPMENTS
    at_once = reason in _MOVED_AT_ONCE and move["months_running"] == 1
    return _MOVED_AT_ONCE[reason] if at_once else _MOVED[reason]


def _values(policy: TierPolicy, currency: str) -> dict[str, Callable[[Mapping[str, Any]], Value]]:
    season = policy.seasonal_protection

    def measure(value: float) -> Value:
        finite = None if _is_missing(value) or not np.isfinite(value) else float(value)
        if policy.measure == "score":
            return Value("number", finite, 1)
        return Value("money", finite, currency=currency)

    def count(value: Any, digits: int = 0) -> Value:
        return Value("number", None if _is_missing(value) else float(value), digits)

    return {
        "old": lambda m: Value("term", m["from_tier"]),
        "new": lambda m: Value("term", m["to_tier"]),
        "what": lambda _: Value("term", MEASURE_PHRASES[policy.measure]),
        "value": lambda m: measure(m["measure"]) if policy.classes is None else _class(m),
        "bar": lambda m: measure(m["bar"]),
        "months": lambda m: count(m["months_running"]),
        "until": lambda m: Value("month", m["until"]),
        "revenue": lambda m: Value("money", float(m["revenue"]), currency=currency),
        "expected": lambda m: Value("money", float(m["expected_revenue"]), currency=currency),
        "shipments": lambda m: count(m["shipments_n"]),
        "expected_shipments": lambda m: count(m["expected_revenue"], 1),
        "recent": lambda m: count(m["shipments_recent"]),
        "last_year": lambda m: count(m["shipments_last_year"]),
        "season_months": lambda _: count(season.months if season else None),
        "promote_after": lambda _: count(policy.promote_after),
        "demote_after": lambda _: count(policy.demote_after),
        "who": lambda m: Value("plain", m["approved_by"]),
        "why": lambda m: Value("plain", m["override_reason"]),
    }


def _class(move: Mapping[str, Any]) -> Value:
    name = move["measure_class"]
    if _is_missing(name):
        return Value("term", "none")
    phrase = CLASS_PHRASES.get(name)
    return Value("plain", name) if phrase is None or phrase == name else Value("term", phrase)


def _is_missing(value: Any) -> bool:
    return value is None or value != value
