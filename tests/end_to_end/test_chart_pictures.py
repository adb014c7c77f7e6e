"""Five key charts as pictures, held against stored ones.

`TIERLAB_NEW_PICTURES=1 pytest tests/end_to_end/test_chart_pictures.py` stores new ones: look at
them before they are committed.
"""

import io
import os
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from playwright.sync_api import Browser

from analysis.language import Language
from analysis.report.effects import curve_chart, effect_chart
from analysis.report.experiment_view import experiment_views
from analysis.report.guardrails import _chart, _groups, _is_whole, _rows
from analysis.report.inputs import gather
from analysis.report.satisfaction import SCORES, score_chart
from analysis.report.tier_moves import migration_chart
from report_month import write_month

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[1] / "pictures"
NEW = bool(os.environ.get("TIERLAB_NEW_PICTURES"))
SHADE = 48 / 255
"""Edges of lines and letters are smoothed differently by other versions of a browser."""
MOST_DIFFERENT = 0.02
"""Share of the pixels that may differ by more than a shade: a moved line or a lost word is more
than twice as much, a letter drawn half a pixel aside is less."""


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    inputs, zh = gather(write_month(tmp_path_factory.mktemp("charts"))), Language("zh")
    view = next(v for v in experiment_views(inputs) if v.id == "tiered-2025")
    rows = [row for row in _rows(view, ordinary=False) if _is_whole(row)]
    who, group = next(iter(_groups(view, rows, zh).items()))
    moves = inputs.frame("moves")
    done = moves[moves["held_back_by"].fillna("") == ""]
    return {
        "effects": effect_chart(view, "retention", zh),
        "retention": curve_chart(view, zh),
        "guardrails": _chart(view, who, group, zh),
        "nps": score_chart(SCORES[0], inputs, zh),
        "moves": migration_chart(inputs.tier_counts, done, zh),
    }


def drawn(browser: Browser, chart) -> np.ndarray:
    """The chart as the browser shows it, on white; shape (height, width, 3), 0 to 1."""
    page = browser.new_page(viewport={"width": chart.width, "height": chart.height})
    page.set_content(f"<style>body {{ margin: 0 }} .note, figcaption {{ display: none }}"
                     f"figure {{ margin: 0 }}</style>{chart._repr_html_()}")  # fmt: skip
    page.wait_for_function("document.images[0].complete")
    picture = page.screenshot()
    page.close()
    return matplotlib.image.imread(io.BytesIO(picture), format="png")[:, :, :3]


@pytest.mark.parametrize("name", ["effects", "retention", "guardrails", "nps", "moves"])
def test_a_chart_looks_as_it_did(browser, charts, name):
    now, place = drawn(browser, charts[name]), PICTURES / f"{name}.png"
    if NEW:
        PICTURES.mkdir(exist_ok=True)
        matplotlib.image.imsave(place, now)
    then = matplotlib.image.imread(place)[:, :, :3]
    assert now.shape == then.shape
    assert (np.abs(now - then).max(axis=2) > SHADE).mean() <= MOST_DIFFERENT


def test_another_chart_is_told_from_it(browser, charts):
    """The comparison can fail: a line that moved is seen."""
    now = drawn(browser, charts["effects"])
    moved = np.roll(now, 6, axis=1)
    assert (np.abs(now - moved).max(axis=2) > SHADE).mean() > MOST_DIFFERENT
