"""Spreadsheets as rows of text cells, numbered as the spreadsheet numbers them."""

from __future__ import annotations

import codecs
import datetime as dt
import zipfile
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from ..errors import SourceError
from ..params import Source
from .dialects import ROWS_SEEN
from .headers import unnamed

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
ROWS_AT_ONCE = 50_000
EXACT = 2**53
"""Whole numbers up to here are kept exactly; ids of 16 digits are among them."""
LARGEST_UNPACKED = 2_000_000_000
"""Bytes; a sheet of a million rows and twenty columns takes about half of it."""


def is_text(path: Path) -> bool:
    """Whether a file is a text, though it may be named like a spreadsheet.

    Raises:
        SourceError: It is a page or an XML document with a table, as many systems export them
            under the name of a spreadsheet.
    """
    with path.open("rb") as stream:
        head = stream.read(1 << 12)
    marked = head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in head and not marked:
        return False
    if head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
        raise SourceError(
            "The file is no spreadsheet, but a web page or XML",
            where=str(path),
            allowed="a spreadsheet or a text of rows (CSV)",
            todo="Open it in a spreadsheet program and save it as .xlsx.",
        )
    return True


def names_of(path: Path) -> list[str]:
    """The sheets of a workbook."""
    return list(_workbook(path).sheet_names)


def sheets_of(path: Path, source: Source) -> list[str]:
    """The sheets of a workbook that the source asks for.

    Raises:
        SourceError: The file is no spreadsheet, or has no such sheet.
    """
    names = names_of(path)
    patterns = (source.sheets,) if isinstance(source.sheets, str) else source.sheets
    wanted = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    if not wanted:
        raise SourceError(
            "Sheet not found",
            where=str(path),
            got=", ".join(patterns),
            allowed=names,
            todo="Correct 'sheets' in the profile's source.",
        )
    return wanted


def first_rows(path: Path, sheet: str, source: Source) -> list[list[str]]:
    """The cells of a sheet's first rows as text; more where the header stands further down."""
    wanted = max(ROWS_SEEN, source.header_row)
    filled = islice(_filled_rows(path, sheet, wanted), wanted)
    return [[as_text(cell) or "" for cell in row] for _, row in filled]


def header_in(rows: Sequence[list[str]], source: Source) -> list[str]:
    """The header row among a sheet's first rows; empty where the sheet ends before it."""
    if not source.header_row:
        return unnamed(max((len(row) for row in rows), default=0))
    return rows[source.header_row - 1] if len(rows) >= source.header_row else []


def text_batches(
    path: Path,
    sheet: str,
    source: Source,
    places: Sequence[int],
    commas: Container[int] = (),
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    """Read one sheet.

    Args:
        path: A workbook.
        sheet: Its name.
        source: Its entry in the profile.
        places: Of the wanted columns in the sheet.
        commas: Of those whose texts have decimal commas: so are their numbers written, too.

    Yields:
        Row numbers (int64, shape (n,)) and, a wanted column each, n texts (null where empty).
    """
    numbers: list[int] = []
    rows: list[list[str | None]] = []
    for number, row in _filled_rows(path, sheet):
        if number > source.header_row:
            numbers.append(number)
            cells = [row[at] if at < len(row) else None for at in places]
            rows.append([as_text(cell, "," if at in commas else ".")
                         for at, cell in zip(places, cells, strict=True)])  # fmt: skip
        if len(rows) >= ROWS_AT_ONCE:
            yield _batch(numbers, rows)
            numbers, rows = [], []
    if rows:
        yield _batch(numbers, rows)


def texts_of(path: Path, sheet: str) -> Iterator[tuple[int, list[str | None]]]:
    """Every row of a sheet with its number, its cells as texts."""
    for number, row in _filled_rows(path, sheet):
        yield number, [as_text(cell) for cell in row]


def as_text(cell: object, mark: str = ".") -> str | None:
    """A cell as the text that a reader of the sheet would type.

    Args:
        cell: As the workbook keeps it.
        mark: The decimal mark.

    Example:
        >>> as_text(12.0), as_text(0.5, ","), as_text("")
        ('12', '0,5', None)
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        is_whole = cell.is_integer() and abs(cell) <= EXACT
        return str(int(cell)) if is_whole else repr(cell).replace(".", mark)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def _batch(numbers: list[int], rows: list[list[str | None]]) -> tuple[np.ndarray, list[pa.Array]]:
    columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
    return np.asarray(numbers, dtype=np.int64), columns


def has_merged(path: Path, sheet: str) -> bool:
    """Whether cells of a sheet are merged over several rows."""
    with _told(path):
        areas = _sheet(path, sheet).merged_cell_ranges or ()
    return any(bottom > top for (top, _), (bottom, _) in areas)


def _filled_rows(
    path: Path, sheet: str, most: int | None = None
) -> Iterator[tuple[int, Sequence[object]]]:
    """The rows with their numbers; a cell merged over several rows counts in each of them.

    A cell merged over several columns (a title, a group of headers) stays in its first one.
    """
    with _told(path):
        opened = _sheet(path, sheet)
        rows = opened.to_python(skip_empty_area=False, nrows=most)
    tall = [area for area in opened.merged_cell_ranges or () if area[1][0] > area[0][0]]
    waiting = sorted(tall, reverse=True)
    open_areas: list[tuple[int, int, object]] = []  # last row, column, value
    for at, row in enumerate(rows):
        open_areas = [area for area in open_areas if area[0] >= at]
        filled = _with_merged(row, open_areas) if open_areas else row
        yield at + 1, filled
        while waiting and waiting[-1][0][0] <= at:
            (_, left), (bottom, _) = waiting.pop()
            if bottom > at and left < len(row):
                open_areas.append((bottom, left, row[left]))


def _with_merged(row: Sequence[object], areas: Sequence[tuple[int, int, object]]) -> list[object]:
    filled = list(row)
    for _, column, value in areas:
        if column < len(filled) and filled[column] in ("", None):
            filled[column] = value
    return filled


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that unpacks to far more than a spreadsheet can be meant to hold."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        size = sum(member.file_size for member in book.infolist())
    if size > LARGEST_UNPACKED:
        raise SourceError(
            "The spreadsheet unpacks to more than can be read at once",
            where=str(path),
            got=f"{size / 1e9:.1f} GB",
            allowed=f"{LARGEST_UNPACKED / 1e9:.1f} GB",
            todo="Save its sheets as CSV, which is read in pieces.",
        )


def _sheet(path: Path, sheet: str) -> CalamineSheet:
    return _workbook(path).get_sheet_by_name(sheet)


def _workbook(path: Path) -> CalamineWorkbook:
    with _told(path):
        _refuse_bomb(path)
        return CalamineWorkbook.from_path(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the reader says about a broken workbook into a sentence."""
    try:
        yield
    except (CalamineError, OSError, zipfile.BadZipFile, ValueError) as fault:
        if path.is_file() and path.stat().st_size and is_text(path):
            raise SourceError(
                "The file is no spreadsheet, but a text",
                where=str(path),
                allowed="'format: csv' of the profile's source reads it",
                todo="Leave out 'format: excel', or save the file as .xlsx.",
            ) from fault
        raise SourceError(
            "The file is no spreadsheet that can be read",
            where=str(path),
            got=str(fault).splitlines()[0] if str(fault) else type(fault).__name__,
            allowed=".xlsx, .xlsm, .xls, .xlsb, .ods without a password",
            todo="Open it and save it as .xlsx, or correct the format in the profile.",
        ) from fault
