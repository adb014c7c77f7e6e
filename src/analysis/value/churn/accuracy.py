"""How well a forecast of churn orders customers, with intervals that know customers recur."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

Z = float(norm.ppf(0.975))
TENTHS = 10


def placements(score: np.ndarray, lost: np.ndarray) -> tuple[float, np.ndarray]:
    """The area under the curve and what each case adds to it.

    Args:
        score: (n,) higher means likelier lost.
        lost: (n,) whether it was lost; there must be both kinds.

    Returns:
        The area, and (n,) influence values whose squares, summed, are its variance.

    Source:
        DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3).
    """
    m, n = int(lost.sum()), int((~lost).sum())
    ranks = rankdata(score)
    own = np.empty(len(score))
    own[lost] = rankdata(score[lost])
    own[~lost] = rankdata(score[~lost])
    beaten = (ranks - own) / np.where(lost, n, m)
    placed = np.where(lost, beaten, 1 - beaten)
    area = float(placed[lost].mean())
    return area, (placed - area) / np.where(lost, m, n)


def area_with_interval(
    score: np.ndarray, lost: np.ndarray, customer: np.ndarray
) -> tuple[float, float, float]:
    """The area under the curve with its 95 % interval, cases of one customer taken together."""
    area, influence = placements(score, lost)
    half = Z * _std_error(influence, customer)
    return area, max(area - half, 0.0), min(area + half, 1.0)


def gain_with_interval(
    score: np.ndarray, other: np.ndarray, lost: np.ndarray, customer: np.ndarray
) -> tuple[float, float, float]:
    """How much larger one area is than another on the same cases, with its 95 % interval."""
    area, influence = placements(score, lost)
    beaten, rival = placements(other, lost)
    half = Z * _std_error(influence - rival, customer)
    return area - beaten, area - beaten - half, area - beaten + half


def _std_error(influence: np.ndarray, customer: np.ndarray) -> float:
    _, place = np.unique(customer, return_inverse=True)
    return float(np.sqrt((np.bincount(place, weights=influence) ** 2).sum()))


def lift(score: np.ndarray, lost: np.ndarray) -> float:
    """Share lost among the tenth with the highest scores ÷ share lost of all; ties are shared."""
    top = max(len(score) // TENTHS, 1)
    bar = np.sort(score)[-top]
    above, at = score > bar, score == bar
    room = top - above.sum()
    caught = lost[above].sum() + lost[at].mean() * room
    return float(caught / top / lost.mean())


def calibration(score: np.ndarray, lost: np.ndarray) -> pd.DataFrame:
    """Forecast against what happened: one row a tenth of cases by forecast.

    Returns:
        tenth (1 lowest), cases, forecast (mean risk), actual (share lost), low and high (95 %
        interval of the share, Wilson).
    """
    from statsmodels.stats.proportion import proportion_confint

    place = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    frame = pd.DataFrame(
        {"tenth": place * TENTHS // len(score) + 1, "forecast": score, "actual": lost.astype(float)}
    )
    told = frame.groupby("tenth").agg(
        cases=("actual", "size"), forecast=("forecast", "mean"), actual=("actual", "mean")
    )
    low, high = proportion_confint(told.cases * told.actual, told.cases, method="wilson")
    return told.assign(low=low, high=high).reset_index()
