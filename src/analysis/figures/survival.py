"""Retention curves: the share of customers still shipping, day by day after assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .chart import Chart, published
from .fonts import chart_style, drawable
from .palette import CONTROL, FURTHER_ARMS, MUTED, TREATED

WIDTH, HEIGHT = 4.1, 3.3
LETTER = 0.0155
"""Share of the width that one letter of a curve's name takes; a Chinese one takes two."""


def retention_curves(
    curves: pd.DataFrame,
    names: Mapping[str, str],
    *,
    percent: Any,
    day_axis: str,
    at_risk_label: str,
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Draw Kaplan-Meier curves with their intervals, named at their ends.

    Args:
        curves: One row an arm and day: arm, day, survival, low, high, at_risk.
        names: Arm → its name for readers, treated arms first, the control last.
        percent: Writes a fraction as per cent.
        day_axis, at_risk_label: Words of the axis and of the numbers beneath it.
        finding, measure, alternative, notes: As `Chart` says.
    """
    import seaborn as sns
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    colours = _colours(list(names))
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEIGHT + 0.2 * len(names)))
        base = (0.62 + 0.2 * len(names)) / figure.get_figheight()
        axes = figure.add_axes((0.1, base, 0.87 - _room(names), 0.97 - base))
        sns.lineplot(
            curves, x="day", y="survival", hue="arm", palette=colours, ax=axes, legend=False,
            estimator=None, drawstyle="steps-post", linewidth=2,
        )  # fmt: skip
        for arm, rows in curves.groupby("arm"):
            axes.fill_between(rows["day"], rows["low"], rows["high"], step="post",
                              color=colours[str(arm)], alpha=0.14, linewidth=0)  # fmt: skip
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
        axes.grid(axis="y")
        axes.set(xlabel="", ylabel="", xlim=(0, curves["day"].max()))
        axes.set_ylim(top=1.002)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 3, 6, 9, 10]))
        _end_names(axes, curves, names, colours)
        _still_observed(axes, curves, names, colours, day_axis, at_risk_label)
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _room(names: Mapping[str, str]) -> float:
    """Share of the width that the longest name needs at the end of its curve."""
    return LETTER * max(sum(2 if ord(c) > 0x2E80 else 1 for c in n) for n in names.values())


def _colours(arms: list[str]) -> dict[str, str]:
    treated = (TREATED, *FURTHER_ARMS)
    return {a: CONTROL if a == arms[-1] else treated[i % 4] for i, a in enumerate(arms)}


def _end_names(
    axes: Any, curves: pd.DataFrame, names: Mapping[str, str], colours: Mapping[str, str]
) -> None:
    """Name each curve at its end, apart from each other by a line of text at least."""
    last = curves.sort_values("day").groupby("arm")["survival"].last().sort_values()
    low, high = axes.get_ylim()
    gap, floor = (high - low) * 0.08, -1.0
    for arm, value in last.items():
        at = max(float(value), floor + gap)
        floor = at
        axes.annotate(
            drawable(names[str(arm)]), (1.02, at), xycoords=("axes fraction", "data"), va="center",
            color=colours[str(arm)], fontsize=9.5,
        )  # fmt: skip


def _still_observed(
    axes: Any,
    curves: pd.DataFrame,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    day_axis: str,
    label: str,
) -> None:
    """Numbers still observed, under the days of the axis."""
    ticks = [day for day in axes.get_xticks() if 0 <= day <= curves["day"].max()]
    axes.set_xticks(ticks)
    axes.annotate(day_axis, (1, 0), xycoords="axes fraction", xytext=(0, -24), fontsize=8.5,
                  textcoords="offset points", va="top", ha="right", color=MUTED)  # fmt: skip
    axes.annotate(label, (0, 0), xycoords="axes fraction", xytext=(0, -24), fontsize=8.5,
                  textcoords="offset points", va="top", color=MUTED)  # fmt: skip
    for line, arm in enumerate(names):
        rows = curves[curves["arm"] == arm].sort_values("day")
        for day in ticks:
            known = rows[rows["day"] <= day]["at_risk"]
            if len(known):
                axes.annotate(
                    f"{int(known.iloc[-1]):,}", (day, 0), xycoords=("data", "axes fraction"),
                    xytext=(0, -38 - 14 * line), textcoords="offset points", va="top",
                    ha="center", fontsize=8.5, color=colours[arm],
                )  # fmt: skip
