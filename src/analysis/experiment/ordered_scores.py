"""A second reading of scores: do the treated answer higher, whatever the steps are worth?

The mean of a 1-5 score takes its steps as equal. The proportional-odds model does not: one odds
ratio says how much more often the treated give the higher of two answers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from ..message import Message, Value
from .estimate import NAN, Estimate
from .estimation import Compared
from .estimators.ordered import OddsRatio, ordered_odds_ratio
from .estimators.results import BoolArray, FloatArray, IntArray, Status
from .words import status_message

ORDERED = "_ordered"
MOST_LEVELS = 11
"""Different answers up to which a score is taken as a scale with steps, such as 0-10."""
FEWEST_CLUSTERS = 8
"""Clusters from which leaving out one after the other gives an error worth reading."""


def ordered_rows(compared: Compared, whole: Estimate, alpha: float) -> list[Estimate]:
    """The proportional-odds reading of a mean score that units may leave unanswered.

    Args:
        compared: The comparison of the mean.
        whole: Its estimate.
        alpha: Error of the interval.

    Returns:
        One row named ``<metric>_ordered``, its effect the logarithm of the odds ratio of a higher
        answer (above 0: the treated answer higher); none where the metric is no such score.
    """
    values, units = compared.values, compared.cell.units
    if compared.metric.kind != "mean" or values.answered is None or not values.answered.any():
        return []
    if f"{compared.metric.name}{ORDERED}" in {e.name for e in compared.cell.study.followed}:
        return []
    scores = np.where(values.answered, values.values, np.nan)
    if len(np.unique(scores[np.isfinite(scores)])) > MOST_LEVELS:
        return []
    if units.clusters is None:
        found = ordered_odds_ratio(scores, units.treated, alpha=alpha)
    else:
        found = _by_cluster(scores, units.treated, units.clusters, alpha)
    return [_row(whole, found, clustered=units.clusters is not None)]


def _by_cluster(
    scores: FloatArray, treated: BoolArray, clusters: IntArray, alpha: float
) -> OddsRatio:
    """The same with the jackknife over clusters, whose answers are not independent."""
    plain = ordered_odds_ratio(scores, treated, alpha=alpha)
    ids = np.unique(clusters[np.isfinite(scores)])
    if plain.status is not Status.OK:
        return plain
    if len(ids) < FEWEST_CLUSTERS:
        return _without_error(plain, Status.INSUFFICIENT_CLUSTERS)
    others = [ordered_odds_ratio(scores[k], treated[k]) for k in (clusters != g for g in ids)]
    if any(other.status is not Status.OK for other in others):
        return _without_error(plain, Status.NOT_CONVERGED)
    logs, centre = np.log([other.ratio for other in others]), float(np.log(plain.ratio))
    error = float(np.sqrt((len(ids) - 1) / len(ids) * np.sum((logs - logs.mean()) ** 2)))
    width = float(stats.t.isf(alpha / 2, len(ids) - 2)) * error
    limits = (float(np.exp(centre - width)), float(np.exp(centre + width)))
    p_value = float(2 * stats.t.sf(abs(centre) / error, len(ids) - 2)) if error > 0 else NAN
    return OddsRatio(Status.OK, plain.ratio, error, *limits, p_value)


def _without_error(found: OddsRatio, status: Status) -> OddsRatio:
    return OddsRatio(status, found.ratio, NAN, NAN, NAN, NAN)


def _row(whole: Estimate, found: OddsRatio, *, clustered: bool) -> Estimate:
    """The row beside the mean's."""
    metric = whole.metric.model_copy(update={"name": f"{whole.metric.name}{ORDERED}"})
    is_ok = found.status is Status.OK
    low, high = (np.log(end) if is_ok else NAN for end in (found.ci_low, found.ci_high))
    return replace(
        whole,
        metric=metric.model_copy(update={"measure": None}),
        role="reading",
        value_treatment=NAN,
        value_control=NAN,
        effect=float(np.log(found.ratio)) if found.ratio > 0 else NAN,
        effect_relative=NAN,
        std_error=found.log_std_error if is_ok else NAN,
        df=NAN,
        ci_low=float(low),
        ci_high=float(high),
        p_value=found.p_value if is_ok else NAN,
        p_adjusted=NAN,
        av_low=NAN,
        av_high=NAN,
        av_p_value=NAN,
        strict_low=NAN,
        strict_high=NAN,
        claim=0,
        boundary=NAN,
        method="ordered logit, jackknife over clusters" if clustered else "ordered logit",
        status=status_message(found.status),
        notes=(_told(found),) if is_ok else (),
    )


def _told(found: OddsRatio) -> Message:
    values = {
        "ratio": Value("number", found.ratio, 2),
        "low": Value("number", found.ci_low, 2),
        "high": Value("number", found.ci_high, 2),
    }
    return Message(
        "odds of a higher answer × {ratio} ({low} to {high}) among those who answered; the effect "
        "is its logarithm",
        values,
    )
