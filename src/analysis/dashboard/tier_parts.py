"""The parts of the page about tiers: their sizes, the moves between them, groups of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from ..figures import sparkline
from ..language import Language
from ..report.experiment_view import tier_name
from ..tables import TIERS
from ..tiers import HOLD_PHRASES
from .marks import share_bar
from .results import UNKNOWN

MOST_GROUPS = 8
"""Rows of a list; the rest is told as a number."""


@dataclass(frozen=True)
class Selection:
    """Which customers the reader looks at; empty: all.

    Attributes:
        tier, region, industry: The value chosen, or None.
    """

    tier: str | None = None
    region: str | None = None
    industry: str | None = None

    def of(self, groups: pd.DataFrame) -> pd.DataFrame:
        """The groups within the selection."""
        kept = groups
        for column in ("tier", "region", "industry"):
            chosen = getattr(self, column)
            kept = kept if chosen is None else kept[kept[column] == chosen]
        return kept


def tier_sizes(sizes: pd.DataFrame | None, month: str, language: Language) -> str:
    """Customers by tier: how many, which share, the change, the months before."""
    if sizes is None or sizes.empty:
        return f"<p>{language.text('Not available: no tiers for this month.')}</p>"
    wide = sizes.pivot(index="month", columns="tier", values="customers_n").fillna(0).sort_index()
    wide = wide.reindex(columns=list(TIERS), fill_value=0)
    rows = "".join(_size_row(wide, tier, month, language) for tier in TIERS)
    names = ("Tier", "Customers", "Share", "Against last month", "Past year")
    return table(
        names,
        rows,
        language,
        language.text("Customers by tier"),
        "tl-sizes",
        ("Customers", "Share", "Against last month"),
    )


def migration(flows: pd.DataFrame | None, language: Language) -> str:
    """From which tier to which, this month."""
    if flows is None or flows.empty:
        return ""
    wide = flows.pivot(index="from_tier", columns="to_tier", values="customers_n")
    wide = wide.reindex(index=[*TIERS, UNKNOWN], columns=list(TIERS)).fillna(0)
    counts = wide.loc[list(TIERS)].to_numpy(dtype=int)
    moved = counts[~np.eye(len(TIERS), dtype=bool)]
    most = int(moved.max())
    starts = [tier for tier in wide.index if tier or wide.loc[tier].sum()]
    rows = "".join(_flow_row(wide, tier, most, language) for tier in starts)
    head = "".join(f'<th scope="col">{tier_name(tier, language)}</th>' for tier in TIERS)
    told = language.plural(
        "{n} customer moved between tiers", "{n} customers moved between tiers", int(moved.sum())
    )
    return (
        f'<table class="tl-moves"><caption>{told}</caption><thead><tr><th scope="col">'
        f"{language.text('From ↓ to →')}</th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def held_back(rules: pd.DataFrame | None, language: Language) -> str:
    """Moves that a rule held back."""
    if rules is None or rules.empty:
        return ""
    ordered = rules.sort_values("customers_n", ascending=False)
    told = [
        f"{phrase(HOLD_PHRASES, rule, language)} {language.number(n)}"
        for rule, n in zip(ordered["held_back_by"], ordered["customers_n"], strict=True)
    ]
    text = language.text("Held back: {rules}", rules=language.listed(told))
    return f'<p class="tl-note">{escape(text)}</p>'


def explorer(
    groups: pd.DataFrame | None, selection: Selection, currency: str, language: Language
) -> str:
    """The chosen customers: how many, which share of all, and how they divide."""
    if groups is None or groups.empty:
        return f"<p>{language.text('Not available: no tiers for this month.')}</p>"
    chosen = selection.of(groups)
    lists = [
        ("Tier", "tier", [t for t in TIERS if t in set(chosen["tier"])]),
        ("Region", "region", _largest(chosen, "region")),
        ("Industry", "industry", _largest(chosen, "industry")),
    ]
    parts = "".join(
        _breakdown(name, column, values, chosen, language)
        for name, column, values in lists
        if set(groups[column]) != {UNKNOWN}
    )
    return (
        f'<div role="status">{_totals(groups, chosen, currency, language)}</div>'
        f'<div class="tl-lists">{parts}</div>'
    )


def _size_row(wide: pd.DataFrame, tier: str, month: str, language: Language) -> str:
    counts = wide[tier].astype(int)
    now = int(counts.get(month, 0))
    share = now / max(int(wide.loc[month].to_numpy().sum()), 1)
    change = now - int(counts.iloc[-2]) if len(counts) > 1 else None
    return (
        f'<tr><th scope="row"><i class="tl-tier {tier}"></i>{tier_name(tier, language)}</th>'
        f'<td class="tl-num">{language.number(now)}</td>'
        f'<td class="tl-num">{language.percent(share)}{share_bar(share, tier)}</td>'
        f'<td class="tl-num">{language.number(change, sign=True)}</td>'
        f"<td>{sparkline([float(n) for n in counts])}</td></tr>"
    )


def _flow_row(wide: pd.DataFrame, start: str, most: int, language: Language) -> str:
    name = tier_name(start, language) if start else language.text("New customers")
    counts = dict(zip(wide.columns, wide.loc[start].to_numpy(dtype=int), strict=True))
    cells = "".join(
        _flow_cell(int(counts[end]), most if start and start != end else 0, language)
        for end in TIERS
    )
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _flow_cell(count: int, most: int, language: Language) -> str:
    """A cell; coloured by its share of the largest move, plain where `most` is 0."""
    if not most or not count:
        return f'<td class="tl-stay">{language.number(count) if count else "·"}</td>'
    depth = round(0.08 + 0.47 * count / most, 2)  # never so dark that ink cannot be read on it
    return f'<td class="tl-moved" style="--depth:{depth}">{language.number(count)}</td>'


def _totals(groups: pd.DataFrame, chosen: pd.DataFrame, currency: str, language: Language) -> str:
    n, everyone = int(chosen["customers_n"].sum()), int(groups["customers_n"].sum())
    told = [
        language.plural("{n} customer", "{n} customers", n),
        language.text("{share} of all", share=language.percent(n / max(everyone, 1))),
    ]
    revenue, total = chosen["revenue"].sum(), groups["revenue"].sum()
    if total > 0:
        told.append(
            language.text(
                "revenue {amount}, {share} of all",
                amount=language.money(float(revenue), currency),
                share=language.percent(float(revenue / total)),
            )
        )
    first, *others = told
    return f'<p class="tl-total"><b>{first}</b> {" · ".join(others)}</p>'


def _largest(groups: pd.DataFrame, column: str) -> list[str]:
    sizes = groups.groupby(column)["customers_n"].sum().sort_values(ascending=False)
    return [str(value) for value in sizes.index[:MOST_GROUPS]]


def _breakdown(
    name: str, column: str, values: Sequence[str], chosen: pd.DataFrame, language: Language
) -> str:
    sizes = chosen.groupby(column)["customers_n"].sum()
    total = max(int(sizes.sum()), 1)
    rows = "".join(_break_row(value, int(sizes[value]), total, language) for value in values)
    rest = int(sizes.sum() - sum(sizes[value] for value in values))
    if rest:
        rows += _row_of(language.text("Others"), rest, total, language)
    names = (name, "Customers", "Share")
    return table(names, rows, language, "", "tl-break", ("Customers", "Share"))


def _break_row(value: str, count: int, total: int, language: Language) -> str:
    name = tier_name(value, language) if value in TIERS else value
    return _row_of(name or language.text("not recorded"), count, total, language)


def _row_of(name: str, count: int, total: int, language: Language) -> str:
    share = count / total
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="tl-num">{language.number(count)}</td>'
        f'<td class="tl-num">{language.percent(share)}{share_bar(share)}</td></tr>'
    )


def table(
    names: Sequence[str],
    rows: str,
    language: Language,
    caption: str,
    style: str,
    numeric: Sequence[str] = (),
) -> str:
    """A table of finished rows.

    Args:
        names: English sources of the headings.
        rows: Finished ``<tr>``s.
        language: The reader's.
        caption: Finished; empty for none.
        style: Class of the table.
        numeric: The names above columns of numbers.
    """
    cells = "".join(
        f'<th scope="col"{" class=tl-num" if name in numeric else ""}>{language.text(name)}</th>'
        for name in names
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<table class="{style}">{title}<thead><tr>{cells}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def phrase(phrases: Mapping[str, str], code: object, language: Language) -> str:
    """The catalogue's phrase for a code; an unknown code is shown as it is."""
    return language.text(phrases[str(code)]) if str(code) in phrases else str(code)
