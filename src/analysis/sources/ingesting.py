"""All sources of a profile, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from ..engine import Engine
from ..errors import AnalysisError, GroupedError, raise_all
from ..workspace import Workspace
from .reading import LINE_BITS, Part, SourceTable, parts_of, read_source


@dataclass(frozen=True)
class Ingested:
    """All sources of a profile, read.

    Attributes:
        sources: By name; an optional source that is absent has no parts and no rows.
        engine: Holds the tables.
    """

    sources: Mapping[str, SourceTable]
    engine: Engine

    @property
    def files(self) -> pd.DataFrame:
        """One row a file or sheet: source, system, file, sheet, rows, encoding, unread columns."""
        rows = [row for read in self.sources.values() for row in _file_rows(read)]
        columns = ["source", "system", "file", "sheet", "rows", "encoding", "columns_not_read"]
        return pd.DataFrame(rows, columns=columns)


def ingest(workspace: Workspace) -> Ingested:
    """Read every source of a month's profile.

    Args:
        workspace: The opened month; only its profile, raw folder and engine are used.

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
    profile = workspace.profile
    read = {
        name: read_source(workspace.engine, name, source, parts[name], profile.timezone)
        for name, source in profile.sources.items()
    }
    return Ingested(MappingProxyType(read), workspace.engine)


def source_faults(workspace: Workspace) -> list[AnalysisError]:
    """What is wrong with the raw files, seen from their headers and beginnings only."""
    return _all_parts(workspace)[1]


def _all_parts(workspace: Workspace) -> tuple[dict[str, list[Part]], list[AnalysisError]]:
    parts: dict[str, list[Part]] = {}
    faults: list[AnalysisError] = []
    for name, source in workspace.profile.sources.items():
        try:
            parts[name] = parts_of(name, source, workspace.raw)
        except GroupedError as fault:
            faults.extend(fault.faults)
        except AnalysisError as fault:
            faults.append(fault)
    return parts, faults


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
            part.path.name,
            part.sheet,
            rows.get(part.number, 0),
            part.encoding,
            ", ".join(part.unread),
        )
        for part in read.parts
    ]
