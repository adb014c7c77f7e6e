"""What was decided: the file's rules, which measures are open in which month, before and since."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.months import Month
from analysis.params import Action, load_actions
from analysis.report import monthly_report
from analysis.report.headline import HEADLINE
from analysis.report.monthly_figures import before_and_since
from report_month import write_month

FILE = """
schema_version: 1
actions:
  - {id: quick, measure: {zh: 两小时内响应, en: Answer within two hours}, owner: 客服部,
     decided_on: 2026-03-10, due_on: 2026-09-30, status: running, metric: response_minutes}
  - {id: late, measure: {zh: 增租运力, en: Rent capacity}, owner: 运营部,
     decided_on: 2026-08-01, due_on: 2026-12-31, status: planned, metric: on_time_rate}
  - {id: over, measure: {zh: 回访, en: Visit}, owner: 大客户部, decided_on: 2026-01-05,
     due_on: 2026-06-30, status: done, done_on: 2026-05-20, metric: nps}
"""


def action(**more):
    content = {
        "id": "one", "measure": {"zh": "举措", "en": "Measure"}, "owner": "运营部",
        "decided_on": "2026-03-10", "due_on": "2026-06-30", "status": "running", "metric": "nps",
    }  # fmt: skip
    return Action(**(content | more))


def written(folder, text=FILE):
    path = folder / "actions.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_and_none_is_none(tmp_path):
    assert [one.id for one in load_actions(written(tmp_path))] == ["quick", "late", "over"]
    assert load_actions(tmp_path / "absent.yaml") == ()


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [
        ("metric: nps", "metric: npss", "npss"),
        ("due_on: 2026-12-31", "due_on: 2026-07-01", "due_on lies before decided_on"),
        ("status: planned", "status: done", "done_on"),
        ("id: late", "id: quick", "two actions are called quick"),
        ("owner: 运营部", "owners: 运营部", "owner"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, was, wrong, said):
    with pytest.raises(AnalysisError) as told:
        load_actions(written(tmp_path, FILE.replace(was, wrong, 1)))
    assert said in str(told.value)


def test_every_metric_is_a_figure_of_the_first_page():
    allowed = {arg for arg in Action.model_fields["metric"].annotation.__args__}  # noqa: C416
    assert allowed == {spec.key for spec in HEADLINE}


@given(st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)))
def test_a_measure_is_open_from_its_decision_until_it_is_done(day):
    one = action(status="done", done_on="2026-05-20")
    assert one.is_open(day) == (dt.date(2026, 3, 10) <= day < dt.date(2026, 5, 20))
    assert not one.is_overdue(day)
    still = action()
    assert still.is_overdue(day) == (day > dt.date(2026, 6, 30))


def test_before_and_since_leave_the_month_of_the_decision_out():
    months = [str(Month(2026, 1).shifted(k)) for k in range(-3, 8)]
    figures = pd.DataFrame({"nps": [float(k) for k in range(11)]}, index=months)
    before, since = before_and_since(figures, action(), Month(2026, 6))
    assert (before, since) == (3.0, 7.0)  # December to February; April to June
    assert pd.isna(before_and_since(figures, action(), Month(2026, 3))[1])


def test_every_month_counts_the_same_and_one_without_the_figure_does_not_count():
    months = [str(Month(2025, 12).shifted(k)) for k in range(6)]
    figures = pd.DataFrame({"nps": [30.0, None, 60.0, 0.0, 10.0, None]}, index=months)
    assert before_and_since(figures, action(), Month(2026, 5)) == (45.0, 10.0)


def test_the_report_lists_what_is_open_as_of_its_month(tmp_path):
    workspace = write_month(tmp_path)
    workspace.actions.parent.mkdir(parents=True, exist_ok=True)
    workspace.actions.write_text(FILE, encoding="utf-8")
    html = monthly_report(workspace, "zh").actions().html
    assert "两小时内响应" in html
    assert "增租运力" in html
    assert "回访" not in html
    assert "逾期 1 项" in html
    assert "均值回归" in html
    assert "各月数值的简单平均" in html
    other = write_month(tmp_path / "other")
    other.actions.unlink()
    earlier = monthly_report(other, "en").actions().html
    assert "no file of measures" in earlier
