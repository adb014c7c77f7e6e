"""Experiments followed month by month: looks, frozen plans, files, and the notebook's document."""

import json

import ibis
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.errors import CoverageError, DesignError
from analysis.experiment import Setting, evaluate, evaluate_file, evaluate_month, follow
from analysis.experiment.estimators.looks import CalendarPlan
from analysis.experiment.followed import GUARDS, metrics_followed
from analysis.experiment.frozen import FrozenPlan
from analysis.experiment.looks import settled
from analysis.experiment.views import (
    effects,
    effects_by_segment,
    fairness,
    money,
    plans,
    readings_of_answers,
    used_effects,
    verdicts,
)
from analysis.language import Language
from analysis.message import Message
from analysis.months import Month
from analysis.params import ExperimentSpec
from analysis.params.experiment import plan_content, plan_digest
from analysis.tables import CONTRACTS, check
from canonical import canonical, company
from experiment_units import FINAL, orders, plan, units

START = pd.Timestamp("2026-02-01")
OPEN = [{"name": "margin", "measure": "margin", "role": "primary", "window": [0, None]}]
CLOSED = [
    {"name": "retention", "measure": "retention", "role": "primary", "window": [0, 90]},
    {"name": "nps", "measure": "nps", "role": "secondary", "window": [0, 90]},
    {"name": "margin", "measure": "margin", "window": [0, 90]},
    {"name": "cost_to_serve", "measure": "cost_to_serve", "window": [0, 90]},
    {"name": "complaints", "measure": "complaints", "role": "guardrail", "window": [0, 90]},
]


def monthly_plan(metrics: list[dict] = CLOSED, **more: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "id": "small",
            "title": {"zh": "小", "en": "Small"},
            "owner": "sales",
            "starts_on": START.date(),
            "control": "uniform",
            "allocation": {"tiered": 0.5, "uniform": 0.5},
            "looks_planned": 6,
            "metrics": metrics,
            **more,
        }
    )


@pytest.fixture(scope="module")
def tables() -> dict[str, ibis.Table]:
    made = company(customers_n=300, months=27)
    ids = made["customers"].customer_id.execute().sort_values().to_numpy()
    rows = [
        {
            "experiment_id": "small",
            "customer_id": customer,
            "stratum": "s",
            "arm": "tiered" if i % 2 else "uniform",
            "assigned_at": START,
        }
        for i, customer in enumerate(ids)
    ]
    return {**made, "assignments": canonical("assignments", rows)}


def of_month(tables, month: str, spec: ExperimentSpec | None = None, history=None):
    as_of = Month.parse(month)
    followed = follow([spec or monthly_plan()], tables, as_of=as_of)
    return followed, evaluate_month(followed, as_of=as_of, history=history, currency="CNY")


def test_a_month_gives_tables_in_their_contracts_and_a_document(tables):
    followed, found = of_month(tables, "2026-06")
    check(ibis.memtable(found.estimates), "estimates")
    assert set(found.estimates["as_of_month"]) == {"2026-06"}
    entry = json.loads(json.dumps(found.document, allow_nan=False))["experiments"][0]
    assert (entry["id"], entry["assigned_on"], entry["as_of"]) == (
        "small", "2026-02-01", "2026-06-30",
    )  # fmt: skip
    assert entry["next_look"] is None
    assert not entry["exploratory"]
    for message in (entry["verdict"]["headline"], *entry["verdict"]["reasons"], *entry["money"]):
        assert Message.from_json(message).in_(Language("zh"))
    assert followed.sizes["retention"].sum() == 300


def test_ordinary_guardrails_and_money_are_there_though_not_declared(tables):
    _, found = of_month(tables, "2026-06")
    metrics = set(found.estimates["metric"])
    assert {"response_minutes", "on_time", "frequency", "net_value", "nps_response"} <= metrics


STAYS = [{"name": "stay", "measure": "survival", "role": "primary", "horizon": 30}]


def test_a_plan_of_survival_alone_is_guarded_over_its_horizon(tables):
    """Without a window in the plan nothing said over which days to guard: nothing was guarded."""
    _, found = of_month(tables, "2026-08", monthly_plan(STAYS))
    rows = found.estimates.set_index("metric")
    followed = {entry.name: entry for entry in metrics_followed(monthly_plan(STAYS))}
    assert {name for name, entry in followed.items() if entry.guards_ordinary} == set(GUARDS)
    for name in ("frequency", *GUARDS):
        assert rows.loc[name, "status"] == "ok"
        assert followed[name].metric.window == (0, 30)
    assert "customers counted as lost shipped again" in rows.loc["stay", "note"]
    assert "learnt from how long customers paused before assignment" in rows.loc["stay", "note"]


def test_a_window_that_runs_says_what_it_waits_for(tables):
    _, found = of_month(tables, "2026-03")
    row = found.estimates.set_index(["metric", "bound"]).loc[("retention", "")]
    assert row["status"] == "maturing: needs data to 1 May 2026, has data to 31 Mar 2026"
    assert found.evaluations[0].verdict.decision == "continue"
    assert found.document["experiments"][0]["next_look"] == "2026-05-31"


def test_later_months_do_not_change_what_has_matured(tables):
    earlier, later = (of_month(tables, month)[1].estimates for month in ("2026-05", "2026-07"))
    names = ["metric", "segment", "bound", "effect", "av_low", "av_high", "p_adjusted"]
    pd.testing.assert_frame_equal(earlier[names], later[names])


def test_missing_tables_are_named_and_nothing_crashes(tables):
    few = {name: tables[name] for name in ("assignments", "customers", "shipments")}
    _, found = of_month(few, "2026-06")
    status = found.estimates.set_index(["metric", "segment"])["status"]
    assert status[("nps", "all")] == "not available: no surveys source"
    assert status[("complaints", "all")] == "not available: no tickets source"
    reasons = verdicts(found)["text"].str.cat(sep=" ")
    assert "no tickets source" in reasons
    assert status[("retention", "all")] == "ok"


def test_without_assignments_or_experiments_there_are_empty_tables(tables):
    none = {**tables, "assignments": None}
    as_of = Month.parse("2026-06")
    for experiments, given in (([], tables), ([monthly_plan()], none)):
        followed = follow(experiments, given, as_of=as_of)
        found = evaluate_month(followed, as_of=as_of)
        assert found.document["experiments"] == []
        assert len(found.estimates) == len(found.checks) == len(found.curves) == 0
        check(ibis.memtable(found.estimates), "estimates")
        for view in (effects, effects_by_segment, readings_of_answers, fairness, money,
                     used_effects, verdicts):  # fmt: skip
            assert len(view(found)) == 0
    why = follow([monthly_plan()], none, as_of=as_of).waiting_in_words("zh")
    assert list(why["why"]) == ["暂缺：没有试验分组数据源"]


def test_an_experiment_that_has_not_begun_waits(tables):
    followed, found = of_month(tables, "2026-01")
    assert list(followed.waiting) == ["small"]
    assert found.document["waiting"][0]["id"] == "small"


def test_experiments_without_customers_are_a_coverage_fault(tables):
    with pytest.raises(CoverageError, match="customers"):
        follow([monthly_plan()], {**tables, "customers": None}, as_of=Month.parse("2026-06"))


def test_every_view_has_rows(tables):
    spec = monthly_plan(segments=["region"])
    _, found = of_month(tables, "2026-06", spec)
    assert len(plans([spec])) == len(CLOSED)
    for view in (effects, effects_by_segment, fairness, money, verdicts):
        assert len(view(found)), view.__name__
    assert set(readings_of_answers(found)["bound"]) >= {"", "lee_low", "worst_high"}


def test_a_lost_customer_is_counted_by_arm(tables):
    known = tables["customers"].execute()
    rank = known["customer_id"].rank().astype(int)
    treated = rank % 2 == 0  # as the fixture deals them
    kept = known[~(treated & (rank % 8 == 0))]
    fewer = {**tables, "customers": canonical("customers", kept)}
    _, found = of_month(fewer, "2026-06")
    assert set(found.checks.loc[found.checks["alarmed"], "gate"]) == {"loss"}
    assert found.evaluations[0].verdict.decision == "do_not_trust"


# ---- looks ---------------------------------------------------------------------------------


def test_an_open_window_is_looked_at_month_by_month(tables):
    spec = monthly_plan(OPEN)
    history: dict = {}
    for k, month in enumerate(("2026-02", "2026-03", "2026-04"), start=1):
        followed, found = of_month(tables, month, spec, history)
        assert len(followed.experiments[0].earlier) == k - 1
        history[month] = json.loads(json.dumps(found.document))
        stored = history[month]["experiments"][0]["boundaries"]
        (key,) = [name for name in stored if "|margin|" in name]
        assert len(stored[key]) == k
    first, last = (
        h["experiments"][0]["boundaries"][key] for h in (history["2026-02"], history["2026-04"])
    )
    assert last[:1] == first
    row = found.estimates[found.estimates["metric"] == "margin"].iloc[0]
    assert row["av_high"] - row["av_low"] > 1.15 * (row["ci_high"] - row["ci_low"])


def test_stored_boundaries_are_what_would_be_worked_out_again(tables):
    spec = monthly_plan(OPEN)
    _, second = of_month(tables, "2026-03", spec)
    stored = {"2026-03": json.loads(json.dumps(second.document))}
    results = [of_month(tables, "2026-04", spec, h)[1].estimates for h in ({}, stored)]
    pd.testing.assert_frame_equal(*results)


def test_stored_boundaries_never_change(tables):
    spec = monthly_plan(OPEN)
    _, second = of_month(tables, "2026-03", spec)
    history = {"2026-03": json.loads(json.dumps(second.document))}
    boundaries = history["2026-03"]["experiments"][0]["boundaries"]
    for values in boundaries.values():
        values[0] = 1.0  # as if an early look had spent nearly everything
    _, third = of_month(tables, "2026-04", spec, history)
    kept = third.document["experiments"][0]["boundaries"]
    assert all(values[0] == 1.0 for name, values in kept.items() if "|margin|" in name)


def test_past_the_last_look_there_is_no_new_claim(tables):
    spec = monthly_plan(OPEN, looks_planned=2)
    _, found = of_month(tables, "2026-05", spec)
    row = found.estimates[found.estimates["metric"] == "margin"].iloc[0]
    assert "looks are used up" in row["status"]
    assert pd.isna(row["av_low"])
    assert np.isfinite(row["ci_low"])
    assert found.evaluations[0].verdict.decision == "inconclusive"


def test_a_closed_window_is_one_look(tables):
    _, found = of_month(tables, "2026-06")
    rows = found.estimates[found.estimates["status"] == "ok"]
    rows = rows[(rows["bound"] == "") & (rows["analysis_basis"] == "intention_to_treat")]
    assert np.allclose(rows["av_low"], rows["ci_low"])


def test_calendar_looks_at_a_plain_table_without_the_earlier_ones_are_wider():
    found = evaluate(units(), plan(looks="calendar", looks_planned=12, look=3)).estimates.iloc[0]
    plain = evaluate(units(), plan(**FINAL)).estimates.iloc[0]
    assert found["av_p_value"] == pytest.approx(min(1, 12 * plain["p_value"]))
    assert found["av_high"] - found["av_low"] > 1.4 * (plain["ci_high"] - plain["ci_low"])


def test_earlier_looks_of_a_plain_table_narrow_the_bound():
    now = units(400, seed=3)
    then = now.assign(orders=now["orders"] + np.random.default_rng(1).normal(0, 0.3, 400))
    spec = plan(looks="calendar", looks_planned=12)
    alone = evaluate(now, spec.model_copy(update={"look": 2})).estimates.iloc[0]
    with_past = evaluate(now, spec, setting=Setting(earlier=(then,))).estimates.iloc[0]
    width = [e["av_high"] - e["av_low"] for e in (with_past, alone)]
    assert width[0] < width[1]


def test_no_look_is_settled_beyond_the_plan():
    assert settled((), (), CalendarPlan(3)) == ()


# ---- frozen plans --------------------------------------------------------------------------


def test_a_changed_plan_makes_the_verdict_exploratory(tables):
    _, first = of_month(tables, "2026-05")
    history = {"2026-05": json.loads(json.dumps(first.document))}
    changed = monthly_plan(alpha=0.1)
    _, found = of_month(tables, "2026-06", changed, history)
    entry = found.document["experiments"][0]
    assert entry["exploratory"]
    assert entry["plan"]["since"] == "2026-05"
    assert entry["plan_digest"] == history["2026-05"]["experiments"][0]["plan_digest"]
    assert verdicts(found)["text"].str.contains("Plan, alpha").any()


def test_the_plan_of_the_draw_binds_before_any_evaluation(tables):
    """Without the draw's file nothing would be amiss: this is the first evaluation."""
    spec, changed = monthly_plan(), monthly_plan(alpha=0.1)
    frozen = FrozenPlan(plan_digest(spec), "2025-12", plan_content(spec), "design")
    followed = of_month(tables, "2026-06", changed)[0]
    given = {"as_of": Month(2026, 6), "history": {}, "frozen": {spec.id: frozen}}
    found = evaluate_month(followed, **given)
    entry = found.document["experiments"][0]
    assert entry["exploratory"]
    assert verdicts(found)["text"].str.contains("Plan, alpha").any()
    # the month's document keeps the draw's plan, so that it binds without its file too
    history = {"2026-06": json.loads(json.dumps(found.document))}
    later = of_month(tables, "2026-06", changed, history)[1].document["experiments"][0]
    assert later["exploratory"]
    same = evaluate_month(of_month(tables, "2026-06", spec)[0], **given)
    assert not same.document["experiments"][0]["exploratory"]


# ---- files ---------------------------------------------------------------------------------


def test_a_file_is_evaluated_to_files(tmp_path):
    spec = {
        "id": "cups", "unit": "id", "arm": "arm", "control": "grey", **FINAL,
        "allocation": {"grey": 0.5, "red": 0.5}, "metrics": [orders()],
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    units().to_parquet(tmp_path / "units.parquet")
    evaluate_file(tmp_path / "plan.yaml", tmp_path / "units.parquet", tmp_path / "out")
    estimates = pd.read_csv(tmp_path / "out" / "estimates.csv")
    assert list(estimates.columns) == list(CONTRACTS["estimates"].columns)
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["verdict"]["decision"] == "roll_out"
    headline = Message.from_json(verdict["verdict"]["headline"])
    assert headline.in_(Language("zh")).startswith("推广")


def test_a_bad_file_leaves_nothing_behind(tmp_path):
    spec = {
        "id": "cups", "unit": "id", "arm": "arm", "control": "grey", **FINAL,
        "allocation": {"grey": 0.5, "red": 0.5}, "metrics": [orders(column="none")],
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    units().to_parquet(tmp_path / "units.parquet")
    with pytest.raises(DesignError, match="no column"):
        evaluate_file(tmp_path / "plan.yaml", tmp_path / "units.parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_covariates_and_segments_of_missing_tables_are_told_not_missed(tables):
    few = {name: tables[name] for name in ("assignments", "customers", "shipments")}
    spec = monthly_plan(covariates=["prior_margin", "prior_csat"], segments=["tier"])
    _, found = of_month(few, "2026-06", spec)
    rows = found.estimates.set_index(["metric", "segment"])
    assert rows.loc[("retention", "tier"), "status"] == "not available: no tiers source"
    assert (
        "satisfaction before the start is not available" in rows.loc[("retention", "all"), "note"]
    )
    assert "prior_margin" in rows.loc[("retention", "all"), "method"]


def test_money_beyond_the_window_is_each_unit_s_own(tables):
    stay = {"name": "stay", "measure": "survival", "horizon": 30}
    spec = monthly_plan([*CLOSED, stay], starts_on="2025-06-01")
    _, found = of_month(tables, "2026-07", spec)
    scenario = found.estimates.set_index(["metric", "bound"]).loc[("net_value_while_staying", "")]
    assert scenario["status"].startswith("maturing")
    assert scenario["role"] == "reading"
