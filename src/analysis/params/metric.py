"""One metric of an experiment: what it is, what it is for, and which columns hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, model_validator

from .loading import Bilingual, BrokenRule, Section, refuse

Kind = Literal["mean", "proportion", "ratio", "nps", "survival"]
Role = Literal["primary", "secondary", "guardrail"]
Direction = Literal["increase", "decrease"]
MeasureName = Literal[
    "retention",
    "nps",
    "csat",
    "cost_to_serve",
    "margin",
    "complaints",
    "response_minutes",
    "on_time",
    "frequency",
    "survival",
]


@dataclass(frozen=True)
class Measure:
    """A way to measure a metric from the canonical tables.

    Attributes:
        kind: The kind of metric it yields.
        direction: Where better lies.
        tables: Tables it cannot be measured without.
        columns: Key of the metric → suffix of the column that the pipeline makes for it.
        money: True where the value is an amount.
    """

    kind: Kind
    direction: Direction
    tables: tuple[str, ...]
    columns: Mapping[str, str]
    money: bool = False


_ONE = {"column": ""}
_RATIO = {"numerator": "_numerator", "denominator": "_denominator"}
_ANSWER = {"column": "", "answered": "_answered"}
_TIME = {"duration": "_days", "event": "_churned"}
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "retention": Measure("proportion", "increase", ("shipments",), _ONE),
        "nps": Measure("nps", "increase", ("surveys",), _ANSWER),
        "csat": Measure("mean", "increase", ("surveys",), _ANSWER),
        "cost_to_serve": Measure("mean", "decrease", ("service_costs",), _ONE, money=True),
        "margin": Measure("mean", "increase", ("shipments",), _ONE, money=True),
        "complaints": Measure("ratio", "decrease", ("tickets", "shipments"), _RATIO),
        "response_minutes": Measure("ratio", "decrease", ("tickets",), _RATIO),
        "on_time": Measure("ratio", "increase", ("shipments",), _RATIO),
        "frequency": Measure("mean", "increase", ("shipments",), _ONE),
        "survival": Measure("survival", "increase", ("shipments",), _TIME),
    }
)
COLUMNS_BY_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mean": ("column",),
        "proportion": ("column",),
        "ratio": ("numerator", "denominator"),
        "nps": ("column",),
        "survival": ("duration", "event"),
    }
)
_ALSO = {"mean": ("answered",), "proportion": ("answered",), "nps": ("answered",)}
_FLAGS = ("matured", "eligible")
_COLUMN_KEYS = ("column", "numerator", "denominator", "answered", "duration", "event")


class Metric(Section):
    """One metric of the plan.

    Attributes:
        name: Free text, Chinese too; used in tables and charts.
        title: What readers see; a known measure has a title of its own.
        kind: Follows from `measure` where that is given.
        role: ``primary`` decides, ``guardrail`` must not get worse than its margin.
        direction: Where better lies.
        minimum_effect: Smallest worthwhile effect, in the metric's own unit, above zero.
        margin: Tolerated harm of a guardrail, in the metric's own unit; 10 % of the control's
            value where it is missing.
        measure: How the pipeline measures it; then the columns are named for you.
        window: First day counted and the day after the last, from assignment; a last day of
            null means "so far" and grows with every look.
        horizon: Days after assignment that a survival metric looks ahead.
        column, numerator, denominator, answered, duration, event: Columns of a plain table.
        matured: Column that says whether the unit's window is over; all are, without it.
        eligible: Column that says whether the unit counts for this metric, known before
            assignment; all do, without it.
    """

    name: str = Field(min_length=1)
    title: Bilingual | None = None
    kind: Kind
    role: Role = "secondary"
    direction: Direction = "increase"
    minimum_effect: float | None = Field(None, gt=0, allow_inf_nan=False)
    margin: float | None = Field(None, ge=0, allow_inf_nan=False)
    measure: MeasureName | None = None
    window: tuple[int, int | None] | None = None
    horizon: int | None = Field(None, ge=1)
    column: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    answered: str | None = None
    duration: str | None = None
    event: str | None = None
    matured: str | None = None
    eligible: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _follows_from_measure(cls, content: Any) -> Any:
        measure = MEASURES.get(str(content.get("measure"))) if isinstance(content, dict) else None
        if measure is None:
            return content
        follows = {"kind": measure.kind, "direction": measure.direction, **content}
        if any(content.get(key) for key in (*_COLUMN_KEYS, *_FLAGS)):
            return follows  # a plan that is read again, or one that mixes; the rules tell
        name = str(content.get("name", ""))
        columns = {key: name + suffix for key, suffix in measure.columns.items()}
        if measure.kind == "survival":
            columns["eligible"] = f"{name}_eligible"
        return {**follows, **columns, "matured": f"{name}_matured"}

    @model_validator(mode="after")
    def _keys_agree(self) -> Metric:
        refuse([*_column_rules(self), *_role_rules(self), *_window_rules(self)])
        return self

    @property
    def sign(self) -> int:
        """+1 where more is better, −1 where less is."""
        return 1 if self.direction == "increase" else -1

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must exist, without `matured`."""
        values = (getattr(self, key) for key in _COLUMN_KEYS)
        return tuple(value for value in values if value is not None)

    @property
    def tables(self) -> tuple[str, ...]:
        """The canonical tables that it cannot be measured without."""
        return MEASURES[self.measure].tables if self.measure else ()

    @property
    def is_money(self) -> bool:
        """Whether its value is an amount of the profile's currency."""
        return bool(self.measure and MEASURES[self.measure].money)


def _column_rules(metric: Metric) -> list[BrokenRule]:
    """A plain table's columns are named; a measure's are not."""
    needed = COLUMNS_BY_KIND[metric.kind]
    fitting = (*needed, *_ALSO.get(metric.kind, ()))
    missing = [key for key in needed if getattr(metric, key) is None]
    if metric.measure and MEASURES[metric.measure].kind != metric.kind:
        told = f"The measure '{metric.measure}' has a kind of its own"
        return [BrokenRule("kind", told, metric.kind, [MEASURES[metric.measure].kind])]
    if metric.measure and _names_own_columns(metric):
        told = "A metric names a measure or columns, not both"
        return [BrokenRule("measure", told, metric.measure, todo="Remove one of them.")]
    rules = [
        BrokenRule(key, f"A metric of kind '{metric.kind}' needs '{key}'", allowed="a column")
        for key in missing
    ]
    for key in _COLUMN_KEYS:
        if getattr(metric, key) is not None and key not in fitting:
            told = f"A metric of kind '{metric.kind}' has no '{key}'"
            rules.append(BrokenRule(key, told, getattr(metric, key), fitting))
    return rules


def _names_own_columns(metric: Metric) -> bool:
    assert metric.measure is not None
    suffixes = MEASURES[metric.measure].columns
    made = {key: metric.name + suffix for key, suffix in suffixes.items()}
    return any(getattr(metric, key) != made.get(key) for key in _COLUMN_KEYS)


def _role_rules(metric: Metric) -> list[BrokenRule]:
    rules = []
    if metric.margin is not None and metric.role != "guardrail":
        told = "Only a guardrail has a margin of tolerated harm"
        rules.append(BrokenRule("margin", told, metric.margin, todo="Remove it, or change role."))
    if metric.minimum_effect is not None and metric.role == "guardrail":
        told = "A guardrail has no minimum effect"
        rules.append(BrokenRule("minimum_effect", told, metric.minimum_effect, todo="Remove it."))
    return rules


def _window_rules(metric: Metric) -> list[BrokenRule]:
    rules = []
    is_survival = metric.kind == "survival"
    if is_survival and metric.horizon is None:
        rules.append(BrokenRule("horizon", "A survival metric needs its horizon in days"))
    if not is_survival and metric.horizon is not None:
        told = f"A metric of kind '{metric.kind}' has no horizon"
        rules.append(BrokenRule("horizon", told, metric.horizon, todo="Use window."))
    if metric.measure and not is_survival and metric.window is None:
        told = "A measured metric needs its window in days after assignment"
        rules.append(BrokenRule("window", told, allowed="[from_day, to_day]"))
    if metric.window is not None:
        first, last = metric.window
        if first < 0 or (last is not None and last <= first):
            told = "A window ends after it begins, on or after day 0"
            rules.append(BrokenRule("window", told, list(metric.window), "0 ≤ from < to"))
    return rules
