"""How a profile names its raw files, reads them, and turns them into canonical tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from .loading import Section

ValueType = Literal["text", "integer", "number", "boolean", "date", "time", "month"]
EXCEL_SERIAL = "excel"
"""A form of dates: days since 1899-12-30, as spreadsheets count."""


class ColumnReading(Section):
    """How the text of one raw column is understood.

    Attributes:
        type: What the text holds; ``text`` leaves it as it is (trimmed, full-width digits and
            letters made plain).
        forms: strptime forms of a date or time, tried in order before the known ones; needed
            for ambiguous ones such as ``%m/%d/%Y``. ``excel`` reads serial day numbers.
        end_of_day: A time given as a day lasts to the end of that day (a promise).
        unit: The amount's unit: its factor to the profile's unit (万元 = 10000 yuan).
        decimal: The decimal mark; a comma makes the point a thousands separator.
        values: Raw text → canonical text (是 → true, 延误 → delay).
        nulls: Texts that mean "no value" in this column; ``*`` stands for any text.
        on_error: What an unreadable text does: reject the row, or leave null and record it.

    Example:
        >>> ColumnReading(type="number", unit=10000).on_error
        'reject'
    """

    type: ValueType = "text"
    forms: tuple[str, ...] = ()
    end_of_day: bool = False
    unit: float = Field(1.0, gt=0)
    decimal: Literal[".", ","] = "."
    values: dict[str, str] = Field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    on_error: Literal["reject", "null"] = "reject"

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> ColumnReading:
        if self.end_of_day and self.type != "time":
            raise ValueError("end_of_day needs type: time")
        if self.forms and self.type not in ("date", "time", "month"):
            raise ValueError("forms need type: date, time or month")
        if self.unit != 1 and self.type not in ("number", "integer"):
            raise ValueError("unit needs type: number or integer")
        return self


class Source(Section):
    """One kind of raw file of one system.

    Attributes:
        system: The system it comes from; customers are known by its ids.
        files: Path or glob below the raw folder; several are read as one.
        encoding: A Python codec; detected (UTF-8, UTF-16, GB18030) when not given.
        header_row: The row that holds the headers, counted from 1.
        sheets: Name or glob of the spreadsheet's sheets.
        nulls: Texts that mean "no value" in every column.
        columns: Raw header → how to read it; headers not named are ignored (and stated).
        optional: May be absent without an error.
    """

    system: str = Field(min_length=1)
    files: str | tuple[str, ...]
    format: Literal["csv", "excel", "parquet", "jsonl"] = "csv"
    encoding: str | None = None
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', max_length=1)
    header_row: int = Field(1, ge=1)
    sheets: str = "*"
    nulls: tuple[str, ...] = ()
    columns: dict[str, ColumnReading | ValueType] = Field(min_length=1)
    optional: bool = False

    @property
    def patterns(self) -> tuple[str, ...]:
        """The paths or globs, as a tuple."""
        return (self.files,) if isinstance(self.files, str) else self.files

    def reading(self, column: str) -> ColumnReading:
        """How a column is read, with the short form written out."""
        entry = self.columns[column]
        return entry if isinstance(entry, ColumnReading) else ColumnReading(type=entry)

    @model_validator(mode="after")
    def _columns_differ(self) -> Source:
        lower = [column.lower() for column in self.columns]
        twice = sorted({column for column in lower if lower.count(column) > 1})
        own = sorted(column for column in self.columns if column.startswith("_"))
        if twice:
            raise ValueError(f"columns differ in capitals only, which SQL ignores: {twice}")
        if own:
            raise ValueError(f"columns that start with '_' are tierlab's own: {own}")
        return self

    @model_validator(mode="after")
    def _codec_exists(self) -> Source:
        if self.encoding is not None:
            try:
                "".encode(self.encoding)
            except LookupError:
                raise ValueError(
                    f"'{self.encoding}' is no encoding; such as utf-8, gb18030, utf-16"
                ) from None
        return self


class TableSelect(Section):
    """One SELECT that yields rows of a canonical table.

    Attributes:
        source: The source whose rows are counted against the result.
        select: A SELECT over the sources by name (and only those); customer ids are the
            source system's own, mapped to canonical customers afterwards.
        customer_ids: The system whose customer ids the result carries; default the source's.
        many: One source row may yield several rows with different keys (answers to several
            questions); without it, a row that appears twice is an error.
    """

    source: str
    select: str
    customer_ids: str = ""
    many: bool = False
