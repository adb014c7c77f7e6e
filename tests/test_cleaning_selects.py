"""A profile's SELECTs: only what can be counted and repeated is accepted."""

import pytest
import yaml

from analysis.cleaning import queries_of, select_faults
from analysis.errors import AnalysisError
from analysis.params import Profile
from analysis.params.loading import build
from raw_company import CUSTOMERS, HEAD, ORDERS, together


def profile(select, *, source="orders", **more):
    parts = together(CUSTOMERS, ORDERS)
    parts["tables"]["shipments"] = {"source": source, "select": select, **more}
    return build(Profile, {**yaml.safe_load(HEAD), **parts}, "tiny.yaml")


def fault(select, **more):
    with pytest.raises(AnalysisError) as told:
        queries_of(profile(select, **more))
    return str(told.value)


FINE = "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at FROM orders"


def query(select, **more):
    return queries_of(profile(select, **more))["shipments"][0]


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("SELEC no FROM orders", "cannot be read|not one SELECT"),
        ("", "not one SELECT"),
        (f"{FINE}; DROP TABLE orders", "not one SELECT"),
        (f"{FINE} UNION ALL {FINE}", "not one SELECT"),
        ("DELETE FROM orders", "not one SELECT"),
        (FINE.replace("orders", "orderz"), "Did you mean 'orders'?"),
        (FINE.replace("orders", "read_csv('/etc/passwd')"), "no source of this profile"),
        (FINE.replace("orders", "'/etc/passwd'"), "no source of this profile"),
        (FINE.replace("orders", "information_schema.tables"), "no source of this profile"),
        (FINE.replace("who", "whom"), "Did you mean 'who'?"),
        (FINE.replace("shipped_at", "shiped_at"), "Did you mean 'shipped_at'?"),
        (FINE.replace("no AS shipment_id, ", ""), "key 'shipment_id'"),
        (FINE.replace(", at AS shipped_at", ""), "needs the column 'shipped_at'"),
        (FINE.replace("at AS", "now() AS"), "clock or on chance"),
        (FINE.replace("at AS", "current_timestamp AS"), "clock or on chance"),
        (FINE + " WHERE random() < 0.5", "clock or on chance"),
        (FINE + " LIMIT 5", "LIMIT would lose rows"),
        (FINE.replace("SELECT", "SELECT DISTINCT"), "DISTINCT would lose rows"),
        (FINE.replace("orders", "crm"), "does not declare|do not declare"),
        (FINE.replace("FROM orders", "FROM (SELECT * FROM orders) AS o"), "must stand in"),
        (f"{FINE} JOIN orders AS b ON orders.no = b.no".replace("SELECT no", "SELECT orders.no")
         .replace("who", "orders.who").replace("at AS", "orders.at AS"), "must stand in"),
        (FINE + ", who AS customer_id", "cannot be read|no source|not one"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told(select, told):
    text = fault(select)
    assert any(part in text for part in told.split("|")), text


def test_all_faults_of_all_selects_come_together():
    text = fault("SELECT a AS x, b AS y FROM orders")
    assert "do not declare" in text
    parts = profile(FINE.replace("who", "whom"))
    broken = parts.model_copy(
        update={"tables": {**parts.tables, "tickets": parts.tables["shipments"]}}
    )
    assert len(select_faults(broken)) == 2


def test_a_select_that_does_not_fit_the_types_is_found_without_data():
    told = select_faults(profile(FINE.replace("at AS", "at + no AS")))
    assert len(told) == 1
    assert "does not run" in str(told[0])
    assert "tables.shipments[0]" in told[0].where
    assert select_faults(profile(FINE)) == []


def test_what_a_query_knows_about_itself():
    plain = query(FINE)
    assert (plain.grouped, plain.filters, plain.joins) == (False, False, False)
    assert plain.used == ("no", "who", "at")
    assert plain.system == "crm"
    assert query(FINE, customer_ids="oms").system == "oms"
    assert query(FINE + " WHERE yuan > 0").filters
    assert query(FINE + " WHERE yuan > 0").used == ("no", "who", "at", "yuan")
    assert query(FINE + " JOIN crm ON who = id").joins
    grouped = query(FINE.replace("at AS", "min(at) AS") + " GROUP BY no, who")
    assert grouped.grouped
    window = query(FINE.replace("at AS", "max(at) OVER (PARTITION BY no) AS"))
    assert not window.grouped


def test_names_are_told_apart_as_sql_does():
    select = 'SELECT NO AS shipment_id, "Who" AS customer_id, o.At AS shipped_at FROM Orders AS o'
    assert "no source" in fault(select), "sources are written as declared"
    found = query(select.replace("Orders", "orders"))
    assert found.used == ("no", "who", "at")


def test_personal_columns_are_named_as_declared_and_those_of_joined_sources_too():
    select = "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at FROM orders"
    parts = together(CUSTOMERS, ORDERS)
    parts["sources"]["notes"] = {
        "system": "crm", "files": "notes.csv",
        "columns": {"No": "text", "At": "time", "Comment": "text"},
    }  # fmt: skip
    parts["sources"]["words"] = {
        "system": "crm", "files": "words.csv", "columns": {"Key": "text", "Said": "text"},
    }  # fmt: skip
    parts["tables"] |= {
        "shipments": {"source": "orders", "select": select},
        "survey_comments": {
            "source": "notes",
            "select": "SELECT n.No AS survey_id, n.At AS answered_at, "
            "n.Comment || w.Said AS comment FROM notes AS n JOIN words AS w ON n.no = w.key",
        },
    }
    found = queries_of(build(Profile, {**yaml.safe_load(HEAD), **parts}, "tiny.yaml"))
    personal = found["survey_comments"][0].personal
    assert personal == {"notes": {"Comment"}, "words": {"Said"}}
    assert not any(found["shipments"][0].personal.values())


def test_ctes_over_sources_are_fine():
    select = """
        WITH known AS (SELECT id FROM crm)
        SELECT no AS shipment_id, who AS customer_id, at AS shipped_at
        FROM orders JOIN known ON known.id = who
    """
    assert query(select).joins
    assert select_faults(profile(select)) == []


OWN = "SELECT notes.No AS survey_id, notes.At AS answered_at"
JOINED = f"{OWN}, w.said AS comment FROM notes JOIN w ON w.No = notes.No"
INNER = "SELECT max(n.Comment) FROM notes AS n WHERE n.No = notes.No"
WHO = "SELECT No, Who FROM notes"
V = "v AS (SELECT No, Comment AS x FROM notes)"


@pytest.mark.parametrize(
    "select",
    [
        f"WITH w AS (SELECT No, Comment AS said FROM notes) {JOINED}",
        f"WITH {V}, w AS (SELECT No, upper(x) AS said FROM v) {JOINED}",
        f"WITH {V}, w AS (SELECT No, x AS said FROM v UNION ALL {WHO}) {JOINED}",
        f"{OWN}, ({INNER}) AS comment FROM notes",
    ],
)
def test_personal_columns_are_found_through_subqueries(select):
    parts = together(CUSTOMERS, ORDERS)
    columns = {"No": "text", "At": "time", "Who": "text", "Comment": "text"}
    parts["sources"]["notes"] = {"system": "crm", "files": "notes.csv", "columns": columns}
    parts["tables"] |= {
        "shipments": {"source": "orders", "select": FINE},
        "survey_comments": {"source": "notes", "select": select},
    }
    found = queries_of(build(Profile, {**yaml.safe_load(HEAD), **parts}, "tiny.yaml"))
    (one,) = found["survey_comments"]
    assert one.personal == {"notes": {"Comment", "Who"} if "UNION" in select else {"Comment"}}
