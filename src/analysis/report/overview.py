"""The month at a glance: the big numbers, each with its changes, or why it is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..figures import sparkline
from ..language import Language
from .block import Block, rendered, shown
from .field_names import no_source
from .headline import HEADLINE, HeadlineFigure, Spec, headline_figures, written
from .headline_changes import change, compared_told, since_last_year
from .inputs import Inputs
from .monthly_figures import QUARTER

KNOWN_ENOUGH = 0.95
"""Share of the active customers below which a sum of their amounts says that it is partial."""


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


@dataclass(frozen=True)
class _Spark:
    html: str

    def _repr_html_(self) -> str:
        return self.html
