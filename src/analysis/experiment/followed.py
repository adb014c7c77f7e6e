"""Which metrics an experiment follows: those of its plan, and those it owes its reader.

Ordinary customers are always guarded; survival is read with a longer churn window and beside
the frequency of shipments; money is margin less cost to serve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..panel import LONGEST_WINDOW_DAYS
from ..params.experiment import ExperimentSpec, NetValue
from ..params.metric import MeasureName, Metric

RoleInTable = Literal["primary", "secondary", "guardrail", "reading"]
NET_VALUE = "net_value"
WHILE_STAYING = "net_value_while_staying"
NET_BY_MONTH = "net_value_to_month_"
"""Begins the names of the net value summed from assignment to the end of a month."""
IN_COST_MONTHS = "_in_cost_months"
"""Ends the name of the margin of those whole months whose service costs are counted."""
DAYS_OF_COST = "_days_of_cost_months"
"""Ends the name of the number of days of these months."""
DAYS_A_MONTH = 30
WIDER = 1.5
"""Factor on the churn window of the second reading of survival (statistics.md, Retention)."""
_WIDER = "_wider"
GUARDS: tuple[MeasureName, ...] = ("complaints", "response_minutes", "on_time")
"""Measures under which ordinary customers are guarded, declared or not."""


@dataclass(frozen=True)
class Followed:
    """A metric that is measured and estimated.

    Attributes:
        metric: Its definition.
        role: As in the plan, or ``reading``: shown beside another metric, never decided on.
        declared: False where the plan does not name it.
        guards_ordinary: Estimated for ordinary customers as a guardrail.
    """

    metric: Metric
    role: RoleInTable
    declared: bool = True
    guards_ordinary: bool = False

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name


def metrics_followed(spec: ExperimentSpec) -> tuple[Followed, ...]:
    """All metrics of an experiment, those of the plan first.

    Returns:
        The plan's metrics; in the pipeline also the guards of ordinary customers, the frequency
        of shipments, and survival with a churn window half as long again.
    """
    declared = tuple(
        Followed(metric, metric.role, guards_ordinary=metric.measure in GUARDS)
        for metric in spec.metrics
    )
    wider = tuple(_wider(m) for m in spec.metrics if m.measure == "survival")
    return (*declared, *_owed(spec), *wider)


def net_value_of(spec: ExperimentSpec) -> NetValue | None:
    """Which metrics make up the money: as planned, or the two measures of the same window."""
    if spec.money:
        return spec.money
    by_measure = {m.measure: m for m in spec.metrics if m.is_money}
    margin, cost = by_measure.get("margin"), by_measure.get("cost_to_serve")
    if margin is None or cost is None or margin.window != cost.window:
        return None
    return NetValue(margin=margin.name, cost_to_serve=cost.name)


def months_of_money(spec: ExperimentSpec) -> int:
    """Whole months in the window over which the pipeline measures margin and cost to serve."""
    money = net_value_of(spec)
    if money is None or money.cost_to_serve is None:
        return 0
    metrics = (spec.metric(money.margin), spec.metric(money.cost_to_serve))
    windows = {metric.window for metric in metrics if metric.measure}
    first, last = next(iter(windows), None) or (0, None)
    is_plain = len(windows) == 1 and all(metric.measure for metric in metrics)
    return last // DAYS_A_MONTH if is_plain and first == 0 and last is not None else 0


def month_summed_to(name: str) -> int | None:
    """The month to whose end a net value is summed, by its name; None for any other metric.

    Example:
        >>> month_summed_to("net_value_to_month_3")
        3
    """
    number = name.removeprefix(NET_BY_MONTH)
    return int(number) if number != name and number.isdecimal() else None


def _owed(spec: ExperimentSpec) -> tuple[Followed, ...]:
    """Measures that the pipeline adds, over the longest window of the plan."""
    window = _longest_window(spec)
    if window is None:
        return ()
    there = {m.measure for m in spec.metrics}
    names = {m.name for m in spec.metrics}
    owed: list[Followed] = [
        Followed(_measured(name, window), "reading", declared=False, guards_ordinary=True)
        for name in GUARDS
        if name not in there and name not in names
    ]
    retention = next((m for m in spec.metrics if m.measure == "retention"), None)
    if "frequency" not in there and "frequency" not in names:
        shown = retention.window if retention and retention.window else window
        owed.append(Followed(_measured("frequency", shown), "reading", declared=False))
    return tuple(owed)


def _longest_window(spec: ExperimentSpec) -> tuple[int, int | None] | None:
    """Days from assignment to the end of the longest closed window that the pipeline measures.

    Returns:
        An open window where no window is closed; the survival horizon where the plan has no
        window at all; None where the pipeline measures nothing.
    """
    measured = [m for m in spec.metrics if m.measure]
    windows = [m.window for m in measured if m.window]
    closed = [last for _, last in windows if last is not None]
    if windows:
        return 0, max(closed, default=None)
    horizons = [m.horizon for m in measured if m.horizon is not None]
    return (0, max(horizons)) if horizons else None


def _measured(measure: MeasureName, window: tuple[int, int | None]) -> Metric:
    return Metric.model_validate({"name": measure, "measure": measure, "window": window})


def _wider(metric: Metric) -> Followed:
    """Survival again, with a longer churn window."""
    content = {"name": wider_name(metric), "measure": "survival", "horizon": metric.horizon}
    return Followed(Metric.model_validate(content), "reading", declared=False)


def wider_name(metric: Metric) -> str:
    """The name of a survival metric's reading with a longer churn window."""
    return f"{metric.name}{_WIDER}"


def churn_factor(metric: Metric) -> float:
    """How much longer than usual a survival metric's churn window is."""
    return WIDER if metric.name.endswith(_WIDER) else 1.0


def days_to_mature(metric: Metric) -> int:
    """Days after assignment from which a unit's value of a measured metric is complete.

    An open window is complete one day after it begins, and grows from there. Survival needs its
    horizon and the longest churn window, so that nobody is censored before the horizon.
    """
    if metric.kind == "survival":
        return (metric.horizon or 0) + round(LONGEST_WINDOW_DAYS * churn_factor(metric))
    first, last = metric.window or (0, None)
    return first + 1 if last is None else last


def grows(metric: Metric) -> bool:
    """Whether a metric's values grow with every look: its window has no end."""
    return metric.window is not None and metric.window[1] is None
