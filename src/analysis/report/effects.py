"""The effects of each experiment: interval plots, the same as a table, curves, NPS, money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..figures import (
    Chart,
    IntervalRow,
    Line,
    ReadingTable,
    interval_plot,
    reading_table,
    retention_curves,
)
from ..language import MISSING, Language
from .block import Block, in_series, rendered
from .experiment_view import (
    ExperimentView,
    arm_name,
    experiment_views,
    interval_of,
    told,
    tone_of,
    whose,
)
from .findings import effect_finding, has_estimate
from .inputs import Inputs
from .verdicts import decision_words, gate_name, gate_note

NET_VALUE = "net_value"
"""The reading that holds margin less cost to serve per customer."""
BOUNDS = (
    ("lee", "Customers who answer in either group (Lee bounds)"),
    ("worst", "Whatever the silent would have said (worst case)"),
)


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
        "reading": _reading_guide(view, language),
        "table": effects_table(view, language),
        "answers": answers_table(view, language),
        "money": money_told(view, language),
        "checks": checks_table(view, language),
        "notes": _notes(view, language),
    }


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
    axis = language.text(
        "Difference: {treated} minus {control}, {unit}",
        treated=treated, control=control, unit=write.unit_name,
    )  # fmt: skip
    measure = language.text(
        "{metric}, by tier at the start", metric=view.label_of(metric, language)
    )
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


def _reading_guide(view: ExperimentView, language: Language) -> str:
    """How to read the two intervals, where they differ."""
    rows = [row for _, row in view.estimates.iterrows() if has_estimate(row)]
    if all(interval_of(row) == (row["ci_low"], row["ci_high"]) for row in rows):
        return ""
    return language.text(
        "Thin line: the interval that stays valid however often the report looks; it decides. "
        "Thick bar: the ordinary 95 % interval."
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
    if view.content.get("design") == "customer" and is_first:
        found.append(
            language.text(
                "Both groups share the same depots and agents: harm to others by congestion "
                "cannot be seen in this design."
            )
        )
    return found


def effects_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """Every main estimate as a table: the same figures as the charts, and the secondary ones."""
    metrics = [*view.names_of("primary"), *view.names_of("secondary")]
    rows = [_table_row(view, row, language) for m in metrics for row in _told_rows(view, m)]
    if not rows:
        return None
    headings = {
        "who": language.text("Whose"),
        "effect": language.text("Difference"),
        "between": language.text("Interval"),
        "treated": language.text("Treated"),
        "control": language.text("Control", context="column"),
        "n": language.text("Customers", context="column"),
    }
    return reading_table(
        pd.DataFrame(rows),
        headings,
        caption=language.text("Effects of {title}", title=view.title(language)),
        numeric=("effect", "between", "treated", "control", "n"),
        group="metric",
        stacks=True,
        key=f"effects-{view.id}",
    )


def _told_rows(view: ExperimentView, metric: str) -> list[pd.Series]:
    """A metric's rows; only the first where there is no estimate yet at all."""
    rows = [row for _, row in view.rows(metric).iterrows()]
    return rows if any(has_estimate(row) for row in rows) else rows[:1]


def _table_row(view: ExperimentView, row: pd.Series, language: Language) -> dict[str, str]:
    metric = str(row["metric"])
    write = view.text_of(metric, language)
    sizes = [row["n_treatment"], row["n_control"]]
    known = has_estimate(row)
    return {
        "metric": view.label_of(metric, language),
        "who": whose(view, row, language),
        "effect": write.effect(row["effect"]) if known else MISSING,
        "between": write.span(*interval_of(row)) if known else view.status(row, language),
        "treated": write.value(row["value_treatment"]),
        "control": write.value(row["value_control"]),
        "n": " / ".join(language.number(n) for n in sizes),
    }


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
        "After {n} days, {shares} of customers are still shipping", n=language.number(day),
        shares=language.listed(ends),
    )  # fmt: skip
    return retention_curves(
        view.curves,
        names,
        percent=lambda value: language.percent(value, 0),
        day_axis=language.text("days after the start"),
        at_risk_label=language.text("Still observed"),
        finding=finding,
        measure=language.text("Share of customers not yet lost, by day after the start"),
        alternative=language.text("{finding}. Retention curves by group.", finding=finding),
        notes=(language.text("The axis does not start at zero."),),
    )


def _arms_control_last(view: ExperimentView) -> list[str]:
    arms = [str(arm) for arm in dict.fromkeys(view.curves["arm"])]
    control = str(view.estimates["control"].iloc[0]) if len(view.estimates) else arms[-1]
    return sorted(arms, key=lambda arm: arm == control)


def answers_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """How far silence could bend the NPS effect: the main reading, and its bounds."""
    metric = next((m for m in view.estimates.get("metric", ()) if _is_nps(view, m)), None)
    if metric is None or view.bounds.empty:
        return None
    write = view.text_of(metric, language)
    main = view.rows(metric).head(1)
    rows = [
        {"reading": language.text("Weighted by the chance to answer (decides)"),
         "effect": write.effect(row["effect"]), "range": write.span(*interval_of(row))}
        for _, row in main.iterrows()
    ]  # fmt: skip
    mine = view.bounds[(view.bounds["metric"] == metric) & (view.bounds["segment"] == "all")]
    ends = mine.groupby("bound")["effect"].first()
    for key, words in BOUNDS:
        if {f"{key}_low", f"{key}_high"} <= set(ends.index):
            between = write.span(float(ends[f"{key}_low"]), float(ends[f"{key}_high"]))
            rows.append({"reading": language.text(words), "effect": MISSING, "range": between})
    headings = {
        "reading": language.text("Reading"),
        "effect": language.text("Difference"),
        "range": language.text("Interval or bounds"),
    }
    caption = language.text("NPS when not everybody answers{rates}", rates=_rates(view, language))
    return reading_table(
        pd.DataFrame(rows), headings, caption=caption, numeric=("effect", "range"),
        stacks=True, key=f"answers-{view.id}",
    )  # fmt: skip


def _rates(view: ExperimentView, language: Language) -> str:
    """Response rates by arm, in brackets."""
    told_rates = [
        language.text("{arm} {n}", arm=arm_name(str(arm["arm"]), language),
                      n=language.percent(arm["response_rate"], 0))
        for arm in view.content.get("arms") or ()
        if arm.get("response_rate") is not None
    ]  # fmt: skip
    if not told_rates:
        return ""
    return language.text(" (answered: {rates})", rates=language.listed(told_rates))


def _is_nps(view: ExperimentView, metric: str) -> bool:
    return bool((view.estimates[view.estimates["metric"] == metric]["kind"] == "nps").any())


def money_metrics(view: ExperimentView) -> list[str]:
    """The net value, where it was estimated."""
    return [name for name in view.names_of("reading") if name == NET_VALUE]


def money_told(view: ExperimentView, language: Language) -> list[str]:
    """The money in sentences, without what the chart shows; the evaluation decides which."""
    lines = list(view.content.get("money") or ())
    if money_metrics(view):
        lines = [line for line in lines if not _is_drawn(line)]
    return [told(line, language) for line in lines]


def _is_drawn(line: Any) -> bool:
    """Whether a sentence repeats what the chart of the net value shows."""
    metric = line["values"].get("metric", {}) if isinstance(line, Mapping) else {}
    return metric.get("value") == "net value per customer" or "segment" in line.get("values", ())


def checks_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """The gates: each check with its result."""
    if view.checks.empty:
        return None
    rows = [
        {
            "gate": gate_name(str(row["gate"]), language),
            "result": language.text("failed" if row["alarmed"] else "passed", context="gate"),
            "p": MISSING if pd.isna(row["p_value"]) else f"{row['p_value']:.3g}",
            "note": gate_note(view, str(row["gate"]), language),
        }
        for _, row in view.checks.iterrows()
    ]
    headings = {
        "gate": language.text("Check"),
        "result": language.text("Result"),
        "p": language.text("p value"),
    }
    if any(row["note"] for row in rows):
        headings["note"] = language.text("Found")
    caption = language.text("Checks that must hold before a figure may be believed")
    return reading_table(
        pd.DataFrame(rows),
        headings,
        caption=caption,
        numeric=("p",),
        stacks=True,
        key=f"checks-{view.id}",
    )


def _notes(view: ExperimentView, language: Language) -> list[str]:
    return [told(note, language) for note in view.content.get("notes") or ()]
