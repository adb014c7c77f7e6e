"""Text in any encoding arrives as UTF-8, or not at all."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import SourceError
from analysis.sources.decoding import PROBE_BYTES, encoding_of, open_utf8, undecodable

CHINESE = "客户编号,客户名称\nC01,上海锐锐纺织股份有限公司\n"


def read(path, declared=None):
    with open_utf8(path, encoding_of(path, declared)) as stream:
        return stream.read().decode()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (CHINESE.encode(), "utf-8"),
        (codecs.BOM_UTF8 + CHINESE.encode(), "utf-8"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("utf-16"), "utf-16"),
        ("plain,ascii\n".encode("utf-16-le"), "utf-16-le"),
        ("plain,ascii\n".encode("utf-16-be"), "utf-16-be"),
        (b"plain,ascii\n", "utf-8"),
    ],
)
def test_the_encoding_is_told_when_it_is_not_declared(tmp_path, written, expected):
    path = tmp_path / "file.csv"
    path.write_bytes(written)
    assert encoding_of(path, None) == expected
    assert read(path).startswith(("客户编号,客户名称", "plain,ascii"))


@pytest.mark.parametrize("declared", ["gb2312", "gbk", "GB18030", "cp936"])
def test_gbk_and_its_elders_are_read_as_gb18030(tmp_path, declared):
    path = tmp_path / "file.csv"
    path.write_bytes("客户𠮷".encode("gb18030"))  # the second sign is in GB18030 only
    assert read(path, declared) == "客户𠮷"


@pytest.mark.parametrize(
    ("written", "declared", "looks_like"),
    [
        (CHINESE.encode("gb18030"), "utf-8", "gb18030"),
        (CHINESE.encode(), "gb18030", "utf-8"),
        (CHINESE.encode("utf-16"), "utf-8", "utf-16"),
    ],
)
def test_a_wrong_encoding_is_one_error_that_says_what_it_looks_like(
    tmp_path, written, declared, looks_like
):
    path = tmp_path / "file.csv"
    path.write_bytes(written)
    with pytest.raises(SourceError) as told:
        encoding_of(path, declared)
    assert f"declared: {declared}; looks like: {looks_like}" in str(told.value)
    assert str(path) in told.value.where
    assert f"encoding: {looks_like}" in told.value.todo


@pytest.mark.parametrize(("encoding", "bad"), [("utf-8", b"\xff"), ("gb18030", b"\xff\xff")])
def test_a_bad_byte_beyond_the_beginning_is_told_by_its_place(tmp_path, encoding, bad):
    start = ("一二三四五\n".encode(encoding)) * (PROBE_BYTES // 8)
    path = tmp_path / "file.csv"
    path.write_bytes(start + bad + b"\n")
    assert len(start) > PROBE_BYTES
    told = undecodable(path, encoding)
    assert told is not None
    assert told.where.endswith(f"byte {len(start)}")


def test_a_decoding_stream_stops_at_the_bad_byte(tmp_path):
    start = "一二三四五\n".encode("gb18030") * (PROBE_BYTES // 8)
    path = tmp_path / "file.csv"
    path.write_bytes(start + b"\xff\xff\n")
    with pytest.raises(SourceError) as told:
        read(path, "gb18030")
    assert told.value.where.endswith(f"byte {len(start)}")


def test_signs_across_the_border_of_two_chunks_survive(tmp_path):
    text = "x" + "汉字" * PROBE_BYTES  # odd offset: every chunk ends inside a sign
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode("gb18030"))
    assert read(path, "gb18030") == text


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), min_size=1),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_every_text_comes_back(tmp_path_factory, text, encoding):
    path = tmp_path_factory.mktemp("text") / "file.csv"
    path.write_bytes(text.encode(encoding))
    with open_utf8(path, codecs.lookup(encoding).name.replace("-sig", "")) as stream:
        assert stream.read().decode() == text


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1252", "Müller GmbH,Köln,Straße,München,Düsseldorf,Österreich\n"),
        ("cp1252", "Coruña,España,Málaga,Córdoba,León\n"),
        ("big5", "臺灣物流股份有限公司,客戶編號,運單號碼,高雄市,新竹縣,數量\n"),
        ("shift_jis", "株式会社物流センター,東京都港区,配送日,お客様番号\n"),
    ],
)
def test_what_is_neither_utf_nor_chinese_is_asked_for_and_never_guessed(tmp_path, codec, text):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(codec))
    with pytest.raises(SourceError):
        encoding_of(path, None)
    assert encoding_of(path, codec) == codecs.lookup(codec).name
