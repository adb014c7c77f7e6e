"""All estimates of an experiment: every metric, comparison and segment, and what stands beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ..message import Message
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .contrasts import Contrast
from .estimate import WHOLE, Estimate
from .estimation import Cell, Compared, compare_cell, dressed, make_cell
from .extras import (
    RESPONSE,
    UNWEIGHTED,
    bound_rows,
    can_be_unanswered,
    complier_rows,
    relative_notes,
    scenario_note,
    survival_notes,
    unweighted,
)
from .followed import (
    NET_VALUE,
    WHILE_STAYING,
    Followed,
    RoleInTable,
    days_to_mature,
    net_value_of,
)
from .look_history import is_last_look
from .looks import Looks
from .losses import loss_rows
from .multiplicity import with_adjusted_p
from .ordered_scores import ordered_rows
from .payback import payback_rows
from .second_opinions import cluster_notes, spillover_notes
from .segments import Segment, interaction_p, segments_of, smallest_by_arm, with_interaction
from .setting import Setting
from .study import Study, available
from .words import absent_covariate, maturing, not_available, outside_segments, too_many_segments

ASSIGNED_AT = "assigned_at"
"""Column of the pipeline: when the unit was assigned."""
TIERS_TABLE = "tiers"


@dataclass(frozen=True, eq=False)
class Estimated:
    """All estimates of an experiment, with what the verdict must know of them.

    Attributes:
        readings: The estimates, p values after multiplicity filled in.
        interactions: (arm, column) → smallest p of equal effects over the primaries.
        columns: Segment → the column it comes from.
        is_last_look: No planned look at a primary follows.
        is_monthly: The pipeline follows customers that share depots and agents.
    """

    readings: tuple[Estimate, ...]
    interactions: Mapping[tuple[str, str], float]
    columns: Mapping[str, str]
    is_last_look: bool
    is_monthly: bool


def estimated(study: Study, sides: Sequence[Contrast], looks: Looks, setting: Setting) -> Estimated:
    """Every metric: for all, for each comparison, and in each segment of the whole effect."""
    readings = [e for side in sides for e in _of_all(study, side, looks, setting)]
    segments, too_many = segments_of(study)
    interactions: dict[tuple[str, str], float] = {}
    for side in sides:
        if side.estimand == "total":
            rows, tests = _of_segments(study, side, segments, looks, setting)
            readings += rows
            interactions |= tests
    readings += _not_segmented(study, sides, too_many)
    readings += loss_rows(study, looks)
    columns = {segment.name: segment.column for segment in segments}
    spec = study.spec
    declared = {name: column for name, column in columns.items() if column in spec.segments}
    return Estimated(
        with_adjusted_p(readings, declared),
        interactions,
        columns,
        is_last_look(readings, looks),
        spec.design == "customer" and spec.starts_on is not None,
    )


def _of_all(study: Study, side: Contrast, looks: Looks, setting: Setting) -> list[Estimate]:
    """One comparison on all its units: every metric, its bounds, users of the service."""
    cell = make_cell(study, side, WHOLE, side.rows)
    keep = study.spec.exposure is not None or looks.has_several
    roles = _guarding(study) if side.estimand == "spillover" else {}
    alpha = study.spec.alpha
    compared = compare_cell(cell, available(study), alpha=alpha, keep_influence=keep, roles=roles)
    whole = [_dressed(one, looks, setting) for one in compared]
    rows = list(whole)
    rows += [_unavailable(study, entry, side) for entry in _missing(study)]
    asked = [entry for entry in available(study) if can_be_unanswered(entry.metric)]
    if side.estimand == "total" and asked:
        plain = compare_cell(cell, asked, alpha=alpha, weighted=False)
        rows += [unweighted(_dressed(one, looks, setting)) for one in plain]
        for one, estimate in zip(compared, whole, strict=True):
            rows += (
                bound_rows(one, estimate, alpha) if one.metric in [e.metric for e in asked] else []
            )
        for one, estimate in zip(compared, whole, strict=True):
            rows += ordered_rows(one, estimate, alpha)
    if side.estimand != "spillover":
        rows += complier_rows(compared, whole, alpha)
    return [*rows, *payback_rows(study, side, looks)]


def _of_segments(
    study: Study, side: Contrast, segments: Sequence[Segment], looks: Looks, setting: Setting
) -> tuple[list[Estimate], dict[tuple[str, str], float]]:
    """One comparison in each segment, and whether the effects differ between them."""
    rows: list[Estimate] = []
    by_column: dict[str, list[Compared]] = {}
    for segment in segments:
        is_declared = segment.column in study.spec.segments
        entries = [e for e in available(study) if is_declared or e.guards_ordinary]
        roles = _guarding(study) if segment.name in study.spec.ordinary_tiers else {}
        cell = make_cell(study, side, segment.name, segment.rows)
        clustered = side.clusters is not None
        compared = compare_cell(
            cell, entries, alpha=study.spec.alpha, keep_influence=clustered, roles=roles
        )
        shared = replace(looks, alpha=looks.alpha / _number_of_declared(study, segments))
        rows += [
            _corrected(_dressed(one, looks, setting), one, shared) if is_declared
            else _dressed(one, looks, setting)
            for one in compared
        ]  # fmt: skip
        by_column.setdefault(segment.column, []).extend(compared)
    tests: dict[tuple[str, str], float] = {}
    for column in study.spec.segments:
        p_values = interaction_p(by_column.get(column, []))
        primaries = {m.name for m in study.spec.metrics if m.role == "primary"}
        smallest = smallest_by_arm(p_values, primaries)
        tests |= {(arm, column): p for arm, p in smallest.items()}
        rows = with_interaction(rows, p_values, {s.name for s in segments if s.column == column})
    return rows, tests


def _number_of_declared(study: Study, segments: Sequence[Segment]) -> int:
    return max(1, sum(segment.column in study.spec.segments for segment in segments))


def _corrected(estimate: Estimate, one: Compared, looks: Looks) -> Estimate:
    """A segment's estimate with the interval at the level that all segments share."""
    if one.role not in ("primary", "guardrail") or not estimate.is_ok:
        return estimate
    reading = looks.read(one.comparison, one.metric, one.key)
    low, high = reading.low, reading.high
    if one.role == "guardrail":
        low, high = reading.strict_low, reading.strict_high
    return replace(estimate, corrected_low=low, corrected_high=high)


def _dressed(one: Compared, looks: Looks, setting: Setting) -> Estimate:
    """A comparison for readers: with its status in words and its further readings."""
    status = _not_matured(one, setting) if not one.values.used.any() else None
    estimate = dressed(one, looks, status)
    notes: tuple[Message, ...] = ()
    estimand, is_whole = one.cell.contrast.estimand, one.cell.segment == WHOLE
    if one.role == "primary" and is_whole and estimand == "total":
        notes += cluster_notes(one)
    if one.role in ("primary", "guardrail") and is_whole and estimand == "spillover":
        notes += spillover_notes(one)
    if one.role == "primary" and is_whole and estimate.is_ok:
        notes += relative_notes(one, looks.alpha)
    if one.role == "primary" and one.cell.segment == WHOLE:
        gone = [c for c in one.cell.study.spec.covariates if c not in one.cell.study.covariates]
        notes += tuple(absent_covariate(column) for column in gone)
        notes += _outside_segments(one.cell)
    if one.metric.kind == "survival" and one.cell.segment == WHOLE:
        notes += survival_notes(one.cell, one.metric, looks.alpha)
    if one.metric.name == WHILE_STAYING:
        notes += (scenario_note(one.cell.study),)
    return replace(estimate, notes=(*estimate.notes, *notes))


def _outside_segments(cell: Cell) -> tuple[Message, ...]:
    """How many units of a comparison no segment holds, for want of a value."""
    units = cell.study.units
    columns = [c for c in cell.study.spec.segments if c in units.columns]
    without = {c: int(units[c].isna().to_numpy()[cell.rows].sum()) for c in columns}
    return tuple(outside_segments(column, n) for column, n in without.items() if n)


def _not_matured(one: Compared, setting: Setting) -> Message | None:
    """That no unit has completed its window, and when the first will."""
    if one.values.n_maturing == 0:
        return None
    study = one.cell.study
    days = [days_to_mature(metric) for metric in _measured_parts(study.spec, one.metric)]
    if setting.as_of is None or ASSIGNED_AT not in study.units.columns or not days:
        return maturing(None, None)
    first = pd.Timestamp(study.units.loc[one.cell.rows, ASSIGNED_AT].min())
    complete = first + pd.Timedelta(days=max(days)) - pd.Timedelta(microseconds=1)
    return maturing(complete.date(), setting.as_of.last_day)


def _measured_parts(spec: ExperimentSpec, metric: Metric) -> list[Metric]:
    """The measured metrics that a metric is made of: itself, or those of a reading."""
    if metric.measure:
        return [metric]
    money = net_value_of(spec)
    if metric.name == NET_VALUE and money:
        return [m for m in spec.metrics if m.name in (money.margin, money.cost_to_serve)]
    if metric.name == WHILE_STAYING:
        return [m for m in spec.metrics if m.measure == "survival"]
    suffixes = (RESPONSE, UNWEIGHTED)
    made = {f"{m.name}{suffix}": m for m in spec.metrics for suffix in suffixes if m.measure}
    return [made[metric.name]] if metric.name in made else []


def _missing(study: Study) -> list[Followed]:
    return [entry for entry in study.followed if entry.name in study.unavailable]


def _unavailable(study: Study, entry: Followed, side: Contrast) -> Estimate:
    """A metric whose table does not exist."""
    role = entry.role
    if entry.guards_ordinary and side.estimand == "spillover":
        role = "guardrail"
    return Estimate(
        metric=entry.metric,
        role=role,
        estimand=side.estimand,
        treatment=side.treatment,
        control=side.control,
        status=not_available(study.unavailable[entry.name]),
    )


def _not_segmented(
    study: Study, sides: Sequence[Contrast], too_many: Mapping[str, int]
) -> list[Estimate]:
    """One row a primary and column without segments: too many values, or no table for it."""
    absent = [column for column in study.spec.segments if column not in study.units.columns]
    statuses = {column: too_many_segments(count) for column, count in too_many.items()}
    statuses |= {column: not_available(TIERS_TABLE) for column in absent}
    return [
        Estimate(
            metric=metric,
            role="primary",
            estimand=side.estimand,
            treatment=side.treatment,
            control=side.control,
            segment=column,
            status=status,
        )
        for side in sides
        if side.estimand == "total"
        for column, status in statuses.items()
        for metric in study.spec.metrics
        if metric.role == "primary"
    ]


def _guarding(study: Study) -> dict[str, RoleInTable]:
    """Metrics under which ordinary customers are guarded, in that role."""
    return {entry.name: "guardrail" for entry in study.followed if entry.guards_ordinary}
