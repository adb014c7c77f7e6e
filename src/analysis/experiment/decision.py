"""The verdict: the first rule that applies, one per experiment, with its reasons and numbers.

1 do not trust · 2 stop: harm · 3 roll out · 4 roll out to segments · 5 stop: no worthwhile
effect · 6 inconclusive · 7 continue (statistics.md, Verdict). With several treatment arms each is
judged by itself at its share of the error level; the verdict is the best that some arm reaches.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..message import Message, Value
from ..params.experiment import ExperimentSpec
from .checks import Check
from .estimate import Estimate
from .evidence import Evidence, holds_after_holm, of_segments, stands_above_zero, whole
from .guardrails import not_known_yet, told
from .verdict import (
    Decision,
    Verdict,
    arm_value,
    effect_told,
    effect_values,
    metric_value,
    segments_value,
    shown,
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
Z_POWER = 0.8416
"""Normal quantile of 80 %, the power at which the units still needed are counted."""


@dataclass(frozen=True)
class Circumstances:
    """What the verdict must know beyond the estimates.

    Attributes:
        currency: ISO code of amounts; empty where unknown.
        is_last_look: No planned look follows.
        next_look: Day of the next one, where it is known.
        is_monthly: The experiment is followed by the pipeline among shared depots and agents.
        interactions: (arm, segments' column) → smallest p of the interaction test over primaries.
        segment_columns: Segment → the column it comes from.
        plan_changes: What was changed in the plan after it was frozen.
    """

    currency: str = ""
    is_last_look: bool = False
    next_look: dt.date | None = None
    is_monthly: bool = False
    interactions: Mapping[tuple[str, str], float] = field(default_factory=dict)
    segment_columns: Mapping[str, str] = field(default_factory=dict)
    plan_changes: tuple[Message, ...] = ()


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
    headline = Message("Do not trust the figures: {why}", {"why": _within(first.note)})
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
    if evidence.supports_roll_out:
        return _roll_out(evidence, circumstances)
    segments = _segments_that_hold(of_segments(spec, estimates, arm), arm, spec, circumstances)
    if segments:
        return _roll_out_to(evidence, segments, circumstances)
    if evidence.worthless:
        return _stop_no_effect(evidence, circumstances)
    decision: Decision = "inconclusive" if circumstances.is_last_look else "continue"
    return _undecided(decision, spec, evidence, circumstances)


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
        if differs(name)
        and holds_after_holm(evidence)
        and evidence.guardrails_hold
        and evidence.money_holds
    }


def _stop_harm(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    currency = circumstances.currency
    reasons = [told(g, currency) for g in evidence.harmed]
    reasons += [effect_told(e, currency) for e in evidence.worse]
    headline = Message(
        "Stop {arm}: harm. {what}",
        {"arm": arm_value(evidence.arm), "what": _within(reasons[0])},
    )
    good = [effect_told(e, currency) for e in evidence.primaries if stands_above_zero(e)]
    need = Message("The treatment must change before it is tried again; more data do not mend it.")
    return Verdict(
        "stop_harm",
        headline,
        (*reasons, *good, *_common(evidence, circumstances)),
        (need,),
        arms=(evidence.arm,),
    )


def _roll_out(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    first = evidence.primaries[0]
    headline = Message(
        "Roll out {arm}: {metric} {effect} ({low} to {high})",
        _headline_values(evidence, first, circumstances.currency),
    )
    weakest = min(evidence.primaries, key=lambda e: e.gain_limits[0] / e.std_error)
    need = Message(
        "This would change if a guardrail were harmed, a check failed, or {metric} turned out not "
        "to last beyond the window.",
        {"metric": metric_value(weakest.metric)},
    )
    reasons = (*_primary_reasons(evidence, circumstances), *_common(evidence, circumstances))
    return Verdict("roll_out", headline, reasons, (need,), arms=(evidence.arm,))


def _roll_out_to(
    evidence: Evidence, segments: Mapping[str, Evidence], circumstances: Circumstances
) -> Verdict:
    currency = circumstances.currency
    headline = Message(
        "Roll out {arm} to {segments} only: there every goal is met",
        {"arm": arm_value(evidence.arm), "segments": segments_value(segments)},
    )
    reasons = [effect_told(e, currency) for part in segments.values() for e in part.primaries]
    blocking = _blocking(evidence, circumstances)
    return Verdict(
        "roll_out_to",
        headline,
        (*reasons, *blocking, *_common(evidence, circumstances)),
        (Message("A roll-out to all needs every goal met and every guardrail safe for all."),),
        segments=tuple(segments),
        arms=(evidence.arm,),
    )


def _stop_no_effect(evidence: Evidence, circumstances: Circumstances) -> Verdict:
    first = evidence.worthless[0]
    headline = Message(
        "Stop {arm}: no worthwhile effect. {metric} gains less than {least} ({low} to {high})",
        {
            **_headline_values(evidence, first, circumstances.currency),
            "least": _minimum(first, circumstances),
        },
    )
    need = Message("Only a smaller worthwhile effect, or another treatment, would change this.")
    reasons = (*_primary_reasons(evidence, circumstances), *_common(evidence, circumstances))
    return Verdict("stop_no_effect", headline, reasons, (need,), arms=(evidence.arm,))


def _undecided(
    decision: Decision, spec: ExperimentSpec, evidence: Evidence, circumstances: Circumstances
) -> Verdict:
    source = (
        "The last planned look is reached and the data do not decide about {arm}"
        if decision == "inconclusive"
        else "Continue with {arm}: the data do not decide yet"
    )
    reasons = _primary_reasons(evidence, circumstances)
    return Verdict(
        decision,
        Message(source, {"arm": arm_value(evidence.arm)}),
        (*reasons, *_common(evidence, circumstances)),
        (*_blocking(evidence, circumstances), *_needs(spec, evidence, circumstances, decision)),
        arms=(evidence.arm,),
    )


def _primary_reasons(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
    """Each primary with its numbers, or why it has none."""
    return tuple(
        effect_told(e, circumstances.currency)
        if e.is_ok
        else Message(
            "{metric}: {why}",
            {"metric": metric_value(e.metric), "why": _within(e.status)},
        )
        for e in evidence.primaries
    )


def _common(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
    """Guardrails, money, design and plan: what every verdict says."""
    currency = circumstances.currency
    guards = [told(g, currency) for g in evidence.guardrails if g.state in ("tolerated", "missing")]
    safe = [g for g in evidence.guardrails if g.state == "safe"]
    if safe:
        guards.append(
            Message(
                "{n} of {all} guardrails are safe",
                {
                    "n": Value("number", len(safe)),
                    "all": Value("number", len(evidence.guardrails)),
                },
            )
        )
    return (
        *guards,
        *_money_told(evidence.money, currency),
        *_frequency_told(evidence),
        *_design_told(circumstances),
        *circumstances.plan_changes,
    )


def _money_told(money: Estimate | None, currency: str) -> tuple[Message, ...]:
    if money is None:
        return (Message("Net value is not known: the plan names no margin and cost to serve."),)
    if not money.is_ok:
        return (Message("Net value is not known: {why}", {"why": _within(money.status)}),)
    values = effect_values(money, currency)
    del values["metric"], values["n"]
    if money.gain_limits[0] > 0:
        return (Message("Net value per customer: {effect} ({low} to {high})", values),)
    source = "Net value per customer: {effect} ({low} to {high}); it may be a loss"
    return (Message(source, values),)


def _frequency_told(evidence: Evidence) -> tuple[Message, ...]:
    """That a gain in frequency can look like retention."""
    if evidence.frequency is None or not evidence.ships_more_often:
        return ()
    values = effect_values(evidence.frequency, "")
    return (
        Message(
            "Customers also ship more often ({effect} shipments each, {low} to {high}): a customer "
            "that ships more often is seen in any window more easily, so part of the gain in "
            "retention may be frequency.",
            {name: values[name] for name in ("effect", "low", "high")},
        ),
    )


def _design_told(circumstances: Circumstances) -> tuple[Message, ...]:
    if not circumstances.is_monthly:
        return ()
    return (
        Message(
            "Both arms share depots and agents: harm to ordinary customers by congestion cannot be "
            "measured in this design, and the verdict holds on condition that there is none."
        ),
    )


def _blocking(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
    """What stands between this arm and a roll-out to all."""
    currency = circumstances.currency
    unsure = [g for g in evidence.guardrails if g.state == "insufficient"]
    found = [told(g, currency) for g in unsure if g.estimate.is_ok]
    found += not_known_yet([g for g in unsure if not g.estimate.is_ok])
    money = evidence.money
    if money is not None and money.is_ok and not evidence.money_holds:
        found.append(Message("Net value per customer is not above zero"))
    return tuple(found)


def _needs(
    spec: ExperimentSpec, evidence: Evidence, circumstances: Circumstances, decision: Decision
) -> tuple[Message, ...]:
    """Units and months that are missing."""
    found = [need for e in evidence.primaries for need in _units_needed(e, circumstances)]
    enrolled = max((e.n_treatment + e.n_control for e in evidence.primaries), default=0)
    if decision == "continue" and spec.planned_n and enrolled < spec.planned_n:
        found.append(
            Message(
                "{n} of {planned} planned units have completed their window",
                {"n": Value("number", enrolled), "planned": Value("number", spec.planned_n)},
            )
        )
    if decision == "continue" and circumstances.next_look:
        day = Value("date", circumstances.next_look.isoformat())
        found.append(Message("The next planned look is with data to {day}", {"day": day}))
    return tuple(found)


def _units_needed(estimate: Estimate, circumstances: Circumstances) -> tuple[Message, ...]:
    """Units at which the worthwhile effect would be told from zero with the usual power."""
    least = estimate.metric.minimum_effect
    if not estimate.is_ok or stands_above_zero(estimate) or least is None:
        return ()
    half_width = (estimate.av_high - estimate.av_low) / 2
    n = estimate.n_treatment + estimate.n_control
    quantile = half_width / estimate.std_error + Z_POWER
    needed = math.ceil(n * (quantile * estimate.std_error / least) ** 2)
    if needed <= n:
        return ()
    return (
        Message(
            "{metric}: about {needed} units would tell a gain of {least} from none; there are {n}",
            {
                "metric": metric_value(estimate.metric),
                "needed": Value("number", needed),
                "least": _minimum(estimate, circumstances),
                "n": Value("number", n),
            },
        ),
    )


def _minimum(estimate: Estimate, circumstances: Circumstances) -> Value:
    least = estimate.metric.minimum_effect or 0.0
    return shown(estimate.metric, least, circumstances.currency, sign=False)


def _headline_values(evidence: Evidence, estimate: Estimate, currency: str) -> dict[str, Value]:
    values = effect_values(estimate, currency)
    del values["n"]
    return {**values, "arm": arm_value(evidence.arm)}


def _within(message: Message) -> Value:
    """A message as a value of another one."""
    return Value("message", message.to_json())
