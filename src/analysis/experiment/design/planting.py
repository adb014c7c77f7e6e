"""Effects planted in units of the past, so that a rehearsal knows what must be found.

Every effect is planted as the metric allows: amounts and counts are shifted, some customers are
turned from no to yes, up one group of the NPS, or into such that stay.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...params.metric import Metric
from ..estimators.nps import nps_values
from ..estimators.results import BoolArray, FloatArray

PASSIVE, PROMOTER = 7, 9
"""Lowest scores of passives and promoters."""
POINTS = 100.0


def planted(
    units: pd.DataFrame,
    treated: BoolArray,
    metric: Metric,
    effect: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Units of whom the treated have a better metric by an effect, on average over draws.

    Args:
        units: One row a unit; not changed.
        treated: (n,) those that the effect comes to.
        metric: Whose columns change.
        effect: Size in the metric's own unit, above zero; its direction is the better one.
        rng: Chooses who changes where not everybody does.

    Returns:
        A copy with the metric's columns changed.

    Raises:
        ValueError: The metric has no room for such an effect, see `room`.
    """
    if metric.kind == "ratio":
        top = units[metric.numerator].astype(float)
        step = metric.sign * effect * units[metric.denominator].astype(float)
        return units.assign(**{str(metric.numerator): top.where(~treated, top + step)})
    if metric.kind == "mean":
        values = units[metric.column].astype(float)
        return units.assign(
            **{str(metric.column): values.where(~treated, values + metric.sign * effect)}
        )
    most = room(units, metric)
    chance = effect / most if effect else 0.0
    if chance > 1:
        raise ValueError(f"{metric.name}: an effect of {effect} is more than its room")
    chosen = treated & (rng.random(len(units)) < chance)
    return _turned(units, chosen, metric)


def room(units: pd.DataFrame, metric: Metric) -> float:
    """The effect if everybody changed that can: the most that can be planted."""
    if metric.kind in ("mean", "ratio"):
        return float("inf")
    everyone = np.ones(len(units), dtype=bool)
    before, after = _numbers(units, metric), _numbers(_turned(units, everyone, metric), metric)
    used = np.isfinite(before)
    return abs(float(after[used].mean() - before[used].mean())) if used.any() else 0.0


def _numbers(units: pd.DataFrame, metric: Metric) -> FloatArray:
    """(n,) what the metric averages: 0/1, points, or days up to the horizon."""
    column = metric.duration if metric.kind == "survival" else metric.column
    values = units[column].to_numpy(dtype=np.float64, na_value=np.nan)
    if metric.eligible:
        values = np.where(units[metric.eligible].fillna(False).astype(bool), values, np.nan)
    return nps_values(values).values if metric.kind == "nps" else values


def _turned(units: pd.DataFrame, chosen: BoolArray, metric: Metric) -> pd.DataFrame:
    """Units of whom the chosen have the better value, where they have one at all."""
    if metric.kind == "survival":
        days = units[metric.duration].astype(float)
        gone = units[metric.event].astype(bool)
        stays = days.where(~chosen | days.isna(), float(metric.horizon or 0))
        changed: dict[str, Any] = {str(metric.duration): stays, str(metric.event): gone & ~chosen}
        return units.assign(**changed)
    values = units[metric.column].astype(float)
    better = _a_group_up(values) if metric.kind == "nps" else _best(values, metric)
    return units.assign(**{str(metric.column): values.where(~chosen | values.isna(), better)})


def _a_group_up(scores: pd.Series) -> pd.Series:
    up = scores.where(scores >= PASSIVE, PASSIVE)
    return up.where(scores < PASSIVE, scores.clip(lower=PROMOTER))


def _best(values: pd.Series, metric: Metric) -> pd.Series:
    return pd.Series(1.0 if metric.sign > 0 else 0.0, index=values.index)
