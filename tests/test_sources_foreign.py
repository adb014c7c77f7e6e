"""What `tierlab inspect` makes of exports that nobody of this project wrote."""

import datetime as dt
import json
from pathlib import Path

import openpyxl
import pytest
import yaml

from analysis.cleaning.checking import select_faults
from analysis.cli.inspecting import _raw
from analysis.engine import open_engine
from analysis.errors import SourceError
from analysis.params.loading import build
from analysis.params.profile import Profile
from analysis.sources.decoding import encoding_of
from analysis.sources.inspecting import inspect
from analysis.sources.inspecting.names import meanings_of, tables_of
from analysis.sources.inspecting.quantities import currency_of
from analysis.sources.parts import parts_of
from analysis.sources.reading import Locale, read_source


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(cores=1)
    yield opened
    opened.close()


def drafted(folder, engine, **more):
    return checked(inspect(folder, engine, **more))


def checked(text):
    content = yaml.safe_load(text)
    profile = build(Profile, {**content, "profile": "foreign"}, "draft")
    assert select_faults(profile) == []
    return content, profile


def read(engine, profile, name, raw):
    source = profile.sources[name]
    found = read_source(
        engine, name, source, parts_of(name, source, raw), Locale("Asia/Shanghai", profile.money)
    )
    return found.table.order_by("_row").execute(), found


SHIPMENT_HEADERS = {
    "an order, a pick-up, a wish and what came of it": {
        "下单时间": "shipped_at",
        "揽收时间": "picked_up_at",
        "要求到货日期": "promised_at",
        "实际签收时间": "delivered_at",
    },
    "no order time": {"提货日期": "shipped_at", "最晚送达时间": "promised_at"},
    "no promise but a plan": {"发运时间": "shipped_at", "计划到达时间": "promised_at"},
    "one of pick-up that is only planned": {"预计揽收时间": None, "揽收时间": "shipped_at"},
    "English": {
        "Tracking Number": "shipment_id",
        "Shipper": "customer_id",
        "Pickup": "shipped_at",
        "ETA": "promised_at",
        "POD": "delivered_at",
        "Charges": "revenue",
    },
    "English, planned and actual": {
        "Planned Arrival": "promised_at",
        "Actual Arrival Date": "delivered_at",
        "Ship Date": "shipped_at",
    },
    "nested": {
        "waybill.no": "shipment_id",
        "customer.id": "customer_id",
        "times.pickup": "shipped_at",
    },
}


@pytest.mark.parametrize("case", SHIPMENT_HEADERS)
def test_what_headers_of_shipments_mean(case):
    expected = SHIPMENT_HEADERS[case]
    found = meanings_of(list(expected), "shipments")
    assert {h: found[h].column if h in found else None for h in expected} == expected


def test_a_file_called_so_and_a_bare_id():
    headers = ["id", "profile.name", "region", "created_at"]
    assert tables_of(headers, "customers") == ["customers", "customer_names"]
    found = meanings_of(headers, "customers")
    assert found["id"].column == "customer_id"
    assert not found["id"].sure
    assert found["created_at"].column == "onboarded_on"


def test_currencies_that_texts_name():
    told = {"USD 1,200.5": "USD", "￥12": "CNY", "12 美元": "USD", "1.2万元": "CNY", "Euros": ""}
    assert {text: currency_of(text) for text in told} == told


def test_a_workbook_of_several_tables_is_a_source_each(tmp_path, engine):
    book = openpyxl.Workbook()
    book.active.append(["本表由财务部维护"])
    tables = {
        "客户": [["客户代码", "客户名称", "开户日期"], ["C1", "甲公司", 45300]],
        "2026年9月": [
            ["运单编号", "客户代码", "发货时间", "承诺送达"],
            ["D1", "C1", 46270.5, 46272],
        ],
        "2026年10月": [
            ["运单编号", "客户代码", "发货时间", "承诺送达"],
            ["D2", "C1", 46300.5, 46302],
        ],
    }
    for title, rows in tables.items():
        sheet = book.create_sheet(title)
        sheet.append(["鼎盛物流"])
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "鼎盛.xlsx")
    content, profile = drafted(tmp_path, engine)
    assert set(content["tables"]) == {"customers", "customer_names", "shipments"}
    assert profile.sources["shipments_file"].sheets == "2026年*月"
    assert profile.sources["shipments_file"].system == profile.sources["customers_file"].system
    rows, _ = read(engine, profile, "shipments_file", tmp_path)
    assert rows["承诺送达"].dt.strftime("%Y-%m-%d %H:%M").tolist() == [
        "2026-09-07 23:59",
        "2026-10-07 23:59",
    ]


def test_members_of_members_of_json_lines(tmp_path, engine):
    lines = [
        {
            "waybill": {"no": f"W{at}"},
            "customer": {"id": "C1"},
            "times": {"picked_up": f"2026-10-0{at}T09:00:00"},
            "revenue": {"amount": at, "currency": "USD"},
            "a.b": "own",
        }
        for at in (1, 2, 3)
    ]
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "shipments.jsonl").write_text(text + "\n")
    content, profile = drafted(tmp_path, engine)
    assert content["money"]["currency"] == "USD"
    assert set(content["tables"]) == {"customers", "shipments"}
    rows, _ = read(engine, profile, "shipments", tmp_path)
    assert rows["waybill.no"].tolist() == ["W1", "W2", "W3"]
    assert rows["times.picked_up"].iloc[2] == dt.datetime(2026, 10, 3, 9)
    assert rows["a.b"].tolist() == ["own"] * 3, "a member with a point in its name is found first"


MIXED = """Tracking Number,Shipper,Pickup,Delivered,Charges
T1,C1,2026-03-05 24:00,"Mar 9, 2026",USD 12
T2,C1,15/3/2026 14:00,2026-03-18T10:00:00+02:00,"$3,400.50"
T3,C2,2026年3月6日,2026/3/9,—
T4,C2,16/3/2026 15:30,20260319,(12.5)
"""


def test_dates_in_several_forms_and_amounts_with_signs(tmp_path, engine):
    """No date and no amount that could not be read is taken for a word for "no value"."""
    (tmp_path / "shipments.csv").write_text(MIXED)
    content, profile = drafted(tmp_path, engine)
    columns = content["sources"]["shipments"]["columns"]
    assert columns["Pickup"] == {"type": "time", "forms": ["%d/%m/%Y %H:%M"]}
    assert columns["Charges"] == {"type": "amount", "currency": "USD", "nulls": ["—"]}
    assert content["money"]["currency"] == "USD"
    rows, found = read(engine, profile, "shipments", tmp_path)
    assert rows["Pickup"].dt.strftime("%m-%d %H").tolist() == [
        "03-06 00", "03-15 14", "03-06 00", "03-16 15",
    ]  # fmt: skip
    assert rows["Charges"].fillna(0).tolist() == [12, 3400.5, 0, -12.5]
    assert rows["Delivered"].notna().all()
    assert not found.lost


def test_a_month_with_another_header_is_told(tmp_path, engine):
    for month in ("08", "09", "10"):
        freight = "运费(元)" if month == "09" else "运费"
        text = f"运单号,客户编号,揽收时间,{freight}\nW{month},C1,2026-{month}-01,5\n"
        (tmp_path / f"2026-{month}.csv").write_text(text)
    text = inspect(tmp_path, engine)
    assert "like shipments_file, but for its headers 运费(元) (there: 运费)" in text
    assert "add each new one to the list" in text
    content, _ = checked(text)
    assert len(content["tables"]["shipments"]) == len(content["tables"]["customers"]) == 2


def test_western_accents_are_no_chinese(tmp_path, engine):
    text = "Shipment No;Customer No;Ship Date;Remark;Telefon\n"
    text += "S1;C1;13.02.2026;größe;+49 30 1234567\n"
    path = tmp_path / "sendungen.csv"
    path.write_bytes(text.encode("windows-1252"))
    with pytest.raises(SourceError, match="cannot be told"):
        encoding_of(path, None)
    assert "encoding: cp1252  # guess: the file does not tell it" in inspect(tmp_path, engine)
    content, _ = drafted(tmp_path, engine, encoding="windows-1252")
    assert content["sources"]["sendungen"]["encoding"] == "cp1252"
    assert content["sources"]["sendungen"]["columns"]["Telefon"] == "text", "it is no number"


def test_customers_of_whom_only_names_are_known_are_those_of_the_shipments(tmp_path, engine):
    (tmp_path / "客户.csv").write_text("客户编号,名称\nc1,甲\nc2,乙\n")
    (tmp_path / "运单.csv").write_text(
        "运单号,客户编号,揽收时间\nW1,c1,2026-10-01\nW2,c9,2026-10-02\n"
    )
    content, profile = drafted(tmp_path, engine)
    assert [one["source"] for one in content["tables"]["customers"]] == ["customer_names_file"]
    assert {source.system for source in profile.sources.values()} == {"customer_names_file"}


def test_a_profile_without_shipments_says_what_to_add():
    content = {
        "schema_version": 1, "profile": "x", "title": {"zh": "x", "en": "x"}, "raw": "x",
        "money": {"currency": "CNY"}, "timezone": "UTC", "tables": {},
        "sources": {"crm": {"system": "crm", "files": "x.csv", "columns": {"a": "text"}}},
    }  # fmt: skip
    with pytest.raises(Exception) as told:
        build(Profile, content, "x.yaml")
    text = str(told.value)
    assert "tables.shipments" in text
    assert "schema_version" not in text, "not the whole file"


def test_the_profile_finds_the_folder_from_wherever_it_was_drafted(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _raw(Path("data"), Path("params/x.yaml")) == "data"
    assert _raw(Path("data"), Path("x.yaml")) == str(tmp_path / "data")
    assert _raw(Path("data"), None) == "data"
