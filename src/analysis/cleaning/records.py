"""What every system says about its customers, as records to be linked."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..params import Profile
from ..sources import ROW, Ingested
from .selects import Query, queries_of

_DETAILS = ("name", "phone", "tax_id", "email", "address")


def customer_records(ingested: Ingested, profile: Profile) -> ir.Table:
    """One row a record: a customer as one system knows it.

    Args:
        ingested: The sources.
        profile: Its SELECTs for ``customers`` and ``customer_names`` yield the records; systems
            named first are preferred.

    Returns:
        system, source_customer_id, name, phone, tax_id, email, address, parent_source_id,
        is_customer (a ``customers`` SELECT yields it), precedence (place of its system).
        Where a record stands in the files twice, the first text of each column counts.
    """
    queries = queries_of(profile)
    chosen = [*queries["customers"], *queries.get("customer_names", [])]
    ingested.complete(*{source for query in chosen for source in query.personal})
    systems = list(dict.fromkeys(query.system for query in chosen))
    shaped = [_shaped(ingested, query, systems.index(query.system)) for query in chosen]
    stacked = ibis.union(*shaped) if len(shaped) > 1 else shaped[0]
    named = stacked.filter(stacked.source_customer_id.notnull())
    first = {name: named[name].first(order_by="_order") for name in (*_DETAILS, "parent_source_id")}
    records = named.group_by("system", "source_customer_id", "precedence").agg(
        **first, is_customer=named.is_customer.max()
    )
    return ingested.engine.materialise(records)


def _shaped(ingested: Ingested, query: Query, precedence: int) -> ir.Table:
    rows = ingested.engine.sql(query.sql)
    text = {name: _text(rows, name) for name in _DETAILS}
    row = rows["_rows"][0] if query.grouped else rows[ROW]
    return rows.select(
        system=ibis.literal(query.system),
        source_customer_id=rows.customer_id.cast("string"),
        **text,
        parent_source_id=_text(rows, "parent_customer_id"),
        is_customer=ibis.literal(query.table == "customers"),
        precedence=ibis.literal(precedence, "int64"),
        _order=row.cast("int64"),
    )


def _text(rows: ir.Table, name: str) -> ir.Value:
    return rows[name].cast("string") if name in rows.columns else ibis.null("string")
