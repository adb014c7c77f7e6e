"""All sources of a profile, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ..engine import Engine
from ..errors import AnalysisError, GroupedError, SourceError, raise_all
from ..params import Profile
from ..workspace import Workspace
from .amounts import (
    RATE_COLUMNS,
    RATES_SOURCE,
    Rates,
    amount_faults,
    needed_currencies,
    rates_source,
)
from .parts import LINE_BITS, Part, parts_of, told_once
from .reading import (
    UNUSABLE,
    Locale,
    LostRow,
    Rows,
    SourceTable,
    begin_source,
    read_source,
)

FILE_COLUMNS = (
    "source",
    "system",
    "file",
    "sheet",
    "rows",
    "encoding",
    "delimiter",
    "columns_not_read",
)


KEPT = "sources"
"""Under which name the months of a run share what was read."""


@dataclass(frozen=True)
class Ingested:
    """All sources of a profile, read.

    Attributes:
        sources: By name; an optional source that is absent has no parts and no rows.
        engine: Holds the tables.
    """

    sources: Mapping[str, SourceTable]
    engine: Engine

    def complete(self, *names: str) -> None:
        """Wait until sources can be read by a SELECT; all by default.

        Raises:
            AnalysisError: A file is not what the profile says.
        """
        try:
            for name in names or self.sources:
                self.sources[name].read()
        except BaseException:
            self.engine.background.give_up()
            raise

    @property
    def files(self) -> pd.DataFrame:
        """One row a file or sheet: source, system, file, sheet, rows, how its text is read."""
        rows = [row for read in self.sources.values() for row in _file_rows(read)]
        return pd.DataFrame(rows, columns=list(FILE_COLUMNS))


def ingest(workspace: Workspace, *, wait: bool = True) -> Ingested:
    """Read every source of a month's profile.

    Args:
        workspace: The opened month; only its profile, raw folder and engine are used.
        wait: Until all is read. Else the large files are read while other work is done; what
            asks for their rows waits for them, and is told what is wrong with them.

    Returns:
        The sources, typed, each row with its place in the files.

    Raises:
        AnalysisError: Files are missing, unreadable, in another encoding, or lack columns; the
            faults of all sources at once.

    Example:
        >>> ingested = ingest(workspace)  # doctest: +SKIP
        >>> ingested.files[["source", "file", "rows"]]  # doctest: +SKIP
    """
    parts, faults = _all_parts(workspace)
    raise_all(faults)
    known = _shared(workspace, parts)
    if known is not None:
        return known
    profile = workspace.profile
    locale = Locale(profile.timezone, profile.money, _rates(workspace))
    begun = {
        name: begin_source(workspace.engine, name, profile.sources[name], listed, locale)
        for name, listed in sorted(parts.items(), key=lambda item: _bytes(item[1]))
    }
    sources = {name: begun[name] for name in profile.sources}
    ingested = Ingested(MappingProxyType(sources), workspace.engine)
    if wait or workspace.shared.making:
        ingested.complete()
    if workspace.shared.making:
        _share(workspace, sources)
    return ingested


def _shared(workspace: Workspace, parts: Mapping[str, Sequence[Part]]) -> Ingested | None:
    """The sources as another month of the same run has read them; None where none has."""
    found = workspace.shared.tables(workspace.engine, KEPT)
    if found is None:
        return None
    tables, notes = found
    sources = {}
    for name, source in workspace.profile.sources.items():
        table = workspace.engine.view(f"source_{name}", tables[name])
        lost = tuple(LostRow(*row) for row in notes[name]["lost"])
        rows = Rows(table, lost, notes[name]["rows"])
        sources[name] = SourceTable.of(name, source, tuple(parts[name]), rows)
    return Ingested(MappingProxyType(sources), workspace.engine)


def _share(workspace: Workspace, sources: Mapping[str, SourceTable]) -> None:
    """Keep the sources for the other months of the run."""
    tables = {name: one.table for name, one in sources.items()}
    notes = {
        name: {"rows": one.rows, "lost": [astuple(row) for row in one.lost]}
        for name, one in sources.items()
    }
    workspace.shared.keep_tables(workspace.engine, KEPT, tables, notes)


def source_faults(workspace: Workspace) -> list[AnalysisError]:
    """What is wrong with the raw files, seen from their headers and beginnings only."""
    return _all_parts(workspace)[1]


def _all_parts(workspace: Workspace) -> tuple[dict[str, list[Part]], list[AnalysisError]]:
    profile = workspace.profile
    parts: dict[str, list[Part]] = {}
    faults = list(raw_folder_faults(profile, workspace.raw))
    absent = bool(faults)
    for name, source in profile.sources.items():
        if absent and source.files:
            continue
        try:
            parts[name] = parts_of(name, source, workspace.raw)
        except GroupedError as fault:
            faults.extend(fault.faults)
        except AnalysisError as fault:
            faults.append(fault)
    return parts, told_once([*faults, *_money_faults(workspace)])


def raw_folder_faults(profile: Profile, raw: Path) -> list[AnalysisError]:
    """That the folder of raw files does not exist, where a source needs it: told once."""
    if raw.is_dir() or all(not s.files or s.optional for s in profile.sources.values()):
        return []
    return [
        SourceError(
            "The folder of raw files does not exist",
            where=f"profile '{profile.profile}'",
            got=str(raw),
            todo="Put the files there, or name their folder with --raw.",
        )
    ]


def _money_faults(workspace: Workspace) -> list[AnalysisError]:
    """Amounts that cannot be brought to the profile's: one fault a source says it."""
    profile = workspace.profile
    faults = [
        fault
        for name, source in profile.sources.items()
        for fault in amount_faults(name, source, profile.money)
    ]
    if faults or not workspace.raw.is_dir():
        return faults
    try:
        _rates(workspace)
    except AnalysisError as fault:
        return [fault]
    return []


def _rates(workspace: Workspace) -> Rates | None:
    """The profile's monthly rates.

    Raises:
        AnalysisError: The table cannot be read, or lacks a currency that a source is in.
    """
    profile = workspace.profile
    money = profile.money
    needed = set().union(*(needed_currencies(s, money) for s in profile.sources.values()))
    if not money.rates:
        return None
    source = rates_source(money)
    parts = parts_of(RATES_SOURCE, source, workspace.raw)
    locale = Locale(profile.timezone, money)
    read = read_source(workspace.engine, "money_rates", source, parts, locale)
    if read.lost or int(read.table.filter(read.table[UNUSABLE]).count().execute()):
        raise SourceError(
            "The rate table has rows that cannot be read",
            where=money.rates,
            allowed="month (2026-10), currency (USD), rate (a number)",
            todo="Mend the rate table.",
        )
    rates = Rates.of(read.table.select(*RATE_COLUMNS).execute())
    lacking = sorted(needed - set(rates.by_currency))
    if lacking:
        raise SourceError(
            "The rate table lacks a currency that a source is in",
            where=money.rates,
            got=", ".join(lacking),
            allowed=sorted(rates.by_currency),
            todo="Add its monthly rates.",
        )
    return rates


def _bytes(parts: Sequence[Part]) -> int:
    """How large a source's files are; 0 of what lies in no file."""
    return sum(part.path.stat().st_size for part in parts if part.path.is_file())


def _file_rows(read: SourceTable) -> list[tuple[object, ...]]:
    part_of_row = read.table["_row"] // 2**LINE_BITS
    counts = read.table.group_by(part=part_of_row).agg(rows=read.table.count()).execute()
    rows = dict(zip(counts["part"].astype(int), counts["rows"].astype(int), strict=True))
    for lost in read.lost:
        rows[lost.row >> LINE_BITS] = rows.get(lost.row >> LINE_BITS, 0) + 1
    return [
        (
            read.name,
            read.source.system,
            part.file,
            part.sheet,
            rows.get(part.number, 0),
            part.encoding,
            part.delimiter,
            ", ".join(part.unread),
        )
        for part in read.parts
    ]
