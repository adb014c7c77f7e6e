"""``tierlab evaluate``: four files, two offline pages, and faults in words with their own code."""

import csv
import html
import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.cli import exit_code_of
from analysis.experiment import evaluate
from analysis.language import Language
from analysis.message import Message
from analysis.report import evaluation_page
from experiment_units import plan, units

AWAY = re.compile(r"""(?:src|href|url|@import|action)\s*[=(]?\s*["']?\s*(?:https?:)?//""", re.I)
PLAN = {
    "id": "colours",
    "title": {"zh": "配色 <b>试验</b>", "en": "Colours <b>tried</b>"},
    "unit": "id",
    "arm": "arm",
    "control": "grey",
    "allocation": {"grey": 0.5, "red": 0.5},
    "looks": "accrual",
    "planned_n": 400,
    "segments": ["tier"],
    "metrics": [
        {"name": "orders", "kind": "mean", "column": "orders", "role": "primary",
         "minimum_effect": 0.1},
        {"name": "nps", "kind": "nps", "column": "score", "role": "primary"},
        {"name": "lifetime", "kind": "survival", "duration": "days", "event": "gone",
         "horizon": 60},
        {"name": "complaints", "kind": "mean", "column": "complaints", "role": "guardrail",
         "direction": "decrease", "margin": 0.2},
    ],
}  # fmt: skip


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    days = rng.exponential(60, n)
    return units(n).assign(
        score=np.where(rng.random(n) < 0.6, rng.integers(0, 11, n), np.nan),
        days=np.minimum(days, 60).round(2),
        gone=days < 60,
        complaints=rng.poisson(0.1, n),
    )


def written(folder, content: dict | None = None, frame: pd.DataFrame | None = None) -> list[str]:
    """Plan and units as files; the command's arguments."""
    (folder / "plan.yaml").write_text(
        yaml.safe_dump(content or PLAN, allow_unicode=True), encoding="utf-8"
    )
    (table() if frame is None else frame).to_csv(folder / "units.csv", index=False)
    parts = ("--experiment", folder / "plan.yaml", "--units", folder / "units.csv")
    return ["evaluate", *map(str, parts), "--out", str(folder / "out")]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    assert exit_code_of(written(folder)) == 0
    return folder / "out"


def test_four_files_are_written(out):
    names = {path.name for path in out.iterdir()}
    assert names == {"estimates.csv", "verdict.json", "report.zh.html", "report.en.html"}


def test_the_table_and_the_document_hold_no_literal_that_is_no_number(out):
    with (out / "estimates.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) > 10
    assert not {"nan", "inf", "-inf", "none"} & {cell.lower() for row in rows for cell in row}

    def refuse(name: str) -> None:
        raise AssertionError(name)

    text = (out / "verdict.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse)["id"] == "colours"


def test_the_document_tells_the_verdict_in_both_languages(out):
    document = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    for code in ("en", "zh"):
        told = document["in_words"][code]
        language = Language(code)
        headline = Message.from_json(document["verdict"]["headline"]).in_(language)
        assert told["headline"] == headline
        assert len(told["reasons"]) == len(document["verdict"]["reasons"]) > 0
        assert "{" not in "".join([told["headline"], *told["reasons"], *told["needs"]])


@pytest.mark.parametrize(("code", "lang"), [("zh", "zh-CN"), ("en", "en")])
def test_a_page_is_offline_escaped_and_complete(out, code, lang):
    page = (out / f"report.{code}.html").read_text(encoding="utf-8")
    assert f'<html lang="{lang}">' in page
    assert not AWAY.search(page)
    assert "<script" not in page
    assert "<b>" not in page, "the title is a customer's text"
    assert html.escape(PLAN["title"][code]) in page
    for section in ("verdicts", "how", "effects", "guardrails", "caveats", "provenance"):
        assert f'<section id="{section}"' in page
    for table_of in ("plan", "checks", "effects", "segments", "answers"):
        assert f"{table_of}-colours" in page
    assert page.count("<figure") == page.count(' alt="') >= 3
    other = "en" if code == "zh" else "zh"
    assert f'href="report.{other}.html"' in page
    assert "nan" not in re.sub(r"data:image[^\"]*", "", page).lower().split()


def test_the_page_says_which_rule_applied_and_what_repeated_looks_cost(out):
    page = (out / "report.en.html").read_text(encoding="utf-8")
    assert page.count('aria-current="step"') == 1
    assert "Looking once, and looking again and again" in page
    assert "lets anyone look while units arrive" in page


def test_the_same_input_gives_the_same_bytes(out, tmp_path):
    assert exit_code_of(written(tmp_path)) == 0
    for name in ("estimates.csv", "verdict.json"):
        assert (tmp_path / "out" / name).read_bytes() == (out / name).read_bytes()


def test_an_alarm_replaces_the_charts(tmp_path):
    frame = table()
    found = evaluate(frame[(frame["arm"] == "grey") | (np.arange(400) > 200)], plan())
    page = evaluation_page(found, "en")
    assert "Do not trust" in page
    assert "they are not effects" in page
    assert "<figure" not in page


def test_no_currency_is_invented_for_a_plain_table():
    names = ["margin", "cost_to_serve"]
    metrics = [
        {"name": name, "kind": "mean", "column": "orders", "role": "primary"} for name in names
    ]
    page = evaluation_page(evaluate(units(), plan(metrics)), "en")
    assert "¥" not in page


FAULTS = {
    "no plan": (lambda f: (f / "plan.yaml").unlink(), "plan.yaml"),
    "no units": (lambda f: (f / "units.csv").unlink(), "File not found"),
    "empty units": (lambda f: (f / "units.csv").write_bytes(b""), "cannot be read"),
    "broken YAML": (lambda f: (f / "plan.yaml").write_text("id: [", encoding="utf-8"), "plan.yaml"),
    "a list for a plan": (
        lambda f: (f / "plan.yaml").write_text("- 1\n", encoding="utf-8"), "plan.yaml",
    ),
    "a folder for units": (
        lambda f: ((f / "units.csv").unlink(), (f / "units.csv").mkdir()), "units.csv",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_own_exit_code_and_no_traceback(tmp_path, capsys, name):
    damage, told = FAULTS[name]
    arguments = written(tmp_path)
    damage(tmp_path)
    code = exit_code_of(arguments)
    said = "".join(capsys.readouterr())
    assert code not in (0, 1)
    assert told in said
    assert "Traceback" not in said
    assert "fault of the program" not in said
    assert not (tmp_path / "out" / "verdict.json").exists()


def test_several_arms_of_a_plain_table_are_called_what_they_are():
    """The axis names no single arm, the level is that of each arm, and units are units."""
    frame = table(600)
    frame["arm"] = np.array(["grey", "red", "blue"])[np.arange(600) % 3]
    shares = {"grey": 0.34, "red": 0.33, "blue": 0.33}
    spec = plan(PLAN["metrics"], allocation=shares, **LOOKED_AT)
    page = html.unescape(evaluation_page(evaluate(frame, spec), "en"))
    assert "Difference from grey" in page
    assert "minus grey" not in page
    assert "A 97.5% interval" in page
    assert "All units, blue" in page
    assert "the event has not come to" in page
    assert "ustomer" not in re.sub(r"data:image[^\"]*", "", page)


LOOKED_AT = {"looks": "accrual", "looks_planned": None, "planned_n": 400}


def given(change=None, **plan_changes) -> tuple[pd.DataFrame, dict]:
    """A small table of orders, changed, and its plan."""
    frame = units(200)
    plain = {"name": "orders", "kind": "mean", "column": "orders", "role": "primary"}
    content = {k: v for k, v in PLAN.items() if k != "segments"} | {"metrics": [plain]}
    return (change(frame) if change else frame), content | plan_changes


STAYS = [{"name": "s", "kind": "survival", "duration": "x", "event": "e", "horizon": 10,
          "role": "primary"}]  # fmt: skip
CHINESE = {"control": "对照组", "allocation": {"对照组": 0.5, "实验组": 0.5}}
LISTED = {
    # the list: table and plan, exit code, part of what is told or of the first row
    "an arm missing": (given(lambda f: f[f["arm"] == "red"]), 0, "no unit with a value in one"),
    "one unit an arm": (given(lambda f: f.head(2)), 0, "too few units for an interval"),
    "all zero": (given(lambda f: f.assign(orders=0)), 0, "no variation"),
    "a constant covariate": (
        given(lambda f: f.assign(one=1), covariates=["one"]), 0, "one does not vary",
    ),
    "collinear covariates": (
        given(lambda f: f.assign(b=f["before"] * 2), covariates=["before", "b"]), 0,
        "b follows from others",
    ),
    "infinite values": (
        given(lambda f: f.assign(orders=f["orders"].where(f.index > 2, np.inf))), 0,
        "3 units with an infinite value",
    ),
    "missing values": (
        given(lambda f: f.assign(orders=f["orders"].where(f.index > 2))), 0, "3 units without",
    ),
    "a unit twice": (given(lambda f: pd.concat([f, f.head(3)])), 7, "3 units have more than one"),
    "a unit in two arms": (
        given(lambda f: pd.concat([f, f.head(9).assign(arm=f["arm"].iloc[1])])), 7, "more than one",
    ),
    "units in two arms": (
        given(lambda f: pd.concat([f, f[::2].head(9).assign(arm="red")])), 0,
        "9 of 200 units are in two arms",
    ),
    "an unknown column": (
        given(lambda f: f.rename(columns={"orders": "order"})), 7, "Did you mean 'order'",
    ),
    "10,000 segments": (
        given(lambda f: units(20_000).assign(s=np.arange(20_000) // 2), segments=["s"]), 0,
        "10,000 segments are too many",
    ),
    "durations below zero": (
        given(lambda f: f.assign(x=np.where(f.index < 9, -1.0, f.index % 20), e=1), metrics=STAYS),
        0, "9 values outside their scale",
    ),
    "arms in Chinese": (
        given(lambda f: f.assign(arm=f["arm"].map({"red": "实验组", "grey": "对照组"})), **CHINESE),
        0, "实验组",
    ),
    "truth as words": (
        given(lambda f: f.assign(orders=np.where(f.index % 3, "true", "false"))), 0, "ok",
    ),
    "no unit": (given(lambda f: f.head(0)), 7, "holds no unit"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", LISTED)
def test_a_bad_table_gives_a_fault_or_a_status_whatever_carries_it(tmp_path, capsys, name, suffix):
    (frame, content), expected, told = LISTED[name]
    arguments = written(tmp_path, content, frame)
    if suffix == "parquet":
        frame.to_parquet(tmp_path / "units.parquet")
        arguments = [word.replace("units.csv", "units.parquet") for word in arguments]
    assert exit_code_of(arguments) == expected
    said = " ".join("".join(capsys.readouterr()).split())
    assert "Traceback" not in said
    if expected:
        assert told in said
        return
    document = (tmp_path / "out" / "verdict.json").read_text(encoding="utf-8")
    verdict = json.loads(document, parse_constant=pytest.fail)["verdict"]
    assert verdict["decision"]
    shown = "".join(
        (tmp_path / "out" / f"report.{c}.html").read_text("utf-8") for c in ("en", "zh")
    )
    rows = (tmp_path / "out" / "estimates.csv").read_text(encoding="utf-8-sig")
    assert told in rows or told in html.unescape(shown)
    assert not re.search(r"\bnan\b", re.sub(r"data:image[^\"]*", "", shown), re.I)


KEYS = {
    "an unknown key": ({"metrcs": []}, "metrcs"),
    "an unknown arm": ({"control": "blue"}, "blue"),
    "shares": ({"allocation": {"grey": 0.5, "red": 0.4}}, "add up to 1"),
    "a negative share": ({"allocation": {"grey": 1.5, "red": -0.5}}, "above 0"),
    "alpha": ({"alpha": 5}, "alpha"),
    "looks": ({"looks": "daily"}, "daily"),
    "no N": ({"planned_n": None}, "planned_n"),
    "an unknown kind": (
        {"metrics": [{"name": "x", "kind": "median", "column": "orders"}]}, "median",
    ),
    "no primary": ({"metrics": [{"name": "x", "kind": "mean", "column": "orders"}]}, "primary"),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_a_wrong_key_of_the_plan_is_told(tmp_path, capsys, name):
    change, told = KEYS[name]
    code = exit_code_of(written(tmp_path, {**PLAN, **change}))
    said = "".join(capsys.readouterr())
    assert code not in (0, 1)
    assert told in said
    assert "Traceback" not in said
