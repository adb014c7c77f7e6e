"""Interval plots: an estimate, how far it may be off, and the lines it is judged by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .chart import Chart, published
from .fonts import chart_style, drawable
from .palette import ACCENT, GROUND, INK, TINT, TONES, WORSE

WIDTH = 4.1
ROW = 0.46
"""Inches a row takes: a line of text and the lane with the interval under it."""
LANE = (-0.42, 0.02)
"""Where the lane lies within its row, seen from the row's middle."""
FEET = 0.5
"""Inches for the axis beneath the rows."""
LABEL_HALF = 0.05
"""Half the width of a label such as +3,000, as a share of the axis."""
HEAD = 0.30
"""Inches for the names of the lines above the rows."""


@dataclass(frozen=True)
class IntervalRow:
    """One interval.

    Attributes:
        label: Whose it is.
        shown: The estimate and interval in words, at the right.
        estimate: Its place on the axis.
        low, high: The interval that decides.
        inner_low, inner_high: The fixed interval, drawn thicker; NaN leaves it out.
        tone: Key of `palette.TONES`.
        is_total: A total, set apart from the parts beneath it.
    """

    label: str
    shown: str
    estimate: float
    low: float
    high: float
    inner_low: float = float("nan")
    inner_high: float = float("nan")
    tone: str = "unsure"
    is_total: bool = False


@dataclass(frozen=True)
class Line:
    """A vertical line that estimates are judged by.

    Attributes:
        at: Its place on the axis.
        label: Its name.
        better: Which side is better: +1 right, −1 left; that side is tinted.
        is_limit: A limit of tolerated harm instead of an aim.
    """

    at: float
    label: str
    better: int = 1
    is_limit: bool = False


def interval_plot(
    rows: Sequence[IntervalRow],
    *,
    tick: Callable[[float], str],
    axis: str,
    line: Line | None,
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Draw intervals under each other, with the zero line and the line that decides.

    Args:
        rows: From top to bottom.
        tick: Writes a number of the axis.
        axis: The axis in words.
        line: The minimum worthwhile effect, or the limit of tolerated harm.
        finding, measure, alternative, notes: As `Chart` says.
    """
    from matplotlib.figure import Figure

    height = HEAD + ROW * len(rows) + FEET
    with chart_style():
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((0.02, FEET / height, 0.96, ROW * len(rows) / height))
        _frame(axes, rows, line, tick, axis)
        for place, row in enumerate(rows):
            _interval(axes, len(rows) - 1 - place, row)
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _frame(
    axes: Any,
    rows: Sequence[IntervalRow],
    line: Line | None,
    tick: Callable[[float], str],
    axis: str,
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [0.0, *(e for row in rows for e in (row.low, row.high, row.estimate) if e == e)]
    low, high = min(ends + ([line.at] if line else [])), max(ends + ([line.at] if line else []))
    room = (high - low or 1.0) * 0.06
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_yticks([])
    axes.set_xticks(_ticks(MaxNLocator(5).tick_values(low - room, high + room), *axes.get_xlim()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.set_xlabel(drawable(axis), labelpad=3)
    axes.spines["bottom"].set_visible(False)
    for place in range(len(rows)):
        _lane(axes, place, line)
    if line:
        _line_name(axes, line)


def _ticks(places: Sequence[float], low: float, high: float) -> list[float]:
    """Ticks whose labels lie within the picture, with a place for half a label at either end."""
    edge = LABEL_HALF * (high - low)
    return [place for place in places if low + edge <= place <= high - edge]


def _lane(axes: Any, place: int, line: Line | None) -> None:
    """The ground of one interval, with the zero line and the line that decides."""
    low, high = axes.get_xlim()
    feet, head = place + LANE[0], place + LANE[1]
    axes.fill_between([low, high], feet, head, color=GROUND, linewidth=0, zorder=0)
    if line:
        colour = WORSE if line.is_limit else ACCENT
        if not line.is_limit:
            end = high if line.better > 0 else low
            axes.fill_between([line.at, end], feet, head, color=TINT, linewidth=0, zorder=1)
        axes.plot([line.at] * 2, [feet, head], color=colour, linewidth=1.2, dashes=(3, 2), zorder=2)
    axes.plot([0, 0], [feet, head], color=INK, linewidth=1.1, zorder=2)


def _line_name(axes: Any, line: Line) -> None:
    colour = WORSE if line.is_limit else ACCENT
    low, high = axes.get_xlim()
    is_right = line.at > (low + high) / 2
    axes.annotate(
        line.label,
        (line.at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if is_right else 4, 4),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="bottom",
        fontsize=8.5,
        color=colour,
    )


def _interval(axes: Any, place: int, row: IntervalRow) -> None:
    colour = TONES[row.tone]
    text_at, line_at = place + 0.24, place + sum(LANE) / 2
    across = axes.get_yaxis_transform()
    size = 10 if row.is_total else 9.5
    axes.text(
        0.0, text_at, drawable(row.label), transform=across, va="center", fontsize=size, zorder=4
    )
    axes.text(
        1.0, text_at, row.shown, transform=across, ha="right", va="center", fontsize=9, color=colour
    )
    axes.plot([row.low, row.high], [line_at] * 2, color=colour, linewidth=1.4, zorder=3)
    axes.plot([row.inner_low, row.inner_high], [line_at] * 2, color=colour, linewidth=4.2,
              solid_capstyle="butt", alpha=0.45, zorder=3)  # fmt: skip
    if row.estimate != row.estimate:  # bounds have no point
        return
    marker = "D" if row.is_total else "o"
    axes.plot([row.estimate], [line_at], marker, color=colour, markersize=6,
              markeredgecolor="white", markeredgewidth=0.8, zorder=4)  # fmt: skip
