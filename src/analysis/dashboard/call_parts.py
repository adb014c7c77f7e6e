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

FIRST_CALLS, MOST_CALLS = 10, 50
"""Customers seen at once, and listed at all; the rest is told as a number."""


def reasons_of(calls: pd.DataFrame | None, language: Language) -> list[tuple[str, str]]:
    """Why customers are to be called: phrase with its count, and code, in the stored order."""
    if calls is None:
        return []
    counts = calls.groupby("why", sort=False).size()
    return [
        (f"{phrase(CALL_PHRASES, why, language)} ({language.number(n)})", str(why))
        for why, n in counts.items()
    ]


def call_list(
    calls: pd.DataFrame | None, why: str | None, currency: str, language: Language
) -> str:
    """Customers to call this month, in the stored order.

    Args:
        calls: One row a customer; None where the month has none.
        why: Only those to be called for this reason; None: all.
        currency: ISO code of the amounts.
        language: The reader's.
    """
    if calls is None:
        return f"<p>{language.text('Not available for this month.')}</p>"
    wanted = calls if why is None else calls[calls["why"] == why]
    if wanted.empty:
        return f"<p>{language.text('Nobody needs a call this month.')}</p>"
    listed = _with_sentences(wanted.head(MOST_CALLS), currency, language)
    columns = [name for name in COLUMNS if name == "told" or _is_known(calls, name)]
    first = _table(listed[:FIRST_CALLS], columns, currency, language)
    rest = listed[FIRST_CALLS:]
    if not rest:
        return first
    told = language.plural("Show {n} more", "Show {n} more", len(rest))
    more = _table(rest, columns, currency, language)
    return (
        f"{first}<details><summary>{told}</summary>{more}"
        f"{_beyond(len(wanted) - len(listed), language)}</details>"
    )


def _is_known(calls: pd.DataFrame, column: str) -> bool:
    """Whether a column holds anything; a profile without costs has no margins."""
    return column in calls.columns and bool(calls[column].notna().any())


def _table(
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    currency: str,
    language: Language,
) -> str:
    rows = "".join(_row(record, columns, currency, language) for record in records)
    names = [COLUMNS[column][0] for column in columns]
    numeric = [name for name, kind in COLUMNS.values() if kind == "money"]
    return table(names, rows, language, "", "tl-calls", numeric)


COLUMNS: Mapping[str, tuple[str, str]] = {
    "customer_id": ("Customer", "text"),
    "tier": ("Tier", "tier"),
    "why": ("Why call", "why"),
    "told": ("In detail", "text"),
    "revenue_window": ("Revenue", "money"),
    "margin_window": ("Margin", "money"),
}
"""Column → its heading and how its values are written."""


def _beyond(count: int, language: Language) -> str:
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
