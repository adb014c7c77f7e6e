"""The rules of a contract, all evaluated in one pass over a table.

Each rule is one bit of the integer ``_broken``, so that a row can break many rules at the cost
of one column. Rules that reject the row and rules that only empty the cell are told apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

import ibis
import ibis.expr.types as ir

from ..tables import Column, Contract
from ..workspace import Month

BROKEN = "_broken"
LATE_FLAG, UNCAST_FLAG, EMPTIED = "_late_", "_uncast_", "_emptied_"
"""Prefixes of columns that keep an offending value as text, null nearly everywhere."""

LATEST_DAYS = 731
"""A time of a row more than two years after the row began is a slip of the pen."""

FAR_FUTURE_YEARS = 10
"""A beginning so long after the as-of month is no later row but a wrong date."""

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"

Action = Literal["rejected", "emptied", "filled"]


@dataclass(frozen=True)
class Rule:
    """One rule of a contract.

    Attributes:
        name: Code such as ``out_of_range``.
        column: The canonical column it is about.
        broken: True where a row breaks it; null counts as kept.
        action: What follows: the row is rejected, the cell is emptied and the row stays, or
            the value is filled by another source of the table.
        shown: The column that holds the offending value, if not the column itself.
    """

    name: str
    column: str
    broken: ir.BooleanValue
    action: Action = "rejected"
    shown: str = ""


def with_late_flags(table: ir.Table, contract: Contract) -> ir.Table:
    """Flag times that lie absurdly late after the row began, before masking hides them."""
    began = contract.columns.get(contract.began)
    if began is None or contract.began not in table.columns or began.type == "month":
        return table
    latest = table[contract.began] + ibis.interval(days=LATEST_DAYS)
    flags = {
        f"{LATE_FLAG}{name}": kept_text(table[name], table[name] > latest)
        for name, column in contract.columns.items()
        if column.type == began.type and name != contract.began and name in table.columns
    }
    return table.mutate(**flags) if flags else table


def rules_of(
    table: ir.Table, contract: Contract, as_of: Month, *, required: Sequence[str]
) -> list[Rule]:
    """The rules of a contract over a table.

    Args:
        table: Rows of a canonical table, typed, flagged and masked.
        contract: Its contract.
        as_of: The month, for beginnings in the far future.
        required: Columns that must hold a value here.

    Returns:
        The rules in a fixed order: rule i is bit i.
    """
    rules: list[Rule] = []
    for name, column in contract.columns.items():
        if name not in table.columns:
            continue
        if f"{UNCAST_FLAG}{name}" in table.columns:
            shown = f"{UNCAST_FLAG}{name}"
            rules.append(Rule("wrong_type", name, table[shown].notnull(), shown=shown))
        if f"{LATE_FLAG}{name}" in table.columns:
            shown = f"{LATE_FLAG}{name}"
            late = table[shown].notnull()
            rules.append(Rule("implausibly_late", name, late, "emptied", shown))
        if name in required:
            rules.append(Rule("required", name, table[name].isnull()))
        rules += _value_rules(table, name, column)
    return rules + _far_future(table, contract, as_of)


def bits(rules: Sequence[Rule]) -> ir.IntegerValue:
    """The integer whose bit i says that rule i is broken."""
    flags = [
        rule.broken.fill_null(False).ifelse(1 << at, 0).cast("int64")
        for at, rule in enumerate(rules)
    ]
    return reduce(add, flags) if flags else ibis.literal(0, "int64")


def rejecting_bits(rules: Sequence[Rule]) -> int:
    """The bits of the rules that reject a row."""
    return sum(1 << at for at, rule in enumerate(rules) if rule.action == "rejected")


def emptied(table: ir.Table, rules: Sequence[Rule]) -> ir.Table:
    """The table with the cells null that break a rule which only empties them."""
    values: dict[str, ir.Value] = {}
    for at, rule in enumerate(rules):
        if rule.action == "emptied":
            broken = (table[BROKEN] & (1 << at)) != 0
            value = values.get(rule.column, table[rule.column])
            if rule.shown not in table.columns:
                values[rule.shown] = kept_text(table[rule.column], broken)
            values[rule.column] = broken.ifelse(ibis.null(value.type()), value)
    return table.mutate(**values) if values else table


def kept_text(value: ir.Value, where: ir.BooleanValue) -> ir.StringValue:
    """A value as text where a rule is broken, else null."""
    return where.fill_null(False).ifelse(value.cast("string"), ibis.null("string"))


def _value_rules(table: ir.Table, name: str, column: Column) -> list[Rule]:
    value = table[name]
    rules: list[Rule] = []
    if column.type == "month":
        rules.append(Rule("not_a_month", name, ~value.re_search(MONTH)))
    outside = [
        *([value < column.low] if column.low is not None else []),
        *([value > column.high] if column.high is not None else []),
        *([value <= column.above] if column.above is not None else []),
    ]
    if outside:
        broken = reduce(lambda one, other: one | other, outside)
        shown = f"{EMPTIED}{name}" if column.lenient else ""
        action: Action = "emptied" if column.lenient else "rejected"
        rules.append(Rule("out_of_range", name, broken, action, shown))
    if column.allowed:
        rules.append(Rule("not_allowed", name, value.notin(column.allowed)))
    if column.not_before in table.columns:
        rules.append(Rule(f"before_{column.not_before}", name, value < table[column.not_before]))
    return rules


def _far_future(table: ir.Table, contract: Contract, as_of: Month) -> list[Rule]:
    began = contract.columns.get(contract.began)
    if began is None or contract.began not in table.columns or began.type == "month":
        return []
    horizon = as_of.end.replace(year=as_of.end.year + FAR_FUTURE_YEARS)
    return [Rule("far_future", contract.began, table[contract.began] >= _like(began, horizon))]


def _like(column: Column, moment: dt.datetime) -> ir.Value:
    return ibis.literal(moment.date() if column.type == "date" else moment)
