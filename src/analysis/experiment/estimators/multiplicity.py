"""Many questions at once: Holm, Benjamini-Hochberg, intersection-union, adjusted intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .results import FloatArray


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjusted p values (1979, Scand. J. Stat. 6(2)).

    Args:
        p_values: (m,); NaN are questions that could not be tested: they stay NaN and do not count.

    Returns:
        (m,) adjusted p values in the same order; error over the family is held at any level.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005]).tolist()
        [0.03, 0.06, 0.06, 0.02]
    """
    values = np.asarray(p_values, dtype=np.float64)
    known, order = _known_in_order(values)
    m = len(order)
    stepped = np.maximum.accumulate((m - np.arange(m)) * values[known][order])
    return _placed(values, known, order, np.minimum(stepped, 1.0))


def benjamini_hochberg(p_values: ArrayLike) -> FloatArray:
    """Adjusted p values that hold the false discovery rate (1995, J. R. Stat. Soc. B 57(1)).

    Args:
        p_values: (m,); NaN stay NaN and do not count.

    Returns:
        (m,) adjusted p values in the same order.
    """
    values = np.asarray(p_values, dtype=np.float64)
    known, order = _known_in_order(values)
    m = len(order)
    raised = values[known][order] * m / np.arange(1, m + 1)
    stepped = np.minimum.accumulate(raised[::-1])[::-1]
    return _placed(values, known, order, np.minimum(stepped, 1.0))


def intersection_union(p_values: ArrayLike) -> float:
    """p of "every one of these holds": the largest (Berger 1982, Technometrics 24(4)).

    Returns:
        NaN where a part could not be tested, or there is none: then the whole is not shown.
    """
    values = np.asarray(p_values, dtype=np.float64)
    return float(values.max()) if len(values) else float("nan")


def family_interval(
    effect: float, std_error: float, df: float, family: int, *, alpha: float = 0.05
) -> tuple[float, float]:
    """Interval that holds together with the others of its family (Bonferroni, α / family).

    Args:
        effect: Estimate.
        std_error: Its standard error.
        df: Its degrees of freedom.
        family: Number of intervals read together, ≥ 1.
        alpha: Error over the family, two-sided.
    """
    half_width = float(stats.t.isf(alpha / (2 * family), df)) * std_error
    return effect - half_width, effect + half_width


def _known_in_order(values: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(~np.isnan(values))
    return known, np.argsort(values[known], kind="stable")


def _placed(
    values: FloatArray, known: np.ndarray, order: np.ndarray, adjusted: FloatArray
) -> FloatArray:
    result = np.full(values.shape, np.nan)
    result[known[order]] = adjusted
    return result
