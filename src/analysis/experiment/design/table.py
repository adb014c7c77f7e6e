"""What a plan can see at several sizes and durations: power, smallest effects, customers needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from ..estimators import (
    PlannedLooks,
    minimum_detectable_effect,
    planned_std_error,
    power,
    units_needed,
)
from ..followed import grows
from ..margins import DEFAULT_MARGIN, planned_scale
from .comparisons import PlannedComparison, comparisons_of
from .precision import MetricPrecision

TARGET = 0.8
"""Power that is planned for."""


@dataclass(frozen=True)
class PowerRow:
    """What one metric and comparison can see at one size and duration.

    Attributes:
        precision: The metric as history shows it.
        comparison: Who is compared.
        months: Months followed.
        customers: Customers in the whole experiment.
        n: Of these, those that the comparison uses and that have a value.
        looks_planned: How the plan reads it.
        std_error: Of the effect.
        design_effect: Variance against independent units, 1 without clusters.
        smallest: Effect seen with the target power, the way the plan reads it.
        smallest_once: The same with one reading fixed beforehand.
        smallest_always: The same with an always-valid interval planned for this size.
        smallest_unadjusted: As `smallest`, without strata and covariates.
        wanted: Minimum effect of the plan, or the margin of a guardrail; None where neither is.
        power: Chance to see `wanted` (guardrail: to be called safe if nothing is harmed).
        needed: Customers for the target power at `wanted`; infinite where no number does.
    """

    precision: MetricPrecision
    comparison: PlannedComparison
    months: float
    customers: int
    n: int
    looks_planned: PlannedLooks
    std_error: float
    design_effect: float
    smallest: float
    smallest_once: float
    smallest_always: float
    smallest_unadjusted: float
    wanted: float | None
    power: float | None
    needed: float | None

    @property
    def metric(self) -> Metric:
        """The metric."""
        return self.precision.metric

    @property
    def looks(self) -> str:
        """``once``, ``calendar`` or ``accrual``."""
        if self.looks_planned.planned_n is not None:
            return "accrual"
        return "once" if self.looks_planned.looks == 1 else "calendar"


def power_rows(
    spec: ExperimentSpec,
    precisions: Sequence[MetricPrecision],
    *,
    customers: int,
    months: float,
) -> tuple[PowerRow, ...]:
    """What a plan can see at one size.

    Args:
        spec: The plan as written: windows without an end are read at every planned look.
        precisions: Its metrics on history, see `precision_of`.
        customers: Customers in the experiment.
        months: Months followed, for the record.

    Returns:
        One entry a comparison and metric.
    """
    return tuple(
        _row(spec, one, comparison, customers, months)
        for comparison in comparisons_of(spec)
        for one in precisions
    )


def wanted_effect(precision: MetricPrecision) -> float | None:
    """The effect that a plan must be able to see, in the metric's own unit."""
    metric = precision.metric
    if metric.role != "guardrail":
        return metric.minimum_effect
    return metric.margin if metric.margin is not None else DEFAULT_MARGIN * abs(precision.level)


def _row(
    spec: ExperimentSpec,
    precision: MetricPrecision,
    comparison: PlannedComparison,
    customers: int,
    months: float,
) -> PowerRow:
    design = precision.design(comparison)
    used = comparison.share_of_units * precision.usable
    n = customers * used
    looks = planned_looks(spec, precision.metric)
    once = PlannedLooks(alpha=looks.alpha)
    wanted = wanted_effect(precision) or None
    shown = None if wanted is None else _as_tested(precision.metric, wanted, comparison)
    independent = max(2, round(n / design.cluster_size))
    always = replace(once, planned_n=independent)
    smallest_once = minimum_detectable_effect(design, n, once, target=TARGET)
    plain = looks.planned_n is None and looks.looks == 1
    needed = None
    if shown is not None:
        needed = units_needed(design, shown, looks, target=TARGET) / used
    return PowerRow(
        precision=precision,
        comparison=comparison,
        months=months,
        customers=customers,
        n=round(n),
        looks_planned=looks,
        std_error=planned_std_error(design, n),
        design_effect=design.design_effect if design.clustered else 1.0,
        smallest=smallest_once
        if plain
        else minimum_detectable_effect(design, n, looks, target=TARGET),
        smallest_once=smallest_once,
        smallest_always=minimum_detectable_effect(design, n, always, target=TARGET),
        smallest_unadjusted=minimum_detectable_effect(
            replace(design, explained=0.0), n, looks, target=TARGET
        ),
        wanted=wanted,
        power=None if shown is None else power(design, shown, n, looks),
        needed=needed,
    )


def _as_tested(metric: Metric, wanted: float, comparison: PlannedComparison) -> float:
    """The effect as the test sees it: a margin that is a share has an error of its own."""
    if metric.role != "guardrail":
        return wanted
    return wanted / planned_scale(metric, comparison.share_treated)


def planned_looks(spec: ExperimentSpec, metric: Metric) -> PlannedLooks:
    """How the plan reads a metric: a window that ends is read once, when all have completed it."""
    alpha = spec.alpha / len(spec.treatments)
    if spec.looks_kind == "accrual":
        return PlannedLooks(alpha=alpha, planned_n=spec.planned_n)
    if grows(spec.metric(metric.name)):
        return PlannedLooks(alpha=alpha, looks=spec.looks_planned or 1, spending=spec.spending)
    return PlannedLooks(alpha=alpha)
