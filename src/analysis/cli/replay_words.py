"""What a replay found, in words: figures down the page, policies across it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..language import Language
from ..literature import printed
from ..message import Message, Value
from ..tables import TIERS
from ..tiers import Replay

Row = Mapping[str, Any]
_OF = "{part} of {whole}"


@dataclass(frozen=True)
class Reading:
    """One table in one language.

    Attributes:
        title: Its heading.
        headings: First that of the figures, then one a policy.
        rows: Cells as they are shown.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def readings(
    found: Replay, titles: Mapping[str, Mapping[str, str]], currency: str, language: Language
) -> tuple[Reading, ...]:
    """The comparison, and what each tier holds.

    Args:
        found: What `replay` returned.
        titles: Policy → language → what readers call it.
        currency: ISO code of the profile's amounts.
        language: The reader's.
    """
    rows: list[dict[str, Any]] = found.comparison.to_dict("records")  # type: ignore[assignment]
    names = tuple(titles[row["policy"]][language.code] for row in rows)
    first, last = (language.month(rows[0][key]) for key in ("from_month", "to_month"))
    months = language.text("{first} to {last}", first=first, last=last)
    claimed = Value("percent", printed("tier-accuracy-89", "accuracy")).shown(language)
    lines = tuple(
        (
            language.text(label, claimed=claimed),
            *(make(row, currency).in_(language) for row in rows),
        )
        for label, make in FIGURES.items()
    )
    heading = language.text("Figure")
    figures = Reading(
        language.text("Policies compared, {months}", months=months), (heading, *names), lines
    )
    return (figures, *_by_tier(found.by_tier, rows, names, currency, language))


def _by_tier(
    by_tier: pd.DataFrame,
    rows: list[dict[str, Any]],
    names: tuple[str, ...],
    currency: str,
    language: Language,
) -> tuple[Reading, ...]:
    held = by_tier.set_index(["policy", "tier"])
    by = by_tier["value"].iloc[0]
    shown: dict[str, tuple[str, Callable[[float], Value]]] = {
        "share_of_customers": ("Share of customers by tier", _percent),
        "share_of_value": (
            "Profit by tier" if by == "margin" else "Revenue by tier",
            _percent,
        ),
        "planned_cost": ("Planned service cost by tier", lambda v: _money(v, currency)),
    }
    return tuple(
        Reading(
            language.text(title),
            (language.text("Tier"), *names),
            tuple(
                (
                    language.text(tier),
                    *(make(held.loc[(r["policy"], tier), column]).shown(language) for r in rows),
                )
                for tier in TIERS
            ),
        )
        for column, (title, make) in shown.items()
        if held[column].notna().any()
    )


def _percent(value: float) -> Value:
    return Value("percent", None if pd.isna(value) else float(value), 1)


def _money(value: float, currency: str) -> Value:
    return Value("money", None if pd.isna(value) else float(value), currency=currency)


def _number(value: float, digits: int = 0) -> Value:
    return Value("number", None if pd.isna(value) else float(value), digits)


def _plain(value: Value) -> Message:
    return Message("{value}", {"value": value})


def _part(part: str, whole: str) -> Callable[[Row, str], Message]:
    def told(row: Row, _: str) -> Message:
        if not row[whole]:
            return _plain(_number(math.nan))
        return Message(_OF, {"part": _number(row[part]), "whole": _number(row[whole])})

    return told


def _one(name: str, make: Callable[[float], Value]) -> Callable[[Row, str], Message]:
    return lambda row, _: _plain(make(row[name]))


def _right(row: Row, _: str) -> Message:
    values = {"share": _percent(row["accuracy_next_period"]), "n": _number(row["next_period"])}
    return Message("{share} (months later: {n})", values)


def _valuable(row: Row, _: str) -> Message:
    source = "{share} of profit" if row["value"] == "margin" else "{share} of revenue"
    return Message(source, {"share": _percent(row["top_share_of_value"])})


FIGURES: Mapping[str, Callable[[Row, str], Message]] = {
    "Moves per customer and year": _one("moves_per_customer_year", lambda v: _number(v, 2)),
    "Moves undone within six months, per customer and year": _one(
        "reversals_per_customer_year", lambda v: _number(v, 2)
    ),
    "Customers protected in their off-season": _one("protected_n", _number),
    "Protected customers back at their usual volume within six months": _part(
        "protected_returned_n", "protected_known_n"
    ),
    "Customers moved down in their off-season": _one("off_season_demoted_n", _number),
    "Customers moved down who came back all the same": _part(
        "off_season_demoted_returned_n", "off_season_demoted_known_n"
    ),
    "Bursts missed": _part("bursts_missed_n", "bursts_n"),
    "Service cost by the plan": lambda row, currency: _plain(_money(row["planned_cost"], currency)),
    "With strategic and key customers": _valuable,
    "Tier equals the one earned in the next period (claimed: {claimed})": _right,
    "Tier equals the one earned a year later": _one("accuracy_after_a_year", _percent),
}
"""What is compared → how it is shown."""
