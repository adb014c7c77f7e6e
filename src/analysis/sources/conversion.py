"""From text to values: numbers, dates, months, truth values, in the forms that exports use.

Every conversion is an expression of the engine. A cell that holds text but no value is a fault
that keeps the raw text; nothing becomes null in silence.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from ..params import ColumnReading
from ..params.sources import EXCEL_SERIAL, NUMERIC, ValueType

_ALPHANUMERIC = string.digits + string.ascii_letters
WIDE = "".join(chr(ord(sign) + 0xFEE0) for sign in _ALPHANUMERIC) + "\u3000\u00a0"
PLAIN = _ALPHANUMERIC + "  "
"""Full-width digits, letters and blanks, and what they mean, sign by sign."""

_UNTIDY = "[０-９Ａ-Ｚａ-ｚ\u3000\u00a0]|^\\s|\\s$"
_WIDE_MARKS, _PLAIN_MARKS = "．，：／－（）＋％−", ".,:/-()+%-"

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

TRUE_WORDS = ("true", "1", "yes", "y", "t", "是", "真", "有", "√")
FALSE_WORDS = ("false", "0", "no", "n", "f", "否", "假", "无", "×")
LARGEST_INTEGER = 9.0e15

FAULT = dt.dtype("struct<column: string, rule: string, value: string, rejects: boolean>")
RULES: dict[ValueType, str] = {
    "integer": "not_an_integer",
    "number": "not_a_number",
    "amount": "not_an_amount",
    "boolean": "not_a_boolean",
    "date": "not_a_date",
    "time": "not_a_time",
    "month": "not_a_month",
    "text": "not_a_text",
}


@ibis.udf.scalar.builtin(name="try_strptime")
def _try_strptime(text: str, forms: dt.Array[dt.String]) -> dt.Timestamp(scale=6):  # type: ignore[valid-type]
    """The time that a text gives in the first form that fits; null where none does."""


@ibis.udf.scalar.builtin(name="bit_length")
def _bit_length(text: str) -> int:  # type: ignore[empty-body]
    """Bits of a text's UTF-8 form: 8 a character where it is plain ASCII."""


@ibis.udf.scalar.builtin(name="timezone")
def _in_zone(zone: str, moment: dt.Timestamp(timezone="UTC")) -> dt.Timestamp(scale=6):  # type: ignore[valid-type]
    """The local time of a moment."""


@ibis.udf.scalar.builtin(name="timezone")
def _moment_of(zone: str, local: dt.Timestamp(scale=6)) -> dt.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """The moment of a local time in a zone."""


FAULTS = "_faults"


def convert(
    cells: ir.Table,
    readings: Mapping[str, ColumnReading],
    nulls: Sequence[str],
    timezone: str,
    own_timezone: str = "",
) -> ir.Table:
    """Read all declared columns of a source.

    The stages are separate SELECTs, so that the engine computes each expression once.

    Args:
        cells: One row a source row: the raw columns (text, or typed where the file is).
        readings: Raw header → how it is read; columns not named are kept as they are.
        nulls: The source's texts for "no value".
        timezone: The profile's; a time that gives its own offset is brought to it.
        own_timezone: Of times that give no offset, where it differs.

    Returns:
        One row a source row: the columns in their types, and ``_faults``: a list of `FAULT`
        for the texts that are no values, null where there is none.
    """
    first = {c: _text_of(cells[c], r, nulls) for c, r in readings.items() if _text_first(r, nulls)}
    cells = cells.mutate(**first) if first else cells
    raw = {f"_raw{at}": cells[c] for at, c in enumerate(readings)}
    quick = cells.mutate(**raw, **{c: _quick(cells[c], r, timezone) for c, r in readings.items()})
    parsed = _with_rare_forms(quick, readings, timezone)
    if own_timezone and own_timezone != timezone:
        parsed = _from_own_zone(parsed, readings, own_timezone, timezone)
    final = parsed.mutate(**{c: _finished(parsed[c], r) for c, r in readings.items()})
    return _with_faults(final, readings)


def _with_rare_forms(
    table: ir.Table, readings: Mapping[str, ColumnReading], timezone: str
) -> ir.Table:
    """Values of the texts that `_quick` could not read.

    Their texts stand in columns of their own that are null elsewhere: what is done to them then
    costs next to nothing, however long it is.
    """
    at = {
        c: n
        for n, c in enumerate(readings)
        if table[f"_raw{n}"].type().is_string() and readings[c].type != "text"
    }
    if not at:
        return table
    nothing = ibis.null("string")
    unread = {
        c: _settled(table[f"_raw{n}"], table[c], readings[c]).ifelse(
            nothing, _plain_text(table[f"_raw{n}"])
        )
        for c, n in at.items()
    }
    texts = table.mutate(**{f"_text{n}": unread[c] for c, n in at.items()})
    bare = {f"_bare{n}": _bare(texts[f"_text{n}"], readings[c]) for c, n in at.items()}
    bared = texts.mutate(**bare)
    values = {
        c: bared[f"_text{n}"]
        .notnull()
        .ifelse(_rare(bared[f"_text{n}"], bared[f"_bare{n}"], readings[c], timezone), bared[c])
        for c, n in at.items()
    }
    return bared.mutate(**values).drop(*bare, *(f"_text{n}" for n in at.values()))


def _from_own_zone(
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
                marked = _plain_marks(raw)
                has_clock = has_clock | marked.re_search(_CLOCK)
                has_clock = has_clock & ~marked.re_search(_OFFSET)
            local = has_clock.ifelse(local, value)
        moved[column] = local
    return table.mutate(**moved) if moved else table


def _with_faults(table: ir.Table, readings: Mapping[str, ColumnReading]) -> ir.Table:
    """Add ``_faults``, null nearly everywhere, and drop the raw cells it was made from."""
    raw = {f"_raw{at}": c for at, c in enumerate(readings)}
    bad = {
        name: table[name].notnull() & table[c].isnull()
        for name, c in raw.items()
        if readings[c].type != "text"
    }
    nothing = ibis.null(dt.Array(FAULT))
    if not bad:
        return table.mutate(**{FAULTS: nothing}).drop(*raw)
    listed = [
        is_bad.ifelse(_fault(raw[name], table[name], readings[raw[name]]), ibis.null(FAULT))
        for name, is_bad in bad.items()
    ]
    found = ibis.array(listed).filter(lambda fault: fault["value"].notnull())
    found = reduce(or_, bad.values()).ifelse(found, nothing)
    table = table.mutate(**{FAULTS: found}).drop(*raw)
    return table.mutate(**{FAULTS: (table[FAULTS].length() > 0).ifelse(table[FAULTS], nothing)})


def _text_first(reading: ColumnReading, nulls: Sequence[str]) -> bool:
    """Whether a cell's text decides before its value is read."""
    return reading.type == "text" or bool(nulls or reading.nulls or reading.values)


def _text_of(cell: ir.Value, reading: ColumnReading, nulls: Sequence[str]) -> ir.StringValue:
    text = _emptied(_plain_text(_as_text(cell)), (*nulls, *reading.nulls))
    return text.cases(*reading.values.items(), else_=text) if reading.values else text


def _fault(column: str, raw: ir.Value, reading: ColumnReading) -> ir.Value:
    return ibis.struct(
        {
            "column": ibis.literal(column),
            "rule": ibis.literal(RULES[reading.type]),
            "value": _plain_text(_as_text(raw)),
            "rejects": ibis.literal(reading.on_error == "reject"),
        }
    ).cast(FAULT)


def _as_text(cell: ir.Value) -> ir.StringValue:
    kind = cell.type()
    if kind.is_string():
        return cell
    if kind.is_floating() or kind.is_decimal():
        number = cell.cast("float64")
        whole = (number % 1 == 0) & (number.abs() < LARGEST_INTEGER)
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
        ((text != "") & ~text.re_search(_UNTIDY), text),
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
    if reading.type == "text":
        return cell
    if reading.type in NUMERIC:
        usual = kind.is_numeric() or (kind.is_string() and reading.decimal == ".")
        return cell.try_cast("float64") if usual else ibis.null("float64")
    if reading.type in ("date", "time"):
        return _quick_time(cell, reading, timezone)
    text = _as_text(cell)
    return _month(text) if reading.type == "month" else _boolean(text)


def _quick_time(cell: ir.Value, reading: ColumnReading, timezone: str) -> ir.TimestampValue:
    kind = cell.type()
    if kind.is_timestamp() and kind.timezone:
        return _in_zone(timezone, cell)
    if kind.is_timestamp() or kind.is_date():
        return cell.cast("timestamp(6)")
    if not kind.is_string():
        serial = EXCEL_SERIAL in reading.forms
        return _from_serial(_as_text(cell)) if serial else ibis.null("timestamp(6)")
    forms = [form for form in reading.forms if form != EXCEL_SERIAL]
    return _in_forms(cell, forms) if forms else _iso_time(cell)


def _settled(cell: ir.StringValue, quick: ir.Value, reading: ColumnReading) -> ir.BooleanValue:
    """Whether a cell needs no second look; the engine reads 1_000 as a number, people do not."""
    if reading.type in NUMERIC:
        return (quick.notnull() & ~cell.contains("_")) | cell.isnull()
    return quick.notnull() | cell.isnull()


def _bare(text: ir.StringValue, reading: ColumnReading) -> ir.StringValue:
    """A text without what does not matter to its value."""
    if reading.type in NUMERIC:
        marked = _plain_marks(text).re_replace(_money_signs(reading), "")
        return marked.re_replace(r"^\((.+)\)$", r"-\1")
    if reading.type == "boolean":
        return text
    spaced = _plain_marks(text).re_replace(r"\s+", " ").replace("号", "日")
    spaced = spaced.re_replace(r"\s?[(]?(星期|周)[一二三四五六日天][)]?\s?", " ").strip()
    halves = spaced.re_replace(r"\s?(上午|下午|AM|PM|am|pm)\s?(\d{1,2}:[\d:]+)", r" \2 \1")
    halves = halves.re_replace("上午$", "AM").re_replace("下午$", "PM")
    return halves.re_replace(r"日\s*(\d{1,2}:)", r"日 \1").replace("/", "-")


def _rare(
    text: ir.StringValue, bare: ir.StringValue, reading: ColumnReading, timezone: str
) -> ir.Value:
    """What the rarer forms of a text give."""
    if reading.type in NUMERIC:
        return _written_number(bare, reading)
    if reading.type == "boolean":
        return _boolean(text)
    moment = _time(text, bare, reading, timezone)
    if reading.type == "month":
        return ibis.coalesce(_month(text), moment.strftime("%Y-%m"))
    return moment


def _boolean(text: ir.StringValue) -> ir.BooleanValue:
    word = text.lower()
    no = word.isin(FALSE_WORDS).ifelse(False, ibis.null("boolean"))
    return word.isin(TRUE_WORDS).ifelse(True, no)


def _finished(value: ir.Value, reading: ColumnReading) -> ir.Value:
    """The value in its final type, unit and limits; null where it leaves them."""
    if reading.type in NUMERIC:
        return _within_numbers(value, reading)
    if reading.type in ("date", "time"):
        return _within_years(value, reading)
    return value


def _within_numbers(number: ir.FloatingValue, reading: ColumnReading) -> ir.Value:
    usable = ~(number.isnan() | number.isinf())
    if reading.type == "integer":
        usable = usable & (number % 1 == 0) & (number.abs() <= LARGEST_INTEGER)
    number = usable.ifelse(number, ibis.null("float64"))
    number = number if reading.unit in (None, 1) else (number * reading.unit).round(6)
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


_ANY_SIGN = "人民币|rmb|cny|usd|eur|gbp|jpy|hkd|[¥￥$€£]|美元|欧元|元"
MONEY_SIGNS = {
    "CNY": "人民币|rmb|cny|[¥￥]|元整|元",
    "USD": r"usd|us\$|\$|美元",
    "EUR": "eur|€|欧元",
    "GBP": "gbp|£|英镑",
    "JPY": "jpy|[¥￥]|日元|円",
    "HKD": r"hkd|hk\$|\$|港元|港币",
    "TWD": r"twd|nt\$|\$|新台币|台币|元",
    "BRL": r"brl|r\$",
    "KRW": "krw|₩|韩元",
    "INR": "inr|₹",
}
"""What an amount of a currency may carry; the sign of another one makes it unreadable."""


def _money_signs(reading: ColumnReading) -> str:
    if reading.type != "amount" or not reading.currency:
        return rf"(?i)({_ANY_SIGN}|\s)"
    code = reading.currency
    return rf"(?i)({MONEY_SIGNS.get(code, code)}|\s)"


def has_foreign_sign(text: ir.StringValue, currency: ir.StringValue) -> ir.BooleanValue:
    """Whether an amount carries a sign that its currency (an ISO code) has not."""
    plain = _plain_marks(_plain_text(text))
    bare = [(code, plain.re_replace(f"(?i)({own})", "")) for code, own in MONEY_SIGNS.items()]
    return currency.cases(*bare, else_=plain).re_search(f"(?i)({_ANY_SIGN})").fill_null(False)


def _written_number(bare: ir.StringValue, reading: ColumnReading) -> ir.FloatingValue:
    """Numbers as people write them: ``¥1,234.50``, ``(12.5)``, ``1.2万``, ``45%``.

    A unit in the cell takes the place of the column's: ``3.5万`` is 35000 under 万元 too.
    """
    unit, decimal = reading.unit or 1.0, reading.decimal
    body = bare.re_replace("[万亿%]$", "")
    group, mark = (",", ".") if decimal == "." else (r"\.", ",")
    grouped = rf"[+-]?\d{{1,3}}(?:{group}\d{{3}})*(?:[{mark}]\d+)?"
    single = rf"[+-]?(?:\d+[{mark}]?\d*|[{mark}]\d+)(?:[eE][+-]?\d{{1,3}})?"
    written = body.re_search(f"^(?:{grouped}|{single})$")
    digits = body.re_replace(group, "").replace(",", ".")
    number = written.ifelse(digits, ibis.null("string")).try_cast("float64")
    return ibis.cases(
        (bare.endswith("亿"), (number * (1e8 / unit)).round(12)),
        (bare.endswith("万"), (number * (1e4 / unit)).round(12)),
        (bare.endswith("%"), (number / 100).round(12)),
        else_=number,
    )


def _time(
    text: ir.StringValue, bare: ir.StringValue, reading: ColumnReading, timezone: str
) -> ir.TimestampValue:
    """Times in all forms, the declared ones first."""
    forms = [form for form in reading.forms if form != EXCEL_SERIAL]
    tries = [_in_forms(text, forms)] if forms else []
    if EXCEL_SERIAL in reading.forms:
        tries.append(_from_serial(text))
    tries += [_iso_time(bare), _offset_time(bare, timezone)]
    return ibis.coalesce(*tries, _in_forms(bare, KNOWN_FORMS))


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


def _month(text: ir.StringValue) -> ir.StringValue:
    """A month as 2026-10, from 2026-10, 2026/10, 202610, 2026年10月."""
    year, number = text.re_extract(_MONTH, 1), text.re_extract(_MONTH, 2).try_cast("int64")
    good = text.re_search(_MONTH) & number.between(1, 12)
    return good.ifelse(year + "-" + number.cast("string").lpad(2, "0"), ibis.null("string"))
