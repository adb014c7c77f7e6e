"""The month's big numbers, as the published summary has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from ..language import Language
from ..months import Month
from ..report.headline import HEADLINE, HeadlineFigure, Spec, written
from ..report.headline_changes import Change, change, since_last_year


def big_numbers(summary: Mapping[str, Any], currency: str, language: Language) -> str:
    """Big numbers with their change against last month and last year.

    Args:
        summary: The published ``summary.json``.
        currency: ISO code of its amounts.
        language: The reader's.
    """
    stored = summary.get("headline") or {}
    figures = [(_figure(spec, stored[spec.key]), stored[spec.key]) for spec in HEADLINE
               if spec.key in stored]  # fmt: skip
    known = [(figure, told) for figure, told in figures if not math.isnan(figure.value)]
    if not known:
        return ""
    year = _year_ago(summary, language)
    cards = "".join(_card(figure, told, year, currency, language) for figure, told in known)
    title = language.text("The month at a glance")
    missing = _missing(summary, language)
    return f'<section><h2>{title}</h2><ul class="tl-numbers">{cards}</ul>{missing}</section>'


def _missing(summary: Mapping[str, Any], language: Language) -> str:
    """What the profile has no source for."""
    phrases = (summary.get("not_available") or {}).get(language.code) or ()
    if not phrases:
        return ""
    told = language.listed([str(phrase) for phrase in phrases])
    return f'<p class="tl-note">{language.text("Not available:")} {escape(told)}</p>'


def _year_ago(summary: Mapping[str, Any], language: Language) -> str:
    """Which month of last year the figures are compared with, in words."""
    month, compared = summary.get("month"), summary.get("last_year")
    if not month or not compared:
        return language.text("on last year")
    return since_last_year(Month.parse(str(month)), Month.parse(str(compared)), language)


def _card(
    figure: HeadlineFigure,
    stored: Mapping[str, float | None],
    year: str,
    currency: str,
    language: Language,
) -> str:
    value = written(figure.value, figure.spec.form, language, currency)
    changes = (
        change(figure, before, since, language, _number(stored, chance))
        for before, since, chance in (
            (figure.previous, language.text("on last month"), "chance_previous"),
            (figure.year_ago, year, "chance_year_ago"),
        )
    )
    rows = "".join(_change(moved) for moved in changes if moved is not None)
    return (
        f'<li class="tl-card"><h3>{language.text(figure.spec.label)}</h3>'
        f'<p class="tl-big">{escape(value)}</p><dl class="tl-changes">{rows}</dl></li>'
    )


def _change(moved: Change) -> str:
    judged = f" <b>{escape(moved.verdict)}</b>" if moved.verdict else ""
    return (
        f'<div><dt>{escape(moved.since)}</dt><dd class="tl-{moved.tone}">'
        f'<span aria-hidden="true">{moved.arrow}</span> {escape(moved.words)}{judged}</dd></div>'
    )


def _figure(spec: Spec, stored: Mapping[str, float | None]) -> HeadlineFigure:
    value, previous, year_ago = (_number(stored, k) for k in ("value", "previous", "year_ago"))
    return HeadlineFigure(spec, value, previous, year_ago, ())


def _number(stored: Mapping[str, float | None], name: str) -> float:
    value = stored.get(name)
    return math.nan if value is None else float(value)
