"""How a file is laid out: format, encoding, delimiter, sheets, header row, first rows as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import SourceError
from ...params import Source
from .. import delimited, json_lines, spreadsheets
from ..decoding import encoding_of, likely_western
from ..dialects import delimiter_of, first_records
from ..headers import unnamed
from ..layout import Misfits
from ..oddities import is_totals_word
from ..parquet_files import parquet_schema
from .look import Look, header_row_of, taken
from .sheets import looks_at_sheets

ROWS = 60_000
"""Rows that are looked at."""

TAIL_BYTES = 1 << 16


def look_at(path: Path, rows: int = ROWS, encoding: str = "") -> Look:
    """Look at a file; of a spreadsheet with several tables, at the one of most sheets."""
    return max(looks_at(path, rows, encoding), key=lambda look: len(look.sheets))


def looks_at(path: Path, rows: int = ROWS, encoding: str = "") -> list[Look]:
    """Look at a file: one look, or several at a spreadsheet whose sheets hold different tables.

    Args:
        path: The file.
        rows: How many of its rows are looked at, at most.
        encoding: Of a text whose encoding cannot be told.

    Raises:
        SourceError: It is missing, empty, or of no kind that can be read.
    """
    if not path.is_file():
        raise SourceError("File not found", where=str(path), todo="Check the path.")
    if path.stat().st_size == 0:
        raise SourceError("The file is empty", where=str(path), todo="Ask for it again.")
    with path.open("rb") as stream:
        head = stream.read(1 << 12)
    if head.startswith(b"PAR1"):
        return [_parquet(path, rows)]
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return looks_at_sheets(path, rows)
    if path.suffix.lower() in spreadsheets.SUFFIXES and not spreadsheets.is_text(path):
        return looks_at_sheets(path, rows)
    encoding, guessed = _encoding_of(path, encoding)
    text = delimited.beginning_of(path, encoding)
    if not text.strip("\ufeff \t\r\n\0"):
        raise SourceError("The file is empty", where=str(path), todo="Ask for it again.")
    if text.lstrip().startswith("{"):
        return [replace(_json(path, encoding, rows), encoding_guessed=guessed)]
    return [replace(_text(path, encoding, text, rows), encoding_guessed=guessed)]


def _encoding_of(path: Path, otherwise: str) -> tuple[str, bool]:
    """The encoding of a text, and whether it is a guess."""
    try:
        return encoding_of(path, None), False
    except SourceError:
        western = "" if otherwise else likely_western(path)
        if not otherwise and not western:
            raise
        return encoding_of(path, otherwise or western), bool(western)


def _text(path: Path, encoding: str, text: str, most: int) -> Look:
    delimiter = delimiter_of(text, '"', 0)
    rows = first_records(text, delimiter, '"')
    header_row = header_row_of(rows)
    odd = []
    if path.suffix.lower() in spreadsheets.SUFFIXES:
        odd.append("named like a spreadsheet, but a text")
    if delimiter not in text:
        odd.append("no delimiter was found: one column, or one of fixed width")
    headers = rows[header_row - 1] if header_row else unnamed(max(map(len, rows)))
    cells, lost, whole = _delimited_cells(path, encoding, delimiter, header_row, len(headers), most)
    odd += [f"{lost} rows have another number of cells than the header"] if lost else []
    odd += _tail_oddities(path, encoding)
    return Look(
        path, "csv", tuple(headers), cells, header_row,
        encoding=encoding, delimiter=delimiter, oddities=tuple(odd), whole=whole,
    )  # fmt: skip


def _delimited_cells(
    path: Path, encoding: str, delimiter: str, header_row: int, width: int, most: int
) -> tuple[pa.Table, int, bool]:
    source = Source.model_validate(
        {
            "system": "x",
            "files": "x",
            "delimiter": delimiter,
            "header_row": header_row,
            "columns": {"x": "text"},
        }
    )
    misfits = Misfits(source)
    batches = delimited.text_batches(
        path, source, encoding, width=width, places=range(width), misfits=misfits
    )
    cells, whole = taken((columns for _, columns in batches), width, most)
    return cells, len(misfits.faults), whole


def _parquet(path: Path, most: int) -> Look:
    schema = parquet_schema(path)
    natives = {at: kind for at, f in enumerate(schema) if (kind := _native(f.type))}

    def batches() -> Iterator[list[pa.Array]]:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=most):
            yield [_shown(column) for column in batch.columns]

    cells, whole = taken(batches(), len(schema), most)
    return Look(path, "parquet", tuple(schema.names), cells, natives=natives, whole=whole)


def _native(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    return "number" if pa.types.is_floating(kind) or pa.types.is_decimal(kind) else ""


def _shown(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def _json(path: Path, encoding: str, most: int) -> Look:
    keys = json_lines.leaves(json_lines.keys_of(path, encoding))

    def batches() -> Iterator[list[pa.Array]]:
        for _, (lines,) in json_lines.line_batches(path, encoding, 1 << 22):
            yield json_lines.members(lines.to_pylist(), keys)

    cells, whole = taken(batches(), len(keys), most)
    return Look(path, "jsonl", tuple(keys), cells, encoding=encoding, whole=whole)


def _tail_oddities(path: Path, encoding: str) -> list[str]:
    """Whether a row of totals ends the file (its last bytes only are read)."""
    if encoding.startswith("utf-16"):
        return []
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = stream.read().decode(encoding, "ignore").split()
    cells = re.split(r"[,;\t|]", lines[-1]) if lines else []
    found = any(is_totals_word(cell.strip('"')) for cell in cells[:3])
    return ["the last row holds totals: it will be listed as totals_row, not read"] if found else []
