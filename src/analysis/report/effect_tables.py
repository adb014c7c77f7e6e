"""The effects of an experiment as tables: every estimate, the answers' bounds, the checks."""

from __future__ import annotations

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import MISSING, Language
from .experiment_view import ExperimentView, arm_name, interval_of, whose
from .findings import has_estimate
from .verdicts import gate_name, gate_note

BOUNDS = (
    ("lee", "Those who answer in either group (Lee bounds)"),
    ("worst", "Whatever the silent would have said (worst case)"),
)


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
        "n": language.text("Customers" if view.is_of_customers else "Units", context="column"),
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
    frame = view.estimates
    plain = frame[(frame["metric"] == f"{metric}_unweighted") & (frame["segment"] == "all")]
    rows += [
        {"reading": language.text("Respondents as they are, without weights"),
         "effect": write.effect(row["effect"]), "range": write.span(*interval_of(row))}
        for _, row in plain.head(1).iterrows() if has_estimate(row)
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


def _result(row: pd.Series) -> str:
    """Whether a check was passed; one that had nothing to look at was not."""
    if row["alarmed"]:
        return "failed"
    blind = row["gate"] == "pre_period" and pd.isna(row["p_value"])
    return "not possible" if blind else "passed"


def checks_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """The gates: each check with its result."""
    if view.checks.empty:
        return None
    rows = [
        {
            "gate": gate_name(str(row["gate"]), view, language),
            "result": language.text(_result(row), context="gate"),
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
