"""The verdict of an experiment, and the numbers it rests on, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from ..language import limit_digits
from ..message import Message, Value
from ..params.metric import Metric
from ..tables import TIERS
from .estimate import WHOLE, Estimate
from .followed import NET_VALUE, WHILE_STAYING, month_summed_to
from .losses import LOSS

Decision = Literal[
    "roll_out",
    "roll_out_to",
    "continue",
    "stop_harm",
    "stop_no_effect",
    "inconclusive",
    "do_not_trust",
]
ARM_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "tiered": "tiered service",
        "uniform": "uniform service",
        "treatment": "the treatment",
        "control": "the control",
    }
)
"""Arms whose names the catalogues translate; others are shown as the plan writes them."""
METRIC_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "retention": "retention",
        "nps": "NPS",
        "csat": "satisfaction (CSAT)",
        "cost_to_serve": "cost to serve",
        "margin": "margin",
        "complaints": "complaints per 100 shipments",
        "response_minutes": "minutes to the first response",
        "on_time": "on-time rate",
        "frequency": "shipments per customer",
        "survival": "days of custom",
        NET_VALUE: "net value per customer",
        WHILE_STAYING: "net value per customer while it stays (scenario)",
        LOSS: "units lost since assignment",
    }
)
"""Measure → its English words."""
SMALLEST_POINTS = 0.1
"""Percentage points below which one decimal would say nothing: 0.04 pp would read 0.0 pp."""
MOST_DIGITS = 6
"""Decimals at most; what is smaller is rounding."""
SIGNIFICANT_DIGITS = 3
"""Digits of a number without a unit of its own."""


@dataclass(frozen=True)
class Verdict:
    """What to do about an experiment.

    Attributes:
        decision: Its code.
        headline: One sentence.
        reasons: Why, with the numbers.
        needs: What is missing, and what would change it.
        segments: Segments that a roll-out is limited to.
        arms: Treatment arms that the decision is about.
    """

    decision: Decision
    headline: Message
    reasons: tuple[Message, ...] = ()
    needs: tuple[Message, ...] = ()
    segments: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-like form; messages as `Message.to_json` writes them."""
        return {
            "decision": self.decision,
            "segments": list(self.segments),
            "arms": list(self.arms),
            "headline": self.headline.to_json(),
            "reasons": [reason.to_json() for reason in self.reasons],
            "needs": [need.to_json() for need in self.needs],
        }


MONEY_READINGS = frozenset({NET_VALUE, WHILE_STAYING})
TRAIT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "region": "region",
        "industry": "industry",
        "contract_type": "kind of contract",
        "depot": "depot",
    }
)
"""Column that segments come from and that the canonical tables name → its word; a table's own
columns are shown as they are."""
_READINGS = MONEY_READINGS | {LOSS}
_SHARES = frozenset({"retention", "on_time"})
_DIGITS: Mapping[str, int] = MappingProxyType({"nps": 1, "survival": 1, "response_minutes": 0})


def metric_value(metric: Metric) -> Value:
    """A metric's name for readers."""
    known = metric.measure or (metric.name if metric.name in _READINGS else "")
    word = METRIC_WORDS.get(known)
    return Value("term", word) if word else Value("plain", metric.name)


def shown(metric: Metric, number: float, currency: str, *, sign: bool = True) -> Value:
    """A difference of a metric in the unit its readers expect.

    Proportions in percentage points, complaints per 100 shipments, amounts in their currency,
    everything else as a number.
    """
    if metric.kind == "proportion" or metric.measure in _SHARES:
        return Value("points", number, _points_digits(number), sign)
    is_reading = metric.name in MONEY_READINGS or month_summed_to(metric.name) is not None
    if (metric.is_money or is_reading) and currency:
        return Value("money", number, sign=sign, currency=currency)
    if metric.measure == "complaints":
        return Value("number", number * 100, 2, sign)
    known = _DIGITS.get(metric.measure or metric.kind)
    return Value("number", number, _digits(number) if known is None else known, sign)


def effect_values(estimate: Estimate, currency: str) -> dict[str, Value]:
    """Metric, effect, limits and number of units of an estimate, as values of a message."""
    metric = estimate.metric
    low, high = _limits(metric, estimate.av_low, estimate.av_high, currency)
    return {
        "metric": metric_value(metric),
        "effect": shown(metric, estimate.effect, currency),
        "low": low,
        "high": high,
        "n": Value("number", estimate.n_treatment + estimate.n_control),
    }


def _limits(metric: Metric, low: float, high: float, currency: str) -> tuple[Value, Value]:
    """The limits of an interval: the unit stands at the effect, and is not said three times."""
    one, other = shown(metric, low, currency), shown(metric, high, currency)
    if one.kind != "points":
        return one, other
    ends = (low * 100, high * 100)
    digits = limit_digits(ends, (one.digits, other.digits))
    first, second = (Value("number", end, digits, True) for end in ends)
    return first, second


def effect_told(estimate: Estimate, currency: str) -> Message:
    """An estimate in one sentence."""
    values = effect_values(estimate, currency)
    if estimate.estimand == "spillover":
        source = "{metric} of untreated customers beside treated ones: {effect} ({low} to {high})"
        return Message(source, {k: v for k, v in values.items() if k != "n"})
    if estimate.segment != WHOLE:
        source = "{metric} of {segment}: {effect} ({low} to {high}), n = {n}"
        return Message(source, {**values, "segment": segment_value(estimate.segment)})
    return Message("{metric}: {effect} ({low} to {high}), n = {n}", values)


def segment_value(segment: str) -> Value:
    """A segment's name for readers: a tier by its word, others by column and value.

    Example:
        >>> from analysis.language import Language
        >>> segment_value("platform=ios").shown(Language("zh"))
        'platform为“ios”'
    """
    told = _segment_told(segment)
    return Value("message", told.to_json()) if told.values else Value("term", segment)


def _segment_told(segment: str) -> Message:
    column, parts, value = segment.partition("=")
    if segment in TIERS or not parts:
        return Message(segment)
    word = TRAIT_WORDS.get(column)
    named = Value("term", word) if word else Value("plain", column)
    return Message("{column} = {value}", {"column": named, "value": Value("plain", value)})


def segments_value(segments: Iterable[str]) -> Value:
    """Several segments' names."""
    return Value("messages", [_segment_told(segment).to_json() for segment in segments])


def arm_value(arm: str) -> Value:
    """An arm's name for readers."""
    return Value("term", ARM_WORDS[arm]) if arm in ARM_WORDS else Value("plain", arm)


def _points_digits(number: float) -> int:
    """Decimals of percentage points: one, or as many as a rare event's difference needs."""
    points = abs(number) * 100
    if not 10**-MOST_DIGITS <= points < SMALLEST_POINTS:
        return 1
    return min(MOST_DIGITS, 1 - math.floor(math.log10(points)))


def _digits(number: float) -> int:
    """Decimals that leave a number three significant digits."""
    if number == 0 or not math.isfinite(number):
        return 0
    return max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(number))))
