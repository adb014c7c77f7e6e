"""The demo company through the real notebooks, small; and every other notebook on its results."""

import json
import re
import shutil
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from analysis.files import read_json
from analysis.params import load_corrections
from analysis.pipeline.notebooks import Execution, execute, parameters_of
from analysis.simulate import company
from commands import MONTH, tierlab_run
from personal_values import PLACES, found_below, found_in, needles_of

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "params" / "demo.yaml"
CUSTOMERS, MONTHS, SEED = 300, 24, 5
"""Enough months for both experiments; too few customers for their effects to be found."""

OTHERS = [p for p in sorted((ROOT / "notebooks").rglob("*.ipynb")) if not p.name[:2].isdigit()]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Where a whole run of the demo put its results."""
    folder = tmp_path_factory.mktemp("demo")
    company(folder / "raw", CUSTOMERS, MONTHS, SEED)
    options = ["--raw", str(folder / "raw"), "--out", str(folder / "out")]
    told = tierlab_run(ROOT, *options, profile=str(PROFILE))
    assert told.returncode == 0, told.stderr
    (folder / "said.txt").write_text(told.stdout + told.stderr, encoding="utf-8")
    yield folder / "out"
    shutil.rmtree(folder)


def published(out):
    return out / "reports" / "demo" / MONTH


def processed(out):
    return out / "data" / "processed" / "demo" / MONTH


def test_both_languages_are_published_offline(out):
    for language, word in (("zh", "客户"), ("en", "customers")):
        page = (published(out) / f"report.{language}.html").read_text(encoding="utf-8")
        assert word in page
        assert "http://" not in page.replace("http://www.w3.org", "")
        assert len(page.encode()) <= 2_000_000


def test_both_experiments_have_a_verdict(out):
    summary = read_json(published(out) / "summary.json")
    assert {e["id"] for e in summary["experiments"]} == {"tiered-2025", "depot-2026"}
    assert all(experiment["verdict"] for experiment in summary["experiments"])
    assert summary["headline"]["active_customers"]["value"] > 0


PAGES = ("report", "quality", "email")
PRODUCTS = re.compile(
    r"tierlab run (--\w+ \S+ ?)+|tierlab|Python|duckdb|ibis-framework|pandas|statsmodels|seaborn"
    r"|NPS|CSAT|Lee|English version|Asia/Shanghai|CNY|utf-8|gb18030"
    r"|private/rejects\.csv|(report|quality)\.zh\.html"
    r"|\b[pn] = |\bp 值|\bC\d{6,8}\b|\b[0-9a-f]{16}\b|“[^”]*”"
)
"""Names of products, ids, commands and, in quotation marks, headings of the raw files."""


def sentences(out, page, language):
    """What a reader is shown or told, a piece of text at a time; names of raw files left out."""
    html = (published(out) / f"{page}.{language}.html").read_text(encoding="utf-8")
    told = re.findall(r'\s(?:alt|aria-label|data-label|title)="([^"]*)"', html)
    shown = re.sub(r"<(style|svg)\b.*?</\1>", "", html, flags=re.DOTALL)
    texts = {unescape(text).strip() for text in [*re.split(r"<[^>]+>", shown), *told]}
    raw = read_json(published(out) / "manifest.json")["inputs"]["cleaning"]
    files = {name.removeprefix("raw/") for name in raw if name.startswith("raw/")}
    ids = {one.id for one in load_corrections(ROOT / "params" / "corrections" / "demo.yaml")}
    known = files | {Path(name).name for name in files} | ids | {"demo"}
    sheets = re.compile("|".join(rf"{re.escape(Path(f).name)} \d+" for f in files))
    return [t for t in texts if t not in known and not sheets.fullmatch(t)]


@pytest.mark.parametrize("page", PAGES)
def test_chinese_pages_hold_no_english_but_ids_and_products(out, page):
    found = sentences(out, page, "zh")
    assert sum(bool(re.search("[一-鿿]", text)) for text in found) > 10
    assert not [text for text in found if re.search("[A-Za-z]{2}", PRODUCTS.sub("", text))]


@pytest.mark.parametrize("page", PAGES)
def test_english_pages_hold_no_chinese_but_what_the_company_wrote(out, page):
    found = sentences(out, page, "en")
    assert sum(bool(re.search("[A-Za-z]{2}", text)) for text in found) > 10
    written = re.compile('"[^"]*"|中文版')
    assert not [text for text in found if re.search("[一-鿿]", written.sub("", text))]


def test_no_row_is_lost(out):
    ledger = pd.read_parquet(processed(out) / "ledger.parquet")
    ends = ledger["rows_kept"] + ledger["rows_rejected"] + ledger["rows_merged"]
    assert (ledger["rows_read"] == ends).all()
    assert ledger["rows_rejected"].sum() > 0
    total = read_json(published(out) / "manifest.json")["ledger"]["total"]
    assert total["rows_read"] == ledger["rows_read"].sum()


def test_every_reject_is_in_the_file_for_excel(out):
    private = processed(out) / "private"
    told = pd.read_csv(private / "rejects.csv", dtype=str, keep_default_na=False)
    listed = pd.read_parquet(private / "rejects.parquet")
    assert list(told.columns) == list(listed.columns)
    assert told["row"].astype(int).tolist() == listed["row"].tolist()
    assert (private / "rejects.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert not told.apply(lambda one: one.str.match(r"[=+\-@\t\r]")).any(axis=None)


@pytest.fixture(scope="module")
def personal(out):
    """Every personal value that the simulated company's files hold, by kind."""
    values = needles_of(out.parent / "raw")
    assert all(values[kind] for kind in PLACES), "a kind of value that is not looked for"
    return values


def test_nothing_personal_lies_outside_the_private_folder(out, personal):
    assert found_below(out, personal, without=["private"]) == []
    said = (out.parent / "said.txt").read_text(encoding="utf-8")
    assert found_in("terminal", said, personal) == []


def test_the_private_folder_holds_every_kind_of_personal_value(out, personal):
    """The same search finds each kind where it may be: it would find it elsewhere too."""
    found = {one.kind for one in found_below(processed(out) / "private", personal)}
    assert found == set(PLACES)


def failing(out, *options, month=MONTH):
    """What a run says that cannot succeed; the good report is elsewhere and stays."""
    elsewhere = ["--out", str(out.parent / "failing"), *options]
    told = tierlab_run(ROOT, *elsewhere, month=month, profile=str(PROFILE))
    assert "Traceback" not in told.stdout + told.stderr
    assert not list((out.parent / "failing" / "reports" / "demo").glob("2*"))
    return told.returncode, told.stderr


def test_a_month_without_data_is_told(out):
    code, said = failing(out, "--raw", str(out.parent / "raw"), month="2031-01")
    assert code == 6
    assert "got:     2031-01" in said
    assert "allowed: 2024-11 to 2026-10" in said


def test_missing_files_and_columns_are_told_together(out):
    raw = out.parent / "damaged"
    shutil.copytree(out.parent / "raw", raw)
    (raw / "service" / "service_events.csv").unlink()
    surveys = raw / "surveys" / "surveys.csv"
    surveys.write_text(surveys.read_text(encoding="utf-8").replace("csat", "ccat", 1))
    code, said = failing(out, "--raw", str(raw))
    assert code == 4
    assert f"got:     {raw / 'service' / 'service_events.csv'}" in said
    assert "Did you mean 'ccat'?" in said
    assert f"where:   {surveys}" in said


def test_a_missing_raw_folder_is_told_once(out):
    code, said = failing(out, "--raw", str(out.parent / "none"))
    assert code == 4
    assert said.count("does not exist") == 1


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_every_other_notebook_runs_on_the_results(out, path, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    given = parameters_of(path) | {"profile": str(PROFILE), "out": str(out)}
    execute(Execution(path, tmp_path / path.name, given, tmp_path / "own"))
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before


def test_an_analyst_who_runs_a_stage_by_hand_changes_no_result(out, tmp_path):
    path = ROOT / "notebooks" / "02_segmentation.ipynb"
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    given = parameters_of(path) | {"profile": str(PROFILE), "out": str(out)}
    execute(Execution(path, tmp_path / path.name, given, tmp_path / "own"))
    assert json.loads((tmp_path / path.name).read_text())["cells"]
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before
