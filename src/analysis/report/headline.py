"""The big numbers: each with its change against last month and the same month last year."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ..figures import sparkline
from ..language import MISSING, Language
from ..months import Month
from .block import Block, rendered, shown
from .inputs import Inputs
from .monthly_figures import QUARTER

Form = Literal["count", "share", "money", "points", "score", "per_100", "minutes"]
SPARK_MONTHS = 13
KNOWN_ENOUGH = 0.95
"""Share of the active customers below which a sum of their amounts says that it is partial."""
HOUR = 60
LONG_WAIT = 180
"""Minutes from which a wait is told in hours."""


@dataclass(frozen=True)
class Spec:
    """A headline figure: where it comes from and what it means.

    Attributes:
        key: Column of `monthly_figures`.
        label, definition: English sources of the catalogue.
        form: How it is written.
        better: +1 where more is better, −1 where less is, 0 where neither.
        source: Canonical table it cannot be known without.
    """

    key: str
    label: str
    definition: str
    form: Form
    better: int
    source: str = "shipments"


HEADLINE = (
    Spec("active_customers", "Active customers", "Customers with a shipment in the month.",
         "count", 1),
    Spec("retention", "Customer retention",
         "Of the customers that shipped in the quarter before, those that shipped again in the "
         "three months up to this one.", "share", 1),
    Spec("nps", "NPS", "Promoters (9-10) minus detractors (0-6), answers of the month.",
         "points", 1, "surveys"),
    Spec("csat", "Satisfaction (1-5)", "Mean satisfaction score, answers of the month.",
         "score", 1, "surveys"),
    Spec("revenue", "Revenue", "Of shipments picked up in the month.", "money", 1),
    Spec("margin", "Margin", "Revenue minus shipment cost; cost to serve is not taken off.",
         "money", 1),
    Spec("cost_to_serve", "Cost to serve",
         "Service activities of the month, without shipment cost.", "money", 0,
         "service_costs"),
    Spec("on_time_rate", "On-time rate",
         "Deliveries of the month by the promise, of those with a promise.", "share", 1),
    Spec("complaints", "Complaints per 100 shipments",
         "Tickets opened per 100 shipments picked up.", "per_100", -1, "tickets"),
    Spec("response_minutes", "First response, typical customer",
         "Median over customers of their median time from ticket to first response.",
         "minutes", -1, "tickets"),
)  # fmt: skip


@dataclass(frozen=True)
class HeadlineFigure:
    """One big number of a month.

    Attributes:
        spec: What it is.
        value, previous, year_ago: This month, last month, the month of last year it is compared
            with (aligned by festival); NaN where there is none.
        past: Up to thirteen months, oldest first, this one last.
        low, high: Sampling interval of the value; NaN where none is given.
        noise: Half-widths of the 95 % intervals of this month, last month and the same month
            last year; NaN where none is known.
    """

    spec: Spec
    value: float
    previous: float
    year_ago: float
    past: tuple[float, ...]
    low: float = math.nan
    high: float = math.nan
    noise: tuple[float, float, float] = (math.nan, math.nan, math.nan)

    @property
    def chance(self) -> tuple[float, float]:
        """The largest change that chance alone explains (95 %), on last month and on last year."""
        now, previous, year_ago = self.noise
        return math.hypot(now, previous), math.hypot(now, year_ago)


def headline_figures(
    figures: pd.DataFrame | None, month: Month, year_ago: Month | None = None
) -> list[HeadlineFigure]:
    """The big numbers of a month; NaN where a profile or a month has none.

    Args:
        figures: As `monthly_figures` returns; None without a panel.
        month: The as-of month.
        year_ago: The month of last year to compare with; the same month by default.
    """
    then = year_ago or month.shifted(-12)
    return [_figure(spec, figures, month, then) for spec in HEADLINE]


def _figure(
    spec: Spec, figures: pd.DataFrame | None, month: Month, year_ago: Month
) -> HeadlineFigure:
    def of(column: str, which: Month) -> float:
        key = str(which)
        if figures is None or column not in figures or key not in figures.index:
            return math.nan
        return float(figures[column].loc[key])

    past = tuple(of(spec.key, month.shifted(-back)) for back in range(SPARK_MONTHS - 1, -1, -1))
    compared = (month, month.shifted(-1), year_ago)
    ends = [(of(f"{spec.key}_low", m), of(f"{spec.key}_high", m)) for m in compared]
    noise = [of(f"{spec.key}_noise", m) for m in compared]
    if all(map(math.isnan, noise)):
        noise = [(high - low) / 2 for low, high in ends]
    return HeadlineFigure(
        spec,
        past[-1],
        of(spec.key, month.shifted(-1)),
        of(spec.key, year_ago),
        past,
        *ends[0],
        (noise[0], noise[1], noise[2]),
    )


def written(value: float, form: Form, language: Language, currency: str, more: int = 0) -> str:
    """A figure in the reader's language.

    Args:
        value, form, language, currency: What is written, and how.
        more: Decimals beyond the usual ones, for a comparison that needs them.
    """
    if math.isnan(value):
        return MISSING
    if form == "share":
        return language.percent(value, 1 + more)
    if form == "money":
        return language.money(value, currency)
    if form == "points":
        return language.number(value, 1 + more, sign=True)
    if form == "score":
        return language.number(value, 2 + more)
    if form == "per_100":
        return language.number(value * 100, 2 + more)
    if form == "minutes":
        return duration(value, language)
    return language.number(value)


def in_full(value: float, form: Form, language: Language, currency: str, more: int = 0) -> str:
    """A figure that is not shortened, so that a small difference can be seen."""
    if form == "money" and not math.isnan(value):
        return language.amount(value, currency, more)
    if form == "minutes" and not math.isnan(value):
        return language.text("{n} min", n=language.number(value, more))
    return written(value, form, language, currency, more)


def duration(minutes: float, language: Language) -> str:
    """A wait in minutes, or in hours where it is long."""
    if minutes < LONG_WAIT:
        return language.text("{n} min", n=language.number(minutes))
    return language.text("{n} h", n=language.number(minutes / HOUR, 1))


@dataclass(frozen=True)
class Change:
    """A change in words.

    Attributes:
        since: The month compared with, such as "on last month".
        arrow: ▲, ▼, or ● where nothing moved.
        words: Such as "up 3.2%".
        tone: better, worse or plain; also told by `verdict`.
        verdict: "better", "worse", "within chance", or empty.
    """

    since: str
    arrow: str
    words: str
    tone: str
    verdict: str


def change(
    figure: HeadlineFigure, before: float, since: str, language: Language, noise: float = math.nan
) -> Change | None:
    """How a figure moved since an earlier month; None where one of them is missing.

    Args:
        figure: The figure.
        before: Its earlier value.
        since: The earlier month, in words.
        language: The reader's.
        noise: Largest difference that chance alone explains (95 %); NaN where that is unknown.
    """
    if math.isnan(before) or math.isnan(figure.value):
        return None
    size = _size(figure, before, language)
    moved = figure.value - before
    if not any(digit in size for digit in "123456789"):
        return Change(since, "●", language.text("unchanged", context="change"), "plain", "")
    arrow = "▲" if moved > 0 else "▼"
    words = language.text("up {size}" if moved > 0 else "down {size}", size=size)
    if abs(moved) <= noise:
        return Change(since, arrow, words, "plain", language.text("within chance"))
    better = figure.spec.better * moved
    tone = "plain" if not better else "better" if better > 0 else "worse"
    verdict = "" if tone == "plain" else language.text(tone, context="change")
    return Change(since, arrow, words, tone, verdict)


def _size(figure: HeadlineFigure, before: float, language: Language) -> str:
    """The size of a change without its sign, in the unit that suits the figure."""
    moved = abs(figure.value - before)
    if figure.spec.form == "share":
        return language.points(moved, 1, sign=False)
    if figure.spec.form in ("points", "score"):
        digits = 1 if figure.spec.form == "points" else 2
        return language.text("{n} points", n=language.number(moved, digits))
    return language.percent(moved / abs(before), 1) if before else MISSING


def overview(inputs: Inputs, language: Language) -> Block:
    """The month at a glance: the big numbers."""
    month = inputs.month
    found = headline_figures(inputs.figures, month, inputs.last_year)
    cards = [figure_card(figure, inputs, language) for figure in found]
    told = {card["key"] for card in cards if card["exists"]}
    hidden = {"csat"} if "nps" in told else set()
    return rendered(
        "overview",
        language,
        cards=[card for card in cards if card["key"] in told - hidden],
        missing=[card for card in cards if not card["exists"]],
        definitions=[(language.text(s.label), language.text(s.definition)) for s in HEADLINE],
        compared=compared_told(inputs, language),
        tax=inputs.profile.money.tax,
    )


def figure_card(figure: HeadlineFigure, inputs: Inputs, language: Language) -> Mapping[str, Any]:
    """What a big number shows: its label, value, changes, interval, and why it is missing."""
    spec, currency = figure.spec, inputs.profile.money.currency
    return {
        "key": spec.key,
        "label": language.text(spec.label),
        "exists": not math.isnan(figure.value),
        "why": why_missing(spec, inputs, language),
        "value": written(figure.value, spec.form, language, currency),
        "changes": [
            change(figure, before, since, language, chance)
            for before, since, chance in zip(
                (figure.previous, figure.year_ago),
                (
                    language.text("on last month"),
                    since_last_year(inputs.month, inputs.last_year, language),
                ),
                figure.chance,
                strict=True,
            )
        ],
        "beside": _beside(figure, inputs, language),
        "spark": shown(_Spark(sparkline(figure.past))),
    }


def since_last_year(month: Month, compared: Month, language: Language) -> str:
    """The month of last year compared with, short; by its name where it is another month."""
    if compared == month.shifted(-12):
        return language.text("on last year")
    return language.text("on {month}", month=language.month(str(compared)))


def compared_told(inputs: Inputs, language: Language) -> str:
    """Which months the figures are compared with, why, and how long the company was open in each.

    A month of Spring Festival is short: without its open days a reader would take the holiday
    for a fall of business.
    """
    same = inputs.month.shifted(-12)
    months = (inputs.month, inputs.month.shifted(-1), inputs.last_year)
    if not _is_known(months[1], inputs):
        return language.text(
            "The data begin in this month: there is no earlier one to compare with."
        )
    if not _is_known(months[2], inputs):
        last = language.month(str(months[1]))
        return language.text("Compared with {last}; the data do not reach back a year.", last=last)
    now, last, year = (language.month(str(month)) for month in months)
    source = (
        "Compared with {last} and {year}."
        if inputs.last_year == same
        else "Compared with {last} and, because Spring Festival moved, with {year} instead of "
        "{same}."
    )
    told = language.text(source, last=last, year=year, same=language.month(str(same)))
    if not inputs.open_days:
        return told
    days = dict(zip(("a", "b", "c"), map(language.number, inputs.open_days), strict=True))
    opened = language.text(
        "Open days: {a} in {now}, {b} in {last}, {c} in {year}.",
        now=now, last=last, year=year, **days,
    )  # fmt: skip
    return language.text("{one} {two}", one=told, two=opened)


def _is_known(month: Month, inputs: Inputs) -> bool:
    return inputs.figures is not None and str(month) in inputs.figures.index


def _beside(figure: HeadlineFigure, inputs: Inputs, language: Language) -> str:
    """What belongs to a figure: the interval of NPS, the share of revenue of amounts."""
    if not math.isnan(figure.low):
        currency = inputs.profile.money.currency
        ends = (figure.low, figure.high)
        low, high = (written(end, figure.spec.form, language, currency) for end in ends)
        return language.text("95% interval {low} to {high}", low=low, high=high)
    known = _known_share(figure.spec.key, inputs)
    if known < KNOWN_ENOUGH:
        return language.text("known of {share} of customers", share=language.percent(known, 0))
    if figure.spec.key not in ("margin", "cost_to_serve") or inputs.figures is None:
        return ""
    revenue = float(inputs.figures["revenue"].get(str(inputs.month), math.nan))
    share = figure.value / revenue if revenue else math.nan
    if math.isnan(share):
        return ""
    return language.text("{share} of revenue", share=language.percent(share))


def _known_share(key: str, inputs: Inputs) -> float:
    """The share of the month's active customers of which an amount is known; 1 where all are."""
    figures, column = inputs.figures, f"{key}_known"
    if figures is None or column not in figures or str(inputs.month) not in figures.index:
        return 1.0
    share = float(figures[column].loc[str(inputs.month)])
    return 1.0 if math.isnan(share) else share


def why_missing(spec: Spec, inputs: Inputs, language: Language) -> str:
    """Why a figure does not exist, in words."""
    if spec.source not in inputs.sources:
        return no_source(spec.source, language)
    figures = inputs.figures
    is_young = figures is not None and 0 < len(figures.loc[: str(inputs.month)]) < 2 * QUARTER
    if spec.key == "retention" and is_young:
        return language.text("needs {n} months of data", n=language.number(2 * QUARTER))
    if figures is None or spec.key not in figures or figures[spec.key].isna().all():
        return language.text("recorded by no source")
    return language.text("nothing recorded in this month")


def no_source(table: str, language: Language) -> str:
    """That the profile has no source for a canonical table."""
    return language.text("no source of {table}", table=table_name(table, language))


def table_name(table: str, language: Language) -> str:
    """A canonical table for readers."""
    return language.text(table.replace("_", " "), context="table")


@dataclass(frozen=True)
class _Spark:
    html: str

    def _repr_html_(self) -> str:
        return self.html
