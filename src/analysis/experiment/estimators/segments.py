"""Segments: the same regression in each, and one test of whether the effects differ at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .comparison import Comparison
from .means import compare_arms
from .results import FloatArray, IntArray, Status
from .units import Units


@dataclass(frozen=True, eq=False)
class SegmentComparisons:
    """Comparisons by segment.

    Attributes:
        codes: (s,) segment codes, ascending.
        comparisons: s tuples of one comparison an outcome.
    """

    codes: IntArray
    comparisons: tuple[tuple[Comparison, ...], ...]

    def of_outcome(self, position: int) -> tuple[Comparison, ...]:
        """(s,) comparisons of one outcome."""
        return tuple(found[position] for found in self.comparisons)


@dataclass(frozen=True)
class InteractionTest:
    """Whether the effect differs between segments.

    Attributes:
        status: `ok`; `too few units` when fewer than two segments have an effect with a
            standard error, or too few clusters are left to compare them.
        segments: Segments compared.
        f_value: Statistic.
        df_between: segments − 1.
        df_within: Degrees of freedom of the effects' own errors.
        p_value: Of equal effects.
    """

    status: Status
    segments: int
    f_value: float
    df_between: float
    df_within: float
    p_value: float


def compare_by_segment(
    outcomes: ArrayLike,
    units: Units,
    segments: IntArray,
    *,
    alpha: float = 0.05,
    keep_influence: bool = False,
) -> SegmentComparisons:
    """`compare_arms` within each segment.

    Args:
        outcomes: (n,) or (n, m).
        units: The n units.
        segments: (n,) whole-number codes known before assignment; negative ones are left out.
        alpha: Error each interval allows, before any correction.
        keep_influence: Keep influence values, in the order of the segment's own rows.

    Returns:
        One row a segment; one sort serves all, so that thousands of segments stay cheap.
    """
    table = np.asarray(outcomes)
    order = np.argsort(segments, kind="stable")
    codes, starts = np.unique(segments[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    rows = [np.sort(order[a:b]) for a, b in zip(starts, ends, strict=True)]
    return SegmentComparisons(
        codes[codes >= 0],
        tuple(
            compare_arms(table[r], units.take(r), alpha=alpha, keep_influence=keep_influence)
            for code, r in zip(codes, rows, strict=True)
            if code >= 0
        ),
    )


def interaction_test(comparisons: Sequence[Comparison]) -> InteractionTest:
    """Test that the effect is the same in all segments of units.

    Welch's test for several means with unequal variances (1951, Biometrika 38(3/4)), applied to
    the segments' effects. Segments without a standard error are left out. In a cluster design
    whose clusters lie in several segments the effects are correlated: keep the influence values,
    and the clusters' own covariance of the effects is used (Hotelling's T²).

    Args:
        comparisons: One a segment.

    Returns:
        The test.

    Raises:
        ValueError: Clustered comparisons come without influence values.
    """
    usable = [c for c in comparisons if c.status is Status.OK]
    if len(usable) < 2:
        return InteractionTest(Status.TOO_FEW_UNITS, len(usable), *(np.nan,) * 4)
    if any(c.clusters_treatment for c in usable):
        return _clustered_test(usable)
    effects = np.array([c.effect for c in usable])
    weights = 1 / np.array([c.std_error for c in usable]) ** 2
    dfs = np.array([c.df for c in usable])
    s = len(usable)
    shares = weights / weights.sum()
    between = float(weights @ (effects - shares @ effects) ** 2) / (s - 1)
    imprecision = float(np.sum((1 - shares) ** 2 / dfs))
    f_value = between / (1 + 2 * (s - 2) / (s**2 - 1) * imprecision)
    df_within = (s**2 - 1) / (3 * imprecision)
    return _f_test(s, f_value, s - 1, df_within)


def _clustered_test(comparisons: Sequence[Comparison]) -> InteractionTest:
    """Hotelling's T² of the contrasts to the first segment, from the clusters' influence."""
    s = len(comparisons)
    effects = np.array([c.effect for c in comparisons])
    contrasts = np.hstack([-np.ones((s - 1, 1)), np.eye(s - 1)])
    covariance = contrasts @ _covariance_by_cluster(comparisons) @ contrasts.T
    df_error = min(c.df for c in comparisons)
    df_within = df_error - (s - 1) + 1
    if df_within <= 0 or np.linalg.matrix_rank(covariance) < s - 1:
        return InteractionTest(Status.TOO_FEW_UNITS, s, *(np.nan,) * 4)
    differences = contrasts @ effects
    t_squared = float(differences @ np.linalg.solve(covariance, differences))
    return _f_test(s, t_squared * df_within / (df_error * (s - 1)), s - 1, df_within)


def _covariance_by_cluster(comparisons: Sequence[Comparison]) -> FloatArray:
    """(s, s) Σ_g φ_gs φ_gt over clusters."""
    if not all(c.influence_ids.size for c in comparisons):
        raise ValueError("keep the influence values of clustered comparisons")
    ids = np.unique(np.concatenate([c.influence_ids for c in comparisons]))
    influence = np.zeros((len(ids), len(comparisons)))
    for j, comparison in enumerate(comparisons):
        influence[np.searchsorted(ids, comparison.influence_ids), j] = comparison.influence
    return np.asarray(influence.T @ influence)


def _f_test(segments: int, f_value: float, df_between: float, df_within: float) -> InteractionTest:
    p_value = float(stats.f.sf(f_value, df_between, df_within))
    return InteractionTest(Status.OK, segments, f_value, df_between, df_within, p_value)
