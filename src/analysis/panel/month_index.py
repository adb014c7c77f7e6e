"""Months as numbers, so that consecutive months are consecutive numbers."""

from __future__ import annotations

import ibis.expr.types as ir

from ..months import Month


def month_index(time: ir.TimestampValue | ir.DateValue) -> ir.IntegerValue:
    """Months since year 0 of a time: consecutive months are consecutive numbers."""
    return (time.year() * 12 + time.month() - 1).cast("int32")


def month_text(index: ir.IntegerValue) -> ir.StringValue:
    """The month of an index, such as 2026-10."""
    number = (index % 12 + 1).cast("string").lpad(2, "0")
    return (index // 12).cast("string") + "-" + number


def index_of(month: Month) -> int:
    """The index of a month, as `month_index` counts."""
    return month.year * 12 + month.number - 1


def index_of_text(month: ir.StringValue) -> ir.IntegerValue:
    """The index of a month written as 2026-10."""
    return (month.left(4).cast("int32") * 12 + month.right(2).cast("int32") - 1).cast("int32")
