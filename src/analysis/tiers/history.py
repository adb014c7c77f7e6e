"""Scores read from the engine once, then handed out month by month as arrays.

Customers are ordered by their first month and then by id. Since the panel is dense, the
customers of a month are the first ones of the next month too, so that states carry over by
position and nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import ContractError, CoverageError
from ..months import Month
from ..panel import index_of
from .codes import Mask, Numbers


@dataclass(frozen=True)
class MonthRows:
    """One month of scores; every array has one entry a customer, shape (n,).

    Attributes:
        index: Month as `panel.index_of` counts.
        months_n: Months since the customer's first one, that one = 1.
        score, revenue_window, margin_window: NaN where unknown.
        shipments: Shipments of the month.
        revenue: Revenue of the month; NaN where unknown.
        is_ranked: Shipped in the window.
        recency_days: NaN for a customer that never shipped.
    """

    index: int
    months_n: NDArray[np.int32]
    score: Numbers
    revenue_window: Numbers
    margin_window: Numbers
    shipments: Numbers
    revenue: Numbers
    is_ranked: Mask
    recency_days: Numbers

    def __len__(self) -> int:
        return len(self.months_n)


@dataclass(frozen=True)
class History:
    """All months up to the as-of month, in order, and the customers in the arrays' order."""

    customer_ids: pa.Array
    months: Sequence[MonthRows]

    def __iter__(self) -> Iterator[MonthRows]:
        return iter(self.months)


def read_history(scores: ir.Table, as_of: Month) -> History:
    """Read what `score` returned, up to a month.

    Args:
        scores: One row a customer and month, every month since the customer's first.
        as_of: Last month.

    Raises:
        CoverageError: There is no score of the as-of month.
        ContractError: A customer's months have a gap, or a row is given twice.
    """
    known = scores.filter(scores.month <= str(as_of))
    columns = _columns(known)
    index = columns["index"]
    if not len(index) or index[-1] != index_of(as_of):
        raise CoverageError(
            f"There are no scores of {as_of}",
            where="scores",
            got="nothing" if not len(index) else f"scores up to month index {index[-1]}",
            todo="Score the panel up to this month, or choose a month that has data.",
        )
    bounds = np.flatnonzero(np.diff(index, prepend=index[0] - 1))
    months = [
        MonthRows(int(index[start]), **{name: columns[name][start:end] for name in _ARRAYS})
        for start, end in zip(bounds, [*bounds[1:], len(index)], strict=True)
    ]
    customer_ids = _customer_ids(known)
    _check_dense(months)
    if len(customer_ids.unique()) != len(customer_ids):
        raise _gap(months[0].index)
    return History(customer_ids, months)


_ARRAYS = tuple(field.name for field in fields(MonthRows) if field.name != "index")


def _columns(scores: ir.Table) -> dict[str, NDArray]:
    month = scores.month.left(4).cast("int32") * 12 + scores.month.right(2).cast("int32") - 1
    table = (
        scores.order_by("month", ibis.desc("months_n"), "customer_id")
        .select(
            "months_n",
            "score",
            "revenue_window",
            "margin_window",
            "revenue",
            "recency_days",
            index=month.cast("int32"),
            shipments=scores.shipments_n,
            is_ranked=scores.frequency > 0,
        )
        .to_pyarrow()
    )
    read = {name: table.column(name).to_numpy() for name in table.column_names}
    whole = {"index", "months_n", "is_ranked"}
    return {k: v if k in whole else v.astype(np.float64) for k, v in read.items()}


def _customer_ids(scores: ir.Table) -> pa.Array:
    first = scores.filter(scores.months_n == 1).order_by("month", "customer_id")
    return first.select("customer_id").to_pyarrow().column(0).combine_chunks()


def _check_dense(months: Sequence[MonthRows]) -> None:
    for before, after in pairwise(months):
        kept = after.months_n[: len(before)]
        dense = after.index == before.index + 1 and np.array_equal(kept, before.months_n + 1)
        if not dense or (after.months_n[len(before) :] != 1).any():
            raise _gap(after.index)


def _gap(index: int) -> ContractError:
    return ContractError(
        "A customer's months have a gap, or a row is given twice",
        where=f"scores, month index {index}",
        todo="Give one row a customer and month, every month since its first.",
    )
