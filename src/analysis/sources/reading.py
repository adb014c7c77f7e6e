"""One source: all its files as one typed table, every row with its place in the files.

``_row`` names a row of a source for good: the file's number in its upper bits, the row's number
in the file in the lower ones, so that provenance costs one integer a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, reduce
from operator import or_

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ..engine import Engine
from ..errors import AnalysisError, SourceError
from ..params import Money, Source
from . import databases, delimited, json_lines, parquet_files, spreadsheets
from .amounts import Rates, in_profile_money, readings_of, with_written
from .conversion import FAULTS, convert
from .layout import MOST_FAULTS, Misfits
from .oddities import KIND, TOLD, marked
from .parquet_files import ROW
from .parts import LINE_BITS, Part, settled_source, titles_of

__all__ = [
    "LINE_BITS",
    "ROW",
    "UNUSABLE",
    "LostRow",
    "Part",
    "Rows",
    "SourceTable",
    "begin_source",
    "read_source",
]

UNUSABLE = "_unusable"
"""True where a cell could not be read and the profile rejects such rows."""

TYPED = ("parquet",)
TEXT = ("csv", "excel")
"""Formats whose rows people write: headers again, totals."""


@dataclass(frozen=True)
class Locale:
    """What a profile says about all its sources: local time and money.

    Attributes:
        timezone: The profile's.
        money: The profile's.
        rates: Its monthly rate table; None where it has none.
    """

    timezone: str
    money: Money
    rates: Rates | None = None


@dataclass(frozen=True)
class LostRow:
    """A row that never became cells: its field count is wrong, or it is no JSON object."""

    row: int
    rule: str
    told: str


@dataclass(frozen=True)
class Rows:
    """What a source's files hold, read.

    Attributes:
        table: One row a source row: the declared columns, typed, and ``_row``, ``_faults``
            (list of column, rule, raw value, rejects; null where there is none), ``_unusable``.
        lost: Rows that never became cells.
        number: Rows of the table.
        later: Rows of the files that came after the month that is made, and are not read.
    """

    table: ir.Table
    lost: tuple[LostRow, ...]
    number: int
    later: int = 0


@dataclass(frozen=True)
class SourceTable:
    """A source, read or being read: who asks for its rows waits for them.

    Attributes:
        name: The source's name in the profile.
        source: Its entry.
        parts: Its files and sheets.
        read: Gives its rows; raises where a file is not what the profile says.
    """

    name: str
    source: Source
    parts: tuple[Part, ...]
    read: Callable[[], Rows]

    @classmethod
    def of(cls, name: str, source: Source, parts: tuple[Part, ...], rows: Rows) -> SourceTable:
        """A source whose rows are there."""
        return cls(name, source, parts, lambda: rows)

    @property
    def table(self) -> ir.Table:
        """One row a source row (see `Rows`)."""
        return self.read().table

    @property
    def lost(self) -> tuple[LostRow, ...]:
        """Rows that never became cells."""
        return self.read().lost

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.read().number

    @property
    def later(self) -> int:
        """Rows that came after the month that is made."""
        return self.read().later

    def holding(self, rows: Rows) -> SourceTable:
        """The same source with other rows."""
        return replace(self, read=lambda: rows)


def read_source(
    engine: Engine, name: str, source: Source, parts: Iterable[Part], locale: Locale
) -> SourceTable:
    """Read and convert all files of a source into a table of the engine.

    Args:
        engine: Receives the view ``source_<name>``.
        name: The source's name.
        source: Its entry of the profile.
        parts: What `parts_of` returned.
        locale: The profile's time zone and money.

    Raises:
        SourceError: A file is not what the profile says.
    """
    begun = begin_source(engine, name, source, parts, locale)
    begun.read()
    return begun


def begin_source(
    engine: Engine, name: str, source: Source, parts: Iterable[Part], locale: Locale
) -> SourceTable:
    """Begin what `read_source` does: the engine reads while others are prepared."""
    listed = tuple(parts)
    if source.format in TYPED:
        cells = _typed(engine, name, source, listed, locale)
        lost: list[LostRow] = []
    else:
        stream = _Stream(engine, name, source, listed, locale)
        stream.begin(delimited.BLOCK_BYTES[0])
        cells, lost = stream.wait, stream.lost
    return SourceTable(
        name, source, listed, cache(lambda: _settled(engine, name, source, cells(), lost))
    )


def _settled(
    engine: Engine, name: str, source: Source, table: ir.Table, lost: list[LostRow]
) -> Rows:
    """What has been read, without the rows that hold no data."""
    table, odd = _without_odd(table, name)
    table, empty = _without_empty(table, source)
    table = engine.view(f"source_{name}", table)
    return Rows(table, (*lost, *odd, *empty), int(table.count().execute()))


def _typed(
    engine: Engine, name: str, source: Source, parts: tuple[Part, ...], locale: Locale
) -> Callable[[], ir.Table]:
    """Begin to read files whose cells have types."""
    cells = _converted(parquet_files.cells_of(engine, name, source, parts), source, locale)
    if not parts:
        return lambda: engine.materialise(cells, f"read_{name}")
    return engine.begin(cells, f"read_{name}", [part.path for part in parts]).wait


class _Stream:
    """Text formats on their way into the engine; a record too large for one block is tried
    again with larger blocks."""

    def __init__(
        self, engine: Engine, name: str, source: Source, parts: tuple[Part, ...], locale: Locale
    ) -> None:
        self.lost: list[LostRow] = []
        self._engine, self._name = engine, name
        self._source, self._parts, self._locale = source, parts, locale
        self._held: list[AnalysisError] = []

    def begin(self, block: int) -> None:
        """Begin to fill the source's table, from the first file on."""
        self._held.clear()
        self.lost.clear()
        batches = _text_rows(self._source, self._parts, self.lost, self._held, block)
        self._pending = self._engine.begin_stream(batches, self._shaped, f"read_{self._name}")

    def wait(self) -> ir.Table:
        """The table, filled."""
        for block in (*delimited.BLOCK_BYTES[1:], None):
            try:
                return self._pending.wait()
            except Exception:
                if not self._held:
                    raise
                if block is None or not isinstance(self._held[0], delimited.RecordTooLargeError):
                    raise self._held[0] from None
            self.begin(block)
        raise AssertionError("the last block size returns or raises")

    def _shaped(self, cells: ir.Table) -> ir.Table:
        return _converted(_shaped(cells, self._source, self._parts), self._source, self._locale)


def _shaped(cells: ir.Table, source: Source, parts: tuple[Part, ...]) -> ir.Table:
    """The declared columns as text, rows that are no data marked where people write them."""
    if _is_json(source):
        return json_lines.cells_of(cells, source)
    return marked(cells, source, titles_of(parts)) if source.format in TEXT and parts else cells


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
        commas = {at for at, column in zip(places, source.columns, strict=True)
                  if source.reading(column).decimal == ","}  # fmt: skip
        yield from spreadsheets.text_batches(part.path, part.sheet, source, places, commas)
        return
    if _is_json(source):
        yield from json_lines.line_batches(part.path, part.encoding, block)
        return
    if source.format == "postgresql":
        yield from databases.text_batches(source, [part.titles[c] for c in source.columns])
        return
    source = settled_source(part, source)
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


def _converted(cells: ir.Table, source: Source, locale: Locale) -> ir.Table:
    """Typed columns, ``_row``, the faults of each row, and whether they reject it."""
    readings = readings_of(source, locale.money)
    cells = with_written(cells, source, locale.money)
    values = convert(cells, readings, source.nulls, locale.timezone, source.timezone)
    values = in_profile_money(values, source, locale.money, locale.rates)
    rejecting = values[FAULTS].filter(lambda fault: fault["rejects"]).length() > 0
    return values.mutate(**{UNUSABLE: rejecting.fill_null(False)})


def _without_odd(table: ir.Table, name: str) -> tuple[ir.Table, list[LostRow]]:
    """Leave out rows that are no data, and say which."""
    if KIND not in table.columns:
        return table, []
    odd = table.filter(table[KIND].notnull()).select(ROW, KIND).limit(MOST_FAULTS + 1).execute()
    if len(odd) > MOST_FAULTS:
        raise SourceError(
            "The file holds hardly any data",
            where=f"source '{name}'",
            got=f"more than {MOST_FAULTS:,} rows are {TOLD[odd[KIND].iloc[0]]}",
            todo="Check the format in the profile, or ask for the file again.",
        )
    rows = zip(odd[ROW].tolist(), odd[KIND].tolist(), strict=True)
    lost = [LostRow(row, rule, TOLD[rule]) for row, rule in rows]
    rest = table.filter(table[KIND].isnull()) if lost else table
    return rest.drop(KIND), lost


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
