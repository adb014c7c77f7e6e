"""Declared corrections: strict, held against what they expect, written in the books."""

from typing import get_args

import pytest
import yaml

from analysis.cleaning import clean, correct, customer_records
from analysis.cleaning.checking import correction_faults
from analysis.cleaning.conditions import typed
from analysis.errors import AnalysisError, ParamsError
from analysis.identity import resolve
from analysis.params import load_corrections
from analysis.params.sources import ValueType
from analysis.sources import ingest
from raw_company import CUSTOMERS, ORDERS, ledger_row, rejects, rows, together, workspace_of

GOOD = {
    "id": "cents",
    "source": "orders",
    "match": {"yuan": {"above": 1000}},
    "action": "scale",
    "column": "yuan",
    "factor": 0.01,
    "reason": "Amounts in cents",
    "who": "finance",
    "expectation": {"_rows": 1},
}
FILES = {
    "crm.csv": "id\nC1\n",
    "orders.csv": "no,who,at,done,yuan\n1,C1,2026-10-01,2026-10-02,5000\n"
    "2,C1,2026-10-03,2026-10-04,60\n3,C1,2026-10-03,2026-10-04,viele\n",
}


def loaded(folder, *entries):
    path = folder / "corrections.yaml"
    path.write_text(yaml.safe_dump({"schema_version": 1, "corrections": list(entries)}))
    return load_corrections(path)


def corrected(folder, *entries, profile=None):
    workspace = workspace_of(folder, FILES, profile or together(CUSTOMERS, ORDERS))
    ingested = correct(ingest(workspace), loaded(folder, *entries))
    links = resolve(customer_records(ingested, workspace.profile))
    return ingested, clean(ingested, links, workspace.profile, workspace.as_of)


def changed(**more):
    return {key: value for key, value in {**GOOD, **more}.items() if value is not ...}


def test_a_scaled_amount_is_listed_with_what_stood_there(tmp_path):
    ingested, found = corrected(tmp_path, GOOD)
    assert rows(found.tables["shipments"], "shipment_id", "revenue") == [("1", 50.0), ("2", 60.0)]
    assert (2, "yuan", "correction:cents", "5000.0", "corrected") in rejects(found)
    assert ingested.applied["rows_n"].tolist() == [1]
    assert found.corrections["reason"].tolist() == ["Amounts in cents"]


def test_a_set_value_mends_an_unreadable_cell(tmp_path):
    mend = changed(id="viele", match={"no": "3"}, action="set", value=7.5, factor=...)
    _, found = corrected(tmp_path, mend)
    assert ("3", 7.5) in rows(found.tables["shipments"], "shipment_id", "revenue")
    assert ledger_row(found, "orders", "shipments")["rows_rejected"] == 0


def test_a_dropped_row_is_rejected_in_the_books(tmp_path):
    drop = changed(match={"_row": 3}, action="drop", column=..., factor=...)
    _, found = corrected(tmp_path, drop)
    assert (3, None, "correction:cents", None, "rejected") in rejects(found)
    books = ledger_row(found, "orders", "shipments")
    assert (books["rows_read"], books["rows_kept"], books["rows_rejected"]) == (3, 1, 2)


def test_a_flagged_row_stays_as_it_is(tmp_path):
    flag = changed(action="flag", column=..., factor=...)
    _, found = corrected(tmp_path, flag)
    assert ("1", 5000.0) in rows(found.tables["shipments"], "shipment_id", "revenue")
    assert [one[4] for one in rejects(found) if one[2] == "correction:cents"] == ["flagged"]


@pytest.mark.parametrize("kind", get_args(ValueType))
def test_a_column_of_each_type_refuses_a_foreign_value_in_words(kind):
    with pytest.raises(ParamsError, match="not of its column's type"):
        typed(object(), kind, "x.value")


def test_an_amount_is_matched_scaled_and_set_as_a_number(tmp_path):
    amounts = together(CUSTOMERS, ORDERS)
    columns = amounts["sources"]["orders"]["columns"]
    amounts["sources"]["orders"] = {
        **amounts["sources"]["orders"],
        "columns": {**columns, "yuan": "amount"},
    }
    mend = changed(id="viele", match={"no": "3"}, action="set", value=7, factor=...)
    wide = changed(expectation={"yuan": {"at_most": 9000}})
    _, found = corrected(tmp_path, wide, mend, profile=amounts)
    revenues = rows(found.tables["shipments"], "shipment_id", "revenue")
    assert revenues == [("1", 50.0), ("2", 60.0), ("3", 7.0)]


def test_only_an_applied_correction_needs_the_file_that_it_names(tmp_path):
    gone = changed(match={"_file": "orders-2019.csv"})
    with pytest.raises(ParamsError, match="has no file"):
        corrected(tmp_path, gone)
    ingested, _ = corrected(tmp_path, {**gone, "status": "retired"})
    assert ingested.applied["rows_n"].tolist() == [0]


def test_a_correction_of_an_absent_optional_source_may_name_a_file(tmp_path):
    profile = together(CUSTOMERS, ORDERS)
    profile["sources"]["late"] = {
        "system": "crm", "files": "late.csv", "columns": {"yuan": "number"}, "optional": True,
    }  # fmt: skip
    one = changed(source="late", match={"_file": "late.csv"})
    ingested, _ = corrected(tmp_path, one, profile=profile)
    assert ingested.applied["rows_n"].tolist() == [0]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (changed(match={"yuan": {"above": 9000}}), "matches no row"),
        (changed(expectation={"_rows": 2}), "does not find what it expects"),
        (changed(expectation={"yuan": {"above": 6000}}), "does not find what it expects"),
        (changed(source="order"), "unknown source"),
        (changed(match={"yuans": 1}), "yuans"),
        (changed(match={"yuan": "5000"}), "yuan"),
        (changed(column="no"), "Only a number can be scaled"),
    ],
)
def test_a_correction_that_does_not_fit_stops_the_run(tmp_path, entry, told):
    with pytest.raises(ParamsError, match=told):
        corrected(tmp_path, entry)


@pytest.mark.parametrize(
    "entry",
    [
        changed(match={}),
        changed(expectation={}),
        changed(reason=" "),
        changed(who=...),
        changed(factor=...),
        changed(value=3),
        changed(action="delete"),
        changed(surprise=1),
        changed(expectation={"_rows": "many"}),
    ],
)
def test_a_careless_correction_is_refused_when_read(tmp_path, entry):
    with pytest.raises(AnalysisError):
        loaded(tmp_path, entry)


def test_check_tells_unknown_sources_and_columns_of_corrections(tmp_path):
    profile = workspace_of(
        tmp_path, {"crm.csv": "id\nC1\n", "orders.csv": ""}, together(CUSTOMERS, ORDERS)
    ).profile
    (fine,) = loaded(tmp_path, changed(match={"_row": 2, "_file": "orders.csv"}))
    strange = fine.model_copy(update={"id": "b", "source": "order"})
    wrong = fine.model_copy(update={"id": "c", "match": {"yuna": 5}, "column": "kgs"})
    found = correction_faults(profile, [fine, strange, wrong])
    assert [fault.where for fault in found] == ["b.source", "c.match", "c.column"]
    assert "'orders'" in found[0].todo
    assert "'yuan'" in found[1].todo


def test_an_id_is_given_once(tmp_path):
    with pytest.raises(AnalysisError, match="several corrections"):
        loaded(tmp_path, GOOD, GOOD)


def test_a_retired_correction_changes_nothing_and_a_missing_file_is_none(tmp_path):
    _, found = corrected(tmp_path, changed(status="retired"))
    assert ("1", 5000.0) in rows(found.tables["shipments"], "shipment_id", "revenue")
    assert found.corrections["rows_n"].tolist() == [0]
    assert load_corrections(tmp_path / "nowhere.yaml") == ()
