"""A source is all its files as one typed table; every row keeps its place in them."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    assert [(lost.row, lost.rule) for lost in read.lost] == [(3, "empty_row")]
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


def test_the_missing_raw_folder_is_named(tmp_path):
    workspace = opened(tmp_path, {}, {})
    for path in workspace.raw.iterdir():
        path.unlink()
    workspace.raw.rmdir()
    with pytest.raises(GroupedError) as told:
        ingest(workspace)
    assert "folder of raw files does not exist" in str(told.value)
