"""Positions of customers among the ranked customers of the same month.

Only customers that shipped in the window are ranked: those that left long ago, and those that
never shipped, would otherwise fill the lower groups and lift everyone else for no reason.
Equal values get equal positions, so that the order of rows decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from ..panel import AMOUNT_DECIMALS

AMOUNT_UNITS = 10_000
"""Units an amount is counted in, so that a sum over a month is exact in any order of rows."""
LARGEST_AMOUNT = 9e14
"""Currency; a larger amount counts as this one, so that the units fit an integer."""
ROUNDING = 1e-9
"""A share times a count may fall short of a whole number by this much in binary."""


def position(table: ir.Table, value: ir.NumericColumn) -> ir.NumericColumn:
    """Position of each ranked row's value in its month, between 0 and 1.

    Args:
        table: Rows with `month` and `is_ranked`.
        value: Higher is better; a null gets no position.

    Returns:
        (values below + ½ of the equal ones, itself included) ÷ ranked values of the month.
    """
    counts = table.is_ranked & value.notnull()
    by_value = ibis.window(group_by=["month", counts], order_by=value)
    below = ibis.rank().over(by_value)
    up_to = ibis.cume_dist().over(by_value)
    everyone = table.count().over(by_value)
    return ibis.ifelse(counts, (below / everyone + up_to) / 2, None)


def with_shared_positions(table: ir.Table, **values: ir.NumericColumn) -> ir.Table:
    """The rows with positions as `position` gives them, of values that many customers share.

    Values are counted once for all customers that share them, which takes a fraction of the time
    of sorting the customers (counts and days; not amounts, of which each customer has its own).

    Args:
        table: Rows with `month` and `is_ranked`.
        values: Column to add → value; higher is better, a null gets no position.
    """
    # places are looked up in one pass: what comes before is computed and kept only once
    valued = table.mutate(
        **{f"_{name}": ibis.ifelse(table.is_ranked, value, None) for name, value in values.items()}
    )
    placed = valued
    for name in values:
        places = _places(valued, name)
        same = (placed.month == places._month) & (placed[f"_{name}"] == places._equal)
        placed = placed.left_join(places, same).drop(f"_{name}", "_month", "_equal")
    return placed


def _places(valued: ir.Table, name: str) -> ir.Table:
    """One row a month and value: the position of all customers that share it."""
    shared = valued[f"_{name}"]
    equal = valued.filter(shared.notnull()).group_by("month", _equal=shared)
    counted = equal.aggregate(equal_n=lambda t: t.count())
    rising = ibis.window(group_by="month", order_by="_equal", following=0)
    up_to = counted.equal_n.sum().over(rising)
    everyone = counted.equal_n.sum().over(ibis.window(group_by="month"))
    position_of_equals = ((up_to - counted.equal_n) / everyone + up_to / everyone) / 2
    return counted.select("_equal", _month="month", **{name: position_of_equals})


def quantile_group(position: ir.NumericColumn, groups: int) -> ir.IntegerColumn:
    """The quantile group of a position, from 1 (lowest) to `groups`."""
    group = ibis.least((position * groups).floor() + 1, groups).cast("int8")
    return ibis.ifelse(position.notnull(), group, None)


def cut_group(value: ir.NumericColumn, cuts: Sequence[float], *, falls: bool) -> ir.IntegerColumn:
    """The group of a value between fixed cuts, from 1 (lowest) on.

    Args:
        value: A null gets no group.
        cuts: Rising; a value that equals a cut belongs above it (where less is better: it still
            belongs to the better group).
        falls: Whether less is better, as with days since the last shipment.
    """
    passed = [(value <= cut) if falls else (value >= cut) for cut in cuts]
    above = sum((step.cast("int8") for step in passed), ibis.literal(1, "int8"))
    return ibis.ifelse(value.notnull(), above.cast("int8"), None)


def customers_within(shares: npt.NDArray[np.float64], customers: int) -> list[int]:
    """How many customers, from the top, shares of all of them reach down to."""
    return [int(share * customers + ROUNDING) for share in shares]


def bar_of_first(falling: npt.NDArray[np.float64], k: int) -> float:
    """The smallest of the first k values that is above the next one.

    Equal values are never split: where the k-th falls among equals, all of them stay below.

    Args:
        falling: (n,) values, the largest first.
        k: How many of them may reach the bar.

    Returns:
        The bar; +inf where nobody reaches it.
    """
    if k == 0:
        return np.inf
    if k >= len(falling):
        return float(falling[-1])
    above = falling[:k][falling[:k] > falling[k]]
    return float(above[-1]) if len(above) else np.inf


def with_month_means(table: ir.Table) -> ir.Table:
    """The rows, with what their month's ranked customers do on average.

    Returns:
        The columns, and frequency_mean, revenue_mean (of ranked customers) and has_margin (some
        customer's margin is known in the month).
    """
    ranked = table.is_ranked
    means = table.group_by("month").aggregate(
        frequency_mean=table.frequency.mean(where=ranked),
        revenue_mean=table.revenue_window.mean(where=ranked),
        has_margin=table.margin_window.notnull().any(),
    )
    return table.join(means.view(), "month")


def rfm_group(table: ir.Table) -> ir.StringColumn:
    """Frequency and value of the window, each held against the month's mean of ranked customers.

    The mean, not a quantile, so that the size of a group is a finding and not a choice.

    Args:
        table: What `with_month_means` returned.

    Returns:
        ``high_frequency_high_value`` and so on; ``dormant`` for a customer that shipped before
        the window only; null for one that never shipped.
    """
    # sums of amounts depend on the order of rows in their last digits; the mean must not
    much = table.revenue_window >= table.revenue_mean.round(AMOUNT_DECIMALS)
    frequency = ibis.ifelse(
        table.frequency >= table.frequency_mean, "high_frequency", "low_frequency"
    )
    # where no revenue is recorded, nobody is of high value
    value = ibis.ifelse(much.fill_null(False), "_high_value", "_low_value")
    dormant = ibis.ifelse(table.recency_days.notnull(), "dormant", None)
    return ibis.ifelse(table.is_ranked, frequency + value, dormant)


def with_abc_class(table: ir.Table, worth: ir.NumericColumn, cuts: tuple[float, float]) -> ir.Table:
    """The rows with class A, B or C by the share of the month's total that better ones cover.

    A customer belongs to A while the customers above it cover less than the first cut. A value
    of zero or less is C: it covers nothing.

    Args:
        table: Rows with `month` and `is_ranked`.
        worth: Margin or revenue of the window; null gives no class.
        cuts: Cumulative shares that end classes A and B.

    Returns:
        The columns, and abc_class.
    """
    paid = (worth.clip(lower=0, upper=LARGEST_AMOUNT) * AMOUNT_UNITS).round().cast("float64")
    counts = table.is_ranked & worth.notnull()
    valued = table.mutate(_paid=ibis.ifelse(counts, paid, None))
    bars = _abc_bars(valued, cuts)
    barred = valued.left_join(bars, valued.month == bars._month)
    letter = ibis.cases(
        (barred._paid.isnull(), None),
        (barred._paid == 0, "C"),
        (barred._paid >= barred._least_of_a, "A"),
        (barred._paid >= barred._least_of_b, "B"),
        else_="C",
    )
    return barred.mutate(abc_class=letter).drop("_paid", "_month", "_least_of_a", "_least_of_b")


def _abc_bars(valued: ir.Table, cuts: tuple[float, float]) -> ir.Table:
    """One row a month: the least that a customer of class A, and of class B or A, pays.

    The share that better ones cover falls as the amount rises, so that two amounts a month say
    all: only these are sorted, not the customers with everything that is known of them.
    """
    paid = valued.filter(valued._paid.notnull()).select("month", "_paid")
    falling = ibis.window(group_by="month", order_by=paid._paid.desc(), following=0)
    # of equals the first one has none of them before it, and so decides for all
    before = paid._paid.sum().over(falling) - paid._paid
    everything = paid._paid.sum().over(ibis.window(group_by="month"))
    covering = paid.mutate(_covered=before / everything.nullif(0.0))
    return covering.group_by(_month="month").aggregate(
        _least_of_a=covering._paid.min(where=covering._covered < cuts[0]),
        _least_of_b=covering._paid.min(where=covering._covered < cuts[1]),
    )
