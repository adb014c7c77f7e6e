"""The verdict: the first rule that applies, as a table of cases."""

import itertools
import math

import pytest

from analysis.experiment.checks import Check
from analysis.experiment.decision import decide
from analysis.experiment.estimate import Estimate
from analysis.experiment.guardrails import guardrail
from analysis.experiment.multiplicity import with_adjusted_p
from analysis.experiment.reasons import Circumstances
from analysis.experiment.words import maturing, not_available
from analysis.language import Language
from analysis.message import Message
from analysis.params import ExperimentSpec
from analysis.params.metric import Metric
from experiment_units import plan

PRIMARY = {"name": "orders", "kind": "mean", "column": "orders", "role": "primary",
           "minimum_effect": 1.0}  # fmt: skip
GUARD = {"name": "complaints", "kind": "mean", "column": "complaints", "role": "guardrail",
         "direction": "decrease", "margin": 0.5}  # fmt: skip
SPEC = plan([PRIMARY, GUARD])


def estimate(metric: dict, low: float, high: float, **more: object) -> Estimate:
    middle = (low + high) / 2
    side = 1 if low > 0 else -1 if high < 0 else 0
    values: dict = {
        "metric": Metric.model_validate(metric),
        "role": metric["role"],
        "estimand": "total",
        "treatment": "red",
        "control": "grey",
        "n_treatment": 100,
        "n_control": 100,
        "value_control": 10.0,
        "effect": middle,
        "std_error": (high - low) / 4,
        "df": 100.0,
        "p_value": 0.001 if side else 0.5,
        "av_low": low,
        "av_high": high,
        "av_p_value": 0.001 if side else 0.5,
        "strict_low": low,
        "strict_high": high,
        "claim": side,
    }
    return Estimate(**{**values, **more})


MONEY = {"name": "net_value", "kind": "mean", "column": "net_value", "role": "secondary"}


def money(low: float, high: float) -> Estimate:
    return estimate(MONEY, low, high, role="reading")


def unknown(metric: dict, why: Message) -> Estimate:
    nan = math.nan
    return estimate(metric, 0.0, 1.0, status=why, av_low=nan, av_high=nan, effect=nan, claim=0)


SAFE = estimate(GUARD, -0.3, 0.2)
CASES = {
    # primary (low, high), guardrail, money, last look → decision
    "all good": ((0.5, 2.0), SAFE, money(1, 3), False, "roll_out"),
    "no cost table": ((0.5, 2.0), SAFE, None, False, "roll_out"),
    "loses money": ((0.5, 2.0), SAFE, money(-3, -1), False, "continue"),
    "may lose money": ((0.5, 2.0), SAFE, money(-1, 3), False, "continue"),
    "may lose money at the end": ((0.5, 2.0), SAFE, money(-1, 3), True, "inconclusive"),
    "money maturing": (
        (0.5, 2.0), unknown(MONEY, maturing(None, None)), None, False, "continue",
    ),
    "no cost source": (
        (0.5, 2.0), unknown(MONEY, not_available("service_costs")), SAFE, False, "roll_out",
    ),
    "guardrail harmed": ((0.5, 2.0), estimate(GUARD, 0.6, 0.9), None, False, "stop_harm"),
    "guardrail unsure": ((0.5, 2.0), estimate(GUARD, -0.2, 0.7), None, False, "continue"),
    "harm tolerated": ((0.5, 2.0), estimate(GUARD, 0.1, 0.4), None, False, "roll_out"),
    "guardrail missing": (
        (0.5, 2.0), unknown(GUARD, not_available("tickets")), None, False, "roll_out",
    ),
    "guardrail maturing": (
        (0.5, 2.0), unknown(GUARD, maturing(None, None)), None, False, "continue",
    ),
    "primary harmed": ((-2.0, -0.1), SAFE, None, False, "stop_harm"),
    "too small": ((0.2, 0.9), SAFE, None, False, "stop_no_effect"),
    "nothing worthwhile": ((-0.5, 0.9), SAFE, None, False, "stop_no_effect"),
    "undecided": ((-0.5, 1.5), SAFE, None, False, "continue"),
    "undecided at the end": ((-0.5, 1.5), SAFE, None, True, "inconclusive"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_first_rule_that_applies(name):
    (low, high), guard, net, last, decision = CASES[name]
    estimates = [estimate(PRIMARY, low, high), guard, *([net] if net else [])]
    verdict = decide(SPEC, estimates, [], Circumstances(is_last_look=last))
    assert verdict.decision == decision
    for language in (Language("en"), Language("zh")):
        for message in (verdict.headline, *verdict.reasons, *verdict.needs):
            text = message.in_(language)
            assert text
            assert "nan" not in text
            assert "{" not in text


def test_a_gate_that_alarms_comes_before_everything():
    alarm = Check("loss", 1.0, 1e-6, 1e-3, True, Message("nothing is known from before"))
    verdict = decide(SPEC, [estimate(PRIMARY, -2.0, -1.0), SAFE], [alarm], Circumstances())
    assert verdict.decision == "do_not_trust"
    assert verdict.reasons[0] == alarm.note


def test_every_primary_must_hold():
    other = {**PRIMARY, "name": "visits"}
    spec = plan([PRIMARY, other, GUARD])
    estimates = [estimate(PRIMARY, 0.5, 2.0), estimate(other, -0.1, 2.0), SAFE]
    assert decide(spec, estimates, [], Circumstances()).decision == "continue"


def test_a_metric_that_should_fall_counts_the_other_way():
    fewer = {**PRIMARY, "name": "days", "direction": "decrease"}
    spec = plan([fewer])
    assert decide(spec, [estimate(fewer, -3.0, -1.5)], [], Circumstances()).decision == "roll_out"
    assert decide(spec, [estimate(fewer, 0.5, 3.0)], [], Circumstances()).decision == "stop_harm"


def test_a_crossing_stands_at_later_looks():
    crossed = estimate(PRIMARY, -0.1, 2.0, claim=1)
    assert decide(SPEC, [crossed, SAFE], [], Circumstances()).decision == "roll_out"


def test_harm_must_be_shown_at_the_level_that_guardrails_share():
    wide = estimate(GUARD, 0.6, 0.9, strict_low=0.4, strict_high=1.1)
    verdict = decide(SPEC, [estimate(PRIMARY, 0.5, 2.0), wide], [], Circumstances())
    assert verdict.decision == "continue"


def test_ordinary_customers_are_guarded_in_spillover_and_in_the_lowest_tier():
    primary = estimate(PRIMARY, 0.5, 2.0)
    for harmed in (
        estimate(GUARD, 0.6, 0.9, estimand="spillover"),
        estimate(GUARD, 0.6, 0.9, segment="regular"),
    ):
        verdict = decide(SPEC, [primary, SAFE, harmed], [], Circumstances())
        assert verdict.decision == "stop_harm"
    other = estimate(GUARD, 0.6, 0.9, segment="strategic")
    assert decide(SPEC, [primary, SAFE, other], [], Circumstances()).decision == "roll_out"


def segments(low: float, high: float, p_adjusted: float = 0.01) -> list[Estimate]:
    return [
        estimate(PRIMARY, -0.5, 1.5),
        SAFE,
        estimate(PRIMARY, low, high, segment="key", p_adjusted=p_adjusted),
        estimate(GUARD, -0.3, 0.2, segment="key"),
        estimate(PRIMARY, -1.0, 1.2, segment="regular", p_adjusted=0.9),
        estimate(GUARD, -0.3, 0.2, segment="regular"),
    ]


GOOD = {"p_adjusted": 0.01, "corrected_low": 0.6, "corrected_high": 3.2}
BAD = {"p_adjusted": 0.01, "corrected_low": -3.2, "corrected_high": -0.6}
BEYOND = {"corrected_low": 0.6, "corrected_high": 1.0}
UNSURE = {"corrected_low": 0.4, "corrected_high": 1.1}
HURT = {
    # primary and guardrail of one segment, primary of the other, interaction → decision, segments
    "a primary is worse": ((-3, -0.8, BAD), (-0.3, 0.2, {}), GOOD, 0.001, "roll_out_to", ("key",)),
    "a guardrail is harmed": (
        (0.8, 3, GOOD), (0.7, 0.9, BEYOND), GOOD, 0.001, "roll_out_to", ("key",),
    ),
    "not beyond its share of chance": (
        (0.8, 3, GOOD), (0.7, 0.9, UNSURE), GOOD, 0.001, "roll_out", (),
    ),
    "nobody else can be named": (
        (-3, -0.8, BAD), (-0.3, 0.2, {}), {"p_adjusted": 0.4}, 0.001, "continue", (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HURT)
def test_a_segment_that_is_shown_to_be_worse_off_is_not_rolled_out_to(name):
    primary, guard, other, interaction, decision, names = HURT[name]
    estimates = [
        estimate(PRIMARY, 0.5, 2.0),
        SAFE,
        estimate(PRIMARY, 0.8, 3.0, segment="key", **other),
        estimate(GUARD, -0.3, 0.2, segment="key"),
        estimate(PRIMARY, *primary[:2], segment="potential", **primary[2]),
        estimate(GUARD, *guard[:2], segment="potential", **guard[2]),
    ]
    around = Circumstances(
        interactions={("red", "tier"): interaction},
        segment_columns={"key": "tier", "potential": "tier"},
    )
    verdict = decide(SPEC, estimates, [], around)
    assert (verdict.decision, verdict.segments) == (decision, names)
    told = " ".join(reason.in_(Language("en")) for reason in verdict.reasons)
    assert ("Worse off" in told) == (decision != "roll_out")


def test_a_segment_left_out_for_want_of_data_on_a_guardrail_is_told():
    held = {"segment": "potential", "p_adjusted": 0.01}
    estimates = [
        *segments(0.8, 3.0),
        estimate(PRIMARY, 0.8, 3.0, **held),
        estimate(GUARD, -0.4, 0.7, segment="potential"),
    ]
    around = Circumstances(
        interactions={("red", "tier"): 0.001},
        segment_columns={"key": "tier", "potential": "tier"},
    )
    verdict = decide(SPEC, estimates, [], around)
    assert verdict.segments == ("key",)
    assert "potential" in verdict.needs[0].in_(Language("en"))
    assert "Insufficient data" in verdict.needs[0].in_(Language("en"))


def test_what_is_missing_in_a_cluster_design_is_counted_in_clusters():
    spec = plan([PRIMARY], looks="accrual", looks_planned=None, planned_n=40, cluster="depot")
    of_clusters = estimate(PRIMARY, -0.5, 1.5, clusters=12)
    verdict = decide(spec, [of_clusters], [], Circumstances())
    told = [need.in_(Language("en")) for need in verdict.needs]
    assert told == [
        "orders: about 25 clusters of this size would tell a gain of 1.00 from none; there are 12",
        "12 of 40 planned clusters have completed their window",
    ]


@pytest.mark.parametrize(("claim", "is_told"), [(1, True), (0, False)])
def test_arms_that_answered_unlike_are_told_in_the_verdict(claim, is_told):
    score = {"name": "score", "kind": "mean", "column": "s", "answered": "a", "role": "primary"}
    share = {"name": "score_response", "kind": "proportion", "column": "r", "role": "secondary"}
    answers = {"value_treatment": 0.6, "value_control": 0.4, "claim": claim}
    estimates = [
        estimate(score, 0.5, 2.0),
        estimate(share, 0.15, 0.25, **{"role": "reading", **answers}),
        estimate(score, -40, -30, bound="lee_low"),
        estimate(score, 30, 40, bound="lee_high"),
    ]
    verdict = decide(plan([score]), estimates, [], Circumstances())
    told = " ".join(reason.in_(Language("en")) for reason in verdict.reasons)
    assert ("60.0% of the treated answered and 40.0% of the controls" in told) == is_told
    assert ("lies between −35.0 and +35.0" in told) == is_told


@pytest.mark.parametrize(
    ("p_adjusted", "interaction", "decision"),
    [(0.01, 0.001, "roll_out_to"), (0.20, 0.001, "continue"), (0.01, 0.4, "continue")],
)
def test_a_segment_needs_holm_and_the_interaction_test(p_adjusted, interaction, decision):
    around = Circumstances(
        interactions={("red", "tier"): interaction}, segment_columns={"key": "tier"}
    )
    verdict = decide(SPEC, segments(0.8, 3.0, p_adjusted), [], around)
    assert verdict.decision == decision
    assert verdict.segments == (("key",) if decision == "roll_out_to" else ())


def test_with_several_arms_one_that_works_decides_and_harm_comes_before_waiting():
    spec = plan([PRIMARY], allocation={"grey": 0.4, "red": 0.3, "blue": 0.3})
    good, bad, unsure = (0.5, 2.0), (-2.0, -0.5), (-0.5, 1.5)
    expected = {
        (good, bad): ("roll_out", ("red",)),
        (bad, good): ("roll_out", ("blue",)),
        (bad, unsure): ("stop_harm", ("red",)),
        (unsure, unsure): ("continue", ("red", "blue")),
    }
    for (red, blue), (decision, arms) in expected.items():
        estimates = [estimate(PRIMARY, *red), estimate(PRIMARY, *blue, treatment="blue")]
        verdict = decide(spec, estimates, [], Circumstances())
        assert (verdict.decision, verdict.arms) == (decision, arms)


def test_more_shipments_are_told_beside_a_gain_in_retention():
    window = {"window": [91, 181]}
    retention = {"name": "retention", "measure": "retention", "role": "primary", **window}
    often = {"name": "frequency", "measure": "frequency", "role": "secondary", **window}
    spec = ExperimentSpec.model_validate({**SPEC.model_dump(), "metrics": [retention]})
    both = [estimate(retention, 0.02, 0.06), estimate(often, 1.0, 2.0, role="reading")]
    told = " ".join(m.in_(Language("en")) for m in decide(spec, both, [], Circumstances()).reasons)
    assert "ship more often" in told


@pytest.mark.parametrize(
    ("limits", "more", "told"),
    [
        ((-1.0, 4.0), {}, "hardly touches: +1.5 (−1.0 to +4.0)"),
        ((-1.0, 4.0), {"status": Message("no unit is assigned yet")}, "is not known yet: no unit"),
    ],
)
def test_a_gain_in_survival_is_told_with_the_window_that_frequency_hardly_touches(
    limits, more, told
):
    stay = {"name": "stay", "measure": "survival", "horizon": 180, "role": "secondary"}
    often = {"name": "frequency", "measure": "frequency", "window": [0, 180], "role": "secondary"}
    primary = {**stay, "role": "primary"}
    spec = ExperimentSpec.model_validate({**SPEC.model_dump(), "metrics": [primary]})
    wider = estimate({**stay, "name": "stay_wider"}, *limits, role="reading", **more)
    for shipments, is_told in (((1.0, 2.0), True), ((-1.0, 2.0), False)):
        rows = [estimate(primary, 2.0, 6.0), estimate(often, *shipments, role="reading"), wider]
        reasons = decide(spec, rows, [], Circumstances()).reasons
        words = " ".join(m.in_(Language("en")) for m in reasons)
        assert (told in words) == is_told


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        (-1.0, -0.6, "safe"),
        (-0.4, 0.49, "safe"),
        (0.1, 0.5, "tolerated"),
        (0.1, 0.51, "insufficient"),
        (0.51, 0.9, "harmed"),
    ],
)
def test_states_of_a_guardrail_with_a_margin_of_a_half(low, high, state):
    assert guardrail(estimate(GUARD, low, high)).state == state


def test_without_a_margin_a_tenth_of_the_control_is_tolerated():
    bare = {k: v for k, v in GUARD.items() if k != "margin"}
    assert guardrail(estimate(bare, 0.2, 0.9)).margin == pytest.approx(1.0)


def test_multiplicity_by_role():
    p_values = (0.01, 0.04)
    rows = [
        estimate({**PRIMARY, "name": f"{role}{i}", "role": role} if role != "guardrail"
                 else {**GUARD, "name": f"{role}{i}"}, 0.1, 1.0, av_p_value=p, p_value=p)
        for role, (i, p) in itertools.product(
            ("primary", "secondary", "guardrail"), enumerate(p_values)
        )
    ]  # fmt: skip
    adjusted = [e.p_adjusted for e in with_adjusted_p(rows, {})]
    assert adjusted[:2] == pytest.approx([0.02, 0.04])  # Holm
    assert adjusted[2:4] == pytest.approx([0.02, 0.04])  # Benjamini-Hochberg
    assert adjusted[4:] == pytest.approx([0.02, 0.04])


def test_readings_and_bounds_are_not_corrected():
    rows = [
        estimate(PRIMARY, 0.1, 1.0, role="reading"),
        estimate(PRIMARY, 0.1, 1.0, bound="lee_low"),
    ]
    assert all(math.isnan(e.p_adjusted) for e in with_adjusted_p(rows, {}))
