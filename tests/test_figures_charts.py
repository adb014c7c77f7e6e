"""Charts: fonts, findings, what is drawn where, and how they reach the page."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures import (
    IntervalRow,
    Line,
    interval_plot,
    migration_map,
    monthly_line,
    retention_curves,
    sparkline,
)
from analysis.figures import chart as charts
from analysis.figures.fonts import FONT, chart_style
from analysis.figures.palette import BETTER, WORSE

HOSTILE = '<script>alert("x")</script> 你好 & "quoted"'
WORDS = {"finding": "F", "measure": "M", "alternative": "A"}


def intervals(*rows: IntervalRow, line: Line | None = None, **words: str) -> charts.Chart:
    return interval_plot(rows, tick="{:g}".format, axis="差值", line=line, **{**WORDS, **words})


def row(label: str, estimate: float, half: float, tone: str = "unsure") -> IntervalRow:
    low, high = estimate - half, estimate + half
    return IntervalRow(label, "told", estimate, low, high, low, high, tone)


def drawn(text: str) -> str:
    with chart_style():
        figure = Figure(figsize=(1, 1))
        figure.text(0, 0, text)
        return charts.published(figure, **WORDS).image.decode()


def test_the_font_holds_gb2312_and_the_signs_of_the_report():
    from fontTools.ttLib import TTFont

    with TTFont(FONT) as font:
        known = set(font.getBestCmap())
    chinese = [bytes((r, c)).decode("gb2312") for r in range(0xB0, 0xD7) for c in range(0xA1, 0xFE)]
    assert {ord(sign) for sign in (*chinese, *"−–→▲▼●％，。（）")} <= known


def test_the_font_is_small_and_its_licence_lies_beside_it():
    assert FONT.stat().st_size < 1_700_000
    assert "SIL OPEN FONT LICENSE" in FONT.with_name("OFL.txt").read_text(encoding="utf-8")


def test_a_character_without_a_glyph_is_an_error_and_never_an_empty_box():
    with pytest.raises(UserWarning, match="Glyph"):
        drawn("\U0001f4e6")


def test_text_is_drawn_as_paths_so_that_no_font_is_needed_to_read_it():
    assert "<text" not in drawn("客户")


def test_two_dollar_signs_are_amounts_and_no_formula():
    text = "US$3.35 to US$44"
    assert drawn(text).count("<use") == len(text)


@pytest.mark.parametrize("label", ["华东 \U0001f4e6", "\u202e龑\u200b", "a\nb", "$x^2$"])
def test_what_customers_typed_never_keeps_a_chart_from_being_drawn(label):
    assert intervals(row(label, 1, 1)).image
    names = {"a": label, "b": "c"}
    chart = retention_curves(
        curves({"a": 0.001, "b": 0.002}),
        names,
        percent="{:.0%}".format,
        day_axis="天",
        at_risk_label="n",
        **WORDS,
    )
    assert chart.image


def test_the_same_chart_has_the_same_bytes():
    rows = [row("全部客户", 0.02, 0.01)]
    assert intervals(*rows).image == intervals(*rows).image


def test_a_large_picture_is_embedded_as_png_at_twice_the_density(monkeypatch):
    small = intervals(row("a", 1, 1))
    monkeypatch.setattr(charts, "LARGEST_SVG", 100)
    large = intervals(row("a", 1, 1))
    assert small.media == "image/svg+xml"
    assert large.media == "image/png"
    assert large.image.startswith(b"\x89PNG")
    width = int.from_bytes(large.image[16:20], "big")
    assert width == pytest.approx(2 * large.width, abs=2)  # whole pixels


def test_words_of_a_chart_reach_the_page_as_text():
    html = intervals(row("a", 1, 1), finding=HOSTILE, alternative=HOSTILE)._repr_html_()
    assert "<script" not in html
    assert unescape(re.search(r'alt="([^"]*)"', html)[1]) == HOSTILE


def test_tones_show_in_the_drawing():
    better = intervals(row("a", 2, 1, "better")).image.decode()
    worse = intervals(row("a", -2, 1, "worse")).image.decode()
    assert BETTER in better
    assert WORSE not in better
    assert WORSE in worse


def frame_of(rows: list[IntervalRow], line: Line | None) -> tuple[float, float]:
    """The limits of the axis that rows and line are drawn on."""
    from analysis.figures import intervals as module

    axes = Figure().add_subplot()
    module._frame(axes, rows, line, str, "")
    return axes.get_xlim()


def test_the_axis_always_holds_zero_and_the_line_that_decides():
    low, high = frame_of([row("a", 5, 1)], Line(8.0, "worthwhile"))
    assert low < 0
    assert high > 8


def test_an_interval_without_an_estimate_is_left_out_but_named():
    nothing = IntervalRow("maturing", "needs data", np.nan, np.nan, np.nan)
    assert intervals(nothing, row("a", 1, 1)).image


def curves(arms: dict[str, float]) -> pd.DataFrame:
    day = np.arange(0, 200, 10)
    return pd.concat(
        pd.DataFrame(
            {
                "arm": arm,
                "day": day,
                "survival": np.exp(-rate * day),
                "low": np.exp(-rate * day) - 0.02,
                "high": np.exp(-rate * day) + 0.02,
                "at_risk": (500 * np.exp(-rate * day)).astype(int),
            }
        )
        for arm, rate in arms.items()
    )


def test_retention_curves_keep_names_apart_that_would_lie_on_each_other():
    close = curves({"a": 0.001, "b": 0.00101, "c": 0.002})
    names = {"a": "分层服务", "b": "统一服务", "c": "<对照>"}
    chart = retention_curves(
        close, names, percent="{:.0%}".format, day_axis="天", at_risk_label="n", **WORDS
    )
    assert chart.media == "image/svg+xml"
    assert chart.height > chart.width * 0.7


def test_migration_leaves_those_that_stayed_uncoloured():
    names = ["战略", "重点"]
    stayed = pd.DataFrame([[900, 0], [0, 800]], names, names)
    moved = pd.DataFrame([[900, 7], [0, 800]], names, names)
    kwargs = {"number": "{:g}".format, "from_label": "f", "to_label": "t", **WORDS}
    cells = [
        len(
            re.findall(
                r'id="QuadMesh|<g id="QuadMesh_1">', migration_map(s, **kwargs).image.decode()
            )
        )
        for s in (stayed, moved)
    ]
    fills = [
        len(
            re.findall(r"clip-path=[^>]*style=\"fill: #", migration_map(s, **kwargs).image.decode())
        )
        for s in (stayed, moved)
    ]
    assert cells[0] == cells[1]
    assert fills[1] == fills[0] + 1


def test_a_month_without_a_value_leaves_a_gap_and_no_error():
    months = [f"2026-{m:02d}" for m in range(1, 11)]
    values = [1.0, 2.0, np.nan, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, np.nan]
    history = pd.DataFrame({"month": months, "value": values, "low": 0.0, "high": 10.0})
    chart = monthly_line(history, tick="{:g}".format, month=str, last="9", **WORDS)
    assert chart.image


@pytest.mark.parametrize(
    ("values", "points"),
    [([1, 2], 0), ([1, 2, 3], 3), ([1, float("nan"), 3, 4], 3), ([5, 5, 5], 3), ([], 0)],
)
def test_sparklines_need_three_values_and_leave_gaps(values, points):
    found = re.search(r'points="([^"]*)"', sparkline(values))
    assert (len(found[1].split()) if found else 0) == points


def test_a_sparkline_stays_within_its_box_and_out_of_the_reading_order():
    svg = sparkline([3, -8, 1e9])
    numbers = [float(n) for n in re.search(r'points="([^"]*)"', svg)[1].replace(",", " ").split()]
    assert all(0 <= x <= 120 for x in numbers[::2])
    assert all(0 <= y <= 28 for y in numbers[1::2])
    assert 'aria-hidden="true"' in svg
