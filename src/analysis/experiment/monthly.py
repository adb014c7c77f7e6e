"""The experiments of a profile, followed and evaluated as of one month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis.expr.types as ir
import pandas as pd

from ..calendar import Calendar
from ..errors import CoverageError
from ..language import Language, LanguageCode
from ..message import Message
from ..months import Month
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .checks import checks_table
from .curves import no_curves
from .estimate import estimates_table
from .evaluation import Evaluation, evaluate
from .followed import days_to_mature, grows, metrics_followed
from .frozen import Document, FrozenPlan, assignment_changes, frozen_plan, plan_changes
from .outcomes import FACTS, Facts, outcomes
from .readings import ASSIGNED_AT
from .record import record
from .roster import difference, roster_of
from .setting import Setting
from .words import not_available

NEEDED = ("assignments", "customers", "shipments")


@dataclass(frozen=True, eq=False)
class FollowedExperiment:
    """One experiment as of a month.

    Attributes:
        experiment: The plan.
        as_of: The month.
        units: One row a unit, see `outcomes`.
        earlier: Units as they stood at the earlier looks, for metrics with several looks.
        unavailable: Metric → the table that does not exist.
        once: Metrics that have one look in all.
        next_look: Day to which the next look's data reach; None when nothing more will come.
        complete_on: Day by which every unit has completed the primaries' windows; None where that
            is past, or a window has no end.
    """

    experiment: ExperimentSpec
    as_of: Month
    units: pd.DataFrame
    earlier: tuple[pd.DataFrame, ...]
    unavailable: Mapping[str, str]
    once: frozenset[str]
    next_look: dt.date | None
    complete_on: dt.date | None = None


@dataclass(frozen=True, eq=False)
class Followed:
    """All experiments of a profile as of a month.

    Attributes:
        experiments: Those with units.
        waiting: Why each of the others is not evaluated.
    """

    experiments: tuple[FollowedExperiment, ...] = ()
    waiting: Mapping[str, Message] = field(default_factory=dict)

    @property
    def sizes(self) -> pd.DataFrame:
        """One row an experiment and arm: units, and units that completed each metric's window."""
        frames = [_sizes(one) for one in self.experiments]
        columns = ["experiment", "arm", "units"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def waiting_in_words(self, language: LanguageCode = "en") -> pd.DataFrame:
        """One row an experiment that is not evaluated, and why."""
        told = Language(language)
        rows = [(name, why.in_(told)) for name, why in self.waiting.items()]
        return pd.DataFrame(rows, columns=["experiment", "why"])


def follow(
    experiments: Sequence[ExperimentSpec],
    tables: Mapping[str, ir.Table | None],
    *,
    as_of: Month,
    calendar: Calendar | None = None,
) -> Followed:
    """Measure every experiment's units as of a month.

    Args:
        experiments: The plans, see `load_experiments`.
        tables: The canonical tables by name (`FACTS`); a missing one is None.
        as_of: The month.
        calendar: Says when the company is shut; such days are no silence of a customer.

    Returns:
        One entry an experiment with units. Earlier looks are measured again only where a metric
        is looked at more than once.

    Raises:
        CoverageError: There are experiments and assignments, but no customers or shipments.
    """
    if experiments and tables.get("assignments") is not None:
        _need(tables)
    followed, waiting = [], {}
    for spec in experiments:
        if tables.get("assignments") is None:
            waiting[spec.id] = not_available("assignments")
            continue
        facts = Facts(**{name: tables.get(name) for name in FACTS})
        one = _follow(spec, facts, as_of, calendar)
        if one is None:
            waiting[spec.id] = Message("no unit is assigned yet")
        else:
            followed.append(one)
    return Followed(tuple(followed), waiting)


def _need(tables: Mapping[str, ir.Table | None]) -> None:
    for name in NEEDED:
        if tables.get(name) is None:
            raise CoverageError(
                f"The table '{name}' does not exist for this month",
                todo="Run the cleaning stage first.",
            )


def _follow(
    spec: ExperimentSpec, facts: Facts, as_of: Month, calendar: Calendar | None
) -> FollowedExperiment | None:
    units = _units(spec, facts, as_of, calendar)
    if units.empty:
        return None
    metrics = [entry.metric for entry in metrics_followed(spec)]
    unavailable = {m.name: facts.missing(m) for m in metrics if facts.missing(m)}
    available = [m for m in metrics if m.name not in unavailable]
    assigned = units[ASSIGNED_AT]
    once = frozenset(m.name for m in available if _has_one_look(m, assigned))
    first = _month_of(assigned.min())
    several = [m for m in available if m.name not in once]
    looks = _months_between(first, as_of) if several else ()
    earlier = [_units(spec, facts, month, calendar) for month in looks]
    return FollowedExperiment(
        experiment=spec,
        as_of=as_of,
        units=units,
        earlier=tuple(table for table in earlier if len(table)),
        unavailable=unavailable,
        once=once,
        next_look=_next_look(available, assigned, as_of),
        complete_on=_complete_on([m for m in available if m.role == "primary"], assigned, as_of),
    )


def _units(
    spec: ExperimentSpec, facts: Facts, as_of: Month, calendar: Calendar | None
) -> pd.DataFrame:
    """The units as a data frame: one row a customer at most leaves the engine."""
    values = {name: getattr(facts, name) for name in FACTS}
    frame: pd.DataFrame = outcomes(spec, **values, as_of=as_of, calendar=calendar).execute()
    return frame.sort_values(["customer_id", "arm"], kind="stable", ignore_index=True)


def _has_one_look(metric: Metric, assigned: pd.Series) -> bool:
    """Whether a metric's window ends for all units in the same month."""
    if grows(metric):
        return False
    days = pd.Timedelta(days=days_to_mature(metric))
    ends = (assigned.min() + days, assigned.max() + days)
    just_before = pd.Timedelta(microseconds=1)  # data to the end of a month complete its last day
    first, last = (_month_of(end - just_before) for end in ends)
    return first == last


def _month_of(instant: pd.Timestamp) -> Month:
    return Month(instant.year, instant.month)


def _months_between(first: Month, end: Month) -> tuple[Month, ...]:
    """Months from the first up to, not including, the end."""
    return first.through(end.shifted(-1))


def _next_look(metrics: Iterable[Metric], assigned: pd.Series, as_of: Month) -> dt.date | None:
    """Last day of the first later month in which a value completes its window."""
    coming = []
    for metric in metrics:
        ends = assigned + pd.Timedelta(days=days_to_mature(metric)) - pd.Timedelta(microseconds=1)
        later = ends[ends >= pd.Timestamp(as_of.end)]
        if grows(metric):
            coming.append(as_of.shifted(1))
        elif len(later):
            coming.append(_month_of(later.min()))
    return min((month.last_day for month in coming), default=None)


def _complete_on(metrics: Sequence[Metric], assigned: pd.Series, as_of: Month) -> dt.date | None:
    """Last day of the month in which the last unit completes the windows of these metrics."""
    if not metrics or any(grows(metric) for metric in metrics):
        return None
    days = max(days_to_mature(metric) for metric in metrics)
    end = assigned.max() + pd.Timedelta(days=days) - pd.Timedelta(microseconds=1)
    return None if end < pd.Timestamp(as_of.end) else _month_of(end).last_day


def _sizes(one: FollowedExperiment) -> pd.DataFrame:
    spec = one.experiment
    arms = one.units.groupby(spec.arm, sort=True)
    table = arms.size().rename("units").to_frame()
    for metric in spec.metrics:
        flag = str(metric.matured)
        if flag in one.units:
            table[metric.name] = arms[flag].sum().astype(int)
    return table.reset_index(names="arm").assign(experiment=spec.id)[
        ["experiment", "arm", *table.columns]
    ]


@dataclass(frozen=True, eq=False)
class MonthlyEvaluation:
    """The evaluated experiments of a month.

    Attributes:
        evaluations: One an experiment.
        estimates, checks, curves: Their tables, one below the other.
        document: What readers need besides, for ``evaluations.json``.
    """

    evaluations: tuple[Evaluation, ...]
    estimates: pd.DataFrame
    checks: pd.DataFrame
    curves: pd.DataFrame
    document: Mapping[str, object]


def evaluate_month(
    followed: Followed,
    *,
    as_of: Month,
    history: Mapping[str, Document] | None = None,
    frozen: Mapping[str, FrozenPlan] | None = None,
    links: ir.Table | None = None,
    quality: pd.DataFrame | None = None,
    currency: str = "",
) -> MonthlyEvaluation:
    """Evaluate every experiment followed.

    Args:
        followed: See `follow`.
        as_of: The month.
        history: Month → stored document ``evaluations``: plans first evaluated, and boundaries.
        frozen: Experiment → the plan it was drawn with, see `load_frozen_plans`.
        links: The canonical table ``customer_links``: customers that were found to be one since
            they were assigned are no change of the assignment.
        quality: Quality by source and level; a critical source alarms.
        currency: ISO code of the profile's amounts.

    Returns:
        Tables ``estimates``, ``checks``, ``curves`` (empty with their columns where there is no
        experiment) and the document.
    """
    evaluations, entries = [], []
    known_as = None if links is None or not followed.experiments else _known_as(links)
    for one in followed.experiments:
        drawn = (frozen or {}).get(one.experiment.id)
        bound = _bound(one, history or {}, drawn)
        changes = (*plan_changes(one.experiment, bound), *_reassigned(one, bound, known_as))
        setting = Setting(
            as_of=one.as_of,
            unavailable=one.unavailable,
            currency=currency,
            once=one.once,
            earlier=one.earlier,
            boundaries=_stored_boundaries(one.experiment.id, str(as_of), history or {}),
            next_look=one.next_look,
            complete_on=one.complete_on,
            plan_changes=changes,
            quality=quality,
        )
        found = evaluate(one.units, one.experiment, setting=setting)
        evaluations.append(found)
        entries.append(_entry(one, found, bound, currency))
    waiting = [{"id": name, "why": why.to_json()} for name, why in followed.waiting.items()]
    return MonthlyEvaluation(
        tuple(evaluations),
        _stacked([e.estimates for e in evaluations], estimates_table((), "", None)),
        _stacked([e.checks for e in evaluations], checks_table((), "")),
        _stacked([e.curves for e in evaluations], no_curves()),
        {"experiments": entries, "waiting": waiting},
    )


def _known_as(links: ir.Table) -> pd.DataFrame:
    """Id in a source → customer, one row each."""
    found: pd.DataFrame = links.select("source_customer_id", "customer_id").distinct().execute()
    return found.sort_values(["source_customer_id", "customer_id"], ignore_index=True)


def _bound(
    one: FollowedExperiment, history: Mapping[str, Document], drawn: FrozenPlan | None
) -> FrozenPlan:
    """Plan and assignment that bind the experiment; those of now at its first evaluation."""
    now = roster_of(one.units, one.experiment.id, before=one.as_of.end.date().isoformat())
    return frozen_plan(one.experiment, str(one.as_of), history, drawn, now)


def _reassigned(
    one: FollowedExperiment, bound: FrozenPlan, links: pd.DataFrame | None
) -> tuple[Message, ...]:
    """What was changed in the assignment since it was frozen."""
    if bound.roster is None:
        return ()
    until = one.as_of.end.date().isoformat()
    found = difference(bound.roster, one.units, until=until, links=links)
    return assignment_changes(found, bound)


def _stored_boundaries(
    experiment: str, month: str, history: Mapping[str, Document]
) -> Mapping[str, Sequence[float]]:
    """The boundaries stored at the latest evaluation before this month."""
    for past in sorted((m for m in history if m < month), reverse=True):
        for entry in history[past].get("experiments", ()):
            if entry.get("id") == experiment:
                return entry.get("boundaries") or {}
    return {}


def _entry(
    one: FollowedExperiment, found: Evaluation, frozen: FrozenPlan, currency: str
) -> dict[str, object]:
    """The experiment's entry in the document."""
    assigned = one.units[ASSIGNED_AT].min()
    return {
        **record(found, currency),
        "assigned_on": assigned.date().isoformat(),
        "as_of": one.as_of.last_day.isoformat(),
        "next_look": one.next_look.isoformat() if one.next_look else None,
        "plan_digest": frozen.digest,
        "plan": frozen.to_json(),
    }


def _stacked(frames: Sequence[pd.DataFrame], empty: pd.DataFrame) -> pd.DataFrame:
    """Tables one below the other; the empty one where there is none."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else empty
