"""Options that several commands share, read and explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ParamsError
from ..months import Month

if TYPE_CHECKING:
    from rich.console import Console


def months_of(month: str, first: str = "", last: str = "") -> tuple[Month, ...]:
    """The months that a command works on.

    Args:
        month: One month, or empty.
        first: First of several, or empty.
        last: Last of several, or empty.

    Raises:
        ParamsError: Neither or both ways were used, or a text is no month.
    """
    from ..pipeline.job import months_between

    if month and not first and not last:
        return (Month.parse(month),)
    if first and last and not month:
        return months_between(Month.parse(first), Month.parse(last))
    raise ParamsError(
        "Which month?",
        where="options",
        got=", ".join(o for o, v in _given(month, first, last) if v) or "none of them",
        allowed="--month 2026-10, or --from 2026-05 --to 2026-10",
    )


def console() -> Console:
    """The screen: where people read progress and results."""
    from rich.console import Console

    return Console()


def _given(month: str, first: str, last: str) -> tuple[tuple[str, str], ...]:
    return (("--month", month), ("--from", first), ("--to", last))
