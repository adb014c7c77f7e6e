"""The trade year of Chinese logistics: months, closed days, peaks, the weekly pattern.

Days are counted from 1 January 2019 (day 0), minutes likewise; months are counted from January
2019 (month 0). Spring Festival follows the lunar calendar, so its dates are a table.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.simulate.draws import LEVELS, Bools, Floats, Ints

EPOCH = dt.date(2019, 1, 1)
LAST_MONTH = dt.date(2026, 10, 1)
MOST_MONTHS = (LAST_MONTH.year - EPOCH.year) * 12 + LAST_MONTH.month - 12  # a year of lead-in
CALENDAR_DAYS = (dt.date(2028, 1, 1) - EPOCH).days
MINUTES_A_DAY = 1440

# First day of the lunar year (State Council holiday notices; Purple Mountain Observatory).
LUNAR_NEW_YEAR = {
    2019: dt.date(2019, 2, 5),
    2020: dt.date(2020, 1, 25),
    2021: dt.date(2021, 2, 12),
    2022: dt.date(2022, 2, 1),
    2023: dt.date(2023, 1, 22),
    2024: dt.date(2024, 2, 10),
    2025: dt.date(2025, 1, 29),
    2026: dt.date(2026, 2, 17),
    2027: dt.date(2027, 2, 6),
}
CLOSED_FROM, CLOSED_TO = -1, 6  # days around the lunar new year on which depots are shut
WEEKDAY_SHARE = (1.10, 1.12, 1.10, 1.08, 1.10, 0.85, 0.45)  # Monday first
CONSUMER, INDUSTRY = 0, 1  # two kinds of business with different peaks


@dataclass(frozen=True)
class Month:
    """One calendar month.

    Attributes:
        year, number: 2026, 10 for October 2026.
        first_day: days since the epoch.
        days: its length.
    """

    year: int
    number: int
    first_day: int
    days: int

    @property
    def name(self) -> str:
        """`2026-10`."""
        return f"{self.year}-{self.number:02d}"

    @property
    def ordinal(self) -> int:
        """Months since January 2019."""
        return (self.year - EPOCH.year) * 12 + self.number - 1


def day_of(date: dt.date) -> int:
    """Days since the epoch."""
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """The date of a day number."""
    return EPOCH + dt.timedelta(days=int(day))


def month_at(ordinal: int) -> Month:
    """The month so many months after January 2019."""
    year, number = EPOCH.year + ordinal // 12, ordinal % 12 + 1
    first = dt.date(year, number, 1)
    after = dt.date(year + number // 12, number % 12 + 1, 1)
    return Month(year, number, day_of(first), (after - first).days)


def months_to_october_2026(count: int) -> tuple[Month, ...]:
    """The last `count` months, in order, ending with October 2026."""
    last = (LAST_MONTH.year - EPOCH.year) * 12 + LAST_MONTH.month - 1
    return tuple(month_at(ordinal) for ordinal in range(last - count + 1, last + 1))


@lru_cache(maxsize=1)
def closed_days() -> Bools:
    """Whether depots are shut on each day since the epoch (Spring Festival)."""
    closed = np.zeros(CALENDAR_DAYS, dtype=bool)
    for new_year in LUNAR_NEW_YEAR.values():
        start = day_of(new_year)
        closed[start + CLOSED_FROM : start + CLOSED_TO + 1] = True
    return closed


@lru_cache(maxsize=1)
def next_open_day() -> Ints:
    """For each day the first day from it on that depots are open."""
    days = np.arange(CALENDAR_DAYS)
    open_days = np.flatnonzero(~closed_days())
    return open_days[np.minimum(np.searchsorted(open_days, days), len(open_days) - 1)]


@lru_cache(maxsize=2)
def business_by_day(kind: int) -> Floats:
    """Relative volume of each day since the epoch for CONSUMER or INDUSTRY business."""
    dates = [date_of(day) for day in range(CALENDAR_DAYS)]
    share = np.array([WEEKDAY_SHARE[date.weekday()] for date in dates])
    share *= np.array([_promotion(date, kind) for date in dates])
    for new_year in LUNAR_NEW_YEAR.values():
        _quieten(share, day_of(new_year))
    return share


def _promotion(date: dt.date, kind: int) -> float:
    month, day = date.month, date.day
    if month == 11 and day <= 18:
        return 1.75 if kind == CONSUMER else 1.08
    if month == 6 and day <= 20:
        return 1.35 if kind == CONSUMER else 1.02
    if month == 12 and 8 <= day <= 14:
        return 1.20 if kind == CONSUMER else 1.05
    if month == 10 and day <= 7:
        return 0.60
    if month == 5 and day <= 3:
        return 0.75
    return 1.0


def _quieten(share: Floats, new_year: int) -> None:
    """Fade out for a week before the closure, shut, fade in until the Lantern Festival."""
    first, last = new_year + CLOSED_FROM, new_year + CLOSED_TO
    share[first : last + 1] = 0.0
    for distance in range(1, 8):
        if first - distance >= 0:
            share[first - distance] *= 0.25 + 0.1 * distance
        share[last + distance] *= 0.35 + 0.09 * distance


@lru_cache(maxsize=1)
def congestion_by_day() -> Floats:
    """How much likelier a shipment ordered that day is late, for the season alone (1 = usual)."""
    factor = np.ones(CALENDAR_DAYS)
    for year in range(EPOCH.year, EPOCH.year + 9):
        factor[day_of(dt.date(year, 11, 6)) : day_of(dt.date(year, 11, 22))] = 1.6
        factor[day_of(dt.date(year, 6, 14)) : day_of(dt.date(year, 6, 25))] = 1.25
        festival = LUNAR_NEW_YEAR[year]
        factor[max(0, day_of(festival) - 15) : day_of(festival) - 1] = 1.4
    return factor


def day_levels(month: Month, kind: int) -> Ints:
    """65,536 levels → day within the month (0 first), in proportion to the business of each day."""
    share = business_by_day(kind)[month.first_day : month.first_day + month.days]
    edges = np.rint(np.cumsum(share) / share.sum() * LEVELS).astype(np.int64)
    return np.searchsorted(edges, np.arange(LEVELS), side="right").astype(np.int64)


def month_volume(month: Month, kind: int) -> float:
    """Business of the month relative to an ordinary month of 30.4 days."""
    share = business_by_day(kind)[month.first_day : month.first_day + month.days]
    ordinary_day = sum(WEEKDAY_SHARE) / len(WEEKDAY_SHARE)
    return float(share.sum() / (30.4 * ordinary_day))
