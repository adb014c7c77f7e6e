"""Frozen plans: a plan that was changed after the first evaluation is shown, never accepted.

The first evaluation of an experiment stores its plan. Later ones compare: a changed plan makes
the verdict exploratory and its difference is told. Titles and the owner may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..message import Message, Value
from ..params.experiment import ExperimentSpec, plan_content, plan_digest

Document = Mapping[str, Any]
LONGEST = 60
"""Characters of a value that a difference shows."""


@dataclass(frozen=True)
class FrozenPlan:
    """A plan as it was first evaluated.

    Attributes:
        digest: Its digest.
        since: The month of its first evaluation.
        content: Its keys and values, without titles, owner and defaults.
    """

    digest: str
    since: str
    content: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form that `frozen_plan` reads."""
        return {"digest": self.digest, "since": self.since, "content": dict(self.content)}


def frozen_plan(spec: ExperimentSpec, month: str, history: Mapping[str, Document]) -> FrozenPlan:
    """The plan that binds an experiment: the first one evaluated, or this one.

    Args:
        spec: The plan as it reads now.
        month: The month evaluated now.
        history: Month → its stored document ``evaluations``; this month's too where it was
            evaluated before. Later months are ignored.
    """
    for past in sorted(m for m in history if m <= month):
        for entry in history[past].get("experiments", ()):
            stored = entry.get("plan") if entry.get("id") == spec.id else None
            if stored:
                return FrozenPlan(stored["digest"], stored["since"], stored["content"])
    return FrozenPlan(plan_digest(spec), month, plan_content(spec))


def plan_changes(spec: ExperimentSpec, frozen: FrozenPlan) -> tuple[Message, ...]:
    """What was changed since the plan was frozen; empty where nothing was.

    Returns:
        One message that says so, and one a key.
    """
    if plan_digest(spec) == frozen.digest:
        return ()
    was, now = dict(_leaves(frozen.content)), dict(_leaves(plan_content(spec)))
    keys = [key for key in dict.fromkeys([*was, *now]) if was.get(key) != now.get(key)]
    told = Message(
        "The plan was changed after its first evaluation in {month}: the verdict is exploratory.",
        {"month": Value("month", frozen.since)},
    )
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
