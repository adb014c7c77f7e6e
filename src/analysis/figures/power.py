"""Power curves: the smallest effect seen against the number of customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .chart import Chart, published
from .fonts import chart_style, drawable
from .palette import ACCENT, FURTHER_ARMS, INK, MUTED

WIDTH, HEIGHT = 4.1, 2.9
LINES = (ACCENT, *FURTHER_ARMS)
ROOM = 1.25
"""The axis ends this much above what the planned number sees, or the line it is held against."""


@dataclass(frozen=True)
class Mark:
    """What a curve is held against.

    Attributes:
        at: The effect.
        label: Its name.
    """

    at: float
    label: str


def power_chart(
    curve: pd.DataFrame,
    names: Mapping[float, str],
    *,
    planned: int,
    wanted: Mark | None,
    tick: Callable[[float], str],
    count: Callable[[float], str],
    axis: str,
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Draw the smallest effect seen by each number of customers, one line a duration.

    Args:
        curve: One row a duration and size: months, customers, smallest (finite).
        names: Duration → its name at the end of its line; empty where there is one line only.
        planned: Customers planned, marked on each line.
        wanted: The worthwhile effect, or the tolerated harm.
        tick: Writes an effect.
        count: Writes a number of customers.
        axis: Name of the horizontal axis.
        finding, measure, alternative, notes: As `Chart` says.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    months = sorted(curve["months"].unique())
    colours = {m: LINES[i % len(LINES)] for i, m in enumerate(months)}
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.11, 0.2, 0.74 if any(names.values()) else 0.85, 0.76))
        sns.lineplot(curve, x="customers", y="smallest", hue="months", palette=colours, ax=axes,
                     legend=False, estimator=None, linewidth=2)  # fmt: skip
        _scales(axes, curve, planned, wanted, tick, count)
        for length in months:
            _line(axes, curve[curve["months"] == length], planned, names.get(length, ""),
                  colours[length])  # fmt: skip
        if wanted is not None:
            _wanted(axes, wanted, curve)
        axes.set(xlabel="", ylabel="")
        axes.annotate(
            drawable(axis), (1, 0), xycoords="axes fraction", xytext=(0, -26), va="top",
            textcoords="offset points", ha="right", fontsize=8.5, color=MUTED,
        )  # fmt: skip
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _scales(
    axes: Any,
    curve: pd.DataFrame,
    planned: int,
    wanted: Mark | None,
    tick: Callable[[float], str],
    count: Callable[[float], str],
) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    low, high = curve["customers"].min(), curve["customers"].max()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([low, planned, high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    top = max(curve["smallest"].max(), (wanted.at if wanted else 0.0) * ROOM)
    axes.set_ylim(0, top)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.grid(axis="y")
    axes.tick_params(axis="x", pad=7)


def _line(axes: Any, rows: pd.DataFrame, planned: int, name: str, colour: str) -> None:
    """The planned number's dot, and the line's name at its end."""
    here = rows[rows["customers"] == planned]
    axes.plot(here["customers"], here["smallest"], "o", color=colour, markersize=6, clip_on=False)
    if name and len(rows):
        last = rows.sort_values("customers").iloc[-1]
        axes.annotate(drawable(name), (last["customers"], last["smallest"]), xytext=(5, 0),
                      textcoords="offset points", va="center", color=colour, fontsize=8.5,
                      annotation_clip=False)  # fmt: skip


def _wanted(axes: Any, wanted: Mark, curve: pd.DataFrame) -> None:
    """The line that curves are held against, named on the side where they are further from it."""
    axes.axhline(wanted.at, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    ends = curve.sort_values("customers").groupby("months")["smallest"]
    left, right = ((side - wanted.at).abs().min() for side in (ends.first(), ends.last()))
    place, side = (0.01, "left") if left > right else (1, "right")
    axes.annotate(
        drawable(wanted.label), (place, wanted.at), xycoords=("axes fraction", "data"),
        xytext=(0, 4), textcoords="offset points", va="bottom", ha=side, color=INK, fontsize=8.5,
    )  # fmt: skip
