"""One experiment as readers see it: names, estimates to show, and what each interval says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..experiment.followed import month_summed_to
from ..experiment.verdict import segment_value
from ..figures import MetricText, metric_label, unit_of
from ..language import Language
from ..message import Message
from ..params import Bilingual
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric as PlannedMetric
from ..tables import TIERS
from .inputs import Inputs

MAIN_BASIS = "intention_to_treat"
RELATIVE_MARGIN = 0.10
"""Tolerated harm of a guardrail whose plan names none, as a share of the control's value."""
ESTIMANDS = ("total", "direct", "spillover")
LESS_IS_BETTER = ("complaints", "response_minutes", "cost_to_serve")
"""Measures of which less is better, for a metric whose plan is not known."""
RUNNING = ("continue",)
_ARMS = {
    "tiered": "tiered service",
    "uniform": "uniform service",
    "treatment": "treated",
    "control": "control",
}


ESTIMAND_WORDS = {"direct": "Treated against untreated", "spillover": "Untreated beside treated"}
"""Whom a saturation design compares, besides the total."""


@dataclass(frozen=True)
class ExperimentView:
    """One experiment of the month.

    Attributes:
        content: Its entry in ``evaluations.json``.
        plan: Its plan; None where the file has gone.
        estimates: Its rows of `estimates` without bounds; may be empty.
        bounds: Its rows of `estimates` that are bounds; may be empty.
        checks: Its rows of `checks`; may be empty.
        curves: Its rows of `curves`; may be empty.
        currency: ISO code of its amounts.
    """

    content: Mapping[str, Any]
    plan: ExperimentSpec | None
    estimates: pd.DataFrame
    bounds: pd.DataFrame
    checks: pd.DataFrame
    curves: pd.DataFrame
    currency: str

    @property
    def id(self) -> str:
        """Its short name."""
        return str(self.content["id"])

    @property
    def verdict(self) -> Mapping[str, Any]:
        """Its verdict: decision, segments, headline, reasons, needs."""
        return self.content.get("verdict") or {}

    @property
    def decision(self) -> str:
        """The code of its decision."""
        return str(self.verdict.get("decision", "inconclusive"))

    @property
    def alarmed(self) -> pd.DataFrame:
        """The checks that failed."""
        return self.checks[self.checks["alarmed"].astype(bool)] if len(self.checks) else self.checks

    @property
    def is_trusted(self) -> bool:
        """Whether its figures may be read as effects."""
        return self.decision != "do_not_trust"

    def title(self, language: Language) -> str:
        """Its title, or its id where it has none."""
        title = self.content.get("title")
        if isinstance(title, Mapping):
            return str(title.get(language.code) or self.id)
        if self.plan is not None and self.plan.title is not None:
            return self.plan.title.in_(language.code)
        return str(title or self.id)

    def owner(self, language: Language) -> str:
        """Who decides; empty where nobody is named."""
        owner = self.content.get("owner") or ""
        return str(owner.get(language.code, "")) if isinstance(owner, Mapping) else str(owner)

    def names_of(self, role: str) -> list[str]:
        """Metrics of a role that have estimates, in the plan's order."""
        if self.estimates.empty:
            return []
        found = list(dict.fromkeys(self.estimates[self.estimates["role"] == role]["metric"]))
        listed = self.content.get("metrics") or ()
        planned = [str(m["name"]) for m in listed if m["name"] in found]
        return planned + [name for name in found if name not in planned]

    def sign(self, metric: str) -> int:
        """+1 where more of a metric is better, −1 where less is."""
        planned = self._metric(metric)
        return planned.sign if planned else -1 if metric in LESS_IS_BETTER else 1

    def minimum_effect(self, metric: str) -> float | None:
        """The smallest worthwhile effect, in the metric's unit and direction."""
        planned = self._metric(metric)
        if planned is None or planned.minimum_effect is None:
            return None
        return planned.sign * planned.minimum_effect

    def tolerated_harm(self, metric: str, control: float) -> float:
        """How much worse a guardrail may get, in the metric's unit, without sign."""
        planned = self._metric(metric)
        if planned is not None and planned.margin is not None:
            return planned.margin
        return RELATIVE_MARGIN * abs(control)

    def text_of(self, metric: str, language: Language) -> MetricText:
        """Writes a metric's numbers."""
        planned = self._metric(metric)
        kinds = self.estimates[self.estimates["metric"] == metric]["kind"]
        kind = str(kinds.iloc[0]) if len(kinds) else "mean"
        measure = planned.measure if planned else metric
        if month_summed_to(metric) is not None:
            measure = "net_value"
        unit = unit_of(measure, kind)
        unit = "number" if unit == "money" and not self.currency else unit
        return MetricText(unit, language, self.currency)

    def label_of(self, metric: str, language: Language) -> str:
        """A metric's name for readers."""
        planned = self._metric(metric)
        if planned and planned.title:
            return planned.title.in_(language.code)
        return metric_label((planned.measure if planned else None) or metric, language)

    def rows(self, metric: str) -> pd.DataFrame:
        """The main estimates of a metric: whole first, then spillover, then segments."""
        if self.estimates.empty:
            return self.estimates
        found = self.estimates[
            (self.estimates["metric"] == metric) & (self.estimates["analysis_basis"] == MAIN_BASIS)
        ]
        order = found.assign(
            _part=found["segment"] != "all",
            _estimand=found["estimand"].map({e: i for i, e in enumerate(ESTIMANDS)}),
            _tier=found["segment"].map(_tier_place),
        )
        return order.sort_values(["_part", "_estimand", "_tier"], kind="stable").drop(
            columns=["_part", "_estimand", "_tier"]
        )

    def _metric(self, name: str) -> Metric | None:
        """What is planned for a metric: as it was evaluated, else as the plan reads now."""
        listed = self.content.get("metrics") or ()
        entry = next((m for m in listed if m["name"] == name), None)
        if entry is not None:
            return _metric_evaluated(entry)
        plan = self.plan
        found = next((m for m in plan.metrics if m.name == name), None) if plan else None
        return _metric_planned(found) if found else None

    def status(self, row: pd.Series, language: Language) -> str:
        """Why a row has no estimate, in the reader's language."""
        remark = self._entry("remarks", row)
        return told(remark.get("status"), language) if remark else str(row["status"])

    def notes(self, row: pd.Series, language: Language) -> list[str]:
        """What must be known beside a row."""
        remark = self._entry("remarks", row) or {}
        return [told(note, language) for note in remark.get("notes") or ()]

    def guardrail(self, row: pd.Series) -> Mapping[str, Any] | None:
        """State and tolerated harm of a guardrail as it was decided on; None in old documents."""
        return self._entry("guardrails", row)

    def _entry(self, name: str, row: pd.Series) -> Mapping[str, Any] | None:
        """What a list of the document says of a row."""
        for entry in self.content.get(name) or ():
            if all(str(entry.get(key)) == str(row[key]) for key in REMARK_KEY):
                return entry
        return None

    @property
    def is_of_customers(self) -> bool:
        """Whether units are the company's customers, as in the monthly pipeline."""
        return bool(self.content.get("assigned_on"))

    def units(self, n: int, language: Language) -> str:
        """A number of units, by what they are."""
        number = language.number(n)
        source = "{n} customers" if self.is_of_customers else "{n} units"
        return language.text(source, n=number)

    def reading_of(self, metric: str, language: Language) -> str:
        """A metric's name for readers, readings beside a metric of the plan too."""
        if metric in {str(m["name"]) for m in self.content.get("metrics") or ()}:
            return self.label_of(metric, language)
        for suffix, words in READINGS.items():
            name = metric.removesuffix(suffix)
            if name != metric:
                return language.text(words, metric=self.label_of(name, language))
        month = month_summed_to(metric)
        if month is not None:
            return language.text("Net value per customer, summed to month {n}", n=str(month))
        return self.label_of(metric, language)


READINGS = {
    "_response": "{metric}: share that answered",
    "_unweighted": "{metric}, respondents as they are",
    "_ordered": "{metric}, ordered model (log odds)",
    "_wider": "{metric}, longer churn window",
}
"""End of a reading's name → its words."""
REMARK_KEY = ("analysis_basis", "estimand", "metric", "segment", "treatment", "bound")
"""What tells which row of `estimates` a remark belongs to."""


@dataclass(frozen=True)
class Metric:
    """What is planned for a metric.

    Attributes:
        name, measure, title: What it is called.
        sign: +1 where more is better, −1 where less is.
        minimum_effect: Smallest worthwhile effect, without sign.
        margin: Tolerated harm, without sign.
    """

    name: str
    measure: str | None
    title: Bilingual | None
    sign: int
    minimum_effect: float | None
    margin: float | None


def _metric_evaluated(entry: Mapping[str, Any]) -> Metric:
    title = entry.get("title")
    return Metric(
        str(entry["name"]),
        entry.get("measure"),
        Bilingual(**title) if title else None,
        1 if entry.get("direction", "increase") == "increase" else -1,
        entry.get("minimum_effect"),
        entry.get("margin"),
    )


def _metric_planned(planned: PlannedMetric) -> Metric:
    return Metric(
        planned.name,
        planned.measure,
        planned.title,
        planned.sign,
        planned.minimum_effect,
        planned.margin,
    )


def experiment_views(inputs: Inputs) -> list[ExperimentView]:
    """The month's experiments: the running ones first, then by start, the latest first."""
    views = [_view(inputs, content) for content in inputs.experiments]
    views = sorted(views, key=lambda v: str(v.content.get("assigned_on", "")), reverse=True)
    return sorted(views, key=lambda v: v.decision not in RUNNING)


def _view(inputs: Inputs, content: Mapping[str, Any]) -> ExperimentView:
    def own(name: str) -> pd.DataFrame:
        frame = inputs.frame(name)
        return pd.DataFrame() if frame is None else frame[frame["experiment"] == content["id"]]

    estimates = own("estimates")
    is_bound = estimates.get("bound", pd.Series(dtype=str)).fillna("").ne("")
    return ExperimentView(
        content=content,
        plan=inputs.plans.get(str(content["id"])),
        estimates=estimates[~is_bound],
        bounds=estimates[is_bound],
        checks=own("checks"),
        curves=own("curves"),
        currency=inputs.profile.money.currency,
    )


def interval_of(row: pd.Series) -> tuple[float, float]:
    """The interval that decides: the always-valid one where there is one, else the fixed one."""
    low, high = row["av_low"], row["av_high"]
    if _known(low) and _known(high):
        return float(low), float(high)
    return float(row["ci_low"]), float(row["ci_high"])


def tone_of(row: pd.Series, sign: int) -> str:
    """What an interval says: better, worse, or not sure."""
    low, high = interval_of(row)
    if not (math.isfinite(low) and math.isfinite(high)) or low <= 0 <= high:
        return "unsure"
    return "better" if (low > 0) == (sign > 0) else "worse"


def row_label(row: pd.Series, language: Language, everybody: str = "All customers") -> str:
    """Whom a row is about: all customers, a tier, or those beside the treated."""
    if row["segment"] != "all":
        return segment_name(str(row["segment"]), language)
    return language.text(ESTIMAND_WORDS.get(str(row["estimand"]), everybody))


def whose(view: ExperimentView, row: pd.Series, language: Language) -> str:
    """The same, with the arm where an experiment compares several with the control."""
    who = row_label(row, language, "All customers" if view.is_of_customers else "All units")
    if view.estimates["treatment"].nunique() < 2:
        return who
    return language.text("{name}, {who}", name=who, who=arm_name(str(row["treatment"]), language))


def segment_name(segment: str, language: Language) -> str:
    """A segment for readers: a tier's name, else its column and value."""
    tier = tier_in(segment)
    return tier_name(tier, language) if tier in TIERS else segment_value(segment).shown(language)


def tier_in(segment: str) -> str:
    """The tier that a segment is; another column's value is none, though it be called so."""
    return segment.removeprefix("tier=")


def tier_name(tier: str, language: Language) -> str:
    """A tier's name for readers."""
    return language.text(tier.capitalize(), context="tier")


def arm_name(arm: str, language: Language) -> str:
    """An arm's name for readers: a known word, else the plan's own name."""
    return language.text(_ARMS[arm], context="arm") if arm in _ARMS else arm


def told(message: Any, language: Language) -> str:
    """A stored message in the reader's language; plain text as it is; nothing for None."""
    if not message:
        return ""
    return (
        Message.from_json(message).in_(language) if isinstance(message, Mapping) else str(message)
    )


def _tier_place(segment: str) -> int:
    value = tier_in(segment)
    return TIERS.index(value) if value in TIERS else len(TIERS)


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)
