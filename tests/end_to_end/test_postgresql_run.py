"""`tierlab run` on tables of a real PostgreSQL server gives what the same data gives from files."""

import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

import postgresql_server
from commands import LONGEST_SECONDS, MONTH, clean_environment, run_command
from postgresql_server import SECRET, NoServerError
from small_repository import write_repository

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.full

VARIABLE = "TIERLAB_CONNECTION_WAREHOUSE"
CUSTOMERS = [
    ("C1", "苏州锐泽贸易有限公司", "15400000001", "2026-01-05"),
    ("C2", "南京恒禾食品有限公司", "15400000002", "2026-02-28"),
    ("C3", "", "", "2026-03-01"),
]
WAYBILLS = [
    (f"W{n:03}", f"C{n % 4 + 1}", f"2026-{9 + n % 2:02}-{n % 28 + 1:02} 09:{n:02}:00",
     f"2026-{9 + n % 2:02}-{min(n % 28 + 3, 30):02}", f"{n * 10.5 - 30:.2f}")
    for n in range(40)
]  # fmt: skip
COLUMNS = {
    "crm": {"客户编号": "text", "客户名称": "text", "电话": "text", "建档": "date"},
    "waybills": {
        "单号": "text",
        "客户编号": "text",
        "揽收": "time",
        "承诺": {"type": "time", "end_of_day": True},
        "运费": "amount",
    },
}
KINDS = {"crm": "text, text, text, date", "waybills": "text, text, timestamp, date, numeric(12,2)"}
ROWS = {"crm": CUSTOMERS, "waybills": WAYBILLS}
TABLES = {
    "customers": {
        "source": "crm",
        "select": "SELECT 客户编号 AS customer_id, 建档 AS onboarded_on FROM crm",
    },
    "customer_names": {
        "source": "crm",
        "select": "SELECT 客户编号 AS customer_id, 客户名称 AS name, 电话 AS phone FROM crm",
    },
    "shipments": {
        "source": "waybills",
        "select": "SELECT 单号 AS shipment_id, 客户编号 AS customer_id, 揽收 AS shipped_at, "
        "承诺 AS promised_at, 运费 AS revenue FROM waybills",
    },
}
WHERE = {
    "files": lambda name: {"files": f"{name}.csv"},
    "warehouse": lambda name: {
        "format": "postgresql",
        "connection": "warehouse",
        "table": f"public.{name}",
    },
}
FRAMES = ("shipments", "customers", "customer_links", "ledger", "quality", "private/customer_names")


@pytest.fixture(scope="module")
def server():
    try:
        with postgresql_server.running() as started:
            for name, rows in ROWS.items():
                fields = ", ".join(
                    f'"{c}" {kind}'
                    for c, kind in zip(COLUMNS[name], KINDS[name].split(", "), strict=True)
                )
                values = ", ".join(str(row) for row in rows).replace("''", "NULL")
                started.run(
                    f"CREATE TABLE {name} ({fields})",
                    f"INSERT INTO {name} VALUES {values}",
                    f"GRANT SELECT ON {name} TO reader",
                )
            yield started
    except NoServerError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def ran(server, tmp_path_factory):
    """Both profiles, run side by side in one repository with the real cleaning notebook."""
    root = tmp_path_factory.mktemp("company")
    write_repository(root)
    shutil.copy(ROOT / "notebooks" / "01_cleaning.ipynb", root / "notebooks")
    raw = root / "data" / "raw" / "small"
    for name, rows in ROWS.items():
        frame = pd.DataFrame(rows, columns=list(COLUMNS[name]))
        frame.to_csv(raw / f"{name}.csv", index=False)
    told = {name: _told(root, name, where, server.uri()) for name, where in WHERE.items()}
    for name, (code, text) in told.items():
        assert code == 0, f"{name}: {text}"
    return root, {name: text for name, (_, text) in told.items()}


def _told(root, name, where, address):
    head = yaml.safe_load((root / "params" / "small.yaml").read_text(encoding="utf-8"))
    sources = {
        source: {"system": "crm", **where(source), "columns": columns}
        for source, columns in COLUMNS.items()
    }
    profile = {**head, "profile": name, "sources": sources, "tables": TABLES}
    path = root / "params" / f"{name}.yaml"
    path.write_text(yaml.safe_dump(profile, allow_unicode=True), encoding="utf-8")
    environment = {**clean_environment(), VARIABLE: address if name == "warehouse" else ""}
    done = subprocess.run(
        run_command("--cores", "1", profile=f"params/{name}.yaml"),
        cwd=root, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def frame(root, profile, name):
    path = root / "data" / "processed" / profile / MONTH / f"{name}.parquet"
    return pd.read_parquet(path)


@pytest.mark.parametrize("name", FRAMES)
def test_a_table_is_the_same_from_both(ran, name):
    files, warehouse = (frame(ran[0], profile, name) for profile in WHERE)
    assert len(files)
    pd.testing.assert_frame_equal(files, warehouse)


def test_the_same_rows_are_rejected_for_the_same_reasons(ran):
    files, warehouse = (frame(ran[0], profile, "private/rejects") for profile in WHERE)
    assert set(files["rule"]) == {"unknown_customer", "out_of_range"}
    assert set(warehouse["file"]) == {"warehouse:public.waybills"}
    files["row"] -= 1  # a file has a header
    pd.testing.assert_frame_equal(files.drop(columns="file"), warehouse.drop(columns="file"))


def test_the_secret_is_in_nothing_that_the_run_wrote_or_said(ran, server):
    root, told = ran
    secrets = [SECRET, server.uri(), server.uri().split("@")[0].rsplit(":", 1)[1]]
    files = [path for path in root.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".parquet", ".json", ".ipynb", ".html", ".yaml"} <= kinds
    for secret in secrets:
        assert secret not in told["warehouse"]
        assert not [path for path in files if secret.encode() in content_of(path)]


def content_of(path):
    """Its bytes; of Parquet, whose pages are compressed, also its values as text."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        content += pd.read_parquet(path).to_csv().encode()
    return content


def test_the_manifest_names_the_table_by_its_digest(ran):
    found = (ran[0] / "reports" / "warehouse" / MONTH / "manifest.json").read_text(encoding="utf-8")
    assert "warehouse:public.waybills" in found
    assert os.environ.get(VARIABLE) is None
