"""Frozen plans and assignments: what was changed after the start is shown, never accepted.

The draw of an experiment freezes its plan and who got which arm in a file beside the plan (see
`freezing`); without one its first evaluation stores them. Later evaluations compare: a change
makes the verdict exploratory and is told, of an assignment by counts alone. Titles and the owner
may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..message import Message, Value
from ..params.experiment import ExperimentSpec, plan_content, plan_digest
from .roster import Difference, Roster

Document = Mapping[str, Any]
FrozenBy = Literal["design", "evaluation"]
CHANGED: Mapping[FrozenBy, Message] = {
    "design": Message(
        "The plan was changed after it was frozen in {month}: the verdict is exploratory."
    ),
    "evaluation": Message(
        "The plan was changed after its first evaluation in {month}: the verdict is exploratory."
    ),
}
REASSIGNED: Mapping[FrozenBy, Message] = {
    "design": Message(
        "The assignment was changed after it was drawn in {month}: the verdict is exploratory."
    ),
    "evaluation": Message(
        "The assignment was changed after its first evaluation in {month}: the verdict is "
        "exploratory."
    ),
}
COUNTED: Mapping[str, Message] = {
    "moved": Message("Assignment: units now in another arm: {n}"),
    "added": Message("Assignment: units added: {n}"),
    "removed": Message("Assignment: units removed: {n}"),
    "placed": Message("Assignment: units now with another day, cluster or stratum: {n}"),
}
LONGEST = 60
"""Characters of a value that a difference shows."""


@dataclass(frozen=True)
class FrozenPlan:
    """A plan as it binds.

    Attributes:
        digest: Its digest.
        since: The month of its draw, or of its first evaluation.
        content: Its keys and values, without titles, owner and defaults.
        by: What froze it.
        roster: Who was assigned to which arm then; None where that is not known.
    """

    digest: str
    since: str
    content: Mapping[str, Any]
    by: FrozenBy = "evaluation"
    roster: Roster | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form that `frozen_plan` reads."""
        told = {**vars(self), "content": dict(self.content)}
        return told | {"roster": self.roster.to_json() if self.roster else None}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FrozenPlan:
        """Read what `to_json` wrote; documents of earlier versions do not say what froze it."""
        by: FrozenBy = "design" if stored.get("by") == "design" else "evaluation"
        roster = stored.get("roster")
        held = Roster.from_json(roster) if roster else None
        return cls(stored["digest"], stored["since"], stored["content"], by, held)


def frozen_plan(
    spec: ExperimentSpec,
    month: str,
    history: Mapping[str, Document],
    drawn: FrozenPlan | None = None,
    roster: Roster | None = None,
) -> FrozenPlan:
    """The plan that binds an experiment: the one it was drawn with, the first evaluated, or this.

    Args:
        spec: The plan as it reads now.
        month: The month evaluated now.
        history: Month → its stored document ``evaluations``; this month's too where it was
            evaluated before. Later months are ignored.
        drawn: The plan as the draw froze it.
        roster: The units now; they bind where nothing froze them before.
    """
    stored = [FrozenPlan.from_json(plan) for plan in _stored(spec.id, month, history)]
    earlier = [p for p in stored if drawn is None or p.since < drawn.since]
    binding = [*earlier[:1], *([drawn] if drawn else []), *stored]
    held = next((plan.roster for plan in binding if plan.roster), roster)
    now = FrozenPlan(plan_digest(spec), month, plan_content(spec))
    return replace((binding or [now])[0], roster=held)


def _stored(
    experiment: str, month: str, history: Mapping[str, Document]
) -> Iterable[Mapping[str, Any]]:
    """What earlier evaluations stored of an experiment's plan, the earliest first."""
    for past in sorted(m for m in history if m <= month):
        for entry in history[past].get("experiments", ()):
            if entry.get("id") == experiment and entry.get("plan"):
                yield entry["plan"]


def assignment_changes(found: Difference, frozen: FrozenPlan) -> tuple[Message, ...]:
    """What was changed in the assignment since it was frozen; empty where nothing was.

    Args:
        found: The assignment held against the frozen roster.
        frozen: Says when and by what it was frozen.

    Returns:
        One message that says so, and one a kind of change with its count.
    """
    if not found:
        return ()
    told = Message(REASSIGNED[frozen.by].source, {"month": Value("month", frozen.since)})
    counts = {kind: n for kind, n in vars(found).items() if n}
    return (
        told,
        *(Message(COUNTED[kind].source, {"n": Value("number", n)}) for kind, n in counts.items()),
    )


def plan_changes(spec: ExperimentSpec, frozen: FrozenPlan) -> tuple[Message, ...]:
    """What was changed since the plan was frozen; empty where nothing was.

    Returns:
        One message that says so, and one a key.
    """
    if plan_digest(spec) == frozen.digest:
        return ()
    was, now = dict(_leaves(frozen.content)), dict(_leaves(plan_content(spec)))
    keys = [key for key in dict.fromkeys([*was, *now]) if was.get(key) != now.get(key)]
    told = Message(CHANGED[frozen.by].source, {"month": Value("month", frozen.since)})
    return (told, *(_changed(key, was.get(key), now.get(key)) for key in keys))


def without_names(document: Document, names: Iterable[str]) -> Document:
    """A stored document ``evaluations`` without forgotten customers on its rosters."""
    left = []
    for entry in document.get("experiments", ()):
        plan = entry.get("plan") or {}
        roster = plan.get("roster")
        kept = Roster.from_json(roster).without(names).to_json() if roster else None
        left.append({**entry, "plan": {**plan, "roster": kept}} if roster else entry)
    return {**document, "experiments": left}


def _changed(key: str, was: object, now: object) -> Message:
    return Message(
        "Plan, {key}: {was} → {now}",
        {
            "key": Value("plain", key),
            "was": Value("plain", _short(was)),
            "now": Value("plain", _short(now)),
        },
    )


def _short(value: object) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _leaves(content: object, path: str = "") -> Iterable[tuple[str, object]]:
    """Dotted key → value; metrics go by their names, so that their order does not matter."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list) and content and isinstance(content[0], Mapping):
        for i, value in enumerate(content):
            yield from _leaves(value, f"{path}.{value.get('name', i)}")
    else:
        yield path, content
