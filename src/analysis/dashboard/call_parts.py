"""The part of the page that says whom to call this month, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from ..language import Language
from ..report.experiment_view import tier_name
from ..tiers import CALL_PHRASES, explain_calls
from .tier_parts import phrase, table

MOST_CALLS = 30
"""Customers listed; the rest is told as a number."""


def call_list(calls: pd.DataFrame | None, currency: str, language: Language) -> str:
    """Customers to call this month, in the stored order."""
    if calls is None:
        return f"<p>{language.text('Not available for this month.')}</p>"
    if calls.empty:
        return f"<p>{language.text('Nobody needs a call this month.')}</p>"
    columns = [column for column in COLUMNS if column in (*calls.columns, "told")]
    shown = _with_sentences(calls.head(MOST_CALLS), currency, language)
    rows = "".join(_row(row, columns, currency, language) for row in shown)
    names = [COLUMNS[column][0] for column in columns]
    numeric = [name for name, kind in COLUMNS.values() if kind == "money"]
    title = escape(language.text("Customers to call this month"))
    return (
        f'<div class="tl-scroll" tabindex="0" role="region" aria-label="{title}">'
        f"{table(names, rows, language, '', 'tl-calls', numeric)}</div>"
        f"{_more(len(calls) - len(shown), language)}"
    )


COLUMNS: Mapping[str, tuple[str, str]] = {
    "customer_id": ("Customer", "text"),
    "tier": ("Tier", "tier"),
    "why": ("Why call", "why"),
    "told": ("In detail", "text"),
    "revenue_window": ("Revenue", "money"),
    "margin_window": ("Margin", "money"),
}
"""Column → its heading and how its values are written."""


def _more(count: int, language: Language) -> str:
    if not count:
        return ""
    told = language.plural(
        "{n} more is in the month's table calls.parquet.",
        "{n} more are in the month's table calls.parquet.",
        count,
    )
    return f'<p class="tl-note">{told}</p>'


def _with_sentences(calls: pd.DataFrame, currency: str, language: Language) -> list[dict[str, Any]]:
    """The calls with the sentence that says why, in numbers."""
    told = [sentence.in_(language) for sentence in explain_calls(calls, currency)]
    records = calls.assign(told=told).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _row(row: Mapping[str, Any], columns: Sequence[str], currency: str, language: Language) -> str:
    first, *others = columns
    cells = "".join(_cell(row[column], column, currency, language) for column in others)
    return f'<tr><th scope="row">{escape(str(row[first]))}</th>{cells}</tr>'


def _cell(value: Any, column: str, currency: str, language: Language) -> str:
    """A cell; it repeats its heading for narrow screens, where a row becomes a card."""
    heading, kind = COLUMNS[column]
    if kind == "tier":
        return f"<td>{escape(tier_name(str(value), language))}</td>"
    if kind == "why":
        return f"<td>{escape(phrase(CALL_PHRASES, value, language))}</td>"
    if kind == "text":
        return f'<td class="tl-detail">{escape(str(value))}</td>'
    told = language.money(value, currency)
    return f'<td class="tl-num" data-heading="{escape(language.text(heading))}">{told}</td>'
