"""The draw of an experiment in words: who got which arm, and how alike the arms are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..experiment.design import Assignment
from ..figures import unit_of
from .design_words import WHO, DesignWords
from .difference_page import ToldTable
from .experiment_view import arm_name, tier_name

LEVELS = {"tier": "Tier", "region": "Region", "industry": "Industry",
          "contract_type": "Contract"}  # fmt: skip
BEFORE = {
    "prior_shipments": "Shipments",
    "prior_revenue": "Revenue",
    "prior_margin": "Margin",
    "prior_active": "Shipped in the quarter",
    "prior_on_time": "On-time rate",
    "prior_tickets": "Tickets",
    "prior_response_minutes": "First response, minutes",
    "prior_nps": "Recommendation, 0-10",
    "prior_csat": "Satisfaction, 1-5",
    "prior_answers": "Answers",
    "prior_cost_to_serve": "Cost to serve",
    "prior_tenure_days": "Days since onboarding",
}
"""What is known of the half year before the start → its name."""
SHARES = ("active", "on_time")


def balance_table(words: DesignWords, drawn: Assignment) -> ToldTable:
    """How alike the arms are, one row a comparison, column and level."""
    text, number = words.language.text, words.language.number
    headings = (
        text("Known before the start"),
        text("Treated"),
        text("Control"),
        text("Difference in standard deviations"),
        text("Allowed"),
        text("Alike"),
    )
    several = drawn.balance["comparison"].nunique() > 1
    rows = tuple(
        (
            _known_before(words, row, with_comparison=several),
            _mean_of(words, row, "value_treatment"),
            _mean_of(words, row, "value_control"),
            number(row["difference"], 3, sign=True),
            number(row["limit"], 2),
            text("yes" if row["is_balanced"] else "no", context="alike"),
        )
        for row in drawn.balance.to_dict("records")
    )
    return ToldTable("balance", text("Balance of the arms"), headings, rows)


def draw_told(words: DesignWords, assignment: Assignment) -> list[str]:
    """What the draw has done, one sentence each."""
    text, number = words.language.text, words.language.number
    counts = assignment.units["arm"].value_counts()
    arms = [
        text("{arm} {n}", arm=arm_name(arm, words.language), n=number(int(counts.get(arm, 0))))
        for arm in words.found.spec.allocation
    ]
    unlike = int((~assignment.balance["is_balanced"].astype(bool)).sum())
    told = [
        text("Drawn as of {month}: {arms}.", month=words.language.month(str(assignment.as_of)),
             arms=words.language.listed(arms)),
        text("All {n} comparisons of the arms are within what is allowed.",
             n=number(len(assignment.balance)))
        if not unlike
        else text("{k} of {n} comparisons of the arms are beyond what is allowed; the "
                  "evaluation adjusts for the plan's covariates.",
                  k=number(unlike), n=number(len(assignment.balance))),
    ]  # fmt: skip
    return told + [
        text("{n} of these customers are in the experiment {name} too.", n=number(n), name=name)
        for name, n in assignment.elsewhere.items()
    ]


def _known_before(words: DesignWords, row: Mapping[Any, Any], *, with_comparison: bool) -> str:
    """What a row of the balance compares."""
    name = str(row["covariate"])
    if pd.notna(row["level"]) and name in LEVELS:
        level = str(row["level"])
        level = tier_name(level, words.language) if name == "tier" else level
        label = words.language.text(
            "{name}: {level}", name=words.language.text(LEVELS[name]), level=level
        )
    elif pd.notna(row["level"]):
        label = f"{name}: {row['level']}"
    else:
        label = words.language.text(BEFORE[name], context="before") if name in BEFORE else name
    if not with_comparison:
        return label
    return words.language.text("{name}, {who}", name=label, who=_side(words, row))


def _side(words: DesignWords, row: Mapping[Any, Any]) -> str:
    sides = {"share 1": "total", "share 0.5": "direct"}
    name = str(row["comparison"])
    if name in sides:
        return words.language.text(WHO[sides[name]])
    return arm_name(name, words.language)


def _mean_of(words: DesignWords, row: Mapping[Any, Any], side: str) -> str:
    """A mean of the balance, or a share of a level."""
    if pd.notna(row["level"]):
        return words.language.percent(row[side])
    measure = str(row["covariate"]).removeprefix("prior_")
    unit = unit_of(measure, "mean")
    if unit == "money":
        return words.money(row[side])
    shares = measure in SHARES
    return words.language.percent(row[side]) if shares else words.language.number(row[side], 2)
