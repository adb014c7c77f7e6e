"""What one treatment arm has to show: its primaries, guardrails, money and segments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..params.experiment import ExperimentSpec
from .estimate import ITT, WHOLE, Estimate
from .extras import RESPONSE
from .followed import NET_VALUE, wider_name
from .guardrails import Guardrail, guardrail


@dataclass(frozen=True)
class Answering:
    """A primary that the arms answered unlike, more than chance explains.

    Attributes:
        primary: Its estimate, respondents weighted.
        response: The share that answered, arm against arm.
        low, high: Lee's bounds of the effect on those who answer either way; NaN where unknown.
    """

    primary: Estimate
    response: Estimate
    low: float
    high: float


@dataclass(frozen=True)
class Evidence:
    """The estimates that decide about one arm, or about one segment of it.

    Attributes:
        arm: The treatment arm.
        segment: ``all``, or a segment.
        primaries: One estimate a primary metric.
        guardrails: Of the same customers; for the whole also ordinary customers'.
        money: Net value per customer; None where the plan has no money.
        frequency: Shipments per customer; None where they are not followed.
        alpha: Error level of the arm.
        wider: The primaries of survival, read with a longer churn window.
        answering: The primaries that the arms answered unlike.
    """

    arm: str
    segment: str
    primaries: tuple[Estimate, ...]
    guardrails: tuple[Guardrail, ...]
    money: Estimate | None
    frequency: Estimate | None
    alpha: float
    wider: tuple[Estimate, ...] = ()
    answering: tuple[Answering, ...] = ()

    @property
    def harmed(self) -> tuple[Guardrail, ...]:
        """Guardrails that got worse beyond their margin."""
        return tuple(g for g in self.guardrails if g.state == "harmed")

    @property
    def worse(self) -> tuple[Estimate, ...]:
        """Primaries whose interval lies, or at an earlier look lay, on the wrong side of zero."""
        return tuple(e for e in self.primaries if stands_below_zero(e))

    @property
    def shown_worse(self) -> tuple[Estimate, ...]:
        """In a segment: primaries shown to be worse after correction for the number of segments."""
        return tuple(
            e
            for e in self.primaries
            if e.is_ok and e.gain < 0 and _is_small(e.p_adjusted, self.alpha)
        )

    @property
    def shown_harmed(self) -> tuple[Guardrail, ...]:
        """In a segment: guardrails beyond their margin at the level that all segments share."""
        return tuple(g for g in self.guardrails if g.is_harmed_among_segments)

    @property
    def worthless(self) -> tuple[Estimate, ...]:
        """Primaries whose upper limit is below their minimum effect."""
        return tuple(e for e in self.primaries if e.is_ok and _is_below_minimum(e))

    @property
    def primaries_hold(self) -> bool:
        """Whether every primary is above zero and may reach its minimum effect."""
        return bool(self.primaries) and all(
            stands_above_zero(e) and not _is_below_minimum(e) for e in self.primaries
        )

    @property
    def guardrails_hold(self) -> bool:
        """Whether harm is excluded wherever it can be measured."""
        return all(g.is_safe or g.state == "missing" for g in self.guardrails)

    @property
    def money_holds(self) -> bool:
        """Whether net value is shown to be above zero, or cannot be known for want of a table."""
        if self.money is None or not _is_known(self.money):
            return True
        return self.money.is_ok and self.money.gain_limits[0] > 0

    @property
    def lacks_money_only(self) -> bool:
        """Whether goals and guardrails all hold, and it is the net value that is not shown."""
        return self.primaries_hold and self.guardrails_hold and not self.money_holds

    @property
    def ships_more_often(self) -> bool:
        """Whether a gain in retention comes with more shipments per customer."""
        is_retention = any(
            e.metric.measure in ("retention", "survival") and stands_above_zero(e)
            for e in self.primaries
        )
        return is_retention and self.frequency is not None and stands_above_zero(self.frequency)

    @property
    def supports_roll_out(self) -> bool:
        """Whether primaries, guardrails and money all hold."""
        return self.primaries_hold and self.guardrails_hold and self.money_holds


def stands_above_zero(estimate: Estimate) -> bool:
    """Whether an effect is shown in the right direction, now or at an earlier planned look."""
    return estimate.claim * estimate.metric.sign > 0


def stands_below_zero(estimate: Estimate) -> bool:
    """Whether an effect is shown in the wrong direction, now or at an earlier planned look.

    An earlier crossing on the good side does not stand against harm shown now.
    """
    is_below = estimate.is_ok and estimate.gain_limits[1] < 0
    return is_below or estimate.claim * estimate.metric.sign < 0


def whole(spec: ExperimentSpec, estimates: Sequence[Estimate], arm: str) -> Evidence:
    """The evidence about an arm from all its customers, and about ordinary customers."""
    mine = [e for e in _deciding(estimates) if e.treatment == arm]
    primaries = [e for e in mine if e.role == "primary" and _is_total(e)]
    guards = [e for e in mine if e.role == "guardrail" and (_is_total(e) or _is_ordinary(spec, e))]
    money = next((e for e in mine if e.metric.name == NET_VALUE and _is_total(e)), None)
    often = next((e for e in mine if e.metric.measure == "frequency" and _is_total(e)), None)
    guarded = tuple(map(guardrail, guards))
    longer = {wider_name(e.metric) for e in primaries if e.metric.measure == "survival"}
    wider = tuple(e for e in mine if e.metric.name in longer and _is_total(e))
    answering = tuple(_answering(e, estimates) for e in primaries)
    return Evidence(
        arm,
        WHOLE,
        tuple(primaries),
        guarded,
        money,
        often,
        _alpha(spec),
        wider,
        tuple(found for found in answering if found),
    )


def _answering(primary: Estimate, estimates: Sequence[Estimate]) -> Answering | None:
    """Whether the arms answered a primary unlike, and what is left without an assumption on it."""
    beside = [
        e for e in estimates if _is_total(e) and e.basis == ITT and e.treatment == primary.treatment
    ]
    name = primary.metric.name
    response = next((e for e in beside if e.metric.name == f"{name}{RESPONSE}"), None)
    if response is None or not response.is_ok or not response.claim:
        return None
    bounds = {e.bound: e.effect for e in beside if e.metric.name == name}
    return Answering(
        primary, response, bounds.get("lee_low", math.nan), bounds.get("lee_high", math.nan)
    )


def of_segments(
    spec: ExperimentSpec, estimates: Sequence[Estimate], arm: str
) -> Mapping[str, Evidence]:
    """The evidence about an arm from each pre-declared segment."""
    rows = [e for e in _deciding(estimates) if e.treatment == arm and e.estimand == "total"]
    found = {}
    for name in dict.fromkeys(e.segment for e in rows if e.segment != WHOLE):
        mine = [e for e in rows if e.segment == name]
        primaries = tuple(e for e in mine if e.role == "primary")
        guards = tuple(guardrail(e) for e in mine if e.role == "guardrail")
        money = next((e for e in mine if e.metric.name == NET_VALUE), None)
        if primaries:
            found[name] = Evidence(arm, name, primaries, guards, money, None, _alpha(spec))
    return found


def holds_after_holm(evidence: Evidence) -> bool:
    """Whether a segment's primaries and money hold after correction for the number of segments."""
    money = evidence.money
    is_paid = money is None or not _is_known(money) or _is_shown(money, evidence.alpha)
    return is_paid and all(
        _is_shown(e, evidence.alpha) and not _is_below_minimum(e) for e in evidence.primaries
    )


def _is_shown(estimate: Estimate, alpha: float) -> bool:
    """Whether a gain is shown with the p value after correction."""
    return _is_small(estimate.p_adjusted, alpha) and estimate.gain > 0


def _is_small(p_value: float, alpha: float) -> bool:
    return math.isfinite(p_value) and p_value <= alpha


def _deciding(estimates: Iterable[Estimate]) -> list[Estimate]:
    return [e for e in estimates if e.basis == ITT and e.bound == ""]


def _alpha(spec: ExperimentSpec) -> float:
    """The arm's share of the error level."""
    return spec.alpha / len(spec.treatments)


def _is_total(estimate: Estimate) -> bool:
    return estimate.estimand == "total" and estimate.segment == WHOLE


def _is_ordinary(spec: ExperimentSpec, estimate: Estimate) -> bool:
    """Ordinary customers: the lowest tiers, and the untreated beside the treated."""
    if estimate.estimand == "spillover":
        return estimate.segment == WHOLE
    return estimate.estimand == "total" and estimate.segment in spec.ordinary_tiers


def _is_below_minimum(estimate: Estimate) -> bool:
    least = estimate.metric.minimum_effect
    return least is not None and estimate.is_ok and estimate.gain_limits[1] < least


def _is_known(money: Estimate) -> bool:
    return not money.status.source.startswith("not available")
