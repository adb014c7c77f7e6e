"""The power curves of a design: one chart a metric, with its finding in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..experiment.design import TARGET, CurvePoint, PowerRow
from ..figures import Chart, Mark, power_chart
from .design_words import DesignWords

ENOUGH = {
    (False, True): "{metric}: {n} customers show effects from {smallest}, enough for {wanted}.",
    (False, False): "{metric}: {n} customers show effects from {smallest}, too few for {wanted}.",
    (True, True): "{metric}: {n} customers are enough to rule out harm beyond {wanted}.",
    (True, False): "{metric}: {n} customers are too few to rule out harm beyond {wanted}.",
}
"""Whether a guardrail is planned, and whether its chance reaches the target → the finding."""


@dataclass(frozen=True)
class RoleChart:
    """A chart, and the role of its metric."""

    role: str
    chart: Chart


def power_curves(words: DesignWords) -> list[RoleChart]:
    """The power curves, one a metric and arm, in the plan's order."""
    found = []
    for row in words.found.own_rows:
        points = [
            p
            for p in words.found.curve
            if p.metric.name == row.metric.name and p.comparison == row.comparison
            if math.isfinite(p.smallest)
        ]
        if len({p.customers for p in points}) > 1:
            found.append(RoleChart(row.metric.role, _chart(words, row, points)))
    return found


def _chart(words: DesignWords, row: PowerRow, points: Sequence[CurvePoint]) -> Chart:
    amounts, text = words.text_of(row.metric), words.language.text
    lengths = sorted({p.months for p in points})
    frame = pd.DataFrame(
        {
            "months": [p.months for p in points],
            "customers": [p.customers for p in points],
            "smallest": [p.smallest for p in points],
        }
    )
    several = len(lengths) > 1
    names = {m: text("{n} months", n=words.months(m)) if several else "" for m in lengths}
    finding = _finding(words, row)
    return power_chart(
        frame,
        names,
        planned=words.found.customers,
        wanted=_wanted(words, row),
        tick=lambda value: amounts.tick(value, sign=False),
        count=words.language.number,
        axis=text("customers in the experiment"),
        finding=finding,
        measure=_measure(words, row),
        alternative=" ".join([finding, *(_told(words, row, points, m) for m in lengths)]),
    )


def _finding(words: DesignWords, row: PowerRow) -> str:
    """What the planned number sees, held against what is worth it."""
    text, amounts = words.language.text, words.text_of(row.metric)
    n = words.language.number(row.customers)
    if math.isinf(row.smallest):
        return text("{metric}: too few clusters to see anything.", metric=words.name(row))
    if row.wanted is None:
        return text("{metric}: {n} customers show effects from {smallest}.",
                    metric=words.name(row), n=n, smallest=amounts.size(row.smallest))  # fmt: skip
    enough = (row.power or 0.0) >= TARGET
    return text(ENOUGH[row.metric.role == "guardrail", enough], metric=words.name(row), n=n,
                smallest=amounts.size(row.smallest), wanted=amounts.size(row.wanted))  # fmt: skip


def _measure(words: DesignWords, row: PowerRow) -> str:
    unit = words.text_of(row.metric).unit_name
    told = words.language.text("Smallest effect found four times in five")
    return words.language.text("{name}, {who}", name=told, who=unit) if unit else told


def _wanted(words: DesignWords, row: PowerRow) -> Mark | None:
    if row.wanted is None:
        return None
    guarded = row.metric.role == "guardrail"
    return Mark(
        row.wanted, words.language.text("tolerated harm" if guarded else "worthwhile effect")
    )


def _told(words: DesignWords, row: PowerRow, points: Sequence[CurvePoint], months: float) -> str:
    """A curve in words: its ends and the number planned."""
    text, amounts = words.language.text, words.text_of(row.metric)
    own = sorted((p for p in points if p.months == months), key=lambda p: p.customers)
    ends = (own[0], own[-1])
    some = [p for p in own if p in ends or p.customers == words.found.customers]
    said = [
        text("{smallest} with {n} customers", smallest=amounts.size(p.smallest),
             n=words.language.number(p.customers))
        for p in some
    ]  # fmt: skip
    return text("Followed for {months} months: {list}.", months=words.months(months),
                list=words.language.listed(said))  # fmt: skip
