"""Declared corrections of source data: what is wrong, what is done about it, who says so.

A correction is applied to the rows of one source as they were read, before any SELECT. It
expects to find the fault it was written for: once the source is mended it fails, so that no
data is ever corrected twice.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, model_validator

from .loading import Bilingual, BrokenRule, Section, Written, build_if_there, refuse

Scalar = StrictBool | StrictInt | StrictFloat | dt.datetime | dt.date | str
FILE, ROW_NUMBER = "_file", "_row"
"""Names of a match that are no columns: the file's name, the row's number in it (header 1)."""

ROWS_EXPECTED = "_rows"
"""Name of an expectation that is no column: how many rows the match finds."""


class Bounds(Section):
    """Limits of a value, each optional, at least one given.

    Attributes:
        at_least, at_most: Smallest and largest value, both included.
        above, below: The value lies beyond these.
    """

    at_least: Scalar | None = None
    at_most: Scalar | None = None
    above: Scalar | None = None
    below: Scalar | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(limit is None for limit in (self.at_least, self.at_most, self.above, self.below)):
            raise ValueError("no limit is given: at_least, at_most, above or below")
        return self


Condition = Bounds | tuple[Scalar, ...] | Scalar | None
"""A value that a column must have: one, one of several, within limits, or none at all (null)."""


class Correction(Section):
    """One declared correction.

    Attributes:
        id: Names it in the books: ``correction:<id>`` is its rule.
        source: The source whose rows it corrects.
        match: Column → condition; all must hold. ``_file`` and ``_row`` name a place.
        action: ``set`` a column to a value, ``scale`` a number by a factor, ``drop`` the row
            (it is rejected), or only ``flag`` it.
        column: What is set or scaled.
        value: Of ``set``; null empties the cell.
        factor: Of ``scale``.
        reason: Why, for readers of the quality page; in one or both languages.
        who: Who decided it: a role, in one or both languages, or a name that readers may see.
        status: ``open`` (the source has been told), ``permanent`` (it will not be mended),
            ``retired`` (no longer applied, kept as a record).
        expectation: What is found as long as the source is faulty: ``_rows`` (how many rows
            match), or column → condition that holds for every matched row before it is changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    id: str = Field(pattern="^[a-z0-9][a-z0-9_-]*$")
    source: str
    match: dict[str, Condition] = Field(min_length=1)
    action: Literal["set", "scale", "drop", "flag"]
    column: str = ""
    value: Scalar | None = None
    factor: float | None = Field(None, gt=0)
    reason: Written | Bilingual
    who: Written | Bilingual
    status: Literal["open", "permanent", "retired"] = "open"
    expectation: dict[str, Condition] = Field(min_length=1)

    @property
    def rule(self) -> str:
        """Its name in the list of rejects."""
        return f"correction:{self.id}"

    @property
    def is_applied(self) -> bool:
        """Whether it changes anything."""
        return self.status != "retired"

    @model_validator(mode="after")
    def _fits_its_action(self) -> Self:
        given = self.model_fields_set
        needs = {"set": {"column", "value"}, "scale": {"column", "factor"}}
        wanted = needs.get(self.action, set())
        lacking = sorted(wanted - given)
        idle = sorted(({"column", "value", "factor"} & given) - wanted)
        refuse(
            [
                BrokenRule(key, f"The action '{self.action}' needs '{key}'", todo="Add it.")
                for key in lacking
            ]
            + [
                BrokenRule(key, f"'{key}' does nothing in the action '{self.action}'",
                           todo="Leave it out.")
                for key in idle
            ]
        )  # fmt: skip
        return self

    @model_validator(mode="after")
    def _expects_rows_in_numbers(self) -> Self:
        rows: Any = self.expectation.get(ROWS_EXPECTED, 1)
        if not isinstance(rows, (int, Bounds)) or isinstance(rows, bool):
            raise ValueError(f"{ROWS_EXPECTED} is a number, or limits such as at_most: 5")
        return self


class Corrections(Section):
    """A file of corrections, applied in their order."""

    schema_version: Literal[1]
    corrections: tuple[Correction, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        counts = Counter(one.id for one in self.corrections)
        twice = sorted(name for name, n in counts.items() if n > 1)
        if twice:
            raise ValueError(f"several corrections have the id {', '.join(twice)}")
        return self


def load_corrections(path: str | Path) -> tuple[Correction, ...]:
    """Read a file of corrections; none where the file does not exist.

    Raises:
        ParamsError: With every fault of the file.
    """
    found = build_if_there(Corrections, path)
    return found.corrections if found else ()
