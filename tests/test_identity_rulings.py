"""What people decided is strict, honoured, and stands above the model."""

import ibis
import pandas as pd
import pytest

from analysis.errors import AnalysisError, ParamsError
from analysis.identity import identify, resolve
from analysis.params import Ruling, load_rulings

HEADER = (
    "source,source_customer_id,other_source,other_source_customer_id,"
    "decision,decided_by,decided_on,reason\n"
)
TAIL = ",data steward,2026-11-02,called them"


def table(rows):
    columns = ["system", "source_customer_id", "name", "phone", "tax_id", "parent_source_id"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["is_customer"] = frame["system"] == "crm"
    frame["precedence"] = (frame["system"] != "crm").astype("int64")
    return ibis.memtable(frame, schema=ibis.schema(
        dict.fromkeys(columns, "string") | {"is_customer": "boolean", "precedence": "int64"}
    ))  # fmt: skip


RECORDS = [
    ("crm", "C1", "上海锐泽纺织有限公司", "13800000001", None, None),
    ("crm", "C2", "苏州恒远物流有限公司", "13800000002", None, None),
    ("tms", "T1", "锐泽纺织", "13800000001", None, None),
    ("tms", "T2", "完全不同的名字", None, None, None),
]


def ruling(one, other, decision):
    keys = ("source", "source_customer_id", "other_source", "other_source_customer_id")
    return Ruling.model_validate(
        dict(zip(keys, (*one.split(":"), *other.split(":")), strict=True))
        | {"decision": decision, "decided_by": "x", "decided_on": "2026-11-02", "reason": "y"}
    )


def customers(rulings=(), previous=None, rows=RECORDS):
    links = resolve(table(rows), rulings, previous).execute()
    return dict(zip(links["source_customer_id"], links["customer_id"], strict=True))


def test_decisions_stand_above_the_model():
    assert customers() == {"C1": "C1", "C2": "C2", "T1": "C1", "T2": "tms:T2"}
    decided = [ruling("crm:C1", "tms:T1", "different"), ruling("tms:T2", "crm:C2", "same")]
    found = identify(table(RECORDS), decided)
    links = found.links.execute().set_index("source_customer_id")
    assert links["customer_id"].to_dict() == {"C1": "C1", "C2": "C2", "T1": "tms:T1", "T2": "C2"}
    assert links.loc[["C2", "T2"], "decided_by"].tolist() == ["decision"] * 2
    assert not len(found.review)


def test_a_decision_about_a_record_that_has_gone_changes_nothing():
    assert customers([ruling("crm:C1", "tms:T9", "same")]) == customers()


def test_decisions_that_contradict_each_other_are_refused():
    wrong = [
        ruling("crm:C1", "crm:C2", "same"),
        ruling("crm:C2", "tms:T2", "same"),
        ruling("crm:C1", "tms:T2", "different"),
    ]
    with pytest.raises(ParamsError, match="cannot be honoured"):
        customers(wrong)


def test_earlier_links_stay_when_the_next_month_brings_records():
    before = resolve(table(RECORDS[2:])).execute()
    assert dict(zip(before["source_customer_id"], before["customer_id"], strict=True)) == {
        "T1": "tms:T1",
        "T2": "tms:T2",
    }
    after = customers(previous=before)
    assert after["T1"] == after["C1"] == "tms:T1"  # what was published keeps its name
    assert after["T2"] == "tms:T2"
    assert after["C2"] == "C2"


def test_a_file_of_decisions_is_read(tmp_path):
    path = tmp_path / "demo.csv"
    assert load_rulings(path) == ()
    path.write_text(f"\ufeff{HEADER}crm,C1,tms,T1,same{TAIL}\n", encoding="utf-8")
    (read,) = load_rulings(path)
    assert read.records == (("crm", "C1"), ("tms", "T1"))
    assert read.decision == "same"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER.replace("decision", "descision"), "Did you mean 'decision'?"),
        (f"{HEADER}crm,C1,tms,T1,maybe{TAIL}\n", "'same' or 'different'"),
        (f"{HEADER}crm,C1,crm,C1,same{TAIL}\n", "decided to be itself"),
        (f"{HEADER}crm,,tms,T1,same{TAIL}\n", "source_customer_id"),
        (f"{HEADER}crm,C1,tms,T1,same\n", "number of cells"),
        (f"{HEADER}crm,C1,tms,T1,same{TAIL}\ntms,T1,crm,C1,different{TAIL}\n", "contradict"),
        ("", "Columns are missing"),
    ],
)
def test_a_wrong_file_of_decisions_is_refused(text, told, tmp_path):
    path = tmp_path / "demo.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnalysisError) as fault:
        load_rulings(path)
    assert told in str(fault.value)


def test_no_engine_takes_more_cores_than_it_is_given(monkeypatch):
    """Neither its own nor the one that the evidence is learnt in."""
    from splink.backends.duckdb import DuckDBAPI

    from analysis.identity import resolving

    cores = []
    plain = resolving.linked
    register = DuckDBAPI.register

    def linked(engine, *args, **more):
        cores.append(engine.cores)
        return plain(engine, *args, **more)

    def registered(api, *args, **more):
        setting = api.duckdb_con.execute("SELECT current_setting('threads')").fetchall()
        cores.append(setting[0][0])
        return register(api, *args, **more)

    monkeypatch.setattr(resolving, "linked", linked)
    monkeypatch.setattr(DuckDBAPI, "register", registered)
    identify(table(RECORDS), cores=3)
    assert len(cores) > 1
    assert set(cores) == {3}
