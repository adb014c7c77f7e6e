"""The public holidays of the State Council's notices, as the package chinesecalendar keeps them.

    python tests/calendar_notices.py 2015

prints the section `public_holidays` of ``params/calendars/cn.yaml`` from that year on, to be pasted
when the package knows a new year. The file may be edited; a test holds it against the package.
"""

from __future__ import annotations

import datetime as dt
import sys
from itertools import groupby

from chinese_calendar import constants

DAY = dt.timedelta(days=1)


def public_holidays(year: int) -> dict[str, list[object]]:
    """Days off and make-up workdays of a year.

    Returns:
        ``days_off``: lists of name, first and last day; ``make_up``: days.
    """
    days = [(day, name) for day, name in sorted(constants.holidays.items()) if day.year == year]
    numbered = enumerate(days)
    runs = [list(run) for _, run in groupby(numbered, lambda n: (n[1][0] - n[0] * DAY, n[1][1]))]
    off: list[object] = [[run[0][1][1], run[0][1][0], run[-1][1][0]] for run in runs]
    make_up = [day for day in sorted(constants.workdays) if day.year == year]
    return {"days_off": off, "make_up": make_up}


def main(first: int) -> None:
    """Print the section."""
    print("public_holidays:")
    for year in range(first, max(constants.holidays).year + 1):
        known = public_holidays(year)
        print(f"  {year}:")
        print("    days_off:")
        for name, begins, ends in known["days_off"]:
            print(f'      - {{name: "{name}", first: {begins}, last: {ends}}}')
        print(f"    make_up: [{', '.join(str(day) for day in known['make_up'])}]")


if __name__ == "__main__":
    main(int(sys.argv[1]))
