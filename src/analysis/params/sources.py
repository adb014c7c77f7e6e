"""How a profile names its raw files, reads them, and turns them into canonical tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .loading import Section

ValueType = Literal["text", "integer", "number", "boolean", "date", "time", "month"]


class ColumnReading(Section):
    """How the text of one raw column is understood.

    Attributes:
        type: What the text holds; ``text`` leaves it as it is (trimmed).
        forms: strptime forms of a date or time, tried in order; empty: the known ones.
        unit: The amount's unit: its factor to the profile's unit (万元 = 10000 yuan).
        values: Raw text → canonical text (是 → true, 延误 → delay).
        nulls: Texts that mean "no value" in this column.
        on_error: What an unreadable text does: reject the row, or leave null and record it.
    """

    type: ValueType = "text"
    forms: tuple[str, ...] = ()
    unit: float = 1.0
    values: dict[str, str] = Field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    on_error: Literal["reject", "null"] = "reject"


class Source(Section):
    """One kind of raw file of one system.

    Attributes:
        system: The system it comes from; customers are known by its ids.
        files: Path or glob below the raw folder; several are read as one.
        columns: Raw header → how to read it; headers not named are ignored (and stated).
        optional: May be absent without an error.
    """

    system: str
    files: str | tuple[str, ...]
    format: Literal["csv", "excel", "parquet", "jsonl"] = "csv"
    encoding: str | None = None
    delimiter: str = ","
    quote: str = '"'
    header_row: int = Field(1, ge=1)
    sheets: str = "*"
    nulls: tuple[str, ...] = ()
    columns: dict[str, ColumnReading | ValueType]
    optional: bool = False

    def reading(self, column: str) -> ColumnReading:
        """How a column is read, with the short form written out."""
        entry = self.columns[column]
        return entry if isinstance(entry, ColumnReading) else ColumnReading(type=entry)


class TableSelect(Section):
    """One SELECT that yields rows of a canonical table.

    Attributes:
        source: The source whose rows are counted against the result.
        select: A SELECT over the sources by name (and only those); customer ids are the
            source system's own, mapped to canonical customers afterwards.
        customer_ids: The system whose customer ids the result carries; default the source's.
    """

    source: str
    select: str
    customer_ids: str = ""
