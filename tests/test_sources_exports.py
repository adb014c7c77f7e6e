"""`tierlab inspect` on folders as systems export them: by month, renamed, in other encodings."""

import duckdb
import openpyxl
import pytest
import yaml

from analysis.cleaning.checking import select_faults
from analysis.engine import open_engine
from analysis.errors import SourceError
from analysis.params import Source
from analysis.params.loading import build
from analysis.params.profile import Profile
from analysis.sources.decoding import likely_western
from analysis.sources.inspecting import inspect
from analysis.sources.parts import parts_of
from analysis.sources.reading import Locale, read_source
from analysis.sources.spreadsheets import as_text, sheets_of

HEADS = "运单号,客户编号,揽收时间,{},重量\n"
ROW = "W{},C1,2026-{}-01,5.5,2\n"


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(cores=1)
    yield opened
    opened.close()


def drafted(folder, engine):
    """The text of a folder's draft, and its sources."""
    text = inspect(folder, engine)
    sources = yaml.safe_load(text)["sources"]
    return text, {name: build(Source, entry, "draft") for name, entry in sources.items()}


def export(folder, month, freight="运费", encoding="utf-8", name="export.csv"):
    path = folder / f"2026-{month}" / name
    path.parent.mkdir()
    path.write_bytes((HEADS.format(freight) + ROW.format(month, month)).encode(encoding))


def test_folders_of_months_are_one_source(tmp_path, engine):
    for month in ("08", "09", "10"):
        export(tmp_path, month)
    export(tmp_path, "11", name="other.csv")
    text, sources = drafted(tmp_path, engine)
    assert [len(parts_of("x", one, tmp_path)) for one in sources.values()] == [4]
    assert "2 of 4 files looked at" in text


@pytest.mark.parametrize(
    ("renamed", "also"),
    [("运费收入", ("运费收入",)), ("运费(万元)", None), ("运费(USD)", None)],
)
def test_a_renamed_column_is_the_same_where_it_counts_in_the_same_unit(
    tmp_path, engine, renamed, also
):
    for month in ("08", "09", "10"):
        export(tmp_path, month, freight=renamed if month == "10" else "运费")
    text, sources = drafted(tmp_path, engine)
    if also:
        (source,) = sources.values()
        assert source.reading("运费").also == also
        assert "renamed in some files" in text
    else:
        assert len(sources) == 2


def test_months_that_tell_their_encodings_are_one_source_without_one(tmp_path, engine):
    for month, encoding in (("08", "gb18030"), ("09", "utf-8"), ("10", "utf-16")):
        export(tmp_path, month, encoding=encoding)
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.encoding is None
    assert "files in gb18030 and utf-8 and utf-16: each tells its own" in text


def test_a_month_without_accents_is_read_as_its_neighbours(tmp_path, engine):
    for month, town in (("08", "Köln"), ("09", "Bonn"), ("10", "München")):
        path = tmp_path / f"sendungen-{month}.csv"
        path.write_bytes(f"Waybill;Customer;Town\nS{month};C1;{town}\n".encode("cp1252"))
    text, sources = drafted(tmp_path, engine)
    assert [source.encoding for source in sources.values()] == ["cp1252"]
    assert "encoding: cp1252  # guess" in text


@pytest.mark.parametrize(
    ("codec", "text", "western"),
    [
        ("cp1252", "Müller GmbH;große Kiste;Straße;12,50 €\n", True),
        ("cp1252", "Coruña;España;Málaga;Córdoba\n", True),
        ("cp1251", "Перевозка;Клиент;Москва;Груз\n", False),
        ("big5", "臺灣物流股份有限公司,客戶編號,運單號碼,高雄市\n", False),
        ("shift_jis", "株式会社物流センター,東京都港区,配送日\n", False),
        ("cp1250", "Łódź;Wrocław;Gdańsk;spółka\n", False),
    ],
)
def test_western_is_guessed_of_western_texts_only(tmp_path, codec, text, western):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode(codec) * 5)
    assert bool(likely_western(path)) is western


def test_a_text_named_like_a_spreadsheet_is_drafted_as_the_text_it_is(tmp_path, engine):
    """As web systems export them; `format: csv` reads them."""
    rows = "工单号\t客户编码\t受理时间\nG1\tC1\t2026-10-01 09:00\n"
    (tmp_path / "投诉工单.xls").write_bytes(rows.encode("gb18030"))
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert (source.format, source.delimiter) == ("csv", "\t")
    assert "named like a spreadsheet, but a text" in text


def test_a_web_page_named_like_a_spreadsheet_says_what_to_do(tmp_path, engine):
    page = tmp_path / "a.xls"
    page.write_text("<html><table><tr><td>运单号</td></tr></table></html>", encoding="utf-8")
    every = build(Source, {"system": "x", "files": "x", "format": "excel",
                           "columns": {"x": "text"}}, "x")  # fmt: skip
    for reading in (lambda: inspect(page, engine), lambda: sheets_of(page, every)):
        with pytest.raises(SourceError, match="web page") as told:
            reading()
        assert "save it as .xlsx" in told.value.todo


def test_files_that_cannot_be_read_for_one_reason_are_told_once(tmp_path, engine):
    export(tmp_path, "08")
    for at in range(9):
        (tmp_path / f"x{at}.xls").write_text("<html></html>")
    text = inspect(tmp_path, engine)
    assert text.count("# not read:") == 1
    assert "x0.xls, x1.xls, x2.xls and 6 more: The file is no spreadsheet, but a web page" in text


def test_ids_of_sixteen_digits_keep_them(tmp_path):
    assert as_text(4404000000000001.0) == "4404000000000001"
    assert as_text(-12.0) == "-12"


def test_a_date_is_no_customer_and_a_long_fraction_no_id(tmp_path, engine):
    book = openpyxl.Workbook()
    book.active.append(["运单号", "First Sent to Client Date", "揽收时间", "运费"])
    for day in range(1, 9):
        when = f"2026-10-0{day}"
        book.active.append([f"W{day}", when, when, 0.1 + 0.2 * day])
    book.save(tmp_path / "运单.xlsx")
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.reading("运费").type == "amount", "0.30000000000000004 is a number"
    assert "AS customer_id" not in text


def test_days_in_two_forms_and_day_numbers_in_one_column(tmp_path, engine):
    """As a spreadsheet makes them of a column that it understands in part."""
    rows = [("W1", "13.02.2026", "20260305"), ("W2", "2026-02-14", "46086"),
            ("W3", "15.02.2026", "2026年3月7日"), ("W4", "16.02.2026", "46089")]  # fmt: skip
    text = "运单号,Stand,揽收日期\n" + "".join(",".join(row) + "\n" for row in rows)
    (tmp_path / "运单.csv").write_text(text, encoding="utf-8")
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.reading("Stand").forms == ("%d.%m.%Y",)
    assert source.reading("揽收日期").forms == ("excel",)
    assert text.count("guess; ") >= 2


def test_customer_ids_that_lost_their_zeros_are_drafted_with_them(tmp_path, engine):
    """In a whole file, and in single rows; an id that is longer stays whole."""
    names = "".join(f"{at:05d},公司{at}\n" for at in range(1, 21))
    (tmp_path / "客户.csv").write_text("客户编号,客户名称\n" + names, encoding="utf-8")
    for name, start in (("运单.csv", 11), ("应收.csv", 1)):
        ids = [f"{at:05d}" if at < start else str(at) for at in range(1, 21)]
        rows = "".join(f"W{at},{one},2026-10-01,5\n" for at, one in enumerate(ids))
        header = (
            "运单号,客户编号,揽收时间,运费\n"
            if name == "运单.csv"
            else "账单号,客户编号,到期日,应收金额\n"
        )
        (tmp_path / name).write_text(header + rows, encoding="utf-8")
    text, sources = drafted(tmp_path, engine)
    padded = "repeat('0', 5 - length(客户编号)) || 客户编号 AS customer_id"
    assert text.count(padded) == 2, "not of the customers themselves"
    content = yaml.safe_load(text)
    assert select_faults(build(Profile, {**content, "profile": "foreign"}, "draft")) == []
    told = "SELECT repeat('0', 5 - length(x)) || x FROM (VALUES ('7'), ('12345'), ('123456')) t(x)"
    assert [row[0] for row in duckdb.sql(told).fetchall()] == ["00007", "12345", "123456"]
    assert len({source.system for source in sources.values()}) == 1


def test_what_a_draft_says_of_fill_days_lost_digits_and_units(tmp_path, engine):
    rows = "".join(
        f"{'1.23E+15' if at == 3 else f'W{at}'},2026-10-0{at},"
        f"{'9999-12-31' if at % 2 else '2026-10-09'},{at}.5,{'EUR' if at % 2 else 'USD'}\n"
        for at in range(1, 9)
    )
    header = "运单号,揽收时间,签收时间,额度（万元）,币种\n"
    (tmp_path / "运单.csv").write_text(header + rows, encoding="utf-8")
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.reading("签收时间").nulls == ("9999-12-31",)
    assert (source.reading("额度（万元）").type, source.reading("额度（万元）").unit) == (
        "amount",
        1e4,
    )
    assert "1 such as 1.23E+15" in text
    assert "currency_in: 币种" in text


def test_headers_merged_over_two_rows_are_headers_of_the_lower_one(tmp_path, engine):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["运单号", "客户", None, "时间", None, "金额(元)"])
    sheet.append([None, "客户编码", "客户名称", "下单时间", "签收时间", None])
    for area in ("A1:A2", "B1:C1", "D1:E1", "F1:F2"):
        sheet.merge_cells(area)
    for at in range(9):
        sheet.append([f"W{at}", "C1", "甲", f"2026-10-0{at + 1}", f"2026-10-1{at}", at])
    book.save(tmp_path / "运单.xlsx")
    text, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.header_row == 2
    assert {"运单号", "金额(元)"} <= set(source.columns)
    profile = build(Profile, {**yaml.safe_load(text), "profile": "foreign"}, "draft")
    read = read_source(engine, "x", source, parts_of("x", source, tmp_path),
                       Locale("Asia/Shanghai", profile.money))  # fmt: skip
    assert read.table["金额(元)"].sum().execute() == 36


def test_american_times_with_two_digits_of_the_year(tmp_path, engine):
    rows = "".join(f"T{at},{at}/2{at}/26 {at}:05 PM,soon\n" for at in range(1, 9))
    (tmp_path / "a.csv").write_text("Tracking No,Shipped On,Delivered On\n" + rows)
    _, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.reading("Shipped On").forms == ("%m/%d/%y %I:%M %p",)
    assert source.reading("Delivered On").type == "text", "no form that reads nothing is proposed"


def test_a_first_row_of_texts_below_headers_with_a_blank_is_data(tmp_path, engine):
    text = "运单号,客户编码,备注,\n" + "".join(
        f"甲{at},乙{at},丙{at},丁{at}\n" for at in "一二三四"
    )
    (tmp_path / "运单.csv").write_text(text, encoding="utf-8")
    _, sources = drafted(tmp_path, engine)
    (source,) = sources.values()
    assert source.header_row == 1
