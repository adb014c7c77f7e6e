"""A tiny company with two months processed, as the first notebook does it, and reports."""

from __future__ import annotations

import shutil
from pathlib import Path

import ibis
import ibis.expr.types as ir

from analysis import open_month
from analysis.cleaning import clean, correct, customer_records, for_spreadsheet, forget
from analysis.cleaning.cleaned import Cleaned
from analysis.params import load_corrections, load_forgotten
from analysis.sources import ingest
from raw_company import workspace_of

CODE_A, CODE_B, CODE_C = "91440399MA0500001Y", "91440199MA188H006T", "91460199MA2BG31023"
FILES = {
    "crm.csv": "id,name,contact,phone,code,parent,since\n"
    f"A17,深圳琪谷滤清器有限公司,潘浩辉,15400039595,{CODE_A},,2025-01-01\n"
    f"B20,广州谷博服装有限公司,周伟娜,15400087866,{CODE_B},A17,2025-01-01\n"
    f"C30,海口森旭汽车零部件股份有限公司,曾刚桂,15400136137,{CODE_C},,2025-01-01\n",
    "shippers.csv": "no,name,code\n"
    f"T91,深圳琪谷滤清器有限公司,{CODE_A}\nT92,广州谷博服装有限公司,{CODE_B}\n",
    "orders.csv": "no,who,at,yuan\nW101,A17,2026-09-03,10\nW102,B20,2026-09-04,20\n"
    "W103,A17,2026-10-05,30\nW104,C30,2026-10-06,40\nW105,A17,2026-10-07,wrong\n"
    "W106,B20,2026-10-08,wrong\n",
    "transport.csv": "no,shipper,at,kg\nW101,T91,2026-09-03,1\nW102,T92,2026-09-04,2\n"
    "W103,T91,2026-10-05,3\n",
    "surveys.csv": "no,who,sent,answered,nps\nS501,A17,2026-09-10,2026-09-11,9\n"
    "S502,B20,2026-09-10,2026-09-11,3\n",
    "comments.csv": "no,answered,said\nS501,2026-09-11,好得很呀\nS502,2026-09-11,慢了一点\n",
}
"""Of the customer A17 nothing may be left; B20 is its subsidiary."""

PERSONAL = {
    "id": {"A17", "T91"},
    "facts": {"W101", "W103", "W105", "S501"},
    "name": {"深圳琪谷滤清器有限公司", "潘浩辉", "15400039595", CODE_A, "好得很呀"},
}
PROFILE = {
    "sources": {
        "crm": {"system": "crm", "files": "crm.csv", "columns": {
            "id": "text", "name": "text", "contact": "text", "phone": "text", "code": "text",
            "parent": "text", "since": "date"}},
        "shippers": {"system": "transport", "files": "shippers.csv",
                     "columns": {"no": "text", "name": "text", "code": "text"}},
        "orders": {"system": "crm", "files": "orders.csv", "columns": {
            "no": "text", "who": "text", "at": "time", "yuan": "number"}},
        "transport": {"system": "transport", "files": "transport.csv", "columns": {
            "no": "text", "shipper": "text", "at": "time", "kg": "number"}},
        "surveys": {"system": "crm", "files": "surveys.csv", "columns": {
            "no": "text", "who": "text", "sent": "time", "answered": "time", "nps": "integer"}},
        "comments": {"system": "crm", "files": "comments.csv", "columns": {
            "no": "text", "answered": "time", "said": "text"}},
    },
    "tables": {
        "customers": {"source": "crm", "select":
            "SELECT id AS customer_id, parent AS parent_customer_id, since AS onboarded_on "
            "FROM crm"},
        "customer_names": [
            {"source": "crm", "select":
             "SELECT id AS customer_id, name, contact, phone, code AS tax_id FROM crm"},
            {"source": "shippers", "select":
             "SELECT no AS customer_id, name, code AS tax_id FROM shippers"}],
        "shipments": [
            {"source": "orders", "select": "SELECT no AS shipment_id, who AS customer_id, "
             "at AS shipped_at, yuan AS revenue FROM orders"},
            {"source": "transport", "select": "SELECT no AS shipment_id, shipper AS customer_id, "
             "at AS shipped_at, kg AS weight_kg FROM transport"}],
        "surveys": {"source": "surveys", "select": "SELECT no AS survey_id, who AS customer_id, "
                    "sent AS sent_at, answered AS answered_at, nps AS nps_score FROM surveys"},
        "survey_comments": {"source": "comments", "select":
            "SELECT no AS survey_id, answered AS answered_at, said AS comment FROM comments"},
    },
}  # fmt: skip
EARLIER, LATEST = "2026-09", "2026-10"

CORRECTIONS = """
schema_version: 1
corrections:
- {id: dearer, source: orders, match: {"no": [W101, W102]}, action: scale, column: yuan, factor: 2,
   reason: a test, who: tests, status: permanent, expectation: {_rows: 2}}
"""


def processed(folder: Path) -> Path:
    """Where the months lie."""
    return folder / "data" / "processed" / "tiny"


def profile_of(folder: Path) -> Path:
    """The profile's file."""
    return folder / "params" / "tiny.yaml"


def write_company(folder: Path) -> None:
    """Raw files, params, and two months that hold the same."""
    workspace_of(folder, FILES, PROFILE)
    corrections = folder / "params" / "corrections" / "tiny.yaml"
    corrections.parent.mkdir()
    corrections.write_text(CORRECTIONS, encoding="utf-8")
    run_month(folder, LATEST)
    shutil.copytree(processed(folder) / LATEST, processed(folder) / EARLIER)


def links_of(records: ir.Table) -> ir.Table:
    """The links that identity would find by the tax ids, without its time."""
    own = records.source_customer_id
    return records.select(
        source=records.system,
        source_customer_id=own,
        customer_id=own.cases(("T91", "A17"), ("T92", "B20"), else_=own),
        match_probability=ibis.literal(1.0),
        decided_by=ibis.literal("tax_id"),
        is_known=ibis.literal(True),
    )


def run_month(folder: Path, month: str) -> Cleaned:
    """What the first notebook does, saved; and one page of a later stage."""
    place = processed(folder) / month
    workspace = open_month(profile_of(folder), month, save_to=place, cores=1)
    ingested = correct(ingest(workspace), load_corrections(workspace.corrections))
    ingested = forget(ingested, load_forgotten(workspace.forgotten), workspace.profile)
    links = links_of(customer_records(ingested, workspace.profile))
    cleaned = clean(ingested, links, workspace.profile, workspace.as_of)
    workspace.save_csv("rejects", for_spreadsheet(cleaned.rejects))
    workspace.save(**cleaned.outputs, files=ingested.files)
    ids = sorted(cleaned.tables["customers"].customer_id.execute())
    workspace.save_text("report.en.html", f"<p>{', '.join(ids)}</p>")
    return cleaned
