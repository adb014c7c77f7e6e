"""How a file is laid out: format, encoding, delimiter, sheets, header row, first rows as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import SourceError
from ...params import Source
from ...params.sources import Format
from .. import delimited, json_lines, spreadsheets
from ..decoding import encoding_of
from ..dialects import delimiter_of, first_records
from ..headers import unnamed
from ..layout import Misfits
from ..oddities import is_totals_word
from ..parquet_files import parquet_schema

ROWS = 60_000
"""Rows that are looked at."""

TITLE_ROWS = 20
"""Rows among which the headers are looked for."""

LABEL_SHARE = 0.75
"""Share of a header row's cells that are words, not numbers or dates."""

TAIL_BYTES = 1 << 16


@dataclass(frozen=True)
class Look:
    """What a file looks like.

    Attributes:
        path: The file.
        format: As a profile names it.
        headers: As the file writes them, blank ones too; ``#1`` … where it has none.
        cells: One column a header (``c0``, ``c1`` …), text; at most `ROWS` rows.
        header_row: From 1; 0 where there is none.
        natives: Position → the type that the file itself states, as a profile names it.
        encoding: Of a text file.
        delimiter: Of a delimited file.
        sheet: The sheet looked at; ``*`` where all have the same headers.
        oddities: What a reader should know, in sentences.
        whole: Whether all rows were looked at.
    """

    path: Path
    format: Format
    headers: tuple[str, ...]
    cells: pa.Table
    header_row: int = 1
    natives: dict[int, str] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    oddities: tuple[str, ...] = ()
    whole: bool = True


def look_at(path: Path, rows: int = ROWS) -> Look:
    """Look at a file.

    Args:
        path: The file.
        rows: How many of its rows are looked at, at most.

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
        return _parquet(path, rows)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _spreadsheet(path, rows)
    if path.suffix.lower() in {".xlsx", ".xls", ".xlsb", ".ods"}:
        return _spreadsheet(path, rows)
    encoding = encoding_of(path, None)
    text = delimited.beginning_of(path, encoding)
    if not text.strip("\ufeff \t\r\n\0"):
        raise SourceError("The file is empty", where=str(path), todo="Ask for it again.")
    if text.lstrip().startswith("{"):
        return _json(path, encoding, rows)
    return _text(path, encoding, text, rows)


def _text(path: Path, encoding: str, text: str, most: int) -> Look:
    delimiter = delimiter_of(text, '"', 0)
    rows = first_records(text, delimiter, '"')
    header_row = header_row_of(rows)
    odd = []
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


def header_row_of(rows: Sequence[Sequence[str]]) -> int:
    """The number of the first row that is full of words; 0 where there is none.

    Args:
        rows: A file's first rows.
    """
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    wide = [n for n in filled if n]
    usual = max(set(wide), key=lambda n: (wide.count(n), n)) if wide else 0
    for at, row in enumerate(rows[:TITLE_ROWS]):
        cells = [cell for cell in row if cell.strip()]
        if len(cells) < max(1, 0.6 * usual) or (len(cells) == 1 and usual > 1):
            continue
        labels = [cell for cell in cells if _is_label(cell)]
        return at + 1 if len(labels) >= LABEL_SHARE * len(cells) else 0
    return 0


def _is_label(cell: str) -> bool:
    """A word, not a value: no digit in front, no date, not a long text."""
    text = cell.strip()
    is_code = re.fullmatch(r"[A-Za-z]{0,4}[-_]?\d{3,}.*", text)
    return len(text) <= 60 and not re.match(r"[-+(¥￥$]*\d", text) and not is_code


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
    cells, whole = _taken((columns for _, columns in batches), width, most)
    return cells, len(misfits.faults), whole


def _taken(batches: Iterator[list[pa.Array]], width: int, most: int) -> tuple[pa.Table, bool]:
    """The first rows of batches of text columns, and whether they are all."""
    names = [f"c{at}" for at in range(width)]
    kept: list[pa.RecordBatch] = []
    rows = 0
    for columns in batches:
        kept.append(pa.record_batch(columns, names=names))
        rows += len(columns[0])
        if rows >= most:
            break
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_batches(kept, schema).slice(0, most), rows < most


def _spreadsheet(path: Path, most: int) -> Look:
    every = Source.model_validate(
        {"system": "x", "files": "x", "format": "excel", "columns": {"x": "text"}}
    )
    sheets = {
        s: spreadsheets.first_rows(path, s, every) for s in spreadsheets.sheets_of(path, every)
    }
    filled = {s: rows for s, rows in sheets.items() if any(any(row) for row in rows)}
    if not filled:
        raise SourceError("The spreadsheet is empty", where=str(path), todo="Ask for it again.")
    heads = {s: (header_row_of(rows), _headers(rows)) for s, rows in filled.items()}
    groups: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for sheet, head in heads.items():
        groups.setdefault(head, []).append(sheet)
    (header_row, headers), chosen = max(groups.items(), key=lambda item: len(item[1]))
    declared = every.model_copy(update={"header_row": header_row})
    cells, whole = _taken(
        (
            columns
            for sheet in chosen
            for _, columns in spreadsheets.text_batches(
                path, sheet, declared, list(range(len(headers)))
            )
        ),
        len(headers),
        most,
    )
    others = tuple(s for s in sheets if s not in chosen)
    odd = [f"sheets with other headers, or empty: {', '.join(others)}"] if others else []
    unread = chosen[1:] if others else []
    if unread:
        odd.append(f"sheets with the same headers that 'sheets' leaves out: {', '.join(unread)}")
    odd += [f"merged cells in sheet {s}" for s in chosen if spreadsheets.has_merged(path, s)]
    return Look(
        path, "excel", headers, cells, header_row,
        sheet="*" if not others else chosen[0],
        oddities=tuple(odd), whole=whole,
    )  # fmt: skip


def _headers(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    at = header_row_of(rows)
    return tuple(rows[at - 1]) if at else tuple(unnamed(max(map(len, rows))))


def _parquet(path: Path, most: int) -> Look:
    schema = parquet_schema(path)
    natives = {at: kind for at, f in enumerate(schema) if (kind := _native(f.type))}

    def batches() -> Iterator[list[pa.Array]]:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=most):
            yield [_shown(column) for column in batch.columns]

    cells, whole = _taken(batches(), len(schema), most)
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
    keys = json_lines.keys_of(path, encoding)

    def batches() -> Iterator[list[pa.Array]]:
        for _, (lines,) in json_lines.line_batches(path, encoding, 1 << 22):
            yield json_lines.members(lines.to_pylist(), keys)

    cells, whole = _taken(batches(), len(keys), most)
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
