"""From text to days and times, in the forms that exports use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from ..params import ColumnReading
from ..params.sources import EXCEL_SERIAL
from .plain_texts import as_text, plain_marks

KNOWN_FORMS = (
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分",
    "%Y年%m月%d日",
    "%Y年%m月%d日%H时",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y年%m月%d日 %H时%M分",
    "%Y年%m月%d日 %I:%M:%S %p",
    "%Y年%m月%d日 %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%d-%b-%y",  # before the next one, which would read 06 as the year 6
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
)
"""Forms of dates that have one meaning only; others must be declared."""

YEARS = (1900, 2200)
"""Years that a date can have; a text that gives another is no date."""

FILL_DAYS = (
    "0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01",
    "2999-12-31", "9999-12-31",
)  # fmt: skip
"""Days that systems write where there is none: the beginnings and ends of their calendars (.NET,
SQL Server, spreadsheets, Unix) and "never". No company's shipment or payment is of them."""

ZERO_DAYS = (
    "0000-00-00", "0000-0-0", "00000000", "0001-01-01", "0001-1-1", "00010101",
    "1900-01-00", "1900-1-0", "9999-12-31", "99991231",
)  # fmt: skip
"""Fill days that are in no calendar, or in none that is read otherwise; without their clock."""


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, forms: dt.Array[dt.String]) -> dt.Timestamp(scale=6):  # type: ignore[valid-type]
    """The time that a text gives in the first form that fits; null where none does."""


@ibis.udf.scalar.builtin(name="timezone")
def _in_zone(zone: str, moment: dt.Timestamp(timezone="UTC")) -> dt.Timestamp(scale=6):  # type: ignore[valid-type]
    """The local time of a moment."""


@ibis.udf.scalar.builtin(name="timezone")
def _moment_of(zone: str, local: dt.Timestamp(scale=6)) -> dt.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """The moment of a local time in a zone."""


def quick_time(cell: ir.Value, reading: ColumnReading, timezone: str) -> ir.TimestampValue:
    """The time of a cell in its usual form; null where it needs a second look."""
    kind = cell.type()
    if kind.is_timestamp() and kind.timezone:
        return _in_zone(timezone, cell)
    if kind.is_timestamp() or kind.is_date():
        return cell.cast("timestamp(6)")
    if not kind.is_string():
        serial = EXCEL_SERIAL in reading.forms
        return _from_serial(as_text(cell)) if serial else ibis.null("timestamp(6)")
    forms = [form for form in reading.forms if form != EXCEL_SERIAL]
    return _in_forms(cell, forms) if forms else _iso_time(cell)


def written_time(
    text: ir.StringValue, bare: ir.StringValue, reading: ColumnReading, timezone: str
) -> ir.TimestampValue:
    """Times in all forms, the declared ones first."""
    forms = [form for form in reading.forms if form != EXCEL_SERIAL]
    tries = [_in_forms(text, forms)] if forms else []
    if EXCEL_SERIAL in reading.forms:
        tries.append(_from_serial(text))
    tries += [_iso_time(bare), _offset_time(bare, timezone)]
    return ibis.coalesce(*tries, _in_forms(bare, KNOWN_FORMS), _zero_day(bare))


def _zero_day(text: ir.StringValue) -> ir.TimestampValue:
    """The first of all fill days for a text that means one."""
    is_zero = text.re_extract(r"^([\d-]+)([ T][\d:.]+)?$", 1).isin(ZERO_DAYS)
    first = ibis.timestamp(f"{FILL_DAYS[0]} 00:00:00")
    return is_zero.ifelse(first, ibis.null("timestamp(6)"))


def _in_forms(text: ir.StringValue, forms: Sequence[str]) -> ir.TimestampValue:
    """A time in one of the forms; the engine would take "epoch" and "infinity" for times."""
    words = text.left(1).isin(("e", "E", "i", "I", "-"))
    return _try_strptime(words.ifelse(ibis.null("string"), text), ibis.array(list(forms)))


_CLOCK = r":|时|^\s*\d{12,14}\s*$"
"""A text with a clock in it, be it midnight."""

_OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d(:?\d\d)?)$"


def _iso_time(text: ir.StringValue) -> ir.TimestampValue:
    """Year first: 2026-03-05, 2026/3/5 14:07, 2026-03-05T14:07:00.5."""
    year_first = (text >= "1") & (text < "3")
    plain = text.length() <= len("2026-03-05 14:07")
    plain = plain | ~text.re_search(_OFFSET)
    usable = (year_first & plain).ifelse(text.replace("/", "-"), ibis.null("string"))
    return usable.try_cast("timestamp(6)")


def _offset_time(text: ir.StringValue, timezone: str) -> ir.TimestampValue:
    """A time that names its own offset from UTC, in the profile's zone."""
    named = text.re_search(_OFFSET).ifelse(text.replace("/", "-"), ibis.null("string"))
    return _in_zone(timezone, named.try_cast(dt.Timestamp(timezone="UTC")))


def _from_serial(text: ir.StringValue) -> ir.TimestampValue:
    """Days since 1899-12-30, as spreadsheets count; below 60 they are ambiguous."""
    days = text.try_cast("float64")
    usable = (days >= 60) & (days < 120_000)
    seconds = usable.ifelse((days * 86_400).round(), ibis.null("float64")).cast("int64")
    origin = ibis.timestamp("1899-12-30 00:00:00")
    return origin + seconds.as_interval("s")


_MONTH = r"^(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?$"


def month_of(text: ir.StringValue) -> ir.StringValue:
    """A month as 2026-10, from 2026-10, 2026/10, 202610, 2026年10月."""
    year, number = text.re_extract(_MONTH, 1), text.re_extract(_MONTH, 2).try_cast("int64")
    good = text.re_search(_MONTH) & number.between(1, 12)
    return good.ifelse(year + "-" + number.cast("string").lpad(2, "0"), ibis.null("string"))


def is_fill(moment: ir.TimestampValue) -> ir.BooleanValue:
    """Whether a time is one that systems write where there is none, at whatever clock."""
    days = [ibis.timestamp(f"{day} 00:00:00") for day in FILL_DAYS]
    return moment.truncate("D").isin(days).fill_null(False)


def within_years(value: ir.Value, reading: ColumnReading) -> ir.Value:
    """A time in its column's type; null where it is a fill day, or of no year of a company."""
    low, high = (ibis.timestamp(f"{year}-01-01") for year in YEARS)
    usable = (value >= low) & (value < high) & ~is_fill(value)
    moment = usable.ifelse(value, ibis.null("timestamp(6)"))
    if reading.type == "date":
        return moment.cast("date")
    if reading.end_of_day:
        day = moment.truncate("D")
        return (day + ibis.interval(days=1) - ibis.interval(microseconds=1)).cast("timestamp(6)")
    return moment


def from_own_zone(
    table: ir.Table, readings: Mapping[str, ColumnReading], own: str, timezone: str
) -> ir.Table:
    """Times that name no offset, from the source's zone to the profile's; days stay days."""
    moved = {}
    for at, (column, reading) in enumerate(readings.items()):
        raw, value = table[f"_raw{at}"], table[column]
        kind = raw.type()
        if reading.type != "time" or kind.is_date() or (kind.is_timestamp() and kind.timezone):
            continue
        local = _in_zone(timezone, _moment_of(own, value))
        if not kind.is_timestamp():
            has_clock = value != value.truncate("D")
            if kind.is_string():
                marked = plain_marks(raw)
                has_clock = has_clock | marked.re_search(_CLOCK)
                has_clock = has_clock & ~marked.re_search(_OFFSET)
            local = has_clock.ifelse(local, value)
        moved[column] = local
    return table.mutate(**moved) if moved else table
