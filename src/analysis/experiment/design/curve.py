"""How the smallest effect that is seen falls with the number of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from ..estimators import minimum_detectable_effect
from .comparisons import PlannedComparison, comparisons_of
from .precision import MetricPrecision
from .table import TARGET, planned_looks

LEAST, MOST = 0.2, 4.0
"""Ends of a curve, as shares of the number of customers planned."""
POINTS, FEWER = 13, 7
"""Sizes along a curve; fewer where the plan looks again and again, which takes longer to plan."""


@dataclass(frozen=True)
class CurvePoint:
    """The smallest effect of one metric and comparison that a number of customers sees.

    Attributes:
        metric: The metric.
        comparison: Who is compared.
        months: Months followed.
        customers: Customers in the whole experiment.
        smallest: Effect found with the target power, the way the plan reads it; infinite where
            clusters are too few.
    """

    metric: Metric
    comparison: PlannedComparison
    months: float
    customers: int
    smallest: float


def power_curve(
    spec: ExperimentSpec,
    precisions: Sequence[MetricPrecision],
    *,
    customers: int,
    months: float,
) -> tuple[CurvePoint, ...]:
    """The smallest effects seen by a fifth to four times the customers planned.

    Args:
        spec: The plan as written.
        precisions: Its metrics on history, see `precision_of`.
        customers: Customers planned; a point of the curve.
        months: Months followed, for the record.

    Returns:
        One entry a metric, arm and size; of a saturation design its total effect.
    """
    return tuple(
        _point(spec, one, comparison, size, months)
        for comparison in comparisons_of(spec)
        if comparison.estimand == "total"
        for one in precisions
        for size in _sizes(customers, planned_looks(spec, one.metric).looks)
    )


def _sizes(customers: int, looks: int) -> list[int]:
    places = np.geomspace(LEAST, MOST, POINTS if looks == 1 else FEWER)
    return sorted({*(int(n) for n in np.round(customers * places)), customers})


def _point(
    spec: ExperimentSpec,
    precision: MetricPrecision,
    comparison: PlannedComparison,
    customers: int,
    months: float,
) -> CurvePoint:
    n = customers * comparison.share_of_units * precision.usable
    looks = planned_looks(spec, precision.metric)
    smallest = minimum_detectable_effect(precision.design(comparison), n, looks, target=TARGET)
    return CurvePoint(precision.metric, comparison, months, customers, smallest)
