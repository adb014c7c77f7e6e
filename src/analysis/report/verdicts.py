"""The verdict boxes: what to do about each experiment, on the first screen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..language import Language
from .actions import is_any_open, measures_told
from .block import Block, rendered
from .calls import calls_told
from .experiment_view import (
    ExperimentView,
    arm_name,
    experiment_views,
    interval_of,
    segment_name,
    told,
)
from .findings import effect_finding, has_estimate
from .inputs import Inputs


@dataclass(frozen=True)
class Decision:
    """How a decision is shown.

    Attributes:
        words: English source; ``{segments}`` where it names some.
        tone: Class of the box.
        sign: Drawn beside the words.
        next_step: What follows from it.
    """

    words: str
    tone: str
    sign: str
    next_step: str


DECISIONS: Mapping[str, Decision] = MappingProxyType(
    {
        "roll_out": Decision(
            "Roll out", "good", "✓", "Set the date for introducing it to all customers."
        ),
        "roll_out_to": Decision(
            "Roll out to {segments}", "good", "✓",
            "Set the date for introducing it to these customers only.",
        ),
        "continue": Decision(
            "Continue", "open", "→", "Keep all groups as they are until the next look."
        ),
        "stop_harm": Decision(
            "Stop: harm", "bad", "✕", "End the treatment and tell the customers concerned."
        ),
        "stop_no_effect": Decision(
            "Stop: no worthwhile effect", "bad", "✕",
            "End the treatment; the effort is better spent elsewhere.",
        ),
        "inconclusive": Decision(
            "Inconclusive", "grey", "?", "Decide whether a larger experiment is worth its cost."
        ),
        "do_not_trust": Decision(
            "Do not trust", "alarm", "!",
            "Find the cause of the failed check before anyone acts on the figures.",
        ),
    }
)  # fmt: skip

FIRST_REASONS = 3
"""Reasons that the box shows at once; the others unfold."""
SHOWN_AS_NUMBERS = ("{metric}: {effect} ({low} to {high}), n = {n}",)
"""Sentences of the evaluation that repeat the primaries' numbers in the box."""
LOOKS_AGAIN = ("continue", "do_not_trust")
"""Decisions after which another look decides; "inconclusive" is said at the last planned one."""

GATES: Mapping[str, str] = MappingProxyType(
    {
        "sample_ratio": "sample ratio",
        "sample_ratio_strata": "sample ratio within strata",
        "loss": "loss of customers by group",
        "two_arms": "customers in two groups",
        "crossover": "customers in two groups",
        "pre_period": "balance before the start",
        "outcome_coverage": "coverage of the outcomes",
        "coverage": "coverage of the outcomes",
        "data_quality": "data quality",
    }
)


GATES_OF_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "loss": "loss of units by group",
        "two_arms": "units in two groups",
        "crossover": "units in two groups",
    }
)


def verdicts(inputs: Inputs, language: Language) -> Block:
    """One verdict box an experiment, the running ones first."""
    boxes = [verdict_box(view, language) for view in experiment_views(inputs)]
    waiting = [
        language.text("{gate}: {note}", gate=_title_of(one["id"], inputs, language),
                      note=told(one.get("why"), language))
        for one in inputs.waiting
    ]  # fmt: skip
    measures = measures_told(inputs, language) if is_any_open(inputs) else ""
    todo = {"actions": measures, "calls": calls_told(inputs, language)}
    return rendered(
        "verdicts",
        language,
        boxes=boxes,
        waiting=waiting,
        todo=[(section, words) for section, words in todo.items() if words],
    )


def _title_of(experiment: str, inputs: Inputs, language: Language) -> str:
    plan = inputs.plans.get(experiment)
    return plan.title.in_(language.code) if plan and plan.title else experiment


def verdict_box(view: ExperimentView, language: Language) -> dict[str, Any]:
    """What a verdict box shows; a failed gate replaces effects and reasons."""
    decision = DECISIONS.get(view.decision, DECISIONS["inconclusive"])
    reasons = _reasons(view, language)
    needs = [told(need, language) for need in view.verdict.get("needs") or ()]
    return {
        "id": view.id,
        "title": view.title(language),
        "tone": decision.tone,
        "sign": decision.sign,
        "words": decision_words(view, language),
        "headline": headline(view, language),
        "effects": _effects(view, language) if view.is_trusted else [],
        "alarms": [gate_told(row, view, language) for row in _rows(view.alarmed)],
        "reasons": reasons[:FIRST_REASONS],
        "more": [*reasons[FIRST_REASONS:], *needs],
        "facts": _facts(view, decision, language),
        "is_exploratory": bool(view.content.get("exploratory")),
    }


def _reasons(view: ExperimentView, language: Language) -> list[str]:
    """The evaluation's reasons, without what the box already shows."""
    shown = {headline(view, language)} | {gate_told(r, view, language) for r in _rows(view.alarmed)}
    found = [
        told(reason, language)
        for reason in view.verdict.get("reasons") or ()
        if not (isinstance(reason, Mapping) and reason.get("text") in SHOWN_AS_NUMBERS)
    ]
    return [reason for reason in found if not any(reason in one for one in shown)]


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def decision_words(view: ExperimentView, language: Language) -> str:
    """The decision in words."""
    decision = DECISIONS.get(view.decision, DECISIONS["inconclusive"])
    segments = [segment_name(str(s), language) for s in view.verdict.get("segments") or ()]
    return language.text(decision.words, segments=language.listed(segments))


def headline(view: ExperimentView, language: Language) -> str:
    """The one sentence: the evaluation's own, else the first primary's finding."""
    own = told(view.verdict.get("headline"), language)
    if own or not view.is_trusted:
        return own or language.text("A check failed, so the figures cannot be read as effects.")
    rows = _primary_rows(view)
    return effect_finding(view, rows[0], language) if rows else ""


def gate_name(gate: str, view: ExperimentView, language: Language) -> str:
    """A check's name for readers; a plain table's units need not be customers."""
    words = GATES if view.is_of_customers else {**GATES, **GATES_OF_UNITS}
    return language.text(words[gate], context="gate") if gate in words else gate


def gate_told(row: pd.Series, view: ExperimentView, language: Language) -> str:
    """A failed check in words: the evaluation's note, else its p value."""
    name = gate_name(str(row["gate"]), view, language)
    note = gate_note(view, str(row["gate"]), language)
    if note:
        return language.text("{gate}: {note}", gate=name, note=note)
    if pd.isna(row["p_value"]):
        return language.text("Check failed: {gate}", gate=name)
    return language.text(
        "Check failed: {gate} (p = {p}, alarm below {threshold})",
        gate=name, p=f"{row['p_value']:.2g}", threshold=f"{row['threshold']:g}",
    )  # fmt: skip


def gate_note(view: ExperimentView, gate: str, language: Language) -> str:
    """What a check found, in words; nothing where the evaluation left no note."""
    found = next((c for c in view.content.get("checks") or () if c.get("gate") == gate), None)
    return _with_arm_names(told(found.get("note"), language), view, language) if found else ""


def _with_arm_names(note: str, view: ExperimentView, language: Language) -> str:
    """A note whose counts by arm, such as ``tiered 883, uniform 879``, name arms for readers."""
    comma = language.text(", ", context="list")
    for arm in (str(one["arm"]) for one in view.content.get("arms") or ()):
        name = arm_name(arm, language).replace("\\", r"\\")
        counted = rf"(?<!\w){re.escape(arm)} (?=\d)"
        note = re.sub(f", {counted}", f"{comma}{name} ", note)
        note = re.sub(counted, f"{name} ", note)
    return note


def _primary_rows(view: ExperimentView) -> list[pd.Series]:
    """The whole-experiment estimate of each primary."""
    rows = []
    for metric in view.names_of("primary"):
        found = view.rows(metric)
        rows += [row for _, row in found[found["segment"] == "all"].head(1).iterrows()]
    return rows


def _effects(view: ExperimentView, language: Language) -> list[dict[str, str]]:
    return [_effect(view, row, language) for row in _primary_rows(view)]


def _effect(view: ExperimentView, row: pd.Series, language: Language) -> dict[str, str]:
    metric = str(row["metric"])
    write = view.text_of(metric, language)
    least = view.minimum_effect(metric)
    exists = has_estimate(row)
    n = _count(row["n_treatment"]) + _count(row["n_control"])
    return {
        "label": view.label_of(metric, language),
        "effect": write.effect(row["effect"]) if exists else language.text("not yet known"),
        "between": write.between(*interval_of(row)) if exists else "",
        "n": view.units(n, language),
        "least": "" if least is None else write.effect(least),
    }


def _facts(view: ExperimentView, decision: Decision, language: Language) -> list[tuple[str, str]]:
    """Owner, next step, dates and sizes, as pairs of name and text."""
    content = view.content
    look = _date(content.get("next_look"), language) if view.decision in LOOKS_AGAIN else ""
    since = _date(content.get("assigned_on"), language)
    arms = [
        language.text("{arm} {n}", arm=arm_name(str(a["arm"]), language),
                      n=language.number(a.get("n")))
        for a in content.get("arms") or ()
    ]  # fmt: skip
    facts = [
        (language.text("Next step"), language.text(decision.next_step)),
        (language.text("Owner"), view.owner(language)),
        (language.text("Next look"), look),
        (language.text("Running since"), since),
        (
            language.text("Customers" if view.is_of_customers else "Units", context="column"),
            language.listed(arms) if arms else "",
        ),
    ]
    return [(name, text) for name, text in facts if text]


def _date(value: Any, language: Language) -> str:
    return language.date(dt.date.fromisoformat(str(value)[:10])) if value else ""


def _count(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)
