"""The month's big numbers, as the published summary has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from ..language import Language
from ..months import Month
from ..report.headline import HEADLINE, HeadlineFigure, Spec, change, written


def big_numbers(summary: Mapping[str, Any], currency: str, language: Language) -> str:
    """Big numbers with their change against last month and last year.

    Args:
        summary: The published ``summary.json``.
        currency: ISO code of its amounts.
        language: The reader's.
    """
    stored = summary.get("headline") or {}
    figures = [_figure(spec, stored[spec.key]) for spec in HEADLINE if spec.key in stored]
    known = [figure for figure in figures if not math.isnan(figure.value)]
    if not known:
        return ""
    month = Month.parse(str(summary["month"]))
    cards = "".join(_card(figure, month, currency, language) for figure in known)
    title = language.text("The month at a glance")
    return f'<section><h2>{title}</h2><ul class="tl-numbers">{cards}</ul></section>'


def _card(figure: HeadlineFigure, month: Month, currency: str, language: Language) -> str:
    value = written(figure.value, figure.spec.form, language, currency)
    changes = _change(figure, figure.previous, month.shifted(-1), language)
    changes += _change(figure, figure.year_ago, month.shifted(-12), language)
    return (
        f'<li class="tl-card"><h3>{language.text(figure.spec.label)}</h3>'
        f'<p class="tl-big">{escape(value)}</p>{changes}</li>'
    )


def _change(figure: HeadlineFigure, before: float, since: Month, language: Language) -> str:
    moved = change(figure, before, language.month(str(since)), language)
    if moved is None:
        return ""
    judged = f" <b>{escape(moved.verdict)}</b>" if moved.verdict else ""
    return (
        f'<p class="tl-change tl-{moved.tone}"><span aria-hidden="true">{moved.arrow}</span> '
        f"{escape(moved.words)}{judged}</p>"
    )


def _figure(spec: Spec, stored: Mapping[str, float | None]) -> HeadlineFigure:
    def number(name: str) -> float:
        value = stored.get(name)
        return math.nan if value is None else float(value)

    return HeadlineFigure(spec, number("value"), number("previous"), number("year_ago"), ())
