"""Parts of the report of one experiment: the ladder of rules, the plan, segments, caveats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from ..experiment import Evaluation
from ..figures import ReadingTable, reading_table
from ..language import MISSING, Language
from ..params.experiment import ExperimentSpec
from .experiment_view import ExperimentView, arm_name, interval_of, told, whose
from .findings import has_estimate

LADDER = (
    ("do_not_trust", "Do not trust, if a check of the data alarms"),
    ("stop_harm", "Stop: harm, if a guardrail or a primary metric got worse beyond doubt"),
    ("roll_out", "Roll out, if every primary metric gained, guardrails are safe and it pays"),
    ("roll_out_to", "Roll out to segments, if that holds in segments named beforehand"),
    ("stop_no_effect", "Stop: no worthwhile effect, if the gain is too small to be worth it"),
    ("inconclusive", "Inconclusive, if no planned look is left"),
    ("continue", "Continue, as long as none of these holds"),
)
"""Decision → its rule, in the order in which they are asked."""
KINDS = {
    "mean": "mean per unit",
    "proportion": "share of units",
    "ratio": "ratio of sums",
    "nps": "NPS",
    "survival": "time until the event",
}
ROLES = {"primary": "primary", "secondary": "secondary", "guardrail": "guardrail"}
MOST_CAVEATS = 12


def ladder(view: ExperimentView, language: Language) -> list[dict[str, object]]:
    """The rules in their order: passed by, applied, or not asked any more."""
    reached = next(i for i, (code, _) in enumerate(LADDER) if code == view.decision)
    return [
        {
            "words": language.text(words, context="rule"),
            "state": "applies" if i == reached else "passed" if i < reached else "later",
            "told": language.text(_state(i, reached), context="rule"),
        }
        for i, (_, words) in enumerate(LADDER)
    ]


def _state(place: int, reached: int) -> str:
    return "applies" if place == reached else "does not apply" if place < reached else "not asked"


def planned(spec: ExperimentSpec, view: ExperimentView, language: Language) -> ReadingTable:
    """What was planned: one row a metric."""
    rows = [
        {
            "metric": view.label_of(metric.name, language),
            "role": language.text(ROLES[metric.role], context="role"),
            "kind": language.text(KINDS[metric.kind], context="kind"),
            "better": language.text(
                "more" if metric.sign > 0 else "less", context="better"
            ),
            "aim": _aim(view, metric.name, metric.minimum_effect, metric.margin, language),
        }
        for metric in spec.metrics
    ]  # fmt: skip
    headings = {
        "metric": language.text("Metric"),
        "role": language.text("Role"),
        "kind": language.text("Measured as"),
        "better": language.text("Better is"),
        "aim": language.text("Worthwhile from, or tolerated harm"),
    }
    return reading_table(
        pd.DataFrame(rows), headings, caption=_caption(spec, language), numeric=("aim",),
        stacks=True, key=f"plan-{spec.id}",
    )  # fmt: skip


def _aim(
    view: ExperimentView, name: str, least: float | None, margin: float | None, language: Language
) -> str:
    limit = least if least is not None else margin
    return MISSING if limit is None else view.text_of(name, language).size(limit)


def _caption(spec: ExperimentSpec, language: Language) -> str:
    """Arms, shares and looks in one line."""
    arms = [
        language.text("{arm} {n}", arm=arm_name(arm, language), n=language.percent(share, 0))
        for arm, share in spec.allocation.items()
    ]
    looks = (
        language.text("looks while units arrive, {n} planned", n=language.number(spec.planned_n))
        if spec.looks_kind == "accrual"
        else language.plural("{n} look planned", "{n} looks planned", spec.looks_planned or 1)
    )
    return language.text(
        "Planned: {arms}; control {control}; {looks}", arms=language.listed(arms),
        control=arm_name(spec.control, language), looks=looks,
    )  # fmt: skip


def segments_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """Segments: each interval on its own, and at the level that all of them share."""
    shared = {_key(entry): (entry["low"], entry["high"]) for entry in view.content["corrected"]}
    rows = [
        _segment_row(view, row, shared.get(_key(row)), language)
        for metric in view.names_of("primary")
        for _, row in view.rows(metric).iterrows()
        if row["segment"] != "all"
    ]
    if not rows:
        return None
    headings = {
        "who": language.text("Whose"),
        "effect": language.text("Difference"),
        "between": language.text("Interval by itself"),
        "shared": language.text("Interval for all segments together"),
        "p": language.text("p after Holm"),
        "n": language.text("Units", context="column"),
    }
    return reading_table(
        pd.DataFrame(rows), headings,
        caption=language.text("Segments named before the start"),
        numeric=("effect", "between", "shared", "p", "n"),
        group="metric", stacks=True, key=f"segments-{view.id}",
    )  # fmt: skip


def _segment_row(
    view: ExperimentView, row: pd.Series, shared: tuple[float, float] | None, language: Language
) -> dict[str, str]:
    metric = str(row["metric"])
    write, known = view.text_of(metric, language), has_estimate(row)
    return {
        "metric": view.label_of(metric, language),
        "who": whose(view, row, language),
        "effect": write.effect(row["effect"]) if known else MISSING,
        "between": write.span(*interval_of(row)) if known else view.status(row, language),
        "shared": write.span(*shared) if shared else MISSING,
        "p": _p(row["p_adjusted"]),
        "n": " / ".join(language.number(n) for n in (row["n_treatment"], row["n_control"])),
    }


def readings_table(view: ExperimentView, language: Language) -> ReadingTable | None:
    """What stands beside the metrics and decides nothing: response, users of the service, loss."""
    frame = view.estimates
    beside = frame[(frame["role"] == "reading") | (frame["analysis_basis"] != "intention_to_treat")]
    beside = beside[(beside["segment"] == "all") & beside["effect"].notna()]
    rows = [_reading_row(view, row, language) for _, row in beside.iterrows()]
    if not rows:
        return None
    headings = {
        "reading": language.text("Reading"),
        "effect": language.text("Difference"),
        "between": language.text("Interval"),
        "note": language.text("To be known"),
    }
    return reading_table(
        pd.DataFrame(rows), headings,
        caption=language.text("Further readings; they decide nothing"),
        numeric=("effect", "between"), stacks=True, key=f"readings-{view.id}",
    )  # fmt: skip


def _reading_row(view: ExperimentView, row: pd.Series, language: Language) -> dict[str, str]:
    metric = str(row["metric"])
    write = view.text_of(metric, language)
    name = view.reading_of(metric, language)
    if row["analysis_basis"] == "complier":
        name = language.text("{metric}, per unit that used it", metric=name)
    low, high = float(row["ci_low"]), float(row["ci_high"])
    known = math.isfinite(low) and math.isfinite(high)
    return {
        "reading": name,
        "effect": write.effect(row["effect"]),
        "between": write.span(low, high) if known else view.status(row, language),
        "note": " ".join(_sentences(view.notes(row, language))),
    }


def caveats(found: Evaluation, view: ExperimentView, language: Language) -> list[str]:
    """What must be known beside the figures, each remark once, with whom it concerns."""
    told_by_note: dict[str, list[str]] = {}
    for remark in view.content["remarks"]:
        if remark["segment"] != "all" or remark["bound"]:
            continue
        name = view.reading_of(str(remark["metric"]), language)
        for note in remark["notes"]:
            names = told_by_note.setdefault(told(note, language), [])
            names += [] if name in names else [name]
    lines = [
        language.text("{metrics}: {note}", metrics=language.listed(names), note=note)
        for note, names in told_by_note.items()
    ]
    return [*_gaps(found, language), *_sentences(lines[:MOST_CAVEATS])]


def _gaps(found: Evaluation, language: Language) -> list[str]:
    """What the plan leaves open that a reader may take for settled."""
    spec = found.experiment
    lines = []
    if not any(metric.role == "guardrail" for metric in spec.metrics):
        lines.append(
            language.text("The plan names no guardrail: harm elsewhere was not looked for.")
        )
    if not spec.covariates:
        lines.append(
            language.text(
                "No covariate from before the start is used: whether the arms were alike before "
                "is not known, and intervals are wider than they could be."
            )
        )
    if any(metric.minimum_effect is None for metric in spec.metrics if metric.role == "primary"):
        lines.append(
            language.text(
                "A primary metric has no worthwhile effect in the plan: any gain counts, however "
                "small."
            )
        )
    return lines


def _sentences(lines: Iterable[str]) -> list[str]:
    return [line if line.endswith((".", "。")) else f"{line}" for line in lines]


def _key(row: object) -> tuple[str, ...]:
    names: Sequence[str] = ("analysis_basis", "estimand", "metric", "segment", "treatment", "bound")
    return tuple(str(row[name]) for name in names)  # type: ignore[index]


def _p(value: object) -> str:
    return MISSING if pd.isna(value) else f"{value:.3g}"  # type: ignore[call-overload]
