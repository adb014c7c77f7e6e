"""Rejects for Excel: UTF-8 with its mark, no formula, no cell that is too long, no loss."""

import csv

import ibis
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cleaning import for_spreadsheet
from analysis.cleaning.spreadsheet import MOST_SIGNS
from analysis.engine import open_engine

DANGEROUS = ("=1+1", "+86 1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", " =1")


def written(tmp_path, texts):
    """What a reader of the CSV file finds, and its first bytes."""
    engine = open_engine(tmp_path)
    table = ibis.memtable({"column": texts, "row": list(range(len(texts)))})
    path = tmp_path / "private" / "rejects.csv"
    assert engine.write_csv(for_spreadsheet(table.order_by("row")), path) == len(texts)
    engine.close()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream)), path.read_bytes()[:3]


def test_excel_reads_it_as_utf_8_and_runs_no_formula(tmp_path):
    kept = ["客户,名称", 'said "yes"', "two\nlines", "2026-10-01", "5-3"]
    (header, *rows), mark = written(tmp_path, [*DANGEROUS, *kept])
    assert mark == b"\xef\xbb\xbf"
    assert header == ["column", "row"]
    assert [row[0] for row in rows] == [*("'" + one for one in DANGEROUS), *kept]


def test_no_part_of_a_file_is_left_beside_it(tmp_path):
    written(tmp_path, ["a"])
    assert [path.name for path in (tmp_path / "private").iterdir()] == ["rejects.csv"]


def test_a_cell_beyond_what_excel_holds_is_cut_and_tells_its_length(tmp_path):
    (_, *rows), _ = written(tmp_path, ["x" * 40_000, "x" * MOST_SIGNS])
    assert rows[0][0] == "x" * MOST_SIGNS + "…(40000)"
    assert rows[1][0] == "x" * MOST_SIGNS


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="=+-@\t\r\n \0\",'客a＝", max_size=6), min_size=1, max_size=20))
def test_any_text_comes_back_harmless(tmp_path_factory, texts):
    (_, *rows), _ = written(tmp_path_factory.mktemp("any"), texts)
    cells = [row[0] for row in rows]
    assert [one.removeprefix("'") for one in cells] == [
        one.replace("\0", "␀").removeprefix("'") for one in texts
    ]
    assert not any(one.lstrip(" ").startswith(tuple("=+-@\t\r\n＝")) for one in cells)
