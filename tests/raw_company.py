"""A tiny company whose raw files and profile are written by a test."""

from __future__ import annotations

from pathlib import Path

import yaml

from analysis import open_month
from analysis.cleaning import Cleaned, clean, customer_records
from analysis.identity import resolve
from analysis.sources import Ingested, ingest
from analysis.workspace import Workspace

HEAD = """
schema_version: 1
profile: tiny
title: {zh: 小, en: Tiny}
raw: raw
money: {currency: CNY}
quality: {critical: 1.0}
"""

CUSTOMERS = {
    "sources": {"crm": {"system": "crm", "files": "crm.csv", "columns": {"id": "text"}}},
    "tables": {"customers": {"source": "crm", "select": "SELECT id AS customer_id FROM crm"}},
}

ORDERS = {
    "sources": {
        "orders": {
            "system": "crm",
            "files": "orders*.csv",
            "columns": {
                "no": "text",
                "who": "text",
                "at": "time",
                "done": "time",
                "yuan": "number",
            },
        }
    },
    "tables": {
        "shipments": {
            "source": "orders",
            "select": "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at, "
            "done AS delivered_at, yuan AS revenue FROM orders",
        }
    },
}


def together(*parts: dict) -> dict:
    """Sources and tables of several parts in one profile."""
    return {
        key: {name: entry for part in parts for name, entry in part.get(key, {}).items()}
        for key in ("sources", "tables")
    }


def workspace_of(
    folder: Path,
    files: dict[str, str | bytes],
    profile: dict,
    month: str = "2026-10",
    **more: object,
) -> Workspace:
    """Write raw files and a profile below a folder, and open a month of it."""
    for name, content in files.items():
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "raw").mkdir(exist_ok=True)
    path = folder / "params" / "tiny.yaml"
    path.parent.mkdir(exist_ok=True)
    content = {**yaml.safe_load(HEAD), **more, **profile}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return open_month(path, month, cores=1)


def cleaned_from(workspace: Workspace) -> tuple[Ingested, Cleaned]:
    """All steps of the first notebook."""
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    return ingested, clean(ingested, links, workspace.profile, workspace.as_of)


def ledger_row(cleaned: Cleaned, source: str, table: str) -> dict[str, int]:
    """The books of one source and table, without the words."""
    ledger = cleaned.ledger
    row = ledger[(ledger["source"] == source) & (ledger["table"] == table)].iloc[0]
    return {name: int(row[name]) for name in ledger.columns if name.startswith("rows_")}


def rejects(cleaned: Cleaned) -> list[tuple]:
    """(row, column, rule, value, action) of every violation, in order."""
    frame = cleaned.rejects.execute()
    frame = frame.astype(object).where(frame.notna(), None)
    columns = ["row", "column", "rule", "value", "action"]
    return list(frame[columns].itertuples(index=False, name=None))


def rows(table, *columns: str) -> list[tuple]:
    """A table's rows in the order of its columns, null as None."""
    frame = table.select(*columns).order_by(*columns).execute()
    frame = frame.astype(object).where(frame.notna(), None)
    return list(frame.itertuples(index=False, name=None))
