"""Whether something that must not get worse did.

With the interval that holds at every look: ``safe`` if it excludes harm beyond the margin,
``tolerated`` if there is harm but inside the margin, ``harmed`` if it lies wholly beyond the
margin (at the level that all guardrails share), ``insufficient`` if the data do not tell, and
``missing`` where the table it needs does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ..message import Message, Value
from .estimate import WHOLE, Estimate
from .verdict import effect_values, metric_value, segment_value, shown

State = Literal["safe", "tolerated", "harmed", "insufficient", "missing"]
DEFAULT_MARGIN = 0.10
"""Tolerated harm where the plan names none, as a share of the control's value (statistics.md)."""


@dataclass(frozen=True)
class Guardrail:
    """One guardrail of one group of customers.

    Attributes:
        estimate: Its estimate.
        margin: Tolerated harm in the metric's own unit, without sign; NaN where unknown.
        state: What the interval says.
    """

    estimate: Estimate
    margin: float
    state: State

    @property
    def is_safe(self) -> bool:
        """Whether harm beyond the margin is excluded."""
        return self.state in ("safe", "tolerated")

    @property
    def is_harmed_among_segments(self) -> bool:
        """Whether harm lies wholly beyond the margin at the level that all segments share."""
        best = self.estimate.corrected_limits[1]
        return self.estimate.is_ok and best < -self.margin


def guardrail(estimate: Estimate) -> Guardrail:
    """The state of one guardrail."""
    margin = margin_of(estimate)
    return Guardrail(estimate, margin, _state(estimate, margin))


def margin_of(estimate: Estimate) -> float:
    """Tolerated harm: as planned, else a tenth of the control's value."""
    if estimate.metric.margin is not None:
        return estimate.metric.margin
    return DEFAULT_MARGIN * abs(estimate.value_control)


def _state(estimate: Estimate, margin: float) -> State:
    if estimate.status.source.startswith("not available"):
        return "missing"
    if not estimate.is_ok or math.isnan(margin):
        return "insufficient"
    low, high = estimate.gain_limits
    if estimate.strict_limits[1] < -margin:
        return "harmed"
    if low >= -margin:
        return "tolerated" if high < 0 else "safe"
    return "insufficient"


def told(guarded: Guardrail, currency: str) -> Message:
    """The state of a guardrail in one sentence, with its numbers."""
    estimate = guarded.estimate
    metric = metric_value(estimate.metric)
    if guarded.state == "missing":
        return Message(
            "The guardrail {metric} cannot be measured: {why}",
            {"metric": metric, "why": _status_value(estimate)},
        )
    if not estimate.is_ok:
        return not_known_yet([guarded])[0]
    values = {
        **effect_values(estimate, currency),
        "margin": shown(estimate.metric, guarded.margin, currency, sign=False),
        "who": _who(estimate),
    }
    del values["n"]
    return Message(_TOLD[guarded.state], values)


def not_known_yet(guardrails: Iterable[Guardrail]) -> list[Message]:
    """Guardrails without an interval yet: one sentence a reason, each metric named once."""
    reasons: dict[str, Message] = {}
    names: dict[str, dict[str, None]] = {}
    for guarded in guardrails:
        status = guarded.estimate.status
        reasons.setdefault(status.source, status)
        word = str(metric_value(guarded.estimate.metric).value)
        names.setdefault(status.source, {})[word] = None
    return [
        Message(
            "Guardrails not known yet: {metrics} ({why})",
            {
                "metrics": Value("terms", list(names[source])),
                "why": Value("message", status.to_json()),
            },
        )
        for source, status in reasons.items()
    ]


_TOLD = {
    "safe": "Safe, {who}: {metric} {effect} ({low} to {high}; tolerated harm {margin})",
    "tolerated": "Harm within tolerance, {who}: {metric} {effect} ({low} to {high}; tolerated "
    "{margin})",
    "harmed": "Harmed: {who}, {metric} {effect} ({low} to {high}), beyond the tolerated {margin}",
    "insufficient": "Insufficient data, {who}: {metric} {effect} ({low} to {high}; tolerated harm "
    "{margin})",
}


def _who(estimate: Estimate) -> Value:
    if estimate.estimand == "spillover":
        return Value("term", "untreated customers beside treated ones")
    if estimate.segment != WHOLE:
        return segment_value(estimate.segment)
    return Value("term", "all customers")


def _status_value(estimate: Estimate) -> Value:
    """The status as a value of another sentence."""
    return Value("message", estimate.status.to_json())


def harmed(guardrails: Iterable[Guardrail]) -> list[Guardrail]:
    """Those that got worse beyond their margin."""
    return [g for g in guardrails if g.state == "harmed"]
