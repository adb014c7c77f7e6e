"""Drafts as one YAML text: entries of sources and tables, or a whole profile around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ...tables import CONTRACTS
from .drafting import Draft
from .entries import GUESS, HOME_CURRENCY, scalar, sql_name


def as_yaml(drafts: Sequence[Draft], told: str) -> str:
    """Drafts as one YAML text with ``sources`` and ``tables``.

    Args:
        drafts: At least one.
        told: What was looked at, for the first line.
    """
    lines = [
        f"# Draft by 'tierlab inspect': {told}.",
        f"# Lines marked '{GUESS[2:]}' are to be checked.",
    ]
    for draft in drafts:
        lines += [f"# {draft.name}: {note}" for note in draft.notes]
    lines.append("sources:")
    for draft in drafts:
        lines += draft.source
    by_table: dict[str, list[str]] = {}
    for draft in drafts:
        for table, entry in draft.tables.items():
            by_table.setdefault(table, []).extend(entry)
    complete = {t: ls for t, ls in by_table.items() if any(not li.startswith("#") for li in ls)}
    lines.append("tables:" if complete else "tables: {}")
    for table in (t for t in CONTRACTS if t in complete):
        lines += [f"  {table}:", *complete[table]]
    for table in (t for t in by_table if t not in complete):
        lines += [f"#  {table}:", *by_table[table]]
    return "\n".join(lines) + "\n"


def _customers_of(draft: Draft) -> list[str]:
    """Customers made of the ids of another file, where no file of customers was found."""
    column = sql_name(draft.customer_column)
    return [
        f"    - source: {draft.name}  {GUESS}: no file of customers was found",
        "      select: |",
        f"        SELECT {column} AS customer_id FROM {draft.name} GROUP BY {column}",  # noqa: S608
    ]


def _with_customers(drafts: Sequence[Draft]) -> list[Draft]:
    """Drafts of a whole company: one with customers among them, where any file has their ids."""
    if any("customers" in draft.tables for draft in drafts):
        return list(drafts)
    named = [d for d in drafts if "customer_names" in d.tables and d.customer_column]
    chosen = named or [d for d in drafts if "shipments" in d.tables and d.customer_column]
    return [
        replace(d, tables={"customers": tuple(_customers_of(d)), **d.tables}) if d in chosen else d
        for d in drafts
    ]


def _currency(drafts: Sequence[Draft]) -> tuple[str, str]:
    """The currency of a company's amounts, and why it is taken for that."""
    named = Counter(currency for draft in drafts for currency in draft.currencies)
    if not named or HOME_CURRENCY in named:
        return HOME_CURRENCY, "state excluded or included"
    currency = named.most_common(1)[0][0]
    return currency, f"the files name {currency}; state tax: excluded or included"


def draft_profile(drafts: Sequence[Draft], name: str, raw: str, told: str) -> str:
    """A whole profile around the drafts of a folder's files."""
    currency, why = _currency(drafts)
    head = [
        f"# A profile drafted by 'tierlab inspect': {told}.",
        "schema_version: 1",
        f"profile: {scalar(name)}  {GUESS}",
        f"title: {{zh: {scalar(name)}, en: {scalar(name)}}}  {GUESS}",
        f"raw: {scalar(raw)}",
        f"timezone: Asia/Shanghai  {GUESS}: of times that name no offset",
        f"money: {{currency: {currency}, tax: unknown}}  {GUESS}: {why}",
        "",
    ]
    return "\n".join(head) + as_yaml(_with_customers(drafts), told)
