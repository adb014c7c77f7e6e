"""Net promoter score: values per unit, and the interval of a share of one group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .results import BoolArray, FloatArray, Note, NoteCode, Status

PROMOTER_FROM = 9
DETRACTOR_TO = 6
LOWEST, HIGHEST = 0, 10
"""The scale: 0-6 detractors, 7-8 passives, 9-10 promoters (Reichheld 2003, HBR 81(12))."""
POINTS = 100.0
"""NPS of a single promoter, in points."""
PSEUDO_COUNTS = (0.75, 1.5, 0.75)
"""Promoters, passives, detractors added to the counts: the adjusted Wald interval of Rocks 2016
(Am. Stat. 70(4), "Interval Estimation for the Net Promoter Score"), close to its promise from
n = 10 on."""


@dataclass(frozen=True, eq=False)
class NpsValues:
    """Answers as values of the one estimator.

    Attributes:
        values: (n,) 100 promoter, 0 passive, −100 detractor, NaN without a valid answer.
        notes: Number of scores outside 0-10, if any.
    """

    values: FloatArray
    notes: tuple[Note, ...]


def nps_values(scores: FloatArray) -> NpsValues:
    """100 · (promoter − detractor) per unit.

    Args:
        scores: (n,) 0-10; NaN for no answer.

    Returns:
        Points per unit; scores off the scale count as no answer and are reported.

    Example:
        >>> import numpy as np
        >>> nps_values(np.array([10, 9, 8, 6, np.nan])).values
        array([ 100.,  100.,    0., -100.,   nan])
    """
    valid = on_scale(scores)
    off_scale = int((~valid & ~np.isnan(scores)).sum())
    coded = POINTS * ((scores >= PROMOTER_FROM) * 1.0 - (scores <= DETRACTOR_TO))
    notes = (Note(NoteCode.OUT_OF_RANGE, off_scale),) if off_scale else ()
    return NpsValues(np.where(valid, coded, np.nan), notes)


def on_scale(scores: FloatArray) -> BoolArray:
    """(n,) whether each score is one of the question's scale."""
    return (scores >= LOWEST) & (scores <= HIGHEST)


@dataclass(frozen=True)
class NpsShare:
    """The score of one group.

    Attributes:
        status: `ok` or `no units`.
        n: Answers.
        score: NPS in points.
        std_error: In points, from variance p + d − (p − d)².
        adjusted: NPS after the pseudo-counts, the middle of the interval.
        ci_low: Adjusted-Wald limit in points, not below −100.
        ci_high: Not above 100.
    """

    status: Status
    n: int
    score: float
    std_error: float
    adjusted: float
    ci_low: float
    ci_high: float


def nps_share(
    promoters: float, passives: float, detractors: float, *, alpha: float = 0.05
) -> NpsShare:
    """NPS of one group with its adjusted-Wald interval.

    Args:
        promoters: Count.
        passives: Count.
        detractors: Count.
        alpha: Error the interval allows, two-sided.

    Returns:
        Score and interval in points.

    Example:
        >>> found = nps_share(162, 108, 54)
        >>> round(found.score, 2), round(found.ci_low, 2), round(found.ci_high, 2)
        (33.33, 24.95, 41.11)
    """
    counts = np.array([promoters, passives, detractors], dtype=np.float64)
    n = counts.sum()
    if n <= 0:
        nan = float("nan")
        return NpsShare(Status.NO_UNITS, 0, nan, nan, nan, nan, nan)
    score, std_error = _score(counts)
    adjusted, adjusted_error = _score(counts + np.array(PSEUDO_COUNTS))
    half_width = float(stats.norm.isf(alpha / 2)) * adjusted_error
    return NpsShare(
        Status.OK,
        int(n),
        score,
        std_error,
        adjusted,
        max(adjusted - half_width, -POINTS),
        min(adjusted + half_width, POINTS),
    )


def _score(counts: FloatArray) -> tuple[float, float]:
    """Score and standard error in points."""
    n = counts.sum()
    promoters, _, detractors = counts / n
    variance = promoters + detractors - (promoters - detractors) ** 2
    return POINTS * float(promoters - detractors), POINTS * float(np.sqrt(max(variance, 0) / n))
