"""The plan of an experiment is read strictly, and a changed plan is told."""

import contextlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analysis.errors import AnalysisError, GroupedError, ParamsError
from analysis.experiment.frozen import frozen_plan, plan_changes
from analysis.language import Language
from analysis.params import (
    ExperimentSpec,
    experiment_json_schema,
    load_experiment,
    load_experiments,
    plan_digest,
)

REPOSITORY = Path(__file__).parent.parent
PLAIN = """
id: cookie-cats
unit: userid
arm: version
control: gate_30
allocation: {gate_30: 0.5, gate_40: 0.5}
cluster: null
strata: []
covariates: []
segments: []
alpha: 0.05
looks: accrual
planned_n: 5000
metrics:
  - {name: day7, kind: proportion, column: retention_7, role: primary, direction: increase,
     minimum_effect: 0.005}
  - {name: orders_per_session, kind: ratio, numerator: orders, denominator: sessions}
  - {name: nps, kind: nps, column: score, answered: has_answered, role: primary}
  - {name: lifetime, kind: survival, duration: days, event: churned, horizon: 180, role: primary}
  - {name: complaints, kind: mean, column: complaints, role: guardrail, direction: decrease,
     margin: 0.02}
"""
MONTHLY = """
id: small
title: {zh: 小, en: Small}
owner: sales
starts_on: 2025-04-01
control: uniform
allocation: {tiered: 0.5, uniform: 0.5}
looks_planned: 6
metrics: [{name: retention, measure: retention, role: primary, window: [91, 181]}]
"""


def written(folder: Path, text: str, name: str = "plan.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def plan(text: str = PLAIN, **changes: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate({**yaml.safe_load(text), **changes})


def faults_of(folder: Path, text: str) -> str:
    with pytest.raises(AnalysisError) as told:
        load_experiment(written(folder, text))
    return str(told.value)


def test_the_plan_of_a_plain_table_is_read(tmp_path):
    spec = load_experiment(written(tmp_path, PLAIN))
    assert spec.treatments == ("gate_40",)
    assert spec.looks_kind == "accrual"
    assert spec.metric("nps").columns == ("score", "has_answered")


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("control: gate_30", "control: gate_3", "Did you mean 'gate_30'?"),
        ("gate_30: 0.5,", "gate_30: 0.6,", "do not add up to 1"),
        ("kind: ratio", "kind: rato", "Did you mean 'ratio'?"),
        ("column: retention_7, ", "", "metrics.0.column"),
        ("planned_n: 5000", "", "planned_n"),
        ("looks: accrual", "looks: calendar", "looks_planned"),
        ("horizon: 180, ", "", "needs its horizon"),
        ("margin: 0.02", "minimum_effect: 0.02", "A guardrail has no minimum effect"),
        ("name: nps", "name: day7", "Two metrics share a name"),
        ("alpha: 0.05", "alpa: 0.05", "Did you mean 'alpha'?"),
        ("alpha: 0.05", "alpha: .nan", "alpha"),
        ("covariates: []", "covariates: [complaints]", "metric complaints is not known before"),
        ("segments: []", "segments: [version]", "column of the arm is not known before"),
        ("strata: []", "strata: tier", "This must be a list"),
        ("minimum_effect: 0.005", "minimum_effect: 1%", "Write 5 % as 0.05"),
    ],
)
def test_a_fault_names_key_value_and_what_is_allowed(tmp_path, wrong, right, told):
    assert wrong in PLAIN
    assert told in faults_of(tmp_path, PLAIN.replace(wrong, right))


def test_all_faults_are_told_at_once(tmp_path):
    text = PLAIN.replace("column: retention_7, ", "").replace("kind: ratio", "kind: rato")
    with pytest.raises(GroupedError) as told:
        load_experiment(written(tmp_path, text + "bogus: 1\n"))
    assert len(told.value.faults) == 3


def test_two_rules_broken_in_one_section_are_both_told(tmp_path):
    text = PLAIN.replace("control: gate_30", "control: gat").replace("planned_n: 5000", "")
    told = faults_of(tmp_path, text)
    assert "control" in told
    assert "planned_n" in told


def test_a_plan_without_a_primary_is_refused(tmp_path):
    assert "No metric is primary" in faults_of(tmp_path, PLAIN.replace("primary", "secondary"))


def test_a_measure_brings_kind_direction_and_columns():
    metric = plan(MONTHLY).metric("retention")
    assert (metric.kind, metric.direction) == ("proportion", "increase")
    assert (metric.column, metric.matured) == ("retention", "retention_matured")
    again = type(metric).model_validate(metric.model_dump())
    assert again == metric


def test_a_measure_and_columns_are_not_mixed(tmp_path):
    text = MONTHLY.replace("measure: retention,", "measure: retention, column: other,")
    assert "not both" in faults_of(tmp_path, text)


def test_the_pipeline_needs_owner_title_start_and_measures(tmp_path):
    written(tmp_path, PLAIN, "a.yaml")
    with pytest.raises(GroupedError) as told:
        load_experiments(tmp_path)
    text = str(told.value)
    assert all(key in text for key in ("title", "owner", "starts_on", "metrics.0.measure"))


def test_two_files_with_one_id_are_refused(tmp_path):
    written(tmp_path, MONTHLY, "a.yaml")
    written(tmp_path, MONTHLY, "b.yaml")
    with pytest.raises(ParamsError, match="share an id"):
        load_experiments(tmp_path)


def test_a_missing_folder_holds_no_experiment(tmp_path):
    assert load_experiments(tmp_path / "none") == ()


def test_the_demo_plans_are_valid():
    found = load_experiments(REPOSITORY / "params" / "experiments" / "demo")
    assert [spec.id for spec in found] == ["depot-2026", "tiered-2025"]


def test_the_json_schema_for_editors_is_up_to_date():
    path = REPOSITORY / "params" / "experiment.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == experiment_json_schema()


def refused_by_schema(content: dict) -> list[str]:
    """Errors an editor shows for a plan."""
    jsonschema = pytest.importorskip("jsonschema", reason="comes with nbformat")
    plain = json.loads(json.dumps(content, default=str))
    return [
        e.message
        for e in jsonschema.Draft202012Validator(experiment_json_schema()).iter_errors(plain)
    ]


def test_an_editor_accepts_what_is_read_and_marks_what_is_not():
    demo = REPOSITORY / "params" / "experiments" / "demo"
    for path in sorted(demo.glob("*.yaml")):
        assert not refused_by_schema(yaml.safe_load(path.read_text(encoding="utf-8"))), path
    metric = {"name": "x", "kind": "mean", "column": "x", "role": "primary"}
    sound = {"id": "a", "control": 0, "allocation": {0: 0.5, 1: 0.5}, "planned_n": 10,
             "metrics": [metric]}  # fmt: skip
    assert ExperimentSpec.model_validate(sound).control == "0"
    assert not refused_by_schema(sound)
    assert refused_by_schema({**sound, "metrcs": []})
    assert refused_by_schema({**sound, "alpha": 2})
    assert refused_by_schema({**sound, "metrics": [{"name": "x", "role": "primary"}]})


def test_a_title_does_not_bind_but_a_margin_does():
    spec = plan()
    titled = plan(title={"zh": "甲", "en": "A"})
    metrics = [dict(m) for m in yaml.safe_load(PLAIN)["metrics"]]
    metrics[-1]["margin"] = 0.2
    assert plan_digest(spec) == plan_digest(titled)
    assert plan_digest(spec) != plan_digest(plan(metrics=metrics))


def test_a_changed_plan_is_told_with_its_difference():
    first = frozen_plan(plan(), "2026-05", {})
    history = {"2026-05": {"experiments": [{"id": "cookie-cats", "plan": first.to_json()}]}}
    assert plan_changes(plan(), frozen_plan(plan(), "2026-06", history)) == ()
    later = plan(alpha=0.1)
    frozen = frozen_plan(later, "2026-06", history)
    assert frozen.digest == first.digest
    told = [m.in_(Language("en")) for m in plan_changes(later, frozen)]
    assert "exploratory" in told[0]
    assert told[1:] == ["Plan, alpha: – → 0.1"]


def test_a_later_month_does_not_bind_an_earlier_one():
    frozen = frozen_plan(plan(alpha=0.1), "2026-06", {})
    history = {"2026-06": {"experiments": [{"id": "cookie-cats", "plan": frozen.to_json()}]}}
    assert frozen_plan(plan(), "2026-05", history).digest == plan_digest(plan())


def test_the_month_s_own_first_evaluation_binds_its_rerun():
    first = frozen_plan(plan(), "2026-05", {})
    history = {"2026-05": {"experiments": [{"id": "cookie-cats", "plan": first.to_json()}]}}
    assert plan_changes(plan(alpha=0.1), frozen_plan(plan(alpha=0.1), "2026-05", history))


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=5), max_size=4))
def test_any_mapping_is_either_read_or_refused_in_words(extra):
    content = {**yaml.safe_load(PLAIN), **extra}
    with contextlib.suppress(ValidationError):
        assert ExperimentSpec.model_validate(content).id == content["id"]
