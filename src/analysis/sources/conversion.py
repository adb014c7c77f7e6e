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
from ..params.sources import NUMERIC, ValueType
from .plain_texts import as_text, emptied, plain_marks, plain_text
from .written_numbers import money_signs, within_numbers, written_number
from .written_times import from_own_zone, is_fill, month_of, quick_time, within_years, written_time

TRUE_WORDS = ("true", "1", "yes", "y", "t", "是", "真", "有", "√")

FALSE_WORDS = ("false", "0", "no", "n", "f", "否", "假", "无", "×")

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

FILL_DATE = "fill_date"
"""The rule that a day breaks which systems write where there is none."""

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
        parsed = from_own_zone(parsed, readings, own_timezone, timezone)
    dated = {at: c for at, (c, r) in enumerate(readings.items()) if r.type in ("date", "time")}
    fills = {f"_fill{at}": is_fill(parsed[c]) for at, c in dated.items()}
    final = parsed.mutate(**fills, **{c: _finished(parsed[c], r) for c, r in readings.items()})
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
            nothing, plain_text(table[f"_raw{n}"])
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


def _with_faults(table: ir.Table, readings: Mapping[str, ColumnReading]) -> ir.Table:
    """Add ``_faults``, null nearly everywhere, and drop the raw cells it was made from."""
    raw = {f"_raw{at}": c for at, c in enumerate(readings)}
    used = [*raw, *(name for name in table.columns if name.startswith("_fill"))]
    bad = {
        name: table[name].notnull() & table[c].isnull()
        for name, c in raw.items()
        if readings[c].type != "text"
    }
    nothing = ibis.null(dt.Array(FAULT))
    if not bad:
        return table.mutate(**{FAULTS: nothing}).drop(*used)
    listed = [
        is_bad.ifelse(_fault(table, name, raw[name], readings[raw[name]]), ibis.null(FAULT))
        for name, is_bad in bad.items()
    ]
    found = ibis.array(listed).filter(lambda fault: fault["value"].notnull())
    found = reduce(or_, bad.values()).ifelse(found, nothing)
    table = table.mutate(**{FAULTS: found}).drop(*used)
    return table.mutate(**{FAULTS: (table[FAULTS].length() > 0).ifelse(table[FAULTS], nothing)})


def _text_first(reading: ColumnReading, nulls: Sequence[str]) -> bool:
    """Whether a cell's text decides before its value is read."""
    return reading.type == "text" or bool(nulls or reading.nulls or reading.values)


def _text_of(cell: ir.Value, reading: ColumnReading, nulls: Sequence[str]) -> ir.StringValue:
    text = emptied(plain_text(as_text(cell)), (*nulls, *reading.nulls))
    return text.cases(*reading.values.items(), else_=text) if reading.values else text


def _fault(table: ir.Table, raw: str, column: str, reading: ColumnReading) -> ir.Value:
    """The fault of a cell without a value; a fill day never costs the row."""
    rule, rejects = ibis.literal(RULES[reading.type]), ibis.literal(reading.on_error == "reject")
    fill = raw.replace("_raw", "_fill")
    if fill in table.columns:
        rule = table[fill].ifelse(FILL_DATE, rule)
        rejects = ~table[fill] & rejects
    told = {"column": column, "rule": rule, "value": plain_text(as_text(table[raw])),
            "rejects": rejects}  # fmt: skip
    return ibis.struct(told).cast(FAULT)


def _quick(cell: ir.Value, reading: ColumnReading, timezone: str) -> ir.Value:
    """The value of a cell in its usual form; null where it needs `_careful`."""
    kind = cell.type()
    if reading.type == "text":
        return cell
    if reading.type in NUMERIC:
        usual = kind.is_numeric() or (kind.is_string() and reading.decimal == ".")
        return cell.try_cast("float64") if usual else ibis.null("float64")
    if reading.type in ("date", "time"):
        return quick_time(cell, reading, timezone)
    text = as_text(cell)
    return month_of(text) if reading.type == "month" else _boolean(text)


def _settled(cell: ir.StringValue, quick: ir.Value, reading: ColumnReading) -> ir.BooleanValue:
    """Whether a cell needs no second look; the engine reads 1_000 as a number, people do not."""
    if reading.type in NUMERIC:
        return (quick.notnull() & ~cell.contains("_")) | cell.isnull()
    return quick.notnull() | cell.isnull()


def _bare(text: ir.StringValue, reading: ColumnReading) -> ir.StringValue:
    """A text without what does not matter to its value."""
    if reading.type in NUMERIC:
        marked = plain_marks(text).re_replace(money_signs(reading), "")
        return marked.re_replace(r"^\((.+)\)$", r"-\1")
    if reading.type == "boolean":
        return text
    spaced = plain_marks(text).re_replace(r"\s+", " ").replace("号", "日")
    spaced = spaced.re_replace(r"\s?[(]?(星期|周)[一二三四五六日天][)]?\s?", " ").strip()
    halves = spaced.re_replace(r"\s?(上午|下午|AM|PM|am|pm)\s?(\d{1,2}:[\d:]+)", r" \2 \1")
    halves = halves.re_replace("上午$", "AM").re_replace("下午$", "PM")
    return halves.re_replace(r"日\s*(\d{1,2}:)", r"日 \1").replace("/", "-")


def _rare(
    text: ir.StringValue, bare: ir.StringValue, reading: ColumnReading, timezone: str
) -> ir.Value:
    """What the rarer forms of a text give."""
    if reading.type in NUMERIC:
        return written_number(bare, reading)
    if reading.type == "boolean":
        return _boolean(text)
    moment = written_time(text, bare, reading, timezone)
    if reading.type == "month":
        return ibis.coalesce(month_of(text), moment.strftime("%Y-%m"))
    return moment


def _boolean(text: ir.StringValue) -> ir.BooleanValue:
    word = text.lower()
    no = word.isin(FALSE_WORDS).ifelse(False, ibis.null("boolean"))
    return word.isin(TRUE_WORDS).ifelse(True, no)


def _finished(value: ir.Value, reading: ColumnReading) -> ir.Value:
    """The value in its final type, unit and limits; null where it leaves them."""
    if reading.type in NUMERIC:
        return within_numbers(value, reading)
    if reading.type in ("date", "time"):
        return within_years(value, reading)
    return value
