"""Tables of an evaluation for a reader in a notebook: one question each."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..language import Language, LanguageCode
from ..params.experiment import ExperimentSpec
from .estimate import COMPLIER, ITT, WHOLE
from .followed import NET_VALUE, WHILE_STAYING
from .monthly import MonthlyEvaluation

_NUMBERS = [
    "value_treatment",
    "value_control",
    "effect",
    "av_low",
    "av_high",
    "av_p_value",
    "p_adjusted",
]
_KEY = ["experiment", "estimand", "metric", "role", "segment", "treatment"]
_SIZES = ["n_treatment", "n_control", "n_maturing", "clusters"]


def plans(experiments: Iterable[ExperimentSpec]) -> pd.DataFrame:
    """What was planned: one row a metric of an experiment."""
    rows = [
        {
            "experiment": spec.id,
            "owner": str(spec.owner or ""),
            "design": spec.design,
            "starts_on": spec.starts_on,
            "metric": metric.name,
            "role": metric.role,
            "kind": metric.kind,
            "direction": metric.direction,
            "window": str(list(metric.window)) if metric.window else f"{metric.horizon} days",
            "minimum_effect": metric.minimum_effect,
            "margin": metric.margin,
        }
        for spec in experiments
        for metric in spec.metrics
    ]
    columns = ["experiment", "owner", "design", "starts_on", "metric", "role", "kind"]
    columns += ["direction", "window", "minimum_effect", "margin"]
    return pd.DataFrame(rows, columns=columns)


def effects(found: MonthlyEvaluation) -> pd.DataFrame:
    """Every planned metric on all units: who is compared, the effect and its interval."""
    rows = found.estimates
    kept = rows[_is_main(rows) & (rows["segment"] == WHOLE) & (rows["role"] != "reading")]
    return kept[[*_KEY, *_SIZES, *_NUMBERS, "status"]].reset_index(drop=True)


def effects_by_segment(found: MonthlyEvaluation) -> pd.DataFrame:
    """The primary metrics in each segment; p values are Holm's over the segments."""
    rows = found.estimates
    kept = rows[_is_main(rows) & (rows["segment"] != WHOLE) & (rows["role"] == "primary")]
    return kept[[*_KEY, "n_treatment", "n_control", *_NUMBERS, "note"]].reset_index(drop=True)


def readings_of_answers(found: MonthlyEvaluation) -> pd.DataFrame:
    """Metrics that can go unanswered: weighted, unweighted, response itself, and the bounds."""
    rows = found.estimates
    asked = rows.loc[rows["bound"] != "", ["experiment", "metric"]].drop_duplicates()
    names = {
        (row.experiment, f"{row.metric}{suffix}")
        for row in asked.itertuples()
        for suffix in ("", "_unweighted", "_response")
    }
    mine = [key in names for key in zip(rows["experiment"], rows["metric"], strict=True)]
    kept = rows[pd.Series(mine, index=rows.index, dtype=bool) & (rows["estimand"] == "total")]
    kept = kept[(kept["segment"] == WHOLE) & (kept["analysis_basis"] == ITT)]
    columns = ["experiment", "metric", "bound", "n_treatment", "n_control", "effect"]
    return kept[[*columns, "ci_low", "ci_high", "note"]].reset_index(drop=True)


def fairness(found: MonthlyEvaluation) -> pd.DataFrame:
    """Guardrails of all customers and of ordinary ones: did anything get worse?"""
    rows = found.estimates
    kept = rows[_is_main(rows) & (rows["role"] == "guardrail")]
    return kept[[*_KEY, *_NUMBERS, "status"]].reset_index(drop=True)


def money(found: MonthlyEvaluation) -> pd.DataFrame:
    """Margin, cost to serve and net value per customer in the window."""
    rows = found.estimates
    names = {
        metric.name
        for evaluation in found.evaluations
        for metric in evaluation.experiment.metrics
        if metric.is_money
    }
    kept = rows[_is_main(rows) & rows["metric"].isin([*names, NET_VALUE, WHILE_STAYING])]
    return kept[[*_KEY, *_NUMBERS, "status"]].reset_index(drop=True)


def used_effects(found: MonthlyEvaluation) -> pd.DataFrame:
    """The effect on those who used the service, with assignment as the instrument."""
    rows = found.estimates
    kept = rows[(rows["analysis_basis"] == COMPLIER) & (rows["segment"] == WHOLE)]
    columns = ["effect", "ci_low", "ci_high", "p_value", "status", "note"]
    return kept[[*_KEY, *columns]].reset_index(drop=True)


def verdicts(found: MonthlyEvaluation, language: LanguageCode = "en") -> pd.DataFrame:
    """The verdicts in sentences: decision, reasons, and what is missing or would change it."""
    told = Language(language)
    rows = [
        (evaluation.experiment.id, evaluation.verdict.decision, part, message.in_(told))
        for evaluation in found.evaluations
        for part, messages in (
            ("headline", (evaluation.verdict.headline,)),
            ("reason", evaluation.verdict.reasons),
            ("need", evaluation.verdict.needs),
        )
        for message in messages
    ]
    return pd.DataFrame(rows, columns=["experiment", "decision", "part", "text"])


def _is_main(rows: pd.DataFrame) -> pd.Series:
    """Rows that say what the assignment did, without bounds."""
    return (rows["analysis_basis"] == ITT) & (rows["bound"] == "")
