"""What people and programs write comes back as it was meant, whichever form they write it in.

Each value is written by a rule of its own here (Python's decimal, openpyxl's serial numbers), never
by the code under test.
"""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import to_excel

from analysis.engine import open_engine
from analysis.params import ColumnReading
from analysis.sources.conversion import FAULTS, convert

FEW = settings(max_examples=3, deadline=None)
"""Each example holds dozens of values; most of the time goes into asking the engine."""
EXACT = 1e-12
"""Relative: the values pass through doubles, which keep 15 to 16 digits."""

cents = st.integers(0, 10**13 - 1)
EPOCH = dt.date(1970, 1, 1)
"""Stands for no day."""

days = st.dates(dt.date(1950, 1, 1), dt.date(2150, 12, 31)).filter(lambda day: day != EPOCH)
no_months = days.map(lambda day: day.replace(day=13 + day.day % 16))
"""Days whose number is not also that of a month."""


def many(values):
    return st.lists(values, min_size=40, max_size=80)


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(cores=1)
    yield opened
    opened.close()


def read(engine, cells, kind=None, **reading):
    """The values of a column, and which cells are faults."""
    table = pa.table({"x": pa.array(cells, kind or pa.string()), "at": range(len(cells))})
    loaded = engine.load(table.to_reader(), "cells")
    found = convert(loaded, {"x": ColumnReading(**reading)}, (), "Asia/Shanghai")
    rows = found.order_by("at").to_pyarrow()
    return rows["x"].to_pylist(), [bool(one) for one in rows[FAULTS].to_pylist()]


def grouped(whole, mark):
    """Digits in groups of three from the right."""
    digits = str(whole)
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    return mark.join(groups + [digits[at : at + 3] for at in range(head, len(digits), 3)])


def written(number, style, decimal):
    """Hundredths as a text; style: plain or grouped digits."""
    whole, rest = divmod(number, 100)
    other = "." if decimal == "," else ","
    shown = grouped(whole, other) if style else str(whole)
    return f"{shown}{decimal}{rest:02}"


def means(numbers):
    return pytest.approx([float(one) for one in numbers], rel=EXACT, abs=0)


@pytest.mark.parametrize("decimal", [".", ","])
@FEW
@given(numbers=many(st.tuples(cents, st.booleans(), st.booleans())))
def test_decimal_signs_and_groups(engine, decimal, numbers):
    texts = ["-" * minus + written(n, style, decimal) for n, style, minus in numbers]
    found, faults = read(engine, texts, type="number", decimal=decimal)
    assert found == means(Decimal(n) / 100 * (-1 if minus else 1) for n, _, minus in numbers)
    assert not any(faults)


@FEW
@given(numbers=many(st.integers(1000, 10**9)), decimal=st.sampled_from(".,"))
def test_the_other_decimal_sign_is_never_taken_for_this_one(engine, numbers, decimal):
    """1.234,56 under a decimal point is no number: not 1.23456, not 123456."""
    other = "," if decimal == "." else "."
    texts = [written(100 * n + 56, True, other) for n in numbers]
    found, faults = read(engine, texts, type="number", decimal=decimal)
    assert found == [None] * len(texts)
    assert all(faults)


@FEW
@given(
    numbers=many(st.tuples(cents, st.booleans())),
    brackets=st.sampled_from(["()", "（）"]),
    sign=st.sampled_from(["", "¥", "RMB ", "€"]),
    decimal=st.sampled_from(".,"),
)
def test_brackets_mean_less_than_nothing(engine, numbers, brackets, sign, decimal):
    opened, closed = brackets
    texts = [f"{opened}{sign}{written(n, style, decimal)}{closed}" for n, style in numbers]
    found, faults = read(engine, texts, type="number", decimal=decimal)
    assert found == means(-Decimal(n) / 100 for n, _ in numbers)
    assert not any(faults)


@FEW
@given(
    numbers=many(st.tuples(st.integers(0, 10**8), st.sampled_from("万亿"))),
    unit=st.sampled_from([1, 1000, 10000]),
)
def test_a_unit_in_the_cell_stands_above_the_columns(engine, numbers, unit):
    texts = [f"{written(n, False, '.')}{sign}" for n, sign in numbers]
    found, faults = read(engine, texts, type="number", unit=unit)
    size = {"万": Decimal(10) ** 4, "亿": Decimal(10) ** 8}
    expected = [float(Decimal(n) / 100 * size[sign]) for n, sign in numbers]
    assert found == pytest.approx(expected, rel=EXACT, abs=1e-6)  # rounded to millionths
    assert not any(faults)


@pytest.mark.full
@FEW
@given(numbers=many(cents), unit=st.sampled_from([100, 1000, 10000]))
def test_a_columns_unit_multiplies(engine, numbers, unit):
    found, _ = read(engine, [written(n, False, ".") for n in numbers], type="number", unit=unit)
    expected = [float(Decimal(n) / 100 * unit) for n in numbers]
    assert found == pytest.approx(expected, rel=EXACT, abs=1e-6)


@pytest.mark.parametrize("day_first", [True, False])
@FEW
@given(dates=many(days))
def test_the_order_of_day_and_month_is_the_declared_one(engine, day_first, dates):
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    pairs = [(d.day, d.month) if day_first else (d.month, d.day) for d in dates]
    texts = [f"{a}/{b}/{d.year}" for (a, b), d in zip(pairs, dates, strict=True)]
    found, faults = read(engine, texts, type="date", forms=[form])
    assert found == dates
    assert not any(faults)


@pytest.mark.full
@FEW
@given(dates=many(days))
def test_the_order_of_day_and_month_is_never_guessed(engine, dates):
    texts = [f"{d.day:02}/{d.month:02}/{d.year}" for d in dates]
    found, faults = read(engine, texts, type="date")
    assert found == [None] * len(texts)
    assert all(faults)


@FEW
@given(dates=many(no_months))
def test_a_date_in_the_other_order_is_a_fault(engine, dates):
    texts = [f"{d.month:02}/{d.day:02}/{d.year}" for d in dates]
    found, faults = read(engine, texts, type="date", forms=["%d/%m/%Y"])
    assert found == [None] * len(texts)
    assert all(faults)


@pytest.mark.parametrize(
    "kind", [pa.string(), pytest.param(pa.float64(), marks=pytest.mark.full)], ids=str
)
@FEW
@given(
    moments=many(
        st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2150, 12, 31)).filter(
            lambda moment: moment.date() != EPOCH
        )
    ),
)
def test_serial_numbers_of_spreadsheets(engine, kind, moments):
    wanted = [moment.replace(microsecond=0) for moment in moments]
    serials = [to_excel(moment) for moment in wanted]
    cells = [str(one) for one in serials] if pa.types.is_string(kind) else serials
    found, faults = read(engine, cells, kind, type="time", forms=["excel"])
    assert found == wanted
    assert not any(faults)


@pytest.mark.full
@FEW
@given(dates=many(days))
def test_serial_numbers_of_whole_days(engine, dates):
    serials = [str(int(to_excel(day))) for day in dates]
    found, _ = read(engine, serials, type="date", forms=["excel"])
    assert found == dates


@FEW
@given(dates=many(days))
def test_a_serial_number_that_is_not_declared_is_no_date(engine, dates):
    found, faults = read(engine, [str(int(to_excel(day))) for day in dates], type="date")
    assert found == [None] * len(dates)
    assert all(faults)
