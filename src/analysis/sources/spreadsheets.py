"""Spreadsheets as rows of text cells, numbered as the spreadsheet numbers them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from ..errors import SourceError
from ..params import Source

ROWS_AT_ONCE = 50_000


def sheets_of(path: Path, source: Source) -> list[str]:
    """The sheets of a workbook that the source asks for.

    Raises:
        SourceError: The file is no spreadsheet, or has no such sheet.
    """
    names = _workbook(path).sheet_names
    wanted = [name for name in names if fnmatch(name, source.sheets)]
    if not wanted:
        raise SourceError("Sheet not found", where=str(path), got=source.sheets, allowed=names)
    return wanted


def header_of(path: Path, sheet: str, source: Source) -> list[str]:
    """The cells of a sheet's header row; empty where the sheet ends before it."""
    rows = _rows(path, sheet)
    for number, row in enumerate(rows, start=1):
        if number == source.header_row:
            return [as_text(cell) or "" for cell in row]
    return []


def text_batches(
    path: Path, sheet: str, source: Source, places: Sequence[int]
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    """Read one sheet.

    Yields:
        Row numbers (int64, shape (n,)) and, a wanted column each, n texts (null where empty).
    """
    numbers: list[int] = []
    rows: list[list[str | None]] = []
    for number, row in enumerate(_rows(path, sheet), start=1):
        if number > source.header_row:
            numbers.append(number)
            rows.append([as_text(row[at]) if at < len(row) else None for at in places])
        if len(rows) >= ROWS_AT_ONCE:
            yield _batch(numbers, rows)
            numbers, rows = [], []
    if rows:
        yield _batch(numbers, rows)


def as_text(cell: object) -> str | None:
    """A cell as the text that a reader of the sheet would type.

    Example:
        >>> as_text(12.0), as_text(0.5), as_text("")
        ('12', '0.5', None)
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def _batch(numbers: list[int], rows: list[list[str | None]]) -> tuple[np.ndarray, list[pa.Array]]:
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    return np.asarray(numbers, dtype=np.int64), columns


def _rows(path: Path, sheet: str) -> Sequence[Sequence[object]]:
    return _workbook(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def _workbook(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError) as fault:
        raise SourceError(
            "The file is no spreadsheet that can be read",
            where=str(path),
            got=str(fault).splitlines()[0] if str(fault) else type(fault).__name__,
            allowed=".xlsx, .xlsm, .xls, .xlsb, .ods without a password",
            todo="Open it and save it as .xlsx, or correct the format in the profile.",
        ) from fault
