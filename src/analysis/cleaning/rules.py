"""The rules of a contract, all evaluated in one pass over a table.

Each rule is one bit of the integer ``_broken``, so that a row can break many rules at the cost
of one column. Rules that reject the row and rules that only empty the cell are told apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from ..tables import Column, Contract
from ..workspace import Month

BROKEN = "_broken"
LATEST_DAYS = 731
"""A time of a row more than two years after the row began is a slip of the pen."""

FAR_FUTURE_YEARS = 10
"""A beginning so long after the as-of month is no later row but a wrong date."""


@dataclass(frozen=True)
class Rule:
    """One rule of a contract.

    Attributes:
        name: Code such as ``out_of_range``.
        column: The canonical column it is about.
        broken: True where a row breaks it; null counts as kept.
        rejects: The row is rejected; else the cell is emptied and the row stays.
    """

    name: str
    column: str
    broken: ir.BooleanValue
    rejects: bool = True


def rules_of(
    table: ir.Table,
    contract: Contract,
    as_of: Month,
    *,
    required: Sequence[str],
    uncast: Mapping[str, ir.Value],
) -> list[Rule]:
    """The rules of a contract over a table.

    Args:
        table: Rows of a canonical table, typed, not yet masked.
        contract: Its contract.
        as_of: The month, for beginnings in the far future.
        required: Columns that must hold a value here.
        uncast: Columns as they were before they were brought to the contract's types.

    Returns:
        The rules in a fixed order: rule i is bit i.
    """
    rules: list[Rule] = []
    for name, column in contract.columns.items():
        if name not in table.columns:
            continue
        value = table[name]
        if name in uncast:
            rules.append(Rule("wrong_type", name, uncast[name].notnull() & value.isnull()))
        if name in required:
            rules.append(Rule("required", name, value.isnull()))
        rules += _value_rules(table, name, column)
    return rules + _time_rules(table, contract, as_of)


def bits(rules: Sequence[Rule]) -> ir.IntegerValue:
    """The integer whose bit i says that rule i is broken."""
    flags = [
        rule.broken.fill_null(False).ifelse(1 << at, 0).cast("int64")
        for at, rule in enumerate(rules)
    ]
    return reduce(add, flags) if flags else ibis.literal(0, "int64")


def rejecting_bits(rules: Sequence[Rule]) -> int:
    """The bits of the rules that reject a row."""
    return sum(1 << at for at, rule in enumerate(rules) if rule.rejects)


def emptied(table: ir.Table, rules: Sequence[Rule]) -> ir.Table:
    """The table with the cells null that break a rule which only empties them."""
    lenient: dict[str, ir.Value] = {}
    for at, rule in enumerate(rules):
        if not rule.rejects:
            value = lenient.get(rule.column, table[rule.column])
            broken = (table[BROKEN] & (1 << at)) != 0
            lenient[rule.column] = broken.ifelse(ibis.null(value.type()), value)
    return table.mutate(**lenient) if lenient else table


def _value_rules(table: ir.Table, name: str, column: Column) -> list[Rule]:
    value, rules = table[name], []
    outside = [
        *([value < column.low] if column.low is not None else []),
        *([value > column.high] if column.high is not None else []),
        *([value <= column.above] if column.above is not None else []),
    ]
    if outside:
        broken = reduce(lambda one, other: one | other, outside)
        rules.append(Rule("out_of_range", name, broken, rejects=not column.lenient))
    if column.allowed:
        rules.append(Rule("not_allowed", name, value.notin(column.allowed)))
    if column.not_before in table.columns:
        rules.append(Rule(f"before_{column.not_before}", name, value < table[column.not_before]))
    return rules


def _time_rules(table: ir.Table, contract: Contract, as_of: Month) -> list[Rule]:
    began = contract.columns.get(contract.began)
    if began is None or contract.began not in table.columns or began.type == "month":
        return []
    start = table[contract.began]
    horizon = as_of.end.replace(year=as_of.end.year + FAR_FUTURE_YEARS)
    rules = [Rule("far_future", contract.began, start >= _like(began, horizon))]
    for name, column in contract.columns.items():
        if column.type == began.type and name != contract.began and name in table.columns:
            late = table[name] > start + ibis.interval(days=LATEST_DAYS)
            rules.append(Rule("implausibly_late", name, late, rejects=False))
    return rules


def _like(column: Column, moment: dt.datetime) -> ir.Value:
    return ibis.literal(moment.date() if column.type == "date" else moment)
