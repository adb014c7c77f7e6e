"""Parquet files, read natively: typed already, and numbered from 1 (there is no header row)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.formats.pyarrow import PyArrowType

from ..engine import Engine
from ..errors import AnalysisError, SourceError, raise_all
from ..params import Source
from .plain_texts import as_text


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

_MOMENT = dt.Timestamp(timezone="UTC")


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
    schemas = [parquet_schema(part.path) for part in parts]
    _refuse_other_types(name, source, parts, schemas)
    kinds = {
        column: _Kinds.of([schema.field(part.places[column]).type
                           for part, schema in zip(parts, schemas, strict=True)])
        for column in source.columns
    }  # fmt: skip
    tables = [_parquet_part(engine, source, part, kinds) for part in parts]
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


@dataclass(frozen=True)
class _Kinds:
    """The types that the files of a source give one column.

    Attributes:
        differ: They are not all one.
        first: Of the first file that has a value; null where none has.
    """

    differ: bool
    first: pa.DataType

    @classmethod
    def of(cls, kinds: Sequence[pa.DataType]) -> _Kinds:
        filled = [kind for kind in kinds if not pa.types.is_null(kind)]
        return cls(len(set(kinds)) > 1, filled[0] if filled else pa.null())


def family_of(kind: pa.DataType) -> str:
    """Types that hold the same values, however the writer keeps them.

    A version of the writer, or a month with a gap in a column of whole numbers, changes them.

    Example:
        >>> family_of(pa.large_string()), family_of(pa.int32()), family_of(pa.timestamp("ns"))
        ('text', 'number', 'time')
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return "time" if kind.tz is None else "moment"
    return str(kind)


def _parquet_part(
    engine: Engine, source: Source, part: PlacedFile, kinds: Mapping[str, _Kinds]
) -> ir.Table:
    """Rows are numbered from 1: a Parquet file has no header row."""
    table = engine.parquet(part.path)
    names = parquet_schema(part.path).names
    columns = {
        column: _alike(_known(table[names[part.places[column]]]), kinds[column],
                       source.reading(column).type == "text")
        for column in source.columns
    }  # fmt: skip
    return table.select(**columns, **{ROW: table.file_row_number + part.row_of(1)})


def _known(cell: ir.Value) -> ir.Value:
    """A cell in a type that Ibis knows; it has none for moments in nanoseconds, pandas' own."""
    return cell.cast(_MOMENT) if "TZ_NS" in str(cell.type()) else cell


def _alike(cell: ir.Value, kinds: _Kinds, is_text: bool) -> ir.Value:
    """A cell in the type that all files of a source can give it.

    Numbers that are read as text (ids) become text at once: in a common type they would lose
    digits.
    """
    if not kinds.differ:
        return cell
    family = family_of(kinds.first)
    if family == "number":
        return as_text(cell) if is_text else cell.cast("float64")
    common = {"text": dt.string, "time": dt.Timestamp(scale=6), "moment": _MOMENT}
    return cell.cast(common.get(family) or PyArrowType.to_ibis(kinds.first))


def _refuse_other_types(
    name: str, source: Source, parts: Sequence[PlacedFile], schemas: Sequence[pa.Schema]
) -> None:
    """Files of one source must agree in what the columns that are read hold."""
    first: dict[str, tuple[pa.DataType, Path]] = {}
    faults: list[AnalysisError] = []
    for part, schema in zip(parts, schemas, strict=True):
        for column in source.columns:
            kind = schema.field(part.places[column]).type
            if pa.types.is_null(kind):
                continue
            seen, path = first.setdefault(column, (kind, part.path))
            if family_of(seen) != family_of(kind):
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
