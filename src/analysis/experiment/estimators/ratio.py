"""Ratio metrics (sum over sum): each unit's linearised value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .relative import ZERO_AGAINST
from .results import FloatArray, IntArray, Note, NoteCode, Status
from .strata import pool_strata, shares
from .units import LARGEST_VALUE, Units, usable


@dataclass(frozen=True, eq=False)
class LinearisedRatio:
    """Values whose adjusted mean in an arm is the arm's ratio.

    Attributes:
        status: `ok`; `undefined` when an arm's mean denominator is not above zero; `no units`.
        values: (n,) ψ_i = (num_i − R·den_i) / mean(den) + R; NaN where a part is missing.
        ratio_treatment: R of the treated, standardised over strata and weights.
        ratio_control: R of the controls.
        notes: Number of denominators below zero, if any.
    """

    status: Status
    values: FloatArray
    ratio_treatment: float
    ratio_control: float
    notes: tuple[Note, ...] = ()


def linearised_ratio(
    numerator: FloatArray, denominator: FloatArray, units: Units
) -> LinearisedRatio:
    """Linearise a ratio within each arm, so that the one estimator can compare it.

    R and the mean denominator of an arm are standardised over the strata of both arms: with
    unequal allocation by stratum the arm's plain ratio mixes the strata differently in each arm.

    Args:
        numerator: (n,) for example orders per unit.
        denominator: (n,) for example sessions per unit.
        units: The same n units.

    Returns:
        One value a unit, for `compare`.

    Source:
        Deng, Knoblich and Lu 2018, KDD, "Applying the Delta Method in Metric Analytics".

    Example:
        >>> import numpy as np
        >>> from analysis.experiment.estimators import compare, linearised_ratio, make_units
        >>> units = make_units([1, 1, 1, 0, 0, 0])
        >>> orders, sessions = np.array([2.0, 1, 3, 1, 0, 2]), np.array([4.0, 2, 4, 3, 1, 4])
        >>> ratio = linearised_ratio(orders, sessions, units)
        >>> found = compare(ratio.values, units)
        >>> round(found.value_treatment, 3), round(found.value_control, 3)
        (0.6, 0.375)
    """
    known = usable(numerator, units) & usable(denominator, units)
    values = np.full(len(units), np.nan)
    everyone = bool(known.all())
    kept = units if everyone else units.take(known)
    if kept.treated.all() or not kept.treated.any():
        return LinearisedRatio(Status.NO_UNITS, values, np.nan, np.nan)
    parts = (numerator, denominator) if everyone else (numerator[known], denominator[known])
    top, bottom = (np.asarray(part, dtype=np.float64) for part in parts)
    smallest = max(ZERO_AGAINST * np.abs(bottom).max(), np.abs(top).max() / LARGEST_VALUE)
    strata = pool_strata(kept)
    share = shares(strata.codes, strata.n_strata, kept.weights)
    weights = None if strata.n_strata == 1 and kept.weights is None else _weights(kept)
    ratios = {}
    linearised = np.empty(len(top))
    for arm in (True, False):
        rows = np.flatnonzero(kept.treated == arm)
        own = None if weights is None else weights[rows]
        codes = strata.codes[rows] if own is not None else strata.codes
        above, below = top[rows], bottom[rows]
        mean_bottom = _standardised_mean(below, own, codes, share)
        if mean_bottom <= smallest:
            return LinearisedRatio(Status.UNDEFINED, values, np.nan, np.nan)
        ratio = _standardised_mean(above, own, codes, share) / mean_bottom
        linearised[rows] = (above - ratio * below) / mean_bottom + ratio
        ratios[arm] = ratio
    values[known] = linearised
    below_zero = int((bottom < 0).sum())
    notes = (Note(NoteCode.NEGATIVE_DENOMINATOR, below_zero),) if below_zero else ()
    return LinearisedRatio(Status.OK, values, ratios[True], ratios[False], notes)


def _weights(units: Units) -> FloatArray:
    return np.ones(len(units)) if units.weights is None else units.weights


def _standardised_mean(
    values: FloatArray, weights: FloatArray | None, codes: IntArray, share: FloatArray
) -> float:
    """Mean of an arm with the strata in the proportions of both arms together.

    Args:
        values: (n,) of the arm's units.
        weights: (n,) their weights; None: one stratum and no weights, so that it is the mean.
        codes: (n,) their strata.
        share: (s,) share of each stratum in both arms.
    """
    if weights is None:
        return float(values.mean())
    total = np.bincount(codes, weights, minlength=len(share))
    sums = np.bincount(codes, weights * values, minlength=len(share))
    present = total > 0
    return float(np.sum(share[present] * sums[present] / total[present]))
