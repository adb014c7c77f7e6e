"""Guardrails and fairness: what must not get worse, above all for ordinary customers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..figures import Chart, IntervalRow, Line, ReadingTable, interval_plot, reading_table
from ..language import MISSING, Language
from .block import Block, in_series, rendered
from .experiment_view import ExperimentView, experiment_views, interval_of, tier_in, whose
from .findings import has_estimate, inside
from .inputs import Inputs

NOT_AVAILABLE = "not available"
"""How the status of a metric begins whose source table does not exist."""
STATES = {
    "safe": ("safe", "better", "✓"),
    "tolerated": ("harm within tolerance", "unsure", "≈"),
    "harmed": ("harmed", "worse", "✕"),
    "insufficient": ("insufficient data", "unsure", "?"),
    "missing": ("not measurable", "unsure", "–"),
}
"""State → its English words, tone and sign."""


def guardrail_state(row: pd.Series, sign: int, tolerated: float) -> str:
    """The state of a guardrail from its interval.

    Args:
        row: One row of `estimates`.
        sign: +1 where more is better, −1 where less is.
        tolerated: Harm that is tolerated, in the metric's unit, without sign.

    Returns:
        ``safe``: harm beyond the margin is excluded. ``tolerated``: there is harm, but within
        the margin. ``harmed``: the interval lies wholly beyond it. ``insufficient``: the data
        do not tell. ``missing``: the profile has no source for it.
    """
    if not has_estimate(row):
        return "missing" if str(row["status"]).startswith(NOT_AVAILABLE) else "insufficient"
    low, high = sorted(sign * end for end in interval_of(row))
    if high < -tolerated:
        return "harmed"
    if low > -tolerated:
        return "tolerated" if high < 0 else "safe"
    return "insufficient"


def guardrails(inputs: Inputs, language: Language) -> Block:
    """Guardrails of every trusted experiment; nothing where there is none."""
    return _section("guardrails", inputs, language, ordinary=False)


def fairness(inputs: Inputs, language: Language) -> Block:
    """The same guardrails for ordinary customers alone; nothing where there is none."""
    return _section("fairness", inputs, language, ordinary=True)


def _section(template: str, inputs: Inputs, language: Language, *, ordinary: bool) -> Block:
    views = [v for v in experiment_views(inputs) if v.is_trusted and v.names_of("guardrail")]
    if not views:
        return Block("")
    shown = [guarded(view, language, ordinary=ordinary) for view in views]
    return rendered(template, language, experiments=shown)


def guarded(view: ExperimentView, language: Language, *, ordinary: bool) -> dict[str, Any]:
    """What one experiment shows of its guardrails, or of ordinary customers' alone."""
    rows = _rows(view, ordinary=ordinary)
    groups = _groups(view, [r for r in rows if ordinary or _is_whole(r)], language)
    return {
        "title": view.title(language),
        "charts": [_chart(view, who, group, language) for who, group in groups.items()],
        "table": _table(view, rows, language, "fairness" if ordinary else "guardrails"),
        "caveat": _caveat(view, language) if ordinary else "",
        "elsewhere": [] if ordinary else _harmed_elsewhere(view, language),
    }


def _harmed_elsewhere(view: ExperimentView, language: Language) -> list[str]:
    """Harm to ordinary customers in words: beside "nothing got worse" of all customers."""
    rows = _rows(view, ordinary=True)
    harmed: dict[str, list[str]] = {}
    for row in rows:
        metric = str(row["metric"])
        if _state(view, row, view.sign(metric), _tolerated(view, row)) == "harmed":
            label = inside(view.label_of(metric, language), language)
            harmed.setdefault(whose(view, row, language), []).append(label)
    return [
        language.text(
            "{who}: harmed beyond the tolerated limit in {metrics}; the next section shows it.",
            who=who, metrics=language.listed(metrics),
        )
        for who, metrics in harmed.items()
    ]  # fmt: skip


def _groups(
    view: ExperimentView, rows: list[pd.Series], language: Language
) -> dict[str, list[pd.Series]]:
    """Rows that can be drawn, by whose they are: those beside the treated first."""
    groups: dict[str, list[pd.Series]] = {}
    for row in sorted(rows, key=lambda row: row["estimand"] != "spillover"):
        if has_estimate(row) and _tolerated(view, row) > 0:
            groups.setdefault(whose(view, row, language), []).append(row)
    return groups


def _caveat(view: ExperimentView, language: Language) -> str:
    """What this design cannot show about ordinary customers."""
    if view.content.get("design") != "customer" or not view.is_of_customers:
        return ""
    return language.text(
        "Treated and untreated customers share depots and agents here: harm to ordinary customers "
        "by congestion cannot be measured in this design."
    )


def _rows(view: ExperimentView, *, ordinary: bool) -> list[pd.Series]:
    """Guardrail rows of everybody, or of the ordinary customers (lowest tiers, untreated)."""
    lowest = view.plan.ordinary_tiers if view.plan else ("regular",)
    rows = [row for m in view.names_of("guardrail") for _, row in view.rows(m).iterrows()]
    return [row for row in rows if _is_ordinary(row, lowest) == ordinary]


def _is_ordinary(row: pd.Series, lowest: tuple[str, ...]) -> bool:
    segment = tier_in(str(row["segment"]))
    return row["estimand"] == "spillover" or segment in lowest or segment == "ordinary"


def _tolerated(view: ExperimentView, row: pd.Series) -> float:
    control = 0.0 if pd.isna(row["value_control"]) else float(row["value_control"])
    return view.tolerated_harm(str(row["metric"]), control)


def _state(view: ExperimentView, row: pd.Series, sign: int, tolerated: float) -> str:
    """The state as it was decided on; worked out from the interval for old documents."""
    decided = view.guardrail(row)
    return str(decided["state"]) if decided else guardrail_state(row, sign, tolerated)


def _is_whole(row: pd.Series) -> bool:
    """Whether a row compares all treated with all untreated customers."""
    return bool(row["segment"] == "all" and row["estimand"] == "total")


def _chart(view: ExperimentView, who: str, rows: list[pd.Series], language: Language) -> Chart:
    """All guardrails of a group on one axis: 0 is no change, −1 the limit of tolerated harm."""
    drawn = [_interval_row(view, row, language) for row in rows]
    finding = _finding(view, rows, language)
    axis = language.text("← worse · in units of the tolerated harm · better →")
    listed = in_series((f"{row.label} {row.shown}" for row in drawn), language)
    return interval_plot(
        drawn,
        tick=lambda value: language.number(value, 0 if value == round(value) else 1, sign=True),
        axis=axis,
        line=Line(-1.0, language.text("limit of tolerated harm"), better=1, is_limit=True),
        finding=finding,
        measure=who,
        alternative=language.text(
            "{finding}. Interval plot of {who}, {axis}: {rows}.",
            finding=finding, who=who, rows=listed,
            axis=language.text("in units of the tolerated harm, worse on the left"),
        ),
    )  # fmt: skip


def _interval_row(view: ExperimentView, row: pd.Series, language: Language) -> IntervalRow:
    metric = str(row["metric"])
    sign, tolerated = view.sign(metric), _tolerated(view, row)
    words, tone, _ = STATES[_state(view, row, sign, tolerated)]
    low, high = sorted(sign * end / tolerated for end in interval_of(row))
    inner = sorted(sign * float(row[end]) / tolerated for end in ("ci_low", "ci_high"))
    return IntervalRow(
        label=view.label_of(metric, language),
        shown=language.text(
            "{effect}: {state}",
            effect=view.text_of(metric, language).effect(row["effect"]),
            state=language.text(words, context="guardrail"),
        ),
        estimate=sign * float(row["effect"]) / tolerated,
        low=low,
        high=high,
        inner_low=inner[0],
        inner_high=inner[1],
        tone=tone,
    )


def _finding(view: ExperimentView, rows: list[pd.Series], language: Language) -> str:
    """What the guardrails say together: the worst state first."""
    states: dict[str, list[str]] = {}
    for row in rows:
        metric = str(row["metric"])
        state = _state(view, row, view.sign(metric), _tolerated(view, row))
        label = inside(view.label_of(metric, language), language)
        if label not in states.setdefault(state, []):
            states[state].append(label)
    if "harmed" in states:
        source = "Harmed beyond the tolerated limit: {metrics}"
        return language.text(source, metrics=language.listed(states["harmed"]))
    if "insufficient" in states:
        source = "The data cannot yet rule out harm beyond the limit: {metrics}"
        return language.text(source, metrics=language.listed(states["insufficient"]))
    return language.text("Harm beyond the tolerated limit is ruled out for every guardrail")


def _table(
    view: ExperimentView, rows: list[pd.Series], language: Language, key: str
) -> ReadingTable | None:
    if not rows:
        return None
    headings = {
        "metric": language.text("Guardrail"),
        "who": language.text("Whose"),
        "state": language.text("State"),
        "effect": language.text("Difference"),
        "between": language.text("Interval"),
        "limit": language.text("Tolerated harm"),
    }
    return reading_table(
        pd.DataFrame([_table_row(view, row, language) for row in rows]),
        headings,
        caption=language.text("Guardrails of {title}", title=view.title(language)),
        numeric=("effect", "between", "limit"),
        stacks=True,
        key=f"{key}-{view.id}",
    )


def _table_row(view: ExperimentView, row: pd.Series, language: Language) -> dict[str, str]:
    metric = str(row["metric"])
    write, tolerated = view.text_of(metric, language), _tolerated(view, row)
    words, _, sign = STATES[_state(view, row, view.sign(metric), tolerated)]
    known = has_estimate(row)
    return {
        "metric": view.label_of(metric, language),
        "who": whose(view, row, language),
        "state": f"{sign} {language.text(words, context='guardrail')}",
        "effect": write.effect(row["effect"]) if known else MISSING,
        "between": write.span(*interval_of(row)) if known else view.status(row, language),
        "limit": write.effect(-view.sign(metric) * tolerated),
    }
