"""The parts of the page about one experiment: verdict, effects by segment, guardrails.

What the experiment says is decided by the evaluation and worded by the report; here it is laid
out so that a reader can choose the metric.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import pandas as pd

from ..figures import MetricText
from ..language import Language
from ..report.experiment_view import (
    ExperimentView,
    interval_of,
    tier_in,
    told,
    tone_of,
    whose,
)
from ..report.findings import has_estimate
from ..report.guardrails import STATES, guardrail_state
from ..report.verdicts import verdict_box
from .marks import Axis, interval, scale

ROLES = ("primary", "secondary", "guardrail", "reading")
WORST_FIRST = ("harmed", "insufficient", "tolerated", "safe")
SAID = {"better": "better", "worse": "worse", "unsure": "no clear effect"}


def verdict_card(view: ExperimentView, language: Language) -> str:
    """The verdict: decision, the one sentence, effects, reasons, facts."""
    box = verdict_box(view, language)
    chip = f'<span class="tl-chip">{language.text("exploratory")}</span>'
    return (
        f'<section class="tl-verdict tl-{escape(box["tone"])}" aria-labelledby="tl-decision">'
        f'<p class="tl-over">{escape(box["title"])}{chip if box["is_exploratory"] else ""}</p>'
        f'<h2 id="tl-decision"><span class="tl-sign" aria-hidden="true">{escape(box["sign"])}'
        f'</span>{escape(box["words"])}</h2><p class="tl-lead">{escape(box["headline"])}</p>'
        f"{_list(box['alarms'], 'tl-alarms')}{_effects(box['effects'], language)}"
        f"{_list(box['reasons'], '')}"
        f"{_more(box['more'], language)}{_facts(box['facts'])}</section>"
    )


def no_experiment(language: Language) -> str:
    """What stands in the verdict's place where no experiment was evaluated."""
    title = language.text("No experiment this month")
    lead = language.text("Without an experiment nothing can be said about effects.")
    return (
        f'<section class="tl-verdict tl-grey"><h2><span class="tl-sign" aria-hidden="true">–</span>'
        f'{title}</h2><p class="tl-lead">{lead}</p></section>'
    )


def metrics_of(view: ExperimentView) -> list[str]:
    """The metrics that have estimates, the primary ones first."""
    return list(dict.fromkeys(name for role in ROLES for name in view.names_of(role)))


def effects_table(view: ExperimentView, metric: str | None, language: Language) -> str:
    """Effects on one metric, for all customers and by segment, with their intervals."""
    rows = _records(view.rows(metric)) if metric else []
    if not view.is_trusted:
        return _note(language.text("A check failed, so the figures cannot be read as effects."))
    if not rows or metric is None:
        return _note(language.text("No effect was estimated for this metric."))
    write, least = view.text_of(metric, language), view.minimum_effect(metric)
    axis = _axis(rows, least)
    body = "".join(_effect_row(row, view, metric, axis, language) for row in rows)
    ticks = scale(axis, [(value, write.tick(value)) for value in axis.ticks()])
    return (
        f'<table class="tl-effects"><caption>{_caption(view, metric, language)}</caption>'
        f"{_head(language)}<tbody>{body}</tbody>"
        f"<tfoot><tr><td></td><td>{ticks}</td><td></td><td></td></tr></tfoot></table>"
        f"{_legend(view, least is not None, language)}{_notes(view, language)}"
    )


def guardrail_list(view: ExperimentView, language: Language) -> str:
    """Guardrails of all customers, and of the ordinary ones: state, effect, tolerated harm."""
    if not view.is_trusted:
        return _note(language.text("A check failed, so the figures cannot be read as effects."))
    rows = [row for m in view.names_of("guardrail") for row in _records(view.rows(m))]
    groups = {
        "All customers": [row for row in rows if _is_whole(row)],
        "Ordinary customers": [row for row in rows if _is_ordinary(row, view)],
    }
    shown = "".join(_guard_group(name, group, view, language) for name, group in groups.items())
    if not shown:
        return _note(language.text("The experiment has no guardrail that could be measured."))
    limit = f'<i class="tl-key limit harm"></i>{language.text("limit of tolerated harm")}'
    return f'{shown}<p class="tl-legend"><span>{limit}</span></p>{_blind(view, language)}'


def _is_whole(row: pd.Series) -> bool:
    """Whether a row compares all treated with all untreated customers."""
    return bool(row["segment"] == "all" and row["estimand"] == "total")


def _is_ordinary(row: pd.Series, view: ExperimentView) -> bool:
    """Whether a row is about customers of the lowest tiers, or untreated beside treated ones."""
    lowest = (*(view.plan.ordinary_tiers if view.plan else ("regular",)), "ordinary")
    return row["estimand"] == "spillover" or tier_in(str(row["segment"])) in lowest


def _guard_group(
    name: str, rows: Iterable[pd.Series], view: ExperimentView, language: Language
) -> str:
    worst_first = sorted(rows, key=lambda row: WORST_FIRST.index(_state(row, view)))
    items = "".join(_guardrail(row, view, str(row["metric"]), language) for row in worst_first)
    return f'<h3>{language.text(name)}</h3><ul class="tl-guards">{items}</ul>' if items else ""


def _blind(view: ExperimentView, language: Language) -> str:
    """What a design whose arms share depots cannot show."""
    if view.content.get("design") != "customer":
        return ""
    return _note(
        language.text(
            "Treated and untreated customers share depots and agents here: harm to ordinary "
            "customers by congestion cannot be measured in this design."
        )
    )


def _effect_row(
    row: pd.Series, view: ExperimentView, metric: str, axis: Axis, language: Language
) -> str:
    label, write = escape(whose(view, row, language)), view.text_of(metric, language)
    if not has_estimate(row):
        why = escape(view.status(row, language))
        return f'<tr><th scope="row">{label}</th><td class="tl-waiting" colspan="3">{why}</td></tr>'
    counts = f"{language.number(row['n_treatment'])} / {language.number(row['n_control'])}"
    levels = f"{write.value(row['value_control'])} → {write.value(row['value_treatment'])}"
    tone, limit = tone_of(row, view.sign(metric)), view.minimum_effect(metric)
    return (
        f'<tr><th scope="row">{label}</th>'
        f"<td>{_drawn(row, view, axis, limit, tone, language)}</td>"
        f'<td class="tl-num">{_figures(row, write)}</td>'
        f'<td class="tl-num">{escape(levels)}<small>n {counts}</small></td></tr>'
    )


def _guardrail(row: pd.Series, view: ExperimentView, metric: str, language: Language) -> str:
    write = view.text_of(metric, language)
    words, tone, mark = STATES[_state(row, view)]
    state = f"{mark} {language.text(words, context='guardrail')}"
    whom = "" if _is_whole(row) else escape(whose(view, row, language))
    drawn = figures = ""
    if has_estimate(row):
        limit = -view.sign(metric) * _tolerated(row, view)
        drawn = _drawn(row, view, _axis([row], limit), limit, tone, language)
        figures = _figures(row, write)
    return (
        f"<li><div><b>{escape(view.label_of(metric, language))}</b>"
        f'<small class="tl-state tl-{tone}">{state}</small><small>{whom}</small></div>'
        f'<div class="tl-num">{figures}</div>{drawn}</li>'
    )


def _state(row: pd.Series, view: ExperimentView) -> str:
    return guardrail_state(row, view.sign(str(row["metric"])), _tolerated(row, view))


def _tolerated(row: pd.Series, view: ExperimentView) -> float:
    control = 0.0 if pd.isna(row["value_control"]) else float(row["value_control"])
    return view.tolerated_harm(str(row["metric"]), control)


def _drawn(
    row: pd.Series,
    view: ExperimentView,
    axis: Axis,
    limit: float | None,
    tone: str,
    language: Language,
) -> str:
    write = view.text_of(str(row["metric"]), language)
    said = language.text(
        "{who}: {effect}, interval {between}; {tone}",
        who=whose(view, row, language),
        effect=write.effect(row["effect"]),
        between=write.between(*interval_of(row)),
        tone=language.text(SAID[tone_of(row, view.sign(str(row["metric"])))]),
    )
    inner = (float(row["ci_low"]), float(row["ci_high"]))
    return interval(
        axis, float(row["effect"]), inner, interval_of(row), tone=tone, said=said, limit=limit
    )


def _figures(row: pd.Series, write: MetricText) -> str:
    span = write.between(*interval_of(row))
    return f"<b>{escape(write.effect(row['effect']))}</b><small>{escape(span)}</small>"


def _axis(rows: Iterable[pd.Series], limit: float | None) -> Axis:
    """An axis for all rows, the zero line and the line they are judged by."""
    known = [row for row in rows if has_estimate(row)]
    ends = [end for row in known for end in (*interval_of(row), row["ci_low"], row["ci_high"])]
    return Axis.around([float(end) for end in ends] + [limit or 0.0])


def _records(rows: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in rows.iterrows()]


def _caption(view: ExperimentView, metric: str, language: Language) -> str:
    unit = view.text_of(metric, language).unit_name
    what = language.text("Effect on {metric}", metric=view.label_of(metric, language))
    return escape(language.text("{what} ({unit})", what=what, unit=unit) if unit else what)


def _head(language: Language) -> str:
    names = ("Customers", "Effect with interval", "Effect", "Without → with")
    cells = "".join(
        f'<th scope="col"{" class=tl-num" if place > 1 else ""}>{language.text(name)}</th>'
        for place, name in enumerate(names)
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _legend(view: ExperimentView, has_least: bool, language: Language) -> str:
    level = language.percent(1 - (view.plan.alpha if view.plan else 0.05), 0)
    items = [
        ("outer", language.text("interval that holds at every look")),
        ("inner", language.text("fixed {level} interval", level=level)),
    ]
    if has_least:
        items.append(("limit", language.text("smallest worthwhile effect")))
    marks = "".join(f'<span><i class="tl-key {name}"></i>{text}</span>' for name, text in items)
    return f'<p class="tl-legend">{marks}</p>'


def _notes(view: ExperimentView, language: Language) -> str:
    """What a reader must know to read the effects right."""
    sentences = [told(note, language) for note in view.content.get("notes") or ()]
    return "".join(_note(sentence) for sentence in sentences if sentence)


def _effects(effects: Iterable[dict[str, str]], language: Language) -> str:
    def item(effect: dict[str, str]) -> str:
        least = language.text("worthwhile from {effect}", context="line", effect=effect["least"])
        small = [effect["between"], effect["n"], least if effect["least"] else ""]
        below = " · ".join(escape(text) for text in small if text)
        return (
            f"<div><dt>{escape(effect['label'])}</dt>"
            f"<dd><b>{escape(effect['effect'])}</b><small>{below}</small></dd></div>"
        )

    items = "".join(item(effect) for effect in effects)
    return f'<dl class="tl-primaries">{items}</dl>' if items else ""


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts
    )
    return f'<dl class="tl-facts">{items}</dl>'


def _list(sentences: Iterable[Any], style: str) -> str:
    items = "".join(f"<li>{escape(str(sentence))}</li>" for sentence in sentences)
    return f'<ul class="tl-reasons {style}">{items}</ul>' if items else ""


def _more(sentences: Iterable[Any], language: Language) -> str:
    listed = _list(sentences, "")
    summary = language.text("Further reasons, and what would change the verdict")
    return f"<details><summary>{summary}</summary>{listed}</details>" if listed else ""


def _note(text: str) -> str:
    return f'<p class="tl-note">{escape(text)}</p>'
