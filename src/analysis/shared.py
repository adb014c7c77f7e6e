"""What the months of one run share: results of the raw files alone, the same for every month.

The first month that has read the raw files keeps them here in their types, and who is who in
them; the others take them from here instead of making them anew. Nothing that depends on a month
is ever kept, so that a month of a range equals the same month made alone. The pipeline names the
folder after the digests of everything that its content is made of, and lets others see it only
when no input has changed meanwhile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from .engine import Engine
from .errors import RunError
from .files import read_json, write_json


@dataclass(frozen=True)
class Shared:
    """Two folders, each of which may be absent.

    Attributes:
        ready: What another month has kept, whole.
        making: Where this month keeps what others may take.
    """

    ready: Path | None = None
    making: Path | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Shared:
        """As a session says it: ``shared`` is ready, ``sharing`` is in work."""
        ready, making = told.get("shared"), told.get("sharing")
        return cls(Path(ready) if ready else None, Path(making) if making else None)

    def tables(self, engine: Engine, name: str) -> tuple[dict[str, ir.Table], Any] | None:
        """Tables and the note beside them, as another month has kept them; None: make them."""
        if self.ready is None or not (self.ready / f"{name}.json").exists():
            return None
        return engine.kept(self.ready / f"{name}.db"), read_json(self.ready / f"{name}.json")

    def keep_tables(
        self, engine: Engine, name: str, tables: Mapping[str, ir.Table], note: Any
    ) -> None:
        """Keep tables and a note for the other months; without room they make their own."""

        def write(folder: Path) -> None:
            engine.keep(tables, folder / f"{name}.db")
            write_json(folder / f"{name}.json", note)

        self._keep(name, write)

    def frames(self, name: str, parts: tuple[str, ...]) -> list[pd.DataFrame] | None:
        """Data frames as another month has kept them, in order; None: make them."""
        places = [] if self.ready is None else [self.ready / f"{name}.{p}.parquet" for p in parts]
        if not places or not all(place.exists() for place in places):
            return None
        return [pd.read_parquet(place) for place in places]

    def keep_frames(self, name: str, parts: Mapping[str, pd.DataFrame]) -> None:
        """Keep data frames for the other months; without room they make their own."""

        def write(folder: Path) -> None:
            for part, frame in parts.items():
                frame.to_parquet(folder / f"{name}.{part}.parquet", index=False)

        self._keep(name, write)

    def _keep(self, name: str, write: Callable[[Path], None]) -> None:
        """Write to the folder in work, if there is one; what could not be kept whole goes."""
        if self.making is None:
            return
        try:
            self.making.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(self.making)
        except (OSError, RunError):
            for place in [*self.making.glob(f"{name}.*")] if self.making.is_dir() else []:
                with contextlib.suppress(OSError):
                    place.unlink()


NOTHING_SHARED = Shared()
"""Of a month that runs by itself, and of an analyst's session."""
