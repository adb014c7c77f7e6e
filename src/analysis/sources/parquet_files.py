"""Parquet files, read natively: typed already, and numbered from 1 (there is no header row)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ..engine import Engine
from ..errors import AnalysisError, SourceError, raise_all
from ..params import Source


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


ROW = "_row"


class PlacedFile(Protocol):
    """A file with the places of its columns."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def places(self) -> Mapping[str, int]:
        """Declared column → position in the file."""
        ...

    def row_of(self, line: int) -> int:
        """The ``_row`` of a row number in the file."""
        ...


def cells_of(engine: Engine, name: str, source: Source, parts: Sequence[PlacedFile]) -> ir.Table:
    """The declared columns of all files of a source, with ``_row``.

    Raises:
        SourceError: The files differ in a column's type.
    """
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


def _parquet_part(engine: Engine, source: Source, part: PlacedFile) -> ir.Table:
    """Rows are numbered from 1: a Parquet file has no header row."""
    table = engine.parquet(part.path)
    names = parquet_schema(part.path).names
    columns = {column: _known(table[names[part.places[column]]]) for column in source.columns}
    return table.select(**columns, **{ROW: table.file_row_number + part.row_of(1)})


def _known(cell: ir.Value) -> ir.Value:
    """A cell in a type that Ibis knows; it has none for moments in nanoseconds, pandas' own."""
    return cell.cast(dt.Timestamp(timezone="UTC")) if "TZ_NS" in str(cell.type()) else cell


def _refuse_other_types(name: str, source: Source, parts: Sequence[PlacedFile]) -> None:
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
