"""Texts become values in the forms that exports use; what is no value is never one in silence."""

import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engine import open_engine
from analysis.params import ColumnReading
from analysis.sources.conversion import FAULTS, convert
from analysis.sources.plain_texts import PLAIN, WIDE

WIDEN = str.maketrans(dict(zip(PLAIN.strip(), WIDE, strict=False)))


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(cores=1)
    yield opened
    opened.close()


def read(engine, texts, reading, nulls=(), kind=None):
    """Values and fault rules of a column of texts."""
    column = pa.array(texts, kind or pa.string())
    table = pa.table({"x": column, "at": list(range(len(texts)))})
    cells = engine.load(table.to_reader(), "cells")
    frame = convert(cells, {"x": reading}, nulls, "Asia/Shanghai").order_by("at").to_pyarrow()
    faults = [
        [(f["rule"], f["value"], f["rejects"]) for f in found or []]
        for found in frame[FAULTS].to_pylist()
    ]
    return frame["x"].to_pylist(), faults


def values(engine, texts, **reading):
    found, faults = read(engine, texts, ColumnReading(**reading))
    assert [bool(fault) for fault in faults] == [
        value is None and bool(text and text.strip("\u3000 \t"))
        for value, text in zip(found, texts, strict=True)
    ]
    return found


NUMBERS = {
    "12": 12,
    " 12.5 ": 12.5,
    "-0.5": -0.5,
    "+7": 7,
    ".5": 0.5,
    "1e3": 1000,
    "1,234,567.89": 1234567.89,
    "１２３．４": 123.4,
    "１，２３４": 1234,
    "¥1,234.50": 1234.5,
    "￥12": 12,
    "12元": 12,
    "RMB 12": 12,
    "$-3": -3,
    "(12.5)": -12.5,
    "（１２）": -12,
    "−4": -4,
    "1.2万": 12000,
    "3亿": 300000000,
    "0.0019": 0.0019,
    "45%": 0.45,
    "1 000": 1000,
    "\u30009\u00a0": 9,
    "": None,
    "  ": None,
    "abc": None,
    "1,23": None,
    "1,2345": None,
    "12kg": None,
    "1.2.3": None,
    "--5": None,
    "1_000": None,
    "nan": None,
    "inf": None,
    "Infinity": None,
    "0x1A": None,
    "待核": None,
    "1e999": None,
    "５５５-": None,
}


def test_numbers(engine):
    assert values(engine, list(NUMBERS), type="number") == list(NUMBERS.values())


def test_numbers_with_a_decimal_comma(engine):
    texts = {
        "1.234,5": 1234.5,
        "0,25": 0.25,
        "1.234": 1234,
        "12": 12,
        "1,234.5": None,
        "(1,5)": -1.5,
    }
    assert values(engine, list(texts), type="number", decimal=",") == list(texts.values())


def test_units_are_applied_and_leave_no_noise(engine):
    texts = ["0.0019", "12.3456", "1.1", "3万"]
    assert values(engine, texts, type="number", unit=10000) == [19, 123456, 11000, 30000]


def test_integers_must_be_whole(engine):
    texts = {"3": 3, "3.0": 3, "1,000": 1000, "２": 2, "3.5": None, "1e16": None, "x": None}
    assert values(engine, list(texts), type="integer") == list(texts.values())


TIMES = {
    "2026-03-05": (2026, 3, 5),
    "2026/3/5": (2026, 3, 5),
    "2026.3.5": (2026, 3, 5),
    "20260305": (2026, 3, 5),
    "2026-03-05 14:07": (2026, 3, 5, 14, 7),
    "2026/3/5 4:07": (2026, 3, 5, 4, 7),
    "2026-03-05T14:07:09": (2026, 3, 5, 14, 7, 9),
    "2026-03-05 14:07:09.25": (2026, 3, 5, 14, 7, 9, 250000),
    "2026-03-05T06:07:00Z": (2026, 3, 5, 14, 7),
    "2026-03-05T14:07:00+08:00": (2026, 3, 5, 14, 7),
    "2026-03-05 07:07:00+01": (2026, 3, 5, 14, 7),
    "2026年3月5日": (2026, 3, 5),
    "2026年03月05日 14:07": (2026, 3, 5, 14, 7),
    "2026年3月5日14:07:09": (2026, 3, 5, 14, 7, 9),
    "2026年3月5日14时7分": (2026, 3, 5, 14, 7),
    "２０２６/３/５　１４：０７": (2026, 3, 5, 14, 7),
    "２０２６-０３-０５": (2026, 3, 5),
    "2-Jun-06": (2006, 6, 2),
    "02-Jun-2006": (2006, 6, 2),
    "Mar 5, 2026": (2026, 3, 5),
    " 2026-03-05 ": (2026, 3, 5),
    "": None,
    "3/5/2026": None,
    "5/3/26": None,
    "2026-02-30": None,
    "2026-13-01": None,
    "2026-03-05 25:00": None,
    "1-2-3": None,
    "0026-03-05": None,
    "9999-12-31": None,
    "45000": None,
    "epoch": None,
    "infinity": None,
    "today": None,
    "Date Not Captured": None,
}


def moments(texts):
    return [None if parts is None else dt.datetime(*parts) for parts in texts.values()]


def test_times(engine):
    assert values(engine, list(TIMES), type="time") == moments(TIMES)


def test_dates_leave_out_the_time(engine):
    expected = [moment and moment.date() for moment in moments(TIMES)]
    # An offset may move a time into another day; all of these stay on the 5th in Shanghai.
    assert values(engine, list(TIMES), type="date") == expected


def test_declared_forms_come_first_and_known_ones_stay(engine):
    texts = {
        "3/5/2026 14:07": (2026, 3, 5, 14, 7),
        "10/2/2017 0:00": (2017, 10, 2),
        " 10/2/2017 0:00 ": (2017, 10, 2),
        "2017-10-02 10:56:33": (2017, 10, 2, 10, 56, 33),
        "13/5/2026 14:07": None,
        "3/5/26 14:07": None,
    }
    found = values(engine, list(texts), type="time", forms=["%m/%d/%Y %H:%M"])
    assert found == moments(texts)


def test_a_promised_day_lasts_to_its_end(engine):
    texts = ["2026-03-05", "2026/3/5 0:00", "2026-03-05 14:07"]
    end = dt.datetime(2026, 3, 5, 23, 59, 59, 999999)
    assert values(engine, texts, type="time", end_of_day=True) == [end] * 3


def test_spreadsheet_serials_where_declared(engine):
    texts = {
        "45000": (2023, 3, 15),
        "45000.5": (2023, 3, 15, 12),
        "12": None,
        "2023-03-15": (2023, 3, 15),
    }
    assert values(engine, list(texts), type="time", forms=["excel"]) == moments(texts)


def test_months(engine):
    texts = {
        "2026-10": "2026-10",
        "2026/1": "2026-01",
        "202610": "2026-10",
        "2026年10月": "2026-10",
        "２０２６年１月": "2026-01",
        "2026-10-05": "2026-10",
        "2026年10月5日": "2026-10",
        "2026-13": None,
        "10-2026": None,
        "合计": None,
    }
    assert values(engine, list(texts), type="month") == list(texts.values())


def test_truth_values(engine):
    texts = {
        "1": True,
        "是": True,
        "YES": True,
        "true": True,
        "１": True,
        "0": False,
        "否": False,
        "no": False,
        "2": None,
        "是的吗": None,
        "": None,
    }
    assert values(engine, list(texts), type="boolean") == list(texts.values())


def test_text_is_trimmed_and_wide_forms_made_plain(engine):
    texts = [" C０００１２３\u3000", "上海（集团）", "\t", "a  b", "Ａｂ"]
    assert values(engine, texts, type="text") == ["C000123", "上海（集团）", None, "a  b", "Ab"]


def test_declared_nulls_and_values(engine):
    reading = ColumnReading(type="number", nulls=["See DN-*", "N/A", "100%_"], values={"zero": "0"})
    texts = ["See DN-304 (ID#:10589)", "N/A", "n/a", "zero", "5", "-", "100%_"]
    found, faults = read(engine, texts, reading, nulls=["-"])
    assert found == [None, None, None, 0, 5, None, None]
    assert faults == [[], [], [("not_a_number", "n/a", True)], [], [], [], []]


def test_a_fault_keeps_the_text_and_what_it_does(engine):
    found, faults = read(engine, ["x１"], ColumnReading(type="time", on_error="null"))
    assert found == [None]
    assert faults == [[("not_a_time", "x1", False)]]


@pytest.mark.parametrize(
    ("cells", "kind", "reading", "expected", "rules"),
    [
        ([1.5, math.nan, math.inf], pa.float64(), "number", [1.5, None, None],
         [None, "not_a_number", "not_a_number"]),
        ([3.0, 3.5], pa.float64(), "integer", [3, None], [None, "not_an_integer"]),
        ([7, None], pa.int32(), "number", [7.0, None], [None, None]),
        ([7.0, 7.25], pa.float64(), "text", ["7", "7.25"], [None, None]),
        ([dt.date(2026, 3, 5)], pa.date32(), "time", [dt.datetime(2026, 3, 5)], [None]),
        ([dt.datetime(2026, 3, 5, 6, 7)], pa.timestamp("us", "UTC"), "time",
         [dt.datetime(2026, 3, 5, 14, 7)], [None]),
        ([dt.datetime(1066, 1, 1)], pa.timestamp("us"), "time", [None], ["not_a_time"]),
        ([True, None], pa.bool_(), "boolean", [True, None], [None, None]),
        ([1, 0, 2], pa.int8(), "boolean", [True, False, None], [None, None, "not_a_boolean"]),
        ([202610], pa.int64(), "month", ["2026-10"], [None]),
        ([20260305], pa.int64(), "time", [None], ["not_a_time"]),
    ],
)  # fmt: skip
def test_typed_cells_of_parquet_files(engine, cells, kind, reading, expected, rules):
    found, faults = read(engine, cells, ColumnReading(type=reading), kind=kind)
    if kind == pa.float64() and any(isinstance(c, float) and math.isnan(c) for c in cells):
        faults[1] = []  # NaN is how a frame writes "missing"
        rules = [None, None, rules[2]]
    assert found == expected
    assert [fault[0][0] if fault else None for fault in faults] == rules


def test_times_of_another_zone_are_moved_in_every_form_and_days_are_not(engine):
    """14:07 in UTC is 22:07 in Shanghai, however it is written."""
    texts = ["2026-03-05 14:07", "20260305140700", "46086.588194444444", "2026-03-05T14:07:00Z",
             "2026-03-05T14:07+08:00", "20260305000000", "2026-03-05", "46086", None]  # fmt: skip
    table = pa.table({"x": pa.array(texts, pa.string()), "at": list(range(len(texts)))})
    reading = ColumnReading(type="time", forms=("%Y%m%d%H%M%S", "excel"))
    cells = engine.load(table.to_reader(), "zoned")
    found = convert(cells, {"x": reading}, (), "Asia/Shanghai", "UTC").order_by("at").to_pyarrow()
    evening, day = dt.datetime(2026, 3, 5, 22, 7), dt.datetime(2026, 3, 5)
    assert found["x"].to_pylist() == [
        evening, evening, evening, evening, dt.datetime(2026, 3, 5, 14, 7),
        dt.datetime(2026, 3, 5, 8), day, day, None,
    ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(
    numbers=st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 4)), min_size=1, max_size=40),
    wide=st.booleans(),
    sign=st.sampled_from(["", "¥", "￥", "$"]),
)
def test_written_numbers_come_back(engine, numbers, wide, sign):
    texts = [f"{sign}{number:,.4f}" for number in numbers]
    texts = [text.translate(WIDEN) if wide else text for text in texts]
    assert values(engine, texts, type="number") == numbers


FORMS = ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
         "%Y.%m.%d %H:%M:%S", "%Y%m%d%H%M%S"]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(
    moments=st.lists(
        st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2150, 1, 1)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        min_size=1,
        max_size=40,
    ),
    form=st.sampled_from(FORMS),
    wide=st.booleans(),
)
def test_written_times_come_back(engine, moments, form, wide):
    texts = [moment.strftime(form) for moment in moments]
    texts = [text.translate(WIDEN) if wide else text for text in texts]
    assert values(engine, texts, type="time") == moments


@settings(max_examples=20, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=8), max_size=40
    ),
    kind=st.sampled_from(["number", "integer", "time", "date", "month"]),
)
def test_a_text_without_digits_is_never_a_number_or_a_time(engine, texts, kind):
    found, faults = read(engine, texts, ColumnReading(type=kind))
    assert not any(value is not None for value in found)
    told = [fault[0][1] if fault else None for fault in faults]
    assert all(text.strip() == "" for text, said in zip(texts, told, strict=True) if said is None)


def test_ids_that_an_export_keeps_as_text_for_spreadsheets(engine):
    texts = {'="00123"': "00123", "'00123": "00123", " ='": "='", '="Ａ１"': "A1", '=""': None,
             "'s-Hertogenbosch": "'s-Hertogenbosch", "=1+1": "=1+1", "'12a": "'12a"}  # fmt: skip
    found, faults = read(engine, list(texts), ColumnReading())
    assert found == list(texts.values())
    assert not any(faults)
    assert values(engine, ['="12.5"', "'7"], type="number") == [12.5, 7]
    assert values(engine, ['="2026-03-05"'], type="date") == [dt.date(2026, 3, 5)]


@pytest.mark.parametrize("kind", ["date", "time"])
def test_days_that_stand_for_none_empty_the_cell_and_cost_no_row(engine, kind):
    fills = ["1970-01-01", "1970-01-01 08:00:00", "1970/1/1", "1900-01-01", "19000101",
             "1899-12-30", "9999-12-31", "9999年12月31日", "0000-00-00 00:00:00", "0001-01-01",
             "0001/1/1 0:00:00", "1900/1/0", "25569"]  # fmt: skip
    usual = ["1970-01-02", "1969-12-31", "2099-12-31", "45000"]
    reading = ColumnReading(type=kind, forms=("excel",))
    found, faults = read(engine, [*fills, *usual, "0000-13-00"], reading)
    assert found[: len(fills)] == [None] * len(fills)
    assert faults[: len(fills)] == [[("fill_date", fill, False)] for fill in fills]
    assert all(found[len(fills) : -1])
    assert faults[-1] == [(f"not_a_{kind}", "0000-13-00", True)]


def test_days_that_stand_for_none_in_typed_columns_and_what_a_profile_says_of_them(engine):
    moments = [dt.datetime(1970, 1, 1), dt.datetime(2026, 3, 5)]
    found, faults = read(engine, moments, ColumnReading(type="date"), kind=pa.timestamp("us"))
    assert found == [None, dt.date(2026, 3, 5)]
    assert faults[0] == [("fill_date", "1970-01-01 00:00:00", False)]
    known = ColumnReading(type="date", nulls=("9999-12-31*",))
    assert read(engine, ["9999-12-31 00:00:00"], known) == ([None], [[]])
