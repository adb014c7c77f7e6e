"""A month's books equal what they would have been then: nothing that came later is read."""

import shutil

import pandas as pd
import pytest

from analysis import open_month
from analysis.cleaning import clean, correct, customer_records
from analysis.cleaning.selects import queries_of
from analysis.identity import resolve
from analysis.params.corrections import Correction
from analysis.simulate.company import company
from analysis.sources import ingest
from raw_company import (
    CUSTOMERS,
    ORDERS,
    cleaned_from,
    ledger_row,
    rejects,
    rows,
    together,
    workspace_of,
)

AS_OF, LATER = "2026-07", ("2026-08", "2026-09", "2026-10")
WHAT_LIES_IN_THE_FILES = ["rows_in_files", "rows_later"]
"""The ledger says how many rows the files hold by now, and how many of them came later."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The outputs of one month, from all files, and from those that were there by then."""
    now = tmp_path_factory.mktemp("company") / "now"
    company(now, customers=150, months=10, seed=11)
    then = now.parent / "then"
    shutil.copytree(now, then)
    gone = [path for month in LATER for path in then.rglob(f"*{month}*")]
    assert len(gone) == 2 * len(LATER)
    for path in gone:
        path.unlink()
    _cut_off(then / "surveys" / "surveys.csv")
    return _outputs(now), _outputs(then)


def _cut_off(path):
    """Of a file that grows, the rows up to the last one of the month."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    last = max(at for at, line in enumerate(lines) if f",{AS_OF}-" in line.split(",,")[0])
    path.write_text("".join(lines[: last + 1]), encoding="utf-8")


def _outputs(raw):
    workspace = open_month("params/demo.yaml", AS_OF, raw=raw, cores=1)
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    cleaned = clean(ingested, links, workspace.profile, workspace.as_of)
    frames = {
        name: table if isinstance(table, pd.DataFrame) else table.execute()
        for name, table in cleaned.outputs.items()
    }
    return frames, cleaned.profile


def test_every_table_of_a_month_is_what_it_was_then(made):
    (now, profile_now), (then, profile_then) = made
    assert set(now) == set(then)
    for name, frame in now.items():
        drop = WHAT_LIES_IN_THE_FILES if name == "ledger" else []
        pd.testing.assert_frame_equal(
            frame.drop(columns=drop).reset_index(drop=True),
            then[name].drop(columns=drop).reset_index(drop=True),
            obj=name,
        )
    assert profile_now == profile_then


def test_later_rows_without_a_date_are_among_those_left_aside(made):
    """Without faults in the later files the test above would hold of any code."""
    (now, _), (then, _) = made
    more = (now["ledger"].rows_in_files - then["ledger"].rows_in_files).sum()
    assert more > 0
    assert (now["ledger"].rows_later - then["ledger"].rows_later).sum() == more
    assert then["ledger"].rows_rejected.sum() > 0


HEADER = "no,who,at,done,yuan\n"
SOME = {"crm.csv": "id\nA\nB\nC\n"}
PROFILE = together(CUSTOMERS, ORDERS)


def days(prefix, month, n, who="A"):
    return "".join(
        f"{prefix}{d},{who},2026-{month:02}-{1 + d % 28:02} 10:00,,5\n" for d in range(n)
    )


def books(tmp_path, files, month="2026-09", profile=PROFILE):
    _, cleaned = cleaned_from(workspace_of(tmp_path, {**SOME, **files}, profile, month))
    return cleaned, ledger_row(cleaned, "orders", "shipments")


def test_a_file_of_later_months_is_not_read(tmp_path):
    """Also not what it says of a month before: it was sent again, or booked late."""
    late = days("b", 10, 40) + "x,A,,,5\ny,A,2062-10-03 10:00,,5\nz,A,2026-09-30 10:00,,5\nbroken\n"
    cleaned, row = books(
        tmp_path, {"orders_09.csv": HEADER + days("a", 9, 40), "orders_10.csv": HEADER + late}
    )
    assert (row["rows_in_files"], row["rows_later"]) == (84, 44)
    assert (row["rows_kept"], row["rows_rejected"]) == (40, 0)
    assert rejects(cleaned) == []
    assert set(cleaned.quality.query("source == 'orders'").rows_n) == {40}


def test_a_file_that_reaches_into_the_month_is_read(tmp_path):
    week = days("b", 9, 4) + "x,A,,,5\n" + days("c", 10, 10)
    _, row = books(
        tmp_path, {"orders_09.csv": HEADER + days("a", 9, 40), "orders_40.csv": HEADER + week}
    )
    assert (row["rows_kept"], row["rows_later"]) == (44, 11)  # x: most around it came later


def test_the_only_file_is_read_in_its_first_month(tmp_path):
    """Three rows of a hundred are all that the month has."""
    _, row = books(
        tmp_path, {"orders.csv": HEADER + days("a", 9, 3) + days("b", 10, 97)}, "2026-09"
    )
    assert (row["rows_kept"], row["rows_later"]) == (3, 97)


def test_a_broken_row_of_a_file_that_was_not_there_is_none_of_the_months(tmp_path):
    """Though all around it was booked late."""
    late = days("l", 9, 40) + "broken\n" + days("b", 10, 960)
    files = {"orders_09.csv": HEADER + days("a", 9, 900), "orders_10.csv": HEADER + late}
    cleaned, row = books(tmp_path, files)
    assert (row["rows_kept"], row["rows_rejected"], row["rows_later"]) == (900, 0, 1001)
    assert rejects(cleaned) == []


def test_files_that_hold_the_month_together_are_read(tmp_path):
    """A file a branch, over two years each: its first month is a 24th of each, a 21st of all."""
    months = [f"{2026 + at // 12}-{1 + at % 12:02}" for at in range(8, 32)]
    files = {
        f"orders_{branch:02}.csv": HEADER
        + "".join(f"{branch}-{month},A,{month}-03 10:00,,5\n" for month in months)
        for branch in range(21)
    }
    _, row = books(tmp_path, files)
    assert (row["rows_kept"], row["rows_later"]) == (21, 21 * 23)


def test_in_a_file_that_grows_the_neighbours_date_a_row(tmp_path):
    early, late = days("a", 9, 64) + "x,A,,,5\nbad\n", days("b", 10, 200) + "y,A,,,5\nbad\n"
    grown = {"orders.csv": HEADER + early + late}
    cleaned, row = books(tmp_path, grown)
    assert [(r, rule) for r, _, rule, _, _ in rejects(cleaned)] == []
    assert (row["rows_kept"], row["rows_rejected"], row["rows_later"]) == (64, 0, 204)
    cleaned, row = books(tmp_path, grown, "2026-10")
    assert (row["rows_kept"], row["rows_rejected"], row["rows_later"]) == (264, 4, 0)


def test_a_file_without_any_date_is_read(tmp_path):
    files = {
        "orders_09.csv": HEADER + days("a", 9, 40),
        "orders_10.csv": HEADER + days("b", 10, 40),
        "orders_11.csv": HEADER + "x,A,,,5\n",
    }
    assert books(tmp_path, files)[1]["rows_rejected"] == 1


def test_invoices_are_written_before_they_are_due(tmp_path):
    """Their file was there: one of thirty is paid in cash, and due at once."""
    bills = {
        "sources": {"bills": {"system": "crm", "files": "bills*.csv", "columns": {
            "no": "text", "who": "text", "due": "date", "yuan": "number"}}},
        "tables": {"receivables": {"source": "bills", "select":
            "SELECT no AS invoice_id, who AS customer_id, due AS due_on, yuan AS amount "
            "FROM bills"}},
    }  # fmt: skip
    head = "no,who,due,yuan\n"
    august = head + "".join(f"a{at},A,2026-09-20,5\n" for at in range(40))
    september = head + "c,A,2026-09-28,5\n" + "".join(f"b{at},A,2026-10-20,5\n" for at in range(30))
    files = {"orders.csv": HEADER + days("a", 9, 40), "bills_08.csv": august,
             "bills_09.csv": september}  # fmt: skip
    cleaned, _ = books(tmp_path, files, profile=together(PROFILE, bills))
    assert ledger_row(cleaned, "bills", "receivables")["rows_kept"] == 41


def test_a_source_that_another_joins_stays_whole(tmp_path):
    """Else tickets would lose their partners in it and count as rejected."""
    tickets = {
        "sources": {"desk": {"system": "crm", "files": "desk.csv",
                             "columns": {"t": "text", "no": "text", "at": "time"}}},
        "tables": {"tickets": {"source": "desk", "select":
            "SELECT t AS ticket_id, who AS customer_id, desk.at AS opened_at "
            "FROM desk JOIN orders ON desk.no = orders.no"}},
    }  # fmt: skip
    files = {
        "orders_09.csv": HEADER + days("a", 9, 40),
        "orders_10.csv": HEADER + days("b", 10, 40),
        "desk.csv": "t,no,at\n1,a1,2026-09-05 10:00\n2,b1,2026-10-05 10:00\n",
    }
    cleaned, _ = books(tmp_path, files, profile=together(PROFILE, tickets))
    assert ledger_row(cleaned, "desk", "tickets")["rows_rejected"] == 0


def test_a_correction_of_a_later_row_is_not_told(tmp_path):
    files = {
        "orders_09.csv": HEADER + days("a", 9, 40),
        "orders_10.csv": HEADER + days("b", 10, 40),
    }
    workspace = workspace_of(tmp_path, {**SOME, **files}, PROFILE, "2026-09")
    flag = Correction.model_validate(
        {"id": "odd", "source": "orders", "match": {"yuan": 5}, "action": "flag", "reason": "r",
         "who": "w", "status": "permanent", "expectation": {"_rows": 80}}
    )  # fmt: skip
    ingested = correct(ingest(workspace), [flag])
    links = resolve(customer_records(ingested, workspace.profile))
    cleaned = clean(ingested, links, workspace.profile, workspace.as_of)
    assert len(rejects(cleaned)) == 40


def test_the_sources_stay_whole_for_the_next_month(tmp_path):
    """Cleaning an early month leaves what a later one, and identity, read."""
    files = {
        "orders_09.csv": HEADER + days("a", 9, 40),
        "orders_10.csv": HEADER + days("b", 10, 40),
    }
    workspace = workspace_of(tmp_path, {**SOME, **files}, PROFILE, "2026-10")
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    early = clean(ingested, links, workspace.profile, workspace.as_of.shifted(-1))
    late = clean(ingested, links, workspace.profile, workspace.as_of)
    assert len(rows(early.tables["shipments"], "shipment_id")) == 40
    assert len(rows(late.tables["shipments"], "shipment_id")) == 80


def test_records_that_came_later_have_no_links(tmp_path):
    """The other system's customers stand in its waybills; one issued A a second id in October."""
    desk = {
        "sources": {"desk": {"system": "desk", "files": "desk*.csv",
                             "columns": {"id": "text", "tax": "text", "at": "time"}}},
        "tables": {
            "customer_names": [
                {"source": "crm", "select": "SELECT id AS customer_id, tax AS tax_id FROM crm"},
                {"source": "desk", "select": "SELECT id AS customer_id, tax AS tax_id FROM desk"},
            ],
            "tickets": {"source": "desk", "select": "SELECT id || at AS ticket_id, "
                        "id AS customer_id, at AS opened_at FROM desk"},
        },
    }  # fmt: skip
    profile = together(PROFILE, desk)
    profile["sources"]["crm"] = dict(
        profile["sources"]["crm"], columns={"id": "text", "tax": "text"}
    )
    tax = "91310199MA0100008W"
    tickets = [f"{who},{tax},2026-{month:02}-{day:02} 10:00\n"
               for who, month in (("T1", 9), ("T2", 10)) for day in range(1, 21)]  # fmt: skip
    files = {
        "crm.csv": f"id,tax\nA,{tax}\n",
        "orders.csv": HEADER + days("a", 9, 40) + days("b", 10, 40),
        "desk_09.csv": "id,tax,at\n" + "".join(tickets[:20]),
        "desk_10.csv": "id,tax,at\n" + "".join(tickets[20:]),
    }
    linked = {month: _linked(tmp_path, files, profile, month) for month in ("2026-09", "2026-10")}
    assert linked == {"2026-09": ["A", "T1"], "2026-10": ["A", "T1", "T2"]}


def _linked(tmp_path, files, profile, month):
    _, cleaned = cleaned_from(workspace_of(tmp_path, files, profile, month))
    return [one for (one,) in rows(cleaned.tables["customer_links"], "source_customer_id")]


@pytest.mark.parametrize(
    ("began", "dates"),
    [
        ("at", ("at",)),
        ("coalesce(done, at)", ("done", "at")),
        ("CAST(at AS DATE)", ("at",)),
        ("at + INTERVAL 3 DAY", ()),
        ("CASE WHEN yuan > 1 THEN at END", ()),
        ("coalesce(at, strptime(who, '%Y'))", ()),
    ],
)
def test_which_columns_date_the_rows(tmp_path, began, dates):
    parts = together(PROFILE)
    parts["tables"]["shipments"] = {
        "source": "orders",
        "select": "SELECT no AS shipment_id, who AS customer_id, "
        f"{began} AS shipped_at FROM orders",
    }
    profile = workspace_of(tmp_path, SOME, parts).profile
    assert queries_of(profile)["shipments"][0].dates == dates
