"""Calendar months, the steps in which everything is reported."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from .errors import ParamsError


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

    def shifted(self, months: int) -> Month:
        """The month so many months later."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

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
