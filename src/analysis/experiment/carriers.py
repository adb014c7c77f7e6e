"""A table of units from any carrier: a data frame, an Ibis table, or a file."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

import ibis.expr.types as ir
import pandas as pd

from ..errors import SourceError, did_you_mean

Table: TypeAlias = pd.DataFrame | ir.Table | str | Path
ENCODINGS = ("utf-8-sig", "gb18030")
SEPARATORS = (",", ";", "\t", "|")
"""Tried in this order: of two that stand equally often in the header the first is taken."""
GAPS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A")
"""What a CSV file writes where a number is missing."""
WHOLE_NUMBER = r"-?(?:0|[1-9][0-9]{0,17})(?:\.0+)?"
"""A name that may be read as a number and written again; '007' and more digits than a computer
holds may not: two units would become one."""
FIRST = 100
"""Names looked at first: those of a large file are mostly words, and told apart by these."""
TRUTH = {"true": True, "false": False}


def read_table(table: Table, names: Collection[str] = ()) -> pd.DataFrame:
    """A data frame of any table: a frame, an Ibis table, or the path of a CSV or Parquet file.

    Args:
        table: Where the rows are.
        names: Columns of a CSV file whose values are names of units, arms or groups: '007' stays
            '007', and an arm called NA or None is no gap.

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
    return _read_file(path, names)


def _read_file(path: Path, names: Collection[str]) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _read_csv(path, names)
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.ParserWarning) as fault:
        raise SourceError(
            "The file cannot be read",
            where=str(path),
            got=" ".join(str(fault).split())[:200],
            todo="Check that it is a table with a header row, in UTF-8 or GB18030.",
        ) from fault


def _read_csv(path: Path, names: Collection[str]) -> pd.DataFrame:
    first, last = ENCODINGS
    try:
        return _read_as(path, first, names)
    except UnicodeDecodeError:
        return _read_as(path, last, names)


def _read_as(path: Path, encoding: str, names: Collection[str]) -> pd.DataFrame:
    """The rows of a CSV file; a row with more values than the header has names is a fault."""
    header, separator = _header(path, encoding)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ValueError(f"the header has {', '.join(map(repr, twice))} more than once")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            encoding=encoding,
            sep=separator,
            low_memory=False,
            index_col=False,
            dtype=dict.fromkeys(names, "str"),
            na_values={name: [""] if name in names else list(GAPS) for name in header},
            keep_default_na=False,
        )
    known = [name for name in names if name in frame.columns]
    return frame.assign(**{name: _plain_names(frame[name]) for name in known})


def _plain_names(column: pd.Series) -> pd.Series:
    """Names as numbers or truth values where they can be written again from these."""
    if column.isna().any() or column.empty:
        return column
    if _are_whole(column.head(FIRST)) and _are_whole(column):
        return column.str.replace(r"\.0+$", "", regex=True).astype("int64")
    if not column.head(FIRST).str.lower().isin(list(TRUTH)).all():
        return column
    truth = column.str.lower().map(TRUTH)
    return column if truth.isna().any() else truth.astype(bool)


def _are_whole(column: pd.Series) -> bool:
    return bool(column.str.fullmatch(WHOLE_NUMBER).all())


def _header(path: Path, encoding: str) -> tuple[list[str], str]:
    """The header's names, and what parts them: the comma, unless only another one stands there."""
    with path.open(encoding=encoding, newline="") as stream:
        line = next((line for line in stream if line.strip()), "")
    counts = {separator: line.count(separator) for separator in SEPARATORS}
    found = max(counts, key=lambda separator: counts[separator]) if any(counts.values()) else ","
    return next(csv.reader([line], delimiter=found), []), found
