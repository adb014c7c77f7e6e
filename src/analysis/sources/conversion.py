"""From text to values: numbers, dates, months, truth values, in the forms that exports use.

Every conversion is an expression of the engine. A cell that holds text but no value is a fault
that keeps the raw text; nothing becomes null in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from ..params import ColumnReading
from ..params.sources import EXCEL_SERIAL, ValueType

WIDE = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ" \
    "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ\u3000\u00a0"
PLAIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz  "
_UNTIDY = "[０-９Ａ-Ｚａ-ｚ\u3000\u00a0]|^\\s|\\s$"
_WIDE_MARKS, _PLAIN_MARKS = "．，：／－（）＋％−", ".,:/-()+%-"

KNOWN_FORMS = (
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分",
    "%Y年%m月%d日",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
)
"""Forms of dates that have one meaning only; others must be declared."""

YEARS = (1900, 2200)
"""Years that a date can have; a text that gives another is no date."""

TRUE_WORDS = ("true", "1", "yes", "y", "t", "是", "真", "有", "√")
FALSE_WORDS = ("false", "0", "no", "n", "f", "否", "假", "无", "×")
LARGEST_INTEGER = 9.0e15

FAULT = dt.dtype("struct<column: string, rule: string, value: string, rejects: boolean>")
RULES: dict[ValueType, str] = {
    "integer": "not_an_integer",
    "number": "not_a_number",
    "boolean": "not_a_boolean",
    "date": "not_a_date",
    "time": "not_a_time",
    "month": "not_a_month",
    "text": "not_a_text",
}


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, forms: dt.Array[dt.String]) -> dt.Timestamp(scale=6):  # type: ignore[valid-type, empty-body]
    """The time that a text gives in the first form that fits; null where none does."""


@ibis.udf.scalar.builtin(name="bit_length")
def _bit_length(text: str) -> int:  # type: ignore[empty-body]
    """Bits of a text's UTF-8 form: 8 a character where it is plain ASCII."""


@ibis.udf.scalar.builtin(name="timezone")
def _in_zone(zone: str, moment: dt.Timestamp(timezone="UTC")) -> dt.Timestamp(scale=6):  # type: ignore[valid-type, empty-body]
    """The local time of a moment."""


FAULTS = "_faults"


def convert(
    cells: ir.Table, readings: Mapping[str, ColumnReading], nulls: Sequence[str], timezone: str
) -> ir.Table:
    """Read all declared columns of a source.

    The stages are separate SELECTs, so that the engine computes each expression once.

    Args:
        cells: One row a source row: the raw columns (text, or typed where the file is).
        readings: Raw header → how it is read; columns not named are kept as they are.
        nulls: The source's texts for "no value".
        timezone: The profile's; a time that gives its own offset is brought to it.

    Returns:
        One row a source row: the columns in their types, and ``_faults``: a list of `FAULT`
        for the texts that are no values, null where there is none.
    """
    texts = {c: _text_of(cells[c], reading, nulls) for c, reading in readings.items()}
    texts = {c: text for c, text in texts.items() if text is not None}
    plain = cells.mutate(**texts)
    raw = {f"_raw{at}": plain[c] for at, c in enumerate(readings) if c in texts}
    quick = plain.mutate(**raw, **{c: _quick(plain[c], reading, timezone)
                                   for c, reading in readings.items()})
    parsed = quick.mutate(
        **{
            c: _careful(quick[f"_raw{at}"], quick[c], reading, timezone)
            for at, (c, reading) in enumerate(readings.items())
            if c in texts
        }
    )
    final = parsed.mutate(**{c: _finished(parsed[c], reading) for c, reading in readings.items()})
    return _with_faults(final, {f"_raw{at}": c for at, c in enumerate(readings)}, readings)


def _with_faults(
    table: ir.Table, columns: Mapping[str, str], readings: Mapping[str, ColumnReading]
) -> ir.Table:
    """Add ``_faults``, null nearly everywhere, and drop the raw texts it was made from."""
    raw = [name for name in columns if name in table.columns]
    can_fail = {name: columns[name] for name in raw if readings[columns[name]].type != "text"}
    nothing = ibis.null(f"array<{FAULT}>")
    if not can_fail:
        return table.mutate(**{FAULTS: nothing}).drop(*raw)
    bad = {name: table[name].notnull() & table[c].isnull() for name, c in can_fail.items()}
    listed = [
        bad[name].ifelse(_fault(c, table[name], readings[c]), ibis.null(FAULT))
        for name, c in can_fail.items()
    ]
    found = ibis.array(listed).filter(lambda fault: fault.notnull())
    return table.mutate(**{FAULTS: reduce(or_, bad.values()).ifelse(found, nothing)}).drop(*raw)


def _text_of(cell: ir.Value, reading: ColumnReading, nulls: Sequence[str]) -> ir.Value | None:
    """The cell as plain text; None where the file's own type already fits (Parquet)."""
    if _fits(cell.type(), reading):
        return None
    text = _emptied(_plain_text(_as_text(cell)), (*nulls, *reading.nulls))
    return text.cases(*reading.values.items(), else_=text) if reading.values else text


def _fits(kind: dt.DataType, reading: ColumnReading) -> bool:
    if reading.nulls or reading.values:
        return False
    if reading.type in ("date", "time"):
        return kind.is_timestamp() or kind.is_date()
    if reading.type in ("integer", "number"):
        return kind.is_integer()
    return kind.is_boolean() and reading.type == "boolean"


def _fault(column: str, raw: ir.Value, reading: ColumnReading) -> ir.Value:
    return ibis.struct(
        {
            "column": ibis.literal(column),
            "rule": ibis.literal(RULES[reading.type]),
            "value": raw,
            "rejects": ibis.literal(reading.on_error == "reject"),
        }
    ).cast(FAULT)


def _as_text(cell: ir.Value) -> ir.StringValue:
    kind = cell.type()
    if kind.is_string():
        return cell
    if kind.is_floating() or kind.is_decimal():
        number = cell.cast("float64")
        whole = (number == number.floor()) & (number.abs() < LARGEST_INTEGER)
        shown = whole.ifelse(number.try_cast("int64").cast("string"), number.cast("string"))
        return number.isnan().ifelse(ibis.null("string"), shown)
    return cell.cast("string")


def _plain_text(text: ir.StringValue) -> ir.StringValue:
    """Trimmed, with full-width digits, letters and blanks made plain; empty becomes null.

    Nearly all cells need nothing; telling so by their length and ends is far cheaper.
    """
    ascii_only = _bit_length(text) == text.length() * 8
    tidy = ascii_only & (text.left(1) > " ") & (text.right(1) > " ")
    return ibis.cases(
        (tidy | text.isnull(), text),
        (~text.re_search(_UNTIDY), text),
        else_=text.translate(WIDE, PLAIN).strip().nullif(""),
    )


def _plain_marks(text: ir.StringValue) -> ir.StringValue:
    return text.translate(_WIDE_MARKS, _PLAIN_MARKS)


def _emptied(text: ir.StringValue, nulls: Sequence[str]) -> ir.StringValue:
    """Texts that mean "no value" made null."""
    exact = [null for null in nulls if "*" not in null]
    for pattern in (null for null in nulls if "*" in null):
        like = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        text = text.like(like.replace("*", "%")).ifelse(ibis.null("string"), text)
    return text.isin(exact).ifelse(ibis.null("string"), text) if exact else text


def _quick(cell: ir.Value, reading: ColumnReading, timezone: str) -> ir.Value:
    """The value of a cell in its usual form; null where it needs `_careful`."""
    kind = cell.type()
    if kind.is_timestamp() and kind.timezone:
        return _in_zone(timezone, cell)
    if kind.is_timestamp() or kind.is_date():
        return cell.cast("timestamp(6)")
    if not kind.is_string() or reading.type == "text":
        return cell
    if reading.type in ("number", "integer"):
        plain = reading.decimal == "."
        return cell.try_cast("float64") if plain else ibis.null("float64")
    if reading.type in ("date", "time"):
        forms = [form for form in reading.forms if form != EXCEL_SERIAL]
        return _try_strptime(cell, ibis.array(forms)) if forms else _iso_time(cell)
    return _month(cell) if reading.type == "month" else _boolean(cell)


def _careful(
    text: ir.StringValue, quick: ir.Value, reading: ColumnReading, timezone: str
) -> ir.Value:
    """The quick value, else what the rarer forms give.

    A CASE, because the engine computes its branches only for the rows that reach them.
    """
    if reading.type in ("number", "integer"):
        other = _written_number(text, reading.decimal)
        return (quick.notnull() & ~text.contains("_")).ifelse(quick, other)
    if reading.type in ("date", "time"):
        return (quick.notnull() | text.isnull()).ifelse(quick, _time(text, reading, timezone))
    if reading.type == "month":
        dated = _time(text, reading, timezone).strftime("%Y-%m")
        return (quick.notnull() | text.isnull()).ifelse(quick, dated)
    return quick


def _boolean(text: ir.StringValue) -> ir.BooleanValue:
    word = text.lower()
    no = word.isin(FALSE_WORDS).ifelse(False, ibis.null("boolean"))
    return word.isin(TRUE_WORDS).ifelse(True, no)


def _finished(value: ir.Value, reading: ColumnReading) -> ir.Value:
    """The value in its final type, unit and limits; null where it leaves them."""
    if reading.type in ("number", "integer"):
        return _within_numbers(value, reading)
    if reading.type in ("date", "time"):
        return _within_years(value, reading)
    return value


def _within_numbers(value: ir.Value, reading: ColumnReading) -> ir.Value:
    if value.type().is_integer() and reading.unit == 1:
        return value.cast("int64" if reading.type == "integer" else "float64")
    number = value.cast("float64")
    usable = ~(number.isnan() | number.isinf())
    if reading.type == "integer":
        usable = usable & (number == number.floor()) & (number.abs() <= LARGEST_INTEGER)
    number = usable.ifelse(number, ibis.null("float64"))
    number = number if reading.unit == 1 else (number * reading.unit).round(6)
    return number.cast("int64") if reading.type == "integer" else number


def _within_years(value: ir.Value, reading: ColumnReading) -> ir.Value:
    low, high = (ibis.timestamp(f"{year}-01-01") for year in YEARS)
    moment = ((value >= low) & (value < high)).ifelse(value, ibis.null("timestamp(6)"))
    if reading.type == "date":
        return moment.cast("date")
    if reading.end_of_day:
        day = moment.truncate("D")
        return (day + ibis.interval(days=1) - ibis.interval(microseconds=1)).cast("timestamp(6)")
    return moment


def _written_number(text: ir.StringValue, decimal: str) -> ir.FloatingValue:
    """Numbers as people write them: ``¥1,234.50``, ``(12.5)``, ``1.2万``, ``45%``."""
    bare = _plain_marks(text).re_replace(r"(?i)(人民币|rmb|cny|usd|eur|[¥￥$€£]|元|\s)", "")
    bare = bare.re_replace(r"^\((.+)\)$", r"-\1")
    scale = (
        bare.endswith("亿")
        .ifelse(1e8, bare.endswith("万").ifelse(1e4, bare.endswith("%").ifelse(0.01, 1.0)))
    )
    bare = bare.re_replace("[万亿%]$", "")
    group, mark = (",", ".") if decimal == "." else (r"\.", ",")
    grouped = rf"^[+-]?\d{{1,3}}(?:{group}\d{{3}})*(?:[{mark}]\d+)?$"
    single = rf"^[+-]?(?:\d+[{mark}]?\d*|[{mark}]\d+)(?:[eE][+-]?\d{{1,3}})?$"
    digits = bare.re_replace(group, "").replace(",", ".")
    written = bare.re_search(grouped) | bare.re_search(single)
    number = written.ifelse(digits, ibis.null("string")).try_cast("float64")
    return (scale == 1.0).ifelse(number, (number * scale).round(6))


def _time(text: ir.StringValue, reading: ColumnReading, timezone: str) -> ir.TimestampValue:
    """Times in all forms but the declared ones (which `_quick` has tried)."""
    tries = [_iso_time(text), _offset_time(text, timezone), _known_time(text)]
    if EXCEL_SERIAL in reading.forms:
        tries.insert(0, _from_serial(text))
    return ibis.coalesce(*tries)


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


def _known_time(text: ir.StringValue) -> ir.TimestampValue:
    marked = _plain_marks(text).re_replace(r"\s+", " ")
    spaced = marked.re_replace(r"日\s*(\d{1,2}:)", r"日 \1").replace("/", "-")
    again = _iso_time(spaced)
    return ibis.coalesce(_try_strptime(spaced, ibis.array(list(KNOWN_FORMS))), again)


def _from_serial(text: ir.StringValue) -> ir.TimestampValue:
    """Days since 1899-12-30, as spreadsheets count; below 60 they are ambiguous."""
    days = text.try_cast("float64")
    usable = (days >= 60) & (days < 120_000)
    seconds = usable.ifelse((days * 86_400).round(), ibis.null("float64")).cast("int64")
    origin = ibis.timestamp("1899-12-30 00:00:00")
    return origin + seconds.as_interval("s")


_MONTH = r"^(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?$"


def _month(text: ir.StringValue) -> ir.StringValue:
    """A month as 2026-10, from 2026-10, 2026/10, 202610, 2026年10月."""
    year, number = text.re_extract(_MONTH, 1), text.re_extract(_MONTH, 2).try_cast("int64")
    good = text.re_search(_MONTH) & number.between(1, 12)
    return good.ifelse(year + "-" + number.cast("string").lpad(2, "0"), ibis.null("string"))
