"""Conditions of a declared correction as expressions over a source's table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from functools import reduce
from operator import and_
from typing import Any

import ibis
import ibis.expr.types as ir

from ..errors import ParamsError, did_you_mean
from ..params.corrections import FILE, ROW_NUMBER, ROWS_EXPECTED, Bounds, Correction
from ..params.sources import ValueType
from ..sources import LINE_BITS, ROW, SourceTable

_YAML_TYPES: Mapping[ValueType, tuple[type, ...]] = {
    "text": (str,),
    "month": (str,),
    "integer": (int,),
    "number": (int, float),
    "amount": (int, float),
    "boolean": (bool,),
    "date": (dt.date,),
    "time": (dt.datetime, dt.date),
}
_IN_WORDS: Mapping[ValueType, str] = {
    "text": 'a text; quote digits: "0012"',
    "month": 'a month as text: "2026-03"',
    "integer": "a whole number",
    "number": "a number",
    "amount": "a number",
    "boolean": "true or false",
    "date": "a date: 2026-03-05",
    "time": "a time: 2026-03-05 14:07:00",
}
_COMPARISONS = {
    "at_least": lambda value, limit: value >= limit,
    "at_most": lambda value, limit: value <= limit,
    "above": lambda value, limit: value > limit,
    "below": lambda value, limit: value < limit,
}


def matched(table: ir.Table, correction: Correction, source: SourceTable) -> ir.BooleanValue:
    """Whether a row is one that a correction is about."""
    conditions = (
        _file_condition(table, value, source, correction)
        if name == FILE
        else condition(table, name, value, source, f"{correction.id}.match")
        for name, value in correction.match.items()
    )
    return reduce(and_, conditions).fill_null(False)


def expected(table: ir.Table, correction: Correction, source: SourceTable) -> ir.BooleanValue:
    """Whether a matched row is faulty in the way that the correction expects."""
    conditions = [
        condition(table, name, value, source, f"{correction.id}.expectation")
        for name, value in correction.expectation.items()
        if name != ROWS_EXPECTED
    ]
    return reduce(and_, conditions).fill_null(False) if conditions else ibis.literal(True)


def condition(
    table: ir.Table, name: str, wanted: Any, source: SourceTable, where: str
) -> ir.BooleanValue:
    """One condition of a match or an expectation.

    Raises:
        ParamsError: The column is not declared, or the value is of another type.
    """
    value, kind = _value(table, name, source, where)
    if wanted is None:
        return value.isnull()
    if isinstance(wanted, tuple):
        return value.isin([typed(one, kind, f"{where}.{name}") for one in wanted])
    if not isinstance(wanted, Bounds):
        return value == typed(wanted, kind, f"{where}.{name}")
    limits = {k: v for k, v in wanted.model_dump().items() if v is not None}
    return reduce(
        and_,
        [_COMPARISONS[k](value, typed(v, kind, f"{where}.{name}")) for k, v in limits.items()],
    )


def typed(value: Any, kind: ValueType, where: str) -> ir.Value:
    """A value of the YAML file as a literal of a column's type.

    Raises:
        ParamsError: It is of another type.
    """
    fits = isinstance(value, _YAML_TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
    if kind == "date" and isinstance(value, dt.datetime):
        fits = False
    if not fits:
        raise ParamsError(
            "A correction's value is not of its column's type",
            where=where,
            got=repr(value),
            allowed=_IN_WORDS[kind],
            todo="Correct the value.",
        )
    if kind == "time" and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return ibis.literal(float(value) if kind in ("number", "amount") else value)


def declared(name: str, source: SourceTable, where: str) -> ValueType:
    """The type of a source's column.

    Raises:
        ParamsError: The source declares no such column.
    """
    columns = source.source.columns
    if name not in columns:
        raise undeclared(name, source.name, columns, where)
    return source.source.reading(name).type


def undeclared(name: str, source: str, columns: Collection[str], where: str) -> ParamsError:
    """The fault of a column that a source does not declare."""
    return ParamsError(
        f"The source '{source}' declares no column '{name}'",
        where=where,
        allowed=list(columns),
        todo=did_you_mean(name, columns) or "Name a declared column.",
    )


def unknown_source(correction: Correction, sources: Collection[str]) -> ParamsError:
    """The fault of a correction of a source that the profile does not have."""
    return ParamsError(
        "A correction names an unknown source",
        where=f"{correction.id}.source",
        got=correction.source,
        allowed=list(sources),
        todo=did_you_mean(correction.source, sources) or "Name a source of the profile.",
    )


def _value(table: ir.Table, name: str, source: SourceTable, where: str) -> tuple[Any, ValueType]:
    if name == ROW_NUMBER:
        return table[ROW] % 2**LINE_BITS, "integer"
    kind = declared(name, source, where)
    return table[name], kind


def _file_condition(
    table: ir.Table, wanted: Any, source: SourceTable, correction: Correction
) -> ir.BooleanValue:
    names = [part.file for part in source.parts]
    listed = wanted if isinstance(wanted, tuple) else (wanted,)
    unknown = [str(one) for one in listed if one not in names]
    if unknown and correction.is_applied and source.parts:
        raise ParamsError(
            f"The source '{source.name}' has no file '{unknown[0]}'",
            where=f"{correction.id}.match.{FILE}",
            allowed=names[:20],
            todo=did_you_mean(unknown[0], names) or "Name one of these files.",
        )
    numbers = [part.number for part in source.parts if part.file in listed]
    return (table[ROW] // 2**LINE_BITS).cast("int64").isin(numbers)
