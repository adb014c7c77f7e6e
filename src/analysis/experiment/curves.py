"""Retention curves: the share of customers not yet lost, day by day after assignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..params.metric import Metric
from .estimators.cluster_curves import clustered_band
from .estimators.results import BoolArray, FloatArray, IntArray
from .estimators.survival import Curve, kaplan_meier
from .study import Study

COLUMNS = ("experiment", "arm", "day", "survival", "low", "high", "at_risk")
MOST_POINTS = 400
"""Points of one curve: more than a chart can show."""


def curves_table(study: Study) -> pd.DataFrame:
    """Kaplan-Meier curves with their intervals, of the first survival metric.

    Greenwood's where units were randomised; where clusters were, an interval that knows that
    their units are alike (`clustered_band`).

    Returns:
        One row an arm and day (day 0 and each day with an event), up to the horizon; empty where
        the plan has no survival metric or nobody has completed its horizon. In a saturation
        design only the clusters whose share is 0 or 1.
    """
    metric = next(
        (
            f.metric
            for f in study.followed
            if f.metric.kind == "survival" and f.declared and f.name not in study.unavailable
        ),
        None,
    )
    frames = [] if metric is None else [_curve(study, metric, arm) for arm in study.spec.allocation]
    found = [frame for frame in frames if len(frame)]
    return pd.concat(found, ignore_index=True) if found else no_curves()


def _curve(study: Study, metric: Metric, arm: str) -> pd.DataFrame:
    rows = study.in_arm(arm) & study.eligible(metric) & study.matured(metric)
    if study.spec.design == "saturation":
        rows &= np.isin(study.numbers(study.spec.share), (0.0, 1.0))
    duration = study.numbers(str(metric.duration))
    rows &= np.isfinite(duration) & (duration >= 0)
    if not rows.any():
        return no_curves()
    event = study.flags(str(metric.event))[rows]
    clusters = None
    if study.spec.cluster and study.spec.design != "customer":
        clusters = pd.factorize(study.units[study.spec.cluster])[0][rows]
    return _frame(study, metric, arm, duration[rows], event, clusters)


def _frame(
    study: Study,
    metric: Metric,
    arm: str,
    duration: FloatArray,
    event: BoolArray,
    clusters: IntArray | None,
) -> pd.DataFrame:
    """One row a point of the curve that is drawn."""
    horizon = float(metric.horizon or 0)
    curve = kaplan_meier(duration, event)
    shown = _shown(curve, horizon)
    low, high = curve.low[shown], curve.high[shown]
    if clusters is not None and len(shown):
        band = clustered_band(curve, duration, event, clusters, shown)
        low, high = band.low, band.high
    frame = pd.DataFrame(
        {
            "experiment": study.spec.id,
            "arm": arm,
            "day": np.r_[0.0, curve.time[shown]],
            "survival": np.r_[1.0, curve.survival[shown]],
            "low": np.r_[1.0, low],
            "high": np.r_[1.0, high],
            "at_risk": np.r_[curve.at_risk[:1], curve.at_risk[shown]].astype("int64"),
        }
    )
    at_end = frame.iloc[-1:].assign(day=horizon)
    return pd.concat([frame, at_end]).drop_duplicates("day", keep="last", ignore_index=True)


def _shown(curve: Curve, horizon: float) -> IntArray:
    """(t,) positions of the curve's times that are drawn, and of the last one until the horizon."""
    falls = (curve.time <= horizon) & (curve.events > 0)
    falls &= np.arange(len(falls)) % max(1, int(falls.sum()) // MOST_POINTS) == 0
    last = np.searchsorted(curve.time, horizon, side="right") - 1
    return np.unique(np.r_[np.flatnonzero(falls), last if last >= 0 else []]).astype(np.intp)


def no_curves() -> pd.DataFrame:
    """No curve, with the columns of the table."""
    kinds = {"experiment": "str", "arm": "str", "at_risk": "int64"}
    frame = pd.DataFrame(columns=list(COLUMNS))
    return frame.astype({name: kinds.get(name, "float64") for name in COLUMNS})
