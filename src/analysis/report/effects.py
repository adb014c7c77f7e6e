"""The effects of each experiment: interval plots, retention curves, money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..experiment.two_readings import level_value
from ..figures import (
    Chart,
    IntervalRow,
    Line,
    interval_plot,
    retention_curves,
)
from ..language import Language
from .block import Block, in_series, rendered
from .effect_tables import answers_table, checks_table, effects_table
from .experiment_view import (
    ExperimentView,
    arm_name,
    experiment_views,
    interval_of,
    told,
    tone_of,
    whose,
)
from .findings import begun, effect_finding, has_estimate
from .inputs import Inputs
from .verdicts import decision_words

QUARTERS = 4
"""Parts of the time after which the alternative text of curves tells where they stand."""
NET_VALUE = "net_value"
"""The reading that holds margin less cost to serve per customer."""


def effects(inputs: Inputs, language: Language) -> Block:
    """The effects of every experiment of the month; nothing where there is none."""
    views = experiment_views(inputs)
    if not views:
        return Block("")
    return rendered("effects", language, experiments=[_shown(view, language) for view in views])


def _shown(view: ExperimentView, language: Language) -> dict[str, Any]:
    metrics = [*view.names_of("primary"), *money_metrics(view)]
    charts = [effect_chart(view, metric, language) for metric in metrics]
    return {
        "id": view.id,
        "title": view.title(language),
        "decision": decision_words(view, language),
        "is_trusted": view.is_trusted,
        "charts": [*charts, curve_chart(view, language)] if view.is_trusted else [],
        "reading": reading_guide(view, language),
        "table": effects_table(view, language),
        "answers": answers_table(view, language),
        "money": money_told(view, language),
        "checks": checks_table(view, language),
        "notes": _notes(view, language),
    }


AXES = {
    (False, True): "Difference: {treated} minus {control}, {unit}",
    (False, False): "Difference: {treated} minus {control}",
    (True, True): "Difference from {control}, {unit}",
    (True, False): "Difference from {control}",
}
"""Whether several arms are compared, and whether the metric has a unit → name of the axis."""


def effect_chart(view: ExperimentView, metric: str, language: Language) -> Chart | None:
    """The interval plot of a metric: all customers, then tier by tier."""
    rows = [row for _, row in view.rows(metric).iterrows() if has_estimate(row)]
    if not rows:
        return None
    write, least = view.text_of(metric, language), view.minimum_effect(metric)
    line = None
    if least is not None:
        label = language.text(
            "worthwhile from {effect}", context="line", effect=write.effect(least)
        )
        line = Line(least, label, better=view.sign(metric))
    drawn = [_interval_row(view, row, language) for row in rows]
    treated, control = (arm_name(str(rows[0][arm]), language) for arm in ("treatment", "control"))
    several = len({row["treatment"] for row in rows}) > 1
    axis = language.text(
        AXES[several, bool(write.unit_name)], treated=treated, control=control, unit=write.unit_name
    )
    source = "{metric}, by tier at the start"
    if not view.is_of_customers:
        source = "{metric}, by segment" if len(rows) > 1 else "{metric}, all units"
    measure = language.text(source, metric=view.label_of(metric, language))
    listed = [f"{row.label} {row.shown}" for row in drawn] + ([line.label] if line else [])
    return interval_plot(
        drawn,
        tick=write.tick,
        axis=axis,
        line=line,
        finding=effect_finding(view, rows[0], language),
        measure=measure,
        alternative=language.text(
            "{finding}. Interval plot, {axis}: {rows}.",
            finding=effect_finding(view, rows[0], language), axis=axis,
            rows=in_series(listed, language),
        ),
        notes=tuple(_caveats(view, rows, language)),
    )  # fmt: skip


def _interval_row(view: ExperimentView, row: pd.Series, language: Language) -> IntervalRow:
    metric = str(row["metric"])
    write = view.text_of(metric, language)
    low, high = interval_of(row)
    return IntervalRow(
        label=whose(view, row, language),
        shown=language.text(
            "{effect} ({between})",
            effect=write.effect(row["effect"]),
            between=write.span(low, high),
        ),
        estimate=float(row["effect"]),
        low=low,
        high=high,
        inner_low=float(row["ci_low"]),
        inner_high=float(row["ci_high"]),
        tone=tone_of(row, view.sign(metric)),
        is_total=row["segment"] == "all",
    )


ORDINARY = 0.05
"""Level of documents that do not say theirs."""


def reading_guide(view: ExperimentView, language: Language) -> str:
    """How to read the two intervals, where they differ."""
    rows = [row for _, row in view.estimates.iterrows() if has_estimate(row)]
    if all(interval_of(row) == (row["ci_low"], row["ci_high"]) for row in rows):
        return ""
    return language.text(
        "Thin line: the interval that stays valid however often the report looks; it decides. "
        "Thick bar: the ordinary {level} interval.",
        level=level_value(float(view.content.get("alpha") or ORDINARY)).shown(language),
    )


def _caveats(view: ExperimentView, rows: list[pd.Series], language: Language) -> list[str]:
    """What must be known to read this chart right, and nothing else."""
    first = rows[0]
    found = []
    maturing = int(first["n_maturing"]) if not pd.isna(first["n_maturing"]) else 0
    if maturing:
        source = "{n} more customers are still within their window and not counted yet."
        found.append(language.text(source, n=language.number(maturing)))
    is_first = first["metric"] == view.names_of("primary")[0]
    if view.is_of_customers and view.content.get("design") == "customer" and is_first:
        found.append(
            language.text(
                "Both groups share the same depots and agents: harm to others by congestion "
                "cannot be seen in this design."
            )
        )
    return found


def curve_chart(view: ExperimentView, language: Language) -> Chart | None:
    """Retention curves by arm."""
    if view.curves.empty:
        return None
    arms = _arms_control_last(view)
    names = {arm: arm_name(arm, language) for arm in arms}
    last = view.curves.sort_values("day").groupby("arm").tail(1).set_index("arm")
    day = int(last["day"].max())
    ends = [
        language.text("{share} ({arm})", share=language.percent(float(last["survival"].loc[arm])),
                      arm=names[arm])
        for arm in arms
    ]  # fmt: skip
    finding = language.text(
        "After {n} days, {shares} of customers are still shipping"
        if view.is_of_customers
        else "After {n} days, the event has not come to {shares} of the units",
        n=language.number(day),
        shares=language.listed(ends),
    )  # fmt: skip
    return retention_curves(
        view.curves,
        names,
        percent=lambda value: language.percent(value, 0),
        day_axis=language.text("days after the start"),
        at_risk_label=language.text("Still observed"),
        finding=finding,
        measure=language.text(
            "Share of customers not yet lost, by day after the start"
            if view.is_of_customers
            else "Share of units without the event, by day after the start"
        ),
        alternative=language.text(
            "{finding}. Curves by group: {rows}.",
            finding=finding,
            rows=in_series(_on_the_way(view, day, names, language), language),
        ),
        notes=(language.text("The axis does not start at zero."),),
    )


def _on_the_way(
    view: ExperimentView, last: int, names: Mapping[str, str], language: Language
) -> list[str]:
    """Where the curves stand at each quarter of the time, for those who do not see them."""
    told = []
    for day in (round(last * part / QUARTERS) for part in range(1, QUARTERS)):
        reached = view.curves[view.curves["day"] <= day].sort_values("day")
        shares = reached.groupby("arm")["survival"].last()
        stand = [
            language.text("{share} ({arm})", share=language.percent(float(shares[arm])), arm=name)
            for arm, name in names.items()
            if arm in shares.index
        ]
        told.append(
            language.text(
                "after {n} days {shares}", n=language.number(day), shares=language.listed(stand)
            )
        )
    return told


def _arms_control_last(view: ExperimentView) -> list[str]:
    arms = [str(arm) for arm in dict.fromkeys(view.curves["arm"])]
    control = str(view.estimates["control"].iloc[0]) if len(view.estimates) else arms[-1]
    return sorted(arms, key=lambda arm: arm == control)


def money_metrics(view: ExperimentView) -> list[str]:
    """The net value, where it was estimated."""
    return [name for name in view.names_of("reading") if name == NET_VALUE]


def money_told(view: ExperimentView, language: Language) -> list[str]:
    """The money in sentences, without what the chart shows; the evaluation decides which."""
    lines = list(view.content.get("money") or ())
    if money_metrics(view):
        lines = [line for line in lines if not _is_drawn(line)]
    return [begun(told(line, language)) for line in lines]


def _is_drawn(line: Any) -> bool:
    """Whether a sentence repeats what the chart of the net value shows."""
    metric = line["values"].get("metric", {}) if isinstance(line, Mapping) else {}
    return metric.get("value") == "net value per customer" or "segment" in line.get("values", ())


def _notes(view: ExperimentView, language: Language) -> list[str]:
    return [told(note, language) for note in view.content.get("notes") or ()]
