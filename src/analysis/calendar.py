"""The trade year: public holidays, closed days, promotions, and which months may be compared.

A calendar is one YAML file, ``params/calendars/<name>.yaml``. Spring Festival moves between
January and February, so that a month is compared with the *festival-aligned* month of last year.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, StringConstraints, model_validator

from .months import Month
from .params import Bilingual
from .params.loading import Section, build, read_yaml

DAY = dt.timedelta(days=1)
FESTIVAL_MONTHS = (1, 2)
"""Spring Festival falls into January or February."""

MonthDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class Span(Section):
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.last < self.first:
            raise ValueError("the last day must not lie before the first")
        return self

    def __iter__(self) -> Iterator[dt.date]:  # type: ignore[override]
        return (self.first + n * DAY for n in range((self.last - self.first).days + 1))


class PublicHoliday(Span):
    """Days off in a row, with the holiday's name."""

    name: str


class YearOfHolidays(Section):
    """A year's notice: days off, and weekend days worked to make up for them."""

    days_off: tuple[PublicHoliday, ...] = ()
    make_up: tuple[dt.date, ...] = ()


class Closure(Span):
    """Days on which the company is shut."""

    reason: Bilingual


class ClosedDays(Section):
    """When the company is shut.

    Attributes:
        spring_festival: First and last closed day around the first day of the lunar year, such
            as [-1, 6]; null: open.
        public_holidays: Whether it is shut on public holidays.
        days: Other closures.
    """

    spring_festival: tuple[int, int] | None = None
    public_holidays: bool = False
    days: tuple[Closure, ...] = ()


class Promotion(Section):
    """A promotion that lies on the same days of every year, within one year."""

    name: str
    title: Bilingual
    first: MonthDay
    last: MonthDay


class Calendar(Section):
    """A calendar as its file says.

    Attributes:
        calendar: Name, that of the file.
        closed: When the company is shut.
        spring_festival: First days of lunar years.
        promotions: Yearly promotions; kept for the record, nothing is computed from them.
        public_holidays: By year; of their days only those off are used, where the company is
            shut on them.
    """

    schema_version: Literal[1] = 1
    calendar: str = ""
    title: Bilingual = Bilingual(zh="无日历", en="no calendar")
    closed: ClosedDays = ClosedDays()
    spring_festival: tuple[dt.date, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    public_holidays: dict[int, YearOfHolidays] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_year_has_its_own(self) -> Self:
        years = [day.year for day in self.spring_festival]
        if len(years) != len(set(years)):
            raise ValueError("a year has one Spring Festival")
        wrong = {day for day in self.spring_festival if day.month not in FESTIVAL_MONTHS}
        if wrong:
            raise ValueError(f"Spring Festival falls into January or February, not {min(wrong)}")
        strays = [
            y for y, told in self.public_holidays.items() for d in _days_of(told) if d.year != y
        ]
        if strays:
            raise ValueError(f"public_holidays.{strays[0]} holds days of another year")
        return self

    @cached_property
    def days_off(self) -> frozenset[dt.date]:
        """Public holidays."""
        years = self.public_holidays.values()
        return frozenset(day for year in years for holiday in year.days_off for day in holiday)

    @cached_property
    def closed_days(self) -> frozenset[dt.date]:
        """Every day on which the company is shut."""
        own = {day for closure in self.closed.days for day in closure}
        around = self.closed.spring_festival
        if around is not None:
            begins, ends = around
            own |= {day + n * DAY for day in self.spring_festival for n in range(begins, ends + 1)}
        return frozenset(own | (self.days_off if self.closed.public_holidays else set()))

    def open_days_of(self, months: Sequence[Month]) -> list[int]:
        """Days of each month on which the company is not shut."""
        closed = Counter((day.year, day.month) for day in self.closed_days)
        return [(m.end - m.start).days - closed[(m.year, m.number)] for m in months]

    def festival_month(self, year: int) -> int | None:
        """1 or 2: the month in which the lunar year begins; None where it is not known."""
        return next((day.month for day in self.spring_festival if day.year == year), None)

    def aligned(self, month: Month) -> Month:
        """The month of last year that a month is compared with.

        It is the same month, unless Spring Festival moved between January and February: then
        the month that holds the festival is compared with the one that held it last year, and
        the other with the other.

        Example:
            >>> cn = Calendar(spring_festival=(dt.date(2025, 1, 29), dt.date(2026, 2, 17)))
            >>> str(cn.aligned(Month(2026, 2))), str(cn.aligned(Month(2026, 3)))
            ('2025-01', '2025-03')
        """
        same = month.shifted(-12)
        now, then = self.festival_month(month.year), self.festival_month(same.year)
        moved = now is not None and then is not None and now != then
        if not moved or month.number not in FESTIVAL_MONTHS:
            return same
        return Month(same.year, sum(FESTIVAL_MONTHS) - month.number)

    def open_day_numbers(self, first: dt.date, last: dt.date) -> pd.DataFrame:
        """One row a day from `first` to `last`: how many open days there were up to it.

        The open days between two days are the difference of their numbers. A closed day has the
        number of the open day before it.

        Returns:
            day (date), open_n (days, counted from an arbitrary day).
        """
        days = [first + n * DAY for n in range((last - first).days + 1)]
        is_open = np.fromiter((day not in self.closed_days for day in days), dtype=bool)
        return pd.DataFrame({"day": days, "open_n": np.cumsum(is_open, dtype=np.int32)})


def _days_of(year: YearOfHolidays) -> list[dt.date]:
    return [*year.make_up, *(day for holiday in year.days_off for day in holiday)]


NO_CALENDAR = Calendar()
"""The calendar of a company that gave none: open every day, no festival, no promotion."""


def load_calendar(path: str | Path | None) -> Calendar:
    """Read a calendar.

    Args:
        path: Such as ``params/calendars/cn.yaml``; None where the profile names no calendar.

    Returns:
        The calendar; `NO_CALENDAR` without a file.

    Raises:
        ParamsError: With every fault of the file.

    Example:
        >>> load_calendar(None).aligned(Month(2026, 2))
        Month(year=2025, number=2)
    """
    return NO_CALENDAR if path is None else build(Calendar, read_yaml(Path(path)), str(path))
