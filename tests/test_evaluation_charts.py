"""The charts of notebook 03: each verb draws what the month holds, and nothing that is doubtful."""

from dataclasses import replace

import pytest

import analysis
from analysis.params import load_profile
from small_profile import MINIMAL
from test_experiment_monthly import of_month, tables  # noqa: F401 (a fixture)

VERBS = ("effect_charts", "curve_charts", "answer_charts", "fairness_charts", "money_charts")


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(MINIMAL, encoding="utf-8")
    return load_profile(path)


@pytest.fixture(scope="module")
def evaluation(tables):  # noqa: F811
    return of_month(tables, "2026-08")[1]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_draws_with_words_for_those_who_do_not_see(evaluation, profile, verb):
    shown = getattr(analysis, verb)(evaluation, profile)._repr_html_()
    if verb == "curve_charts":  # the plan follows no survival
        assert "<figure" not in shown
        assert shown.startswith("<p>")
    else:
        assert shown.count("<figure") == shown.count(' alt="') >= 1
    assert "nan" not in shown.split('"')


def test_what_is_not_trusted_is_not_drawn(evaluation, profile):
    (one,) = evaluation.evaluations
    doubtful = replace(one, verdict=replace(one.verdict, decision="do_not_trust"))
    month = replace(evaluation, evaluations=(doubtful,))
    assert "<figure" not in analysis.effect_charts(month, profile)._repr_html_()
