"""The looks before the last one of a rehearsal: the same draw, read as it stood then.

A metric whose window has no end is read at every planned look. History tells what it was at each
of them, so a draw can be followed through its looks as the experiment will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from .history import History
from .planting import room

LEVELS = ("nps", "ratio")
"""Kinds whose effect is as large at the first look as at the last: they are no sums over time."""


def as_drawn(history: History, units: pd.DataFrame) -> list[pd.DataFrame]:
    """The units of a draw as they stood at each earlier look.

    Args:
        history: With its earlier looks.
        units: One row a unit, with its arm; values of the last look.

    Returns:
        One table a look in the columns of `units`: values of that look in the metrics that are
        looked at again.
    """
    unit = history.spec.unit
    names = [c for c in _columns(history) if c in units]
    return [
        units.assign(**then.set_index(unit).loc[units[unit], names].reset_index(drop=True))
        for then in history.earlier
    ]


def effects_so_far(
    history: History, effects: Mapping[str, float], spec: ExperimentSpec
) -> Iterator[dict[str, float]]:
    """What of each planted effect is there at each earlier look.

    Sums over time (amounts, counts) and shares of those that did something so far grow with the
    days; answers and ratios differ from the first day on. Where customers are turned, as many of
    them are as the look's days are of all.
    """
    looks = len(history.earlier) + 1
    for k, then in enumerate(history.earlier, start=1):
        share = k / looks
        yield {
            name: _so_far(effect, spec.metric(name), share, history.units, then)
            if name in history.looked_at
            else effect
            for name, effect in effects.items()
        }


def _so_far(
    effect: float, metric: Metric, share: float, units: pd.DataFrame, then: pd.DataFrame
) -> float:
    is_level = metric.kind in LEVELS or metric.answered is not None
    grown = 1.0 if is_level else share
    if metric.kind in ("mean", "ratio"):
        return effect * grown
    return effect * grown * room(then, metric) / room(units, metric)


def _columns(history: History) -> list[str]:
    metrics = [m for m in history.spec.metrics if m.name in history.looked_at]
    return [c for m in metrics for c in (*m.columns, m.matured) if c]
