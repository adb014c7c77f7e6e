"""Which source won which field where several sources know the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..tables import Contract
from .merging import HAS, OVERRULED, WON, Merged, Unique

FIELDS_COLUMNS = (
    "table", "column", "source", "values_n", "won_n", "filled_n", "agreed_n", "overruled_n",
)  # fmt: skip


def fields_of(contract: Contract, parts: Sequence[Unique], result: Merged) -> pd.DataFrame:
    """Count who won each field of a table that several sources yield.

    Args:
        contract: The table's contract.
        parts: One each SELECT, in the order of precedence.
        result: What they were merged to.

    Returns:
        One row a column and source that offers it: values_n (values offered in rows of the
        table) = won_n (it stands in the table) + agreed_n (it says what another source's
        value that stands says) + overruled_n (it says something else); filled_n: of those won,
        the fields that an earlier source left empty. Nothing for a single SELECT.
    """
    if len(parts) < 2:
        return pd.DataFrame(columns=list(FIELDS_COLUMNS))
    if result.wins is not None:
        return _of_customers(contract, parts, result.wins)
    counts = result.table.agg(**_measures(contract, parts, result.table)).execute()
    counts = counts.fillna(0).iloc[0]
    rows = []
    for name in _fields(contract):
        offering = [at for at, part in enumerate(parts) if name in part.rows.columns]
        for at in offering:
            won = int(counts[f"{name}:{at}:won"])
            values = int(counts[f"{name}:{at}:values"])
            lost = int(counts[f"{name}:{at}:overruled"])
            filled = int(counts[f"{name}:{at}:filled"])
            source = parts[at].offered.query.counted
            rows.append((contract.name, name, source, values, won, filled,
                         values - won - lost, lost))  # fmt: skip
    return pd.DataFrame(rows, columns=list(FIELDS_COLUMNS))


def _fields(contract: Contract) -> list[str]:
    return [name for name in contract.columns if name not in contract.key]


def _measures(
    contract: Contract, parts: Sequence[Unique], table: ir.Table
) -> dict[str, ir.IntegerScalar]:
    """All counts of a table, for one query."""
    measures: dict[str, ir.IntegerScalar] = {}
    for bit, name in enumerate(contract.columns):
        offering = [at for at, part in enumerate(parts) if name in part.rows.columns]
        if name in contract.key:
            continue
        for place, at in enumerate(offering):
            won, lost = _bit(table, WON, at, bit), _bit(table, OVERRULED, at, bit)
            earlier = [table[f"_row_{before}"].notnull() for before in range(at)]
            known = reduce(lambda one, other: one | other, earlier) if earlier else None
            if len(offering) == 1:
                won = table[name].notnull()
                filled: ir.IntegerScalar = ibis.literal(0)
            else:
                filled = (won & known).sum() if place and known is not None else ibis.literal(0)
            values = _bit(table, HAS, at, bit) if len(offering) > 1 else won
            measures |= {
                f"{name}:{at}:values": values.sum(),
                f"{name}:{at}:won": won.sum(),
                f"{name}:{at}:filled": filled,
                f"{name}:{at}:overruled": lost.sum() if len(offering) > 1 else ibis.literal(0),
            }
    return measures


def _bit(table: ir.Table, prefix: str, at: int, bit: int) -> ir.BooleanValue:
    column = f"{prefix}{at}"
    if column not in table.columns:
        return ibis.literal(False)
    return (table[column].fill_null(0) & (1 << bit)) != 0


def _of_customers(contract: Contract, parts: Sequence[Unique], wins: ir.Table) -> pd.DataFrame:
    """The same of rows that met under one customer: `merging.Merged.wins`, one row a field."""
    found = wins.group_by("column", "_part").agg(
        values_n=wins.count(),
        won_n=wins.won.sum(),
        filled_n=(wins.won & wins.is_preceded).sum(),
        overruled_n=wins.overruled.sum(),
    )
    frame = found.order_by("column", "_part").execute()
    names = [part.offered.query.counted for part in parts]
    frame["source"] = [names[int(at)] for at in frame["_part"]]
    frame["table"] = contract.name
    frame["agreed_n"] = frame["values_n"] - frame["won_n"] - frame["overruled_n"]
    order = {name: at for at, name in enumerate(contract.columns)}
    frame = frame.sort_values(["column", "_part"], key=lambda c: c.map(order).fillna(c))
    return frame[list(FIELDS_COLUMNS)].reset_index(drop=True)


def together(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The counts of all tables in one frame."""
    told = [frame for frame in found if not frame.empty]
    if not told:
        kinds = dict.fromkeys(FIELDS_COLUMNS, "int64") | dict.fromkeys(FIELDS_COLUMNS[:3], "str")
        return pd.DataFrame(columns=list(FIELDS_COLUMNS)).astype(kinds)
    return pd.concat(told, ignore_index=True)
