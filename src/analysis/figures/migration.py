"""The migration heat map: from which tier to which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .chart import Chart, published
from .fonts import chart_style
from .palette import INK, MUTED

WIDTH, HEIGHT = 4.1, 3.1


def migration_map(
    counts: pd.DataFrame,
    *,
    number: Callable[[float], str],
    from_label: str,
    to_label: str,
    finding: str,
    measure: str,
    alternative: str,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Draw how many customers went from each tier (row) to each tier (column).

    Args:
        counts: Square; index and columns are tier names for readers, from the top down.
        number: Writes a count.
        from_label, to_label: Words of the two axes.
        finding, measure, alternative, notes: As `Chart` says.

    Customers that stayed are told but not coloured: the moves are the news.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    values = counts.to_numpy(dtype=float)
    stayed = np.eye(len(counts), dtype=bool)
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.2, 0.02, 0.78, 0.8))
        sns.heatmap(
            counts, mask=stayed | (values == 0), ax=axes, cbar=False, linewidths=3,
            linecolor="white", cmap=sns.light_palette("#0b5c8f", as_cmap=True), vmin=0,
            vmax=max(float(values[~stayed].max(initial=0)) * 1.25, 1.0),
        )  # fmt: skip
        _numbers(axes, values, stayed, number)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel(to_label, labelpad=6)
        axes.set_ylabel(from_label, labelpad=6)
        axes.tick_params(axis="both", labelrotation=0, labelcolor=INK, labelsize=9.5)
        for name in axes.get_xticklabels():
            name.set_verticalalignment("baseline")
        return published(
            figure, finding=finding, measure=measure, alternative=alternative, notes=notes
        )


def _numbers(axes: Any, values: np.ndarray, stayed: np.ndarray, number: Callable) -> None:
    largest = max(float(values[~stayed].max(initial=0)), 1.0)
    for (row, column), value in np.ndenumerate(values):
        is_dark = not stayed[row, column] and value > 0.62 * largest
        faint = stayed[row, column] or value == 0
        colour = MUTED if faint else "white" if is_dark else INK
        axes.text(column + 0.5, row + 0.5, number(value), ha="center", va="center", color=colour,
                  fontsize=9.5 if faint else 11)  # fmt: skip
