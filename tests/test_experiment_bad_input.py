"""Whatever a table or a plan holds: a fault in words, or a status with a note; never a crash."""

import datetime as dt
import decimal
import json
import math

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.experiment import evaluate
from analysis.experiment.record import record
from experiment_units import SATURATION, orders, plan, saturated, units

N = 200
BASE = units(N)
EVEN = np.arange(N)
YES_NO = [{"name": "x", "kind": "proportion", "column": "x", "role": "primary"}]
NPS = [{"name": "x", "kind": "nps", "column": "x", "role": "primary"}]
STAY = [{"name": "x", "kind": "survival", "duration": "x", "event": "e", "horizon": 10,
         "role": "primary"}]  # fmt: skip
RATE = [{"name": "x", "kind": "ratio", "numerator": "orders", "denominator": "x",
         "role": "primary"}]  # fmt: skip

REFUSED = {
    # table, plan, part of what is told
    "no rows": (BASE.head(0), plan(), "holds no unit"),
    "no columns": (pd.DataFrame(), plan(), "no column 'id'"),
    "unknown column": (BASE.rename(columns={"orders": "order"}), plan(), "Did you mean 'order'"),
    "columns without names": (BASE.rename(columns={"orders": 0}), plan(), "no column 'orders'"),
    "a column twice": (pd.concat([BASE, BASE[["orders"]]], axis=1), plan(), "more than once"),
    "a unit twice": (pd.concat([BASE, BASE.head(3)]), plan(), "3 units have more than one row"),
    "no arm": (BASE.assign(arm=BASE["arm"].where(EVEN != 5)), plan(), "1 rows have no value"),
    "an empty arm": (BASE.assign(arm=BASE["arm"].where(EVEN != 5, "")), plan(), "does not know"),
    "an arm with a blank": (
        BASE.assign(arm=BASE["arm"].where(EVEN != 5, "red ")), plan(), "Did you mean 'red'",
    ),
    "a unit without a name": (BASE.assign(id=BASE["id"].where(EVEN != 5)), plan(), "in 'id'"),
    "thousands marks": (BASE.assign(orders="1,000"), plan(), "Write plain numbers"),
    "yes and no": (BASE.assign(x=np.where(EVEN % 3, "是", "否")), plan(YES_NO), "1 for yes"),
    "text for numbers": (BASE.assign(orders="many"), plan(), "are no numbers"),
    "decimal commas": (BASE.assign(orders="0,5"), plan(), "'0,5'"),
    "truth as text": (BASE.assign(x=np.where(EVEN % 3, "yes", "no")), plan(YES_NO), "'no', 'yes'"),
    "times for numbers": (BASE.assign(orders=dt.datetime(2026, 1, 1)), plan(), "holds times"),
    "spans for numbers": (BASE.assign(orders=dt.timedelta(1)), plan(), "number of days"),
    "lists for numbers": (BASE.assign(orders=[[1]] * N), plan(), "lists or records"),
    "lists for units": (BASE.assign(id=[[i] for i in range(N)]), plan(), "'id' holds lists"),
    "complex numbers": (BASE.assign(orders=BASE["orders"] + 0j), plan(), "complex128"),
    "a proportion of 2": (BASE.assign(x=2), plan(YES_NO), "neither 0 nor 1"),
    "an event of 2": (BASE.assign(x=5.0, e=2), plan(STAY), "neither 0 nor 1"),
    "a covariate of words": (BASE, plan(covariates=["tier"]), "put categories under strata"),
    "clusters without names": (BASE.assign(c=np.nan), plan(cluster="c"), "in 'c'"),
    "arms that YAML takes for truth": (
        BASE.assign(arm=BASE["arm"].map({"red": "yes", "grey": "no"})),
        plan(control=False, allocation={False: 0.5, True: 0.5}), "Put these arms in quotes",
    ),
    "a cluster in two arms": (BASE.assign(c=EVEN // 4), plan(cluster="c"), "units of two arms"),
    "a share of a third": (
        saturated().assign(share=1 / 3), plan(**SATURATION), "shares of 0, 0.5 and 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(name):
    table, spec, told = REFUSED[name]
    with pytest.raises(AnalysisError) as fault:
        evaluate(table, spec)
    assert told in str(fault.value)


EVALUATED = {
    # table, plan, decision, status or note of the primary
    "an arm missing": (
        BASE[BASE["arm"] == "red"], plan(), "do_not_trust", "no unit with a value in one of",
    ),
    "one unit an arm": (BASE.head(2), plan(), "inconclusive", "too few units"),
    "all zero": (BASE.assign(orders=0), plan(), "inconclusive", "no variation"),
    "never a value": (BASE.assign(orders=np.nan), plan(), "do_not_trust", "200 units without"),
    "all infinite": (BASE.assign(orders=np.inf), plan(), "do_not_trust", "an infinite value"),
    "too large to square": (BASE.assign(orders=1e308), plan(), "do_not_trust", "infinite"),
    "some missing": (
        BASE.assign(orders=BASE["orders"].where(EVEN > 3)), plan(), "roll_out", "4 units without",
    ),
    "whole numbers with gaps": (
        BASE.assign(orders=pd.array([*[1, 2, 3] * 66, None, None], dtype="Int64")), plan(),
        "inconclusive", "2 units without",
    ),
    "decimals": (
        BASE.assign(orders=[decimal.Decimal(i % 7) for i in range(N)]), plan(), "inconclusive",
        "ok",
    ),
    "a constant covariate": (
        BASE.assign(one=1), plan(covariates=["one"]), "roll_out", "does not vary",
    ),
    "a covariate twice": (
        BASE, plan(covariates=["before", "before"]), "roll_out", "follows from others",
    ),
    "collinear covariates": (
        BASE.assign(b=BASE["before"] * 2 + 1), plan(covariates=["before", "b"]), "roll_out",
        "follows from others",
    ),
    "an infinite covariate": (
        BASE.assign(before=BASE["before"].where(EVEN != 3, np.inf)), plan(covariates=["before"]),
        "roll_out", "1 missing values of before",
    ),
    "a segment a unit": (BASE, plan(segments=["id"]), "roll_out", "ok"),
    "segments of nothing": (BASE.assign(s=None), plan(segments=["s"]), "roll_out", "ok"),
    "a segment called all": (BASE.assign(s="all"), plan(segments=["s"]), "roll_out", "ok"),
    "a stratum a unit": (BASE, plan(strata=["id"]), "roll_out", "taken together"),
    "durations below zero": (
        BASE.assign(x=-5.0, e=1), plan(STAY), "do_not_trust", "outside their scale",
    ),
    "durations below zero in one arm": (
        BASE.assign(x=np.where((BASE["arm"] == "red") & (EVEN < 30), -1.0, EVEN % 20), e=1),
        plan(STAY), "do_not_trust", "15 values outside their scale",
    ),
    "a group without a name": (
        BASE.assign(s=np.where(EVEN < 8, None, "x")), plan(segments=["s"]), "roll_out",
        "8 units have no value in s and are in none of its segments",
    ),
    "nobody's event": (BASE.assign(x=20.0, e=0), plan(STAY), "inconclusive", "no variation"),
    "scores off the scale": (BASE.assign(x=11), plan(NPS), "do_not_trust", "outside their scale"),
    "scores of another scale": (
        BASE.assign(x=EVEN % 101), plan(NPS), "do_not_trust", "outside their scale",
    ),
    "a score off the scale": (
        BASE.assign(x=np.where(EVEN == 7, 99, EVEN % 11)), plan(NPS), "inconclusive", "1 values o",
    ),
    "truth as words": (
        BASE.assign(x=np.where(EVEN % 3, "true", "False")), plan(YES_NO), "inconclusive", "ok",
    ),
    "a denominator below zero in the mean": (
        BASE.assign(x=-1.0), plan(RATE), "inconclusive", "not above zero",
    ),
    "denominators below zero": (
        BASE.assign(x=np.where(EVEN < 6, -1.0, 2.0)), plan(RATE), "roll_out",
        "6 units have a denominator below zero",
    ),
    "nobody answers": (BASE.assign(x=np.nan), plan(NPS), "inconclusive", "no unit with a value"),
    "one arm answers": (
        BASE.assign(x=np.where(BASE["arm"] == "red", 9, np.nan)), plan(NPS), "inconclusive",
        "0.0% of the controls",
    ),
    "a denominator of zero": (BASE.assign(x=0.0), plan(RATE), "inconclusive", "not above zero"),
    "nobody's window is over": (
        BASE.assign(m=False), plan([orders(matured="m")]), "continue", "no unit has completed",
    ),
    "nobody counts": (
        BASE.assign(m=False), plan([orders(eligible="m")]), "inconclusive", "no unit with a value",
    ),
    "use is not known": (BASE.assign(u=np.nan), plan(exposure="u"), "roll_out", "ok"),
    "arms as truth values": (
        BASE.assign(arm=BASE["arm"] == "red"),
        plan(control="False", allocation={"False": 0.5, "True": 0.5}), "roll_out", "ok",
    ),
    "arms as numbers with a point": (
        BASE.assign(arm=(BASE["arm"] == "red").astype(float)),
        plan(control="0", allocation={"0": 0.5, "1": 0.5}), "roll_out", "ok",
    ),
    "arms as categories": (
        BASE.assign(arm=BASE["arm"].astype("category")), plan(), "roll_out", "ok",
    ),
    "arms in Chinese": (
        BASE.assign(arm=BASE["arm"].map({"red": "实验组", "grey": "对照组"})),
        plan(control="对照组", allocation={"对照组": 0.5, "实验组": 0.5}), "roll_out", "ok",
    ),
    "names of our own readings": (
        BASE.assign(loss=1.0, net_value=2.0),
        plan([orders(), orders(name="loss", role="secondary"),
              orders(name="orders_response", role="secondary")]), "roll_out", "ok",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EVALUATED)
def test_what_can_be_read_gives_a_status_with_a_note(name):
    table, spec, decision, told = EVALUATED[name]
    before = table.copy(deep=True)
    found = evaluate(table, spec)
    assert found.verdict.decision == decision
    primary = found.estimates.iloc[0]
    assert told in f"{primary['status']}; {primary['note']}"
    _holds_no_nan(json.loads(json.dumps(record(found), allow_nan=False)))
    key = ["analysis_basis", "estimand", "metric", "segment", "treatment", "bound"]
    assert not found.estimates.duplicated(key).any()
    pd.testing.assert_frame_equal(table, before)


def _holds_no_nan(content: object) -> None:
    """No number that is none, also within the sentences."""
    if isinstance(content, dict):
        for value in content.values():
            _holds_no_nan(value)
    elif isinstance(content, list):
        for value in content:
            _holds_no_nan(value)
    elif isinstance(content, float):
        assert math.isfinite(content)
    elif isinstance(content, str):
        assert content.lower() not in ("nan", "inf", "-inf")


DRAWN = {
    "no arm column": (BASE[["id"]], "has no column 'arm'"),
    "of other units": (pd.DataFrame({"id": ["x"], "arm": ["red"]}), "were never assigned"),
    "in the other arm": (
        BASE.assign(arm=BASE["arm"].map({"red": "grey", "grey": "red"})), "another arm",
    ),
    "with an unknown arm": (BASE.assign(arm="blue"), "does not know"),
    "without arms": (BASE.assign(arm=None), "does not know"),
    "with a unit twice": (pd.concat([BASE, BASE.head(1)]), "repeat a unit"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_an_assignment_file_that_does_not_fit_is_refused_in_words(name):
    file, told = DRAWN[name]
    with pytest.raises(AnalysisError) as fault:
        evaluate(BASE, plan(), assignments=file)
    assert told in str(fault.value)


def test_units_named_by_numbers_are_found_in_a_file_of_text():
    table = BASE.assign(id=np.arange(N))
    found = evaluate(table.iloc[10:], plan(), assignments=table.assign(id=table["id"].astype(str)))
    loss = found.estimates.set_index("metric").loc["loss"]
    assert loss["value_treatment"] == pytest.approx(5 / 100)


NUMBERED = BASE.assign(id=np.arange(N), arm=(BASE["arm"] == "red").astype(int))
TYPES = {
    # types of the file's columns, of the units' columns
    "arms with a point": ({"arm": float}, {}),
    "units with a point": ({"id": float}, {}),
    "units with a point in the table": ({}, {"id": float}),
    "text beside a point": ({"id": str, "arm": str}, {"id": float, "arm": float}),
    "categories": ({"id": "category", "arm": "category"}, {"id": float}),
    "short numbers": ({"id": "float32", "arm": "int8"}, {}),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_file_of_the_draw_may_hold_the_same_names_in_another_type(name, tmp_path):
    drawn, found = TYPES[name]
    path = tmp_path / "drawn.parquet"
    NUMBERED[["id", "arm"]].astype(drawn).to_parquet(path)
    spec = plan(control="0", allocation={"0": 0.5, "1": 0.5})
    evaluated = evaluate(NUMBERED.iloc[10:].astype(found), spec, assignments=path)
    loss = evaluated.estimates.set_index("metric").loc["loss"]
    assert loss["value_treatment"] == loss["value_control"] == pytest.approx(5 / 100)
    assert loss["value_control"] == pytest.approx(5 / 100)


def test_an_allocation_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="do not add up to 1"):
        plan(allocation={"grey": 0.5, "red": 0.4})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_csv_of_any_separator_and_encoding_is_read(tmp_path, separator, encoding):
    path = tmp_path / "单位.csv"
    table = BASE.assign(arm=BASE["arm"].map({"red": "实验组", "grey": "对照组"}))
    table.to_csv(path, sep=separator, index=False, encoding=encoding)
    spec = plan(control="对照组", allocation={"对照组": 0.5, "实验组": 0.5})
    assert evaluate(path, spec).verdict.decision == "roll_out"


NAMED = {
    # names of two arms and groups in a file; how its units are numbered
    "called missing": (("NA", "None"), "{}"),
    "with leading zeros": (("01", "1"), "{}"),
    "beside long numbers": (("a", "b"), "1234567890123456789{:04d}"),
    "beside numbers with leading zeros": (("a", "b"), "{:04d}"),
    "as truth": (("False", "True"), "{}"),
}


@pytest.mark.parametrize("name", NAMED)
def test_names_in_a_file_stay_what_they_are(tmp_path, name):
    arms, numbered = NAMED[name]
    path = tmp_path / "units.csv"
    table = BASE.assign(
        id=[numbered.format(i) for i in EVEN],
        arm=np.where(BASE["arm"] == "red", arms[1], arms[0]),
        s=np.where(EVEN // 2 % 2, arms[1], arms[0]),
    )
    table.to_csv(path, index=False)
    spec = plan(control=arms[0], allocation=dict.fromkeys(arms, 0.5), segments=["s"])
    found = evaluate(path, spec, assignments=path)
    assert found.verdict.decision == "roll_out"
    assert {e.segment for e in found.readings} == {"all", *(f"s={arm}" for arm in arms)}


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        ("id,arm,orders,orders", "{},grey,1,2", "'orders' more than once"),
        ("id,arm,orders", "{},grey,1,2", "does not match length of data"),
    ],
)
def test_a_file_whose_columns_are_not_sure_is_refused(tmp_path, header, row, told):
    path = tmp_path / "units.csv"
    path.write_text("\n".join([header, *(row.format(i) for i in range(9))]), encoding="utf-8")
    with pytest.raises(AnalysisError) as fault:
        evaluate(path, plan())
    assert told in str(fault.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", b"PAR1", b'"id,arm\n1,"red'])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_broken_file_is_refused_in_words(tmp_path, suffix, content):
    path = tmp_path / f"units{suffix}"
    path.write_bytes(content)
    with pytest.raises(AnalysisError):
        evaluate(path, plan())
