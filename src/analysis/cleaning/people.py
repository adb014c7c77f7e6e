"""Who the customers of a month are: known by then or with facts by then; their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from ..engine import Engine
from ..sources import Ingested
from ..tables import CONTRACTS, check
from .beginnings import PEOPLE
from .candidates import LATER, REJECTED, Candidates, selected
from .selects import Query

_RECORD = ("source", "source_customer_id")


def links_of_usable(engine: Engine, links: ir.Table, customers: Sequence[Candidates]) -> ir.Table:
    """Links of customers of whom a row may be kept; to the facts all others are unknown."""
    good = [one.table.filter(~one.table[REJECTED]).select("customer_id") for one in customers]
    usable = ibis.union(*good) if len(good) > 1 else good[0]
    return engine.materialise(links.semi_join(usable, "customer_id"))


def only_present(engine: Engine, tables: Mapping[str, ir.Table], offered: Candidates) -> Candidates:
    """People tables hold customers known by the month, or with facts by then.

    Without a date of its own a customer is known from its first fact on, so that a customer
    who comes later never changes an earlier month.
    """
    table = offered.table
    if offered.query.table == "customers":
        present = _customers_with_facts(engine, tables)
        marked = table.left_join(present, table.customer_id == present["_present"])
        dated = "onboarded_on" in marked.columns
        undated = marked.onboarded_on.isnull() if dated else ibis.literal(True)
        later = (marked[LATER] | (undated & ~marked[REJECTED])) & marked["_present"].isnull()
    else:
        present = tables["customers"].select(_present="customer_id")
        marked = table.left_join(present, table.customer_id == present["_present"])
        later = marked.customer_id.notnull() & marked["_present"].isnull()
    marked = marked.mutate(**{LATER: later}).drop("_present")
    return replace(offered, table=engine.materialise(marked))


def _customers_with_facts(engine: Engine, tables: Mapping[str, ir.Table]) -> ir.Table:
    """The customers of whom any table holds a fact."""
    facts = [
        table.select(_present="customer_id")
        for table in tables.values()
        if "customer_id" in table.columns
    ]
    together = ibis.union(*facts) if len(facts) > 1 else facts[0]
    return engine.materialise(together.distinct())


def links_of_customers(
    ingested: Ingested,
    tables: Mapping[str, ir.Table],
    links: ir.Table,
    queries: Mapping[str, Sequence[Query]],
) -> ir.Table:
    """The records of the month's customers, without those that only came later."""
    known = links.semi_join(tables["customers"], "customer_id")
    people = [query for table in PEOPLE for query in queries.get(table, ())]
    if any(ingested.sources[query.counted].later for query in people):
        known = known.semi_join(_records_by_then(ingested.engine, people), list(_RECORD))
    contract = CONTRACTS["customer_links"]
    return check(known.select(list(contract.columns)).order_by(contract.key), "customer_links")


def _records_by_then(engine: Engine, people: Sequence[Query]) -> ir.Table:
    seen = [
        selected(engine, query).select(
            source=ibis.literal(query.system), source_customer_id=ibis._.customer_id.cast("string")
        )
        for query in people
    ]
    return ibis.union(*seen) if len(seen) > 1 else seen[0]
