"""Calendar months, the steps in which everything is reported."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ParamsError

if TYPE_CHECKING:  # the engine's import would slow every command
    import ibis.expr.types as ir

YEAR = 12
"""Months of a year."""


@dataclass(frozen=True)
class Month:
    """A calendar month, in the profile's local time.

    Example:
        >>> Month.parse("2026-10").end
        datetime.datetime(2026, 11, 1, 0, 0)
        >>> str(Month.parse("2026-01").shifted(-1))
        '2025-12'
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2026-10``.

        Raises:
            ParamsError: The text is no month.
        """
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", str(text))
        if not match:
            raise ParamsError(
                "This is no month", where="month", got=text, allowed="YYYY-MM, such as 2026-10"
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def at(cls, index: int) -> Month:
        """The month of an `index`."""
        year, number = divmod(int(index), YEAR)
        return cls(year, number + 1)

    @property
    def index(self) -> int:
        """Months since year 0: consecutive months are consecutive numbers."""
        return self.year * YEAR + self.number - 1

    def shifted(self, months: int) -> Month:
        """The month so many months later."""
        return Month.at(self.index + months)

    def months_since(self, earlier: Month) -> int:
        """Months from an earlier one to this one; 0 for itself."""
        return self.index - earlier.index

    def through(self, last: Month) -> tuple[Month, ...]:
        """The months from this one to the last, both included; none where it lies before."""
        return tuple(self.shifted(step) for step in range(last.months_since(self) + 1))

    @property
    def start(self) -> dt.datetime:
        """First instant of the month."""
        return dt.datetime(self.year, self.number, 1)

    @property
    def end(self) -> dt.datetime:
        """First instant after the month: nothing from here on is known."""
        return self.shifted(1).start

    @property
    def last_day(self) -> dt.date:
        """Last day of the month."""
        return (self.end - dt.timedelta(days=1)).date()

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


def month_index(time: ir.TimestampValue | ir.DateValue) -> ir.IntegerValue:
    """`Month.index` of the month that holds a time."""
    return (time.year() * YEAR + time.month() - 1).cast("int32")


def index_of_text(month: ir.StringValue) -> ir.IntegerValue:
    """`Month.index` of a month written as 2026-10."""
    return (month.left(4).cast("int32") * YEAR + month.right(2).cast("int32") - 1).cast("int32")


def month_text(index: ir.IntegerValue) -> ir.StringValue:
    """The month of an index, written as 2026-10."""
    number = (index % YEAR + 1).cast("string").lpad(2, "0")
    return (index // YEAR).cast("string").lpad(4, "0") + "-" + number


def first_day(month: ir.StringValue) -> ir.DateValue:
    """The first day of a month written as 2026-10."""
    return (month + "-01").cast("date")
