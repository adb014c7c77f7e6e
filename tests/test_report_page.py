"""The page, the summary and the index: offline, complete, and equal to the tables."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

from analysis.errors import RunError
from analysis.report import index_page, monthly_report, to_html
from analysis.report.index import month_entries
from analysis.report.page import kept_together
from analysis.report.summary import summary
from mixed_language import chinese_in, english_in
from report_month import AS_OF, estimates, tables, tiers, write_month
from test_report_sections import SECTIONS

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "04_report.ipynb"
LARGEST = 2_000_000
REPR = {"text/plain": "REPR"}
AWAY = re.compile(r"""(?:src|href|url|@import|action)\s*[=(]?\s*["']?\s*(?:https?:)?//""", re.I)


def executed(report, folder: Path) -> Path:
    """A notebook as papermill leaves it, with noise that must not reach the page."""
    cells = [nbformat.v4.new_markdown_cell("ANALYST'S NOTE")]
    for name in SECTIONS:
        cell = nbformat.v4.new_code_cell(f"SECRET_SOURCE.{name}()")
        html = getattr(report, name)()._repr_html_()
        cell.outputs = [
            nbformat.v4.new_output("stream", name="stderr", text="SOME WARNING"),
            nbformat.v4.new_output(
                "execute_result", data={"text/html": html, "text/plain": "REPR"}
            ),
        ]
        cells.append(cell)
    path = folder / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    return write_month(tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="module")
def pages(month, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        code: to_html(executed(monthly_report(month, code), folder), code) for code in ("zh", "en")
    }


@pytest.mark.parametrize(("code", "lang"), [("zh", "zh-CN"), ("en", "en")])
def test_the_page_tells_its_language_and_title(pages, code, lang):
    assert f'<html lang="{lang}">' in pages[code]
    title = re.search(r"<title>(.*?)</title>", pages[code])[1]
    assert ("2026年10月" if code == "zh" else "October 2026") in title


@pytest.mark.parametrize("code", ["zh", "en"])
def test_the_page_is_one_small_file_that_asks_for_nothing(pages, code):
    assert len(pages[code].encode()) < LARGEST
    assert not AWAY.search(re.sub(r"base64,[\w+/=]+", "", pages[code]))
    assert "<script" not in pages[code]


@pytest.mark.parametrize("noise", ["SECRET_SOURCE", "SOME WARNING", "ANALYST'S NOTE", "REPR"])
def test_only_what_the_cells_show_reaches_the_page(pages, noise):
    assert noise not in pages["en"]


@pytest.mark.parametrize("code", ["zh", "en"])
def test_the_contents_lead_to_every_section(pages, code):
    nav = re.search(r'<nav class="contents".*?</nav>', pages[code], re.S)[0]
    led_to = re.findall(r'href="#([\w-]+)"', nav)
    assert led_to == re.findall(r'<section id="([\w-]+)"', pages[code])
    assert len(led_to) >= 10


@pytest.mark.parametrize("code", ["zh", "en"])
def test_names_on_the_page_are_unique(pages, code):
    named = re.findall(r'\sid="([^"]+)"', pages[code])
    assert len(named) == len(set(named))


def test_each_language_leads_to_the_other(pages):
    assert 'href="report.en.html"' in pages["zh"]
    assert 'href="report.zh.html"' in pages["en"]


def test_a_notebook_that_shows_no_report_is_refused(tmp_path):
    path = tmp_path / "empty.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), path)
    with pytest.raises(RunError, match="shows no report"):
        to_html(path, "zh")


def test_the_notebook_calls_and_shows_and_nothing_else():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [c.id for c in code if "parameters" in c.metadata.get("tags", [])] == ["parameters"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert all(re.fullmatch(r"[a-z][a-z-]+", cell.id) for cell in notebook.cells)
    for cell in code:
        tree = ast.parse(cell.source)
        assert not any(isinstance(node, ast.FunctionDef | ast.For) for node in ast.walk(tree))
        imported = [n.names[0].name for n in ast.walk(tree) if isinstance(n, ast.Import)]
        assert set(imported) <= {"analysis"}


def test_every_section_of_the_report_is_in_the_notebook():
    source = NOTEBOOK.read_text(encoding="utf-8")
    assert all(f"report.{name}()" in source for name in SECTIONS)


def test_the_summary_repeats_the_tables(month):
    told = summary(month)
    panel = tables()["customer_months"]
    now = panel[panel["month"] == AS_OF]
    assert told["headline"]["revenue"]["value"] == pytest.approx(now["revenue"].sum())
    assert told["headline"]["active_customers"]["value"] == now["is_active"].sum()
    counts = tiers()[tiers()["month"] == AS_OF]["tier"].value_counts().to_dict()
    assert told["tiers"] == {tier: counts.get(tier, 0) for tier in told["tiers"]}
    assert told["rows"]["adds_up"]
    assert told["calls_n"] == 4


def test_the_summary_lists_every_experiment_with_verdict_gates_and_effects(month):
    told = {one["id"]: one for one in summary(month)["experiments"]}
    assert told["tiered-2025"]["verdict"] == "roll_out"
    assert {gate["gate"] for gate in told["tiered-2025"]["gates"]} >= {"sample_ratio", "loss"}
    rows = estimates()
    mine = rows[(rows["experiment"] == "tiered-2025") & (rows["bound"] == "")]
    assert [e["effect"] for e in told["tiered-2025"]["effects"]] == mine["effect"].tolist()


def test_the_summary_is_json_without_nan_and_says_what_is_missing(tmp_path):
    told = summary(write_month(tmp_path, {}, {}))
    text = json.dumps(told, allow_nan=False)
    assert '"value": null' in text
    assert told["experiments"] == []
    assert told["not_available"]["en"] == ["no experiment had begun by this month"]


def shelf(folder: Path, month, **states: str) -> Path:
    told = summary(month)
    for name in ("2026-08", "2026-09", "2026-10"):
        place = folder / name
        place.mkdir()
        (place / "summary.json").write_text(json.dumps(told), encoding="utf-8")
        for code in ("zh", "en"):
            (place / f"report.{code}.html").write_text("", encoding="utf-8")
    (folder / ".states").mkdir()
    (folder / "not-a-month").mkdir()
    for name, state in states.items():
        path = folder / ".states" / f"{name.replace('m', '').replace('_', '-')}.json"
        path.write_text(json.dumps({"state": state}), encoding="utf-8")
    return folder


def test_the_index_lists_months_with_their_state_the_latest_first(tmp_path, month):
    folder = shelf(tmp_path, month, m2026_09="stale", m2026_10="failed", m2026_11="failed")
    found = [(entry.month, entry.state) for entry in month_entries(folder)]
    assert found == [
        ("2026-11", "missing"),
        ("2026-10", "failed"),
        ("2026-09", "stale"),
        ("2026-08", "ok"),
    ]


def test_the_index_speaks_both_languages_and_leads_to_the_reports(tmp_path, month):
    html = index_page(shelf(tmp_path, month, m2026_09="stale"))
    assert 'href="2026-09/report.zh.html"' in html
    assert 'href="2026-09/report.en.html"' in html
    for told in ("继续试验", "Continue", "已过期", "stale", "¥23.2万", "CN¥231.6k"):
        assert told in html
    chinese, english = html.split('<section id="en"', 1)
    assert not english_in(chinese)
    assert not chinese_in(english)
    assert not AWAY.search(html)


def test_one_broken_summary_does_not_spoil_the_index(tmp_path, month):
    folder = shelf(tmp_path, month)
    (folder / "2026-09" / "summary.json").write_text('{"half', encoding="utf-8")
    assert index_page(folder).count("2026-09/report.zh.html") == 1


def test_an_empty_shelf_has_an_index_that_says_so(tmp_path):
    assert "还没有任何月份的报告" in index_page(tmp_path / "nothing")


def test_the_index_outlives_what_another_version_of_the_program_kept(tmp_path, month):
    folder = shelf(tmp_path, month)
    first = month_entries(folder)
    kept = {entry.month: entry.kept for entry in first}
    assert month_entries(folder, kept=kept) == first
    for memory in kept.values():
        memory["standing"] = {**memory["standing"], "of_a_later_program": 1}
    assert month_entries(folder, kept=kept) == first


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("升 6.2（4.6 至 7.7）", "（4.6 至 7.7）"),
        ("有 117 家客户", "117 家"),
        ("up (CN¥47.6 to CN¥670)", "(CN¥47.6 to CN¥670)"),
    ],
)
def test_an_interval_is_not_parted_at_the_end_of_a_line(text, whole):
    assert f'<span class="whole">{whole}</span>' in kept_together(f"<p>{text}</p>")


def test_no_blank_follows_a_chinese_mark():
    page = "<p><strong>暂缺：</strong>\n净推荐值，尚未评估： 一项</p>"
    assert kept_together(page) == "<p><strong>暂缺：</strong>净推荐值，尚未评估：一项</p>"
