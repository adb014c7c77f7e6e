"""How many of the customers counted as lost shipped again: whether the churn window is right."""

from __future__ import annotations

import numpy as np

from ..message import Message, Value
from ..panel import LONGEST_WINDOW_DAYS
from ..params.metric import Metric
from .estimation import Cell
from .followed import churn_factor
from .survival import FACTOR, RETURNED
from .window_factor import MOST_RETURNED

NOISE = 2.0
"""Standard errors by which a share may lie above the limit without being told as too large."""


def coming_back_notes(cell: Cell, metric: Metric) -> tuple[Message, ...]:
    """The share that shipped again, and how long the churn window was made for it.

    Returns:
        Nothing where the pipeline did not measure it, or nobody was lost.
    """
    study, rows = cell.study, cell.rows
    column = f"{metric.name}{RETURNED}"
    if column not in study.units.columns:
        return ()
    lost = (study.eligible(metric) & study.matured(metric) & study.flags(str(metric.event)))[rows]
    if not lost.any():
        return ()
    told = _share(float(study.flags(column)[rows][lost].mean()), int(lost.sum()))
    return (told, *_window(cell, metric))


def _share(share: float, n: int) -> Message:
    values = {"share": Value("percent", share, 0), "n": Value("number", n)}
    noise = NOISE * np.sqrt(MOST_RETURNED * (1 - MOST_RETURNED) / n)
    if share <= MOST_RETURNED + noise:
        return Message("{share} of the {n} customers counted as lost shipped again", values)
    return Message(
        "{share} of the {n} customers counted as lost shipped again: the churn window is too "
        "short for them, and part of what is read as leaving is a pause",
        values,
    )


def _window(cell: Cell, metric: Metric) -> tuple[Message, ...]:
    """The factor on the churn window, or that none could be learnt."""
    column = f"{metric.name}{FACTOR}"
    if column not in cell.study.units.columns:
        return ()
    factor = cell.study.numbers(column)[cell.rows]
    known = factor[np.isfinite(factor)]
    if not len(known):
        return (
            Message(
                "the history before assignment is too short to learn how long customers pause: the "
                "churn window is that of steady shipping"
            ),
        )
    if known[0] == 1:
        return ()
    times = float(known[0]) * churn_factor(metric)
    values = {
        "factor": Value("number", times, 2),
        "most": Value("number", LONGEST_WINDOW_DAYS * churn_factor(metric)),
    }
    return (
        Message(
            "the churn window is {factor} times that of steady shipping, at most {most} days, "
            "learnt from how long customers paused before assignment",
            values,
        ),
    )
