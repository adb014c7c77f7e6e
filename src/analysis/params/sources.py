"""How a profile names its raw files, reads them, and turns them into canonical tables."""

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from .loading import Bilingual, Section
from .money import CURRENCY, SourceMoney, Tax

ValueType = Literal["text", "integer", "number", "amount", "boolean", "date", "time", "month"]
NUMERIC: tuple[ValueType, ...] = ("number", "integer", "amount")
DATED: tuple[ValueType, ...] = ("date", "time", "month")
EXCEL_SERIAL = "excel"
"""A form of dates: days since 1899-12-30, as spreadsheets count."""


class ColumnReading(Section):
    """How the text of one raw column is understood.

    Attributes:
        also: Other headers that the column has in some files, since an export renamed it.
        type: What the text holds; ``text`` leaves it as it is (trimmed, full-width digits and
            letters made plain), ``amount`` is a number of money.
        forms: strptime forms of a date or time, tried in order before the known ones; needed
            for ambiguous ones such as ``%m/%d/%Y``. ``excel`` reads serial day numbers.
        end_of_day: A time given as a day lasts to the end of that day (a promise).
        unit: Factor to the contract's unit (万元 = 10000 yuan); an amount that gives none takes
            its source's, else the profile's.
        currency, tax, tax_rate: Of an amount, where they differ from its source's.
        decimal: The decimal mark; a comma makes the point a thousands separator.
        values: Raw text → canonical text (是 → true, 延误 → delay).
        nulls: Texts that mean "no value" in this column; ``*`` stands for any text.
        on_error: What an unreadable text does: reject the row, or leave null and record it.

    Example:
        >>> ColumnReading(type="number", unit=10000).on_error
        'reject'
    """

    also: tuple[str, ...] = ()
    type: ValueType = "text"
    forms: tuple[str, ...] = ()
    end_of_day: bool = False
    unit: float | None = Field(None, gt=0)
    currency: str | None = Field(None, pattern=CURRENCY)
    tax: Tax | None = None
    tax_rate: float | None = Field(None, ge=0, lt=1)
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
        if self.unit is not None and self.type not in NUMERIC:
            raise ValueError("unit needs type: amount, number or integer")
        money = (self.currency, self.tax, self.tax_rate)
        if any(given is not None for given in money) and self.type != "amount":
            raise ValueError("currency, tax and tax_rate need type: amount")
        return self


Format = Literal["csv", "excel", "parquet", "jsonl", "postgresql"]


class Source(Section):
    """One kind of raw file of one system, or one table of its database.

    Attributes:
        system: The system it comes from; customers are known by its ids.
        title: What readers call it, in both languages; its own id where it is not given.
        files: Path or glob below the raw folder; several are read as one.
        connection: Of a database: the name of the connection, whose address and secret are in
            the environment, as ``TIERLAB_CONNECTION_<NAME>``.
        table: Of a database: the table or view, with its schema where it needs one.
        encoding: A Python codec; detected (UTF-8, UTF-16, GB18030) when not given.
        delimiter: Between two cells; told from the file when not given.
        header_row: The row that holds the headers, counted from 1; 0 where there is none, and
            the columns are called ``#1``, ``#2`` …
        timezone: Of times that name no offset, where it differs from the profile's.
        money: What its amounts are in, where it differs from the profile's.
        sheets: Name or glob of the spreadsheet's sheets, or several; all are read as one.
        nulls: Texts that mean "no value" in every column.
        columns: Raw header → how to read it; headers not named are ignored (and stated).
        optional: May be absent without an error.
    """

    system: str = Field(min_length=1)
    title: Bilingual | None = None
    files: str | tuple[str, ...] = ()
    connection: str = Field("", pattern="^([A-Za-z][A-Za-z0-9_-]*)?$")
    table: str = ""
    format: Format = "csv"
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    quote: str = Field('"', max_length=1)
    header_row: int = Field(1, ge=0)
    sheets: str | tuple[str, ...] = "*"
    nulls: tuple[str, ...] = ()
    timezone: str = ""
    money: SourceMoney = SourceMoney()
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
    def _headers_name_one_column(self) -> Source:
        named = [*self.columns, *(h for column in self.columns for h in self.reading(column).also)]
        twice = sorted({header for header in named if named.count(header) > 1})
        if twice:
            raise ValueError(f"headers in 'also' that name another column, too: {twice}")
        return self

    @model_validator(mode="after")
    def _place_is_named(self) -> Source:
        if self.format == "postgresql":
            if not (self.connection and self.table) or self.files:
                raise ValueError("format: postgresql needs connection and table, and no files")
        elif self.connection or self.table or not self.files:
            raise ValueError("a source needs files (connection and table go with postgresql)")
        return self

    @model_validator(mode="after")
    def _zone_and_money_fit(self) -> Source:
        known = available_timezones()
        if self.timezone and known and self.timezone not in known:
            raise ValueError(f"'{self.timezone}' is no time zone; such as Asia/Shanghai or UTC")
        by = self.money.dated_by
        if by and (by not in self.columns or self.reading(by).type not in DATED):
            raise ValueError(f"money.dated_by must be a date, time or month column: '{by}'")
        named = self.money.currency_in
        if named and (named not in self.columns or self.reading(named).type != "text"):
            raise ValueError(f"money.currency_in must be a text column: '{named}'")
        has_amounts = any(self.reading(column).type == "amount" for column in self.columns)
        if self.money != SourceMoney() and not has_amounts:
            raise ValueError("money is for columns of type: amount, and there is none")
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
