"""A source is all its files as one typed table; every row keeps its place in them."""

import datetime as dt
import json

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt

from analysis.errors import AnalysisError, GroupedError, SourceError
from analysis.simulate.workbook import text_row, write_workbook
from analysis.sources import LINE_BITS, ingest, source_faults
from analysis.sources.spreadsheets import as_text
from raw_company import CUSTOMERS, ORDERS, together, workspace_of

PROFILE = together(CUSTOMERS, ORDERS)
CRM = "id\nC1\nC2\n"


def opened(folder, files, sources, **more):
    profile = {**PROFILE, "sources": {**PROFILE["sources"], **sources}}
    return workspace_of(folder, {"crm.csv": CRM, **files}, profile, **more)


def places(read):
    """(file number, row number) of every row."""
    rows = sorted(read.table["_row"].execute())
    return [(row >> LINE_BITS, row & (2**LINE_BITS - 1)) for row in rows]


def test_several_files_are_one_source_and_rows_know_their_file(tmp_path):
    workspace = opened(
        tmp_path,
        {
            "orders_1.csv": "no,who,at,done,yuan\n1,C1,2026-10-01,,5\n",
            "orders_2.csv": "yuan,at,no,who,done,more\n7,2026-10-02,2,C1,,x\n,,,,,\n8,x,3,C1,,y\n",
        },
        {},
    )
    ingested = ingest(workspace)
    orders = ingested.sources["orders"]
    assert places(orders) == [(0, 2), (1, 2), (1, 4)]
    assert [(lost.row & 0xFF, lost.rule) for lost in orders.lost] == [(3, "empty_row")]
    frame = orders.table.order_by("_row").execute()
    assert frame["yuan"].tolist() == [5, 7, 8]
    assert frame["_unusable"].tolist() == [False, False, True]
    files = ingested.files.set_index("file")
    assert files.loc["orders_2.csv", "rows"] == 3
    assert files.loc["orders_2.csv", "encoding"] == "utf-8"
    assert files.loc["orders_2.csv", "columns_not_read"] == "more"


def test_a_header_that_an_export_renamed_is_declared(tmp_path):
    """Its own header first: a file may hold the other one too, as something else."""
    entry = {**ORDERS["sources"]["orders"]}
    entry["columns"] = {
        **entry["columns"],
        "yuan": {"type": "number", "also": ["Fee (yuan)", "fee"]},
    }
    files = {
        "orders_1.csv": "no,who,at,done,yuan,fee\n1,C1,2026-10-01,,5,9\n",
        "orders_2.csv": "no,who,at,done,Fee （yuan）\n2,C1,2026-10-01,,7\n"
        "no,who,at,done,Fee （yuan）\n",
    }
    orders = ingest(opened(tmp_path / "a", files, {"orders": entry})).sources["orders"]
    assert orders.table.order_by("_row").execute()["yuan"].tolist() == [5, 7]
    assert [lost.rule for lost in orders.lost] == ["repeated_header"]
    lines, empty = (
        [{"no": 1, "yuan": 5}, {"no": 2, "fee": 7}],
        {"who": "C1", "at": None, "done": None},
    )
    text = "".join(json.dumps({**empty, **one}) + "\n" for one in lines)
    entry = {**entry, "files": "orders.jsonl", "format": "jsonl"}
    orders = ingest(opened(tmp_path / "b", {"orders.jsonl": text}, {"orders": entry}))
    assert orders.sources["orders"].table.order_by("_row").execute()["yuan"].tolist() == [5, 7]
    twice = {"orders_1.csv": "no,who,at,done,fee,Fee (yuan)\n1,C1,2026-10-01,,5,9\n"}
    entry = {**entry, "files": "orders*.csv", "format": "csv"}
    with pytest.raises(AnalysisError, match="twice"):
        ingest(opened(tmp_path / "c", twice, {"orders": entry}))
    entry["columns"]["yuan"] = {"type": "number", "also": ["ｄｏｎｅ "]}
    same = {"orders_1.csv": "no,who,at,done\n1,C1,2026-10-01,\n"}
    with pytest.raises(AnalysisError, match="one column of the file"):
        ingest(opened(tmp_path / "d", same, {"orders": entry}))


def test_blank_lines_at_the_end_of_a_file_are_no_rows(tmp_path):
    text = "no,who,at,done,yuan\n1,C1,2026-10-01,,5\n\n1,C1,2026-10-01,,5\n,,,,\n\n\n"
    orders = ingest(opened(tmp_path, {"orders.csv": text}, {})).sources["orders"]
    assert places(orders) == [(0, 2), (0, 4)]
    assert [lost.row for lost in orders.lost] == [3]


def test_a_huge_cell_is_read(tmp_path):
    text = "no,who,at,done,yuan\n" + "x" * (9 << 20) + ",C1,2026-10-01,,5\n"
    orders = ingest(opened(tmp_path, {"orders.csv": text}, {})).sources["orders"]
    assert orders.table.no.length().execute().tolist() == [9 << 20]


def test_spreadsheets_by_sheet_and_header_row(tmp_path):
    header = ["no", "who", "at", "done", "yuan"]
    rows = [["工单一览"], header, ["1", "C1", "2026/10/1 9:00", "", "１２"], [], ["2"]]
    path = tmp_path / "raw" / "orders.xlsx"
    path.parent.mkdir()
    book = [(name, [text_row(row) for row in rows]) for name in ("2025", "2026", "notes")]
    write_workbook(path, book)
    source = {**ORDERS["sources"]["orders"], "files": "orders.xlsx", "format": "excel"}
    orders = {**source, "header_row": 2, "sheets": "20*"}
    ingested = ingest(opened(tmp_path, {}, {"orders": orders}))
    read = ingested.sources["orders"]
    assert places(read) == [(0, 3), (0, 5), (1, 3), (1, 5)]
    assert len(read.lost) == 2, "a blank row between rows is told"
    assert read.table.yuan.sum().execute() == 24
    assert ingested.files["sheet"].tolist() == ["", "2025", "2026"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12.0, "12"),
        (0.5, "0.5"),
        (1e20, "1e+20"),
        (True, "true"),
        (dt.datetime(2026, 3, 5, 14, 7), "2026-03-05 14:07:00"),
        (dt.date(2026, 3, 5), "2026-03-05"),
        ("", None),
        ("x", "x"),
    ],
)
def test_cells_as_the_reader_of_a_sheet_sees_them(cell, text):
    assert as_text(cell) == text


def test_parquet_files_are_read_natively_and_numbered_from_one(tmp_path):
    table = pa.table(
        {
            "no": ["1", " 2 "],
            "who": ["C1", "Ｃ2"],
            "at": [dt.datetime(2026, 10, 1, 1), None],
            "done": [None, dt.datetime(2026, 10, 2)],
            "yuan": [1.5, None],
        },
        schema=pa.schema(
            [
                ("no", pa.string()),
                ("who", pa.string()),
                ("at", pa.timestamp("us", "UTC")),
                ("done", pa.timestamp("ms")),
                ("yuan", pa.float32()),
            ]
        ),
    )
    (tmp_path / "raw").mkdir()
    for name in ("orders_1.parquet", "orders_2.parquet"):
        pq.write_table(table, tmp_path / "raw" / name)
    entry = {**ORDERS["sources"]["orders"], "files": "orders_*.parquet", "format": "parquet"}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    assert places(read) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    frame = read.table.order_by("_row").execute()
    assert frame["who"].tolist()[:2] == ["C1", "C2"]
    assert frame["no"].tolist()[:2] == ["1", "2"]
    assert frame["at"][0] == dt.datetime(2026, 10, 1, 9), "brought to the profile's time zone"
    assert frame["_faults"].isna().all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_moments_of_every_precision_and_zone(tmp_path, unit, zone):
    moments = pa.array([1_790_000_000 * 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]])
    columns = {"no": ["1"], "who": ["C1"], "done": ["x"], "yuan": [1.5]}
    (tmp_path / "raw").mkdir()
    table = pa.table({**columns, "at": moments.cast(pa.timestamp(unit, zone))})
    pq.write_table(table, tmp_path / "raw" / "orders.parquet")
    entry = {**ORDERS["sources"]["orders"], "files": "orders.parquet", "format": "parquet"}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    moment = dt.datetime.fromtimestamp(1_790_000_000, dt.UTC).replace(tzinfo=None)
    shifted = moment + dt.timedelta(hours=8 if zone else 0)  # to Asia/Shanghai
    assert read.table.at.execute()[0] == shifted


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_in_parquet_come_to_local_time_in_every_precision(tmp_path, unit):
    moment = dt.datetime(2026, 10, 1, 4, tzinfo=dt.UTC)
    at = pa.array([moment, None], pa.timestamp(unit, tz="UTC"))
    text = pa.array(["1", "2"])
    columns = {"no": text, "who": text, "at": at, "done": at, "yuan": pa.array([1.0, 2.0])}
    (tmp_path / "raw").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "raw" / "orders.parquet")
    entry = {**ORDERS["sources"]["orders"], "files": "orders.parquet", "format": "parquet"}
    frame = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"].table.to_pyarrow()
    assert frame["at"].to_pylist() == [dt.datetime(2026, 10, 1, 12), None]
    assert frame["_faults"].to_pylist() == [None, None]


def test_parquet_files_of_one_source_must_agree_in_types(tmp_path):
    (tmp_path / "raw").mkdir()
    for name, amount in (("orders_1.parquet", 1.5), ("orders_2.parquet", "1.5")):
        columns = {"no": ["1"], "who": ["C1"], "at": ["x"], "done": ["x"], "yuan": [amount]}
        pq.write_table(pa.table(columns), tmp_path / "raw" / name)
    entry = {**ORDERS["sources"]["orders"], "files": "orders_*.parquet", "format": "parquet"}
    with pytest.raises(SourceError) as told:
        ingest(opened(tmp_path, {}, {"orders": entry}))
    assert "orders_2.parquet, column 'yuan'" in told.value.where
    assert told.value.allowed == "double, as in orders_1.parquet"


def test_json_lines(tmp_path):
    lines = [
        '{"no": "1", "who": "C1", "at": "2026-10-01T09:00:00", "done": null, "yuan": 5.5}',
        '{"yuan": "１２", "no": 2, "who": "客户", "at": "2026/10/2", "done": null, "x": {"y": 1}}',
        '{"no": "3", broken',
        "",
        '{"no": "4", "who": "C1", "at": "2026-10-01", "done": "", "yuan": 1}',
    ]
    entry = {**ORDERS["sources"]["orders"], "files": "orders.jsonl", "format": "jsonl"}
    workspace = opened(tmp_path, {"orders.jsonl": "\n".join(lines) + "\n"}, {"orders": entry})
    read = ingest(workspace).sources["orders"]
    assert places(read) == [(0, 1), (0, 2), (0, 5)]
    assert [(lost.row, lost.rule) for lost in read.lost] == [(3, "not_json")]
    frame = read.table.order_by("_row").execute()
    assert frame["yuan"].tolist() == [5.5, 12, 1]
    assert frame["no"].tolist() == ["1", "2", "4"]


def test_an_optional_source_may_be_absent(tmp_path):
    entry = {**ORDERS["sources"]["orders"], "optional": True}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    assert read.parts == ()
    assert read.rows == 0
    assert set(ORDERS["sources"]["orders"]["columns"]) <= set(read.table.columns)


def test_all_faults_of_all_sources_come_together(tmp_path):
    sources = {
        "gone": {"system": "x", "files": "gone.csv", "columns": {"a": "text"}},
        "empty": {"system": "x", "files": "empty.csv", "columns": {"a": "text"}},
        "notes": {"system": "x", "files": "notes.xlsx", "format": "excel"},
        "deep": {"system": "x", "files": "deep.parquet", "format": "parquet"},
        "outside": {"system": "x", "files": "../x.csv"},
    }
    sources = {name: {"columns": {"a": "text"}, **entry} for name, entry in sources.items()}
    files = {
        "orders.csv": "no,who,att,done,yuan\n",
        "empty.csv": "",
        "notes.xlsx": "no zip",
        "deep.parquet": "no parquet",
    }
    workspace = opened(tmp_path, files, sources)
    with pytest.raises(GroupedError) as told:
        ingest(workspace)
    text = str(told.value)
    assert "File not found" in text
    assert "Did you mean 'att'?" in text
    assert "The file is empty" in text
    assert "no spreadsheet" in text
    assert "no Parquet file" in text
    assert "below the raw folder" in text
    assert told.value.exit_code == 4
    assert len(source_faults(workspace)) == len(told.value.faults) == 6


def test_a_wrong_encoding_deep_in_a_file_is_one_clear_error(tmp_path):
    start = b"no,who,at,done,yuan\n" + "1,客户,2026-10-01,,5\n".encode() * 60_000
    workspace = opened(tmp_path, {"orders.csv": start + b"2,\xb0\xa1,x,,1\n"}, {})
    with pytest.raises(AnalysisError) as told:
        ingest(workspace)
    assert told.value.where.endswith(f"orders.csv, byte {len(start) + 2}")
    entry = {**ORDERS["sources"]["orders"], "encoding": "gb18030"}
    start = b"no,who,at,done,yuan\n" + "1,客户,2026-10-01,,5\n".encode("gb18030") * 60_000
    workspace = opened(tmp_path, {"orders.csv": start + b"2,\xff\xff,x,,1\n"}, {"orders": entry})
    with pytest.raises(AnalysisError) as told:
        ingest(workspace)
    assert told.value.where.endswith(f"orders.csv, byte {len(start) + 2}")


def test_what_is_still_read_tells_its_faults_where_it_is_asked_and_can_be_read_again(tmp_path):
    head = b"no,who,at,done,yuan\n"
    rows = b"1,C1,2026-10-01,,5\n" * 60_000
    workspace = opened(tmp_path, {"orders.csv": head + rows + b"2,\xb0\xa1,x,,1\n"}, {})
    begun = ingest(workspace, wait=False)
    begun.complete("crm")
    assert begun.sources["crm"].rows == 2
    with pytest.raises(AnalysisError, match=r"orders\.csv, byte"):
        begun.complete()
    (workspace.raw / "orders.csv").write_bytes(head + rows)
    again = ingest(workspace, wait=False)
    assert again.sources["orders"].rows == 60_000
    assert again.files["rows"].tolist() == [2, 60_000]


def test_the_missing_raw_folder_is_named(tmp_path):
    workspace = opened(tmp_path, {}, {})
    for path in workspace.raw.iterdir():
        path.unlink()
    workspace.raw.rmdir()
    with pytest.raises(SourceError) as told:
        ingest(workspace)
    assert "folder of raw files does not exist" in str(told.value)
    assert len(source_faults(workspace)) == 1, "told once, not once a source"


def test_another_header_row_is_told_once_with_where_it_is(tmp_path):
    titled = "运单\n\nno,who,at,done,yuan\n1,C1,2026-10-01,,5\n"
    files = {f"orders_{n}.csv": titled for n in (1, 2, 3)}
    (fault,) = source_faults(opened(tmp_path, files, {}))
    assert "row 1 is not its header row" in fault.what
    assert "header_row: 3" in fault.todo
    assert fault.where.endswith("and 2 more"), "files that share a fault share its line"


def test_columns_without_a_header_or_with_the_same_one(tmp_path):
    entry = {**ORDERS["sources"]["orders"], "header_row": 0}
    entry["columns"] = {"#1": "text", "#3": "number"}
    twice = {"system": "x", "files": "twice.csv", "columns": {"a (2)": "number", "b": "text"}}
    files = {"orders.csv": "1,C1,5\n2,C2,6\n", "twice.csv": "a,b,a\n1,x,2\n"}
    read = ingest(opened(tmp_path, files, {"orders": entry, "twice": twice})).sources
    assert read["orders"].table.order_by("_row")["#3"].execute().tolist() == [5, 6]
    assert places(read["orders"]) == [(0, 1), (0, 2)]
    assert read["twice"].table["a (2)"].execute().tolist() == [2]


def test_headers_written_again_and_totals_are_told_as_such(tmp_path):
    text = (
        "no,who,at,done,yuan\n1,C1,2026-10-01,,5\n小计,,,,5\n"
        "no,who,at,done,yuan\n2,C1,2026-10-02,,7\nTotal,C1,2026-10-02,2026-10-03,1\n合 计：,,,,12\n"
        "合计：2 单,,,,12\n"
    )
    read = ingest(opened(tmp_path, {"orders.csv": text}, {})).sources["orders"]
    assert places(read) == [(0, 2), (0, 5), (0, 6)], "a row that is whole is no row of totals"
    assert [(lost.row, lost.rule) for lost in read.lost] == [
        (3, "totals_row"),
        (4, "repeated_header"),
        (7, "totals_row"),
        (8, "totals_row"),
    ]


def test_remarks_below_a_table_are_no_customers(tmp_path):
    rows = [
        ["制表人：张三"], [None, None, "Stand: 01.11.2026"], ["共 120 条"], ["※ 仅供内部使用"],
        ["Summe"], ["總計"], ["C1"], ["A:1", "C1", "2026-10-01"], [None, None, "2026-10-01 08:00"],
    ]  # fmt: skip
    book = openpyxl.Workbook()
    for row in [["no", "who", "at", "done", "yuan"], *rows]:
        book.active.append(row)
    (tmp_path / "raw").mkdir()
    book.save(tmp_path / "raw" / "orders.xlsx")
    entry = {**ORDERS["sources"]["orders"], "files": "orders.xlsx", "format": "excel"}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    assert places(read) == [(0, 8), (0, 9), (0, 10)], "an id alone is one all the same"
    assert [lost.rule for lost in read.lost] == ["remark_row"] * 4 + ["totals_row"] * 2


def test_numbers_of_a_spreadsheet_keep_their_size_beside_texts_with_decimal_commas(tmp_path):
    book = openpyxl.Workbook()
    for row in [["no", "who", "at", "done", "yuan"], ["1", "C1", "2026-10-01", None, "1.234,5"],
                ["2", "C1", "2026-10-01", None, 12.345]]:  # fmt: skip
        book.active.append(row)
    (tmp_path / "raw").mkdir()
    book.save(tmp_path / "raw" / "orders.xlsx")
    entry = {**ORDERS["sources"]["orders"], "files": "orders.xlsx", "format": "excel"}
    entry["columns"] = {**entry["columns"], "yuan": {"type": "number", "decimal": ","}}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    assert read.table.order_by("_row").yuan.execute().tolist() == [1234.5, 12.345]


def test_cells_merged_over_rows_count_in_each_row(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["no", "who", "at", "done", "yuan"],
        ["1", "C1", "2026-10-01", "", 5],
        ["2", None, "2026-10-01", "", 6],
        ["3", None, "2026-10-01", "", 7],
        ["4", None, "2026-10-01", "", 8],
    ):
        sheet.append(row)
    sheet.merge_cells("B2:B4")
    (tmp_path / "raw").mkdir()
    book.save(tmp_path / "raw" / "orders.xlsx")
    entry = {**ORDERS["sources"]["orders"], "files": "orders.xlsx", "format": "excel"}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    who = read.table.order_by("_row")["who"].execute()
    assert who.astype(object).where(who.notna(), None).tolist() == ["C1", "C1", "C1", None]


def test_old_spreadsheets_are_read(tmp_path):
    book = xlwt.Workbook()
    for name in ("九月", "十月"):
        sheet = book.add_sheet(name)
        for at, cell in enumerate(("no", "who", "at", "done", "yuan")):
            sheet.write(1, at, cell)
        for at, cell in enumerate((name, "C1", 46300.5, "", "3.5万")):
            sheet.write(2, at, cell)
    (tmp_path / "raw").mkdir()
    book.save(str(tmp_path / "raw" / "orders.xls"))
    entry = {**ORDERS["sources"]["orders"], "files": "*.xls", "format": "excel", "header_row": 2}
    entry["columns"] = {**entry["columns"], "at": {"type": "time", "forms": ["excel"]}}
    read = ingest(opened(tmp_path, {}, {"orders": entry})).sources["orders"]
    assert read.table.yuan.execute().tolist() == [35000, 35000]
    assert set(read.table["at"].execute()) == {dt.datetime(2026, 10, 5, 12)}


def test_a_cut_off_json_line_at_the_end_is_no_silent_loss(tmp_path):
    entry = {**ORDERS["sources"]["orders"], "files": "orders.jsonl", "format": "jsonl"}
    text = '{"no":"1","who":"C1","at":"2026-10-01","done":null,"yuan":1}\n{"no":"2","wh'
    read = ingest(opened(tmp_path, {"orders.jsonl": text}, {"orders": entry})).sources["orders"]
    assert [(lost.row, lost.rule) for lost in read.lost] == [(2, "not_json")]


def test_times_of_a_source_in_another_zone_become_local_and_days_stay_days(tmp_path):
    rows = "1,C1,2026-10-01 20:00,2026-10-02,1\n"
    rows += "2,C1,2026-10-01T20:00:00+02:00,2026年10月2日8时30分,1\n"
    entry = {**ORDERS["sources"]["orders"], "timezone": "UTC"}
    files = {"orders.csv": "no,who,at,done,yuan\n" + rows}
    table = ingest(opened(tmp_path, files, {"orders": entry})).sources["orders"].table
    found = table.order_by("_row").execute()
    assert found["at"].tolist() == [dt.datetime(2026, 10, 2, 4), dt.datetime(2026, 10, 2, 2)]
    assert found["done"].tolist() == [dt.datetime(2026, 10, 2), dt.datetime(2026, 10, 2, 16, 30)]
