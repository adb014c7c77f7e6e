"""What was decided and is not done yet: owner, due date, and the metric before and since."""

from __future__ import annotations

import math

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import MISSING, Language
from ..params.actions import Action
from .block import Block, rendered
from .headline import HEADLINE, Spec, written
from .inputs import Inputs
from .monthly_figures import before_and_since

SPECS = {spec.key: spec for spec in HEADLINE}


def actions(inputs: Inputs, language: Language) -> Block:
    """Open and overdue measures as of the month's end, with the metric before and since."""
    still = _still_open(inputs)
    return rendered(
        "actions",
        language,
        has_any=bool(_known(inputs)),
        is_kept=bool(inputs.actions),
        lead=measures_told(inputs, language),
        table=_table(still, inputs, language) if still else None,
    )


def _known(inputs: Inputs) -> list[Action]:
    return [one for one in inputs.actions if one.is_known(inputs.month.last_day)]


def _still_open(inputs: Inputs) -> list[Action]:
    """The measures that are not ended, the one that is due first before the others."""
    still = (one for one in _known(inputs) if one.is_open(inputs.month.last_day))
    return sorted(still, key=lambda one: one.due_on)


def measures_told(inputs: Inputs, language: Language) -> str:
    """How many measures are open, overdue and ended; empty where none was ever decided."""
    known, still = _known(inputs), _still_open(inputs)
    if not known:
        return ""
    overdue = sum(one.is_overdue(inputs.month.last_day) for one in still)
    ended = len(known) - len(still)
    told = {
        "overdue": language.text(", {n} of them overdue", n=language.number(overdue)),
        "ended": language.text("; ended so far: {n}", n=language.number(ended)),
    }
    return language.plural(
        "{n} measure is open{overdue}{ended}.",
        "{n} measures are open{overdue}{ended}.",
        len(still),
        overdue=told["overdue"] if overdue else "",
        ended=told["ended"] if ended else "",
    )


def is_any_open(inputs: Inputs) -> bool:
    """Whether a measure is open as of the month's end."""
    return bool(_still_open(inputs))


def _table(still: list[Action], inputs: Inputs, language: Language) -> ReadingTable:
    headings = {
        "measure": language.text("Measure"),
        "owner": language.text("Owner"),
        "due": language.text("Due"),
        "metric": language.text("Metric"),
        "before": language.text("Before"),
        "since": language.text("Since"),
    }
    return reading_table(
        pd.DataFrame([_row(action, inputs, language) for action in still]),
        headings,
        caption=language.text("Open measures, the most urgent first"),
        numeric=("before", "since"),
        group="state",
        stacks=True,
        key="actions",
    )


def _row(action: Action, inputs: Inputs, language: Language) -> dict[str, str]:
    spec = SPECS[action.metric]
    before, since = before_and_since(inputs.figures, action, inputs.month)
    late = action.is_overdue(inputs.month.last_day)
    return {
        "state": language.text("! Overdue" if late else "Open", context="action"),
        "measure": action.measure.in_(language.code),
        "owner": action.owner_in(language.code),
        "due": language.date(action.due_on),
        "metric": language.text(spec.label),
        "before": _written(spec, before, inputs, language),
        "since": _written(spec, since, inputs, language),
    }


def _written(spec: Spec, value: float, inputs: Inputs, language: Language) -> str:
    if math.isnan(value):
        return MISSING
    return written(value, spec.form, language, inputs.profile.money.currency)
