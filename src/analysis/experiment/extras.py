"""Readings beside the metrics of the plan: money, response, and what non-response could hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..message import Message, Value
from ..params.metric import Metric
from .coming_back import coming_back_notes
from .estimate import COMPLIER, Estimate
from .estimation import Cell, Compared
from .estimators.bounds import Bounds, lee_bounds, worst_case_bounds
from .estimators.compliers import complier_effect
from .estimators.hazards import hazard_ratio, log_rank
from .estimators.means import compare_arms
from .estimators.nps import POINTS
from .estimators.relative import relative_effect
from .estimators.results import Status
from .followed import DAYS_OF_COST, IN_COST_MONTHS, NET_VALUE, WHILE_STAYING, Followed, net_value_of
from .study import Study
from .words import note_messages, status_message

RESPONSE = "_response"
UNWEIGHTED = "_unweighted"
CSAT_RANGE = (1.0, 5.0)


def with_extras(study: Study) -> Study:
    """The study with net value and response as metrics of their own.

    Returns:
        The same units with columns ``net_value`` and ``<metric>_response``, and readings of them.
    """
    columns: dict[str, np.ndarray] = {}
    followed = list(study.followed)
    available = [f for f in study.followed if f.name not in study.unavailable]
    money = net_value_of(study.spec)
    names = {f.name for f in available}
    taken = {f.name for f in study.followed}
    parts = {money.margin, money.cost_to_serve or money.margin} if money else set()
    if money and parts <= names and NET_VALUE not in taken:
        value, matured = _net_value(study, money.margin, money.cost_to_serve)
        columns |= {NET_VALUE: value, f"{NET_VALUE}_matured": matured}
        followed.append(_reading(NET_VALUE, "mean", NET_VALUE, f"{NET_VALUE}_matured"))
        staying = _while_staying(study, available, value, matured)
        columns |= staying[0]
        followed += staying[1]
    for entry in available:
        name = f"{entry.name}{RESPONSE}"
        if can_be_unanswered(entry.metric) and name not in taken:
            columns[name] = answered(study, entry.metric).astype(float)
            followed.append(_reading(name, "proportion", name, entry.metric.matured))
    return replace(study, units=study.units.assign(**columns), followed=tuple(followed))


def can_be_unanswered(metric: Metric) -> bool:
    """Whether units may have no answer to a metric."""
    return metric.kind == "nps" or metric.answered is not None


def answered(study: Study, metric: Metric) -> np.ndarray:
    """(n,) whether each unit answered."""
    has_score = np.isfinite(study.numbers(str(metric.column)))
    return has_score & study.flags(metric.answered) if metric.answered else has_score


def _net_value(study: Study, margin: str, cost: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Margin less cost to serve of each unit, and whether both are complete."""
    gains = study.spec.metric(margin)
    value, matured = study.numbers(str(gains.column)), study.matured(gains)
    same_months = f"{gains.name}{IN_COST_MONTHS}"
    if cost is not None and same_months in study.units.columns:
        value = study.numbers(same_months)  # costs come by the month: margin of the same ones
    if cost is not None:
        costs = study.spec.metric(cost)
        value = value - study.numbers(str(costs.column))
        matured = matured & study.matured(costs)
    return value, matured


def _while_staying(
    study: Study, available: Sequence[Followed], value: np.ndarray, matured: np.ndarray
) -> tuple[dict[str, np.ndarray], list[Followed]]:
    """Beyond the window, as a scenario: each unit's own daily net value × its own days.

    Mean × mean would ignore that the customers who stay are not the ones who pay.
    """
    stay = next((f.metric for f in available if f.declared and f.metric.kind == "survival"), None)
    money = net_value_of(study.spec)
    window = study.spec.metric(money.margin).window if money else None
    if stay is None or window is None or window[1] is None:
        return {}, []
    horizon = float(stay.horizon or 0)
    days = np.minimum(study.numbers(str(stay.duration)), horizon)
    counted = f"{money.margin if money else ''}{DAYS_OF_COST}"
    span = np.full(len(value), float(window[1] - window[0]))
    if money and money.cost_to_serve and counted in study.units.columns:
        span = study.numbers(counted)
    rate = np.divide(value, span, out=np.zeros(len(value)), where=span > 0)
    scenario = np.where(study.eligible(stay), rate * days, np.nan)
    flag = f"{WHILE_STAYING}_matured"
    content = {"name": WHILE_STAYING, "kind": "mean", "column": WHILE_STAYING, "matured": flag}
    metric = Metric.model_validate({**content, "eligible": stay.eligible})
    columns = {WHILE_STAYING: scenario, flag: matured & study.matured(stay)}
    return columns, [Followed(metric, "reading", declared=False)]


def scenario_note(study: Study) -> Message:
    """What the scenario beyond the window assumes."""
    stay = next(f.metric for f in study.followed if f.declared and f.metric.kind == "survival")
    return Message(
        "scenario: each unit's own net value a day, kept up for as long as it stays within {days} "
        "days",
        {"days": Value("number", stay.horizon)},
    )


def _reading(name: str, kind: str, column: str, matured: str | None) -> Followed:
    content = {"name": name, "kind": kind, "column": column, "matured": matured}
    return Followed(Metric.model_validate(content), "reading", declared=False)


def unweighted(estimate: Estimate) -> Estimate:
    """An estimate of the respondents as they are, as a reading of its own."""
    metric = estimate.metric.model_copy(update={"name": f"{estimate.metric.name}{UNWEIGHTED}"})
    note = Message("respondents as they are, without weights")
    return replace(estimate, metric=metric, role="reading", notes=(note,))


def bound_rows(compared: Compared, whole: Estimate, alpha: float) -> list[Estimate]:
    """Lee's bounds and the worst case of a metric that not everyone answered.

    Returns:
        Four rows: each bound as its effect, with the interval of the pair (Imbens and Manski).
    """
    values, cell = compared.values, compared.cell
    if values.answered is None or not values.used.any():
        return []
    units = cell.units.take(values.used)
    outcome = values.values[values.used]
    lee = lee_bounds(outcome, units, alpha=alpha)
    low, high = (-POINTS, POINTS) if compared.metric.kind == "nps" else CSAT_RANGE
    worst = worst_case_bounds(outcome, units, low, high, alpha=alpha)
    told = {
        "lee": Message(
            "always-responders, monotone response; {share} of the more responsive arm trimmed",
            {"share": Value("percent", _known(lee.trimmed_share), 1)},
        ),
        "worst": Message("nothing assumed of those who did not answer; never decided on"),
    }
    return [
        _bound_row(whole, name, side, bounds, told[name])
        for name, bounds in (("lee", lee), ("worst", worst))
        for side in ("low", "high")
    ]


def _bound_row(whole: Estimate, name: str, side: str, bounds: Bounds, note: Message) -> Estimate:
    nan = float("nan")
    is_ok = bounds.status is Status.OK
    return replace(
        whole,
        bound=f"{name}_{side}",
        value_treatment=nan,
        value_control=nan,
        effect=getattr(bounds, side),
        effect_relative=nan,
        std_error=getattr(bounds, f"{side}_error"),
        df=nan,
        ci_low=bounds.ci_low,
        ci_high=bounds.ci_high,
        p_value=nan,
        p_adjusted=nan,
        av_low=nan,
        av_high=nan,
        av_p_value=nan,
        claim=0,
        method="Lee bounds" if name == "lee" else "worst-case bounds",
        status=whole.status
        if is_ok and whole.status.source == "ok"
        else status_message(bounds.status),
        notes=(note,),
    )


def complier_rows(
    compared: Sequence[Compared], estimates: Sequence[Estimate], alpha: float
) -> list[Estimate]:
    """The effect per unit that used the service, with assignment as the instrument."""
    rows = []
    for one, estimate in zip(compared, estimates, strict=True):
        exposure = one.cell.study.spec.exposure
        if exposure is None or one.role == "reading" or not one.comparison.influence.size:
            continue
        if one.comparison.status is not Status.OK or one.values.status is not Status.OK:
            continue
        if exposure not in one.cell.study.units.columns:
            continue
        rows.append(_complier_row(one, estimate, exposure, alpha))
    return rows


def _complier_row(one: Compared, estimate: Estimate, exposure: str, alpha: float) -> Estimate:
    used = one.cell.study.flags(exposure)[one.cell.rows].astype(float)
    used = np.where(np.isfinite(one.values.values), used, np.nan)
    units = one.cell.units
    if one.values.response is not None:
        units = replace(units, weights=one.values.response.weights)
    (uptake,) = compare_arms(used, units, alpha=alpha, keep_influence=True)
    found = complier_effect(one.comparison, uptake, alpha=alpha)
    nan = float("nan")
    first = Message(
        "first stage: {share} more use the service when assigned to it (F = {f})",
        {
            "share": Value("percent", _known(found.first_stage), 1),
            "f": Value("number", _known(found.first_stage_f)),
        },
    )
    return replace(
        estimate,
        basis=COMPLIER,
        value_treatment=nan,
        value_control=nan,
        effect=found.effect.value,
        effect_relative=nan,
        std_error=found.effect.std_error,
        ci_low=found.effect.ci_low,
        ci_high=found.effect.ci_high,
        p_value=found.effect.p_value,
        p_adjusted=nan,
        av_low=nan,
        av_high=nan,
        av_p_value=nan,
        claim=0,
        method=f"instrument, {found.effect.method}",
        status=status_message(found.effect.status),
        notes=(first, *note_messages(found.effect.notes)),
    )


def survival_notes(cell: Cell, metric: Metric, alpha: float) -> tuple[Message, ...]:
    """Log-rank test and Cox ratio of a survival metric, as further readings.

    Where clusters were randomised both are left out: they take units for independent.
    """
    if cell.units.clusters is not None:
        return coming_back_notes(cell, metric)
    study, rows = cell.study, cell.rows
    counts = (study.eligible(metric) & study.matured(metric))[rows]
    duration = study.numbers(str(metric.duration))[rows]
    known = counts & np.isfinite(duration) & (duration >= 0)
    duration, event = duration[known], study.flags(str(metric.event))[rows][known]
    treated = cell.units.treated[known]
    if not (treated.any() and (~treated).any()):
        return ()
    rank = log_rank(duration, event, treated)
    ratio = hazard_ratio(duration, event, treated, alpha=alpha)
    if rank.status is not Status.OK or ratio.status is not Status.OK:
        return ()
    values = {
        "p": Value("plain", f"{rank.p_value:.2g}"),
        "ratio": Value("number", ratio.ratio, 2),
        "low": Value("number", ratio.ci_low, 2),
        "high": Value("number", ratio.ci_high, 2),
    }
    told = Message("log-rank p = {p}; hazard ratio {ratio} ({low} to {high})", values)
    return (told, *coming_back_notes(cell, metric))


def relative_notes(compared: Compared, alpha: float) -> tuple[Message, ...]:
    """The effect against the control's value, with its interval; none where that is undefined."""
    found = relative_effect(compared.comparison, alpha=alpha)
    if found.status is not Status.OK:
        return ()
    values = {
        "value": Value("percent", found.value, 1, sign=True),
        "low": Value("percent", found.ci_low, 1, sign=True),
        "high": Value("percent", found.ci_high, 1, sign=True),
    }
    source = "relative to the control: {value} (ordinary interval {low} to {high})"
    if found.method == "fieller":
        source = "relative to the control: {value} (ordinary interval {low} to {high}, Fieller)"
    return (Message(source, values),)


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
