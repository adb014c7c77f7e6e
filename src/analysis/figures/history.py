"""How a figure went over the months: a line with its uncertainty, and sparklines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from .chart import Chart, published
from .fonts import chart_style
from .palette import ACCENT, INK, MUTED

WIDTH, HEIGHT = 4.1, 2.5
AIR = 0.05
"""Part of the axis that stays free above and below what it must hold."""
SPARK_WIDTH, SPARK_HEIGHT = 120, 28


def monthly_line(
    history: pd.DataFrame,
    *,
    tick: Callable[[float], str],
    month: Callable[[str], str],
    last: str,
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
    within: tuple[float, float] | None = None,
) -> Chart:
    """Draw one figure over the months, with its interval as a band.

    Args:
        history: One row a month: month, value, low, high (NaN where there is none).
        tick: Writes a value of the axis.
        month: Writes a month, short.
        last: The latest value in words, at the end of the line.
        finding, measure, alternative, notes: As `Chart` says.
        within: Lowest and highest value that the axis must hold; what lies beyond is cut off.
            By default everything that is drawn.
    """
    import seaborn as sns
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    drawn = history.reset_index(drop=True).assign(place=lambda f: f.index)
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.09, 0.13, 0.79, 0.83))
        axes.fill_between(drawn["place"], drawn["low"], drawn["high"], color=ACCENT, alpha=0.13,
                          linewidth=0)  # fmt: skip
        sns.lineplot(drawn, x="place", y="value", ax=axes, color=ACCENT, linewidth=2,
                     estimator=None, errorbar=None)  # fmt: skip
        if within is not None:
            air = AIR * (within[1] - within[0])
            axes.set_ylim(within[0] - air, within[1] + air)
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        axes.grid(axis="y")
        _months(axes, list(drawn["month"]), month)
        _end(axes, drawn, last)
        axes.set(xlabel="", ylabel="")
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _months(axes: Any, months: Sequence[str], month: Callable[[str], str]) -> None:
    """Name every sixth month, counted back from the last."""
    places = list(range(len(months) - 1, -1, -6))[::-1]
    axes.set_xticks(places, [month(months[place]) for place in places])
    axes.set_xlim(0, max(len(months) - 1, 1))
    axes.tick_params(axis="x", colors=MUTED)


def _end(axes: Any, drawn: pd.DataFrame, last: str) -> None:
    known = drawn.dropna(subset=["value"])
    if known.empty:
        return
    place, value = float(known["place"].iloc[-1]), float(known["value"].iloc[-1])
    axes.plot([place], [value], "o", color=ACCENT, markersize=6, clip_on=False)
    axes.annotate(last, (place, value), xytext=(8, 0), textcoords="offset points", va="center",
                  color=INK, fontsize=10, annotation_clip=False)  # fmt: skip


def sparkline(values: Sequence[float]) -> str:
    """A line the size of a word, as inline SVG; the numbers stand beside it, so it is decoration.

    Args:
        values: By month, in order; NaN leaves a gap.

    Returns:
        SVG markup, or nothing where there are fewer than three values.
    """
    known = [value for value in values if value == value]
    if len(known) < 3:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (SPARK_WIDTH - 8) / max(len(values) - 1, 1)
    points = [
        (4 + i * step, SPARK_HEIGHT - 4 - (value - low) / span * (SPARK_HEIGHT - 8))
        for i, value in enumerate(values)
        if value == value
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" aria-hidden="true" '
        f'focusable="false"><polyline points="{path}" fill="none" stroke="currentColor" '
        f'stroke-width="1.6" stroke-linejoin="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="currentColor"/></svg>'
    )
