"""The page on data quality: what falls short and what to do, in both languages, escaped."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.cleaning.spreadsheet import MOST_ROWS
from analysis.language import Language
from analysis.months import Month
from analysis.params import load_profile
from analysis.report.inputs import Inputs
from analysis.report.quality_levels import CHECKS, DETAILS
from analysis.report.quality_page import MEASURES, STEPS, quality_page
from mixed_language import chinese_in, english_in

DEMO = load_profile(Path(__file__).parents[1] / "params" / "demo.yaml")
LEVELS = pd.DataFrame(
    {
        "source": ["orders", "orders", ""],
        "level": [2, 4, 2],
        "score": [0.9, 0.7, 0.9],
        "status": ["warning", "error", "warning"],
        "detail": ["cells_unread", "tickets_without_customer", "total"],
        "count": [1234, 0, 0],
        "of": [12340, 3, 0],
    }
)
DRIFT = pd.DataFrame(
    {
        "table": ["shipments"] * 3,
        "column": ["", "service", "region"],
        "measure": ["rows", "new", "missing"],
        "value": [1000.0, 0.25, 0.0],
        "usual": [4000.0, 0.0, 0.0],
        "severity": ["error", "warning", "ok"],
        "detail": ["", "<b>air</b>", ""],
    }
)
BROKEN = pd.DataFrame(
    {"source": ["orders"], "column": ["due"], "rule": ["not_a_date"], "action": ["rejected"],
     "rows_n": [7]}
)  # fmt: skip


def page(code="en", **frames):
    month = Month.parse("2026-10")
    return quality_page(Inputs(DEMO, month, frames=frames), Language(code)).html


@pytest.mark.parametrize("code", ["zh", "en"])
def test_without_any_table_it_says_what_is_not_measured(code):
    words = {"zh": "未测：此前已运行的月份不足三个", "en": "fewer than three earlier months"}
    found = page(code)
    assert words[code] in found
    assert found.count("<!--standing-->") == 1
    assert f'href="report.{code}.html"' in found
    assert "http" not in found


def test_what_falls_short_is_told_with_its_reason_and_what_to_do():
    found = page(quality=LEVELS)
    assert "1,234 of 12,340 cells could not be read" in found
    assert "without a known customer" in found
    assert STEPS[2] in found
    assert STEPS[4] in found
    assert STEPS[5] not in found
    assert "by more than 5% is a warning" in found


@pytest.mark.parametrize(("code", "foreign"), [("zh", english_in), ("en", chinese_in)])
def test_the_page_holds_no_other_language(code, foreign):
    assert foreign(page(code, quality=LEVELS, drift=DRIFT, violations=BROKEN)) <= {"due", "air"}


def test_only_what_drifted_is_listed_and_a_new_category_is_escaped():
    found = page(drift=DRIFT)
    assert "&lt;b&gt;air&lt;/b&gt;" in found
    assert "<b>air" not in found
    assert "new categories" in found
    assert "missing share" not in found
    calm = page(drift=DRIFT.assign(severity="ok"))
    assert "Every measure is like the months before." in calm


def test_more_rejects_than_excel_shows_are_told():
    assert "Excel shows only" not in page(violations=BROKEN)
    assert "Excel shows only the first 1,048,575" in page(
        violations=BROKEN.assign(rows_n=MOST_ROWS + 1)
    )


def test_a_profile_of_one_language_links_to_no_other():
    inputs = Inputs(DEMO.model_copy(update={"languages": ("en",)}), Month.parse("2026-10"))
    assert "quality.zh.html" not in quality_page(inputs, Language("en")).html
    assert "quality.zh.html" in quality_page(replace(inputs, profile=DEMO), Language("en")).html


def test_every_word_has_its_chinese():
    chinese = Language("zh")
    told = [chinese.text(one, count=1, of=2) for one in DETAILS.values()]
    told += [chinese.text(one) for one in STEPS.values()]
    told += [chinese.text(one, context="check") for one in CHECKS.values()]
    told += [chinese.text(one, context="drift") for one in MEASURES.values()]
    assert not [one for one in told if one.isascii()]
