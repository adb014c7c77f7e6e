"""The ordinary interval and the one that holds at every look, side by side in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..message import Message, Value
from .estimate import ITT, WHOLE, Estimate
from .looks import Looks
from .verdict import metric_value

SMALLEST_P = 1e-4
"""Below it a p value is written as smaller than this."""


def two_readings(estimates: Iterable[Estimate], looks: Looks) -> tuple[Message, ...]:
    """What the plain reading of each primary says, what the repeated one does, and why.

    Args:
        estimates: All estimates of an experiment.
        looks: How it is looked at.

    Returns:
        One sentence a primary and arm; first one on how often the plan looks.
    """
    primaries = [
        e
        for e in estimates
        if e.role == "primary" and e.basis == ITT and not e.bound and e.segment == WHOLE
        if e.estimand == "total" and e.is_ok and math.isfinite(e.p_value)
    ]
    if not primaries:
        return ()
    is_once = all(looks.planned(e.metric) == 1 for e in primaries)
    return (_how_often(looks, is_once=is_once), *(_read(e, looks) for e in primaries))


def level_value(alpha: float) -> Value:
    """The level of an interval: 95 %, and with a decimal where it has one (97.5 %)."""
    percent = round(100 * (1 - alpha), 6)
    return Value("percent", 1 - alpha, 0 if percent.is_integer() else 1)


def _how_often(looks: Looks, *, is_once: bool) -> Message:
    level = {"level": level_value(looks.alpha)}
    if looks.spec.looks_kind == "accrual":
        return Message(
            "The plan lets anyone look while units arrive. A {level} interval made for one look "
            "would then miss the truth at some look far more often than it promises; the verdict "
            "follows the wider interval, which keeps its promise over all looks together.",
            level,
        )
    if is_once:
        return Message(
            "There is one look, when the windows of all units are over: the ordinary {level} "
            "interval keeps its promise and decides.",
            level,
        )
    return Message(
        "The plan holds {n} looks. Each may use only its share of the error, so that all together "
        "keep the {level} that is promised; the verdict follows that interval.",
        {**level, "n": Value("number", looks.spec.looks_planned)},
    )


def _read(estimate: Estimate, looks: Looks) -> Message:
    values = {
        "metric": metric_value(estimate.metric),
        "plain": Value("plain", _p(estimate.p_value)),
        "valid": Value("plain", _p(estimate.av_p_value)),
    }
    plain, valid = estimate.p_value <= looks.alpha, _excludes_zero(estimate)
    if plain and not valid:
        return Message(
            "{metric}: the two readings disagree. Read once, at a size fixed beforehand, the "
            "difference would count as shown (p {plain}); to somebody who may look again and "
            "again a difference this large comes by chance too easily (p {valid}), so nothing "
            "is claimed yet.",
            values,
        )
    if plain and valid:
        source = (
            "{metric}: both readings show a difference (once p {plain}, at every look p {valid})"
        )
        return Message(source, values)
    if valid:
        return Message(
            "{metric}: an earlier look crossed its bound, and that stands; this look alone would "
            "not show it (p {plain}).",
            {name: values[name] for name in ("metric", "plain")},
        )
    source = (
        "{metric}: neither reading shows a difference (once p {plain}, at every look p {valid})"
    )
    return Message(source, values)


def _excludes_zero(estimate: Estimate) -> bool:
    return estimate.claim != 0 or estimate.av_low > 0 or estimate.av_high < 0


def _p(p_value: float) -> str:
    """A p value with its sign of equality, without exponents."""
    if p_value < SMALLEST_P:
        return f"< {SMALLEST_P:.4f}"
    return f"= {p_value:.4f}" if p_value < 0.1 else f"= {p_value:.2f}"
