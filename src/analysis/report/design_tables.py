"""The design of an experiment as tables of finished texts, for page and terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..experiment.design import PowerRow
from ..figures import MetricText
from ..language import MISSING
from .design_words import DesignWords
from .difference_page import ToldTable
from .evaluation_parts import ROLES

READ = {
    "once": "once, at the end",
    "calendar": "{n} times",
    "accrual": "at any time",
}


@dataclass(frozen=True)
class ComparisonTables:
    """The tables of one comparison.

    Attributes:
        name: Who is compared; empty where the plan compares in one way only.
        seen: What the plan can see, one row a metric.
        rehearsal: What the rehearsal found beside what was promised; None where none was made.
        precision: What decides the precision, as measured on history.
    """

    name: str
    seen: ToldTable
    rehearsal: ToldTable | None
    precision: ToldTable


def comparison_tables(words: DesignWords) -> list[ComparisonTables]:
    """The tables of each comparison at the plan's own size and duration, in the plan's order."""
    own = words.found.own_rows
    keys = dict.fromkeys((r.comparison.estimand, r.comparison.treatment) for r in own)
    found = []
    for place, key in enumerate(keys):
        rows = [r for r in own if (r.comparison.estimand, r.comparison.treatment) == key]
        found.append(
            ComparisonTables(
                words.who(rows[0].comparison),
                _seen(words, rows, place),
                _rehearsal(words, rows, place),
                _precision(words, rows, place),
            )
        )
    return found


def _seen(words: DesignWords, rows: Sequence[PowerRow], place: int) -> ToldTable:
    text = words.language.text
    headings = (
        text("Metric"),
        text("Role"),
        text("On history"),
        text("Smallest effect seen"),
        text("Worthwhile from, or tolerated harm"),
        text("Chance to see it"),
        text("Customers needed"),
    )
    told = tuple(_seen_row(words, row) for row in rows)
    return ToldTable(f"seen{place}", _titled(words, rows, SEEN), headings, told)


def _seen_row(words: DesignWords, row: PowerRow) -> tuple[str, ...]:
    amounts = words.text_of(row.metric)
    return (
        words.label(row.metric),
        words.language.text(ROLES[row.metric.role], context="role"),
        amounts.value(row.precision.level),
        _size(amounts, row.smallest),
        MISSING if row.wanted is None else amounts.size(row.wanted),
        MISSING if row.power is None else words.chance(row.power),
        _needed(words, row),
    )


def sizes_table(words: DesignWords) -> ToldTable:
    """The primary metrics at every duration and size looked at."""
    text = words.language.text
    headings = (
        text("Metric"),
        text("Months followed"),
        text("Customers"),
        text("Smallest effect seen"),
        text("Chance to see the worthwhile effect"),
    )
    primary = [
        r
        for r in words.found.rows
        if r.metric.role == "primary" and r.comparison.estimand == "total"
    ]
    places = {name: i for i, name in enumerate(dict.fromkeys(words.name(r) for r in primary))}
    ordered = sorted(primary, key=lambda r: (places[words.name(r)], r.months, r.customers))
    rows = tuple(
        (
            words.name(row),
            words.months(row.months),
            words.language.number(row.customers),
            _size(words.text_of(row.metric), row.smallest),
            MISSING if row.power is None else words.chance(row.power),
        )
        for row in ordered
    )
    return ToldTable("sizes", text("Primary metrics by number of customers"), headings, rows)


def _rehearsal(words: DesignWords, rows: Sequence[PowerRow], place: int) -> ToldTable | None:
    text = words.language.text
    headings = (
        text("Metric"),
        text("Claims without an effect"),
        text("Planted effect"),
        text("Chance promised"),
        text("Chance found"),
        text("Interval held it"),
        text("Standard error ÷ planned"),
    )
    by = {(r.metric.name, r.comparison.estimand, r.comparison.treatment): r for r in rows}
    told = []
    for one in words.found.rehearsal.to_dict("records"):
        row = by.get((one["metric"], one["estimand"], one["treatment"]))
        if row is not None:
            told.append(_rehearsed(words, row, one))
    if not told:
        return None
    title = _titled(words, rows, "Claims found in the rehearsal")
    return ToldTable(f"rehearsal{place}", title, headings, tuple(told))


def _rehearsed(words: DesignWords, row: PowerRow, one: Mapping[Any, Any]) -> tuple[str, ...]:
    was_planted = one["planted"] == one["planted"]
    planted = (
        (
            words.text_of(row.metric).size(one["planted"]),
            words.chance(one["power_promised"]),
            _share(words, one, "power", "power_achieved"),
            words.language.percent(one["covered"], 1),
        )
        if was_planted
        else (MISSING,) * 4
    )
    ratio = words.language.number(one["std_error_ratio"], 2)
    return (words.label(row.metric), _share(words, one, "false_alarms"), *planted, ratio)


def _share(words: DesignWords, row: Mapping[Any, Any], name: str, value: str = "") -> str:
    percent = words.language.percent
    return words.language.text(
        "{share} ({low} to {high})",
        share=percent(row[value or name]),
        low=percent(row[f"{name}_low"]),
        high=percent(row[f"{name}_high"]),
    )


def _precision(words: DesignWords, rows: Sequence[PowerRow], place: int) -> ToldTable:
    text = words.language.text
    of_clusters = rows[0].comparison.of_clusters
    headings = [
        text("Metric"),
        text("Spread of a customer"),
        text("Explained before the start"),
        text("Answered"),
        *([text("Cluster correlation"), text("Variance ÷ single customers")] * of_clusters),
        text("Read"),
        text("Smallest if read at any time"),
    ]
    told = tuple(_precision_row(words, row) for row in rows)
    title = _titled(words, rows, "Where the precision comes from")
    return ToldTable(f"precision{place}", title, tuple(headings), told)


def _precision_row(words: DesignWords, row: PowerRow) -> tuple[str, ...]:
    language, amounts, measured = words.language, words.text_of(row.metric), row.precision
    told = [
        words.label(row.metric),
        amounts.size(measured.variance**0.5),
        language.percent(measured.explained),
        MISSING if measured.response is None else language.percent(measured.response),
    ]
    if row.comparison.of_clusters:
        told.append(language.number(measured.cluster_correlation, 4))
        told.append(language.number(row.design_effect, 2))
    looks = language.number(row.looks_planned.looks)
    read = language.text(READ[row.looks], context="looks", n=looks)
    return (*told, read, _size(amounts, row.smallest_always))


def _titled(words: DesignWords, rows: Sequence[PowerRow], title: str) -> str:
    """A table's title, with who is compared where a plan compares in several ways."""
    told, who = words.language.text(title), words.who(rows[0].comparison)
    return words.language.text("{title}: {metric}", title=told, metric=who) if who else told


def _size(amounts: MetricText, value: float) -> str:
    return MISSING if math.isinf(value) else amounts.size(value)


def _needed(words: DesignWords, row: PowerRow) -> str:
    if row.needed is None:
        return MISSING
    return "∞" if math.isinf(row.needed) else words.language.number(row.needed)


SEEN = "What this plan can see"
