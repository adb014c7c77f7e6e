"""Where one month of one profile lives: its raw files, its tables, its results.

A notebook opens a workspace first. Reading falls back from the folder it saves to (what this
run has just made) to the month's processed folder (what earlier stages made). With no folder
to save to, saving is a no-op: an analyst can run every cell and no official result changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from .engine import Engine, open_engine, write_atomically
from .errors import CoverageError
from .files import SESSION, read_json
from .months import Month
from .params import Profile, load_profile, raw_folder, repository_of
from .shared import NOTHING_SHARED, Shared
from .tables import CONTRACTS

__all__ = [
    "PRIVATE",
    "PRIVATE_TABLES",
    "Month",
    "Workspace",
    "open_month",
    "raw_folder",
    "repository_of",
]

PRIVATE = "private"


@dataclass(frozen=True)
class Workspace:
    """One month of one profile, opened.

    Attributes:
        profile: The validated profile.
        profile_path: Where it was read from (experiments lie beside it).
        as_of: The month; nothing after its last instant is known.
        raw: Folder of raw files.
        processed: The month's folder of tables, ``data/processed/<profile>/<month>``.
        reports: The month's folder of results, ``reports/<profile>/<month>``.
        save_to: Folder that `save` writes to; None: nothing is saved.
        superseded: Files below `processed` that this session makes anew, such as
            ``tickets.parquet``; an older one is never read in their place.
        shared: What the months of one run share of the raw files; nothing by default.
    """

    profile: Profile
    profile_path: Path
    as_of: Month
    raw: Path
    processed: Path
    reports: Path
    engine: Engine
    save_to: Path | None = None
    superseded: frozenset[str] = frozenset()
    shared: Shared = NOTHING_SHARED

    @property
    def experiments(self) -> Path:
        """Folder of the profile's experiment files."""
        return self.profile_path.parent / "experiments" / self.profile.profile

    @property
    def corrections(self) -> Path:
        """The declared corrections of the profile's sources; the file may be absent."""
        return self.profile_path.parent / "corrections" / f"{self.profile.profile}.yaml"

    @property
    def overrides(self) -> Path:
        """The committee's overrides of the profile's tiers; the file may be absent."""
        return self.profile_path.parent / "overrides" / f"{self.profile.profile}.yaml"

    @property
    def actions(self) -> Path:
        """The measures that were decided; the file may be absent."""
        return self.profile_path.parent / "actions" / f"{self.profile.profile}.yaml"

    @property
    def calendar(self) -> Path | None:
        """The profile's calendar file; None where it names none."""
        name = self.profile.calendar
        return self.profile_path.parent / "calendars" / f"{name}.yaml" if name else None

    @property
    def rulings(self) -> Path:
        """What people decided about doubtful records; the file may be absent."""
        return self.profile_path.parent / "identity" / f"{self.profile.profile}.csv"

    @property
    def forgotten(self) -> Path:
        """The list of customers that must not come back; the file may be absent."""
        return self.profile_path.parent / "forgotten" / f"{self.profile.profile}.yaml"

    def path_of(self, name: str) -> Path | None:
        """The Parquet file of a table, or None where this month has none."""
        place = Path(PRIVATE, f"{name}.parquet") if _is_private(name) else Path(f"{name}.parquet")
        return self._found(place)

    def read(self, name: str) -> ir.Table | None:
        """A table of this month, lazily; None where the profile has no source for it."""
        path = self.path_of(name)
        return None if path is None else self.engine.read(path)

    def need(self, name: str) -> ir.Table:
        """A table that must exist.

        Raises:
            CoverageError: The stage that makes it has not run.
        """
        table = self.read(name)
        if table is None:
            raise CoverageError(
                f"The table '{name}' does not exist for this month",
                where=str(self.processed),
                todo="Run the stages before it.",
            )
        return table

    def frame(self, name: str) -> pd.DataFrame:
        """A small table as a data frame."""
        return self.need(name).execute()

    def save(self, **tables: ir.Table | pd.DataFrame | None) -> pd.DataFrame:
        """Write tables to `save_to`, each atomically; None is skipped.

        Returns:
            One row a table: table, rows (-1 where nothing was written).
        """
        written = []
        for name, table in tables.items():
            if table is not None:
                written.append({"table": name, "rows": self._save(name, table)})
        return pd.DataFrame(written, columns=["table", "rows"])

    def save_csv(self, name: str, table: ir.Table) -> int:
        """Write a table as a CSV file for Excel to `save_to`, atomically.

        Args:
            name: Of the file; what is private goes into the private folder.
            table: Its texts made harmless before, as `analysis.for_spreadsheet` does.

        Returns:
            The number of rows written; -1 where nothing was.
        """
        if self.save_to is None:
            return -1
        folder = self.save_to / PRIVATE if _is_private(name) else self.save_to
        return self.engine.write_csv(table, folder / f"{name}.csv")

    def save_document(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON document to `save_to`, atomically; no-op without a folder."""
        if self.save_to is not None:
            text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
            write_atomically(self.save_to / f"{name}.json", text)

    def save_text(self, name: str, text: str) -> None:
        """Write a page to `save_to`, atomically; no-op without a folder.

        Args:
            name: With its language and ending, such as ``email.zh.html``.
            text: What it holds.
        """
        if self.save_to is not None:
            write_atomically(self.save_to / name, text)

    def document(self, name: str) -> dict[str, Any] | None:
        """A JSON document of this month; None where there is none."""
        found = self._found(Path(f"{name}.json"))
        return json.loads(found.read_text(encoding="utf-8")) if found else None

    def history(self, name: str) -> dict[str, dict[str, Any]]:
        """A document of every month up to this one, as last published: month → document.

        This month's own is among them, so that what it once decided can be held against it.
        """
        months = sorted(p for p in self.processed.parent.glob("[0-9]*-[0-9]*") if p.is_dir())
        known = {p.name: read_json(p / f"{name}.json") for p in months if p.name <= str(self.as_of)}
        return {month: content for month, content in known.items() if content is not None}

    def _found(self, place: Path) -> Path | None:
        """The file as this session made it, else as earlier stages did."""
        if self.save_to is not None and (self.save_to / place).exists():
            return self.save_to / place
        older = self.processed / place
        return older if older.exists() and place.as_posix() not in self.superseded else None

    def _save(self, name: str, table: ir.Table | pd.DataFrame) -> int:
        if self.save_to is None:
            return -1
        folder = self.save_to / PRIVATE if _is_private(name) else self.save_to
        return self.engine.write(self.engine.table(table), folder / f"{name}.parquet")


def _is_private(name: str) -> bool:
    return name in PRIVATE_TABLES or (name in CONTRACTS and CONTRACTS[name].private)


PRIVATE_TABLES = frozenset({"rejects", "identity_review"})
"""Tables outside the contracts that may hold personal values."""


def open_month(
    profile: str | Path,
    month: str,
    *,
    raw: str | Path = "",
    out: str | Path = "",
    save_to: str | Path = "",
    cores: int | None = None,
) -> Workspace:
    """Open one month of one profile.

    Args:
        profile: The profile's YAML file.
        month: Such as ``2026-10``.
        raw: Raw files elsewhere than the profile says.
        out: Folder under which ``data/processed`` and ``reports`` lie; the repository by default.
        save_to: Folder for what this session makes; empty: nothing is saved.
        cores: Threads of the engine; by default what the pipeline allows, else all.

    Raises:
        ParamsError: The profile or month is wrong.
    """
    path = Path(profile)
    read = load_profile(path)
    as_of = Month.parse(month)
    root = Path(out) if out else repository_of(path)
    told = (read_json(Path(save_to) / SESSION) if save_to else None) or {}
    return Workspace(
        profile=read,
        profile_path=path,
        as_of=as_of,
        raw=raw_folder(path, read, raw),
        processed=root / "data" / "processed" / read.profile / str(as_of),
        reports=root / "reports" / read.profile / str(as_of),
        engine=open_engine(cores=cores or told.get("cores")),
        save_to=Path(save_to) if save_to else None,
        superseded=frozenset(told.get("superseded", ())),
        shared=Shared.of(told),
    )
