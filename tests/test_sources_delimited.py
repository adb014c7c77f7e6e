"""Delimited text becomes cells: nothing guessed, nothing dropped, every row numbered."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import SourceError
from analysis.params import Source
from analysis.sources.delimited import first_rows, header_in, text_batches
from analysis.sources.headers import plain, positions
from analysis.sources.layout import Misfits


def source(**more):
    columns = more.pop("columns", {"a": "text", "b": "text", "c": "text"})
    return Source(system="s", files="x.csv", columns=columns, **more)


def read(path, declared=None, **more):
    declared = declared or source()
    header = header_in(first_rows(path, declared, "utf-8"), declared)
    places, faults = positions(header, "s", declared, "x.csv")
    assert not faults, faults
    misfits = Misfits(declared)
    cells = []
    for numbers, columns in text_batches(
        path,
        declared,
        "utf-8",
        width=len(header),
        places=list(places.values()),
        misfits=misfits,
        **more,
    ):
        cells += zip(numbers.tolist(), *(column.to_pylist() for column in columns), strict=True)
    return cells, misfits.faults


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "x.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems(written, end):
    rows, lost = read(written(end.join(["a,b,c", "1,2,3", '"x\ny",5,6', "7,8,9"])))
    assert rows == [(2, "1", "2", "3"), (3, "x\ny", "5", "6"), (4, "7", "8", "9")]
    assert lost == []


def test_rows_with_another_number_of_fields_are_told_by_their_row(written):
    rows, lost = read(written("a,b,c\n1,2,3\n4,5\n\n6,7,8,9\n1,2,3\n"))
    assert rows[1] == (4, None, None, None), "a blank line is a row without any value"
    assert [row[0] for row in rows] == [2, 4, 6]
    assert [(f.line, f.told) for f in lost] == [
        (3, "2 fields, 3 expected"),
        (5, "4 fields, 3 expected"),
    ]


def test_rows_that_an_open_quote_swallows_are_told_one_by_one(written):
    text = 'a,b,c\n1,2,3\n4,"5,6\n7,8,9\n1,2,3\n1,2",3,4\n5,6,7\n8,"9\n9",\n1,2\n'
    rows, lost = read(written(text))
    assert rows == [(2, "1", "2", "3"), (7, "5", "6", "7"), (8, "8", "9\n9", None)]
    assert [(f.line, f.rule) for f in lost] == [
        (3, "wrong_field_count"),
        (4, "in_open_quote"),
        (5, "in_open_quote"),
        (6, "in_open_quote"),
        (9, "wrong_field_count"),
    ]
    assert "a quote left open over 3 rows" in lost[0].told


def test_a_wrong_row_with_a_line_break_in_a_cell_is_one_row(written):
    rows, lost = read(written('a,b,c\n"x\ny",2\n1,2,3\n'))
    assert [(f.line, f.rule) for f in lost] == [(2, "wrong_field_count")]
    assert rows == [(3, "1", "2", "3")]


def test_a_cell_larger_than_a_block_is_refused_there_and_read_in_a_larger_one(written):
    path = written("a,b,c\n1," + "x" * 5000 + ",3\n")
    with pytest.raises(SourceError, match="too large"):
        read(path, block=1000)
    rows, _ = read(path, block=10_000)
    assert len(rows[0][2]) == 5000


def test_titles_above_the_header_are_skipped_and_counted(written):
    text = 'Report of May\n\n"a\nwrapped","b","c"\n1,2,3\n'
    declared = source(header_row=3, columns={"a wrapped": "text", "b": "text", "c": "text"})
    rows, lost = read(written(text), declared)
    assert rows == [(4, "1", "2", "3")]
    assert lost == []


def test_other_delimiters_and_quotes(written):
    rows, _ = read(written("a;b;c\n'1;5';2;3\n"), source(delimiter=";", quote="'"))
    assert rows == [(2, "1;5", "2", "3")]
    rows, _ = read(written('a\tb\tc\n5" pipe\t2\t3\n'), source(delimiter="\t", quote=""))
    assert rows == [(2, '5" pipe', "2", "3")]


def test_empty_cells_are_null_and_blanks_are_not(written):
    rows, _ = read(written('a,b,c\n"",, \n'))
    assert rows == [(2, None, None, " ")]


def test_columns_are_found_by_their_headers_wherever_they_stand(written):
    path = written(" Ｃ ,x,金额（万元）,a\n3,0,2,1\n")
    declared = source(columns={"a": "text", "金额(万元)": "text", "C": "text"})
    rows, _ = read(path, declared)
    assert rows == [(2, "1", "2", "3")]
    assert plain("金额（万元）") == "金额(万元)"


def test_a_missing_and_a_double_column_are_both_told():
    _, faults = positions(["a", "amount", "amount"], "s", source(), "x.csv")
    assert [fault.got for fault in faults] == ["b", "c"]
    declared = source(columns={"amount": "text"})
    _, faults = positions(["a", "amount", "amount"], "s", declared, "x.csv")
    assert "twice" in faults[0].what
    declared = source(columns={"amout": "text"})
    _, faults = positions(["a", "amount"], "s", declared, "x.csv")
    assert faults[0].todo == "Did you mean 'amount'?"


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n"])
def test_a_file_that_ends_before_its_header_row_is_refused(written, content):
    with pytest.raises(SourceError, match=r"header row|empty"):
        first_rows(written(content), source(header_row=5), "utf-8")


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=30),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    block=st.sampled_from([200, 1000, 100_000]),
)
def test_whatever_is_written_is_read_with_its_row_number(
    tmp_path_factory, rows, end, delimiter, block
):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("rows") / "x.csv"
    path.write_bytes(text.getvalue().encode())
    read_rows, lost = read(path, source(delimiter=delimiter), block=block)
    expected = [(at, *(cell or None for cell in row)) for at, row in enumerate(rows, start=2)]
    assert lost == []
    assert read_rows == expected
