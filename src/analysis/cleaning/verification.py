"""The finished tables held against their contracts once more, by other means.

The engine measures every column of every table in one query a table; Pointblank asks the
measurements the questions that the contracts ask, and shows the answers as a table.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir
import pandas as pd
import pointblank as pb

from ..errors import ContractError
from ..tables import CONTRACTS, Column, Contract
from .cleaned import Cleaned

_QUESTIONS = {
    "missing": "No required value is missing",
    "below": "No value lies below its limit",
    "above": "No value lies above its limit",
    "not_allowed": "No value stands outside the list of allowed ones",
    "too_early": "No time lies before the one it follows",
    "key_twice": "No key stands twice",
    "orphans": "No row names a customer that does not exist",
}


def verify(cleaned: Cleaned) -> pb.Validate:
    """Hold every finished table against its contract.

    Args:
        cleaned: The tables.

    Returns:
        Pointblank's interrogation; shown in a notebook as a table, one line a question.

    Raises:
        ContractError: A table breaks its contract, which a rule of cleaning should have seen.
    """
    measured = measurements(cleaned.tables)
    asked = pb.Validate(measured, tbl_name="canonical tables", label="Contracts of all tables")
    for column, question in _QUESTIONS.items():
        asked = asked.col_vals_eq(columns=column, value=0, brief=question)
    answered = asked.interrogate()
    if not answered.all_passed():
        bad = measured[(measured[list(_QUESTIONS)] != 0).any(axis=1)].iloc[0]
        broken = ", ".join(f"{name}: {bad[name]:,}" for name in _QUESTIONS if bad[name])
        raise ContractError(
            "A finished table breaks its contract",
            where=f"{bad['table']}.{bad['column']}",
            got=broken,
            todo="Report this with the profile; nothing was written.",
        )
    return answered


def measurements(tables: Mapping[str, ir.Table]) -> pd.DataFrame:
    """What the contracts ask about, measured.

    Returns:
        One row a table and column: table, column, rows, and counts of what must not be:
        missing, below, above, not_allowed, too_early, key_twice (at the key's first column),
        orphans (at customer_id).
    """
    rows: list[dict[str, object]] = []
    for name, table in tables.items():
        contract = CONTRACTS[name]
        counted = _counts(table, contract)
        for column in contract.columns:
            row = {question: counted.get(f"{column}:{question}", 0) for question in _QUESTIONS}
            rows.append({"table": name, "column": column, "rows": counted["rows"], **row})
        rows[-len(contract.columns)]["key_twice"] = _keys_twice(table, contract)
        _add_orphans(rows, name, tables)
    return pd.DataFrame(rows)


def _counts(table: ir.Table, contract: Contract) -> dict[str, int]:
    """All counts of one table, in one query."""
    measures: dict[str, ir.Value] = {"rows": table.count()}
    for name, column in contract.columns.items():
        for question, broken in _broken(table, name, column).items():
            measures[f"{name}:{question}"] = broken.fill_null(False).sum()
    frame = table.agg(**measures).execute()
    return {key: int(value) for key, value in frame.fillna(0).iloc[0].items()}


def _broken(table: ir.Table, name: str, column: Column) -> dict[str, ir.BooleanValue]:
    value = table[name]
    asked: dict[str, ir.BooleanValue] = {}
    if column.required:
        asked["missing"] = value.isnull()
    if column.low is not None:
        asked["below"] = value < column.low
    if column.above is not None:
        asked["below"] = value <= column.above
    if column.high is not None:
        asked["above"] = value > column.high
    if column.allowed:
        asked["not_allowed"] = value.notin(column.allowed)
    if column.not_before:
        asked["too_early"] = value < table[column.not_before]
    return asked


def _keys_twice(table: ir.Table, contract: Contract) -> int:
    keys = table.group_by(list(contract.key)).agg(n=table.count())
    return int(keys.filter(keys.n > 1).count().execute())


def _add_orphans(rows: list[dict[str, object]], name: str, tables: Mapping[str, ir.Table]) -> None:
    contract = CONTRACTS[name]
    if "customer_id" not in contract.columns or "customers" not in tables:
        return
    facts = tables[name].select("customer_id").distinct()
    orphans = facts.anti_join(tables["customers"].select("customer_id"), "customer_id")
    at = list(contract.columns).index("customer_id") - len(contract.columns)
    rows[at]["orphans"] = int(orphans.count().execute())
