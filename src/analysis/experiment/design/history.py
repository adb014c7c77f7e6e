"""The company's own history as if an experiment had begun then: one row a customer.

A plan that has not begun has no units. Who would be its units is known all the same, and what
they did is measured by the very code that will measure the experiment: every customer of an
earlier day is taken as assigned on that day, all to the control.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from ...calendar import Calendar
from ...errors import CoverageError
from ...months import Month
from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from ..facts import PRIOR_DAYS
from ..followed import days_to_mature, grows
from ..outcomes import FACTS, TRAITS, Facts, outcomes

CLUSTER = "depot"
"""Column of the customers that holds the clusters where the plan's own is not one of theirs."""
DAYS_A_MONTH = 365.25 / 12
ACTIVE = "prior_active"
"""Who takes part: customers that shipped in the quarter before."""


@dataclass(frozen=True, eq=False)
class History:
    """Customers of an earlier day, with what they did since.

    Attributes:
        spec: The plan whose windows were measured; windows without an end end at the plan's last.
        units: One row a customer, in the columns of `outcomes`; `cluster_id` is its cluster.
        began: The day taken as that of the assignment.
        as_of: The month whose last instant ends the data.
        available: Names of the metrics whose window history holds.
        missing: Metric → the table that does not exist, or ``history`` where the data begin late.
        earlier: The units as they stood at each planned look before the last, for metrics that
            the plan reads at every look; empty where it reads all of them once.
        looked_at: Names of these metrics.
    """

    spec: ExperimentSpec
    units: pd.DataFrame
    began: dt.date
    as_of: Month
    available: tuple[str, ...]
    missing: Mapping[str, str]
    earlier: tuple[pd.DataFrame, ...] = ()
    looked_at: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics that history holds, in the plan's order."""
        return tuple(m for m in self.spec.metrics if m.name in self.available)


def history_of(
    spec: ExperimentSpec,
    tables: Mapping[str, ir.Table | None],
    *,
    as_of: Month,
    calendar: Calendar | None = None,
    with_looks: bool = False,
) -> History:
    """Measure a plan's metrics on customers of the past.

    Args:
        spec: The plan; its metrics name measures.
        tables: The canonical tables by name (`FACTS`); a missing one is None.
        as_of: Nothing after this month's last instant is used.
        calendar: Says when the company is shut.
        with_looks: Measure the earlier looks of metrics without an end too.

    Returns:
        Customers that shipped in the quarter before the latest month from which every metric's
        window had run out by the end of `as_of`.

    Raises:
        CoverageError: Needed tables are missing, or no window had run out.
    """
    facts = facts_of({**tables, "assignments": None})
    closed = with_windows_closed(spec)
    began, available, missing = _began(closed, facts, as_of)
    units = as_if_assigned(closed, facts, began, as_of, calendar)
    if units.empty:
        raise CoverageError(
            "No customer had shipped in the quarter before",
            where=f"history from {began:%Y-%m-%d}",
            todo="Design with a month that has more history, or with shorter windows.",
        )
    looked_at = tuple(m.name for m in spec.metrics if grows(m) and m.name in available)
    found = History(closed, units, began.date(), as_of, available, missing)
    if not (with_looks and looked_at and spec.looks_kind == "calendar"):
        return found
    earlier = tuple(
        _as_they_stood(found, facts, one, calendar)
        for one in at_looks(closed, looked_at, spec.looks_planned or 1)
    )
    return replace(found, earlier=earlier, looked_at=looked_at if earlier else ())


def at_looks(
    closed: ExperimentSpec, looked_at: Sequence[str], looks: int
) -> tuple[ExperimentSpec, ...]:
    """The plan as its earlier looks read it: the windows of some metrics end sooner.

    Args:
        closed: The plan with its windows closed.
        looked_at: The metrics read at every look.
        looks: Looks in all, evenly spaced over each window as the formula takes them.
    """
    return tuple(
        closed.model_copy(
            update={
                "metrics": tuple(
                    _until(m, k / looks) if m.name in looked_at else m for m in closed.metrics
                )
            }
        )
        for k in range(1, looks)
    )


def _until(metric: Metric, share: float) -> Metric:
    """A metric whose window ends after a share of its days."""
    first, last = metric.window or (0, 1)
    days = max(1, round(((last or first + 1) - first) * share))
    return metric.model_copy(update={"window": (first, first + days)})


def _as_they_stood(
    history: History, facts: Facts, spec: ExperimentSpec, calendar: Calendar | None
) -> pd.DataFrame:
    """The same units with the values of an earlier look."""
    began = dt.datetime.combine(history.began, dt.time())
    return as_if_assigned(spec, facts, began, history.as_of, calendar)


def facts_of(tables: Mapping[str, ir.Table | None]) -> Facts:
    """The canonical tables, the needed ones there.

    Raises:
        CoverageError: There are no customers or no shipments.
    """
    given = {name: tables.get(name) for name in FACTS}
    for name in ("customers", "shipments"):
        if given[name] is None:
            raise CoverageError(
                f"The table '{name}' does not exist for this month",
                todo="Run the cleaning stage first.",
            )
    return Facts(**given)


def as_if_assigned(
    spec: ExperimentSpec,
    facts: Facts,
    at: dt.datetime,
    as_of: Month,
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """Customers that shipped in the quarter before a day, as if assigned on it.

    Args:
        spec: The plan.
        facts: The canonical tables; assignments are not looked at.
        at: First instant of a month.
        as_of: Nothing after this month's last instant is used.
        calendar: Says when the company is shut.

    Returns:
        One row a customer, in the columns of `outcomes`, ordered by customer.
    """
    customers = facts.customers
    known = customers.onboarded_on.isnull() | (customers.onboarded_on < ibis.literal(at.date()))
    text = ibis.null("string")
    drawn = customers.filter(known).select(
        "customer_id",
        experiment_id=ibis.literal(spec.id),
        arm=ibis.literal(spec.control),
        assigned_at=ibis.literal(at),
        cluster_id=customers[cluster_column(spec)] if spec.cluster else text,
        cluster_share=ibis.null("float64"),
        arm_at_half=text,
        stratum=ibis.literal(""),
    )
    values = {name: getattr(facts, name) for name in FACTS} | {"assignments": drawn}
    until = max(as_of, month_of(at), key=lambda month: month.start)
    frame: pd.DataFrame = outcomes(spec, **values, as_of=until, calendar=calendar).execute()
    kept = frame[frame[ACTIVE].fillna(0.0) > 0]
    return kept.sort_values("customer_id", kind="stable", ignore_index=True)


def cluster_column(spec: ExperimentSpec) -> str:
    """The customers' column that holds a plan's clusters."""
    return str(spec.cluster) if spec.cluster in TRAITS else CLUSTER


def month_of(day: dt.date) -> Month:
    """The month a day lies in."""
    return Month(day.year, day.month)


def days_of(spec: ExperimentSpec) -> int:
    """Days after assignment that a plan follows its units; a window without end gives its start."""
    ends = [m.window[1] or m.window[0] + 1 for m in spec.metrics if m.window]
    return max([*ends, *(m.horizon for m in spec.metrics if m.horizon)], default=1)


def stretched(spec: ExperimentSpec, months: float) -> ExperimentSpec:
    """A plan followed for another time: every window and horizon longer in proportion.

    Example:
        >>> from analysis.params import ExperimentSpec
        >>> spec = ExperimentSpec.model_validate({"id": "a", "control": "c", "looks_planned": 1,
        ...     "looks": "calendar", "allocation": {"c": 0.5, "t": 0.5}, "metrics": [{
        ...     "name": "r", "measure": "retention", "role": "primary", "window": [91, 181]}]})
        >>> stretched(spec, 12).metrics[0].window
        (184, 365)
    """
    factor = months * DAYS_A_MONTH / days_of(spec)
    metrics = tuple(_stretched(metric, factor) for metric in spec.metrics)
    return spec.model_copy(update={"metrics": metrics})


def _stretched(metric: Metric, factor: float) -> Metric:
    if metric.horizon is not None:
        return metric.model_copy(update={"horizon": max(1, round(metric.horizon * factor))})
    if metric.window is None or metric.window[1] is None:
        return metric
    first, last = (round(day * factor) for day in metric.window if day is not None)
    return metric.model_copy(update={"window": (first, max(last, first + 1))})


def with_windows_closed(spec: ExperimentSpec) -> ExperimentSpec:
    """A plan whose windows all end, the open ones with its last day."""
    last = days_of(spec)
    metrics = tuple(
        m.model_copy(update={"window": (m.window[0], max(last, m.window[0] + 1))})
        if m.window and grows(m)
        else m
        for m in spec.metrics
    )
    return spec.model_copy(update={"metrics": metrics})


def _began(
    spec: ExperimentSpec, facts: Facts, as_of: Month
) -> tuple[dt.datetime, tuple[str, ...], dict[str, str]]:
    """The latest month's first instant that leaves every window over; which metrics it serves."""
    missing = {m.name: facts.missing(m) for m in spec.metrics if facts.missing(m)}
    first = facts.shipments.shipped_at.min().execute()
    earliest = pd.Timestamp(first) + pd.Timedelta(days=PRIOR_DAYS)
    begins: dict[str, dt.datetime] = {}
    for metric in spec.metrics:
        latest = as_of.end - dt.timedelta(days=days_to_mature(metric))
        begin = month_of(latest).start
        if metric.name not in missing and pd.notna(earliest) and begin >= earliest:
            begins[metric.name] = begin
    missing |= {m.name: "history" for m in spec.metrics if m.name not in {**missing, **begins}}
    if not begins:
        raise CoverageError(
            "History holds no window of this plan",
            where=f"experiment {spec.id}",
            got=f"shipments from {first:%Y-%m-%d} to {as_of.last_day}"
            if pd.notna(first)
            else "no shipment",
            allowed=f"half a year before, and {min(days_to_mature(m) for m in spec.metrics)} days",
            todo="Design with a later month or with shorter windows.",
        )
    return min(begins.values()), tuple(begins), missing
