"""The five levels of data quality by source, and which of them fall short."""

from __future__ import annotations

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import MISSING, Language
from .field_names import source_name, table_name
from .inputs import Inputs
from .told_table import told_table

LEVELS = {
    1: "1 Collected",
    2: "2 Standardised",
    3: "3 Validated",
    4: "4 Reconciled",
    5: "5 Monitored",
}
SIGNS = {"ok": "✓", "warning": "!", "error": "✕", "critical": "✕✕"}
TOTAL = ""
"""What stands for the source in rows about all of them."""
WEAK = ("warning", "error", "critical")

DETAILS = {
    "columns_and_months_empty": "{count} of {of} columns and months are empty",
    "cells_unread": "{count} of {of} cells could not be read",
    "rows_with_faults": "{count} of {of} rows break a rule",
    "measures_drifted": "{count} of {of} measures are unlike earlier months",
    "no_rows": "the files hold no row",
}
CHECKS = {
    "finance_shipments": "shipments against finance",
    "finance_revenue": "revenue against finance",
    "finance_cost": "cost against finance",
    "shipments_missing_elsewhere": "shipments that the other system lacks",
    "shipments_of_another_customer": "shipments that the other system books on another customer",
    "delivered_before_pick_up": "delivered before it was picked up",
    "delivered_before_start": "delivered before it was ordered",
    "tickets_about_unknown_shipment": "tickets about unknown shipments",
    "surveys_about_unknown_shipment": "surveys about unknown shipments",
    "costs_without_shipments": "service costs of customers without shipments",
}
WITHOUT_CUSTOMER = "_without_customer"


def levels_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    """One row a source, a column a level; None where nothing was measured."""
    quality = inputs.frame("quality")
    if quality is None:
        return None
    rows = []
    for source, part in quality.groupby("source", sort=False):
        by_level = part.set_index("level")
        named = source_name(str(source), inputs.profile, language) or language.text("Total")
        rows.append({"source": named, **{_level(n): _score(by_level, n, language)
                                               for n in LEVELS}})  # fmt: skip
    headings = {"source": language.text("Source")} | {
        _level(n): language.text(words) for n, words in LEVELS.items()
    }
    caption = language.text("Quality by source on five levels (share of rows that pass)")
    return reading_table(
        pd.DataFrame(rows), headings, caption=caption, numeric=[_level(n) for n in LEVELS],
        stacks=True, key="levels",
    )  # fmt: skip


def _level(number: int) -> str:
    return f"level_{number}"


def _score(by_level: pd.DataFrame, number: int, language: Language) -> str:
    if number not in by_level.index or pd.isna(by_level["score"].loc[number]):
        return MISSING
    sign = SIGNS.get(str(by_level["status"].loc[number]), "")
    score = float(by_level["score"].loc[number])
    return f"{sign} {language.percent(score, 1)}"


def weak_levels(quality: pd.DataFrame | None) -> pd.DataFrame:
    """Levels of sources that fall short of a limit; no row where nothing was measured."""
    if quality is None:
        return pd.DataFrame(columns=["source", "level", "score", "status", "detail", "count", "of"])
    return quality[quality["status"].isin(WEAK) & (quality["source"] != TOTAL)]


def weak_sources(quality: pd.DataFrame | None) -> list[str]:
    """Sources with a level that falls short of a limit."""
    return sorted(str(source) for source in weak_levels(quality)["source"].unique())


def weak_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    """One row a level of a source that falls short: by how much, and why; None without any."""
    rows = [
        (
            source_name(str(row["source"]), inputs.profile, language),
            language.text(LEVELS[int(row["level"])]),
            f"{SIGNS[str(row['status'])]} {language.percent(float(row['score']), 1)}",
            _detail(row, language),
        )
        for _, row in weak_levels(inputs.frame("quality")).iterrows()
    ]
    titles = ("Source", "Level", "Share that passes", "Why")
    return told_table("weak", "Levels that fall short", titles, rows, language, numeric=(2,))


def _detail(row: pd.Series, language: Language) -> str:
    code = str(row["detail"])
    if code in DETAILS:
        counts = {name: language.number(row[name]) for name in ("count", "of")}
        return language.text(DETAILS[code], **counts)
    return check_name(code, language)


def check_name(check: str, language: Language) -> str:
    """A check between sources for readers: its words, else its code."""
    if check in CHECKS:
        return language.text(CHECKS[check], context="check")
    if check.endswith(WITHOUT_CUSTOMER):
        table = table_name(check.removesuffix(WITHOUT_CUSTOMER), language)
        return language.text("{table} without a known customer", context="check", table=table)
    return check
