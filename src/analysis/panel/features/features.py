"""Two hundred features of every customer, as of a month, with their dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from ...months import YEAR, Month, index_of_text
from .blocks import SPANS, WINDOWS
from .declared import Feature, of_all_months, of_window, of_year
from .dictionary import feature_dictionary, known_features

DECIMALS = 6
"""Rounded, so that the order of rows decides nothing."""


@dataclass(frozen=True)
class CustomerFeatures:
    """What `customer_features` returns.

    Attributes:
        values: One row a customer, ordered by id: customer_id, month, and a column for each row
            of the dictionary; null where it is not known.
        dictionary: One row a feature: see `feature_dictionary`; with customers_n (customers whose
            value is known), unknown_en and unknown_zh (why none is; empty where one is).
    """

    values: pd.DataFrame
    dictionary: pd.DataFrame


def customer_features(panel: ir.Table, as_of: Month) -> CustomerFeatures:
    """The features of every customer, as of the month.

    A feature is null where a source is lacking, where nothing happened that could be measured, and
    for every customer where its window reaches back to before the data begin.

    Args:
        panel: `customer_months`.
        as_of: The month; later rows are not used.
    """
    known = panel.filter(panel.month <= str(as_of))
    counts = known.aggregate(
        begun=index_of_text(known.month.min()), **{c: known[c].count() for c in known.columns}
    ).execute()
    recorded = counts.iloc[0].to_dict()
    begun = recorded.pop("begun")
    months = 0 if pd.isna(begun) else as_of.index - int(begun) + 1
    dictionary = feature_dictionary()
    parts = [_computed(rows, features, months) for rows, features in _parts(known, as_of)]
    whole = pd.concat(parts, axis=1).reindex(parts[-1].index, columns=dictionary.feature)
    values = whole.astype("float64").round(DECIMALS).rename_axis("customer_id").reset_index()
    values.insert(1, "month", str(as_of))
    return CustomerFeatures(values, known_features(dictionary, values, recorded, months))


def _parts(panel: ir.Table, as_of: Month) -> Iterator[tuple[ir.Table, Iterable[Feature]]]:
    """Rows and the features that are read off them alone; all months come last.

    One query each: a sum over all rows takes the engine a tenth of the time of a sum over some,
    and planning the join of the parts took it longer than the sums.
    """
    for months in WINDOWS:
        cut = _last(panel, months, as_of)
        yield cut, of_window(cut, months)
    year = _last(panel, YEAR, as_of)
    yield year, of_year(year)
    flagged = _last(panel, 0, as_of)
    yield flagged, of_all_months(flagged)


def _last(panel: ir.Table, months: int, as_of: Month) -> ir.Table:
    """The rows of the last months (0: of all), with what `Over` needs."""
    since = str(as_of.shifted(1 - months))
    cut = panel.filter(panel.month >= since) if months else panel
    numbers = {n: "float64" for n, kind in panel.schema().items() if kind.is_numeric()}
    aged = cut.cast(numbers).mutate(age=as_of.index - index_of_text(cut.month))
    flags = {f"in_{a}_{b}": (aged.age >= a) & (aged.age <= b) for a, b in SPANS}
    return aged.mutate(last_day=ibis.literal(as_of.last_day), **flags)


def _computed(rows: ir.Table, features: Iterable[Feature], months: int) -> pd.DataFrame:
    """One row a customer, ordered by id: the features that the months of data reach for."""
    columns = {f.name: f.value for f in features if f.reach <= months}
    made = rows.group_by("customer_id").aggregate(**columns)
    return made.order_by("customer_id").to_pyarrow().to_pandas().set_index("customer_id")
