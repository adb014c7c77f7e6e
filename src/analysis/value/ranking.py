"""Positions of customers among the ranked customers of the same month.

Only customers that shipped in the window are ranked: those that left long ago, and those that
never shipped, would otherwise fill the lower groups and lift everyone else for no reason.
Equal values get equal positions, so that the order of rows decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from ..panel import AMOUNT_DECIMALS

AMOUNT_UNITS = 10_000
"""Units an amount is counted in, so that a sum over a month is exact in any order of rows."""
LARGEST_AMOUNT = 9e14
"""Currency; a larger amount counts as this one, so that the units fit an integer."""
BANDS_A_ROOT = 8
"""Bands between two whole fourth roots of amounts: near 10,000 one is half a per cent wide."""
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


def with_shared_position(
    table: ir.Table, everyone: ir.Table, name: str, value: Callable[[ir.Table], ir.NumericColumn]
) -> ir.Table:
    """The rows with a position as `position` gives it, of a value that many customers share.

    Values are counted once for all customers that share them, which takes a fraction of the time
    of sorting the customers (counts and days; not amounts, of which each customer has its own).

    Args:
        table: Rows with `month` and `is_ranked`.
        everyone: The same rows, with fewer columns: among them the position is.
        name: Column to add.
        value: Of the rows of both; higher is better, a null gets no position.
    """
    places = _places(everyone, value(everyone), name)
    same = (table.month == places._month) & (value(table) == places._equal) & table.is_ranked
    return table.left_join(places, same).drop("_month", "_equal")


def _places(everyone: ir.Table, shared: ir.NumericColumn, name: str) -> ir.Table:
    """One row a month and value: the position of all customers that share it."""
    valued = everyone.select("month", "is_ranked", _equal=shared)
    equal = valued.filter(valued.is_ranked, valued._equal.notnull()).group_by("month", "_equal")
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


def month_means(table: ir.Table) -> ir.Table:
    """What each month's ranked customers do on average.

    Returns:
        One row a month: month, frequency_mean, revenue_mean (of ranked customers) and has_margin
        (some customer's margin is known in the month).
    """
    ranked = table.is_ranked
    return table.group_by("month").aggregate(
        frequency_mean=table.frequency.mean(where=ranked),
        revenue_mean=table.revenue_window.mean(where=ranked),
        has_margin=table.margin_window.notnull().any(),
    )


def stands_out(table: ir.Table) -> dict[str, ir.BooleanValue]:
    """Frequency and value of the window, each held against the month's mean of ranked customers.

    The mean, not a quantile, so that the size of a group is a finding and not a choice.

    Args:
        table: Rows of `trailing`, joined with `month_means`.

    Returns:
        is_frequent and is_valuable; where no revenue is recorded, nobody is of high value.
    """
    # sums of amounts depend on the order of rows in their last digits; the mean must not
    much = table.revenue_window >= table.revenue_mean.round(AMOUNT_DECIMALS)
    return {
        "is_frequent": table.frequency >= table.frequency_mean,
        "is_valuable": much.fill_null(False),
    }


def rfm_group(table: ir.Table) -> ir.StringColumn:
    """The group of a customer among the month's.

    Args:
        table: Rows of `trailing` with what `stands_out` returned.

    Returns:
        ``high_frequency_high_value`` and so on; ``dormant`` for a customer that shipped before
        the window only; null for one that never shipped.
    """
    frequency = ibis.ifelse(table.is_frequent, "high_frequency", "low_frequency")
    value = ibis.ifelse(table.is_valuable, "_high_value", "_low_value")
    dormant = ibis.ifelse(table.recency_days.notnull(), "dormant", None)
    return ibis.ifelse(table.is_ranked, frequency + value, dormant)


def abc_class(table: ir.Table, worth: ir.NumericColumn) -> ir.StringColumn:
    """Class A, B or C by the share of the month's total that better ones cover.

    A customer belongs to A while the customers above it cover less than the first cut. A value
    of zero or less is C: it covers nothing.

    Args:
        table: Rows with `month` and `is_ranked`, joined with `abc_bars`.
        worth: Margin or revenue of the window; null gives no class.
    """
    paid = _paid(table, worth)
    return ibis.cases(
        (paid.isnull(), None),
        (paid == 0, "C"),
        (paid >= table.least_of_a, "A"),
        (paid >= table.least_of_b, "B"),
        else_="C",
    )


def _paid(table: ir.Table, worth: ir.NumericColumn) -> ir.NumericColumn:
    """What counts of a value, in whole units; null where the customer is in no class."""
    paid = (worth.clip(lower=0, upper=LARGEST_AMOUNT) * AMOUNT_UNITS).round().cast("float64")
    return ibis.ifelse(table.is_ranked & worth.notnull(), paid, None)


def abc_bars(table: ir.Table, worth: ir.NumericColumn, cuts: tuple[float, float]) -> ir.Table:
    """The least that a customer of class A, and of class B or A, pays.

    The share that better ones cover falls as the amount rises, so that two amounts a month say
    all. Amounts are added up by band first: only the two bands in which the cuts fall are sorted.

    Args:
        table: Rows with `month` and `is_ranked`.
        worth: Margin or revenue of the window; null gives no class.
        cuts: Cumulative shares that end classes A and B.

    Returns:
        One row a month: month, least_of_a, least_of_b (in the units of `abc_class`); no row where
        nobody pays anything.
    """
    valued = table.select("month", _paid=_paid(table, worth))
    paid = valued.filter(valued._paid.notnull())
    # a root keeps the order of amounts to the last digit, which a logarithm would not promise
    band = (paid._paid.sqrt().sqrt() * BANDS_A_ROOT).floor().cast("int64")
    banded = paid.mutate(_band=band)
    bands = _with_better(banded.group_by("month", "_band").aggregate(_paid=banded._paid.sum()))
    least_of_a, least_of_b = (
        _least(banded, bands.filter(bands._better / bands._everything.nullif(0.0) < cut), cut)
        for cut in cuts
    )
    return least_of_b.left_join(least_of_a, "month").select(
        "month", least_of_a=least_of_a.least, least_of_b=least_of_b.least
    )


def _with_better(bands: ir.Table) -> ir.Table:
    """The bands with what better ones pay in their month, and what everyone pays."""
    falling = ibis.window(group_by="month", order_by=bands._band.desc(), following=0)
    return bands.select(
        "month",
        "_band",
        _better=bands._paid.sum().over(falling) - bands._paid,
        _everything=bands._paid.sum().over(ibis.window(group_by="month")),
    )


def _least(banded: ir.Table, begun: ir.Table, cut: float) -> ir.Table:
    """One row a month: the least amount above which others cover less than the cut.

    Args:
        banded: The amounts and their bands.
        begun: The bands that better ones cover less than the cut; the lowest holds the amount.
        cut: Share of everything.
    """
    lowest = begun.group_by("month").aggregate(_band=begun._band.min())
    found = begun.semi_join(lowest, ["month", "_band"]).rename(_month="month", _found="_band")
    amounts = banded.inner_join(
        found, (banded.month == found._month) & (banded._band == found._found)
    )
    falling = ibis.window(group_by="_month", order_by=amounts._paid.desc(), following=0)
    # of equals the first one has none of them before it, and so decides for all
    before = amounts._better + amounts._paid.sum().over(falling) - amounts._paid
    covering = amounts.mutate(_covered=before / amounts._everything)
    return covering.group_by(month="_month").aggregate(
        least=covering._paid.min(where=covering._covered < cut)
    )
