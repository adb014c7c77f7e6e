"""The calendar: what its file says, held against the notices, the sun and the moon."""

import datetime as dt
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.calendar import NO_CALENDAR, Calendar, load_calendar
from analysis.errors import AnalysisError
from analysis.months import Month
from analysis.params.loading import build
from calendar_notices import public_holidays

CN = load_calendar(Path(__file__).parents[1] / "params" / "calendars" / "cn.yaml")
FIRST_YEAR, LAST_YEAR = 2015, 2026


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_holidays_are_those_of_the_notices(year):
    told = CN.public_holidays[year]
    known = public_holidays(year)
    assert [[h.name, h.first, h.last] for h in told.days_off] == known["days_off"]
    assert list(told.make_up) == known["make_up"]


# ---- Spring Festival from astronomy (Meeus, Astronomical Algorithms, 2nd ed., ch. 25 and 49) ----


def sun_longitude(day: float) -> float:
    """Apparent longitude in degrees (to about 0.01) of a Julian day in dynamical time."""
    t = (day - 2451545.0) / 36525
    mean = 280.46646 + 36000.76983 * t
    m = math.radians(357.52911 + 35999.05029 * t)
    centre = (1.914602 - 0.004817 * t) * math.sin(m) + 0.019993 * math.sin(2 * m)
    node = math.radians(125.04 - 1934.136 * t)
    return (mean + centre + 0.000289 * math.sin(3 * m) - 0.00569 - 0.00478 * math.sin(node)) % 360


def new_moon(k: int) -> float:
    """Julian day (dynamical time) of the k-th new moon since January 2000, to a few minutes."""
    t = k / 1236.85
    mean = 2451550.09766 + 29.530588861 * k + 0.00015437 * t * t
    sun = math.radians(2.5534 + 29.10535670 * k)
    moon = math.radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t)
    latitude = math.radians(160.7108 + 390.67050284 * k)
    return mean + (
        -0.40720 * math.sin(moon)
        + 0.17241 * math.sin(sun)
        + 0.01608 * math.sin(2 * moon)
        + 0.01039 * math.sin(2 * latitude)
        + 0.00739 * math.sin(moon - sun)
        - 0.00514 * math.sin(moon + sun)
        + 0.00208 * math.sin(2 * sun)
    )


def beijing_day(julian: float) -> dt.date:
    """The civil day in UTC+8; dynamical time runs about 70 s ahead in these years."""
    return dt.date.fromordinal(math.floor(julian + 8 / 24 - 70 / 86_400 + 0.5) - 1721425)


@pytest.mark.parametrize("festival", CN.spring_festival, ids=str)
def test_spring_festival_is_the_new_moon_of_the_month_that_holds_rain_water(festival):
    """The first lunar month is the one in which the sun reaches 330 degrees (Yushui)."""
    first = int((festival.year - 2000) * 12.3685) - 1  # new moons a year
    days = [beijing_day(new_moon(k)) for k in range(first, first + 6)]
    low = 1721424.5 + dt.date(festival.year, 2, 10).toordinal()
    high = low + 20
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if sun_longitude(middle) < 330 else (low, middle)
    rain_water = beijing_day(low)
    assert max(day for day in days if day <= rain_water) == festival


def test_every_year_up_to_2030_has_its_festival():
    assert [day.year for day in CN.spring_festival] == list(range(2006, 2031))


def test_closed_days_are_those_around_the_festival():
    eve, last = dt.date(2026, 2, 16), dt.date(2026, 2, 23)
    assert {eve, last} <= CN.closed_days
    assert not {eve - dt.timedelta(1), last + dt.timedelta(1)} & CN.closed_days
    assert CN.open_days_of([Month(2026, 2)]) == [20]
    assert CN.open_days_of([Month(2025, 1)]) == [27]
    assert CN.open_days_of([Month(2025, 2)]) == [24]
    assert CN.open_days_of([Month(2026, 10)]) == [31]


def test_own_closures_and_public_holidays_count_when_declared():
    closed = {
        "days": [
            {"first": "2026-07-01", "last": "2026-07-03", "reason": {"zh": "搬", "en": "moved"}}
        ]
    }
    holidays = {2026: {"days_off": [{"name": "Day", "first": "2026-07-03", "last": "2026-07-04"}]}}
    content = {"closed": closed, "public_holidays": holidays}
    assert build(Calendar, content, "c").open_days_of([Month(2026, 7)]) == [28]
    content["closed"] = closed | {"public_holidays": True}
    assert build(Calendar, content, "c").open_days_of([Month(2026, 7)]) == [27]


def test_promotions_hold_their_days():
    held = {promotion.name: (promotion.first, promotion.last) for promotion in CN.promotions}
    for name, day in (("618", "06-18"), ("double_11", "11-11")):
        first, last = held[name]
        assert first <= day <= last


@pytest.mark.parametrize(
    ("month", "compared"),
    [
        ("2026-02", "2025-01"),  # the festival moved from January to February
        ("2026-01", "2025-02"),
        ("2025-01", "2024-02"),  # and back before
        ("2025-02", "2024-01"),
        ("2022-02", "2021-02"),  # it stayed in February
        ("2026-03", "2025-03"),
        ("2031-01", "2030-01"),  # beyond what is known: the same month
    ],
)
def test_a_month_is_compared_with_the_festival_aligned_one(month, compared):
    assert str(CN.aligned(Month.parse(month))) == compared


@given(st.integers(2007, 2030))
def test_alignment_compares_every_month_once(year):
    months = [Month(year, number) for number in range(1, 13)]
    aligned = {str(CN.aligned(month)) for month in months}
    assert aligned == {str(month.shifted(-12)) for month in months}


@given(st.dates(dt.date(2020, 1, 1), dt.date(2027, 12, 1)), st.integers(0, 400))
def test_open_days_between_two_days(first, length):
    last = first + dt.timedelta(days=length)
    numbers = CN.open_day_numbers(first, last).set_index("day").open_n
    after = [first + dt.timedelta(days=n) for n in range(1, length + 1)]
    assert numbers[last] - numbers[first] == sum(day not in CN.closed_days for day in after)


def test_without_a_calendar_every_day_is_open():
    assert load_calendar(None) is NO_CALENDAR
    assert NO_CALENDAR.open_days_of([Month(2026, 2)]) == [28]


@pytest.mark.parametrize(
    "wrong",
    [
        {"spring_festival": ["2026-03-01"]},
        {"spring_festival": ["2026-02-17", "2026-01-29"]},
        {"public_holidays": {2026: {"make_up": ["2025-01-01"]}}},
        {
            "closed": {
                "days": [
                    {"first": "2026-02-02", "last": "2026-02-01", "reason": {"zh": "", "en": ""}}
                ]
            }
        },
        {
            "promotions": [
                {"name": "x", "title": {"zh": "", "en": ""}, "first": "13-01", "last": "13-02"}
            ]
        },
        {"holidays": {}},
    ],
)
def test_a_calendar_that_cannot_be_is_refused(wrong):
    with pytest.raises(AnalysisError):
        build(Calendar, wrong, "calendar")
