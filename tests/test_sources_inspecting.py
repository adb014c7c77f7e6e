"""`tierlab inspect`: the draft is right but for what it marks as guessed."""

import itertools
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml

from analysis.cleaning.checking import select_faults
from analysis.cli import exit_code_of
from analysis.engine import open_engine
from analysis.errors import SourceError
from analysis.params import Source, load_profile
from analysis.params.loading import build
from analysis.params.profile import Profile
from analysis.simulate import company
from analysis.sources.inspecting import draft_of, inspect, look_at
from analysis.sources.inspecting.kinds import kinds_of
from analysis.sources.inspecting.look import header_row_of
from analysis.sources.inspecting.names import lacking, meanings_of, normal, tables_of
from analysis.sources.inspecting.quantities import unit_in
from analysis.sources.parts import parts_of
from analysis.sources.reading import Locale, read_source

DEMO = load_profile(Path(__file__).parents[1] / "params" / "demo.yaml")
EXPECTED_TABLES = {
    "crm": {"customers", "customer_names"},
    "orders": {"shipments"},
    "transport": {"shipments"},
    "shippers": {"customer_names"},
    "tickets": {"tickets"},
    "surveys": {"surveys"},
    "service_costs": {"service_costs"},
    "receivables": {"receivables"},
    "assignments": {"assignments"},
    "service_events": {"service_events"},
}


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(cores=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    company(folder, customers=100, months=19, seed=20261124)
    return folder


@pytest.fixture(scope="module")
def drafted(raw, engine):
    """The draft of all files, and by the files' pattern: source, entry, canonical tables."""
    text = inspect(raw, engine)
    content = yaml.safe_load(text)
    tables = {name: set() for name in content["sources"]}
    for table, selects in content["tables"].items():
        for select in selects:
            tables[select["source"]].add(table)
    sources = content["sources"].items()
    return text, {entry["files"]: (name, entry, tables[name]) for name, entry in sources}


def read(engine, source, raw, name):
    found = read_source(
        engine, name, source, parts_of(name, source, raw), Locale(DEMO.timezone, DEMO.money)
    )
    return found.table.order_by("_row"), found


def guessed(text, name):
    """Columns of a source whose line is marked."""
    own = text.split(f"\n  {name}:\n")[1]
    lines = itertools.takewhile(lambda line: line.startswith("    "), own.splitlines())
    marked = [line for line in lines if line.startswith("      ") and "# guess" in line]
    return {line.split(":")[0].strip().strip("'") for line in marked}


@pytest.mark.parametrize("name", list(EXPECTED_TABLES))
def test_the_draft_of_each_demo_file_reads_it_as_the_profile_does(raw, engine, drafted, name):
    text, by_files = drafted
    declared = DEMO.sources[name]
    own_name, entry, tables = by_files[declared.patterns[0]]
    source = build(Source, entry, "draft")
    assert source.header_row == declared.header_row
    assert source.format == declared.format
    assert declared.encoding in (None, source.encoding)
    assert set(source.columns) == set(declared.columns)
    assert tables == EXPECTED_TABLES[name]
    own, as_drafted = read(engine, source, raw, f"draft_{name}")
    expected, as_declared = read(engine, declared, raw, f"own_{name}")
    assert as_drafted.rows == as_declared.rows
    sure = [column for column in declared.columns if column not in guessed(text, own_name)]
    assert len(sure) >= 0.7 * len(declared.columns), "most of it is no guess"
    left, right = own.select(sure), expected.select(sure)
    assert left.schema() == right.schema()
    pd.testing.assert_frame_equal(left.execute(), right.execute(), rtol=1e-12)


def test_the_draft_of_the_whole_folder_is_a_profile_that_holds(raw, drafted, tmp_path):
    content = yaml.safe_load(drafted[0])
    profile = build(Profile, {**content, "profile": "drafted"}, "draft")
    assert len(profile.sources) == len(DEMO.sources), "monthly files are one source"
    assert {s.files for s in profile.sources.values()} >= {"orders/orders_*.parquet"}
    assert select_faults(profile) == []
    systems = {name: source.system for name, source in profile.sources.items()}
    assert systems["orders"] == systems["customers_file"], "their ids are the same customers"
    assert systems["transport"] == "transport" != systems["customers_file"]
    path = tmp_path / "params" / "drafted.yaml"
    assert exit_code_of(["inspect", str(raw / "crm" / "客户档案.csv"), "--out", str(path)]) == 0
    assert set(yaml.safe_load(path.read_text())) == {"sources", "tables"}
    assert exit_code_of(["inspect", str(raw), "--out", str(path)]) == 3, "nothing is overwritten"


FOREIGN = {
    "semicolons, decimal commas, day first": (
        (
            "Kunde;Datum;Betrag amount;Gewicht weight\n"
            "K1;13.02.2026;1.234,50;3,5\nK2;28.03.2026;-7,25;1,0\n"
        ),
        {
            "Datum": {"type": "date", "forms": ["%d.%m.%Y"]},
            "Betrag amount": {"type": "amount", "decimal": ","},
            "Gewicht weight": {"type": "number", "decimal": ","},
        },
    ),
    "a title, Chinese dates, units in cells and headers": (
        (
            "运单明细表,,,\n单号,签收时间,运费（千元）,是否破损\n"
            "0012,2026年3月5日 14时07分,1.2,是\n0013,2026年3月6日8时30分,3万,否\n"
        ),
        {
            "单号": "text",
            "签收时间": "time",
            "运费（千元）": {"type": "amount", "unit": 1000},
            "是否破损": "boolean",
        },
    ),
    "no header": ("C1,2026-10-01,5\nC2,2026-10-02,6\n", {"#2": "date", "#3": "integer"}),
    "serial days, null words": (
        "order_date|fee|note\n46300|12.5|x\n46301|N/A|y\n46302|暂无|z\n46303|7|N/A\n",
        {
            "order_date": {"type": "date", "forms": ["excel"]},
            "fee": {"type": "amount", "nulls": ["N/A", "暂无"]},
            "note": {"type": "text", "nulls": ["N/A"]},
        },
    ),
    "twice and without a header": (
        "id,v,v,\n1,2.5,3,x\n",
        {"v (1)": "number", "v (2)": "integer", "id": "text"},
    ),
    "months": ("月份,客户编号,金额\n202601,C1,5\n202602,C1,6\n", {"月份": "month"}),
    "JSON lines": (
        '{"id": "1", "at": "2026-10-01T09:00:00Z", "n": 5}\n{"id": "2", "n": 6.5}\n',
        {"id": "text", "at": "time", "n": "number"},
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_files(tmp_path, engine, case):
    text, expected = FOREIGN[case]
    path = tmp_path / "foreign.csv"
    path.write_bytes(text.encode("gb18030"))
    draft = "\n".join(draft_of(look_at(path), engine, name="foreign").source)
    content = yaml.safe_load(draft)["foreign"]
    assert {c: content["columns"][c] for c in expected} == expected, draft
    read(engine, build(Source, content, "draft"), tmp_path, "foreign")


def test_a_chinese_workbook_with_titles_merged_cells_and_several_sheets(tmp_path, engine):
    book = openpyxl.Workbook()
    for number, name in enumerate(("一月", "二月", "说明")):
        sheet = book.create_sheet(name) if number else book.active
        sheet.title = name
        if name == "说明":
            sheet.append(["本表由客服部提供"])
            continue
        sheet.append(["客户运单月报"])
        sheet.append(["客户编号", "运单号", "揽收日期", "承诺送达日期", "运费收入（万元）", "备注"])
        sheet.append(["C1", "Y1", "2026-01-05", "2026-01-09", 0.5, "加急"])
        sheet.append([None, "Y2", "2026-01-06", "2026-01-09", 0.25, None])
        sheet.append(["合计", None, None, None, 0.75, None])
        sheet.merge_cells("A3:A4")
        sheet.merge_cells("A1:F1")
    path = tmp_path / "月报.xlsx"
    book.save(path)
    draft = draft_of(look_at(path), engine)
    text = "\n".join(draft.source)
    content = yaml.safe_load(text)["shipments_file"]
    assert content["header_row"] == 2
    assert content["columns"]["承诺送达日期"] == {"type": "time", "end_of_day": True}
    assert content["columns"]["运费收入（万元）"] == {"type": "amount", "unit": 10000}
    assert any("merged cells" in note for note in draft.notes)
    assert any("说明" in note for note in draft.notes)
    table, found = read(engine, build(Source, content, "draft"), tmp_path, "report")
    assert table["客户编号"].execute().tolist()[:2] == ["C1", "C1"]
    assert [lost.rule for lost in found.lost][-1] == "totals_row"


def test_sheets_with_the_same_headers_are_one_source_and_the_others_are_named(tmp_path, engine):
    book = openpyxl.Workbook()
    for number, name in enumerate(("1月", "2月", "3月", "说明")):
        sheet = book.create_sheet(name) if number else book.active
        sheet.title = name
        for row in [["本表由客服部提供"]] if name == "说明" else [["运单号", "重量"], ["Y1", 2.5]]:
            sheet.append(row)
    book.save(tmp_path / "运单.xlsx")
    draft = draft_of(look_at(tmp_path / "运单.xlsx"), engine, name="bills")
    assert any("说明" in note for note in draft.notes)
    source = build(Source, yaml.safe_load("\n".join(draft.source))["bills"], "draft")
    assert read(engine, source, tmp_path, "bills")[1].rows == 3


def test_ids_that_a_parquet_file_keeps_as_doubles_are_texts(tmp_path, engine):
    """A gap in a column of whole numbers makes doubles of them; amounts stay numbers."""
    path = tmp_path / "orders.parquet"
    pd.DataFrame(
        {"customer_id": [7.0, None, 9.0], "amount_paid": [5.0, 6.0, 7.0], "weight": [1.5, 2, 3]}
    ).to_parquet(path)
    kinds = [kind.reading.type for kind in kinds_of(look_at(path), engine)]
    assert kinds == ["text", "amount", "number"]


def test_a_header_with_a_line_break_leaves_the_yaml_whole(tmp_path, engine):
    path = tmp_path / "a.csv"
    path.write_text('运单号,"运费收入（万元\n含税）"\nY1,0.5\nY2,1.5\n', encoding="utf-8")
    content = yaml.safe_load("\n".join(draft_of(look_at(path), engine, name="a").source))
    assert content["a"]["columns"]["运费收入（万元 含税）"] == {"type": "amount", "unit": 10000}


def test_files_of_a_folder_are_named_so_that_each_is_found_by_its_own_source(tmp_path, engine):
    """Brackets in names, a name that a glob would miss, other encodings and delimiters."""
    head, rows = "运单号{0}重量{0}备注\n", "Y1{0}2.5{0}加急\nY2{0}3.5{0}普通\n"
    for name, mark, encoding in (
        ("a[1].csv", ",", "utf-8"),
        ("ab.csv", ";", "utf-8"),
        ("ab-ab.csv", ";", "utf-8"),
        ("b-1.csv", ",", "gb18030"),
        ("b-2.csv", ",", "gb18030"),
    ):
        (tmp_path / name).write_bytes((head + rows * 40).format(mark).encode(encoding))
    sources = yaml.safe_load(inspect(tmp_path, engine))["sources"].values()
    drafted = [build(Source, source, "draft") for source in sources]
    found = [[part.path.name for part in parts_of("x", one, tmp_path)] for one in drafted]
    assert sorted(found) == [["a[1].csv"], ["ab-ab.csv", "ab.csv"], ["b-1.csv", "b-2.csv"]]
    assert [one.patterns for one in drafted if one.encoding == "gb18030"] == [("b*.csv",)]


@pytest.mark.parametrize(
    ("headers", "table", "missing"),
    [
        (["Waybill No.", "Customer ID", "Ship Date", "Weight (kg)"], "shipments", []),
        (["客户名称", "联系人", "手机号码", "客户代码"], "customer_names", []),
        (["发票号码", "到期日期", "应收金额"], "receivables", ["customer_id"]),
    ],
)
def test_headers_in_both_languages_are_known(headers, table, missing):
    assert table in tables_of(headers)
    assert lacking(meanings_of(headers, table), table) == missing


def test_units_and_names():
    assert unit_in("金额（百万元）", money=True)[0] == 1e6
    assert unit_in("重量(吨)", money=False)[0] == 1000
    assert unit_in("时长(分)", money=False)[0] is None
    assert normal("运费 Freight（元）") == "运费freight"
    assert header_row_of([["title"], [], ["a", "b"], ["1", "2"]]) == 3
    assert header_row_of([["1", "2"], ["3", "4"]]) == 0


def test_what_is_no_table_is_refused_in_one_sentence(tmp_path):
    for name, content in (
        ("empty.csv", b""),
        ("blank.csv", b" \n \n"),
        ("x.xlsx", b"PK\x03\x04no"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SourceError):
            look_at(path)
    with pytest.raises(SourceError):
        look_at(tmp_path / "absent.csv")
    with pytest.raises(SourceError):
        inspect(tmp_path, None)


def test_real_tab_separated_file_with_old_line_ends(shared_data, engine):
    look = look_at(shared_data / "scms" / "SCMS_Delivery_History_Dataset.csv")
    assert (look.delimiter, look.header_row, look.cells.num_rows) == ("\t", 1, 10_324)
    kinds = dict(zip(look.headers, kinds_of(look, engine), strict=True))
    assert kinds["Delivered to Client Date"].reading.type == "date"
    assert kinds["Weight (Kilograms)"].reading.nulls == (
        "See DN-*",
        "Weight Captured Separately",
        "See ASN-*",
    )
