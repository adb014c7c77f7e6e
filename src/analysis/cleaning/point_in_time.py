"""What was known at the end of the as-of month.

Real exports are overwritten: a shipment's delivery is filled in later. So a run knows the rows
that began by then, and of those only the timestamps up to then, with what hangs on them.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from ..tables import Contract
from ..workspace import Month

LOST_AFTER_DAYS = 30
"""A shipment counts as lost so long after its promise (or pick-up) without a delivery."""


def is_later(table: ir.Table, contract: Contract, as_of: Month) -> ir.BooleanValue:
    """Whether a row began after the as-of month; an unknown beginning is not later."""
    if contract.began not in table.columns:
        return ibis.literal(False)
    began = table[contract.began]
    return (began >= _end(contract, contract.began, as_of)).fill_null(False)


def masked(table: ir.Table, contract: Contract, as_of: Month) -> ir.Table:
    """The same rows with everything that became known later set to null.

    Args:
        table: Rows of a canonical table, some of its columns.
        contract: Its contract: ``known_later`` says which columns hang on which timestamp. A
            timestamp that the table lacks masks nothing.
        as_of: The month.
    """
    hidden: dict[str, ir.Value] = {}
    for moment, dependents in contract.known_later.items():
        if moment not in table.columns:
            continue
        known = (table[moment] < _end(contract, moment, as_of)).fill_null(False)
        for column in (moment, *dependents):
            if column in table.columns:
                hidden[column] = known.ifelse(table[column], ibis.null(table[column].type()))
    return table.mutate(**hidden) if hidden else table


def lost_masked(shipments: ir.Table, as_of: Month) -> ir.Table:
    """Shipments whose loss is not yet certain have ``is_lost`` null.

    Args:
        shipments: Shipments with masked delivery.
        as_of: The month. A loss is known `LOST_AFTER_DAYS` after the promise, or after the
            pick-up where nothing was promised; a delivered shipment is known at once.
    """
    due = ibis.coalesce(shipments.promised_at, shipments.shipped_at)
    certain = due < ibis.literal(as_of.end - dt.timedelta(days=LOST_AFTER_DAYS))
    known = (certain | shipments.delivered_at.notnull()).fill_null(False)
    return shipments.mutate(is_lost=known.ifelse(shipments.is_lost, ibis.null("boolean")))


def _end(contract: Contract, column: str, as_of: Month) -> ir.Value:
    """First instant (day, month) after the as-of month, in the column's type."""
    kind = contract.columns[column].type
    if kind == "month":
        return ibis.literal(str(as_of.shifted(1)))
    return ibis.literal(as_of.end.date()) if kind == "date" else ibis.literal(as_of.end)
