"""Scores read from the engine once, then handed out month by month as arrays.

Customers are ordered by their first month and then by id. Since the panel is dense, the
customers of a month are the first ones of the next month too, so that states carry over by
position and nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..errors import ContractError, CoverageError, ParamsError, did_you_mean
from ..months import Month, index_of_text
from ..params import ABC_CLASSES, TierPolicy
from .codes import LOWEST, NO_LEVEL, Levels, Mask, Numbers, level_of


@dataclass(frozen=True)
class MonthRows:
    """One month of scores; every array has one entry a customer, shape (n,).

    Attributes:
        index: `Month.index`.
        months_n: Months since the customer's first one, that one = 1.
        score, revenue_window, margin_window: NaN where unknown.
        shipments: Shipments of the month.
        revenue: Revenue of the month; NaN where unknown.
        is_ranked: Shipped in the window.
        recency_days: NaN for a customer that never shipped.
        standing: Level of the customer's class under the policy; NaN where it has none, and
            everywhere where the policy goes by no class.
        kind: Place of that class in `History.names`; NO_LEVEL where it has none.
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
    standing: Numbers = field(default_factory=lambda: np.empty(0))
    kind: Levels = field(default_factory=lambda: np.empty(0, np.int8))

    def __len__(self) -> int:
        return len(self.months_n)


@dataclass(frozen=True)
class History:
    """All months up to the as-of month, in order, and the customers in the arrays' order.

    Attributes:
        customer_ids: Of the arrays, in order.
        months: Oldest first.
        kinds: Names of the classes that were read, by measure (abc, rfm).
        codes: The class of each customer as a place in `kinds`, by measure, one array a month.
        names: Names of the classes that the policy goes by.
    """

    customer_ids: pa.Array
    months: Sequence[MonthRows]
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, Sequence[Levels]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[MonthRows]:
        return iter(self.months)

    def under(self, policy: TierPolicy) -> History:
        """The same months, with the classes that a policy goes by.

        Raises:
            ParamsError: The policy names a class that no customer can be in.
            CoverageError: It goes by revenue or margin, and none is known in any month.
        """
        for amount in ("revenue", "margin"):
            if amount in (policy.measure, policy.value_by):
                _check_known(amount, self.months)
        if policy.classes is None:
            return self
        names, codes = self.kinds[policy.measure], self.codes[policy.measure]
        level_by_code = np.full(len(names) + 1, float(LOWEST))
        for tier, named in policy.classes.items():
            for name in named:
                _check_class(name, names)
                level_by_code[names.index(name)] = level_of(tier)
        level_by_code[NO_LEVEL] = np.nan
        months = [
            replace(rows, standing=level_by_code[kind], kind=kind)
            for rows, kind in zip(self.months, codes, strict=True)
        ]
        return replace(self, months=months, names=names)


def read_history(scores: ir.Table, as_of: Month, measures: Iterable[str] = ()) -> History:
    """Read what `score` returned, up to a month.

    Args:
        scores: One row a customer and month, every month since the customer's first.
        as_of: Last month.
        measures: What the policies cut; classes (abc, rfm) are read where they are among them.

    Raises:
        CoverageError: There is no score of the as-of month.
        ContractError: A customer's months have a gap, or a row is given twice.
    """
    known = scores.filter(scores.month <= str(as_of))
    classes = {name: CLASS_COLUMNS[name] for name in measures if name in CLASS_COLUMNS}
    kinds = {name: _kinds(known, column) for name, column in classes.items()}
    columns = _columns(known, {classes[name]: names for name, names in kinds.items()})
    index = columns["index"]
    if not len(index) or index[-1] != as_of.index:
        raise CoverageError(
            f"There are no scores of {as_of}",
            where="scores",
            got="nothing" if not len(index) else f"scores up to {Month.at(index[-1])}",
            todo="Score the panel up to this month, or choose a month that has data.",
        )
    bounds = np.flatnonzero(np.diff(index, prepend=index[0] - 1))
    spans = list(zip(bounds, [*bounds[1:], len(index)], strict=True))
    months = [
        MonthRows(int(index[start]), **{name: columns[name][start:end] for name in _ARRAYS})
        for start, end in spans
    ]
    codes = {name: [columns[column][a:b] for a, b in spans] for name, column in classes.items()}
    customer_ids = _customer_ids(known)
    _check_dense(months)
    if len(customer_ids.unique()) != len(customer_ids):
        raise _gap(months[0].index)
    return History(customer_ids, months, kinds, codes)


CLASS_COLUMNS: Mapping[str, str] = {"abc": "abc_class", "rfm": "rfm_group"}
"""Measure → the column of scores that holds the class."""
RFM_GROUPS = tuple(f"{f}_frequency_{v}_value" for f in ("high", "low") for v in ("high", "low"))
KNOWN_CLASSES: Mapping[str, tuple[str, ...]] = {"abc_class": ABC_CLASSES, "rfm_group": RFM_GROUPS}
"""Classes that exist though no customer may be in them yet."""

_ARRAYS = tuple(
    array.name for array in fields(MonthRows) if array.name not in ("index", "standing", "kind")
)


def _kinds(scores: ir.Table, column: str) -> tuple[str, ...]:
    found = scores.select(kind=column).distinct().to_pyarrow().column(0).to_pylist()
    return tuple(sorted({*KNOWN_CLASSES[column], *(name for name in found if name)}))


def _check_known(name: str, months: Sequence[MonthRows]) -> None:
    """Refuse a policy on amounts that nobody recorded: it would call everyone regular."""
    by_month = (rows.margin_window if name == "margin" else rows.revenue_window for rows in months)
    if any(rows.is_ranked.any() for rows in months) and all(np.isnan(v).all() for v in by_month):
        raise CoverageError(
            f"The policy goes by {name}, and none is known in any month",
            where="tiers",
            todo="Choose another measure, or give the profile a source that records it.",
        )


def _check_class(name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise ParamsError(
            "No customer can be in this class",
            where="tiers: classes",
            got=name,
            allowed=names,
            todo=did_you_mean(name, names) or "Correct the name.",
        )


def _columns(scores: ir.Table, kinds: Mapping[str, Sequence[str]]) -> dict[str, NDArray]:
    coded = {
        column: scores[column].cases(*((n, i) for i, n in enumerate(names)), else_=NO_LEVEL)
        for column, names in kinds.items()
    }
    table = (
        scores.order_by("month", ibis.desc("months_n"), "customer_id")
        .select(
            "months_n",
            "score",
            "revenue_window",
            "margin_window",
            "revenue",
            "recency_days",
            index=index_of_text(scores.month),
            shipments=scores.shipments_n,
            is_ranked=scores.frequency > 0,
            **{column: code.cast("int8") for column, code in coded.items()},
        )
        .to_pyarrow()
    )
    read = {name: table.column(name).to_numpy() for name in table.column_names}
    whole = {"index", "months_n", "is_ranked", *kinds}
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
        where=f"scores, {Month.at(index)}",
        todo="Give one row a customer and month, every month since its first.",
    )
