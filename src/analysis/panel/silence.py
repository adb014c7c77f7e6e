"""The churn clock: how long a customer has been silent, and from when on that is too long.

Churn risk goes by it. The clock stands still on closed days and in the months of a customer's
known off-season.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..calendar import Calendar
from ..months import YEAR, Month, month_index

YEARS_WITHOUT_FALSE_ALARM = 20
"""Were its shipments a Poisson stream, a gap longer than the window would come once in so long."""
SHORTEST_WINDOW_DAYS = 30
LONGEST_WINDOW_DAYS = 180
CLOCK_MONTHS = 120
"""Months up to the as-of month in which the clock stops; before them it runs without stops."""

SEASONS = 24
"""Whole months in which an off-season is looked for: two years."""
QUIET_BELOW = 0.25
"""Share of a customer's own monthly pace below which a month is quiet."""
FEWEST_A_MONTH = 3.0
"""Shipments a month below which quiet months are chance: two of them in a row then have a chance of
exp(−6), a quarter of a per cent."""


def churn_window(gap: ir.NumericValue) -> ir.NumericValue:
    """The silence in days from which on a customer counts as lost.

    W = g · ln(20 · 365 / g) for a mean gap of g days, held within 30 and 180 days; the longest
    one where the gap is not known. Three times the median gap would call 70 % of the customers
    that never leave churned within a year.
    """
    window = gap * (YEARS_WITHOUT_FALSE_ALARM * 365 / gap.nullif(0)).ln()
    held = ibis.least(ibis.greatest(window, SHORTEST_WINDOW_DAYS), LONGEST_WINDOW_DAYS)
    return ibis.ifelse(gap.isnull(), float(LONGEST_WINDOW_DAYS), held)


def off_seasons(counts: ir.Table) -> ir.Table:
    """Which calendar months are a customer's known off-season.

    A month of the last two years was off-season if the customer was quiet in it (below a quarter
    of its own pace) and in the month before or after, had shipped before, and came back since.
    Then the same calendar month counts as off-season, whatever the year. Nothing is known of
    customers that ship less than three times a month: their quiet months may be chance.

    Args:
        counts: One row a customer and month with shipments: customer_id, month_index,
            shipments_n, reference (index of the first month that is not known).

    Returns:
        One row a customer and month of its off-season: customer_id, calendar_month (January = 0).
    """
    months = _dense(counts)
    by_customer = {"group_by": "customer_id", "order_by": "month_index"}
    whole = ibis.window(group_by="customer_id")
    paced = months.mutate(pace=months.shipments_n.mean().over(whole))
    busy = paced.shipments_n >= QUIET_BELOW * paced.pace
    marked = paced.mutate(is_busy=busy)
    later = ibis.window(**by_customer, preceding=0)
    beside = ibis.window(**by_customer)
    spelled = marked.mutate(
        came_back=marked.is_busy.cast("int8").max().over(later) > 0,
        is_beside_quiet=(~marked.is_busy.lag().over(beside)).fill_null(False)
        | (~marked.is_busy.lead().over(beside)).fill_null(False),
    )
    off = spelled.filter(
        ~spelled.is_busy,
        spelled.came_back,
        spelled.is_beside_quiet,
        spelled.pace >= FEWEST_A_MONTH,
    )
    return off.select("customer_id", calendar_month=off.month_index % YEAR).distinct()


def _dense(counts: ir.Table) -> ir.Table:
    """Every whole month of the last two years since the first shipment, with its shipments."""
    known = counts.filter(counts.month_index < counts.reference)
    starts = known.group_by("customer_id").aggregate(
        reference=known.reference.max(), first=known.month_index.min()
    )
    begins = ibis.greatest(starts["first"], starts.reference - SEASONS)
    spine = starts.select(
        "customer_id", month_index=ibis.range(begins, starts.reference).unnest().cast("int32")
    )
    joined = spine.left_join(known, ["customer_id", "month_index"])
    return joined.select("customer_id", "month_index", shipments_n=joined.shipments_n.fill_null(0))


def with_silence(
    table: ir.Table,
    seasons: ir.Table,
    calendar: Calendar,
    as_of: Month,
    name: str = "silent_days",
) -> ir.Table:
    """The rows with the days that the clock ran between two days.

    Args:
        table: Rows with customer_id, since and until (dates, up to the as-of month's end).
        seasons: What `off_seasons` returned.
        calendar: Says which days are closed.
        as_of: Last month of the clock.
        name: The column to add: days from `since` to `until`, without closed days and without the
            whole months of the off-season that lie between the months of the two.

    Returns:
        The rows with the column (days; null where a date is).
    """
    days, months = _days(calendar, as_of), _stopped(seasons, calendar, as_of)
    bounded = table.mutate(
        since_month=month_index(table.since), before_until=month_index(table.until) - 1
    )
    start = days.rename(since_day="day", since_open="open_n")
    end = days.view().rename(until_day="day", until_open="open_n")
    before = months.rename(from_id="customer_id", from_index="month_index", from_off="off_n")
    after = months.view().rename(to_id="customer_id", to_index="month_index", to_off="off_n")
    joined = bounded.left_join(start, bounded.since == start.since_day)
    joined = joined.left_join(end, joined.until == end.until_day)
    joined = joined.left_join(
        before,
        (joined.customer_id == before.from_id) & (joined.since_month == before.from_index),
    )
    joined = joined.left_join(
        after, (joined.customer_id == after.to_id) & (joined.before_until == after.to_index)
    )
    off = ibis.greatest(joined.to_off.fill_null(0) - joined.from_off.fill_null(0), 0)
    plain = joined.until.epoch_days() - joined.since.epoch_days()
    ran = ibis.coalesce(joined.until_open - joined.since_open, plain) - off
    held = ibis.ifelse(plain.isnull(), None, ibis.greatest(ran, 0).cast("float64"))
    return joined.mutate(**{name: held})[[*table.columns, name]]


def _days(calendar: Calendar, as_of: Month) -> ir.Table:
    """One row a day of the clock, and the day after: day, open_n."""
    first = as_of.shifted(1 - CLOCK_MONTHS).start.date()
    numbers = calendar.open_day_numbers(first, as_of.end.date())
    return ibis.memtable(numbers, schema={"day": "date", "open_n": "int32"})


def _stopped(seasons: ir.Table, calendar: Calendar, as_of: Month) -> ir.Table:
    """One row a customer with an off-season and month: off_n, its off-season days up to its end."""
    months = [as_of.shifted(-n) for n in range(CLOCK_MONTHS)]
    frame = pd.DataFrame(
        {"month_index": [m.index for m in months], "open": calendar.open_days_of(months)}
    )
    listed = ibis.memtable(frame, schema={"month_index": "int32", "open": "int32"})
    every = seasons.select("customer_id").distinct().cross_join(listed)
    every = every.mutate(calendar_month=every.month_index % YEAR)
    marked = every.left_join(seasons.view().mutate(is_off=True), ["customer_id", "calendar_month"])
    so_far = ibis.window(group_by="customer_id", order_by="month_index", following=0)
    off = ibis.ifelse(marked.is_off.notnull(), marked.open, 0)
    return marked.select("customer_id", "month_index", off_n=off.sum().over(so_far).cast("int64"))
