"""Every feature that is declared: its name, meaning, unit and window, with its expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from ...months import YEAR, index_of_text
from .blocks import BLOCKS, LONG, NAMES, TRENDS, WINDOWS, Block, Over

TWO_YEARS = 24
SEASON_MONTHS = 3


@dataclass(frozen=True)
class Feature:
    """One column of `customer_features`.

    Attributes:
        name: Of the column.
        family: behaviour, value, demand or service.
        en, zh: What it means.
        unit: Of its values.
        window: Months it looks at, such as ``6`` or ``3 / 3`` for one quarter against the other.
        reach: Months of data without which it would say something else than it means; 0: any.
        value: The expression, over the panel's rows of a customer.
    """

    name: str
    family: str
    en: str
    zh: str
    unit: str
    window: str
    reach: int
    value: ir.Value


def of_window(cut: ir.Table, months: int) -> Iterator[Feature]:
    """The blocks of one window, over its rows alone."""
    over = Over(cut, 0, months - 1, is_cut=True)
    return (_feature(block, months, over) for block in BLOCKS if months in block.windows)


def of_year(rows: ir.Table) -> Iterator[Feature]:
    """Trends that look at the last twelve months only."""
    return _of_trends(rows, [months for months in LONG if 2 * months <= YEAR])


def of_all_months(rows: ir.Table) -> Iterator[Feature]:
    """Features that look further back."""
    yield from _of_trends(rows, [months for months in LONG if 2 * months > YEAR])
    yield from _of_last_year(rows)
    yield from _of_seasons(rows)
    yield from _of_history(rows)


def every_feature(rows: ir.Table) -> list[Feature]:
    """All of them, in the order of the columns: blocks first, each with its windows."""
    by_name = {f.name: f for months in WINDOWS for f in of_window(rows, months)}
    blocks = [by_name[named(block, months)] for block in BLOCKS for months in block.windows]
    return [*blocks, *of_year(rows), *of_all_months(rows)]


def named(block: Block, months: int) -> str:
    """The column of a block's window, such as ``revenue_6m``."""
    return f"{block.name}_{months}m"


def _feature(block: Block, months: int, over: Over) -> Feature:
    en = f"{block.en}, " + ("this month" if months == 1 else f"last {months} months")
    zh = ("本月" if months == 1 else f"近{months}个月") + block.zh
    value = block.measure(over)
    return Feature(
        named(block, months), block.family, en, zh, block.unit, str(months), months, value
    )


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
                2 * months,
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
            YEAR + SEASON_MONTHS,
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
            part = rows[column].sum(where=whole.inside & (quarter == number))
            yield Feature(
                f"{stem}_quarter_{number}_share",
                family,
                f"share of {en} in quarter {number} of the calendar, two years",
                f"近两年第{number}季度{zh}占比",
                "share",
                str(TWO_YEARS),
                TWO_YEARS,
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
        yield Feature(name, "behaviour", en, zh, unit, "all", 0, value)
