"""How alike the arms are before anything happens: standardised differences of what was known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ...params.experiment import ExperimentSpec
from ..estimators.results import BoolArray, FloatArray

LIMIT_UNITS = 0.10
"""Standardised difference that is no imbalance (Austin 2009, Stat. Med. 28(25))."""
LIMIT_CLUSTERS = 0.25
"""Where few clusters are drawn; regression on the covariate bridges as much (Stuart 2010, Stat.
Sci. 25(1))."""
MOST_LEVELS = 12
"""Levels of a column of words that are shown one by one."""
COLUMNS = (
    *("comparison", "covariate", "level", "n_treatment", "n_control", "value_treatment"),
    *("value_control", "difference", "limit", "is_balanced"),
)


def balance(
    units: pd.DataFrame,
    drawn: pd.DataFrame,
    spec: ExperimentSpec,
    columns: Sequence[str],
) -> pd.DataFrame:
    """Hold the arms of a draw against each other.

    Args:
        units: One row a unit with the columns to be compared.
        drawn: What `draw` returned.
        spec: The plan.
        columns: Columns known before assignment: numbers, or words of which each is a level.

    Returns:
        One row a comparison, covariate and level: comparison (the treated arm, or ``share 1`` and
        ``share 0.5`` of a saturation design), covariate, level (null for a number), n_treatment,
        n_control, value_treatment, value_control (means over the units that have one; shares of
        levels), difference (of means ÷ root mean of the two variances), limit, is_balanced. A
        column without any value is left out.

    Source:
        Austin 2009, Stat. Med. 28(25), "Balance diagnostics".
    """
    table = drawn.merge(
        units[[spec.unit, *columns]].astype({spec.unit: str}), on=spec.unit, how="left"
    )
    limit = LIMIT_UNITS if spec.design == "customer" else LIMIT_CLUSTERS
    rows = []
    for name, treated, control in _sides(table, spec):
        for column in [c for c in columns if table[c].notna().any()]:
            for level, values in _levels(table[column]):
                rows.append((name, column, level, *_held(values, treated, control), limit))
    frame = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    within = frame["difference"].abs() <= frame["limit"]
    return frame.assign(level=frame["level"].astype("str"), is_balanced=within)


def _sides(table: pd.DataFrame, spec: ExperimentSpec) -> Iterator[tuple[str, BoolArray, BoolArray]]:
    arm = table["arm"].to_numpy(dtype=object)
    if spec.design != "saturation":
        for name in spec.treatments:
            yield name, arm == name, arm == spec.control
        return
    share = table["cluster_share"].to_numpy(dtype=float)
    yield "share 1", share == 1.0, share == 0.0
    half = share == 0.5
    yield "share 0.5", half & (arm != spec.control), half & (arm == spec.control)


def _levels(column: pd.Series) -> Iterator[tuple[str | None, FloatArray]]:
    if pd.api.types.is_numeric_dtype(column):
        yield None, column.to_numpy(dtype=np.float64, na_value=np.nan)
        return
    for level in column.value_counts().index[:MOST_LEVELS]:
        yield str(level), (column == level).to_numpy(dtype=np.float64, na_value=0.0)


def _held(values: FloatArray, treated: BoolArray, control: BoolArray) -> tuple[float, ...]:
    """Sizes, means and standardised difference of two sides; NaN where a side has no value."""
    known = np.isfinite(values)
    one, other = values[treated & known], values[control & known]
    sizes = (int(treated.sum()), int(control.sum()))
    if not len(one) or not len(other):
        return (*sizes, np.nan, np.nan, np.nan)
    spread = float(np.sqrt((one.var() + other.var()) / 2))
    gap = float(one.mean() - other.mean())
    scaled = gap / spread if spread > 0 else (0.0 if gap == 0 else np.inf)
    return (*sizes, float(one.mean()), float(other.mean()), scaled)
