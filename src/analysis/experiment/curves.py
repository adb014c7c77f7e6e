"""Retention curves: the share of customers not yet lost, day by day after assignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..params.metric import Metric
from .estimators.survival import Curve, kaplan_meier
from .study import Study

COLUMNS = ("experiment", "arm", "day", "survival", "low", "high", "at_risk")
MOST_POINTS = 400
"""Points of one curve: more than a chart can show."""


def curves_table(study: Study) -> pd.DataFrame:
    """Kaplan-Meier curves with Greenwood's interval, of the first survival metric.

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
    return _frame(study, metric, arm, kaplan_meier(duration[rows], event))


def _frame(study: Study, metric: Metric, arm: str, curve: Curve) -> pd.DataFrame:
    horizon = float(metric.horizon or 0)
    keep = (curve.time <= horizon) & (curve.events > 0)
    keep &= np.arange(len(keep)) % max(1, int(keep.sum()) // MOST_POINTS) == 0
    day = np.concatenate([[0.0], curve.time[keep], [horizon]])
    last = np.searchsorted(curve.time, horizon, side="right") - 1

    def column(values: np.ndarray, first: float) -> np.ndarray:
        end = values[last] if last >= 0 else first
        return np.concatenate([[first], values[keep], [end]])

    frame = pd.DataFrame(
        {
            "experiment": study.spec.id,
            "arm": arm,
            "day": day,
            "survival": column(curve.survival, 1.0),
            "low": column(curve.low, 1.0),
            "high": column(curve.high, 1.0),
            "at_risk": column(curve.at_risk, float(curve.at_risk[0])).astype("int64"),
        }
    )
    return frame.drop_duplicates("day", keep="last", ignore_index=True)


def no_curves() -> pd.DataFrame:
    """No curve, with the columns of the table."""
    kinds = {"experiment": "str", "arm": "str", "at_risk": "int64"}
    frame = pd.DataFrame(columns=list(COLUMNS))
    return frame.astype({name: kinds.get(name, "float64") for name in COLUMNS})
