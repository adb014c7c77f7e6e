"""The rows that one SELECT offers to a canonical table, judged by the table's contract."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ..engine import Engine, Pending
from ..errors import ParamsError, SourceError
from ..sources import FAULTS, ROW
from ..tables import CONTRACTS, Contract
from ..workspace import Month
from .point_in_time import is_later, masked
from .rules import (
    BROKEN,
    UNCAST_FLAG,
    Action,
    Rule,
    bits,
    emptied,
    kept_text,
    rejecting_bits,
    rules_of,
    with_late_flags,
)
from .selects import ROWS, Query

LATER = "_later"
REJECTED = "_rejected"
OWN_ID = "_own_id"
"""The customer's id in the system that the row came from."""


@dataclass(frozen=True)
class Candidates:
    """What one SELECT offers, judged.

    Attributes:
        query: The SELECT.
        contract: Of the canonical table.
        table: One row an offered row: the columns that the SELECT yields (customers canonical,
            later knowledge masked), `OWN_ID`, `ROW` (of a group its first), `ROWS` of a group,
            ``_faults``, ``_broken``, ``_later``, ``_rejected``.
        rules: Rule i is bit i of ``_broken``.
        required: Columns that had to hold a value already here.
    """

    query: Query
    contract: Contract
    table: ir.Table
    rules: tuple[Rule, ...]

    @property
    def usable(self) -> ir.Table:
        """The rows that are neither later nor rejected."""
        return self.table.filter(~self.table[LATER] & ~self.table[REJECTED])

    @property
    def key(self) -> list[str]:
        """The key before identities are known: customers by their own ids."""
        return [OWN_ID if name == "customer_id" else name for name in self.contract.key]


KEPT_THOUGH_UNKNOWN = ("assignments",)
"""Tables whose rows count although their customer is in no system any more: a unit that was
assigned and has vanished is a loss of its arm, which the evaluation must see."""
UNKNOWN_MARK = "?"
"""Begins the id of such a customer, so that it can be nobody else's."""


def begin_candidates(
    engine: Engine, query: Query, links: ir.Table, as_of: Month, *, alone: bool
) -> Callable[[], Candidates]:
    """Begin to run a SELECT and to judge its rows in one pass.

    Args:
        engine: Holds the sources.
        query: The SELECT.
        links: Known customers: source, source_customer_id, customer_id.
        as_of: The month.
        alone: The table has no other SELECT, so that required columns must be filled here.

    Returns:
        What waits for the rows and returns them.

    Raises:
        ParamsError: The SELECT does not run; told at once, or where it is waited for.
    """
    contract = CONTRACTS[query.table]
    typed = _typed(selected(engine, query), contract)
    known = _with_customers(typed, query, links)
    seen = masked(with_late_flags(known, contract), contract, as_of)
    rules = rules_of(seen, contract, as_of, required=_required(contract, query, alone))
    rules += _customer_rules(seen, query, contract, alone)
    judged = seen.mutate(
        **{
            BROKEN: bits(rules),
            LATER: is_later(seen, contract, as_of) & ~_without_beginning(rules, contract),
        }
    )
    judged = emptied(judged, rules)
    judged = judged.mutate(**{REJECTED: _is_rejected(judged, rules, query)})
    pending = engine.begin(judged, f"t_{uuid.uuid4().hex}")
    return lambda: Candidates(query, contract, _finished(pending, query), tuple(rules))


def _customer_rules(table: ir.Table, query: Query, contract: Contract, alone: bool) -> list[Rule]:
    """Whose row it is; where another SELECT of the table may know, the row goes on."""
    if "customer_id" not in query.columns:
        return []
    decided = alone or "customer_id" in contract.key
    action: Action = "rejected" if decided else "filled"
    own = table[OWN_ID]
    unknown = own.notnull() & table.customer_id.isnull()
    return [
        Rule("required", "customer_id", own.isnull(), action, OWN_ID),
        Rule("unknown_customer", "customer_id", unknown, action, OWN_ID),
    ]


def selected(engine: Engine, query: Query) -> ir.Table:
    """The rows that a SELECT yields, with their provenance.

    Raises:
        ParamsError: The SELECT does not fit the types of its sources.
    """
    try:
        table = engine.sql(query.sql)
    except SourceError as fault:
        raise _wrong(query, str(fault.got)) from fault
    if query.grouped:
        return table.mutate(**{ROW: table[ROWS][0]})
    return table


def _finished(pending: Pending, query: Query) -> ir.Table:
    try:
        return pending.wait()
    except SourceError as fault:
        raise _wrong(query, str(fault.got)) from fault


def _wrong(query: Query, told: str) -> ParamsError:
    return ParamsError(
        "The SELECT does not run",
        where=f"tables.{query.table}[{query.index}]",
        got=told,
        todo="Mend the SQL; the types of the columns are those that the source declares.",
    )


def _typed(table: ir.Table, contract: Contract) -> ir.Table:
    """The columns in the contract's types, with a flag where a value has none there."""
    casts: dict[str, ir.Value] = {}
    flags: dict[str, ir.Value] = {}
    for name, column in contract.columns.items():
        if name in table.columns and table[name].type() != column.ibis_type:
            casts[name] = table[name].try_cast(column.ibis_type)
            if column.type != "text":
                lost = table[name].notnull() & casts[name].isnull()
                if column.type == "integer" and table[name].type().is_floating():
                    lost = lost | (table[name] % 1 != 0)
                flags[f"{UNCAST_FLAG}{name}"] = kept_text(table[name], lost)
    return table.mutate(**flags, **casts) if casts else table


def _with_customers(table: ir.Table, query: Query, links: ir.Table) -> ir.Table:
    """Customers (and parents) by their canonical ids, the own id kept beside."""
    if "customer_id" not in table.columns:
        return table
    known = links.filter(links.source == query.system)
    table = table.mutate(**{OWN_ID: table.customer_id}).drop("customer_id")
    table = _mapped(table, known, OWN_ID, "customer_id")
    if query.table in KEPT_THOUGH_UNKNOWN:
        strange = ibis.literal(UNKNOWN_MARK) + table[OWN_ID]
        table = table.mutate(customer_id=ibis.coalesce(table.customer_id, strange))
    if "parent_customer_id" not in table.columns:
        return table
    table = table.mutate(_own_parent=table.parent_customer_id).drop("parent_customer_id")
    return _mapped(table, known, "_own_parent", "parent_customer_id").drop("_own_parent")


def _mapped(table: ir.Table, known: ir.Table, own: str, name: str) -> ir.Table:
    ids = known.select(_known_id=known.source_customer_id, **{name: known.customer_id})
    return table.left_join(ids, table[own] == ids["_known_id"]).drop("_known_id")


def _required(contract: Contract, query: Query, alone: bool) -> list[str]:
    needed = [name for name, column in contract.columns.items() if column.required]
    listed = needed if alone else [name for name in needed if name in contract.key]
    return [name for name in listed if name in query.columns and name != "customer_id"]


def _without_beginning(rules: Sequence[Rule], contract: Contract) -> ir.BooleanValue:
    """Rows whose beginning is wrong: they are rejected, never put off as later."""
    wrong = [
        rule.broken.fill_null(False)
        for rule in rules
        if rule.column == contract.began and rule.name in ("far_future", "not_a_month")
    ]
    return wrong[0] if wrong else ibis.literal(False)


def _is_rejected(table: ir.Table, rules: Sequence[Rule], query: Query) -> ir.BooleanValue:
    unreadable = table[FAULTS].filter(
        lambda fault: fault["rejects"] & fault["column"].isin(query.used)
    )
    return ((table[BROKEN] & rejecting_bits(rules)) != 0) | (
        (unreadable.length() > 0).fill_null(False) if query.used else ibis.literal(False)
    )
