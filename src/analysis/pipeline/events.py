"""What stages tell the run that started them: one small file an event, in order of time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..files import read_json, write_json
from .locks import run_folder

Kind = Literal["started", "finished", "failed"]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a step.

    Attributes:
        month, step: Whose step.
        seconds: How long it took, once it has ended.
        tables: Table → rows written.
        message: What went wrong, in words for the user.
        exit_code: Of the kind of fault.
    """

    kind: Kind
    month: str
    step: str
    seconds: float = 0.0
    tables: dict[str, int] = field(default_factory=dict)
    message: str = ""
    exit_code: int = 0


def tell(event: Event) -> None:
    """Tell the run that started this stage; print it where none did."""
    folder = run_folder()
    if folder is None:
        from .progress import line_of

        if event.kind != "failed":
            print(line_of(event), flush=True)
    else:
        name = f"{time.time_ns()}-{event.step}-{event.kind}.json"
        write_json(folder / "events" / name, asdict(event))


def told(folder: Path, seen: set[str]) -> Iterator[Event]:
    """Events of a run that are not in ``seen`` yet; they are added to it."""
    for path in sorted((folder / "events").glob("*.json")):
        if path.name not in seen:
            seen.add(path.name)
            content: dict[str, Any] | None = read_json(path)
            if content:
                yield Event(**content)
