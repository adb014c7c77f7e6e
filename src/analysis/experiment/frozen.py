"""Frozen plans: a plan that was changed after the first evaluation is shown, never accepted.

The draw of an experiment freezes its plan in a file beside it (see `freezing`); without one its
first evaluation stores the plan. Later evaluations compare: a changed plan makes the verdict
exploratory and its difference is told. Titles and the owner may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..message import Message, Value
from ..params.experiment import ExperimentSpec, plan_content, plan_digest

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
    """

    digest: str
    since: str
    content: Mapping[str, Any]
    by: FrozenBy = "evaluation"

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form that `frozen_plan` reads."""
        return {**vars(self), "content": dict(self.content)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FrozenPlan:
        """Read what `to_json` wrote; documents of earlier versions do not say what froze it."""
        by: FrozenBy = "design" if stored.get("by") == "design" else "evaluation"
        return cls(stored["digest"], stored["since"], stored["content"], by)


def frozen_plan(
    spec: ExperimentSpec,
    month: str,
    history: Mapping[str, Document],
    drawn: FrozenPlan | None = None,
) -> FrozenPlan:
    """The plan that binds an experiment: the one it was drawn with, the first evaluated, or this.

    Args:
        spec: The plan as it reads now.
        month: The month evaluated now.
        history: Month → its stored document ``evaluations``; this month's too where it was
            evaluated before. Later months are ignored.
    """
    for past in sorted(m for m in history if m <= month):
        for entry in history[past].get("experiments", ()):
            stored = entry.get("plan") if entry.get("id") == spec.id else None
            if stored and (drawn is None or stored["since"] < drawn.since):
                return FrozenPlan.from_json(stored)
    return drawn or FrozenPlan(plan_digest(spec), month, plan_content(spec))


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
