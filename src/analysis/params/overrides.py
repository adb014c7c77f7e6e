"""The committee's overrides: a tier set by hand, with a reason, an approver and an expiry."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from .forgotten import load_forgotten
from .loading import Section, Written, build_if_there
from .policy import TierName

MonthText = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


class Override(Section):
    """One customer's tier, set by the committee.

    Attributes:
        customer_id: The canonical customer.
        tier: Its tier while the override is in force.
        first_month, last_month: Months in which it is in force, both included.
        reason: Why, in the committee's words.
        approved_by: Who approved it: a role or a name that readers may see.
    """

    customer_id: Written
    tier: TierName
    first_month: MonthText
    last_month: MonthText
    reason: Written
    approved_by: Written

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last_month < self.first_month:
            raise ValueError("last_month lies before first_month")
        return self


class Overrides(Section):
    """A file of overrides; a customer has at most one at a time."""

    schema_version: Literal[1]
    overrides: tuple[Override, ...] = ()

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        ordered = sorted(self.overrides, key=lambda o: (o.customer_id, o.first_month))
        for one, next_one in pairwise(ordered):
            if one.customer_id == next_one.customer_id and next_one.first_month <= one.last_month:
                raise ValueError(f"two overrides of {one.customer_id} are in force at a time")
        return self


def load_overrides(
    path: str | Path, forgotten: str | Path = "", systems: Collection[str] = ()
) -> tuple[Override, ...]:
    """Read a file of overrides; none where the file does not exist.

    Args:
        path: The file.
        forgotten: The list of forgotten customers: decisions about them are void.
        systems: Source systems whose ids customers may carry.

    Raises:
        ParamsError: With every fault of the file, or of the list.
    """
    found = build_if_there(Overrides, path)
    if found is None:
        return ()
    gone = load_forgotten(forgotten) if forgotten else None
    if gone is None:
        return found.overrides
    return tuple(
        one
        for one in found.overrides
        if not any(gone.holds(system, one.customer_id) for system in systems)
    )
