"""What was decided: measures with an owner, a due date and the metric that they are to move."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from .loading import Bilingual, Section, Written, build_if_there, in_language

ActionMetric = Literal[
    "active_customers",
    "retention",
    "nps",
    "csat",
    "revenue",
    "margin",
    "cost_to_serve",
    "on_time_rate",
    "complaints",
    "response_minutes",
]
"""Figures of the report's first page."""
ActionStatus = Literal["planned", "running", "done", "dropped"]


class Action(Section):
    """One measure.

    Attributes:
        id: Short name.
        measure: What is done, in both languages.
        owner: A department, in one or both languages, or a name that readers may see.
        decided_on: When it was decided; unknown to reports of earlier months.
        due_on: Last day on which it may still be open.
        status: ``planned``, ``running``, ``done`` or ``dropped``, as of now.
        done_on: Day on which it was done or dropped; reports of earlier months list it as open.
        metric: The figure it is to move.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    measure: Bilingual
    owner: Written | Bilingual
    decided_on: dt.date
    due_on: dt.date
    status: ActionStatus
    done_on: dt.date | None = None
    metric: ActionMetric

    @model_validator(mode="after")
    def _days_follow(self) -> Self:
        if self.due_on < self.decided_on:
            raise ValueError("due_on lies before decided_on")
        ended = self.status in ("done", "dropped")
        if ended != (self.done_on is not None):
            raise ValueError("done_on is given when, and only when, the status is done or dropped")
        if self.done_on and self.done_on < self.decided_on:
            raise ValueError("done_on lies before decided_on")
        return self

    def owner_in(self, code: str) -> str:
        """The owner in a language."""
        return in_language(self.owner, code)

    def is_known(self, day: dt.date) -> bool:
        """Whether it had been decided by the end of a day."""
        return self.decided_on <= day

    def is_open(self, day: dt.date) -> bool:
        """Whether it had been decided and not yet been ended by the end of a day."""
        return self.is_known(day) and (self.done_on is None or self.done_on > day)

    def is_overdue(self, day: dt.date) -> bool:
        """Whether it was open after its due date."""
        return self.is_open(day) and self.due_on < day


class Actions(Section):
    """A file of measures."""

    schema_version: Literal[1]
    actions: tuple[Action, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [action.id for action in self.actions]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"two actions are called {twice[0]}")
        return self


def load_actions(path: str | Path) -> tuple[Action, ...]:
    """Read a file of measures; none where the file does not exist.

    Args:
        path: Such as ``params/actions/demo.yaml``.

    Raises:
        ParamsError: With every fault of the file.
    """
    found = build_if_there(Actions, path)
    return found.actions if found else ()
