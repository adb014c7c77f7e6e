"""Cleaning: every row ends as kept, rejected or merged, and the books say why."""

import datetime as dt

import pytest

from analysis.cleaning import verify
from analysis.cleaning.ledger import Entry, ledger_of
from analysis.errors import AnalysisError, ContractError, CoverageError, ParamsError, RunError
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

CRM = "id\nC1\nC2\n"
HEADER = "no,who,at,done,yuan\n"
PROFILE = together(CUSTOMERS, ORDERS)


def cleaned(folder, orders, *, profile=PROFILE, month="2026-10", files=None, **more):
    written = {"crm.csv": CRM, "orders.csv": HEADER + orders, **(files or {})}
    return cleaned_from(workspace_of(folder, written, profile, month, **more))[1]


def books(in_files, later=0, left_out=0, *, kept, rejected=0, merged=0):
    return {
        "rows_in_files": in_files,
        "rows_later": later,
        "rows_left_out": left_out,
        "rows_read": in_files - later - left_out,
        "rows_kept": kept,
        "rows_rejected": rejected,
        "rows_merged": merged,
    }


def test_every_broken_rule_of_a_row_is_told_with_its_place_and_value(tmp_path):
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01 09:00,2026-10-02 09:00,10\n"
        "2,C9,2026-10-01 09:00,2026-09-30 09:00,-5\n"  # three rules at once
        ",C1,2026-10-01,,1\n"
        "4,C1,soon,,viele\n"
        "5,C1\n",
    )
    assert rows(found.tables["shipments"], "shipment_id", "revenue") == [("1", 10.0)]
    assert rejects(found) == [
        (3, "customer_id", "unknown_customer", "C9", "rejected"),
        (3, "delivered_at", "before_shipped_at", "2026-09-30 09:00:00", "rejected"),
        (3, "revenue", "out_of_range", "-5.0", "rejected"),
        (4, "shipment_id", "required", None, "rejected"),
        (5, "at", "not_a_time", "soon", "rejected"),
        (5, "shipped_at", "required", None, "rejected"),
        (5, "yuan", "not_a_number", "viele", "rejected"),
        (6, None, "wrong_field_count", "2 fields, 5 expected", "rejected"),
    ]
    assert ledger_row(found, "orders", "shipments") == books(5, kept=1, rejected=4)
    counts = found.violations.set_index("rule")["rows_n"]
    assert counts["required"].sum() == 2
    assert verify(found).all_passed()


def test_nothing_later_than_the_month_is_known(tmp_path):
    orders = (
        "1,C1,2026-09-30 09:00,2026-10-01 00:00,10\n"
        "2,C1,2026-10-01 00:00,,20\n"
        "3,C1,2062-10-01,,20\n"
        "4,C1,2026-09-01,2029-09-01,20\n"
    )
    september = cleaned(tmp_path / "a", orders, month="2026-09")
    assert rows(september.tables["shipments"], "shipment_id", "delivered_at") == [
        ("1", None),
        ("4", None),
    ]
    assert ledger_row(september, "orders", "shipments") == books(4, later=1, kept=2, rejected=1)
    october = cleaned(tmp_path / "b", orders, month="2026-10")
    assert [row[0] for row in rows(october.tables["shipments"], "shipment_id")] == ["1", "2", "4"]
    assert rejects(october) == [
        (4, "shipped_at", "far_future", "2062-10-01 00:00:00", "rejected"),
        (5, "delivered_at", "implausibly_late", "2029-09-01 00:00:00", "emptied"),
    ]


def test_later_rows_and_updates_do_not_change_an_earlier_month(tmp_path):
    profile = together(
        PROFILE,
        {
            "sources": {
                "asked": {
                    "system": "crm",
                    "files": "asked.csv",
                    "columns": {"no": "text", "who": "text", "sent": "time", "done": "time",
                                "nps": "integer"},
                },
                "crm": {
                    "system": "crm",
                    "files": "crm.csv",
                    "columns": {"id": "text", "since": "date"},
                },
            },
            "tables": {
                "surveys": {
                    "source": "asked",
                    "select": "SELECT no AS survey_id, who AS customer_id, sent AS sent_at, "
                    "done AS answered_at, nps AS nps_score FROM asked",
                },
                "customers": {
                    "source": "crm",
                    "select": "SELECT id AS customer_id, since AS onboarded_on FROM crm",
                },
            },
        },
    )  # fmt: skip
    asked = "no,who,sent,done,nps\n"
    then = {
        "crm.csv": "id,since\nC1,2026-01-01\nC2,\n",
        "asked.csv": asked + "1,C1,2026-09-05,,\n2,C1,2026-09-06,2026-09-07,8\n",
    }
    now = {
        "crm.csv": "id,since\nC1,2026-01-01\nC2,\nC3,2026-10-09\nC4,\n",
        "asked.csv": asked + "1,C1,2026-09-05,2026-10-02,11\n2,C1,2026-09-06,2026-09-07,8\n"
        "3,C2,2026-10-06,,\n",
    }
    before = cleaned(
        tmp_path / "a", "1,C1,2026-09-05,,5\n", profile=profile, month="2026-09", files=then
    )
    after = cleaned(
        tmp_path / "b",
        "1,C1,2026-09-05,2026-10-03,5\n2,C3,2026-10-09,,5\n3,C4,2026-10-09,,5\n",
        profile=profile,
        month="2026-09",
        files=now,
    )
    assert set(before.tables) == set(after.tables)
    for name, table in before.tables.items():
        columns = table.columns
        assert rows(table, *columns) == rows(after.tables[name], *columns), name
    assert rows(before.tables["customers"], "customer_id") == [("C1",)]
    assert rejects(before) == rejects(after) == []


def test_a_loss_is_known_thirty_days_after_the_promise(tmp_path):
    orders = {
        "system": "crm",
        "files": "orders.csv",
        "columns": {"no": "text", "who": "text", "at": "time", "by": "time", "done": "time",
                    "lost": "boolean"},
    }  # fmt: skip
    select = (
        "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at, by AS promised_at, "
        "done AS delivered_at, lost AS is_lost FROM orders"
    )
    profile = together(
        CUSTOMERS,
        {
            "sources": {"orders": orders},
            "tables": {"shipments": {"source": "orders", "select": select}},
        },
    )
    text = (
        "no,who,at,by,done,lost\n"
        "1,C1,2026-10-01,2026-10-02,,1\n"  # promised 29 days before the month's end
        "2,C1,2026-09-01,2026-10-01,,1\n"  # promised 30 full days and more before it
        "3,C1,2026-09-01,,,1\n"
        "4,C1,2026-10-20,2026-10-22,2026-10-23,0\n"
    )
    found = cleaned(tmp_path, "", profile=profile, files={"orders.csv": text})
    assert rows(found.tables["shipments"], "shipment_id", "is_lost") == [
        ("1", None),
        ("2", True),
        ("3", True),
        ("4", False),
    ]


def test_copies_are_merged_and_contradictions_rejected(tmp_path):
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,10\n"
        "1,C1,2026-10-01,,10\n"
        "2,C1,2026-10-01,,10\n"
        "2,C1,2026-10-01,,11\n"
        "2,C1,2026-10-01,,10\n"
        "3,C1,2026-10-01,,-1\n"  # rejected, so that its correct copy stays
        "3,C1,2026-10-01,,1\n",
    )
    assert rows(found.tables["shipments"], "shipment_id", "revenue") == [
        ("1", 10.0),
        ("2", 10.0),
        ("3", 1.0),
    ]
    assert ledger_row(found, "orders", "shipments") == books(7, kept=3, rejected=2, merged=2)
    assert (5, "shipment_id", "duplicate_key", "2", "rejected") in rejects(found)


TRUCKS = {
    "sources": {
        "trucks": {
            "system": "tms",
            "files": "trucks.csv",
            "columns": {"no": "text", "who": "text", "picked": "time", "kg": "number"},
        },
        "shippers": {
            "system": "tms",
            "files": "shippers.csv",
            "columns": {"id": "text", "name": "text", "phone": "text"},
        },
        "crm": {
            "system": "crm",
            "files": "crm.csv",
            "columns": {"id": "text", "name": "text", "phone": "text"},
        },
    },
    "tables": {
        "customer_names": [
            {"source": "crm", "select": "SELECT id AS customer_id, name, phone FROM crm"},
            {"source": "shippers", "select": "SELECT id AS customer_id, name, phone FROM shippers"},
        ],
        "shipments": [
            {
                "source": "trucks",
                "select": "SELECT no AS shipment_id, who AS customer_id, picked AS shipped_at, "
                "kg AS weight_kg FROM trucks",
            },
            ORDERS["tables"]["shipments"],
        ],
    },
}


def test_two_systems_are_merged_field_by_field_in_the_order_of_the_selects(tmp_path):
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,10\n2,C1,2026-10-01,,20\n3,,2026-10-01,,30\n4,C9,2026-10-01,,40\n",
        profile=together(CUSTOMERS, ORDERS, TRUCKS),
        files={
            "crm.csv": "id,name,phone\nC1,上海锐锐纺织有限公司,021-5555 1234\nC2,Other Ltd.,\n",
            "shippers.csv": "id,name,phone\nT7,上海锐锐纺织,（021）55551234\nT8,Nobody,1234567\n",
            "trucks.csv": "no,who,picked,kg\n1,T7,2026-10-02,5\n3,T7,2026-10-03,0\n"
            "4,T8,2026-10-04,7\n5,T7,,8\n6,T7,2026-10-05,9\n",
        },
    )
    columns = ("shipment_id", "customer_id", "shipped_at", "weight_kg", "revenue")
    assert rows(found.tables["shipments"], *columns) == [
        ("1", "C1", dt.datetime(2026, 10, 2), 5.0, 10.0),
        ("2", "C1", dt.datetime(2026, 10, 1), None, 20.0),
        ("3", "C1", dt.datetime(2026, 10, 3), None, 30.0),
        ("6", "C1", dt.datetime(2026, 10, 5), 9.0, None),
    ]
    assert ledger_row(found, "trucks", "shipments") == books(5, kept=3, rejected=2)
    assert ledger_row(found, "orders", "shipments") == books(4, kept=1, rejected=1, merged=2)
    assert sorted(rejects(found), key=str) == sorted(
        [
            (3, "customer_id", "unknown_customer", "T8", "rejected"),  # shippers
            (4, "customer_id", "required", None, "filled"),  # order 3: the truck knew
            (5, "customer_id", "unknown_customer", "C9", "rejected"),  # order 4
            (4, "customer_id", "unknown_customer", "T8", "rejected"),  # truck 4
            (3, "weight_kg", "out_of_range", "0.0", "emptied"),  # 0 kg: not weighed
            (5, "shipped_at", "required", None, "rejected"),  # truck 5 has no order
        ],
        key=str,
    )
    names = rows(found.tables["customer_names"], "customer_id", "name")
    assert names == [("C1", "上海锐锐纺织有限公司")], "only customers with facts or a known date"


GROUPED = {
    "sources": {
        "lines": {
            "system": "crm",
            "files": "lines.csv",
            "columns": {"no": "text", "line": "integer", "who": "text", "at": "time",
                        "yuan": {"type": "number", "nulls": ["see *"]}},
        },
    },
    "tables": {
        "shipments": {
            "source": "lines",
            "select": "SELECT no AS shipment_id, min(who) AS customer_id, min(at) AS shipped_at, "
            "sum(yuan) AS revenue FROM lines WHERE line > 0 GROUP BY no",
        }
    },
}  # fmt: skip


def test_grouped_rows_are_all_accounted_for(tmp_path):
    found = cleaned(
        tmp_path,
        "",
        profile=together(CUSTOMERS, GROUPED),
        files={
            "lines.csv": "no,line,who,at,yuan\n"
            "A,1,C1,2026-10-01,5\nA,2,C1,2026-10-01,see line 1\nA,3,C1,2026-10-02,7\n"
            "B,1,C1,2026-11-01,5\nB,2,C1,2026-11-02,5\n"
            "C,1,C1,2026-10-01,5\nC,2,C1,whenever,5\n"
            "D,0,C1,2026-10-01,5\n"
            "E,1,C9,2026-10-01,5\nE,2,C9,2026-10-01,5\n"
        },
    )
    assert rows(found.tables["shipments"], "shipment_id", "revenue") == [("A", 12.0)]
    expected = books(10, later=2, left_out=1, kept=1, rejected=4, merged=2)
    assert ledger_row(found, "lines", "shipments") == expected
    assert rejects(found) == [
        (7, None, "group_rejected", None, "rejected"),
        (8, "at", "not_a_time", "whenever", "rejected"),
        (10, "customer_id", "unknown_customer", "C9", "rejected"),
        (11, "customer_id", "unknown_customer", "C9", "rejected"),
    ]


def joined(select, **more):
    lookup = {"system": "crm", "files": "places.csv", "columns": {"id": "text", "region": "text",
                                                                  "no": "integer"}}  # fmt: skip
    parts = together(CUSTOMERS, ORDERS, {"sources": {"places": lookup}})
    parts["tables"]["shipments"] = {"source": "orders", "select": select, **more}
    return parts


SELECT = (
    "SELECT o.no AS shipment_id, o.who AS customer_id, o.at AS shipped_at, "
    "p.region AS origin_region FROM orders AS o {} JOIN places AS p ON p.id = o.who"
)
PLACES = "id,region,no\nC1,East,1\n"


def test_a_join_that_drops_rows_says_so_and_a_where_is_a_choice(tmp_path):
    orders = "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n3,C1,2026-10-01,,-1\n4,C1,2026-11-01,,1\n"
    found = cleaned(
        tmp_path,
        orders,
        profile=joined(SELECT.format("") + " WHERE o.yuan > 0"),
        files={"places.csv": PLACES + "C3,West,many\n"},
    )
    assert rows(found.tables["shipments"], "shipment_id", "origin_region") == [("1", "East")]
    expected = books(4, later=1, left_out=1, kept=1, rejected=1)
    assert ledger_row(found, "orders", "shipments") == expected
    assert ledger_row(found, "places", "lookup") == books(2, kept=1, rejected=1)
    assert rejects(found) == [
        (3, "no", "not_an_integer", "many", "rejected"),
        (3, None, "not_selected", None, "rejected"),
    ]


def test_a_left_join_keeps_rows_and_uses_only_readable_partners(tmp_path):
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n",
        profile=joined(SELECT.format("LEFT")),
        files={"places.csv": PLACES + "C2,West,many\n"},
    )
    assert rows(found.tables["shipments"], "shipment_id", "origin_region") == [
        ("1", "East"),
        ("2", None),
    ]


def test_a_join_that_multiplies_rows_is_refused(tmp_path):
    with pytest.raises(ParamsError) as told:
        cleaned(
            tmp_path,
            "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n",
            profile=joined(SELECT.format("LEFT")),
            files={"places.csv": PLACES + "C1,West,2\n"},
        )
    assert "more than once" in told.value.what
    assert told.value.got == "1 rows too many"


ITEMS = {
    "sources": {
        "asked": {
            "system": "crm",
            "files": "asked.csv",
            "columns": {"no": "text", "done": "time", "a": "integer", "b": "integer"},
        }
    },
    "tables": {
        "survey_items": {
            "source": "asked",
            "many": True,
            "select": "SELECT no AS survey_id, done AS answered_at, unnest(['a', 'b']) AS item, "
            "unnest([a, b]) AS score FROM asked WHERE done IS NOT NULL",
        }
    },
}


def test_one_row_may_yield_several_where_that_is_declared(tmp_path):
    asked = "no,done,a,b\n1,2026-10-01,4,5\n2,,,\n3,2026-10-01,4,9\n4,2026-11-01,4,4\n"
    asked += "5,2026-10-01,9,9\n"
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,1\n",
        profile=together(PROFILE, ITEMS),
        files={"asked.csv": asked},
    )
    items = rows(found.tables["survey_items"], "survey_id", "item", "score")
    assert items == [("1", "a", 4), ("1", "b", 5), ("3", "a", 4)]
    expected = books(5, later=1, left_out=1, kept=2, rejected=1)
    assert ledger_row(found, "asked", "survey_items") == expected
    ITEMS["tables"]["survey_items"].pop("many")
    with pytest.raises(ParamsError, match="more than once"):
        cleaned(
            tmp_path / "b",
            "1,C1,2026-10-01,,1\n",
            profile=together(PROFILE, ITEMS),
            files={"asked.csv": asked},
        )


COSTS = {
    "sources": {
        "crm": {
            "system": "crm",
            "files": "crm.csv",
            "columns": {"id": "text", "name": "text", "tax": "text", "boss": "text"},
        },
        "costs": {
            "system": "crm",
            "files": "costs.csv",
            "columns": {"m": "month", "who": "text", "what": "text", "yuan": "number"},
        },
        "arms": {
            "system": "crm",
            "files": "arms.csv",
            "columns": {"who": "text", "arm": "text", "at": "time"},
        },
    },
    "tables": {
        "customers": {
            "source": "crm",
            "select": "SELECT id AS customer_id, boss AS parent_customer_id, name AS region "
            "FROM crm",
        },
        "customer_names": {
            "source": "crm",
            "select": "SELECT id AS customer_id, name, tax AS tax_id FROM crm",
        },
        "service_costs": {
            "source": "costs",
            "select": "SELECT m AS month, who AS customer_id, what AS activity, yuan AS cost "
            "FROM costs",
        },
        "assignments": {
            "source": "arms",
            "select": "SELECT 'x' AS experiment_id, who AS customer_id, arm, at AS assigned_at "
            "FROM arms",
        },
    },
}


def test_ids_that_turn_out_to_be_one_customer(tmp_path):
    tax = "91310199MA0100008W"
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n3,C3,2026-10-01,,1\n",
        profile=together(ORDERS, COSTS),
        files={
            "crm.csv": f"id,name,tax,boss\nC2,,{tax.lower()},\nC1,甲,{tax},C2\nC3,乙,,C2\n",
            "costs.csv": "m,who,what,yuan\n2026-10,C1,agent,5\n2026-10,C2,agent,7\n"
            "2026-10,C2,agent,7\n2026-11,C1,agent,1\n",
            "arms.csv": "who,arm,at\nC2,a,2026-05-01\nC1,b,2026-05-01\nC3,a,2026-05-01\n",
        },
    )
    # C1 names C2 as its parent: with one tax id they are still kept apart.
    assert len(rows(found.tables["customers"], "customer_id")) == 3

    found = cleaned(
        tmp_path / "b",
        "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n3,C3,2026-10-01,,1\n",
        profile=together(ORDERS, COSTS),
        files={
            "crm.csv": f"id,name,tax,boss\nC2,,{tax.lower()},\nC1,甲,{tax},\nC3,乙,,C2\n",
            "costs.csv": "m,who,what,yuan\n2026-10,C1,agent,5\n2026-10,C2,agent,7\n"
            "2026-10,C2,agent,7\n2026-11,C1,agent,1\n",
            "arms.csv": "who,arm,at\nC2,a,2026-05-01\nC1,b,2026-05-01\nC3,a,2026-05-01\n",
        },
    )
    assert rows(found.tables["customers"], "customer_id", "parent_customer_id", "region") == [
        ("C1", None, "甲"),
        ("C3", "C1", "乙"),
    ]
    assert ledger_row(found, "crm", "customers") == books(3, kept=2, merged=1)
    assert rows(found.tables["service_costs"], "customer_id", "cost") == [("C1", 12.0)]
    expected = books(4, later=1, kept=1, merged=2)
    assert ledger_row(found, "costs", "service_costs") == expected
    assert rows(found.tables["assignments"], "customer_id", "arm") == [("C1", "b"), ("C3", "a")]
    assert rejects(found) == [
        (2, "experiment_id, customer_id", "another_customer_id", "C2", "rejected")
    ]
    assert rows(found.tables["customer_links"], "source_customer_id", "customer_id") == [
        ("C1", "C1"),
        ("C2", "C1"),
        ("C3", "C3"),
    ]


def test_personal_values_are_masked(tmp_path):
    profile = together(
        PROFILE,
        {
            "sources": {
                "notes": {
                    "system": "crm",
                    "files": "notes.csv",
                    "columns": {"no": "text", "done": "time", "said": "text"},
                }
            },
            "tables": {
                "survey_comments": {
                    "source": "notes",
                    "select": "SELECT no AS survey_id, done AS answered_at, said AS comment "
                    "FROM notes",
                }
            },
        },
    )
    found = cleaned(
        tmp_path,
        "1,C1,2026-10-01,,1\n",
        profile=profile,
        files={"notes.csv": "no,done,said\n1,2026-10-01,secret words\n1,2026-10-01,other words\n"},
    )
    assert ledger_row(found, "notes", "survey_comments") == books(2, kept=1, rejected=1)
    assert "words" not in str(rejects(found))


def test_unreadable_personal_cells_are_masked_whatever_their_capitals_and_source(tmp_path):
    profile = together(
        PROFILE,
        {
            "sources": {
                "notes": {
                    "system": "crm",
                    "files": "notes.csv",
                    "columns": {"No": "text", "Done": "time", "Rated": "number"},
                },
                "words": {
                    "system": "crm",
                    "files": "words.csv",
                    "columns": {"Key": "text", "Said": "number"},
                },
            },
            "tables": {
                "survey_comments": {
                    "source": "notes",
                    "select": "SELECT No AS survey_id, Done AS answered_at, "
                    "CAST(Rated AS VARCHAR) || CAST(Said AS VARCHAR) AS comment "
                    "FROM notes LEFT JOIN words ON No = Key",
                }
            },
        },
    )
    files = {
        "notes.csv": "No,Done,Rated\n1,2026-10-01,secret words\n2,2026-10-01,5\n",
        "words.csv": "Key,Said\n1,secret lines\n2,6\n",
    }
    found = rejects(cleaned(tmp_path, "1,C1,2026-10-01,,1\n", profile=profile, files=files))
    assert (2, "Rated", "not_a_number", "s***(12)", "rejected") in found
    assert (2, "Said", "not_a_number", "s***(12)", "rejected") in found


def test_a_month_without_shipments_says_what_the_files_cover(tmp_path):
    orders = "1,C1,2026-08-01,,1\n2,C1,2026-10-01,,1\n"
    with pytest.raises(CoverageError) as told:
        cleaned(tmp_path, orders, month="2026-12")
    assert told.value.allowed == "2026-08 to 2026-10"
    with pytest.raises(CoverageError) as told:
        cleaned(tmp_path / "b", orders, month="2020-01")
    assert "began after" in str(told.value.allowed)


def test_shipments_that_are_all_rejected_are_not_blamed_on_the_month(tmp_path):
    with pytest.raises(CoverageError, match="Every shipment") as told:
        cleaned(tmp_path, "1,C1,2026-10-01,,1\n2,C1,2026-11-01,,1\n", files={"crm.csv": "id\n"})
    assert told.value.got == "orders: 1 of 1 rows"  # the other one began later
    assert "customer ids" in told.value.todo


def test_a_source_that_is_mostly_rejected_stops_the_run(tmp_path):
    orders = "1,C1,2026-10-01,,1\n2,C1,x,,1\n3,C1,x,,1\n"
    with pytest.raises(ContractError) as told:
        cleaned(tmp_path, orders, quality={"critical": 0.5})
    assert "2 of 3 rows" in told.value.got
    assert "not_a_time (at): 2" in told.value.got


def test_ids_that_no_system_knows_are_asked_about(tmp_path):
    with pytest.raises(ContractError, match="lack the zeros ahead"):
        cleaned(tmp_path, "1,1,2026-10-01,,1\n2,1,2026-10-01,,1\n3,C1,2026-10-01,,1\n",
                quality={"critical": 0.5})  # fmt: skip


def test_a_cast_that_fails_on_the_data_is_told_plainly(tmp_path):
    parts = together(PROFILE)
    select = ORDERS["tables"]["shipments"]["select"].replace("no AS", "CAST(no AS INTEGER) AS")
    parts["tables"]["shipments"] = {"source": "orders", "select": select}
    with pytest.raises(AnalysisError) as told:
        cleaned(tmp_path, "x,C1,2026-10-01,,1\n", profile=parts)
    assert "does not run" in told.value.what


def test_books_that_do_not_add_up_are_never_written():
    entry = Entry(
        "orders", "crm", "shipments", 10, 1, 0, rows_kept=7, rows_rejected=1, rows_merged=0
    )
    with pytest.raises(RunError, match="do not add up"):
        ledger_of([entry])


def test_quality_says_what_was_measured(tmp_path):
    found = cleaned(tmp_path, "1,C1,2026-10-01,,1\n2,C9,2026-10-01,,1\n3,C1,2026-10-01,,x\n")
    quality = found.quality[found.quality["source"] == "orders"].set_index("level")
    assert quality.loc[1, "score"] == pytest.approx(5 / 6)  # a column of five is empty, no month
    assert quality.loc[1, "status"] == "warning"
    assert quality.loc[2, "score"] == pytest.approx(11 / 12)  # twelve filled cells, one unread
    assert quality.loc[3, "score"] == pytest.approx(2 / 3)
    assert quality.loc[4, "score"] == pytest.approx(2 / 3)
    assert quality.loc[5, "status"] == "not measured"
    assert quality["score"].isna().tolist() == [False, False, False, False, True]


def test_what_a_select_yields_must_fit_the_contract(tmp_path):
    parts = together(PROFILE, COSTS)
    parts["sources"]["crm"]["columns"] = {"id": "text"}
    parts["tables"] = {
        **PROFILE["tables"],
        "service_costs": {
            "source": "orders",
            "select": "SELECT no AS activity, who AS customer_id, yuan AS cost, "
            "strftime(at, '%Y/%m') AS month FROM orders",
        },
        "surveys": {
            "source": "orders",
            "select": "SELECT no AS survey_id, who AS customer_id, at AS sent_at, "
            "yuan AS csat_score, done AS answered_at FROM orders",
        },
    }
    parts["sources"] = {name: parts["sources"][name] for name in ("crm", "orders")}
    found = cleaned(tmp_path, "1,C1,2026-10-01,2026-10-02,4.5\n2,C1,2026-10-01,,4\n", profile=parts)
    told = rejects(found)
    assert (2, "month", "not_a_month", "2026/10", "rejected") in told
    assert (2, "csat_score", "wrong_type", "4.5", "rejected") in told
    assert rows(found.tables["surveys"], "survey_id", "csat_score") == [("2", None)]


def test_customers_and_shipments_must_have_a_source(tmp_path):
    parts = together(PROFILE)
    parts["sources"]["crm"] = {**parts["sources"]["crm"], "files": "none.csv", "optional": True}
    with pytest.raises(CoverageError, match="'customers'"):
        cleaned(tmp_path, "1,C1,2026-10-01,,1\n", profile=parts)


def test_an_earlier_result_stays_when_another_month_is_cleaned(tmp_path):
    from analysis.cleaning import clean, customer_records
    from analysis.identity import resolve
    from analysis.months import Month
    from analysis.sources import ingest

    orders = HEADER + "1,C1,2026-09-01,,1\n2,C2,2026-10-01,,1\n"
    workspace = workspace_of(tmp_path, {"crm.csv": CRM, "orders.csv": orders}, PROFILE)
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    october = clean(ingested, links, workspace.profile, Month(2026, 10))
    september = clean(ingested, links, workspace.profile, Month(2026, 9))
    assert rows(september.tables["shipments"], "shipment_id") == [("1",)]
    assert rows(october.tables["shipments"], "shipment_id") == [("1",), ("2",)]


def test_a_customer_whose_only_row_is_rejected_is_unknown_to_its_facts(tmp_path):
    dated = {
        **CUSTOMERS,
        "sources": {
            "crm": {
                "system": "crm",
                "files": "crm.csv",
                "columns": {"id": "text", "since": "date"},
            }
        },
        "tables": {
            "customers": {
                "source": "crm",
                "select": "SELECT id AS customer_id, since AS onboarded_on FROM crm",
            }
        },
    }
    crm = "id,since\nC1,2024-01-01\nC2,2024年13月45日\nC3,2024年13月45日\n"
    orders = "1,C1,2026-10-01,,1\n2,C2,2026-10-01,,1\n"
    found = cleaned(tmp_path, orders, profile=together(dated, ORDERS), files={"crm.csv": crm})
    assert rows(found.tables["customers"], "customer_id") == [("C1",)]
    assert rows(found.tables["shipments"], "shipment_id") == [("1",)]
    assert rejects(found) == [
        (3, "since", "not_a_date", "2024年13月45日", "rejected"),
        (4, "since", "not_a_date", "2024年13月45日", "rejected"),
        (3, "customer_id", "unknown_customer", "C2", "rejected"),
    ]
    assert ledger_row(found, "crm", "customers") == books(3, kept=1, rejected=2)
    verify(found)


def test_a_customer_row_without_an_id_is_rejected_not_put_off(tmp_path):
    named = {"crm": {**CUSTOMERS["sources"]["crm"], "columns": {"id": "text", "city": "text"}}}
    profile = together({**CUSTOMERS, "sources": named}, ORDERS)
    crm = "id,city\nC1,x\n,y\nC2,z\n"  # C2 comes later: it has no facts yet
    found = cleaned(tmp_path, "1,C1,2026-10-01,,1\n", profile=profile, files={"crm.csv": crm})
    assert ledger_row(found, "crm", "customers") == books(3, later=1, kept=1, rejected=1)
    assert rejects(found) == [(3, "customer_id", "required", None, "rejected")]
