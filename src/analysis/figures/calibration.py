"""Forecast against what happened, by tenth of the customers: the nearer to the line, the better."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..language import Language
from ..params import Profile
from ..value.churn import ChurnRisk
from ..value.lifetime import HeldOut
from .chart import Chart, published
from .fonts import chart_style
from .palette import ACCENT, MUTED, NEUTRAL

WIDTH, HEIGHT = 4.1, 3.6


def lifetime_chart(found: HeldOut, profile: Profile) -> Chart | None:
    """Shipping days forecast for the hidden months, and those seen.

    Args:
        found: What `held_out` returned.
        profile: Its first language is that of the words.

    Returns:
        The chart; None where no model could be checked.
    """
    if found.errors.empty:
        return None
    speak = Language(profile.languages[0])
    errors, rows = found.errors.set_index("forecast"), found.calibration
    off = float(errors.total_error["model"])
    months = {
        "first": speak.month(str(errors.from_month["model"])),
        "last": speak.month(str(errors.to_month["model"])),
    }
    share = speak.percent(abs(off), 1)
    finding = (
        speak.text("The forecast of shipping days from {first} to {last} was {share} too high.",
                   share=share, **months)
        if off >= 0
        else speak.text("The forecast of shipping days from {first} to {last} was {share} too low.",
                        share=share, **months)
    )  # fmt: skip
    against = speak.text(
        "A customer was off by {model} days on average; by {same} had each gone on as before.",
        model=speak.number(errors.mean_absolute_error["model"], 1),
        same=speak.number(errors.mean_absolute_error["same_pace"], 1),
    )
    return calibration_plot(
        rows,
        tick=lambda days: speak.number(days),
        axes_named=(speak.text("days forecast"), speak.text("days seen")),
        finding=finding,
        measure=speak.text(
            "Shipping days a customer, one point a tenth of the customers, with the 95% interval "
            "of the mean; on the line forecast and seen are equal."
        ),
        alternative=f"{finding} {_ends(rows, speak, lambda v: speak.number(v, 1))} {against}",
        notes=(against,),
    )


def churn_chart(found: ChurnRisk, profile: Profile) -> Chart | None:
    """Risk forecast at the origins of the backtest, and the share that was lost.

    Args:
        found: What `churn_risk` returned.
        profile: Its first language is that of the words.

    Returns:
        The chart of the sharp model; None where nothing could be tested.
    """
    rows = found.calibration[found.calibration.model == "boosted"]
    if rows.empty:
        return None
    speak = Language(profile.languages[0])
    highest = rows.iloc[-1]
    finding = speak.text(
        "Of the customers at highest risk {actual} were lost; {forecast} were forecast.",
        actual=speak.percent(highest.actual, 1),
        forecast=speak.percent(highest.forecast, 1),
    )
    return calibration_plot(
        rows,
        tick=lambda share: speak.percent(share),
        axes_named=(speak.text("risk forecast"), speak.text("share lost")),
        finding=finding,
        measure=speak.text(
            "Customers lost within {n} months, one point a tenth of the cases, with the 95% "
            "interval of the share; on the line forecast and seen are equal.",
            n=speak.number(profile.value.churn.months_ahead),
        ),
        alternative=f"{finding} {_ends(rows, speak, lambda v: speak.percent(v, 1))}",
    )


def _ends(rows: pd.DataFrame, speak: Language, written: Callable[[float], str]) -> str:
    low, high = rows.iloc[0], rows.iloc[-1]
    return speak.text(
        "Lowest tenth: forecast {low_forecast}, seen {low_actual}; highest: forecast "
        "{high_forecast}, seen {high_actual}.",
        low_forecast=written(low.forecast),
        low_actual=written(low.actual),
        high_forecast=written(high.forecast),
        high_actual=written(high.actual),
    )


def calibration_plot(
    rows: pd.DataFrame,
    *,
    tick: Callable[[float], str],
    axes_named: tuple[str, str],
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Draw what was seen over what was forecast, with the line on which both are equal.

    Both axes rise with the square root, so that small and large forecasts can be told apart.

    Args:
        rows: One row a group: forecast, actual, low, high (95 % interval of what was seen).
        tick: Writes a value of an axis.
        axes_named: What lies across, and what upwards.
        finding, measure, alternative, notes: As `Chart` says.
    """
    from matplotlib.figure import Figure

    top = 1.06 * float(rows[["forecast", "actual", "high"]].to_numpy(float).max())
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.13, 0.13, 0.84, 0.79))
        axes.plot([0, top], [0, top], color=NEUTRAL, linewidth=1, dashes=(4, 3))
        axes.vlines(rows["forecast"], rows["low"], rows["high"], color=ACCENT, linewidth=1.6)
        axes.plot(rows["forecast"], rows["actual"], "o", color=ACCENT, markersize=5)
        _rooted(axes, top, tick)
        axes.set_xlabel(axes_named[0])
        axes.annotate(axes_named[1], (0, 1), xycoords="axes fraction", xytext=(-26, 8),
                      textcoords="offset points", fontsize=9, color=MUTED)  # fmt: skip
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _rooted(axes: Any, top: float, tick: Callable[[float], str]) -> None:
    """Axes from zero that rise with the square root, with few round ticks."""
    ticks = _round_values(top)
    for name in ("x", "y"):
        getattr(axes, f"set_{name}scale")("function", functions=(_root, np.square))
        getattr(axes, f"set_{name}lim")(0, top)
        getattr(axes, f"set_{name}ticks")(ticks, [tick(value) for value in ticks])
        getattr(axes, f"set_{name}ticks")([], minor=True)
    axes.grid(visible=True)


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(values, 0.0))


def _round_values(top: float) -> list[float]:
    """Zero, and a tenth, four tenths and the whole of the largest round value below the top."""
    size = 10.0 ** math.floor(math.log10(top))
    largest = max(step * size for step in (1, 2, 5) if step * size <= top)
    return [0.0, largest / 10, largest * 4 / 10, largest]
