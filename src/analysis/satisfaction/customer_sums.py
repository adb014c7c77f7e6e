"""From rows to one row a customer: sums of groups and cross-products, in the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from .estimating import Floats, Slopes, TooFew, within_slopes

CUSTOMER = "customer_id"


def summed(rows: ir.Table, **sums: ir.NumericScalar) -> pd.DataFrame:
    """One row a customer: its sums, null as 0.

    Args:
        rows: Any grain below the customer.
        **sums: Aggregates by name.
    """
    frame = rows.group_by(CUSTOMER).aggregate(**sums).order_by(CUSTOMER).execute()
    return frame.set_index(CUSTOMER).astype(float).fillna(0.0)


def arrays(frame: pd.DataFrame, *names: str) -> list[Floats]:
    """Columns as float arrays, shape (customers,) each."""
    return [frame[name].to_numpy(dtype=np.float64) for name in names]


def slopes_within(
    rows: ir.Table, outcome: ir.NumericValue, regressors: Mapping[str, ir.NumericValue]
) -> Slopes | TooFew:
    """Slopes of an outcome within customers; only one row a customer leaves the engine.

    Args:
        rows: One row an observation, with ``customer_id``.
        outcome, regressors: Expressions of the rows; none may be null.
    """
    names = ["y", *regressors]
    values = rows.select(CUSTOMER, y=outcome.cast("float64"),
                         **{k: v.cast("float64") for k, v in regressors.items()})  # fmt: skip
    pairs = list(combinations_with_replacement(names, 2))
    sums = {f"s_{name}": values[name].sum() for name in names}
    products = {f"q_{a}_{b}": (values[a] * values[b]).sum() for a, b in pairs}
    grouped = values.group_by(CUSTOMER).aggregate(n=values.count(), **sums, **products)
    frame = grouped.order_by(CUSTOMER).execute()
    if frame.empty:
        return TooFew(0, 1)
    return _slopes(frame, names, pairs)


def _slopes(
    frame: pd.DataFrame, names: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Slopes | TooFew:
    (n,) = arrays(frame, "n")
    sums = np.stack(arrays(frame, *(f"s_{name}" for name in names)), axis=1)
    products = np.empty((len(frame), len(names), len(names)))
    place = {name: i for i, name in enumerate(names)}
    for a, b in pairs:
        (column,) = arrays(frame, f"q_{a}_{b}")
        products[:, place[a], place[b]] = products[:, place[b], place[a]] = column
    return within_slopes(sums, products, n)
