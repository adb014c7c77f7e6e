"""Progress as people see it: a line a stage, and what runs right now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from .events import Event


def line_of(event: Event, *, with_month: bool = False) -> str:
    """One line about a step.

    Example:
        >>> line_of(Event("finished", "2026-10", "cleaning", 12.3, {"shipments": 1048231}))
        'cleaning       12.3 s   1 table, 1,048,231 rows'
    """
    month = f"{event.month}  " if with_month else ""
    if event.kind == "started":
        return f"{month}{event.step} …"
    return f"{month}{event.step:<12} {event.seconds:>6.1f} s   {_amount(event)}".rstrip()


def _amount(event: Event) -> str:
    if event.kind == "failed":
        return "failed"
    if not event.tables:
        return ""
    count, rows = len(event.tables), sum(event.tables.values())
    return f"{count} table{'s' if count > 1 else ''}, {rows:,} rows"


class Progress:
    """Shows events as they come; on a terminal also what runs and since when.

    Args:
        console: Where to show it.
        months: How many months run; with more than one, each line names its month.
    """

    def __init__(self, console: Console, months: int) -> None:
        self._console = console
        self._many = months > 1
        self._began: dict[tuple[str, str], float] = {}
        self._status: Status | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show a spinner while stages run, where there is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status("") as self._status:
            yield

    def tell(self, events: Iterable[Event]) -> None:
        """Show what is new."""
        for event in events:
            key = (event.month, event.step)
            if event.kind == "started":
                self._began[key] = time.monotonic()
            else:
                self._began.pop(key, None)
                mark = "[green]✓[/]" if event.kind == "finished" else "[red]✗[/]"
                line = line_of(event, with_month=self._many)
                self._console.print(f"{mark} {line}", highlight=False)
        if self._status is not None:
            self._status.update(self._running())

    def _running(self) -> str:
        now = time.monotonic()
        names = (
            f"{month + ' ' if self._many else ''}{step} {now - began:.0f} s"
            for (month, step), began in self._began.items()
        )
        return ", ".join(names) or "…"
