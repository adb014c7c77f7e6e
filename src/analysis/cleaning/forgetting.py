"""Rows of customers that were forgotten: taken out of the sources before anything reads them."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from types import MappingProxyType

import ibis.expr.types as ir

from ..engine import Engine
from ..params import Profile
from ..params.forgotten import Forgotten
from ..sources import ROW, Ingested
from .candidates import selected
from .corrections import Corrected, without_rows
from .selects import ROWS, Query, queries_of

RULE = "forgotten"
"""Names the rows in the ledger's list of rejects; their values are told nowhere."""

NAMED_BY = {"survey_items": "survey_id", "survey_comments": "survey_id"}
"""Tables whose rows carry no customer, and the column that says whose they are."""


def forget(ingested: Ingested, forgotten: Forgotten | None, profile: Profile) -> Ingested:
    """Leave out every row of a forgotten customer, and count it as rejected.

    Args:
        ingested: The sources, corrected.
        forgotten: The list; None where nobody was forgotten.
        profile: Its SELECTs say which column names the customer.

    Returns:
        The sources without those rows: each is a lost row (rule ``forgotten``, no value), so that
        rows read = kept + rejected + merged still holds.

    Raises:
        ParamsError: A SELECT is wrong.
    """
    if forgotten is None or not forgotten.records:
        return ingested
    ingested.complete()
    queries = [query for listed in queries_of(profile).values() for query in listed]
    present = [query for query in queries if ingested.sources[query.counted].parts]
    rows = rows_of_customers(ingested.engine, present, forgotten)
    sources = dict(ingested.sources)
    for name, gone in rows.items():
        sources[name] = without_rows(ingested.engine, sources[name], gone, RULE)
    kept = replace(ingested, sources=MappingProxyType(sources))
    return _untouched(kept, rows) if isinstance(kept, Corrected) else kept


def rows_of_customers(
    engine: Engine, queries: list[Query], forgotten: Forgotten
) -> dict[str, ir.Table]:
    """Source → the rows (`ROW`) of its files that are about a forgotten customer."""
    rows = _rows_by_source(engine, queries, forgotten)
    return {name: engine.materialise(_union(listed).distinct()) for name, listed in rows.items()}


def _rows_by_source(
    engine: Engine, queries: list[Query], forgotten: Forgotten
) -> dict[str, list[ir.Table]]:
    found: dict[str, list[ir.Table]] = {}
    named: dict[str, list[ir.Table]] = {}
    for query in queries:
        if "customer_id" in query.columns:
            rows = _own_rows(engine, query, forgotten)
            if rows is not None:
                found.setdefault(query.counted, []).append(_places(rows, query))
                for column in set(NAMED_BY.values()) & set(query.columns):
                    named.setdefault(column, []).append(rows.select(_name=rows[column]))
    for query in queries:
        column = NAMED_BY.get(query.table, "")
        if column in named:
            rows = selected(engine, query)
            names = _union(named[column]).distinct()
            theirs = rows.semi_join(names, rows[column] == names["_name"])
            found.setdefault(query.counted, []).append(_places(theirs, query))
    return found


def _own_rows(engine: Engine, query: Query, forgotten: Forgotten) -> ir.Table | None:
    """The rows that a SELECT yields of forgotten customers; None where it yields none."""
    rows = selected(engine, query)
    own = rows.customer_id.cast("string")
    ids = rows.select(_own=own).distinct().execute()["_own"].dropna()
    gone = [one for one in ids if forgotten.holds(query.system, one)]
    return engine.materialise(rows.filter(own.isin(gone))) if gone else None


def _places(rows: ir.Table, query: Query) -> ir.Table:
    return rows.select(**{ROW: rows[ROWS].unnest() if query.grouped else rows[ROW]})


def _union(tables: list[ir.Table]) -> ir.Table:
    return reduce(lambda one, other: one.union(other), tables)


def _untouched(corrected: Corrected, rows: dict[str, ir.Table]) -> Corrected:
    """What a correction found in a forgotten row is told no more."""
    touched = tuple(
        replace(one, rows=one.rows.anti_join(rows[one.correction.source], ROW))
        if one.correction.source in rows
        else one
        for one in corrected.touched
    )
    return replace(corrected, touched=touched)
