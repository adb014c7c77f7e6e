"""A table of units from any carrier: a data frame, an Ibis table, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import ibis.expr.types as ir
import pandas as pd

from ..errors import SourceError, did_you_mean

Table: TypeAlias = pd.DataFrame | ir.Table | str | Path
ENCODINGS = ("utf-8-sig", "gb18030")
SEPARATORS = (",", ";", "\t", "|")
"""Tried in this order: of two that stand equally often in the header the first is taken."""


def read_table(table: Table) -> pd.DataFrame:
    """A data frame of any table: a frame, an Ibis table, or the path of a CSV or Parquet file.

    Raises:
        SourceError: The file is missing, of another format, or unreadable.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, ir.Table):
        return table.execute()
    path = Path(table)
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        raise SourceError(
            "File not found",
            where=str(path),
            todo=did_you_mean(path.name, near) or "Check the path.",
        )
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise SourceError(
            "This kind of file is not read here",
            where=str(path),
            got=path.suffix,
            allowed=[".csv", ".parquet"],
        )
    return _read_file(path)


def _read_file(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as fault:
        raise SourceError(
            "The file cannot be read",
            where=str(path),
            got=" ".join(str(fault).split())[:200],
            todo="Check that it is a table with a header row, in UTF-8 or GB18030.",
        ) from fault


def _read_csv(path: Path) -> pd.DataFrame:
    first, last = ENCODINGS
    try:
        return _read_as(path, first)
    except UnicodeDecodeError:
        return _read_as(path, last)


def _read_as(path: Path, encoding: str) -> pd.DataFrame:
    separator = _separator(path, encoding)
    return pd.read_csv(path, encoding=encoding, sep=separator, low_memory=False)


def _separator(path: Path, encoding: str) -> str:
    """What parts the header's names: the comma, unless only another one stands there."""
    with path.open(encoding=encoding) as stream:
        header = stream.readline()
    counts = {separator: header.count(separator) for separator in SEPARATORS}
    return max(counts, key=lambda separator: counts[separator]) if any(counts.values()) else ","
