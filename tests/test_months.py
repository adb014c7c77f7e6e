"""Months: one arithmetic, in Python and in the engine."""

import datetime as dt
import re
from pathlib import Path

import ibis
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis import months
from analysis.months import Month, first_day, index_of_text, month_index, month_text

INDEX = st.integers(1900 * 12, 2200 * 12)
ARITHMETIC = re.compile(r"(\*|//|%) (12|YEAR) ?[+-] |\.left\(4\)|\.months? [+-] 1 ")
APART = {"simulate", "sources"}
"""The simulator imports nothing of ours; sources read years and months that people wrote."""


@given(INDEX, st.integers(-600, 600))
def test_an_index_and_its_month_are_one(index, step):
    month = Month.at(index)
    assert month.index == index
    assert Month.parse(str(month)) == month
    assert month.shifted(step).months_since(month) == step
    assert month.start <= dt.datetime.combine(month.last_day, dt.time()) < month.end


@given(INDEX, st.integers(-3, 40))
def test_a_range_holds_both_ends_and_may_be_empty(index, steps):
    first, last = Month.at(index), Month.at(index + steps)
    found = first.through(last)
    assert len(found) == max(steps + 1, 0)
    assert not found or (found[0], found[-1]) == (first, last)


def test_the_engine_counts_as_python_does():
    listed = [Month(2024, 1), Month(2024, 12), Month(2026, 10)]
    frame = pd.DataFrame({"text": map(str, listed), "at": [m.start for m in listed]})
    table = ibis.memtable(frame, schema={"text": "string", "at": "timestamp(6)"})
    told = table.select(
        by_text=index_of_text(table.text),
        by_time=month_index(table["at"]),
        back=month_text(index_of_text(table.text)),
        begins=first_day(table.text).cast("string"),
    ).execute()
    told = told.sort_values("by_text", ignore_index=True)
    assert told.by_text.tolist() == [m.index for m in listed]
    assert told.by_time.tolist() == [m.index for m in listed]
    assert told.back.tolist() == [str(m) for m in listed]
    assert told.begins.tolist() == [str(m.start.date()) for m in listed]


def test_months_are_counted_in_one_place():
    package = Path(months.__file__).parent
    elsewhere = [
        f"{path.relative_to(package)}: {line.strip()}"
        for path in sorted(package.rglob("*.py"))
        if path != Path(months.__file__) and path.relative_to(package).parts[0] not in APART
        for line in path.read_text(encoding="utf-8").splitlines()
        if ARITHMETIC.search(line)
    ]
    assert not elsewhere
