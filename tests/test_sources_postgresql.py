"""A table of a real PostgreSQL server: read, digested, and its secret never told."""

import datetime as dt
import traceback

import pytest

import postgresql_server
from analysis.errors import AnalysisError
from analysis.params import Source
from analysis.pipeline.digests import DigestCache
from analysis.pipeline.inputs import table_digests
from analysis.sources import ingest, source_faults
from analysis.sources.databases import label_of, table_digest, variable_of
from postgresql_server import SECRET, NoServerError
from raw_company import CUSTOMERS, cleaned_from, ledger_row, together, workspace_of

VARIABLE = "TIERLAB_CONNECTION_THE_WAREHOUSE"
TABLE = """
CREATE TABLE "运单" (
  no text PRIMARY KEY, "客户" varchar(9), at timestamptz, promised date, done timestamp,
  yuan numeric(12, 2), kg real, lost boolean, made money, extra jsonb)
"""
ROWS = """
INSERT INTO "运单" VALUES
 ('2', 'C1', '2026-10-01 20:00+00', '2026-10-05', '2026-10-03 10:00', 1234.56, 1.5, true, 7, '{}'),
 ('1', 'Ｃ2', '2026-10-02 09:00+08', '2026-10-06', NULL, NULL, NULL, false, NULL, NULL),
 ('3', 'C1', 'infinity', '2026-10-06', '2026-10-07', 'NaN', 2, NULL, NULL, NULL)
"""
ENTRY = {
    "system": "crm",
    "format": "postgresql",
    "connection": "the-warehouse",
    "table": "public.运单",
    "columns": {
        "no": "text",
        "客户": "text",
        "at": "time",
        "promised": {"type": "time", "end_of_day": True},
        "done": "time",
        "yuan": "amount",
        "kg": "number",
        "lost": "boolean",
        "made": "number",
    },
}
SELECT = (
    "SELECT no AS shipment_id, 客户 AS customer_id, at AS shipped_at, promised AS promised_at, "
    "done AS delivered_at, yuan AS revenue, kg AS weight_kg, lost AS is_lost FROM orders"
)


@pytest.fixture(scope="module")
def server():
    try:
        with postgresql_server.running() as started:
            started.run(TABLE, ROWS, 'GRANT SELECT ON "运单" TO reader')
            started.run("CREATE TABLE hidden (no text)", 'CREATE VIEW seen AS SELECT * FROM "运单"')
            started.run("GRANT SELECT ON seen TO reader")
            yield started
    except NoServerError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def connected(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.uri())
    return server


def opened(folder, **change):
    entry = {**ENTRY, **change}
    orders = {
        "sources": {"orders": entry},
        "tables": {"shipments": {"source": "orders", "select": SELECT}},
    }
    profile = together(CUSTOMERS, orders)
    return workspace_of(folder, {"crm.csv": "id\nC1\nC2\n"}, profile)


def source(**change):
    return Source.model_validate({**ENTRY, **change})


def test_a_table_is_read_typed_in_the_order_of_its_key(tmp_path, connected):
    ingested = ingest(opened(tmp_path))
    frame = ingested.sources["orders"].table.order_by("_row").execute()
    assert frame["no"].tolist() == ["1", "2", "3"]
    assert frame["at"].tolist()[:2] == [dt.datetime(2026, 10, 2, 9), dt.datetime(2026, 10, 2, 4)]
    assert frame["promised"][0] == dt.datetime(2026, 10, 6, 23, 59, 59, 999999)
    assert frame["yuan"].tolist()[1] == 1234.56
    assert frame["made"].tolist()[1] == 7
    assert frame["lost"].tolist()[:2] == [False, True]
    rules = [[f["rule"] for f in found or []] for found in frame["_faults"]]
    assert rules == [[], [], ["not_a_time", "not_an_amount"]], "infinity and NaN are no values"
    files = ingested.files.set_index("source")
    assert files.loc["orders", ["file", "rows"]].tolist() == ["the-warehouse:public.运单", 3]
    assert files.loc["orders", "columns_not_read"] == "extra"


def test_its_rows_add_up_and_a_rejected_one_names_its_place(tmp_path, connected):
    cleaned = cleaned_from(opened(tmp_path))[1]
    books = ledger_row(cleaned, "orders", "shipments")
    assert (books["rows_kept"], books["rows_rejected"]) == (2, 1)
    places = cleaned.rejects.select("file", "row").distinct().execute()
    assert places.to_numpy().tolist() == [["the-warehouse:public.运单", 3]]


def test_a_view_has_no_key_and_still_a_stable_order(tmp_path, connected):
    table = ingest(opened(tmp_path, table="seen")).sources["orders"].table
    assert table.order_by("_row").execute()["no"].tolist() == ["1", "2", "3"]


def test_the_digest_is_of_what_is_read(connected):
    first = table_digest(source())
    assert table_digest(source()) == first
    assert table_digest(source(table="seen")) == first, "the same rows, in whatever order"
    connected.run("""UPDATE "运单" SET extra = '{"a": 1}' WHERE no = '1'""")
    assert table_digest(source()) == first, "a column that is not read"
    connected.run("""UPDATE "运单" SET kg = 9 WHERE no = '1'""")
    assert table_digest(source()) != first
    connected.run("""UPDATE "运单" SET kg = NULL WHERE no = '1'""")
    assert table_digest(source()) == first


def test_a_run_asks_each_table_once_and_keeps_no_secret(tmp_path, connected):
    cache = DigestCache.load(tmp_path / "digests.json")
    profile = opened(tmp_path).profile
    found = table_digests(profile, cache)
    assert found == {"the-warehouse:public.运单": table_digest(source())}
    connected.run("""UPDATE "运单" SET kg = 1 WHERE no = '3'""")
    assert table_digests(profile, cache) == found, "one run sees one state"
    connected.run("""UPDATE "运单" SET kg = 2 WHERE no = '3'""")
    assert SECRET not in profile.model_dump_json()


FAULTS = {
    "the secret is missing": ({}, "", f"{VARIABLE} is not set"),
    "a wrong password": ({}, {"password": "wr0ng@word"}, "It refused the user"),
    "an unknown database": ({}, {"database": "nowhere"}, "no database of this name"),
    "an absent table": ({"table": "public.orders"}, {}, "no such table"),
    "a table that may not be read": ({"table": "hidden", "columns": {"no": "text"}}, {}, "may not"),
    "an absent column": ({"columns": {"no": "text", "客": "text"}}, {}, "Did you mean '客户'?"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_each_failure_is_one_clear_sentence(tmp_path, server, monkeypatch, case):
    change, address, words = FAULTS[case]
    monkeypatch.setenv(VARIABLE, server.uri(**address) if isinstance(address, dict) else "")
    workspace = opened(tmp_path, **change)
    with pytest.raises(AnalysisError) as fault:
        ingest(workspace)
    assert words in str(fault.value), str(fault.value)
    shown = "".join(traceback.format_exception(fault.value))
    for secret in (SECRET, "wr0ng", "s3cret", server.uri()):
        assert secret not in shown


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@127.0.0.1:1/db",
        "postgresql://me:s3c@ret/of:it@127.0.0.1:1/db",  # unescaped: libpq takes it for a host
        "postgresql://me:s3cret@127.0.0.1:1/db?s3cret=1",
        "password=s3cret nonsense",
    ],
)
def test_a_server_that_does_not_answer_tells_no_secret(tmp_path, monkeypatch, address):
    monkeypatch.setenv(VARIABLE, address)
    (fault,) = source_faults(opened(tmp_path))
    assert "cannot be reached" in str(fault)
    assert "s3c" not in str(fault)
    assert "ret/of" not in "".join(traceback.format_exception(fault))


def test_names_of_connections_and_tables():
    assert variable_of("the-warehouse") == VARIABLE
    assert label_of(source()) == "the-warehouse:public.运单"
