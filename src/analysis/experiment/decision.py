"""The verdict: the first rule that applies, one per experiment, with its reasons and numbers.

1 do not trust · 2 stop: harm · 3 roll out · 4 roll out to segments · 5 stop: no worthwhile
effect · 6 inconclusive · 7 continue (statistics.md, Verdict). With several treatment arms each is
judged by itself at its share of the error level; the verdict is the best that some arm reaches.
A segment of the plan that is shown to be worse off keeps rule 3 from applying (decision record
0146): then a roll-out can only be one to the segments in which every goal is met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..message import Message
from ..params.experiment import ExperimentSpec
from .checks import Check
from .estimate import Estimate
from .evidence import Evidence, holds_after_holm, of_segments, stands_above_zero, whole
from .guardrails import told
from .reasons import (
    Circumstances,
    blocking,
    common_reasons,
    headline_values,
    hurt_told,
    minimum_value,
    money_headline,
    needs_of,
    primary_reasons,
    within,
)
from .verdict import (
    Decision,
    Verdict,
    arm_value,
    effect_told,
    metric_value,
    segments_value,
)
from .words import distinct

PREFERENCE: tuple[Decision, ...] = (
    "roll_out",
    "roll_out_to",
    "stop_harm",
    "continue",
    "inconclusive",
    "stop_no_effect",
)
"""With several arms: one that works decides; harm in an arm comes before waiting for another."""


def decide(
    spec: ExperimentSpec,
    estimates: Sequence[Estimate],
    checks: Sequence[Check],
    circumstances: Circumstances,
) -> Verdict:
    """The verdict of an experiment.

    Args:
        spec: The plan.
        estimates: All its estimates, p values after multiplicity filled in.
        checks: Its gates.
        circumstances: What else must be known.
    """
    alarmed = [check for check in checks if check.alarmed]
    if alarmed:
        return _do_not_trust(alarmed, circumstances)
    verdicts = [_of_arm(spec, estimates, arm, circumstances) for arm in spec.treatments]
    if len(verdicts) == 1:
        return verdicts[0]
    best = min(verdicts, key=lambda verdict: PREFERENCE.index(verdict.decision))
    same = [v for v in verdicts if v.decision == best.decision]
    others = [v for v in verdicts if v.decision != best.decision]
    return Verdict(
        decision=best.decision,
        headline=best.headline,
        reasons=distinct([*(r for v in same for r in v.reasons), *(v.headline for v in others)]),
        needs=distinct(n for v in same for n in v.needs),
        segments=best.segments,
        arms=tuple(arm for v in same for arm in v.arms),
    )


def _do_not_trust(alarmed: Sequence[Check], circumstances: Circumstances) -> Verdict:
    first = alarmed[0]
    headline = Message("Do not trust the figures: {why}", {"why": within(first.note)})
    need = Message("Find the cause before anyone acts on the figures, then evaluate again.")
    reasons = tuple(check.note for check in alarmed)
    return Verdict("do_not_trust", headline, (*reasons, *circumstances.plan_changes), (need,))


def _of_arm(
    spec: ExperimentSpec, estimates: Sequence[Estimate], arm: str, circumstances: Circumstances
) -> Verdict:
    """Rules 2 to 7 for one arm."""
    evidence = whole(spec, estimates, arm)
    if evidence.harmed or evidence.worse:
        return _stop_harm(evidence, circumstances)
    by_segment = of_segments(spec, estimates, arm)
    hurt = {n: part for n, part in by_segment.items() if part.shown_worse or part.shown_harmed}
    if evidence.supports_roll_out and not hurt:
        return _roll_out(evidence, circumstances)
    segments = _segments_that_hold(by_segment, arm, spec, circumstances)
    segments = {name: part for name, part in segments.items() if name not in hurt}
    if segments:
        others = [p for n, p in by_segment.items() if n not in segments and n not in hurt]
        return _roll_out_to(evidence, segments, hurt, others, circumstances)
    if evidence.worthless:
        return _stop_no_effect(evidence, circumstances)
    decision: Decision = "inconclusive" if circumstances.is_last_look else "continue"
    return _undecided(decision, spec, evidence, hurt, circumstances)


def _segments_that_hold(
    by_segment: Mapping[str, Evidence],
    arm: str,
    spec: ExperimentSpec,
    circumstances: Circumstances,
) -> dict[str, Evidence]:
    """Segments that a roll-out may be limited to: they differ, and they hold after Holm."""

    def differs(segment: str) -> bool:
        column = circumstances.segment_columns.get(segment, "")
        return circumstances.interactions.get((arm, column), math.inf) <= spec.alpha

    return {
        name: evidence
        for name, evidence in by_segment.items()
        if differs(name) and holds_after_holm(evidence) and evidence.guardrails_hold
    }


def _stop_harm(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    currency = circumstances.currency
    reasons = [told(g, currency) for g in evidence.harmed]
    reasons += [effect_told(e, currency) for e in evidence.worse]
    headline = Message(
        "Stop {arm}. {what}",
        {"arm": arm_value(evidence.arm), "what": within(reasons[0])},
    )
    good = [effect_told(e, currency) for e in evidence.primaries if stands_above_zero(e)]
    need = Message("The treatment must change before it is tried again; more data do not mend it.")
    return Verdict(
        "stop_harm",
        headline,
        (*reasons, *good, *common_reasons(evidence, circumstances)),
        (need,),
        arms=(evidence.arm,),
    )


def _roll_out(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    first = evidence.primaries[0]
    headline = Message(
        "Roll out {arm}: {metric} {effect} ({low} to {high})",
        headline_values(evidence, first, circumstances.currency),
    )
    weakest = min(evidence.primaries, key=lambda e: e.gain_limits[0] / e.std_error)
    need = Message(
        "This would change if a guardrail were harmed, a check failed, or {metric} turned out not "
        "to last beyond the window.",
        {"metric": metric_value(weakest.metric)},
    )
    reasons = (*primary_reasons(evidence, circumstances), *common_reasons(evidence, circumstances))
    return Verdict("roll_out", headline, reasons, (need,), arms=(evidence.arm,))


def _roll_out_to(
    evidence: Evidence,
    segments: Mapping[str, Evidence],
    hurt: Mapping[str, Evidence],
    others: Sequence[Evidence],
    circumstances: Circumstances,
) -> Verdict:
    currency = circumstances.currency
    headline = Message(
        "Roll out {arm} to {segments} only: there every goal is met",
        {"arm": arm_value(evidence.arm), "segments": segments_value(segments)},
    )
    reasons = [effect_told(e, currency) for part in segments.values() for e in part.primaries]
    in_the_way = blocking(evidence, circumstances)
    unsure = [g for p in others if holds_after_holm(p) for g in p.guardrails if not g.is_safe]
    left_out = [told(g, currency) for g in unsure if g.state == "insufficient"]
    return Verdict(
        "roll_out_to",
        headline,
        (
            *reasons,
            *hurt_told(hurt, currency),
            *in_the_way,
            *common_reasons(evidence, circumstances),
        ),
        (
            *left_out,
            Message("A roll-out to all needs every goal met and every guardrail safe for all."),
        ),
        segments=tuple(segments),
        arms=(evidence.arm,),
    )


def _stop_no_effect(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    first = evidence.worthless[0]
    headline = Message(
        "Stop {arm}: no worthwhile effect. {metric} gains less than {least} ({low} to {high})",
        {
            **headline_values(evidence, first, circumstances.currency),
            "least": minimum_value(first, circumstances),
        },
    )
    need = Message("Only a smaller worthwhile effect, or another treatment, would change this.")
    reasons = (*primary_reasons(evidence, circumstances), *common_reasons(evidence, circumstances))
    return Verdict("stop_no_effect", headline, reasons, (need,), arms=(evidence.arm,))


def _undecided(
    decision: Decision,
    spec: ExperimentSpec,
    evidence: Evidence,
    hurt: Mapping[str, Evidence],
    circumstances: Circumstances,
) -> Verdict:
    source = (
        "The last planned look is reached and the data do not decide about {arm}"
        if decision == "inconclusive"
        else "Continue with {arm}: the data do not decide yet"
    )
    headline = Message(source, {"arm": arm_value(evidence.arm)})
    if evidence.lacks_money_only:
        headline = money_headline(evidence, circumstances)
    elif evidence.supports_roll_out and hurt:
        headline = Message(
            "Every goal is met with {arm} on the whole, but {segments} are worse off",
            {"arm": arm_value(evidence.arm), "segments": segments_value(hurt)},
        )
    told_of_hurt = hurt_told(hurt, circumstances.currency)
    reasons = (*primary_reasons(evidence, circumstances), *told_of_hurt)
    return Verdict(
        decision,
        headline,
        (*reasons, *common_reasons(evidence, circumstances)),
        (*blocking(evidence, circumstances), *needs_of(spec, evidence, circumstances, decision)),
        arms=(evidence.arm,),
    )
