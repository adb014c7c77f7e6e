"""Sections of the report: what they say, what they say when data are missing, and never HTML."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from analysis.language import MISSING, Language
from analysis.report import monthly_report
from analysis.report.changes import input_changes
from analysis.report.data_quality import adds_up
from analysis.report.effects import curve_chart
from analysis.report.experiment_view import experiment_views
from analysis.report.guardrails import guardrail_state
from analysis.report.headline import HEADLINE
from analysis.report.inputs import gather
from analysis.report.provenance import version_of
from analysis.report.satisfaction import SCORES, score_chart
from analysis.report.tier_moves import counts_of_moves
from analysis.report.verdicts import DECISIONS, verdict_box
from report_month import AS_OF, _message, checks, estimates, evaluations, tables, write_month

SECTIONS = (
    "front", "verdicts", "overview", "effects", "guardrails", "fairness", "satisfaction",
    "tier_moves", "service_plan", "customers_to_call", "actions", "claims", "data_quality",
    "what_changed", "provenance",
)  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)>&\"'=cmd|calc!A1"


def words(html: str) -> str:
    """The text of markup, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def whole(workspace, language="en") -> str:
    report = monthly_report(workspace, language)
    return "\n".join(getattr(report, name)().html for name in SECTIONS)


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    return write_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def english(month):
    return {name: getattr(monthly_report(month, "en"), name)().html for name in SECTIONS}


def box_of(folder, decision, *, alarmed="", language="en", **verdict):
    content = evaluations(decision=decision)
    content["experiments"][0]["verdict"].update(verdict)
    frames = {"estimates": estimates(), "checks": checks(alarmed=alarmed)}
    inputs = gather(write_month(folder, frames, {"evaluations": content}))
    view = next(v for v in experiment_views(inputs) if v.id == "tiered-2025")
    return verdict_box(view, Language(language))


@pytest.mark.parametrize(
    ("decision", "zh"),
    [
        ("roll_out", "推广"),
        ("continue", "继续试验"),
        ("stop_harm", "停止：有损害"),
        ("stop_no_effect", "停止：无显著价值"),
        ("inconclusive", "尚无定论"),
        ("do_not_trust", "结果不可信"),
    ],
)
def test_each_decision_has_its_words_sign_and_next_step(tmp_path, decision, zh):
    box = box_of(tmp_path, decision, language="zh")
    assert box["words"] == zh
    assert box["sign"] == DECISIONS[decision].sign
    assert dict(box["facts"])["下一步"]
    assert dict(box["facts"])["责任人"] == "客户服务部 王敏"


def test_a_roll_out_to_some_names_them(tmp_path):
    box = box_of(tmp_path, "roll_out_to", segments=["strategic", "key"], language="zh")
    assert box["words"] == "面向战略客户、重点客户推广"


def test_a_failed_gate_replaces_effects(tmp_path):
    box = box_of(tmp_path, "do_not_trust", alarmed="sample_ratio")
    assert box["effects"] == []
    assert "sample ratio" in box["alarms"][0]
    assert "0.0002" in box["alarms"][0]


def test_a_failed_gate_leaves_no_chart_and_no_guardrail(tmp_path):
    content = evaluations(decision="do_not_trust")
    content["experiments"] = content["experiments"][:1]
    frames = {"estimates": estimates(), "checks": checks(alarmed="loss")}
    report = monthly_report(write_month(tmp_path, frames, {"evaluations": content}), "en")
    assert "<figure" not in report.effects().html
    assert "they are not effects" in report.effects().html
    assert report.guardrails().html == ""


@pytest.mark.parametrize(("decision", "is_told"), [("continue", True), ("inconclusive", False)])
def test_after_the_last_planned_look_no_next_one_is_promised(tmp_path, decision, is_told):
    """A secondary metric may still ripen; the box said "last planned look" and "next look"."""
    content = evaluations(decision=decision)
    content["experiments"] = content["experiments"][:1]
    content["experiments"][0]["next_look"] = "2027-04-30"
    month = write_month(tmp_path, {"estimates": estimates()}, {"evaluations": content})
    assert ("30 Apr 2027" in words(monthly_report(month, "en").verdicts().html)) == is_told


def test_a_box_tells_effect_interval_and_size(english):
    box = words(english["verdicts"])
    assert "+5.2 pp +2.1 to +8.3 pp worthwhile from +2.0 pp 4,203 customers" in box


def test_running_experiments_come_first(month):
    views = experiment_views(gather(month))
    assert [view.id for view in views] == ["depot-2026", "tiered-2025"]


def test_reasons_are_told_in_the_readers_language_without_the_boxes_own_numbers(tmp_path):
    repeated = "{metric}: {effect} ({low} to {high}), n = {n}"
    term = {"kind": "term", "value": "Margin", "digits": 0, "sign": False, "currency": ""}
    reasons = [
        _message(repeated, metric=term, effect=term, low=term, high=term, n=term),
        _message("Net value per customer is not above zero"),
    ]
    box = box_of(tmp_path, "continue", reasons=reasons, language="zh")
    assert len(box["reasons"]) == 1
    assert re.search("[一-鿿]", box["reasons"][0])


def test_charts_state_their_finding_and_their_numbers_in_words(english):
    alternatives = re.findall(r'alt="([^"]*)"', english["effects"])
    assert len(alternatives) >= 4
    assert any(
        a.startswith("Tiered service raises retention by 5.2 pp (2.1 to 8.3). Interval plot")
        and "Strategic +9.4 pp (+4.2 to +14.6)" in a
        and "worthwhile from +2.0 pp" in a
        for a in alternatives
    )


def test_the_table_repeats_the_numbers_of_the_chart(english):
    table = words(english["effects"])
    for number in ("+9.4 pp", "+4.2 to +14.6", "79.3%", "74.1%", "2,104 / 2,099"):
        assert number in table


def test_an_unsure_effect_is_not_told_as_one(english):
    assert "Retention: no clear effect yet, +3.1 pp (−0.5 to +6.7)" in words(english["effects"])


@pytest.mark.parametrize(
    ("low", "high", "sign", "state"),
    [
        (-0.5, 2.0, 1, "safe"),
        (-0.9, -0.1, 1, "tolerated"),
        (-3.0, -1.1, 1, "harmed"),
        (-2.0, 1.0, 1, "insufficient"),
        (1.1, 3.0, -1, "harmed"),
        (-2.0, 0.5, -1, "safe"),
        (0.1, 0.9, -1, "tolerated"),
        (float("nan"), float("nan"), 1, "insufficient"),
    ],
)
def test_a_guardrail_is_judged_by_its_interval_and_the_tolerated_harm(low, high, sign, state):
    row = pd.Series(
        {"effect": (low + high) / 2, "av_low": low, "av_high": high, "ci_low": low,
         "ci_high": high, "status": "ok"}
    )  # fmt: skip
    assert guardrail_state(row, sign, 1.0) == state


def test_harm_to_ordinary_customers_is_told_beside_the_guardrails_of_all(tmp_path):
    """Nobody reads "nothing got worse" of all customers while the verdict says: stop, harm."""
    told = estimates()
    beside = (told["estimand"] == "spillover") & (told["metric"] == "complaints")
    told.loc[beside, ["effect", "av_low", "av_high"]] = [0.02, 0.015, 0.025]
    report = monthly_report(write_month(tmp_path, {**tables(), "estimates": told}), "en")
    sentence = "harmed beyond the tolerated limit in complaints; the next section shows it."
    assert sentence in words(report.guardrails().html)
    assert "the next section" not in words(report.fairness().html)


def test_a_guardrail_without_a_source_is_not_measurable():
    row = pd.Series({"effect": None, "status": "not available: no tickets source"})
    row = row.reindex(["effect", "status", "av_low", "av_high", "ci_low", "ci_high"])
    assert guardrail_state(row, 1, 1.0) == "missing"


def test_ordinary_customers_have_a_section_of_their_own(english):
    fair = words(english["fairness"])
    assert "Untreated beside treated" in fair
    assert "cannot be measured in this design" in fair


@pytest.mark.parametrize("missing", sorted(tables()))
def test_a_missing_table_takes_its_part_and_nothing_else(tmp_path, missing):
    content = {name: frame for name, frame in tables().items() if name != missing}
    html = whole(write_month(tmp_path, content), "zh")
    assert 'id="provenance"' in html
    assert not re.search(r">\s*(nan|None|NaT)\s*<", html)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_month_without_any_table_still_makes_a_report_that_says_why(tmp_path, language):
    html = whole(write_month(tmp_path, {}, {}), language)
    told = "Not available" if language == "en" else "暂缺"
    assert html.count(told) >= 4
    assert "<figure" not in html


def test_without_an_experiment_the_first_box_says_so(tmp_path):
    report = monthly_report(write_month(tmp_path, tables(), {}), "en")
    assert "No experiment this month" in report.verdicts().html
    assert report.effects().html == ""


def test_an_experiment_that_waits_is_named_with_its_reason(tmp_path):
    content = {
        "experiments": [],
        "waiting": [{"id": "depot-2026", "why": _message("no unit is assigned yet")}],
    }
    html = monthly_report(write_month(tmp_path, {}, {"evaluations": content}), "en").verdicts()
    assert "Tiered service by depot: no unit is assigned yet" in words(html.html)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_customers_or_analysts_typed_appears_as_text(tmp_path, language):
    content = tables()
    content["calls"] = content["calls"].assign(customer_id=HOSTILE, why=HOSTILE[:20])
    content["calls"]["why"] = "demoted"
    content["violations"] = content["violations"].assign(column=HOSTILE, rule=HOSTILE)
    content["ledger"] = content["ledger"].assign(source=HOSTILE, table=HOSTILE)
    content["quality"]["source"] = content["quality"]["source"].replace("crm", HOSTILE)
    content["moves"] = content["moves"].assign(reason=HOSTILE)
    content["estimates"]["segment"] = content["estimates"]["segment"].replace("key", HOSTILE)
    content["checks"] = content["checks"].assign(gate=HOSTILE)
    content["curves"]["arm"] = content["curves"]["arm"].replace("tiered", HOSTILE)
    evaluated = evaluations()
    for one in evaluated["experiments"]:
        one["owner"] = one["title"]["zh"] = one["title"]["en"] = HOSTILE
        one["notes"] = one["money"] = [HOSTILE]
        one["verdict"]["reasons"] = one["verdict"]["needs"] = [HOSTILE]
        one["arms"][0]["arm"] = HOSTILE
    html = whole(write_month(tmp_path, content, {"evaluations": evaluated}), language)
    assert "<img src=x" not in html
    assert unescape(html).count(HOSTILE) >= 20
    tags = re.findall(r"<(?!/)[^>]*>", html)
    assert not [tag for tag in tags if re.search(r"\son\w+=", re.sub(r'"[^"]*"', "", tag))]


def test_moves_are_counted_by_direction_and_held_back(month):
    moves = gather(month).frames["moves"]
    counts = counts_of_moves(moves)
    done = moves[moves["held_back_by"].isna()]
    assert counts["up"] == (done["direction"] == "up").sum() > 0
    assert counts["down"] == (done["direction"] == "down").sum() > 0
    assert counts["held_back"] == 9


def test_the_heat_map_tells_every_stream(english, month):
    counts = gather(month).tier_counts.dropna()
    moved = counts[counts["previous_tier"] != counts["tier"]]
    alternative = re.search(r'alt="([^"]*Heat map[^"]*)"', english["tier_moves"])[1]
    for _, row in moved.iterrows():
        stream = f"{row['previous_tier']} to {row['tier']}: {row['customers_n']}"
        assert stream in alternative.lower()


def test_held_back_moves_tell_the_rule(english):
    assert "Seasonal protection 0 6" in words(english["tier_moves"])


def test_calls_show_ids_only_unless_the_profile_shows_names(tmp_path):
    names = pd.DataFrame({"customer_id": ["C00011"], "name": ["华东<b>电子"]})
    workspace = write_month(tmp_path)
    private = workspace.processed / "private"
    private.mkdir()
    names.to_parquet(private / "customer_names.parquet", index=False)
    assert "电子" not in monthly_report(workspace, "zh").customers_to_call().html
    path = workspace.profile_path
    path.write_text(path.read_text() + "privacy: {show_names: true}\n", encoding="utf-8")
    shown = monthly_report(reopened(workspace), "zh").customers_to_call().html
    assert "C00011 华东&lt;b&gt;电子" in shown


def reopened(workspace):
    from analysis.workspace import open_month

    return open_month(workspace.profile_path, AS_OF, out=workspace.profile_path.parents[1])


def test_the_ledger_must_add_up_and_says_so_when_it_does_not(tmp_path):
    ledger = tables()["ledger"]
    assert adds_up(ledger)
    broken = ledger.assign(rows_kept=ledger["rows_kept"] - 1)
    assert not adds_up(broken)
    html = monthly_report(write_month(tmp_path, {"ledger": broken}), "en").data_quality().html
    assert "does not add up" in html


def test_sources_in_a_bad_state_are_named(english):
    assert "Needs attention: crm." in words(english["data_quality"])


def test_inputs_are_compared_by_kind():
    now = {"code": "b", "raw/a.csv": "1", "raw/b.csv": "2", "params.tiers": "x"}
    before = {"code": "a", "raw/a.csv": "1", "raw/c.csv": "3", "params.tiers": "x"}
    now["previous/inputs"], before["previous/inputs"] = "y", "z"  # another month's: always differ
    found = {change.kind: change for change in input_changes(now, before)}
    assert set(found) == {"code", "raw"}
    assert found["raw"].added == ("b.csv",)
    assert found["raw"].removed == ("c.csv",)
    assert found["raw"].changed == ()


def test_last_months_report_is_compared_with(tmp_path):
    import json

    from analysis.report.summary import summary

    workspace = write_month(tmp_path)
    told = summary(workspace)
    before = workspace.reports.parent / "2026-09"
    before.mkdir(parents=True)
    september = gather(workspace).figures.loc["2026-09"]
    values = {key: {"value": float(september[key])} for key in told["headline"]}
    values["revenue"]["value"] *= 0.9
    values["on_time_rate"]["value"] += 1e-7  # told alike, so no revision to a reader
    experiments = [{"id": "tiered-2025", "verdict": "continue"}]
    content = {"headline": values, "experiments": experiments}
    (before / "summary.json").write_text(json.dumps(content), encoding="utf-8")
    html = words(monthly_report(workspace, "en").what_changed().html)
    assert "Tiered against uniform service: Continue became Roll out" in html
    assert "Tiered service by depot: new, Continue" in html
    assert "Figures of September 2026 that were revised" in html
    assert html.count("CN¥") == 2  # revenue then and now, and no other figure
    assert next(one.label for one in HEADLINE if one.key == "on_time_rate") not in html


def test_a_source_of_two_tables_is_told_to_count_twice(tmp_path):
    """A file of 10,324 rows gave "18,785 rows were read": shipments and customers."""
    ledger = tables()["ledger"]
    twice = pd.concat([ledger, ledger.assign(table="customers").head(2)])
    for content, is_told in ((ledger, False), (twice, True)):
        place = tmp_path / str(is_told)
        html = monthly_report(write_month(place, {"ledger": content}), "en").data_quality().html
        assert ("A row counts once for each table it goes into." in html) == is_told


def test_readers_of_both_languages_are_told_of_the_same_revisions(tmp_path):
    """A revenue of 2,143.9 then and 2,144.0 (万) now is CN¥21.4m both times when shortened."""
    from analysis.report.changes import what_changed

    inputs = gather(write_month(tmp_path))
    figures = inputs.figures.copy()
    figures.loc["2026-09", "revenue"] = 21_440_187.0
    before = {"headline": {"revenue": {"value": 21_439_195.0}}}
    inputs = replace(inputs, figures=figures, previous_summary=before)
    for code in ("zh", "en"):
        html = words(what_changed(inputs, Language(code)).html)
        assert "¥21,439,195" in html, code
        assert "¥21,440,187" in html, code


def test_a_package_that_is_not_installed_has_no_version():
    assert version_of("pandas") == pd.__version__
    assert version_of("no-such-package") == MISSING


def test_provenance_gives_the_one_command(english, tmp_path):
    assert "tierlab run --profile params/small.yaml --month 2026-10<" in english["provenance"]
    workspace = write_month(tmp_path)
    elsewhere = replace(
        workspace, raw=tmp_path / "raw files", reports=tmp_path / "o/reports/small/m"
    )
    assert gather(elsewhere).command == (
        "tierlab run --profile params/small.yaml --month 2026-10 "
        f"--raw '{tmp_path / 'raw files'}' --out {tmp_path / 'o'}"
    )


def test_what_to_do_stands_before_the_reasons(month):
    """A reader on a phone must not unfold anything to know the next step and who takes it."""
    html = monthly_report(month, "en").verdicts().html
    box = html[html.index("<article") : html.index("</article>")]
    assert box.index("Next step") < box.index("<details")
    assert box.index("Owner") < box.index("<details")
    assert 'href="#calls"' in html
    assert 'href="#actions"' in html
    assert html.index('class="todo"') > html.rindex("</article>")


def test_calls_are_counted_by_reason_before_the_table(english):
    lead = words(english["customers_to_call"].split("<details")[0])
    assert re.search(r"Why: [a-z ]+ \(\d+\)", lead)


def test_curves_and_lines_are_told_in_numbers_to_those_who_do_not_see_them(month):
    inputs, english = gather(month), Language("en")
    view = next(v for v in experiment_views(inputs) if v.id == "tiered-2025")
    curve = curve_chart(view, english).alternative
    assert len(re.findall(r"after \d+ days \d+\.\d% \(tiered service\) and \d", curve)) == 3
    line = score_chart(SCORES[0], inputs, english).alternative
    drawn = inputs.figures["nps"].tail(25)
    lowest = english.number(drawn.min(), 1, sign=True)
    assert f"lowest {lowest} in {english.month(str(drawn.idxmin()))}" in line
