"""The dashboard's parts and choices, without a server."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.dashboard.call_parts import COLUMNS, MOST_CALLS, call_list
from analysis.dashboard.experiment_parts import (
    SAID,
    effects_table,
    guardrail_list,
    metrics_of,
)
from analysis.dashboard.headline import big_numbers
from analysis.dashboard.marks import Axis
from analysis.dashboard.parts import PARTS, STANDS_SINCE
from analysis.dashboard.published import fingerprint, months_in, reports_of
from analysis.dashboard.results import MonthResults, Results
from analysis.dashboard.tier_parts import Selection, explorer, held_back, migration, tier_sizes
from analysis.dashboard.view import CHOICES, Dashboard
from analysis.errors import CoverageError
from analysis.language import Language
from analysis.tables import TIERS
from dashboard_month import BEFORE, NEW, REGIONS, publish, publish_again
from processes import interrupted_query
from report_month import AS_OF

EN, ZH = Language("en"), Language("zh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("company")
    publish(place)
    return place


@pytest.fixture(scope="module")
def month(folder: Path) -> MonthResults:
    return Results(folder / "params" / "small.yaml", folder).month(AS_OF)


@pytest.fixture
def page(folder: Path) -> Dashboard:
    return Dashboard(lambda: Results(folder / "params" / "small.yaml", folder), "en")


def texts(dashboard: Dashboard) -> str:
    """All that the page shows, parts and choices."""

    def of(widget: ipywidgets.Widget) -> str:
        children = getattr(widget, "children", ())
        own = [str(getattr(widget, name, "")) for name in ("value", "description")]
        own += [str(name) for name, _ in getattr(widget, "options", ())]
        return "\n".join([*own, *(of(child) for child in children)])

    return of(dashboard.page)


def choose(dashboard: Dashboard, name: str, value: str) -> None:
    dashboard._choices[name].value = value


# ---- what is published -----------------------------------------------------------------------


def test_months_are_those_with_a_summary_the_latest_first(folder: Path) -> None:
    reports = folder / "reports" / "small"
    (reports / "2026-08").mkdir(exist_ok=True)
    (reports / "index.html").write_text("")
    assert months_in(reports) == (AS_OF, BEFORE)


def test_without_results_one_sentence_says_what_to_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CoverageError, match="no results yet") as told:
        reports_of(folder / "params" / "small.yaml", tmp_path)
    assert "tierlab run --profile" in str(told.value)


def test_the_fingerprint_follows_what_is_published(folder: Path, tmp_path: Path) -> None:
    summary = tmp_path / "2026-10" / "summary.json"
    summary.parent.mkdir()
    seen = {fingerprint(tmp_path)}
    summary.write_text("{}")
    seen.add(fingerprint(tmp_path))
    (tmp_path / "2026-10" / "manifest.json").write_text("{}")
    seen.add(fingerprint(tmp_path))
    before = fingerprint(tmp_path)
    (tmp_path / "2026-10" / "report.zh.html").write_text("…")
    assert fingerprint(tmp_path) == before, "only what a run publishes last is watched"
    (tmp_path / ".publishing-2026-10-1").mkdir()
    (tmp_path / ".publishing-2026-10-1" / "summary.json").write_text("{}")
    assert fingerprint(tmp_path) == before, "not what is about to be published"
    summary.unlink()
    seen.add(fingerprint(tmp_path))
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("state", "told"), [("stale", "a new run is to come"), ("failed", "failed")]
)
def test_how_a_month_stands_since_is_told(
    folder: Path, tmp_path: Path, state: str, told: str
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    reports = tmp_path / "reports" / "small"
    before = fingerprint(reports), fingerprint(reports, with_states=True)
    (reports / ".states").mkdir()
    (reports / ".states" / f"{AS_OF}.json").write_text(json.dumps({"state": state}))
    assert fingerprint(reports) == before[0], "nothing newer is published"
    assert fingerprint(reports, with_states=True) != before[1]
    page = Dashboard(lambda: Results(tmp_path / "params" / "small.yaml", tmp_path), "en")
    assert told in page._parts["top"].value


# ---- charts ----------------------------------------------------------------------------------

finite = st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-9)


@given(st.lists(finite, min_size=1, max_size=8))
def test_an_axis_shows_zero_and_every_value(values: list[float]) -> None:
    axis = Axis.around(values)
    places = [axis.place(value) for value in sorted([*values, 0.0])]
    assert places == sorted(places)
    assert all(0 < place < 100 for place in places)


@given(st.lists(finite, min_size=1, max_size=8))
def test_ticks_are_few_within_the_axis_and_hold_zero(values: list[float]) -> None:
    axis = Axis.around(values)
    ticks = axis.ticks()
    assert 0.0 in ticks
    assert 1 <= len(ticks) <= 6
    assert all(axis.low <= tick <= axis.high for tick in ticks)


# ---- the experiment --------------------------------------------------------------------------


def test_effects_are_shown_for_all_and_by_tier(month: MonthResults) -> None:
    view = next(v for v in month.experiments if v.id == "tiered-2025")
    table = effects_table(view, "retention", EN)
    assert [t for t in ("All customers", *map(str.capitalize, TIERS)) if t in table] == [
        "All customers", "Strategic", "Key", "Potential", "Regular",
    ]  # fmt: skip
    assert table.count('role="img"') == 5
    assert "+5.2 pp" in table
    assert "smallest worthwhile effect" in table
    assert table.count('class="limit"') == 5


def test_a_failed_check_hides_every_effect(month: MonthResults) -> None:
    view = month.experiments[0]
    verdict = {**view.verdict, "decision": "do_not_trust"}
    hidden = replace(view, content={**view.content, "verdict": verdict})
    for part in (effects_table(hidden, "retention", EN), guardrail_list(hidden, EN)):
        assert "cannot be read as effects" in part
        assert 'role="img"' not in part


def test_an_effect_that_is_not_known_yet_says_so(month: MonthResults) -> None:
    view = month.experiments[0]
    rows = view.estimates.assign(effect=float("nan"), status="window still running")
    assert "window still running" in effects_table(replace(view, estimates=rows), "retention", EN)


def test_primary_metrics_come_first(month: MonthResults) -> None:
    view = next(v for v in month.experiments if v.id == "tiered-2025")
    assert metrics_of(view)[:2] == ["retention", "nps"]
    assert set(metrics_of(view)) == set(view.estimates["metric"])


def test_guardrails_tell_their_state(month: MonthResults) -> None:
    view = next(v for v in month.experiments if v.id == "depot-2026")
    shown = guardrail_list(view, EN)
    assert "Ordinary customers" in shown
    assert "All customers" not in shown, "none of its guardrails is about everybody"
    assert shown.count("<li>") == 3
    assert "insufficient data" in shown
    assert "cannot be measured in this design" not in shown
    other = next(v for v in month.experiments if v.id == "tiered-2025")
    assert "cannot be measured in this design" in guardrail_list(other, EN)


# ---- customers -------------------------------------------------------------------------------


def test_group_counts_add_up_to_the_customers(month: MonthResults) -> None:
    assert month.groups is not None
    assert month.groups["customers_n"].sum() == 400
    assert month.groups["revenue"].sum() == 400_000.0
    chosen = Selection(region=REGIONS[0]).of(month.groups)
    assert chosen["customers_n"].sum() == 134  # 400 customers dealt in turn to three regions
    assert "134 customers" in explorer(month.groups, Selection(region=REGIONS[0]), "CNY", EN)


def test_migration_counts_the_moves(month: MonthResults) -> None:
    assert month.flows is not None
    known = month.flows[month.flows["from_tier"] != ""]
    moved = known[known["from_tier"] != known["to_tier"]]["customers_n"].sum()
    assert f"{moved} customers moved between tiers" in migration(month.flows, EN)
    assert month.flows["customers_n"].sum() == 400
    assert known["customers_n"].sum() == 400 - len(NEW)


def test_a_new_customer_is_no_move() -> None:
    flows = pd.DataFrame({"from_tier": ["", "key"], "to_tier": ["key", "key"], "customers_n": 3})
    shown = migration(flows, EN)
    assert "0 customers moved" in shown
    assert "New customers" in shown


def test_moves_held_back_are_told_with_their_rule(month: MonthResults) -> None:
    assert "seasonal protection 6" in held_back(month.held_back, EN)


def test_tier_sizes_show_count_share_and_change() -> None:
    sizes = pd.DataFrame(
        {"month": ["2026-09", "2026-10", "2026-10"], "tier": ["key", "key", "regular"],
         "customers_n": [5, 8, 24]}
    )  # fmt: skip
    row = next(r for r in tier_sizes(sizes, "2026-10", EN).split("<tr>") if ">Key<" in r)
    assert ">8<" in row
    assert ">25.0%<" in row
    assert ">+3<" in row


def test_big_numbers_are_the_summarys(folder: Path) -> None:
    path = folder / "reports" / "small" / AS_OF / "summary.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["headline"]["active_customers"] = {"value": 1234, "previous": 1000, "year_ago": None}
    shown = big_numbers(stored, "CNY", EN)
    assert "1,234" in shown
    assert "on last month" in shown
    assert "up 23.4%" in shown
    noisy = {"value": 0.84, "previous": 0.85, "chance_previous": 0.02}
    told = big_numbers({"headline": {"on_time_rate": noisy}}, "CNY", EN)
    assert "within chance" in told  # as the report says it
    assert "worse" not in told
    assert "Not available: no source of tickets" in big_numbers(
        {**stored, "not_available": {"en": ["no source of tickets"]}}, "CNY", EN
    )
    assert big_numbers({}, "CNY", EN) == ""


# ---- the page --------------------------------------------------------------------------------


def test_opens_on_the_latest_month_with_a_verdict(page: Dashboard) -> None:
    shown = texts(page)
    assert "Data to the end of October 2026" in shown
    assert "Continue" in shown
    assert "Tiered service by depot" in shown


def test_every_choice_changes_its_part(page: Dashboard) -> None:
    choose(page, "experiment", "tiered-2025")
    assert "Roll out" in page._parts["verdict"].value
    effects = page._parts["effects"].value
    choose(page, "metric", "nps")
    assert page._parts["effects"].value != effects
    choose(page, "tier", "strategic")
    assert "400 customers" not in page._parts["groups"].value
    choose(page, "month", BEFORE)
    assert "September 2026" in page._parts["top"].value
    assert "No experiment this month" in page._parts["verdict"].value
    assert page._of_experiment.layout.display == "none"


def test_the_language_switch_leaves_no_english_and_keeps_the_choices(page: Dashboard) -> None:
    choose(page, "experiment", "tiered-2025")
    choose(page, "region", REGIONS[1])
    page._language.value = "zh"
    shown = texts(page)
    assert "数据截至2026年10月末" in shown
    assert page._choices["experiment"].value == "tiered-2025"
    assert page._choices["region"].value == REGIONS[1]
    assert page._choices["region"].description == "区域"


def test_headings_kept_in_tables_have_a_translation() -> None:
    headings = [
        *CHOICES.values(),
        *SAID.values(),
        *STANDS_SINCE.values(),
        *(name for name, _ in COLUMNS.values()),
    ]
    headings += [
        "All customers",
        "Ordinary customers",
        "Customers",
        "Effect with interval",
        "Effect",
        "Without → with",
    ]
    headings += ["Tier", "Customers", "Share", "Against last month", "Past year"]
    assert [name for name in headings if ZH.text(name) == name] == []


def test_values_of_the_data_reach_the_page_as_text(page: Dashboard) -> None:
    assert "<b>North" not in "".join(part.value for part in page._parts.values())
    assert "&lt;b&gt;North &amp; West&lt;/b&gt;" in page._parts["groups"].value


def test_a_broken_part_is_one_sentence_and_the_others_stay(
    page: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> str:
        raise ValueError("secret detail")

    monkeypatch.setitem(PARTS, "groups", fails)
    choose(page, "tier", "key")
    assert "cannot be shown right now" in page._parts["groups"].value
    assert "secret detail" not in texts(page)
    assert "Continue" in page._parts["verdict"].value


def test_an_interrupted_query_ends_the_work_and_is_no_fault(
    page: Dashboard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PARTS, "groups", interrupted_query)
    with pytest.raises(KeyboardInterrupt):
        choose(page, "tier", "key")
    assert "cannot be shown right now" not in page._parts["groups"].value
    assert capfd.readouterr().err == ""


def test_newer_results_are_offered_and_shown_on_request(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    profile = tmp_path / "params" / "small.yaml"
    page = Dashboard(lambda: Results(profile, tmp_path), "en")
    choose(page, "experiment", "tiered-2025")
    assert "Roll out" in page._parts["verdict"].value
    publish_again(tmp_path, decision="stop_harm")
    assert page._results.is_outdated
    choose(page, "tier", "key")
    assert "Roll out" in page._parts["verdict"].value, "never swapped under the reader's eyes"
    page._renew.click()
    choose(page, "experiment", "tiered-2025")
    assert "Stop: harm" in page._parts["verdict"].value
    assert not page._results.is_outdated


def test_a_profile_without_customers_or_experiments_still_has_a_page(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    profile = tmp_path / "params" / "small.yaml"
    place = tmp_path / "data" / "processed" / "small" / AS_OF
    for path in (*place.glob("*.parquet"), *place.glob("*.json")):
        path.unlink()
    shown = texts(Dashboard(lambda: Results(profile, tmp_path), "zh"))
    assert "暂缺" in shown
    assert ZH.text("This cannot be shown right now. Please come back later.") not in shown


def test_results_that_cannot_be_read_leave_one_sentence(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "data" / "processed" / "small" / AS_OF / "evaluations.json").write_text("{ broken")
    page = Dashboard(lambda: Results(tmp_path / "params" / "small.yaml", tmp_path), "en")
    assert "come back later" in page._parts["top"].value
    assert {part.value for name, part in page._parts.items() if name != "top"} == {""}
    choose(page, "month", BEFORE)
    assert "September 2026" in page._parts["top"].value


def test_calls_are_those_of_the_chosen_reason(month: MonthResults, page: Dashboard) -> None:
    assert month.calls is not None
    burst = month.calls[month.calls["why"] == "burst"]["customer_id"].tolist()
    others = set(month.calls["customer_id"]) - set(burst)
    choose(page, "why", "burst")
    shown = page._parts["calls"].value
    assert burst
    assert all(customer in shown for customer in burst)
    assert not [customer for customer in others if customer in shown]


def test_a_column_that_holds_nothing_is_left_out(month: MonthResults) -> None:
    assert month.calls is not None
    assert ">Margin<" in call_list(month.calls, None, "CNY", EN)
    unknown = month.calls.assign(margin_window=float("nan"))
    assert ">Margin<" not in call_list(unknown, None, "CNY", EN)


def test_a_long_list_of_calls_is_folded_and_its_end_is_told(month: MonthResults) -> None:
    assert month.calls is not None
    many = pd.concat([month.calls] * 15, ignore_index=True)
    shown = call_list(many, None, "CNY", EN)
    assert shown.count("<tr>") == 2 + MOST_CALLS  # two heads
    assert "Show 40 more" in shown
    assert "10 more are in the month's table" in shown
