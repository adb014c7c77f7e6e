"""The sentences of a verdict: reasons with their numbers, and what is missing."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..message import Message, Value
from ..params.experiment import ExperimentSpec
from .estimate import Estimate
from .evidence import Answering, Evidence, stands_above_zero
from .guardrails import not_known_yet, told
from .verdict import Decision, arm_value, effect_told, effect_values, metric_value, shown

Z_POWER = 0.8416
"""Normal quantile of 80 %, the power at which the units still needed are counted."""


@dataclass(frozen=True)
class Circumstances:
    """What the verdict must know beyond the estimates.

    Attributes:
        currency: ISO code of amounts; empty where unknown.
        is_last_look: No planned look follows.
        next_look: Day of the next one, where it is known.
        complete_on: Day by which every unit has completed the primaries' windows; None where that
            is past or not known.
        is_monthly: The experiment is followed by the pipeline among shared depots and agents.
        interactions: (arm, segments' column) → smallest p of the interaction test over primaries.
        segment_columns: Segment → the column it comes from.
        plan_changes: What was changed in the plan after it was frozen.
    """

    currency: str = ""
    is_last_look: bool = False
    next_look: dt.date | None = None
    complete_on: dt.date | None = None
    is_monthly: bool = False
    interactions: Mapping[tuple[str, str], float] = field(default_factory=dict)
    segment_columns: Mapping[str, str] = field(default_factory=dict)
    plan_changes: tuple[Message, ...] = ()


def primary_reasons(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
    """Each primary with its numbers, or why it has none."""
    return tuple(
        effect_told(e, circumstances.currency)
        if e.is_ok
        else Message(
            "{metric}: {why}",
            {"metric": metric_value(e.metric), "why": within(e.status)},
        )
        for e in evidence.primaries
    )


def hurt_told(hurt: Mapping[str, Evidence], currency: str) -> tuple[Message, ...]:
    """The segments that are shown to be worse off, with the numbers."""
    return tuple(
        Message("Worse off, though not on the whole: {what}", {"what": within(what)})
        for part in hurt.values()
        for what in (
            *(effect_told(e, currency) for e in part.shown_worse),
            *(told(g, currency) for g in part.shown_harmed),
        )
    )


def common_reasons(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
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
        *(_answering_told(one, currency) for one in evidence.answering),
        *_frequency_told(evidence),
        *_design_told(circumstances),
        *circumstances.plan_changes,
    )


def _money_told(money: Estimate | None, currency: str) -> tuple[Message, ...]:
    if money is None:
        return (Message("Net value is not known: the plan names no margin and cost to serve."),)
    if not money.is_ok:
        return (Message("Net value is not known: {why}", {"why": within(money.status)}),)
    values = effect_values(money, currency)
    del values["metric"], values["n"]
    if money.gain_limits[0] > 0:
        return (Message("Net value per customer: {effect} ({low} to {high})", values),)
    source = "Net value per customer: {effect} ({low} to {high}); it may be a loss"
    if money.gain_limits[1] < 0:
        source = "Net value per customer: {effect} ({low} to {high}); it is a loss"
    return (Message(source, values),)


def _answering_told(one: Answering, currency: str) -> Message:
    """That the arms answered unlike, and what the effect may be without the assumption on it."""
    metric = one.primary.metric
    values = {
        "metric": metric_value(metric),
        "treatment": Value("percent", one.response.value_treatment, 1),
        "control": Value("percent", one.response.value_control, 1),
    }
    if not math.isfinite(one.low + one.high):
        source = (
            "{metric}: {treatment} of the treated answered and {control} of the controls, more "
            "unlike than chance explains; the effect is right only if answering is random given "
            "what was known before."
        )
        return Message(source, values)
    limits = {
        "low": shown(metric, one.low, currency),
        "high": shown(metric, one.high, currency),
    }
    return Message(
        "{metric}: {treatment} of the treated answered and {control} of the controls, more "
        "unlike than chance explains; the effect is right only if answering is random given what "
        "was known before. Without that, the effect on those who answer either way lies between "
        "{low} and {high}.",
        {**values, **limits},
    )


def _frequency_told(evidence: Evidence) -> tuple[Message, ...]:
    """That a gain in frequency can look like retention."""
    if evidence.frequency is None or not evidence.ships_more_often:
        return ()
    values = effect_values(evidence.frequency, "")
    often = Message(
        "Customers also ship more often ({effect} shipments each, {low} to {high}): a customer "
        "that ships more often is seen in any window more easily, so part of the gain in "
        "retention may be frequency.",
        {name: values[name] for name in ("effect", "low", "high")},
    )
    return (often, *(_wider_told(e) for e in evidence.wider))


def _wider_told(estimate: Estimate) -> Message:
    """What is left of a gain in survival with a window that a chance gap hardly exceeds."""
    metric = metric_value(estimate.metric)
    if not estimate.is_ok:
        return Message(
            "{metric} with a churn window half as long again, which frequency hardly touches, is "
            "not known yet: {why}",
            {"metric": metric, "why": within(estimate.status)},
        )
    values = effect_values(estimate, "")
    return Message(
        "{metric} with a churn window half as long again, which frequency hardly touches: "
        "{effect} ({low} to {high})",
        {"metric": metric, **{name: values[name] for name in ("effect", "low", "high")}},
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


def blocking(evidence: Evidence, circumstances: Circumstances) -> tuple[Message, ...]:
    """What stands between this arm and a roll-out to all."""
    currency = circumstances.currency
    unsure = [g for g in evidence.guardrails if g.state == "insufficient"]
    found = [told(g, currency) for g in unsure if g.estimate.is_ok]
    found += not_known_yet([g for g in unsure if not g.estimate.is_ok])
    return (*found, *_money_in_the_way(evidence, currency))


def _money_in_the_way(evidence: Evidence, currency: str) -> tuple[Message, ...]:
    """That the net value is not shown to be above zero, and what a bolder choice would risk."""
    money = evidence.money
    if money is None or evidence.money_holds or not money.is_ok:
        return ()
    low, high = money.gain_limits
    if high <= 0:
        return (Message("Net value per customer is below zero"),)
    found = [Message("Net value per customer is not shown to be above zero")]
    if evidence.lacks_money_only and money.gain > 0:
        values = {
            "expected": shown(money.metric, money.gain, currency),
            "loss": shown(money.metric, -low, currency, sign=False),
        }
        told = Message(
            "To introduce it all the same would rest on the expected {expected} per customer, "
            "with a loss of up to {loss} not excluded: a choice of its owner, not a finding.",
            values,
        )
        found.append(told)
    return tuple(found)


def money_headline(evidence: Evidence, circumstances: Circumstances) -> Message:
    """That every goal is met and only the money does not decide."""
    money, arm = evidence.money, arm_value(evidence.arm)
    if money is None or not money.is_ok:
        source = "Every goal is met with {arm}, but what it earns is not known yet"
        return Message(source, {"arm": arm})
    values = effect_values(money, circumstances.currency)
    return Message(
        "Every goal is met with {arm}, but it is not shown to pay: net value per customer "
        "{effect} ({low} to {high})",
        {"arm": arm, **{name: values[name] for name in ("effect", "low", "high")}},
    )


def needs_of(
    spec: ExperimentSpec, evidence: Evidence, circumstances: Circumstances, decision: Decision
) -> tuple[Message, ...]:
    """Units and months that are missing, and when the planned power is reached."""
    found = [need for e in evidence.primaries for need in _units_needed(e, circumstances)]
    if evidence.lacks_money_only and evidence.money is not None:
        found += _units_for_money(evidence.money)
    enrolled = max((e.n_independent for e in evidence.primaries), default=0)
    if decision == "continue" and spec.planned_n and enrolled < spec.planned_n:
        source = "{n} of {planned} planned units have completed their window"
        if any(e.clusters for e in evidence.primaries):
            source = "{n} of {planned} planned clusters have completed their window"
        values = {"n": Value("number", enrolled), "planned": Value("number", spec.planned_n)}
        found.append(Message(source, values))
    if decision == "continue" and circumstances.complete_on:
        day = Value("date", circumstances.complete_on.isoformat())
        source = "With data to {day} every unit has completed its window: the planned power"
        found.append(Message(source, {"day": day}))
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
    n = estimate.n_independent
    quantile = half_width / estimate.std_error + Z_POWER
    needed = math.ceil(n * (quantile * estimate.std_error / least) ** 2)
    if needed <= n:
        return ()
    source = "{metric}: about {needed} units would tell a gain of {least} from none; there are {n}"
    if estimate.clusters:
        source = (
            "{metric}: about {needed} clusters of this size would tell a gain of {least} from "
            "none; there are {n}"
        )
    values = {
        "metric": metric_value(estimate.metric),
        "needed": Value("number", _about(needed)),
        "least": minimum_value(estimate, circumstances),
        "n": Value("number", n),
    }
    return (Message(source, values),)


def _about(count: int) -> int:
    """A count of units rounded up to two significant digits: the estimate knows no more."""
    step = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step


def _units_for_money(money: Estimate) -> tuple[Message, ...]:
    """Units at which the net value as estimated now would be told from zero."""
    if not money.is_ok or money.gain <= 0:
        return ()
    n = money.n_independent
    quantile = (money.av_high - money.av_low) / 2 / money.std_error + Z_POWER
    needed = math.ceil(n * (quantile * money.std_error / money.gain) ** 2)
    if needed <= n:
        return ()
    source = (
        "Net value: about {needed} units would tell it from zero if it is as large as estimated; "
        "there are {n}"
    )
    if money.clusters:
        source = (
            "Net value: about {needed} clusters would tell it from zero if it is as large as "
            "estimated; there are {n}"
        )
    return (Message(source, {"needed": Value("number", _about(needed)), "n": Value("number", n)}),)


def minimum_value(estimate: Estimate, circumstances: Circumstances) -> Value:
    """The smallest worthwhile effect of an estimate\'s metric."""
    least = estimate.metric.minimum_effect or 0.0
    return shown(estimate.metric, least, circumstances.currency, sign=False)


def headline_values(evidence: Evidence, estimate: Estimate, currency: str) -> dict[str, Value]:
    """Arm, metric, effect and limits, as values of a headline."""
    values = effect_values(estimate, currency)
    del values["n"]
    return {**values, "arm": arm_value(evidence.arm)}


def within(message: Message) -> Value:
    """A message as a value of another one."""
    return Value("message", message.to_json())
