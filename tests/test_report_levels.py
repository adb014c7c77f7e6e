"""The level of an interval is told with a decimal where it has one."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.language import Language
from analysis.report.effects import reading_guide

WIDER = {"ci_low": 0.1, "ci_high": 0.2, "av_low": 0.0, "av_high": 0.3, "effect": 0.15}


@pytest.mark.parametrize(("alpha", "level"), [(0.05, "95%"), (0.025, "97.5%"), (0.001, "99.9%")])
def test_the_guide_to_the_two_intervals_names_the_level_of_the_plan(alpha, level):
    rows = pd.DataFrame([{**WIDER, "status": "ok", "bound": False}])
    view = SimpleNamespace(estimates=rows, content={"alpha": alpha})
    assert f"ordinary {level} interval" in reading_guide(view, Language("en"))
