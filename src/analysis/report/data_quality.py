"""What was read, kept, rejected and merged, and how good each source is."""

from __future__ import annotations

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import Language
from .block import Block, rendered
from .field_names import column_name, source_name, table_name
from .inputs import Inputs
from .quality_levels import levels_table, weak_sources, weak_table

MOST_RULES = 10
"""Broken rules that the report lists; the table in the month's folder has all."""
COUNTS = ("rows_read", "rows_kept", "rows_rejected", "rows_merged")


def data_quality(inputs: Inputs, language: Language) -> Block:
    """The ledger, the five levels, and the rules broken most."""
    ledger = inputs.frame("ledger")
    return rendered(
        "data_quality",
        language,
        exists=ledger is not None,
        lead="" if ledger is None else _lead(ledger, inputs, language),
        adds_up=ledger is None or adds_up(ledger),
        ledger=ledger_table(inputs, language),
        weak=weak_table(inputs, language),
        levels=levels_table(inputs, language),
        rules=rules_table(inputs, language, MOST_RULES),
    )


def adds_up(ledger: pd.DataFrame) -> bool:
    """Whether read = kept + rejected + merged in every row of the ledger."""
    parts = ledger["rows_kept"] + ledger["rows_rejected"] + ledger["rows_merged"]
    return bool((ledger["rows_read"] == parts).all())


def _lead(ledger: pd.DataFrame, inputs: Inputs, language: Language) -> str:
    read, rejected = int(ledger["rows_read"].sum()), int(ledger["rows_rejected"].sum())
    source = (
        "{read} rows were read; {rejected} of them ({share}) were rejected, each with its reason."
        if rejected
        else "{read} rows were read; none was rejected."
    )
    lead = language.text(
        source,
        read=language.number(read),
        rejected=language.number(rejected),
        share=language.percent(rejected / read if read else float("nan"), 2),
    )
    if ledger["source"].duplicated().any():
        twice = language.text("A row counts once for each table it goes into.")
        lead = language.text("{one} {two}", one=lead, two=twice)
    weak = [source_name(s, inputs.profile, language) for s in weak_sources(inputs.frame("quality"))]
    if not weak:
        return lead
    told = language.text("Needs attention: {sources}.", sources=language.listed(weak))
    return language.text("{one} {two}", one=lead, two=told)


def ledger_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    """One row a source and table: rows read, kept, rejected, merged; None without a ledger."""
    ledger = inputs.frame("ledger")
    if ledger is None:
        return None
    total = ledger[list(COUNTS)].sum()
    rows = [
        {
            "source": language.text(
                "{source} → {table}",
                source=source_name(str(row["source"]), inputs.profile, language),
                table=table_name(str(row["table"]), language),
            ),
            **{name: language.number(row[name]) for name in COUNTS},
        }
        for _, row in ledger.iterrows()
    ]
    sums = {name: language.number(total[name]) for name in COUNTS}
    rows.append({"source": language.text("Total"), **sums})
    headings = {
        "source": language.text("Source and what it goes into"),
        "rows_read": language.text("Rows read"),
        "rows_kept": language.text("Kept"),
        "rows_rejected": language.text("Rejected"),
        "rows_merged": language.text("Merged"),
    }
    caption = language.text("Every row is accounted for: read = kept + rejected + merged")
    return reading_table(
        pd.DataFrame(rows), headings, caption=caption, numeric=COUNTS, stacks=True, key="ledger"
    )


def rules_table(inputs: Inputs, language: Language, most: int) -> ReadingTable | None:
    """One row a source, column and rule that was broken, the most frequent ones first."""
    violations = inputs.frame("violations")
    if violations is None:
        return None
    worst = violations.sort_values("rows_n", ascending=False, kind="stable").head(most)
    rows = [
        {
            "source": source_name(str(row["source"]), inputs.profile, language),
            "column": column_name(row["column"], language),
            "rule": rule_name(str(row["rule"]), language),
            "action": action_name(str(row.get("action", "rejected")), language),
            "rows": language.number(row["rows_n"]),
        }
        for _, row in worst.iterrows()
    ]
    headings = {
        "source": language.text("Source"),
        "column": language.text("Column"),
        "rule": language.text("Rule broken"),
        "action": language.text("Consequence"),
        "rows": language.text("Rows"),
    }
    return reading_table(
        pd.DataFrame(rows), headings, caption=language.text("The rules broken most"),
        numeric=("rows",), stacks=True, key="rules",
    )  # fmt: skip


RULES = {
    "required": "value missing",
    "forgotten": "customer forgotten on request",
    "empty_row": "empty row",
    "wrong_field_count": "wrong number of fields",
    "not_a_date": "no date",
    "not_a_time": "no time",
    "fill_date": "a day that stands for none",
    "not_a_month": "no month",
    "not_a_number": "no number",
    "not_an_amount": "no amount",
    "no_exchange_rate": "no exchange rate for the month",
    "repeated_header": "the header row again",
    "totals_row": "a row of totals",
    "remark_row": "a remark, no data",
    "not_json": "no JSON object",
    "not_an_integer": "no whole number",
    "not_a_boolean": "neither yes nor no",
    "not_a_text": "no text",
    "not_allowed": "value not allowed",
    "out_of_range": "outside the plausible range",
    "far_future": "far in the future",
    "too_early": "too early",
    "implausibly_late": "implausibly late",
    "duplicate_key": "key given twice",
    "unknown_customer": "customer unknown",
    "not_selected": "not used by the profile",
    "group_rejected": "belongs to a rejected record",
    "wrong_type": "wrong type",
    "in_open_quote": "inside a quotation mark that is never closed",
    "another_customer_id": "another customer than the other system says",
}
ACTIONS = {
    "rejected": "row rejected",
    "emptied": "cell emptied",
    "filled": "filled from another source",
    "corrected": "cell corrected",
    "flagged": "row flagged",
}
CORRECTION = "correction:"
"""A rule that begins so is a declared correction, and goes on with its id."""
BEFORE = "before_"
"""A rule that begins so: the column lies before the one it names."""


def action_name(action: str, language: Language) -> str:
    """What a broken rule led to, for readers."""
    return language.text(ACTIONS[action], context="rule") if action in ACTIONS else action


def rule_name(rule: str, language: Language) -> str:
    """A rule for readers: its words, else its code."""
    if rule.startswith(CORRECTION):
        name = rule.removeprefix(CORRECTION)
        return language.text("declared correction {id}", context="rule", id=name)
    if rule.startswith(BEFORE):
        column = column_name(rule.removeprefix(BEFORE), language)
        return language.text("earlier than {column}", context="rule", column=column)
    return language.text(RULES[rule], context="rule") if rule in RULES else rule
