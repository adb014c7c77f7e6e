"""Evaluate an experiment: from a table with one row a unit to estimates, gates and a verdict.

Every assigned unit is analysed in the arm it was assigned to. Only what was known before
assignment stratifies, adjusts or segments.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from ..message import Message
from ..months import Month
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .checks import Check, checks_table, gates
from .contrasts import Contrast, contrasts
from .curves import curves_table
from .decision import Circumstances, decide
from .estimate import ITT, WHOLE, Estimate, Key, estimates_table
from .estimation import Compared, compare_cell, dressed, make_cell
from .extras import (
    RESPONSE,
    UNWEIGHTED,
    answered,
    bound_rows,
    can_be_unanswered,
    complier_rows,
    scenario_note,
    survival_notes,
    unweighted,
    with_extras,
)
from .followed import (
    NET_VALUE,
    WHILE_STAYING,
    Followed,
    RoleInTable,
    days_to_mature,
    net_value_of,
)
from .looks import Looks, PastLook, past_look, settled
from .multiplicity import with_adjusted_p
from .second_opinions import cluster_notes
from .segments import (
    Segment,
    interaction_p,
    segments_of,
    smallest_by_arm,
    with_interaction,
)
from .study import TIER, Study, Table, read_study
from .verdict import Verdict
from .words import absent_covariate, maturing, not_available, too_many_segments

ASSIGNED_AT = "assigned_at"
"""Column of the pipeline: when the unit was assigned."""
TIERS_TABLE = "tiers"


@dataclass(frozen=True)
class Setting:
    """What an evaluation must know beyond plan and units.

    Attributes:
        as_of: The month whose last instant ends the data; None for a plain table.
        unavailable: Metric → the canonical table that does not exist.
        currency: ISO code of amounts.
        once: Metrics that have one look in all, because their window is over for all at once.
        earlier: Units as they stood at each earlier look, for metrics with more looks.
        boundaries: Stored boundaries of these looks, by row.
        next_look: Day to which the next look's data reach.
        plan_changes: What was changed in the plan after it was frozen.
        quality: Quality by source and level.
    """

    as_of: Month | None = None
    unavailable: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    once: frozenset[str] = frozenset()
    earlier: tuple[Table, ...] = ()
    boundaries: Mapping[str, Sequence[float]] = field(default_factory=dict)
    next_look: dt.date | None = None
    plan_changes: tuple[Message, ...] = ()
    quality: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm as it was read.

    Attributes:
        arm: Its name.
        n: Units.
        clusters: Clusters; None where units were randomised.
        response_rate: Share that answered the first metric that can go unanswered; else None.
    """

    arm: str
    n: int
    clusters: int | None
    response_rate: float | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluated experiment.

    Attributes:
        experiment: The plan.
        estimates: One row an estimate, in the columns of the contract ``estimates``.
        checks: One row a gate: experiment, gate, statistic, p_value, threshold, alarmed, note.
        verdict: Decision, headline, reasons and needs.
        curves: One row an arm and day: experiment, arm, day, survival, low, high, at_risk.
        arms: Sizes and response rates.
        readings: The same estimates with their messages, for both languages.
        gates: The same gates with their messages.
        boundaries: Boundaries of the looks so far by row, to be stored.
    """

    experiment: ExperimentSpec
    estimates: pd.DataFrame
    checks: pd.DataFrame
    verdict: Verdict
    curves: pd.DataFrame
    arms: tuple[Arm, ...]
    readings: tuple[Estimate, ...]
    gates: tuple[Check, ...]
    boundaries: Mapping[str, Sequence[float]]


def evaluate(
    units: Table,
    experiment: ExperimentSpec,
    *,
    assignments: Table | None = None,
    setting: Setting | None = None,
) -> Evaluation:
    """Evaluate an experiment on any table with one row a unit.

    Args:
        units: A data frame, an Ibis table, or the path of a CSV or Parquet file.
        experiment: The plan, see `load_experiment`.
        assignments: Units as they were assigned, to count those lost since (optional).
        setting: What the monthly pipeline adds; not needed for a plain table.

    Returns:
        Estimates, checks, verdict and curves.

    Raises:
        DesignError: The table does not fit the plan; every fault is told.
        SourceError: The file cannot be read.

    Example:
        >>> import pandas as pd
        >>> from analysis.params import ExperimentSpec
        >>> plan = ExperimentSpec.model_validate({
        ...     "id": "colours", "unit": "id", "arm": "arm", "control": "grey",
        ...     "allocation": {"grey": 0.5, "red": 0.5}, "looks": "calendar", "looks_planned": 1,
        ...     "metrics": [{"name": "orders", "kind": "mean", "column": "orders",
        ...                  "role": "primary"}]})
        >>> table = pd.DataFrame({"id": range(8), "arm": ["red", "grey"] * 4,
        ...                       "orders": [5, 2, 6, 1, 5, 3, 7, 2]})
        >>> evaluate(table, plan).verdict.decision
        'roll_out'
    """
    setting = setting or Setting()
    study = with_extras(read_study(units, experiment, dict(setting.unavailable)))
    sides = contrasts(study)
    looks = _looks(study, setting)
    found = _estimated(study, sides, looks, setting)
    checked = gates(study, sides, assignments, setting.quality)
    month = str(setting.as_of) if setting.as_of else None
    return Evaluation(
        experiment=experiment,
        estimates=estimates_table(found.readings, experiment.id, month),
        checks=checks_table(checked, experiment.id),
        verdict=decide(experiment, found.readings, checked, _circumstances(setting, found)),
        curves=curves_table(study),
        arms=_arms(study),
        readings=found.readings,
        gates=checked,
        boundaries=_boundaries(found.readings, looks),
    )


@dataclass(frozen=True, eq=False)
class _Estimated:
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


def _estimated(
    study: Study, sides: Sequence[Contrast], looks: Looks, setting: Setting
) -> _Estimated:
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
    columns = {segment.name: segment.column for segment in segments}
    spec = study.spec
    return _Estimated(
        with_adjusted_p(readings, columns),
        interactions,
        columns,
        _is_last_look(readings, looks),
        spec.design == "customer" and spec.starts_on is not None,
    )


def _of_all(study: Study, side: Contrast, looks: Looks, setting: Setting) -> list[Estimate]:
    """One comparison on all its units: every metric, its bounds, users of the service."""
    cell = make_cell(study, side, WHOLE, side.rows)
    keep = study.spec.exposure is not None or looks.has_several
    roles = _guarding(study) if side.estimand == "spillover" else {}
    alpha = study.spec.alpha
    compared = compare_cell(cell, _available(study), alpha=alpha, keep_influence=keep, roles=roles)
    whole = [_dressed(one, looks, setting) for one in compared]
    rows = list(whole)
    rows += [_unavailable(study, entry, side) for entry in _missing(study)]
    asked = [entry for entry in _available(study) if can_be_unanswered(entry.metric)]
    if side.estimand == "total" and asked:
        plain = compare_cell(cell, asked, alpha=alpha, weighted=False)
        rows += [unweighted(_dressed(one, looks, setting)) for one in plain]
        for one, estimate in zip(compared, whole, strict=True):
            rows += (
                bound_rows(one, estimate, alpha) if one.metric in [e.metric for e in asked] else []
            )
    if side.estimand != "spillover":
        rows += complier_rows(compared, whole, alpha)
    return rows


def _of_segments(
    study: Study, side: Contrast, segments: Sequence[Segment], looks: Looks, setting: Setting
) -> tuple[list[Estimate], dict[tuple[str, str], float]]:
    """One comparison in each segment, and whether the effects differ between them."""
    rows: list[Estimate] = []
    by_column: dict[str, list[Compared]] = {}
    for segment in segments:
        is_declared = segment.column in study.spec.segments
        entries = [e for e in _available(study) if is_declared or e.guards_ordinary]
        roles = _guarding(study) if segment.name in study.spec.ordinary_tiers else {}
        cell = make_cell(study, side, segment.name, segment.rows)
        clustered = side.clusters is not None
        compared = compare_cell(
            cell, entries, alpha=study.spec.alpha, keep_influence=clustered, roles=roles
        )
        rows += [_dressed(one, looks, setting) for one in compared]
        by_column.setdefault(segment.column, []).extend(compared)
    tests: dict[tuple[str, str], float] = {}
    for column in study.spec.segments:
        p_values = interaction_p(by_column.get(column, []))
        primaries = {m.name for m in study.spec.metrics if m.role == "primary"}
        smallest = smallest_by_arm(p_values, primaries)
        tests |= {(arm, column): p for arm, p in smallest.items()}
        rows = with_interaction(rows, p_values, {s.name for s in segments if s.column == column})
    return rows, tests


def _dressed(one: Compared, looks: Looks, setting: Setting) -> Estimate:
    """A comparison for readers: with its status in words and its further readings."""
    status = _not_matured(one, setting) if not one.values.used.any() else None
    estimate = dressed(one, looks, status)
    notes: tuple[Message, ...] = ()
    is_decisive = one.role == "primary" and one.cell.contrast.estimand == "total"
    if is_decisive and one.cell.segment == WHOLE:
        notes += cluster_notes(one)
    if one.role == "primary" and one.cell.segment == WHOLE:
        gone = [c for c in one.cell.study.spec.covariates if c not in one.cell.study.covariates]
        notes += tuple(absent_covariate(column) for column in gone)
    if one.metric.kind == "survival" and one.cell.segment == WHOLE:
        notes += survival_notes(one.cell, one.metric, looks.alpha)
    if one.metric.name == WHILE_STAYING:
        notes += (scenario_note(one.cell.study),)
    return replace(estimate, notes=(*estimate.notes, *notes))


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


def _available(study: Study) -> list[Followed]:
    return [entry for entry in study.followed if entry.name not in study.unavailable]


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


def _looks(study: Study, setting: Setting) -> Looks:
    """How this experiment is looked at, with its earlier looks."""
    spec = study.spec
    looks = Looks(
        spec=spec,
        alpha=spec.alpha / len(spec.treatments),
        guardrails=_number_of_guardrails(study),
        number=spec.look or 1,
        once=_with_derived(setting.once, study),
    )
    return replace(looks, past=_past(study, looks, setting)) if setting.earlier else looks


def _with_derived(once: frozenset[str], study: Study) -> frozenset[str]:
    """Metrics with one look, and the readings that are made of them."""
    money = net_value_of(study.spec)
    parts = {money.margin, money.cost_to_serve or money.margin} if money else {""}
    derived = {f"{name}{suffix}" for name in once for suffix in (RESPONSE, UNWEIGHTED)}
    stays = {entry.name for entry in study.followed if entry.metric.kind == "survival"}
    amounts = {NET_VALUE} if parts <= once else set()
    if amounts and stays <= once:
        amounts |= {WHILE_STAYING}
    return once | derived | amounts


def _number_of_guardrails(study: Study) -> int:
    """Guardrails that share the error level: declared ones, and those of ordinary customers."""
    spec = study.spec
    declared = sum(entry.role == "guardrail" for entry in study.followed)
    guards = sum(entry.guards_ordinary for entry in study.followed)
    tiers = len(spec.ordinary_tiers) if TIER in study.units.columns else 0
    groups = tiers + (1 if spec.design == "saturation" else 0)
    return max(1, (declared + guards * groups) * len(spec.treatments))


def _past(study: Study, looks: Looks, setting: Setting) -> dict[Key, tuple[PastLook, ...]]:
    """The earlier looks at every estimate that is looked at more than once."""
    found: dict[Key, list[PastLook]] = {}
    metrics: dict[str, Metric] = {}
    for table in setting.earlier:
        then = with_extras(read_study(table, study.spec, dict(study.unavailable)))
        entries = [e for e in _available(then) if e.name not in looks.once]
        metrics |= {e.name: e.metric for e in entries}
        for side in contrasts(then):
            cell = make_cell(then, side, WHOLE, side.rows)
            for one in compare_cell(cell, entries, alpha=looks.alpha, keep_influence=True):
                look = past_look(one.comparison, one.labels)
                if look is not None:
                    found.setdefault(one.key, []).append(look)
    return {
        key: settled(past, setting.boundaries.get(key_text(key), ()), looks.plan(metrics[key[2]]))
        for key, past in found.items()
    }


def _boundaries(readings: Sequence[Estimate], looks: Looks) -> dict[str, list[float]]:
    """The boundaries of all looks so far at estimates that are looked at more than once."""
    found = {}
    for estimate in readings:
        several = looks.planned(estimate.metric) > 1 and estimate.segment == WHOLE
        if several and estimate.basis == ITT and math.isfinite(estimate.boundary):
            past = [look.boundary for look in looks.past.get(estimate.key, ())]
            found[key_text(estimate.key)] = [*past, estimate.boundary]
    return found


def key_text(key: Key) -> str:
    """The key of a row as text, for a JSON document."""
    return "|".join(key)


def _is_last_look(readings: Sequence[Estimate], looks: Looks) -> bool:
    """Whether no planned look at any primary follows."""
    primaries = [
        e
        for e in readings
        if e.role == "primary" and e.segment == WHOLE and e.estimand == "total"
        if e.basis == ITT and not e.bound
    ]
    return all(_is_final(e, looks) for e in primaries)


def _is_final(estimate: Estimate, looks: Looks) -> bool:
    if looks.spec.looks_kind == "accrual":
        n = estimate.clusters or estimate.n_treatment + estimate.n_control
        return estimate.n_maturing == 0 and n >= (looks.spec.planned_n or 0)
    if looks.planned(estimate.metric) == 1:
        return estimate.n_maturing == 0
    return looks.taken(estimate.key) >= looks.planned(estimate.metric)


def _circumstances(setting: Setting, found: _Estimated) -> Circumstances:
    return Circumstances(
        currency=setting.currency,
        is_last_look=found.is_last_look,
        next_look=setting.next_look,
        is_monthly=found.is_monthly,
        interactions=found.interactions,
        segment_columns=found.columns,
        plan_changes=setting.plan_changes,
    )


def _arms(study: Study) -> tuple[Arm, ...]:
    """Sizes, and the share that answered the first metric that can go unanswered."""
    asked = [e.metric for e in _available(study) if can_be_unanswered(e.metric)]
    return tuple(_arm(study, arm, asked[0] if asked else None) for arm in study.spec.allocation)


def _arm(study: Study, arm: str, asked: Metric | None) -> Arm:
    rows = study.in_arm(arm)
    clusters = study.spec.cluster
    rate = None
    if asked is not None:
        used = rows & study.matured(asked) & study.eligible(asked)
        rate = float(answered(study, asked)[used].mean()) if used.any() else None
    n_clusters = int(study.units.loc[rows, clusters].nunique()) if clusters else None
    return Arm(arm, int(rows.sum()), n_clusters, rate)
