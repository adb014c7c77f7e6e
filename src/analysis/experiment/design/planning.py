"""The design of an experiment: what it can see, checked by rehearsal, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from ...calendar import Calendar
from ...errors import CoverageError
from ...months import Month
from ...params.experiment import ExperimentSpec
from ...params.services import ServicePlan
from ..outcomes import FACTS
from .costs import ServiceCost, service_cost
from .curve import CurvePoint, power_curve
from .frames import power_frame, rehearsal_frame
from .history import (
    DAYS_A_MONTH,
    History,
    as_if_assigned,
    days_of,
    facts_of,
    history_of,
    stretched,
)
from .precision import MetricPrecision, precision_of
from .rehearsal import Rehearsed, rehearse
from .table import PowerRow, power_rows

SIZES = (0.25, 0.5, 1.0)
"""Shares of the customers that ship now, where no size is asked for."""
DRAWS = 400
"""Draws of a rehearsal: a share of 5 % is known to ± 2 points, one of 80 % to ± 4."""
DESIGN_TABLES = (*FACTS, "customer_months", "tiers")
"""Canonical tables that a design reads, where they exist."""
UNIT = "customer_id"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Designed:
    """The design of an experiment.

    Attributes:
        spec: The plan.
        as_of: Nothing after this month was read.
        history: What it rests on, for the plan's own duration.
        available: Customers that shipped in the quarter before the end of `as_of`.
        customers: Size for which the rehearsal was made and the sentences are told.
        months: The plan's own duration.
        rows: What can be seen at each duration and size.
        curve: The smallest effect by number of customers, at each duration.
        alarms: Draws without an effect, see `rehearse`.
        found: Draws with planted effects.
        cost: A month of service; None where it is not known.
    """

    spec: ExperimentSpec
    as_of: Month
    history: History
    available: int
    customers: int
    months: float
    rows: tuple[PowerRow, ...]
    curve: tuple[CurvePoint, ...]
    alarms: tuple[Rehearsed, ...]
    found: tuple[Rehearsed, ...]
    cost: ServiceCost | None

    @property
    def own_rows(self) -> tuple[PowerRow, ...]:
        """What can be seen at the plan's own duration with `customers`."""
        return tuple(
            r for r in self.rows if r.customers == self.customers and r.months == self.months
        )

    @property
    def power(self) -> pd.DataFrame:
        """One row a duration, size, comparison and metric, see `power_frame`."""
        return power_frame(self.rows)

    @property
    def rehearsal(self) -> pd.DataFrame:
        """One row a comparison and metric, see `rehearsal_frame`."""
        return rehearsal_frame(self.own_rows, self.alarms, self.found)


def design(
    spec: ExperimentSpec,
    tables: Mapping[str, ir.Table | None],
    *,
    as_of: Month,
    calendar: Calendar | None = None,
    services: ServicePlan | None = None,
    customers: Sequence[int] = (),
    months: Sequence[float] = (),
    draws: int = DRAWS,
    workers: int = 1,
    progress: Progress | None = None,
) -> Designed:
    """Design an experiment on the company's own history.

    Args:
        spec: The plan; its metrics name measures.
        tables: The canonical tables by name (`FACTS`), ``customer_months`` and ``tiers``.
        as_of: Nothing after this month's last instant is read.
        calendar: Says when the company is shut.
        services: The service plan, for the cost.
        customers: Sizes looked at; by default a quarter, a half and all that ship now. The
            largest is rehearsed and told.
        months: Durations looked at besides the plan's own.
        draws: Draws of the rehearsal; 0 leaves it out.
        workers: Processes that rehearse; the figures do not depend on it.
        progress: Told the draws done and all draws.

    Returns:
        The design.

    Raises:
        CoverageError: History is too short, or a table that is needed is missing.
    """
    _must_be_measured(spec)
    facts = facts_of(tables)
    available = len(as_if_assigned(spec, facts, as_of.end, as_of, calendar))
    if not available:
        raise CoverageError("No customer shipped in the last quarter", where=f"month {as_of}")
    sizes = sorted(set(customers)) or [max(2, round(share * available)) for share in SIZES]
    own = days_of(spec) / DAYS_A_MONTH
    history = history_of(spec, tables, as_of=as_of, calendar=calendar, with_looks=draws > 0)
    precisions = precision_of(history)
    rows, curve = _seen(spec, precisions, sizes, own)
    for length in months:
        longer = stretched(spec, length)
        past = history_of(longer, tables, as_of=as_of, calendar=calendar)
        more = _seen(longer, precision_of(past), sizes, length)
        rows, curve = [*rows, *more[0]], [*curve, *more[1]]
    own_rows = [r for r in rows if r.customers == sizes[-1] and r.months == own]
    alarms, found = _rehearsed(history, own_rows, draws, sizes[-1], workers, progress)
    return Designed(
        spec=spec,
        as_of=as_of,
        history=history,
        available=available,
        customers=sizes[-1],
        months=own,
        rows=tuple(rows),
        curve=tuple(curve),
        alarms=alarms,
        found=found,
        cost=service_cost(tables.get("customer_months"), tables.get("tiers"), services, as_of),
    )


def _must_be_measured(spec: ExperimentSpec) -> None:
    if spec.unit != UNIT:
        raise CoverageError(
            "The company's history is known by customer",
            where=f"experiment {spec.id}: unit",
            got=spec.unit,
            allowed=UNIT,
        )
    columns = [metric.name for metric in spec.metrics if metric.measure is None]
    if columns:
        raise CoverageError(
            "A metric of columns has no history in the company's tables",
            where=f"experiment {spec.id}: metrics",
            got=", ".join(columns),
            todo="Name a measure instead of columns.",
        )


def _seen(
    spec: ExperimentSpec,
    precisions: Sequence[MetricPrecision],
    sizes: Sequence[int],
    months: float,
) -> tuple[list[PowerRow], list[CurvePoint]]:
    """What a duration shows at the sizes asked for, and along the curve."""
    rows = [
        row for size in sizes for row in power_rows(spec, precisions, customers=size, months=months)
    ]
    return rows, list(power_curve(spec, precisions, customers=sizes[-1], months=months))


def _rehearsed(
    history: History,
    rows: Sequence[PowerRow],
    draws: int,
    customers: int,
    workers: int,
    progress: Progress | None,
) -> tuple[tuple[Rehearsed, ...], tuple[Rehearsed, ...]]:
    """Draws without an effect, and with the smallest effect that the plan promises to see."""
    if not draws:
        return (), ()
    size = min(customers, len(history.units))
    effects = {
        row.metric.name: row.smallest * (row.customers / size) ** 0.5
        for row in rows
        if row.comparison.estimand == "total"
    }

    def told(done: int) -> None:
        if progress is not None:
            progress(done, draws)

    return rehearse(
        history, draws=draws, customers=size, effects=effects, workers=workers, progress=told
    )
