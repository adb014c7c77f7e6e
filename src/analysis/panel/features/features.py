"""Two hundred features of every customer, in one query, with their dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from ...months import Month
from ..month_index import index_of, index_of_text
from .blocks import BLOCKS, LONG, NAMES, SPANS, TRENDS, WINDOWS, YEAR, Block, Over

DECIMALS = 6
"""Rounded, so that the order of rows decides nothing."""
TWO_YEARS = 24
SEASON_MONTHS = 3
_WITHIN_A_YEAR = [months for months in LONG if 2 * months <= YEAR]


@dataclass(frozen=True)
class Feature:
    """One column of `customer_features`.

    Attributes:
        name: Of the column.
        family: behaviour, value, demand or service.
        en, zh: What it means.
        unit: Of its values.
        window: Months it looks at, such as ``6`` or ``3 / 3`` for one quarter against the other.
        value: The expression, over the panel's rows of a customer.
    """

    name: str
    family: str
    en: str
    zh: str
    unit: str
    window: str
    value: ir.Value


def customer_features(panel: ir.Table, as_of: Month) -> ir.Table:
    """The features of every customer: one row a customer, as of the month.

    Args:
        panel: `customer_months`.
        as_of: The month; later rows are not used.

    Returns:
        A lazy table: customer_id, month, and a column for each row of `feature_dictionary`; null
        where a source is lacking or nothing happened that could be measured.
    """
    rows = _aged(panel, as_of)
    joined = rows.group_by("customer_id").aggregate(
        month=ibis.literal(str(as_of)), **_columns(_of_all_months(rows))
    )
    year = rows.filter(rows.age < YEAR)
    parts = [year.group_by("customer_id").aggregate(**_columns(_of_trends(year, _WITHIN_A_YEAR)))]
    for months in WINDOWS:
        cut = rows.filter(rows.age < months)
        parts.append(cut.group_by("customer_id").aggregate(**_columns(_of_window(cut, months))))
    for part in parts:  # every customer has a row in the month itself
        joined = joined.inner_join(part, "customer_id")
    names = [f.name for f in (*_of_the_year(rows), *_of_all_months(rows))]
    return joined.select("customer_id", "month", *names).order_by("customer_id")


def _columns(features: Iterable[Feature]) -> dict[str, ir.Value]:
    return {f.name: f.value.cast("float64").round(DECIMALS) for f in features}


def feature_dictionary(panel: ir.Table) -> pd.DataFrame:
    """What each feature is.

    Args:
        panel: `customer_months` (its columns only; nothing is computed).

    Returns:
        One row a feature: feature, family (behaviour, value, demand, service), meaning_en,
        meaning_zh, unit, window (months).
    """
    columns = ["feature", "family", "meaning_en", "meaning_zh", "unit", "window"]
    rows = _aged(panel, Month(2000, 1))
    every = (*_of_the_year(rows), *_of_all_months(rows))
    told = [(f.name, f.family, f.en, f.zh, f.unit, f.window) for f in every]
    return pd.DataFrame(told, columns=columns)


def _aged(panel: ir.Table, as_of: Month) -> ir.Table:
    age = index_of(as_of) - index_of_text(panel.month)
    last_day = ibis.literal(as_of.last_day)
    aged = panel.mutate(age=age, last_day=last_day).filter(lambda t: t.age >= 0)
    flags = {f"in_{a}_{b}": (aged.age >= a) & (aged.age <= b) for a, b in SPANS}
    return aged.mutate(**flags)


def _of_the_year(rows: ir.Table) -> Iterator[Feature]:
    """Features that look at the last twelve months only."""
    yield from _of_blocks(rows)
    yield from _of_trends(rows, _WITHIN_A_YEAR)


def _of_all_months(rows: ir.Table) -> Iterator[Feature]:
    """Features that look further back."""
    yield from _of_trends(rows, [months for months in LONG if 2 * months > YEAR])
    yield from _of_last_year(rows)
    yield from _of_seasons(rows)
    yield from _of_history(rows)


def _of_blocks(rows: ir.Table) -> Iterator[Feature]:
    for block in BLOCKS:
        for months in block.windows:
            yield _feature(block, months, Over(rows, 0, months - 1))


def _of_window(cut: ir.Table, months: int) -> Iterator[Feature]:
    """The blocks of one window, over its rows alone."""
    over = Over(cut, 0, months - 1, is_cut=True)
    return (_feature(block, months, over) for block in BLOCKS if months in block.windows)


def _feature(block: Block, months: int, over: Over) -> Feature:
    en = f"{block.en}, " + ("this month" if months == 1 else f"last {months} months")
    zh = ("本月" if months == 1 else f"近{months}个月") + block.zh
    name = f"{block.name}_{months}m"
    return Feature(name, block.family, en, zh, block.unit, str(months), block.measure(over))


def _of_trends(rows: ir.Table, windows: Iterable[int]) -> Iterator[Feature]:
    """Relative growth, (now − before) ÷ (now + before), against as many months before."""
    for column in TRENDS:
        stem, en, zh, family = NAMES[column]
        for months in windows:
            now, before = Over(rows, 0, months - 1), Over(rows, months, 2 * months - 1)
            yield Feature(
                f"{stem}_growth_{months}m",
                family,
                f"growth of {en} in {months} months against the {months} before",
                f"近{months}个月{zh}较前{months}个月的增长",
                "−1 to 1",
                f"{months} / {months}",
                _growth(now, before, column),
            )


def _of_last_year(rows: ir.Table) -> Iterator[Feature]:
    """Relative growth of a quarter against the same months last year."""
    now, before = Over(rows, 0, SEASON_MONTHS - 1), Over(rows, YEAR, YEAR + SEASON_MONTHS - 1)
    for column in TRENDS:
        stem, en, zh, family = NAMES[column]
        yield Feature(
            f"{stem}_growth_year",
            family,
            f"growth of {en} in three months against the same months last year",
            f"近三个月{zh}较去年同期的增长",
            "−1 to 1",
            "3 / 3 last year",
            _growth(now, before, column),
        )


def _growth(now: Over, before: Over, column: str) -> ir.Value:
    rise = now.sum(column) - before.sum(column)
    size = now.sum(column).abs() + before.sum(column).abs()
    return rise / size.nullif(0)


def _of_seasons(rows: ir.Table) -> Iterator[Feature]:
    """Share of two years' shipments and revenue in each quarter of the calendar."""
    quarter = index_of_text(rows.month) % YEAR // SEASON_MONTHS + 1
    for column in ("shipments_n", "revenue"):
        stem, en, zh, family = NAMES[column]
        whole = Over(rows, 0, TWO_YEARS - 1)
        for number in range(1, 5):
            part = rows[column].cast("float64").sum(where=whole.inside & (quarter == number))
            yield Feature(
                f"{stem}_quarter_{number}_share",
                family,
                f"share of {en} in quarter {number} of the calendar, two years",
                f"近两年第{number}季度{zh}占比",
                "share",
                str(TWO_YEARS),
                part / whole.sum(column).nullif(0),
            )


def _of_history(rows: ir.Table) -> Iterator[Feature]:
    """How long the customer is known, and since when it is silent."""
    day = rows.last_day.max().epoch_days()
    first, last = rows.first_shipped_at.min(), rows.last_shipped_at.max()
    days = rows.shipping_days_n.sum()
    span = last.date().epoch_days() - first.date().epoch_days()
    told = (
        ("tenure_days", "days since the first shipment", "首单至今天数", "days",
         day - first.date().epoch_days()),
        ("recency_days", "days since the last shipment", "距上次发货天数", "days",
         day - last.date().epoch_days()),
        ("gap_days", "mean days between shipping days", "平均发货间隔天数", "days",
         span / (days - 1).nullif(0)),
        ("known_months", "months in the panel", "在册月数", "months", rows.age.count()),
        ("idle_months", "months without a shipment", "未发货月数", "months",
         (~rows.is_active).cast("float64").sum()),
        ("best_month_age", "months since the busiest month", "距最忙月份的月数", "months",
         rows.age.argmax(rows.shipments_n * 1000 - rows.age)),
    )  # fmt: skip
    for name, en, zh, unit, value in told:
        yield Feature(name, "behaviour", en, zh, unit, "all", value)
