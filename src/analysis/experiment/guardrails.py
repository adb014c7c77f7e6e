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
from .margins import beside_margin, margin_of
from .verdict import effect_values, metric_value, segment_value, shown

State = Literal["safe", "tolerated", "harmed", "insufficient", "missing"]


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
        _, best = beside_margin(self.estimate, self.estimate.corrected_limits)
        return self.estimate.is_ok and best < -self.margin

    @property
    def is_undone_by_its_margin(self) -> bool:
        """Whether only the margin's own error leaves open that harm beyond it is excluded."""
        return self.state == "insufficient" and self.estimate.gain_limits[0] >= -self.margin


def guardrail(estimate: Estimate) -> Guardrail:
    """The state of one guardrail."""
    margin = margin_of(estimate)
    return Guardrail(estimate, margin, _state(estimate, margin))


def _state(estimate: Estimate, margin: float) -> State:
    if estimate.status.source.startswith("not available"):
        return "missing"
    if not estimate.is_ok or math.isnan(margin):
        return "insufficient"
    low, _ = beside_margin(estimate, estimate.gain_limits)
    _, best = beside_margin(estimate, estimate.strict_limits)
    if best < -margin:
        return "harmed"
    if low >= -margin:
        return "tolerated" if estimate.gain_limits[1] < 0 else "safe"
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
    key = "undone" if guarded.is_undone_by_its_margin else guarded.state
    return Message(_TOLD[key], values)


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
    "harmed": "Harm to {who}: {metric} {effect} ({low} to {high}), beyond the tolerated {margin}",
    "insufficient": "Insufficient data, {who}: {metric} {effect} ({low} to {high}; tolerated harm "
    "{margin})",
    "undone": "Insufficient data, {who}: {metric} {effect} ({low} to {high}; tolerated harm about "
    "{margin}, a tenth of the control's value, which is not known exactly either)",
}


def _who(estimate: Estimate) -> Value:
    if estimate.estimand == "spillover":
        return Value("term", "untreated customers beside treated ones")
    if estimate.segment != WHOLE:
        return segment_value(estimate.segment)
    return Value("term", "all customers" if estimate.metric.measure else "all units")


def _status_value(estimate: Estimate) -> Value:
    """The status as a value of another sentence."""
    return Value("message", estimate.status.to_json())


def harmed(guardrails: Iterable[Guardrail]) -> list[Guardrail]:
    """Those that got worse beyond their margin."""
    return [g for g in guardrails if g.state == "harmed"]
