"""The month's headline figures as a dictionary: what other programs and next month read."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ..language import Language
from ..tables import TIERS
from ..workspace import Workspace
from .claims import claim_verdicts
from .data_quality import COUNTS, adds_up
from .experiment_view import ExperimentView, experiment_views, interval_of
from .headline import headline_figures
from .inputs import Inputs, gather
from .provenance import not_available
from .tier_moves import counts_of_moves

EFFECT_FIELDS = (
    "analysis_basis", "estimand", "metric", "kind", "role", "segment", "treatment", "control",
    "n_treatment", "n_control", "n_maturing", "value_treatment", "value_control", "effect",
    "effect_relative", "ci_low", "ci_high", "av_low", "av_high", "status",
)  # fmt: skip
"""Columns of `estimates` that the summary repeats."""


def summary(workspace: Workspace) -> dict[str, Any]:
    """Headline figures of a month, ready for ``summary.json``.

    Args:
        workspace: The month.

    Returns:
        profile, month, currency; ``last_year`` (the month of last year that this one is compared
        with, aligned by festival); ``headline`` (key → value, previous, year_ago, and the largest
        change on either that chance alone explains, chance_previous and chance_year_ago; null
        where unknown); ``experiments`` (id, title, verdict, gates, effects); ``tiers`` and
        ``moves`` (counts); ``calls_n``; ``rows`` (read, kept, rejected, merged); ``claims``
        (claim → verdict); ``not_available`` (phrases by language). Amounts in the currency, rates
        as fractions, complaints a shipment, waits in minutes, NPS in points.
    """
    inputs = gather(workspace)
    calls = inputs.frame("calls")
    return {
        "schema_version": 1,
        "profile": inputs.profile.profile,
        "title": inputs.profile.title.model_dump(),
        "month": str(inputs.month),
        "currency": inputs.profile.money.currency,
        "last_year": str(inputs.last_year),
        "headline": _headline(inputs),
        "experiments": [_experiment(view) for view in experiment_views(inputs)],
        "tiers": _tiers(inputs),
        "moves": None if inputs.tier_counts is None else counts_of_moves(inputs.frame("moves")),
        "calls_n": None if calls is None else len(calls),
        "rows": _rows(inputs),
        "claims": claim_verdicts(inputs.frame("claims")),
        "not_available": {
            code: not_available(inputs, Language(code)) for code in inputs.profile.languages
        },
    }


def _headline(inputs: Inputs) -> dict[str, dict[str, float | None]]:
    return {
        figure.spec.key: {
            "value": _number(figure.value),
            "previous": _number(figure.previous),
            "year_ago": _number(figure.year_ago),
            "chance_previous": _number(figure.chance[0]),
            "chance_year_ago": _number(figure.chance[1]),
        }
        for figure in headline_figures(inputs.figures, inputs.month, inputs.last_year)
    }


def _experiment(view: ExperimentView) -> dict[str, Any]:
    verdict = view.verdict
    return {
        "id": view.id,
        "title": {code: view.title(Language(code)) for code in ("zh", "en")},
        "owner": view.content.get("owner"),
        "verdict": view.decision,
        "segments": list(verdict.get("segments") or ()),
        "exploratory": bool(view.content.get("exploratory")),
        "gates": [
            {
                "gate": str(row["gate"]),
                "alarmed": bool(row["alarmed"]),
                "p_value": _number(row["p_value"]),
            }
            for _, row in view.checks.iterrows()
        ],
        "effects": [_effect(row) for _, row in view.estimates.iterrows()],
    }


def _effect(row: pd.Series) -> dict[str, Any]:
    low, high = interval_of(row)
    content = {name: _plain(row.get(name)) for name in EFFECT_FIELDS}
    return {**content, "low": _number(low), "high": _number(high)}


def _tiers(inputs: Inputs) -> dict[str, int] | None:
    if inputs.tier_counts is None:
        return None
    counts = inputs.tier_counts.groupby("tier")["customers_n"].sum()
    return {tier: int(counts.get(tier, 0)) for tier in TIERS}


def _rows(inputs: Inputs) -> dict[str, Any] | None:
    ledger = inputs.frame("ledger")
    if ledger is None:
        return None
    totals = {name.removeprefix("rows_"): int(ledger[name].sum()) for name in COUNTS}
    return {**totals, "adds_up": adds_up(ledger)}


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() and not isinstance(value, float) else _number(number)


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) or not math.isfinite(value) else float(value)
