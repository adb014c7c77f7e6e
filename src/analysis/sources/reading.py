"""One source: all its files as one typed table, every row with its place in the files.

``_row`` names a row of a source for good: the file's number in its upper bits, the row's number
in the file in the lower ones, so that provenance costs one integer a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..engine import Engine
from ..errors import AnalysisError, SourceError, raise_all
from ..params import Source
from . import delimited, json_lines, spreadsheets
from .conversion import FAULTS, convert
from .decoding import encoding_of
from .files import files_of
from .headers import positions, where_of
from .layout import Misfits

LINE_BITS = 40
ROW = "_row"
UNUSABLE = "_unusable"
"""True where a cell could not be read and the profile rejects such rows."""


@dataclass(frozen=True)
class Part:
    """One file of a source, or one sheet of it.

    Attributes:
        number: Counted from 0 within the source; the upper bits of ``_row``.
        places: Declared column → position in the file.
        width: Number of columns in the file.
        encoding: What the text is read as; empty where the file is binary.
    """

    number: int
    path: Path
    sheet: str
    encoding: str
    places: Mapping[str, int]
    width: int
    unread: tuple[str, ...] = ()

    def row_of(self, line: int) -> int:
        """The ``_row`` of a row number in the file."""
        return (self.number << LINE_BITS) + line


@dataclass(frozen=True)
class LostRow:
    """A row that never became cells: its field count is wrong, or it is no JSON object."""

    row: int
    rule: str
    told: str


@dataclass(frozen=True)
class SourceTable:
    """A source, read.

    Attributes:
        name: The source's name in the profile.
        source: Its entry.
        parts: Its files and sheets.
        table: One row a source row: the declared columns, typed, and ``_row``, ``_faults``
            (list of column, rule, raw value, rejects; null where there is none), ``_unusable``.
        lost: Rows that never became cells.
        rows: Rows of the table.
    """

    name: str
    source: Source
    parts: tuple[Part, ...]
    table: ir.Table
    lost: tuple[LostRow, ...]
    rows: int


def parts_of(name: str, source: Source, raw: Path) -> list[Part]:
    """The files and sheets of a source with the places of its columns.

    Raises:
        AnalysisError: Files are missing, unreadable or lack columns; all faults at once.
    """
    parts: list[Part] = []
    faults: list[AnalysisError] = []
    for path in files_of(name, source, raw):
        try:
            for sheet, encoding, headers in _layouts(path, source):
                places, missing = positions(headers, name, source, where_of(path, sheet))
                used = set(places.values())
                unread = tuple(h for at, h in enumerate(headers) if at not in used and h)
                parts.append(Part(len(parts), path, sheet, encoding, places, len(headers), unread))
                faults.extend(missing)
        except AnalysisError as fault:
            faults.append(fault)
    raise_all(faults)
    return parts


def read_source(
    engine: Engine, name: str, source: Source, parts: Iterable[Part], timezone: str
) -> SourceTable:
    """Read and convert all files of a source into a table of the engine.

    Args:
        engine: Receives the view ``source_<name>``.
        name: The source's name.
        source: Its entry of the profile.
        parts: What `parts_of` returned.
        timezone: The profile's.

    Raises:
        SourceError: A file is not what the profile says.
    """
    listed = tuple(parts)
    lost: list[LostRow] = []
    if source.format == "parquet":
        table = engine.materialise(
            _converted(_parquet_cells(engine, name, source, listed), source, timezone),
            f"read_{name}",
        )
    else:
        table = _stream_in(engine, name, source, listed, timezone, lost)
    table, empty = _without_empty(table, source)
    table = engine.connection.create_view(f"source_{name}", table, overwrite=True)
    rows = int(table.count().execute())
    return SourceTable(name, source, listed, table, (*lost, *empty), rows)


def _layouts(path: Path, source: Source) -> Iterator[tuple[str, str, list[str]]]:
    """Sheet, encoding and headers of each part of a file."""
    if path.stat().st_size == 0:
        raise SourceError(
            "The file is empty", where=str(path), todo="Ask for the file again, or remove it."
        )
    if source.format == "csv":
        encoding = encoding_of(path, source.encoding)
        yield "", encoding, delimited.header_of(path, source, encoding)
    elif source.format == "excel":
        for sheet in spreadsheets.sheets_of(path, source):
            yield sheet, "", spreadsheets.header_of(path, sheet, source)
    elif source.format == "jsonl":
        encoding = encoding_of(path, source.encoding)
        yield "", encoding, json_lines.keys_of(path, encoding)
    else:
        yield "", "", parquet_schema(path).names


def parquet_schema(path: Path) -> pa.Schema:
    """The schema of a Parquet file.

    Raises:
        SourceError: It is no Parquet file.
    """
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as fault:
        raise SourceError(
            "The file is no Parquet file that can be read",
            where=str(path),
            got=str(fault).splitlines()[0],
            todo="Ask for the file again, or correct the format in the profile.",
        ) from fault


def _stream_in(
    engine: Engine,
    name: str,
    source: Source,
    parts: tuple[Part, ...],
    timezone: str,
    lost: list[LostRow],
) -> ir.Table:
    """Text formats; a record too large for one block is tried again with larger blocks."""
    for block in delimited.BLOCK_BYTES:
        held: list[AnalysisError] = []
        lost.clear()
        batches = _text_rows(source, parts, lost, held, block)
        try:
            with engine.stream(batches) as cells:
                shaped = json_lines.cells_of(cells, source) if _is_json(source) else cells
                return engine.materialise(_converted(shaped, source, timezone), f"read_{name}")
        except Exception:
            if not held:
                raise
            if not isinstance(held[0], delimited.RecordTooLargeError):
                raise held[0] from None
    raise held[0] from None


def _is_json(source: Source) -> bool:
    return source.format == "jsonl"


def _text_rows(
    source: Source,
    parts: tuple[Part, ...],
    lost: list[LostRow],
    held: list[AnalysisError],
    block: int,
) -> pa.RecordBatchReader:
    """All parts as one stream of text batches with ``_row``; a fault is kept in `held`.

    (The engine reads the stream through C, where a Python exception would lose its type.)
    """
    columns = [json_lines.LINE] if _is_json(source) else list(source.columns)
    schema = pa.schema([*((c, pa.string()) for c in columns), (ROW, pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for part in parts:
                for numbers, cells in _part_rows(part, source, lost, block):
                    rows = pa.array(numbers + (part.number << LINE_BITS))
                    yield pa.record_batch([*cells, rows], schema=schema)
        except AnalysisError as fault:
            held.append(fault)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def _part_rows(
    part: Part, source: Source, lost: list[LostRow], block: int
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    if source.format == "excel":
        places = [part.places[column] for column in source.columns]
        yield from spreadsheets.text_batches(part.path, part.sheet, source, places)
        return
    if _is_json(source):
        yield from json_lines.line_batches(part.path, part.encoding, block)
        return
    misfits = Misfits(source)
    places = [part.places[column] for column in source.columns]
    yield from delimited.text_batches(
        part.path,
        source,
        part.encoding,
        width=part.width,
        places=places,
        misfits=misfits,
        block=block,
    )
    lost.extend(LostRow(part.row_of(f.line), f.rule, f.told) for f in misfits.faults)


def _parquet_cells(engine: Engine, name: str, source: Source, parts: tuple[Part, ...]) -> ir.Table:
    _refuse_other_types(name, source, parts)
    tables = [_parquet_part(engine, source, part) for part in parts]
    if not tables:
        return ibis.memtable(
            pa.table(
                {
                    **{c: pa.array([], pa.string()) for c in source.columns},
                    ROW: pa.array([], pa.int64()),
                }
            )
        )
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _parquet_part(engine: Engine, source: Source, part: Part) -> ir.Table:
    """Rows are numbered from 1: a Parquet file has no header row."""
    table = engine.connection.read_parquet(str(part.path), file_row_number=True)
    names = parquet_schema(part.path).names
    columns = {column: _known(table[names[part.places[column]]]) for column in source.columns}
    return table.select(**columns, **{ROW: table.file_row_number + part.row_of(1)})


def _known(cell: ir.Value) -> ir.Value:
    """A cell in a type that Ibis knows; it has none for moments in nanoseconds, pandas' own."""
    return cell.cast(dt.Timestamp(timezone="UTC")) if "TZ_NS" in str(cell.type()) else cell


def _refuse_other_types(name: str, source: Source, parts: tuple[Part, ...]) -> None:
    """Files of one source must agree in the types of the columns that are read."""
    first: dict[str, tuple[pa.DataType, Path]] = {}
    faults: list[AnalysisError] = []
    for part in parts:
        schema = parquet_schema(part.path)
        for column in source.columns:
            kind = schema.field(part.places[column]).type
            seen, path = first.setdefault(column, (kind, part.path))
            if seen != kind:
                faults.append(
                    SourceError(
                        f"The files of source '{name}' differ in a column's type",
                        where=f"{part.path}, column '{column}'",
                        got=str(kind),
                        allowed=f"{seen}, as in {path.name}",
                        todo="Write the files with one schema, or make two sources of them.",
                    )
                )
    raise_all(faults)


def _converted(cells: ir.Table, source: Source, timezone: str) -> ir.Table:
    """Typed columns, ``_row``, the faults of each row, and whether they reject it."""
    readings = {column: source.reading(column) for column in source.columns}
    values = convert(cells, readings, source.nulls, timezone)
    rejecting = values[FAULTS].filter(lambda fault: fault["rejects"]).length() > 0
    return values.mutate(**{UNUSABLE: rejecting.fill_null(False)})


def _without_empty(table: ir.Table, source: Source) -> tuple[ir.Table, list[LostRow]]:
    """Leave out rows that hold nothing in any column that is read, and say which.

    Empty rows after the last filled one of a file are its end, not rows.
    """
    filled = reduce(or_, [table[column].notnull() for column in source.columns])
    filled = filled | table[FAULTS].notnull()
    empty = table.filter(~filled).select(ROW, _part=table[ROW] // 2**LINE_BITS)
    if not int(empty.count().execute()):
        return table, []
    rest = table.filter(filled)
    ends = rest.group_by(_part=rest[ROW] // 2**LINE_BITS).agg(_end=rest[ROW].max())
    inside = empty.inner_join(ends, "_part")
    rows = inside.filter(inside[ROW] < inside["_end"])[ROW].execute()
    return rest, [LostRow(int(row), "empty_row", "no value in any column") for row in rows]
