"""What stands beside the metrics of a plan: loss, ordered scores, pay-back, two readings."""

import html
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel

from analysis.experiment import Evaluation, evaluate
from analysis.experiment.evidence import stands_below_zero
from analysis.experiment.payback import payback_told
from analysis.experiment.record import record
from analysis.language import Language
from analysis.message import Message
from analysis.report import evaluation_page
from analysis.report.experiment_view import segment_name, tier_in
from experiment_units import SATURATION, orders, plan, saturated, units
from test_experiment_decision import GUARD, MONEY, PRIMARY, estimate

ENGLISH = Language("en")


def row(found: Evaluation, metric: str, **key: str) -> pd.Series:
    wanted = {"segment": "all", "bound": "", "analysis_basis": "intention_to_treat", **key}
    table = found.estimates[found.estimates["metric"] == metric]
    (position,) = np.flatnonzero((table[list(wanted)] == pd.Series(wanted)).all(axis=1))
    return table.iloc[position]


def scored(n: int = 1500, seed: int = 3) -> pd.DataFrame:
    """Units with a 1-5 score; two in five do not answer."""
    rng = np.random.default_rng(seed)
    frame = units(n, seed=seed)
    latent = 3.2 + 0.5 * (frame["arm"] == "red") + rng.logistic(0, 0.7, n)
    score = np.clip(np.round(latent), 1, 5)
    return frame.assign(
        score=np.where(rng.random(n) < 0.6, score, np.nan), has=lambda f: f.score > 0
    )


CSAT = [{"name": "csat", "kind": "mean", "column": "score", "answered": "has", "role": "primary"}]


def test_scores_are_also_read_by_the_ordered_model_of_statsmodels():
    frame = scored()
    found = row(evaluate(frame, plan(CSAT)), "csat_ordered")
    answered = frame[frame["has"]]
    model = OrderedModel(
        answered["score"].astype(int), (answered["arm"] == "red").astype(float), distr="logit"
    ).fit(method="bfgs", disp=False)
    assert found["role"] == "reading"
    assert found["effect"] == pytest.approx(float(model.params.iloc[0]), abs=1e-4)
    assert found["std_error"] == pytest.approx(float(model.bse.iloc[0]), rel=1e-3)
    assert "odds of a higher answer" in found["note"]


def test_clustered_scores_have_an_error_that_knows_the_clusters():
    frame = scored(1600).assign(depot=lambda f: np.arange(len(f)) // 40)
    frame["arm"] = np.where(frame["depot"] % 2, "red", "grey")
    shift = np.random.default_rng(1).normal(0, 0.8, 40)[frame["depot"]]
    frame["score"] = np.clip(frame["score"] + np.round(shift), 1, 5)
    clustered = row(evaluate(frame, plan(CSAT, cluster="depot")), "csat_ordered")
    alone = row(evaluate(frame, plan(CSAT)), "csat_ordered")
    assert clustered["effect"] == pytest.approx(alone["effect"])
    assert clustered["std_error"] > 2 * alone["std_error"]
    assert "jackknife" in clustered["method"]


def test_a_measure_on_a_fine_scale_is_no_ordered_score():
    frame = scored().assign(score=np.random.default_rng(0).normal(size=1500), has=True)
    assert "csat_ordered" not in set(evaluate(frame, plan(CSAT)).estimates["metric"])


def test_loss_is_a_metric_by_arm_with_its_interval():
    table = units(1000)
    kept = table[(table["arm"] == "grey") | (np.arange(1000) % 20 != 1)]
    found = evaluate(kept, plan(), assignments=table)
    loss = row(found, "loss")
    assert (loss["value_treatment"], loss["value_control"]) == pytest.approx((0.1, 0.0))
    assert loss["ci_low"] > 0
    assert (loss["n_treatment"], loss["n_control"]) == (500, 500)
    assert found.verdict.decision == "do_not_trust"


def test_a_spillover_has_its_exact_permutation_p():
    found = evaluate(saturated(), plan(**SATURATION))
    assert (
        "over the same untreated customers: p =" in row(found, "orders", estimand="spillover").note
    )


def test_holm_goes_over_all_declared_segments():
    table = units(1200, effect=0.2, region=np.array(["east", "west"])[np.arange(1200) // 8 % 2])
    found = evaluate(table, plan(segments=["tier", "region"])).estimates
    parts = found[found["segment"].ne("all") & found["role"].eq("primary")]
    smallest = parts.loc[parts["av_p_value"].idxmin()]
    assert len(parts) == 6
    assert smallest["p_adjusted"] == pytest.approx(min(1, 6 * smallest["av_p_value"]))


def test_a_segment_s_shared_interval_is_wider_and_agrees_with_its_level():
    found = evaluate(units(1200, effect=0.2), plan(segments=["tier"]))
    parts = {e.segment: e for e in found.readings if e.segment != "all" and e.role == "primary"}
    for one in parts.values():
        assert one.corrected_low < one.av_low
        assert one.av_high < one.corrected_high
        excludes = one.corrected_low > 0 or one.corrected_high < 0
        assert excludes == (4 * one.av_p_value <= 0.05)
    assert len(record(found)["corrected"]) == 4


def test_harm_shown_now_is_harm_whatever_was_crossed_before():
    assert stands_below_zero(estimate(PRIMARY, -2.0, -0.5, claim=1))
    assert not stands_below_zero(estimate(PRIMARY, -2.0, 0.5, claim=1))
    assert not stands_below_zero(estimate(GUARD, -2.0, -0.5, claim=-1)), "less is better"


READINGS = {
    "disagree": ((300, 0.33, 2), {"looks": "accrual", "looks_planned": None, "planned_n": 100}),
    "both readings show": (
        (400, 1.0, 1), {"looks": "accrual", "looks_planned": None, "planned_n": 400},
    ),
    "neither reading shows": (
        (400, 0.0, 1), {"looks": "accrual", "looks_planned": None, "planned_n": 400},
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", READINGS)
def test_the_plain_and_the_repeated_reading_are_compared_in_words(words):
    (n, effect, seed), looks = READINGS[words]
    found = evaluate(units(n, effect, seed), plan(covariates=["before"], **looks))
    first, second = (message.in_(ENGLISH) for message in found.looks)
    assert "lets anyone look while units arrive" in first
    assert words in second
    said = row(found, "orders")
    plain, valid = said["p_value"] <= 0.05, said["av_p_value"] <= 0.05
    assert (plain, valid) == {"d": (True, False), "b": (True, True), "n": (False, False)}[words[0]]


def test_one_look_needs_no_second_reading():
    first, _ = (message.in_(ENGLISH) for message in evaluate(units(), plan()).looks)
    assert "There is one look" in first


def summed(*limits: tuple[float, float]) -> list:
    return [
        estimate({**MONEY, "name": f"net_value_to_month_{i}"}, low, high, role="reading")
        for i, (low, high) in enumerate(limits, 1)
    ]


PAID = {
    "never": (summed((-9, -1), (-5, 1)), "not within 2 months"),
    "as estimated": (summed((-9, -1), (-1, 3), (-1, 5)), "from month 2"),
    "shown": (summed((-9, -1), (-1, 3), (1, 5)), "shown beyond chance from month 3"),
    "lost again": (summed((1, 3), (-9, -1), (-1, 5)), "from month 3"),
}


@pytest.mark.parametrize("name", PAID)
def test_the_pay_back_month_is_the_first_from_which_the_sum_stays_above_zero(name):
    rows, words = PAID[name]
    told = payback_told(rows, "red")
    assert told is not None
    assert words in told.in_(ENGLISH)


FLAT = Message("no variation")
"""The status of a month in which nobody earned or spent anything yet."""
GAPS = {
    "the first month": ([(0, 0), (-1, 3), (1, 5)], 1, "from month 2 after", "from month 3"),
    "a month between": ([(-9, -1), (0, 0), (1, 5)], 2, "from month 3 after", "from month 3"),
    "the only loss": ([(0, 0), (-9, -1)], 1, "not within 2 months", ""),
}


@pytest.mark.parametrize("name", GAPS)
def test_a_month_without_an_estimate_takes_no_other_month_s_number(name):
    limits, flat, *words = GAPS[name]
    rows = summed(*limits)
    rows[flat - 1] = replace(rows[flat - 1], status=FLAT)
    told = payback_told(rows, "red")
    assert told is not None
    assert [part for part in words if part not in told.in_(ENGLISH)] == []


def test_without_months_there_is_no_pay_back():
    assert payback_told([estimate(PRIMARY, 0, 1)], "red") is None


def test_the_document_tells_every_guardrail_s_state():
    frame = units(400, complaints=np.random.default_rng(0).poisson(0.2, 400))
    spec = plan([orders(), {**GUARD, "margin": 0.5}])
    (guard,) = (g for g in record(evaluate(frame, spec))["guardrails"] if g["segment"] == "all")
    assert (guard["metric"], guard["state"], guard["margin"]) == ("complaints", "safe", 0.5)


WORDS = {"en": "Roll out red to platform = ios only", "zh": "platform为“ios”"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_segment_of_a_table_s_own_column_is_called_by_column_and_value(language):
    """`platform=ios` is the row's key; a reader gets a label, a user's words kept as they are."""
    rng = np.random.default_rng(4)
    frame = units(1200, effect=0.0, platform=np.where(np.arange(1200) % 4 < 2, "ios", "web"))
    gain = np.where(frame["platform"] == "ios", 1.0, -1.0) * (frame["arm"] == "red")
    frame["orders"] = 5 + gain + rng.normal(0, 1, 1200)
    spec = plan([orders(minimum_effect=0.2)], segments=["platform"])
    found = evaluate(frame, spec)
    assert found.verdict.segments == ("platform=ios",)
    page = evaluation_page(found, language)
    assert WORDS[language] in html.unescape(page)
    assert "platform=" not in page
    told = Message.from_json(found.verdict.to_json()["headline"]).in_(Language(language))
    assert WORDS[language] in told


def test_a_column_s_value_is_no_tier_though_it_be_called_so():
    view_of = {"tier=regular": "regular", "regular": "regular", "vip=regular": "vip=regular"}
    assert {name: tier_in(name) for name in view_of} == view_of
    assert segment_name("vip=regular", Language("en")) == "vip = regular"
    assert segment_name("region=east", Language("zh")) == "区域为“east”"
    assert segment_name("regular", Language("zh")) == Language("zh").text("Regular", context="tier")
