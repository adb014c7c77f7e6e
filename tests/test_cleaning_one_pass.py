"""All rules of a table are evaluated in one pass: one statement that scans its source once."""

from analysis.cleaning import customer_records
from analysis.cleaning.candidates import begin_candidates
from analysis.cleaning.selects import queries_of
from analysis.engine import Engine
from analysis.identity import resolve
from analysis.sources import ingest
from raw_company import CUSTOMERS, ORDERS, together, workspace_of

FEWEST_RULES = 8


def test_the_rules_of_a_table_are_evaluated_in_one_scan(tmp_path, monkeypatch):
    orders = "no,who,at,done,yuan\n1,C1,2026-10-01,2026-09-01,-5\n2,C2,2026-10-02,,5\n"
    files = {"crm.csv": "id\nC1\n", "orders.csv": orders}
    workspace = workspace_of(tmp_path, files, together(CUSTOMERS, ORDERS))
    ingested = ingest(workspace)
    links = workspace.engine.materialise(resolve(customer_records(ingested, workspace.profile)))
    (query,) = queries_of(workspace.profile)["shipments"]
    ran = []
    run = Engine.begin

    def recorded(engine, table, name, paths=()):
        ran.append(table)
        return run(engine, table, name, paths)

    monkeypatch.setattr(Engine, "begin", recorded)
    offered = begin_candidates(workspace.engine, query, links, workspace.as_of, alone=True)()
    assert len(ran) == 1, "one statement"
    connection = workspace.engine.connection
    sql = connection.compile(ran[0])
    plan = connection.raw_sql(f"EXPLAIN {sql}").fetchall()[0][1]
    assert plan.count("read_orders") == 1, plan
    assert plan.count("Seq Scan") == 2, "the source and the links"
    assert len(offered.rules) >= FEWEST_RULES
    broken = offered.table.order_by("_row")["_broken"].execute().tolist()
    assert broken[0].bit_count() == 2, "two rules of one row, both known"
    assert broken[1].bit_count() == 1
