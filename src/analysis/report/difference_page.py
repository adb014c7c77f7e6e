"""A difference between two results for readers: tables with finished texts, and a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from ..figures import MetricText, metric_label, reading_table, unit_of
from ..language import MISSING, Language
from ..tables import CONTRACTS
from .block import rendered
from .changes import kind_name, names_told
from .difference import ARROW, Difference, EffectDifference, FigureDifference, Results
from .experiment_view import ESTIMAND_WORDS, tier_name
from .field_names import table_name
from .headline import in_full, written
from .page import TEMPLATE, TEMPLATES
from .verdicts import DECISIONS

MOST_DIGITS = 9
"""Decimals beyond the usual ones; a smaller change is rounding (`SAME_WITHIN`)."""
IN_ITS_OWN_UNIT = ("share", "points", "score")
"""Forms whose change is told in the unit of the figure, not in per cent of it."""
MOST_ROWS = 40
"""Rows of one table; the others are counted in its note."""

_CAUSES = {
    "month": "another month",
    "data": "the data",
    "params": "the parameters",
    "plans": "plans, corrections or decisions in params/",
    "code": "the program",
    "packages": "program libraries",
}
_ROWS = {"read": "read", "rejected": "rejected"}
_TOLD_ELSEWHERE = ("params", "code", "packages", "words")
"""Kinds of input that have a table of their own, or none that a reader needs."""


@dataclass(frozen=True)
class ToldTable:
    """One kind of difference, as texts in the reader's language.

    Attributes:
        key: Unique among the tables.
        title: What it lists.
        headings: Of the columns: what, before, now and, where it can be told, the change.
        rows: One tuple of texts a row, as many as there are headings.
    """

    key: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def told_tables(found: Difference, language: Language) -> list[ToldTable]:
    """What differs, one table a kind; kinds without a difference are left out.

    Args:
        found: The difference.
        language: The reader's.
    """
    before, now = (name_of(one, language) for one in (found.before, found.now))
    three = (language.text("What"), before, now)
    four = (*three, language.text("Change"))
    tables = [
        ToldTable("verdicts", language.text("Verdicts"), three, tuple(_verdicts(found, language))),
        ToldTable("figures", language.text("Big numbers"), four, tuple(_figures(found, language))),
        ToldTable("effects", language.text("Deciding effects, with their interval"), three,
                  tuple(_effects(found, language))),
        ToldTable("tiers", language.text("Customers by tier"), four,
                  tuple(_tiers(found, language))),
        ToldTable("rows", language.text("Rows by source and table"), four,
                  tuple(_rows(found, language))),
        ToldTable("params", language.text("Parameters"), three, tuple(_params(found))),
        ToldTable("packages", language.text("Program and libraries"), three,
                  tuple((name, *pair) for name, pair in found.packages.items())),
    ]  # fmt: skip
    return [table for table in tables if table.rows]


def told_files(found: Difference, language: Language) -> list[tuple[str, str]]:
    """Files that are other ones, by kind: (kind, names)."""
    return [
        (kind_name(change.kind, language), names_told(change, language))
        for change in found.inputs
        if change.kind not in _TOLD_ELSEWHERE
    ]


def why(found: Difference, language: Language) -> str:
    """One sentence on what the differences come from, as far as that can be told."""
    causes = found.causes
    listed = language.listed([language.text(_CAUSES[cause]) for cause in causes])
    if not found.is_any:
        return language.text("No figure differs, nor do data, parameters and program.")
    if not causes:
        return language.text("Only wording or form differs; no figure does.")
    if causes == ("month",):
        return language.text("Only the month differs; data, parameters and program are the same.")
    if len(causes) == 1:
        return language.text(
            "Only one thing changed, so every difference comes from it: {cause}.", cause=listed
        )
    return language.text(
        "Several things changed together: {causes}. No difference can be laid to one of them "
        "alone; to tell them apart, change one at a time and run the month again.",
        causes=listed,
    )


def name_of(results: Results, language: Language) -> str:
    """A result for readers: its month, and its version where it was published."""
    month = language.month(results.month)
    if not results.version:
        return language.text("{month} (draft)", month=month)
    version = str(results.version)
    if results.withdrawn:
        return language.text("{month}, version {version} (withdrawn)", month=month, version=version)
    return language.text("{month}, version {version}", month=month, version=version)


def withdrawals(found: Difference, language: Language) -> list[str]:
    """Which of the two results must not be used, and why: one sentence each."""
    standings = (one.withdrawn for one in (found.before, found.now))
    return list(dict.fromkeys(one.in_words(language) for one in standings if one))


def difference_page(found: Difference, language: Language) -> str:
    """One offline page that tells a difference.

    Args:
        found: The difference.
        language: The reader's.
    """
    tables = told_tables(found, language)
    return rendered(
        "difference",
        language,
        style=Markup((TEMPLATES / TEMPLATE / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        company=(found.now.summary.get("title") or {}).get(language.code, ""),
        before=name_of(found.before, language),
        now=name_of(found.now, language),
        why=why(found, language),
        withdrawals=withdrawals(found, language),
        tables=[(table.title, _laid_out(table), _left_out(table, language)) for table in tables],
        files=told_files(found, language),
    ).html


def _laid_out(table: ToldTable) -> object:
    names = [f"c{place}" for place in range(len(table.headings))]
    rows = pd.DataFrame(list(table.rows[:MOST_ROWS]), columns=names)
    numeric = names[1:] if table.key in ("figures", "tiers", "rows") else ()
    headings = dict(zip(names, table.headings, strict=True))
    return reading_table(
        rows, headings, caption=table.title, numeric=numeric, stacks=True, key=table.key
    )


def _left_out(table: ToldTable, language: Language) -> str:
    more = len(table.rows) - MOST_ROWS
    return language.plural("and {n} more row", "and {n} more rows", more) if more > 0 else ""


def _verdicts(found: Difference, language: Language) -> Iterator[tuple[str, ...]]:
    for one in found.verdicts:
        title = one.title.get(language.code) or one.experiment
        yield title, _decision(one.before, language), _decision(one.now, language)


def _decision(verdict: str | None, language: Language) -> str:
    shown = DECISIONS.get(str(verdict))
    if verdict is None or shown is None:
        return MISSING
    return language.text(shown.words, segments=language.text("some segments"))


def _figures(found: Difference, language: Language) -> Iterator[tuple[str, ...]]:
    for one in found.figures:
        more = _first(lambda n: _shows(_change(one, language, n)))  # noqa: B023 (called at once)
        values = _values(one, str(found.now.summary.get("currency", "CNY")), language, more)
        yield language.text(one.spec.label), *values, _change(one, language, more)


def _values(one: FigureDifference, currency: str, language: Language, more: int) -> list[str]:
    """Both values; in full, and with more decimals, where they or their change need it.

    Args:
        one, currency, language: What is told, and how.
        more: Decimals beyond the usual ones that its change has.
    """
    values = [math.nan if value is None else value for value in (one.before, one.now)]
    told = [written(value, one.spec.form, language, currency) for value in values]
    least = more if one.spec.form in IN_ITS_OWN_UNIT else 0
    if told[0] != told[1] and not least:
        return told

    def with_digits(digits: int) -> list[str]:
        return [in_full(value, one.spec.form, language, currency, digits) for value in values]

    return with_digits(max(least, _first(lambda n: len(set(with_digits(n))) > 1)))


def _first(is_enough: Callable[[int], bool]) -> int:
    """The fewest decimals beyond the usual ones that are enough; none where no number is."""
    return next((digits for digits in range(MOST_DIGITS) if is_enough(digits)), 0)


def _shows(change: str) -> bool:
    return change == MISSING or any(digit in change for digit in "123456789")


def _change(one: FigureDifference, language: Language, more: int = 0) -> str:
    if one.before is None or one.now is None:
        return MISSING
    gap = one.now - one.before
    if one.spec.form == "share":
        return language.points(gap, 1 + more)
    if one.spec.form in ("points", "score"):
        return language.number(gap, (2 if one.spec.form == "score" else 1) + more, sign=True)
    return language.percent(gap / abs(one.before), 1 + more, sign=True) if one.before else MISSING


def _effects(found: Difference, language: Language) -> Iterator[tuple[str, ...]]:
    for one in found.effects:
        title = one.title.get(language.code) or one.experiment
        name = language.text(
            "{title}: {metric}", title=title, metric=metric_label(one.metric, language)
        )
        if one.estimand in ESTIMAND_WORDS:
            whom = language.text(ESTIMAND_WORDS[one.estimand])
            name = language.text("{name}, {who}", name=name, who=whom)
        yield (
            name,
            _interval(one, one.before, found, language),
            _interval(one, one.now, found, language),
        )


def _interval(
    one: EffectDifference,
    interval: tuple[float | None, float | None, float | None] | None,
    found: Difference,
    language: Language,
) -> str:
    if interval is None or any(value is None for value in interval):
        return MISSING
    currency = str(found.now.summary.get("currency", "CNY"))
    text = MetricText(unit_of(one.metric, one.kind), language, currency)
    return language.text(
        "{effect} ({interval})",
        effect=text.effect(interval[0]),
        interval=text.span(interval[1], interval[2]),
    )


def _tiers(found: Difference, language: Language) -> Iterator[tuple[str, ...]]:
    for one in found.tiers:
        yield tier_name(one.name, language), *_counts(one.before, one.now, language)


def _rows(found: Difference, language: Language) -> Iterator[tuple[str, ...]]:
    for one in found.rows:
        kind = language.text(_ROWS[one.kind], context="rows")
        name = _source_and_table(one.name, found, language)
        told = language.text("{gate}: {note}", gate=name, note=kind)
        yield told, *_counts(one.before, one.now, language)


def _source_and_table(name: str, found: Difference, language: Language) -> str:
    """A row of the ledger for readers; the parameters that made the result name its source."""
    source, _, table = name.partition(ARROW)
    values = (found.now.manifest.get("params") or {}).get("values") or {}
    given = (values.get("sources") or {}).get(source) or {}
    title = (given.get("title") or {}).get(language.code)
    return language.text(
        "{source} → {table}",
        source=title or (table_name(source, language) if source in CONTRACTS else source),
        table=table_name(table, language),
    )


def _counts(before: int | None, now: int | None, language: Language) -> Sequence[str]:
    gap = MISSING if before is None or now is None else language.number(now - before, sign=True)
    return language.number(before), language.number(now), gap


def _params(found: Difference) -> Iterator[tuple[str, ...]]:
    for one in found.params:
        yield one.key, one.before or MISSING, one.now or MISSING
