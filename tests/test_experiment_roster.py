"""An assignment that was edited after the draw is counted and told, and nobody is named."""

from __future__ import annotations

import json

import ibis
import pandas as pd
import pytest
import yaml

from analysis.cli import exit_code_of
from analysis.experiment import evaluate_month, follow
from analysis.experiment.freezing import freeze, frozen_beside, read_frozen, rosters_without
from analysis.experiment.frozen import without_names
from analysis.experiment.roster import Difference, Roster, difference, roster_of
from analysis.files import write_json
from analysis.language import Language
from analysis.message import Message
from analysis.months import Month
from analysis.params import load_experiment
from canonical import canonical, company
from experiment_units import units as plain_units
from test_experiment_monthly import monthly_plan

FIRST_EVALUATED = (
    "The assignment was changed after its first evaluation in {}: the verdict is exploratory."
)
START = pd.Timestamp("2026-02-01")


def drawn(n: int = 40) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [f"K{i:05d}" for i in range(n)],
            "arm": ["tiered" if i % 2 else "uniform" for i in range(n)],
            "assigned_at": START,
            "cluster_id": None,
            "cluster_share": float("nan"),
            "arm_at_half": None,
            "stratum": ["a" if i % 4 < 2 else "b" for i in range(n)],
        }
    )


# ---- the roster ----------------------------------------------------------------------------


def test_a_roster_survives_json_and_names_nobody():
    roster = roster_of(drawn(), "k")
    text = json.dumps(roster.to_json())
    assert "K0000" not in text
    again = Roster.from_json(json.loads(text))
    assert not difference(again, drawn())
    assert not difference(again, drawn().sample(frac=1, random_state=1))


def test_every_kind_of_change_is_counted():
    roster, now = roster_of(drawn(), "k"), drawn()
    now.loc[:2, "arm"] = ["tiered", "uniform", "tiered"]
    now.loc[5:6, "stratum"] = "c"
    now.loc[7, "assigned_at"] = START + pd.Timedelta(days=30)
    newcomer = now[:1].assign(customer_id="X1")
    now = pd.concat([now[:-4], newcomer], ignore_index=True)
    assert difference(roster, now) == Difference(moved=3, added=1, removed=4, placed=3)


def test_two_units_that_swap_their_arms_are_both_told():
    now = drawn()
    now.loc[:1, "arm"] = ["tiered", "uniform"]
    assert difference(roster_of(drawn(), "k"), now) == Difference(moved=2)


@pytest.mark.parametrize(
    "written",
    [
        ["2026-02-01 00:00:00", "2026-02-01"],
        ["2026-02-01", "2026/2/1"],
        ["2026-02-01T00:00:00+08:00", "2026-02-01 00:00:00.5Z"],
        ["2026-02-01T00:00+0100", "20260201"],
    ],
)
def test_a_day_is_the_same_however_it_is_written(written):
    """Two ways in one column are what a spreadsheet or a change of summer time leaves."""
    frozen = roster_of(drawn(), "k")
    again = drawn().assign(assigned_at=written * 20)
    assert not difference(frozen, again)
    moved = again.assign(assigned_at=["2026-02-02", *(written * 20)[1:]])
    assert difference(frozen, moved) == Difference(placed=1)


def test_customers_found_to_be_one_are_no_change():
    roster, now = roster_of(drawn(), "k"), drawn()
    links = pd.DataFrame({"source_customer_id": ["K00003", "K00000"],
                          "customer_id": ["K00001", "K00000"]})  # fmt: skip
    merged = now.drop(index=3)
    assert difference(roster, merged, links=links) == Difference()
    assert difference(roster, merged) == Difference(removed=1)
    unknown = now.assign(customer_id=["?K00000", *now["customer_id"][1:]])
    assert difference(roster, unknown) == Difference()


def test_units_to_come_are_neither_lost_nor_new():
    later = drawn(42)
    later.loc[40:, "assigned_at"] = pd.Timestamp("2026-05-01")
    assert difference(roster_of(later, "k"), drawn(), until="2026-04-01") == Difference()
    assert difference(roster_of(later, "k"), drawn()) == Difference(removed=2)
    first = roster_of(drawn(), "k", before="2026-03-01")
    assert difference(first, later) == Difference()
    assert difference(roster_of(drawn(), "k"), later) == Difference(added=2)


def test_a_forgotten_customer_leaves_the_roster():
    left = roster_of(drawn(), "k").without(["K00007", "nobody"])
    assert difference(left, drawn().drop(index=7)) == Difference()
    assert len(left.units) == 39


# ---- the monthly run -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables() -> dict[str, ibis.Table]:
    return company(customers_n=60, months=27)


def of_month(tables, month: str, changed: pd.DataFrame, **more):
    rows = changed.assign(experiment_id="small").to_dict("records")
    given = {**tables, "assignments": canonical("assignments", rows)}
    as_of = Month.parse(month)
    followed = follow([monthly_plan()], given, as_of=as_of)
    return evaluate_month(followed, as_of=as_of, **more).document["experiments"][0]


def edited() -> pd.DataFrame:
    rows = drawn(60)
    rows.loc[:2, "arm"] = ["tiered", "uniform", "tiered"]
    return rows.drop(index=[9])


def told_of(entry: dict, language: str = "en") -> list[str]:
    return [Message.from_json(one).in_(Language(language)) for one in entry["plan_changes"]]


def test_an_assignment_edited_after_the_first_evaluation_makes_it_exploratory(tables):
    first = of_month(tables, "2026-05", drawn(60))
    assert not first["exploratory"]
    history = {"2026-05": {"experiments": [json.loads(json.dumps(first))]}}
    assert not of_month(tables, "2026-06", drawn(60), history=history)["exploratory"]
    found = of_month(tables, "2026-06", edited(), history=history)
    assert found["exploratory"]
    assert told_of(found) == [
        FIRST_EVALUATED.format("May 2026"),
        "Assignment: units now in another arm: 3",
        "Assignment: units removed: 1",
    ]
    assert "3" in told_of(found, "zh")[1]
    assert "分组名单" in told_of(found, "zh")[1]
    reasons = [Message.from_json(one).source for one in found["verdict"]["reasons"]]
    assert "Assignment: units removed: {n}" in reasons


def test_an_assignment_edited_between_draw_and_first_evaluation_is_told(tables, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(monthly_plan().model_dump(mode="json", exclude_defaults=True)))
    freeze(path, load_experiment(path), "2026-01", {"key": "k"}, roster_of(drawn(60), "k"))
    frozen = {"small": read_frozen(path)}
    assert not of_month(tables, "2026-05", drawn(60), frozen=frozen)["exploratory"]
    found = of_month(tables, "2026-05", edited(), frozen=frozen)
    assert told_of(found)[0].startswith("The assignment was changed after it was drawn in January")
    # it binds though the frozen file goes
    history = {"2026-05": {"experiments": [json.loads(json.dumps(found))]}}
    assert told_of(of_month(tables, "2026-06", edited(), history=history)) == told_of(found)


def test_a_customer_that_was_forgotten_makes_nothing_exploratory(tables, tmp_path):
    first = of_month(tables, "2026-05", drawn(60))
    without = drawn(60).drop(index=[9])
    document = {"experiments": [json.loads(json.dumps(first))]}
    history = {"2026-05": without_names(document, ["K00009"])}
    assert not of_month(tables, "2026-06", without, history=history)["exploratory"]
    assert of_month(tables, "2026-06", without, history={"2026-05": document})["exploratory"]
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(monthly_plan().model_dump(mode="json", exclude_defaults=True)))
    freeze(path, load_experiment(path), "2026-01", {"key": "k"}, roster_of(drawn(60), "k"))
    (left,) = rosters_without(tmp_path, ["K00009"]).items()
    assert left[0] == frozen_beside(path)
    write_json(*left)
    assert not rosters_without(tmp_path, ["K00009"])
    frozen = {"small": read_frozen(path)}
    assert not of_month(tables, "2026-05", without, frozen=frozen)["exploratory"]


# ---- the command ---------------------------------------------------------------------------

COLOURS = {
    "id": "colours", "unit": "id", "arm": "arm", "control": "grey", "looks": "accrual",
    "allocation": {"grey": 0.5, "red": 0.5}, "planned_n": 400,
    "metrics": [{"name": "orders", "kind": "mean", "column": "orders", "role": "primary"}],
}  # fmt: skip


@pytest.mark.parametrize("by", ["units", "assignments"])
def test_evaluate_holds_the_units_against_their_draw(tmp_path, capsys, by):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(COLOURS), encoding="utf-8")
    units = plain_units()
    roster = roster_of(units, "k", unit="id")
    freeze(path, load_experiment(path), "2026-09", {"key": "k"}, roster)
    swapped = units.assign(arm=["grey" if a == "red" else "red" for a in units["arm"]])
    half = pd.concat([swapped[:2], units[2:]])
    half.to_csv(tmp_path / "units.csv", index=False)
    half[["id", "arm"]].to_csv(tmp_path / "assigned.csv", index=False)
    words = ["evaluate", "--experiment", str(path), "--units", str(tmp_path / "units.csv")]
    words += ["--assignments", str(tmp_path / "assigned.csv")] if by == "assignments" else []
    assert exit_code_of([*words, "--out", str(tmp_path / "out")]) == 0
    assert "Assignment: units now in another arm: 2" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.zh.html").read_text(encoding="utf-8")
    assert "探索性：试验开始后改过方案或分组名单" in page
    assert "现在属于其他组的样本 2 个" in page
