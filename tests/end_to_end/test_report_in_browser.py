"""The report as a reader meets it: the real notebook, a real browser, no network, paper."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from pypdf import PdfReader

from analysis.language import Language
from analysis.pipeline.notebooks import Execution, execute
from analysis.report import index_page, to_html
from analysis.report.headline import HEADLINE, written
from analysis.report.inputs import gather
from analysis.satisfaction import CLAIMS
from mixed_language import chinese_in, english_in
from report_month import AS_OF, claims, tables, write_month

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "04_report.ipynb"
WIDTHS = (360, 820, 1440)
LANGUAGES = ("zh", "en")
HOSTILE = (
    '"><script>document.title="owned"</script><img src="http://192.0.2.1/x" onerror="x()">'
    "=HYPERLINK(1)📦\u202eabc"
)
"""Markup, a script, a picture from elsewhere, a formula, an emoji, a mark that turns text round."""


ALLOWED_ON_PAPER = {
    "zh": {"HYPERLINK", "document", "title", "owned", "cba"},
    "en": {"客户服务部", "王敏", "运营部", "李强"},
}
"""Words of the other language that a printed report may hold: what customers typed, and names."""


@dataclass
class Read:
    """A page as it was read, and what went over the wire or wrong meanwhile."""

    page: Page
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def asked_elsewhere(self) -> list[str]:
        return [url for url in self.asked if not url.startswith(("file:", "data:"))]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    content = tables()
    calls = content["calls"]
    calls.loc[0, "customer_id"] = HOSTILE
    return write_month(tmp_path_factory.mktemp("company"), content)


@pytest.fixture(scope="module")
def shelf(workspace, tmp_path_factory) -> Path:
    """The folder of published pages, made by executing the real notebook in both languages."""
    folder = workspace.reports
    folder.mkdir(parents=True)
    scratch = tmp_path_factory.mktemp("runs")

    def made(language: str) -> None:
        place = scratch / language
        place.mkdir()
        parameters = {
            "profile": str(workspace.profile_path),
            "month": AS_OF,
            "raw": "",
            "out": str(workspace.profile_path.parents[1]),
            "save_to": str(place),
            "language": language,
        }
        execute(Execution(NOTEBOOK, place / "executed.ipynb", parameters, place))
        page = to_html(place / "executed.ipynb", language)
        (folder / f"report.{language}.html").write_text(page, encoding="utf-8")
        for kind in ("html", "txt"):
            shutil.copyfile(place / f"email.{language}.{kind}", folder / f"email.{language}.{kind}")

    for language in LANGUAGES:
        made(language)
    (folder.parent / "index.html").write_text(index_page(folder.parent), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def offline(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(offline=True)
    yield context
    context.close()


def read(context: BrowserContext, path: Path, width: int = 1440) -> Read:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    seen = Read(page)
    page.on("request", lambda request: seen.asked.append(request.url))
    page.on("console", lambda said: said.type == "error" and seen.errors.append(said.text))
    page.on("pageerror", lambda fault: seen.errors.append(str(fault)))
    page.goto(path.resolve().as_uri())
    return seen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fits_asks_for_nothing_and_has_no_errors(offline, shelf, language, width):
    seen = read(offline, shelf / f"report.{language}.html", width)
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(over) <= 0
    assert seen.asked_elsewhere == []
    assert seen.errors == []
    seen.page.close()


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible(offline, shelf, language, width):
    seen = read(offline, shelf / f"report.{language}.html", width)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(seen.page).response["violations"]
    bad = [(v["id"], v["impact"], len(v["nodes"])) for v in found]
    assert not [b for b in bad if b[1] in ("serious", "critical")]
    seen.page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_shown_and_told_in_words(offline, shelf, language):
    page = read(offline, shelf / f"report.{language}.html").page
    images = page.evaluate("[...document.images].map(i => [i.alt, i.naturalWidth])")
    assert len(images) >= 8
    assert all(width > 100 for _, width in images)
    assert len({alt for alt, _ in images}) == len(images)
    assert all(len(alt) > 25 and re.search(r"\d", alt) for alt, _ in images)
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_big_numbers_are_those_of_the_tables(offline, shelf, workspace, language):
    page = read(offline, shelf / f"report.{language}.html").page
    figures = gather(workspace).figures.loc[AS_OF]
    for spec in (spec for spec in HEADLINE if spec.key != "csat"):  # NPS stands for it
        shown = page.inner_text(f'[data-figure="{spec.key}"] .big')
        assert shown == written(float(figures[spec.key]), spec.form, Language(language), "CNY")
    page.close()


def test_effects_and_counts_read_back_from_the_page_are_those_of_the_tables(offline, shelf):
    page = read(offline, shelf / "report.en.html").page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    shown = [row.inner_text() for row in page.locator("#effects table tr").all()]
    estimates = tables()["estimates"]
    mine = estimates[(estimates["metric"] == "retention") & (estimates["bound"] == "")]
    for effect in mine["effect"]:
        assert any(f"{100 * effect:+.1f} pp".replace("-", "−") in row for row in shown)
    ledger = tables()["ledger"]
    total = page.locator("#quality table tr", has_text="Total").first.inner_text()
    for name in ("rows_read", "rows_kept", "rows_rejected", "rows_merged"):
        assert f"{ledger[name].sum():,}" in total
    page.close()


def test_claims_read_back_from_the_page_are_those_of_the_table(offline, shelf):
    page = read(offline, shelf / "report.en.html").page
    frame = claims().set_index(["claim", "part"])
    shares = [(c, p) for c in CLAIMS for p in c.parts if p.unit == "share"]
    assert len(shares) > 15
    for claim, part in shares:
        row = frame.loc[(claim.id, part.key)]
        if row["claim_verdict"] == "not_measurable":
            continue
        numbers = [f"{100 * row[name]:.1f}%" for name in ("estimate", "low", "high")]
        told = f"{part.label} {numbers[0]} ({numbers[1]} to {numbers[2]})".replace("-", "−")
        line = page.locator("#claims tr", has_text=claim.sentence).inner_text().replace("-", "−")
        assert told in line
    page.close()


@pytest.mark.parametrize("width", [360, 820])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_email_fits_asks_for_nothing_and_is_accessible(offline, shelf, language, width):
    seen = read(offline, shelf / f"email.{language}.html", width)
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(over) <= 0
    assert seen.asked == [(shelf / f"email.{language}.html").resolve().as_uri()]
    found = Axe().run(seen.page).response["violations"]
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    seen.page.close()


def test_the_keyboard_goes_through_the_page_in_its_order(offline, shelf):
    """Every stop comes after the one before, is shown, and the last is near the page's end."""
    page = read(offline, shelf / "report.zh.html").page
    order = """() => { const all = [...document.querySelectorAll('*')], at = document.activeElement;
        const box = at.getBoundingClientRect();
        return [all.indexOf(at), box.width > 0, at.tagName]; }"""
    stops = []
    for _ in range(200):
        page.keyboard.press("Tab")
        place, is_shown, tag = page.evaluate(order)
        if tag == "BODY":
            break
        stops.append(place)
        assert is_shown
    assert len(stops) > 20
    assert stops == sorted(set(stops))
    assert stops[-1] > 0.9 * page.evaluate("document.querySelectorAll('main *').length")
    page.close()


def test_the_verdict_is_on_the_first_screen_of_a_phone(offline, shelf):
    page = read(offline, shelf / "report.zh.html", 360).page
    decision = page.locator(".decision").first.bounding_box()
    assert decision
    assert decision["y"] + decision["height"] < 400
    page.close()


def test_the_keyboard_reaches_the_report_past_the_contents(offline, shelf):
    page = read(offline, shelf / "report.en.html").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash")  # the jump is not done when the key is up
    assert page.url.endswith("#report")
    page.close()


def test_what_customers_typed_is_text_and_does_nothing(offline, shelf):
    seen = read(offline, shelf / "report.zh.html")
    assert HOSTILE in seen.page.inner_text("#calls")
    assert seen.page.title().startswith("客户分层服务月报")
    assert seen.asked_elsewhere == []
    seen.page.close()


def plain(text: str) -> str:
    """A text without blanks, in one form of its characters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_holds_everything_that_is_folded_on_the_screen(offline, shelf, language, tmp_path):
    page = read(offline, shelf / f"report.{language}.html").page
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    cards = [plain(label) for label in page.locator(".card h3").all_inner_texts()]
    page.close()
    sheets = [plain(s.extract_text()) for s in PdfReader(tmp_path / "report.pdf").pages]
    text = "".join(sheets)
    # A system's font has radicals in place of some characters; labels with one are not found.
    known = [label for label in cards if label in text]
    assert len(known) > 4
    assert any(all(label in sheet for label in known) for sheet in sheets), "big numbers are split"
    foreign = {"zh": english_in, "en": chinese_in}[language]
    extracted = [sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages]
    # A system's font has the radical ⼾ in place of 户, and its plain form is 戶.
    words = unicodedata.normalize("NFKC", "\n".join(extracted)).replace("戶", "户")
    spoken = {word for word in foreign(words) if len(word) > 2 or language == "en"}
    assert spoken <= ALLOWED_ON_PAPER[language], "paper speaks one language"
    folded = {"zh": ("样本比例", "指标", "违反的规则"), "en": ("sampleratio", "Rulebroken")}
    assert all(words in text for words in folded[language])


def test_the_index_leads_to_the_reports_offline(offline, shelf):
    seen = read(offline, shelf.parent / "index.html", 360)
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(over) <= 0
    found = Axe().run(seen.page).response["violations"]
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    seen.page.click("#en a[href$='report.en.html']")
    assert "October 2026" in seen.page.title()
    assert seen.asked_elsewhere == []
    seen.page.close()
