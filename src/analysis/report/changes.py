"""What changed since last month's report: verdicts, figures told again, params, code, data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import LANGUAGES, Language
from .block import Block, in_series, rendered
from .experiment_view import experiment_views
from .headline import HEADLINE, Form, headline_figures, in_full, written
from .inputs import Inputs
from .verdicts import DECISIONS

OF_MONTH_BEFORE = "previous/"
"""Inputs of a report that belong to the month before it."""


@dataclass(frozen=True)
class InputChange:
    """How one kind of input differs between two runs.

    Attributes:
        kind: params, code, packages, experiments, overrides, notebook or raw.
        changed, added, removed: Names of the inputs.
    """

    kind: str
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def is_any(self) -> bool:
        """Whether anything differs."""
        return bool(self.changed or self.added or self.removed)


def input_changes(now: Mapping[str, str], before: Mapping[str, str]) -> list[InputChange]:
    """Compare the digests of two runs, by kind of input.

    Args:
        now, before: Name of an input → digest, such as ``params.tiers`` or ``raw/orders.csv``.
            What belongs to another month's report always differs and is left out.

    Example:
        >>> input_changes({"code": "b", "raw/a.csv": "1"}, {"code": "a"})[0].changed
        ('code',)
    """
    names = (name for name in (*now, *before) if not name.startswith(OF_MONTH_BEFORE))
    kinds = dict.fromkeys(_kind(name) for name in names)
    changes = [_change_of(kind, now, before) for kind in kinds]
    return [change for change in changes if change.is_any]


def _change_of(kind: str, now: Mapping[str, str], before: Mapping[str, str]) -> InputChange:
    ours = {name for name in now if _kind(name) == kind}
    theirs = {name for name in before if _kind(name) == kind}
    differs = {name for name in ours & theirs if now[name] != before[name]}
    short = [tuple(sorted(_short(n) for n in s)) for s in (differs, ours - theirs, theirs - ours)]
    return InputChange(kind, *short)


def _kind(name: str) -> str:
    for kind in _WITH_NAMES:
        if name.startswith((f"{kind}.", f"{kind}/")):
            return kind
    return name


def _short(name: str) -> str:
    kind = _kind(name)
    return name[len(kind) + 1 :] if name != kind else name


def what_changed(inputs: Inputs, language: Language) -> Block:
    """What differs from last month's report, and what it was made from."""
    last = language.month(str(inputs.month.shifted(-1)))
    before = inputs.previous_summary
    return rendered(
        "changes",
        language,
        last=last,
        has_before=before is not None,
        verdicts=[] if before is None else verdict_changes(inputs, before, language),
        revised=None if before is None else _revised_table(inputs, before, language),
        inputs=_inputs_told(inputs, language),
        has_digests=bool(inputs.parts and inputs.previous_parts),
    )


def verdict_changes(inputs: Inputs, before: Mapping[str, Any], language: Language) -> list[str]:
    """One sentence for each experiment whose verdict is new or another one."""
    was = {e["id"]: e.get("verdict") for e in before.get("experiments", ())}
    sentences = []
    for view in experiment_views(inputs):
        title, now = view.title(language), _words(view.decision, language)
        if view.id not in was:
            sentences.append(language.text("{title}: new, {now}", title=title, now=now))
        elif was[view.id] != view.decision:
            sentences.append(
                language.text("{title}: {before} became {now}", title=title, now=now,
                              before=_words(str(was[view.id]), language))
            )  # fmt: skip
    return sentences


def _words(decision: str, language: Language) -> str:
    shown = DECISIONS.get(decision)
    if shown is None:
        return decision
    return language.text(shown.words, segments=language.text("some segments"))


def _revised_table(
    inputs: Inputs, before: Mapping[str, Any], language: Language
) -> ReadingTable | None:
    """Last month's figures that are written otherwise today than in last month's report.

    What is written otherwise in one language is told in all, so that no reader is told that
    nothing changed; amounts stand in full, because shortened ones may look the same.
    """
    currency = inputs.profile.money.currency
    month = inputs.month.shifted(-1)
    published = before.get("headline", {})
    rows = []
    for spec, figure in zip(HEADLINE, headline_figures(inputs.figures, month), strict=True):
        then = (published.get(spec.key) or {}).get("value")
        now = figure.value
        if then is None or now != now:
            continue
        if not _written_otherwise(float(then), now, spec.form, currency):
            continue
        told = [in_full(float(value), spec.form, language, currency) for value in (then, now)]
        rows.append({"figure": language.text(spec.label), "then": told[0], "now": told[1]})
    if not rows:
        return None
    headings = {
        "figure": language.text("Figure"),
        "then": language.text("Told then"),
        "now": language.text("Told now"),
    }
    caption = language.text(
        "Figures of {month} that were revised", month=language.month(str(month))
    )
    return reading_table(
        pd.DataFrame(rows), headings, caption=caption, numeric=("then", "now"), key="revised"
    )


def _written_otherwise(then: float, now: float, form: Form, currency: str) -> bool:
    readers = [Language(code) for code in LANGUAGES]
    return any(
        written(then, form, reader, currency) != written(now, form, reader, currency)
        for reader in readers
    )


_KINDS = {
    "params": "Parameters",
    "code": "Program code",
    "packages": "Program libraries",
    "experiments": "Experiment plans",
    "corrections": "Declared corrections",
    "overrides": "Committee overrides",
    "actions": "Measures",
    "identity": "Decisions on customers' identity",
    "forgotten": "Customers forgotten on request",
    "calendars": "Calendar",
    "notebook": "Notebooks",
    "raw": "Raw files",
    "words": "Wording and fonts",
}
_WITH_NAMES = (
    "params", "raw", "corrections", "experiments", "overrides", "actions", "identity", "forgotten",
    "calendars",
    "notebook",
)  # fmt: skip
"""Kinds whose inputs carry a name of their own: ``raw/a.csv``."""

MOST_NAMES = 6
"""Names told in one sentence; the others are counted."""


def _inputs_told(inputs: Inputs, language: Language) -> list[tuple[str, str]]:
    """For each kind of input that differs: its name, and what differs."""
    if not (inputs.parts and inputs.previous_parts):
        return []
    found = input_changes(inputs.parts, inputs.previous_parts)
    return [(kind_name(c.kind, language), names_told(c, language)) for c in found]


def kind_name(kind: str, language: Language) -> str:
    """A kind of input for readers."""
    return language.text(_KINDS[kind], context="input") if kind in _KINDS else kind


def names_told(change: InputChange, language: Language) -> str:
    """Which inputs of one kind changed, came or went, in one sentence."""
    if change.kind in ("code", "packages", "words"):
        return language.text("changed", context="input")
    parts = (
        ("changed: {names}", change.changed),
        ("new: {names}", change.added),
        ("gone: {names}", change.removed),
    )
    sentences = [language.text(s, names=_names(names, language)) for s, names in parts if names]
    return in_series(sentences, language)


def _names(names: tuple[str, ...], language: Language) -> str:
    shown = list(names[:MOST_NAMES])
    more = len(names) - len(shown)
    if not more:
        return language.listed(shown)
    told = language.text(", ", context="list").join(shown)
    return language.text("{names} and {n} more", names=told, n=language.number(more))
