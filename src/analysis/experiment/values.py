"""Each metric as one value a unit, so that the one estimator can compare it.

Who did not answer has no value; the respondents then carry weights, the inverse of their chance
to answer. Everyone else weighs the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..params.metric import Metric
from .contrasts import Contrast
from .estimators.nps import nps_values
from .estimators.ratio import linearised_ratio
from .estimators.response import ResponseWeights, response_weights
from .estimators.results import BoolArray, FloatArray, Note, NoteCode, Status
from .estimators.survival import pseudo_observations
from .estimators.units import Units, make_units
from .study import Study


@dataclass(frozen=True, eq=False)
class MetricValues:
    """One metric of some units.

    Attributes:
        values: (n,) value of each unit; NaN where it has none.
        used: (n,) units that count and whose window is over.
        answered: (n,) units with an answer, for metrics that can go unanswered; else None.
        response: Weights of the respondents, where there are such; else None.
        status: ``ok``, or why there are no values.
        notes: What must be known.
        n_maturing: Units that count and whose window is still running.
    """

    values: FloatArray
    used: BoolArray
    answered: BoolArray | None
    response: ResponseWeights | None
    status: Status
    notes: tuple[Note, ...]
    n_maturing: int


def units_of(study: Study, contrast: Contrast, rows: BoolArray, *, adjusted: bool = True) -> Units:
    """The units of some rows with what was known of them before.

    Args:
        study: The units.
        contrast: Who is compared with whom.
        rows: (n,) rows wanted; those outside the contrast are left out.
        adjusted: Take the plan's covariates along.
    """
    names = study.covariates if adjusted else ()
    covariates = np.column_stack([study.numbers(c)[rows] for c in names]) if names else None
    return make_units(
        contrast.treated[rows],
        strata=None if contrast.strata is None else contrast.strata[rows],
        covariates=covariates,
        covariate_names=names,
        clusters=None if contrast.clusters is None else contrast.clusters[rows],
        blocked=contrast.blocked,
    )


def metric_values(
    study: Study, metric: Metric, rows: BoolArray, units: Units, *, weighted: bool = True
) -> MetricValues:
    """The values of a metric for some rows.

    Args:
        study: The units.
        metric: Its columns are in the study.
        rows: (n,) rows wanted.
        units: The same rows, see `units_of`.
        weighted: Work out the respondents' weights.
    """
    counts = study.eligible(metric)[rows]
    matured = study.matured(metric)[rows]
    used = counts & matured
    found = _raw_values(study, metric, rows, used, units)
    answered = _answered(study, metric, rows, used, found.values)
    response = None
    silent = 0 if answered is None else int(used.sum() - answered.sum())
    if weighted and answered is not None and answered.any() and silent:
        response = _response(units, used, answered)
    values = found.values if answered is None else np.where(answered, found.values, np.nan)
    return MetricValues(
        values=values,
        used=used,
        answered=answered,
        response=response,
        status=found.status,
        notes=found.notes,
        n_maturing=int((counts & ~matured).sum()),
    )


@dataclass(frozen=True, eq=False)
class _Raw:
    values: FloatArray
    status: Status = Status.OK
    notes: tuple[Note, ...] = ()


def _raw_values(
    study: Study, metric: Metric, rows: BoolArray, used: BoolArray, units: Units
) -> _Raw:
    """Values by kind; NaN for units that are not used."""

    everyone = bool(used.all())

    def column(name: str | None) -> FloatArray:
        numbers = study.numbers(str(name))
        own = numbers if rows.all() else numbers[rows]
        return own if everyone else np.where(used, own, np.nan)

    if metric.kind == "ratio":
        top, bottom = column(metric.numerator), column(metric.denominator)
        finite = np.isfinite(top) & np.isfinite(bottom)
        ratio = linearised_ratio(
            np.where(finite, top, np.nan), np.where(finite, bottom, np.nan), units
        )
        return _Raw(ratio.values, ratio.status, ratio.notes)
    if metric.kind == "nps":
        points = nps_values(column(metric.column))
        return _Raw(points.values, notes=points.notes)
    if metric.kind == "survival":
        return _survival_values(metric, column(metric.duration), column(metric.event), units)
    return _Raw(column(metric.column))


def _survival_values(metric: Metric, duration: FloatArray, event: FloatArray, units: Units) -> _Raw:
    """Pseudo-observations of the time until churn, up to the horizon."""
    wrong = (duration < 0) | np.isinf(duration)
    known = np.where(wrong | np.isnan(event), np.nan, duration)
    found = pseudo_observations(known, event == 1, units.treated, float(metric.horizon or 0))
    notes = (Note(NoteCode.OUT_OF_RANGE, int(wrong.sum())),) if wrong.any() else ()
    return _Raw(found.values, found.status, notes)


def _answered(
    study: Study, metric: Metric, rows: BoolArray, used: BoolArray, values: FloatArray
) -> BoolArray | None:
    """Units with an answer, of the used ones; None for a metric that everyone has."""
    if metric.answered is not None:
        return study.flags(metric.answered)[rows] & used & np.isfinite(values)
    return np.isfinite(values) & used if metric.kind == "nps" else None


def _response(units: Units, used: BoolArray, answered: BoolArray) -> ResponseWeights:
    """Response weights of the used units, 0 for all others."""
    found = response_weights(answered[used], units.take(used))
    weights, probability = np.zeros(len(used)), np.full(len(used), np.nan)
    weights[used], probability[used] = found.weights, found.probability
    return ResponseWeights(**{**vars(found), "weights": weights, "probability": probability})


def missing_note(values: MetricValues) -> tuple[Note, ...]:
    """How many of the units that count have no value though their window is over."""
    if values.answered is not None:
        return ()
    missing = int((values.used & np.isnan(values.values)).sum())
    return (Note(NoteCode.MISSING_OUTCOMES, missing),) if missing else ()
