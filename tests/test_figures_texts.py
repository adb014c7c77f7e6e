"""How numbers and tables are written for readers."""

import re
from html import unescape

import pandas as pd
import pytest

from analysis.figures import MetricText, metric_label, reading_table, unit_of
from analysis.language import MISSING, Language

ZH, EN = Language("zh"), Language("en")


@pytest.mark.parametrize(
    ("unit", "language", "effect", "span", "size"),
    [
        ("share", EN, "+5.2 pp", "+2.1 to +8.3", "5.2 pp"),
        ("share", ZH, "+5.2 个百分点", "+2.1 至 +8.3", "5.2 个百分点"),
        ("per_100", EN, "+5.20 per 100 shipments", "+2.10 to +8.30", "5.20 per 100 shipments"),
        ("per_100", ZH, "每百票 +5.20 件", "+2.10 至 +8.30", "每百票 5.20 件"),
    ],
)
def test_fractions_are_written_in_the_unit_of_their_metric(unit, language, effect, span, size):
    text = MetricText(unit, language, "CNY")
    assert text.effect(0.052) == effect
    assert text.span(0.021, 0.083) == span
    assert text.size(-0.052) == size


def test_money_tells_its_currency_at_both_ends():
    assert MetricText("money", ZH, "CNY").between(-3.349, 44840.0) == "−¥3.35 至 +¥4.48万"
    assert MetricText("money", EN, "USD").between(-3.349, 44840.0) == "−US$3.35 to +US$44.8k"


def test_sizes_of_a_fall_put_the_smaller_first():
    assert MetricText("minutes", EN, "CNY").sizes(-60.0, -16.0) == "16 to 60"


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_what_is_missing_is_a_dash_and_never_zero(missing):
    text = MetricText("points", ZH, "CNY")
    assert text.effect(missing) == text.value(missing) == "–"


@pytest.mark.parametrize(
    ("value", "tick"), [(0.02, "+2"), (0.005, "+0.5"), (0.0, "0"), (-0.04, "−4")]
)
def test_axis_numbers_are_as_short_as_they_can_be(value, tick):
    assert MetricText("share", EN, "CNY").tick(value) == tick


@pytest.mark.parametrize(
    ("measure", "kind", "unit"),
    [("complaints", "ratio", "per_100"), (None, "proportion", "share"), (None, "ratio", "number"),
     ("unheard", "survival", "days"), (None, "unheard", "number")],
)  # fmt: skip
def test_a_metric_has_the_unit_of_its_measure_or_of_its_kind(measure, kind, unit):
    assert unit_of(measure, kind) == unit


def test_an_unknown_metric_keeps_its_name():
    assert metric_label("retention", ZH) == "客户留存率"
    assert metric_label("复购<b>", ZH) == "复购<b>"
    assert metric_label("retention", ZH, title="留下来的客户") == "留下来的客户"


def table(**more):
    rows = pd.DataFrame(
        {"who": ["<b>A</b>", "B & C"], "n": ["1,204", "–"], "group": ["g1", "<i>g2</i>"]}
    )
    headings = {"who": "Whose <u>", "n": "Customers"}
    return reading_table(
        rows, headings, caption='Sizes "x" <s>', numeric=("n",), key="sizes", **more
    )


def test_a_table_shows_what_customers_typed_as_text():
    html = table(group="group")._repr_html_()
    assert not re.search(r"<(b|i|u|s)>", html)
    assert "<b>A</b>" in unescape(html)
    assert "<i>g2</i>" in unescape(html)


def test_a_table_can_be_walked_through_by_its_headers():
    html = table().html
    assert html.startswith("<table><caption>")
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 2
    ids = set(re.findall(r'id="([^"]+)"', html))
    named = {name for group in re.findall(r'headers="([^"]+)"', html) for name in group.split()}
    assert named <= ids


def test_a_table_brings_no_styles_of_its_own():
    assert "<style" not in table().html
    assert len(table().html) < 1500


def test_a_stacked_table_tells_the_heading_beside_each_cell():
    html = table(stacks=True)._repr_html_()
    assert html.count('data-label="Customers"') == 2
    assert 'class="table stacks"' in html
    assert "data-label" not in table().html


def test_a_stacked_cell_that_holds_nothing_is_marked():
    rows = pd.DataFrame({"name": ["a", "b"], "n": ["1", MISSING]})
    html = reading_table(rows, {"name": "Name", "n": "n"}, caption="c", stacks=True, key="k").html
    assert len(re.findall(r'class="[^"]* none">–<', html)) == 1
    assert html.count("none") == 1


def test_the_frame_of_a_table_is_named_and_reached_by_keyboard():
    html = table()._repr_html_()
    assert 'tabindex="0"' in html
    assert unescape(re.search(r'aria-label="([^"]*)"', html)[1]) == 'Sizes "x" <s>'
