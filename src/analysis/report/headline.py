"""The headline figures: what they are, their values of a month, and how they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ..language import MISSING, Language
from ..months import Month

Form = Literal["count", "share", "money", "points", "score", "per_100", "minutes"]
SPARK_MONTHS = 13
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
