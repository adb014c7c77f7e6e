"""How a metric's value, its difference and its interval are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from babel import numbers

from ..language import MISSING, Language, limit_digits

Unit = Literal["share", "points", "score", "money", "per_100", "minutes", "days", "number"]

_UNIT_OF_MEASURE: dict[str, Unit] = {
    "retention": "share",
    "nps": "points",
    "csat": "score",
    "cost_to_serve": "money",
    "margin": "money",
    "revenue": "money",
    "net_value": "money",
    "net_value_while_staying": "money",
    "complaints": "per_100",
    "response_minutes": "minutes",
    "on_time": "share",
    "frequency": "number",
    "survival": "days",
}
_UNIT_OF_KIND: dict[str, Unit] = {
    "proportion": "share",
    "nps": "points",
    "survival": "days",
    "mean": "number",
    "ratio": "number",
}
_SCALE: dict[Unit, float] = {"share": 100.0, "per_100": 100.0}
SMALL = 0.1
"""Size of a number without a unit, or of percentage points, below which one or two decimals would
hide it."""
LARGEST_DIGITS = 6
_DIGITS: dict[Unit, int] = {"minutes": 0, "score": 2, "number": 2, "per_100": 2}
_LABELS = {
    "retention": "Retention",
    "nps": "NPS",
    "csat": "Satisfaction (CSAT)",
    "cost_to_serve": "Cost to serve",
    "margin": "Margin",
    "revenue": "Revenue",
    "complaints": "Complaints",
    "response_minutes": "First response",
    "on_time": "On-time rate",
    "frequency": "Shipments per customer",
    "survival": "Days of custom",
    "net_value": "Net value per customer",
    "net_value_while_staying": "Net value while staying (scenario)",
    "loss": "Units lost since assignment",
}


def unit_of(measure: str | None, kind: str) -> Unit:
    """The unit that a metric is shown in, from its measure or, failing that, its kind."""
    return _UNIT_OF_MEASURE.get(measure or "") or _UNIT_OF_KIND.get(kind, "number")


def metric_label(name: str, language: Language, title: str = "") -> str:
    """A metric's name for readers: its own title, a known measure's, else the name as it is."""
    if title:
        return title
    return language.text(_LABELS[name], context="metric") if name in _LABELS else name


@dataclass(frozen=True)
class MetricText:
    """Writes one metric in one language.

    Attributes:
        unit: What the numbers mean; shares are fractions, ``per_100`` counts a shipment.
        language: The reader's.
        currency: ISO code, for amounts.

    Example:
        >>> MetricText("share", Language("en"), "CNY").between(0.021, 0.083)
        '+2.1 to +8.3 pp'
    """

    unit: Unit
    language: Language
    currency: str

    def value(self, value: float | None) -> str:
        """A level, such as 74.1% or ¥5,210."""
        if self.unit == "share":
            small = value is not None and 0 < value * 100 < SMALL
            return self.language.percent(value, self._digits(value) if small and value else 1)
        return self._with_unit(value, sign=False)

    def effect(self, value: float | None) -> str:
        """A difference, with its sign."""
        return self._with_unit(value, sign=True)

    def between(self, low: float | None, high: float | None) -> str:
        """An interval of differences, with its unit."""
        told = self.span(low, high)
        return told if self.unit == "money" else self._unit_text(told)

    def span(self, low: float | None, high: float | None) -> str:
        """An interval of differences beside an effect that already tells the unit."""
        if self.unit == "money":
            return self._to(self.effect(low), self.effect(high))
        return self._pair(low, high, sign=True)

    def size(self, value: float) -> str:
        """How large a difference is, without its sign."""
        return self._with_unit(abs(value), sign=False)

    def sizes(self, low: float, high: float) -> str:
        """An interval on one side of zero, without signs and unit, the smaller size first."""
        small, large = sorted((abs(low), abs(high)))
        if self.unit == "money":
            return self._to(self.size(small), self.size(large))
        return self._pair(small, large, sign=False)

    def tick(self, value: float, *, sign: bool = True) -> str:
        """A number on an axis, without its unit."""
        scaled = value * _SCALE.get(self.unit, 1.0)
        digits = next(d for d in range(5) if abs(scaled - round(scaled, d)) < 1e-9 or d == 4)
        return self.language.number(scaled, digits, sign=sign)

    @property
    def unit_name(self) -> str:
        """The unit as a word for an axis."""
        names = {
            "share": "percentage points",
            "points": "points",
            "score": "points of the 1-5 scale",
            "per_100": "per 100 shipments",
            "minutes": "minutes",
            "days": "days",
        }
        if self.unit == "money":
            return numbers.get_currency_name(self.currency, locale=self.language.locale)
        return self.language.text(names[self.unit]) if self.unit in names else ""

    def _to(self, low: str, high: str) -> str:
        return self.language.text("{low} to {high}", low=low, high=high)

    def _with_unit(self, value: float | None, *, sign: bool) -> str:
        if value is None or value != value:
            return MISSING
        if self.unit == "money":
            return self.language.money(value, self.currency, sign=sign)
        return self._unit_text(self._bare(value, sign))

    def _pair(self, low: float | None, high: float | None, *, sign: bool) -> str:
        """Two limits with as many decimals as each other, so that neither reads as zero."""
        if low is None or high is None or low != low or high != high:
            return self._to(self._bare(low, sign), self._bare(high, sign))
        scale = _SCALE.get(self.unit, 1.0)
        ends, own = (low * scale, high * scale), (self._digits(low), self._digits(high))
        digits = limit_digits(ends, own)
        told = (self.language.number(end, digits, sign=sign) for end in ends)
        return self._to(*told)

    def _bare(self, value: float | None, sign: bool) -> str:
        if value is None or value != value:
            return MISSING
        scaled = value * _SCALE.get(self.unit, 1.0)
        return self.language.number(scaled, self._digits(value), sign=sign)

    def _digits(self, value: float) -> int:
        """Decimals; more where a small number without a unit, or a rare share, needs them."""
        size = abs(value) * _SCALE.get(self.unit, 1.0)
        if self.unit not in ("number", "share") or not 10**-LARGEST_DIGITS <= size < SMALL:
            return _DIGITS.get(self.unit, 1)
        return min(LARGEST_DIGITS, 1 - math.floor(math.log10(size)))

    def _unit_text(self, number: str) -> str:
        sources = {
            "share": "{n} pp",
            "points": "{n} points",
            "score": "{n} points",
            "per_100": "{n} per 100 shipments",
            "minutes": "{n} min",
            "days": "{n} days",
        }
        return self.language.text(sources[self.unit], n=number) if self.unit in sources else number
