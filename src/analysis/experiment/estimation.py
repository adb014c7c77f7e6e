"""From units to estimates: every metric, comparison and segment through the one estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..message import Message, Value
from ..params.metric import Metric
from .contrasts import Contrast
from .estimate import WHOLE, Estimate, Key
from .estimators.comparison import Comparison
from .estimators.means import compare_arms
from .estimators.relative import relative_effect
from .estimators.results import BoolArray, NoteCode, Status, merge_notes
from .estimators.units import Units
from .followed import Followed, RoleInTable
from .looks import Looks
from .margins import share_error
from .study import Study
from .values import MetricValues, metric_values, missing_note, units_of
from .words import note_messages, status_message

TECHNICAL = frozenset(
    {
        NoteCode.COVARIATE_CONSTANT,
        NoteCode.COVARIATE_COLLINEAR,
        NoteCode.COVARIATE_MISSING,
        NoteCode.COVARIATES_TOO_MANY,
        NoteCode.STRATA_POOLED,
    }
)
"""What was done to covariates and strata: told once for the whole, not again in each segment."""


@dataclass(frozen=True, eq=False)
class Cell:
    """The units of one comparison and segment.

    Attributes:
        study: All units.
        contrast: Who is compared with whom.
        segment: Its name; ``all`` for the whole.
        rows: (n,) units of the study that belong to it.
        units: The same rows as the estimator sees them.
    """

    study: Study
    contrast: Contrast
    segment: str
    rows: BoolArray
    units: Units

    @property
    def labels(self) -> np.ndarray:
        """Name of each unit of the cell."""
        return self.study.units[self.study.spec.unit].to_numpy()[self.rows]


@dataclass(frozen=True, eq=False)
class Compared:
    """One metric compared in one cell: the numbers before they are dressed for readers."""

    cell: Cell
    metric: Metric
    role: RoleInTable
    values: MetricValues
    comparison: Comparison

    @property
    def key(self) -> Key:
        """The row it becomes."""
        contrast = self.cell.contrast
        names = ("intention_to_treat", contrast.estimand, self.metric.name)
        return (*names, self.cell.segment, contrast.treatment, "")

    @property
    def labels(self) -> np.ndarray:
        """Name of each unit, or of each cluster, of the influence values."""
        contrast = self.cell.contrast
        if contrast.clusters is None:
            return self.cell.labels
        return np.asarray(contrast.cluster_names[self.comparison.influence_ids])


def make_cell(
    study: Study, contrast: Contrast, segment: str, rows: BoolArray, *, adjusted: bool = True
) -> Cell:
    """The cell of some rows; rows outside the contrast are left out."""
    inside = rows & contrast.rows
    return Cell(
        study, contrast, segment, inside, units_of(study, contrast, inside, adjusted=adjusted)
    )


def compare_cell(
    cell: Cell,
    followed: Sequence[Followed],
    *,
    alpha: float,
    keep_influence: bool = False,
    roles: Mapping[str, RoleInTable] | None = None,
    weighted: bool = True,
) -> list[Compared]:
    """Compare the arms of a cell on many metrics; the design is worked out once for all.

    Args:
        cell: The units.
        followed: The metrics; their columns are in the study.
        alpha: Error of the fixed intervals.
        keep_influence: Keep influence values.
        roles: Roles that differ from the plan's in this cell.
        weighted: Weight respondents by their chance to answer.
    """
    measured = [
        metric_values(cell.study, f.metric, cell.rows, cell.units, weighted=weighted)
        for f in followed
    ]
    plain = [i for i, m in enumerate(measured) if m.response is None]
    found: dict[int, Comparison] = {}
    if plain:
        columns = np.vstack([measured[i].values for i in plain]).T  # columns contiguous
        compared = compare_arms(columns, cell.units, alpha=alpha, keep_influence=keep_influence)
        found = dict(zip(plain, compared, strict=True))
    for i, values in enumerate(measured):
        if i not in found:
            found[i] = _weighted(cell, values, alpha, keep_influence)
    return [
        Compared(cell, f.metric, (roles or {}).get(f.name, f.role), measured[i], found[i])
        for i, f in enumerate(followed)
    ]


def dressed(compared: Compared, looks: Looks, status: Message | None = None) -> Estimate:
    """An estimate for readers and for the verdict.

    Args:
        compared: The comparison.
        looks: How the experiment is looked at.
        status: Why there is no estimate, where the reason lies outside the numbers.
    """
    comparison, values = compared.comparison, compared.values
    labels = compared.labels if looks.has_several and comparison.influence.size else None
    reading = looks.read(comparison, compared.metric, compared.key, labels)
    contrast = compared.cell.contrast
    code = comparison.status if values.status is Status.OK else values.status
    code = reading.status if code is Status.OK else code
    is_numeric = values.status is Status.OK
    clusters = comparison.clusters_treatment + comparison.clusters_control
    numbers = {
        name: getattr(comparison, name)
        for name in (
            "value_treatment",
            "value_control",
            "effect",
            "std_error",
            "df",
            "ci_low",
            "ci_high",
            "p_value",
        )
        if is_numeric
    }
    return Estimate(
        metric=compared.metric,
        role=compared.role,
        estimand=contrast.estimand,
        treatment=contrast.treatment,
        control=contrast.control,
        segment=compared.cell.segment,
        n_treatment=comparison.n_treatment,
        n_control=comparison.n_control,
        n_maturing=values.n_maturing,
        clusters=clusters if contrast.clusters is not None else None,
        effect_relative=relative_effect(comparison).value,
        av_low=reading.low,
        av_high=reading.high,
        av_p_value=reading.p_value,
        strict_low=reading.strict_low,
        strict_high=reading.strict_high,
        share_error=share_error(comparison.covariance, comparison.value_control, compared.metric),
        claim=reading.claim,
        boundary=reading.boundary,
        method=_method(compared),
        status=status or status_message(code),
        notes=_notes(compared),
        **numbers,
    )


def _weighted(cell: Cell, values: MetricValues, alpha: float, keep: bool) -> Comparison:
    """The comparison of a metric that not everyone answered, respondents weighted."""
    assert values.response is not None
    units = Units(**{**vars(cell.units), "weights": values.response.weights})
    (found,) = compare_arms(values.values, units, alpha=alpha, keep_influence=keep)
    return found


def _method(compared: Compared) -> str:
    kinds = {"ratio": "linearised ratio", "survival": "restricted mean time"}
    words = [kinds.get(compared.metric.kind, ""), compared.comparison.method]
    covariates = compared.comparison.covariates
    words.append(f"on {', '.join(covariates)}" if covariates else "")
    return " ".join(word for word in words if word)


def _notes(compared: Compared) -> tuple[Message, ...]:
    values, comparison = compared.values, compared.comparison
    response = values.response
    own = [n for n in comparison.notes if n.code is not NoteCode.MISSING_OUTCOMES]
    weighting = response.notes if response else ()
    notes = merge_notes(missing_note(values), values.notes, own, weighting)
    if compared.cell.segment != WHOLE:
        notes = tuple(n for n in notes if n.code not in TECHNICAL)
    return (*_response_told(values), *note_messages(notes))


def _response_told(values: MetricValues) -> tuple[Message, ...]:
    """How many answered, and what the weighting rests on."""
    response = values.response
    if response is None:
        return ()
    return (
        Message(
            "answered: {treatment} of the treated, {control} of the controls; weighted by the "
            "chance to answer, right if answering is random given what was known before",
            {
                "treatment": Value("percent", response.rate_treatment, 1),
                "control": Value("percent", response.rate_control, 1),
            },
        ),
    )
