"""The search for personal values finds them however they are written down."""

import base64
import html
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.simulate import company
from personal_values import PLACES, Found, found_below, found_in, needles_of

NAME = "深圳琪谷滤清器有限公司"
VALUES = {"name": {NAME}, "contact": {"周伟", "潘浩辉"}, "e-mail": {"o'neill&co@qigu.example"}}


def found(folder):
    return {(one.path, one.value) for one in found_below(folder, VALUES, without=["private"])}


def in_a_picture(text):
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}">'


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None, NAME]),
        pa.array([NAME, NAME]).dictionary_encode(),
        pa.array([[], [{"told": [f"({NAME})"]}]]),
        pa.array([[("a", NAME)]], pa.map_(pa.string(), pa.string())),
        pa.array([NAME.encode()]),
    ],
    ids=["text", "dictionary", "nested", "map", "bytes"],
)
def test_in_any_column_of_a_table(tmp_path, column):
    pq.write_table(pa.table({"a": column}), tmp_path / "a.parquet")
    assert found(tmp_path) == {("a.parquet", NAME)}


def test_in_the_names_and_notes_of_a_table(tmp_path):
    table = pa.table({NAME: [1]})
    pq.write_table(table, tmp_path / "named.parquet")
    noted = pa.table({"a": [1]}).replace_schema_metadata({"by": "潘浩辉"})
    pq.write_table(noted, tmp_path / "noted.parquet")
    assert found(tmp_path) == {("named.parquet", NAME), ("noted.parquet", "潘浩辉")}


@pytest.mark.parametrize("value", [NAME, "o'neill&co@qigu.example"])
@pytest.mark.parametrize(
    "written",
    [
        str,
        html.escape,
        json.dumps,
        in_a_picture,
    ],
    ids=["plain", "html", "json", "picture"],
)
def test_in_text_as_it_may_be_written(tmp_path, value, written):
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "page").write_text(f"a{written(value)}z", encoding="utf-8")
    assert found(tmp_path) == {(".hidden/page", value)}


def test_in_the_name_of_a_file(tmp_path):
    (tmp_path / f"{NAME}.txt").touch()
    assert found(tmp_path) == {(f"{NAME}.txt", NAME)}


def test_what_lies_in_the_private_folder_is_left_out(tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "a.txt").write_text(NAME, encoding="utf-8")
    assert found(tmp_path) == set()


def test_short_values_are_whole_words():
    assert found_in("p", "四周伟大", VALUES) == []
    assert found_in("p", "联系人:周伟,", VALUES) == [Found("p", "contact", "周伟")]
    assert found_in("p", "联系潘浩辉先生", VALUES) == [Found("p", "contact", "潘浩辉")]


def test_every_kind_is_read_from_the_raw_files(tmp_path):
    company(tmp_path / "raw", 60, 2, 11)
    values = needles_of(tmp_path / "raw")
    assert set(values) == set(PLACES)
    assert {kind: bool(found) for kind, found in values.items()} == dict.fromkeys(PLACES, True)
    assert all("@" in value for value in values["e-mail"])
    assert len(values["name"]) > 50
