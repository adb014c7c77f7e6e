"""Could the draw itself have made so large a difference? The randomisation test of two means.

Before assignment nothing can have had an effect, so each draw of as many treated units a stratum
was as likely as the one that was made: the share of draws with a difference as large is exact,
whatever the values look like. A t test is not: with skewed values and few treated it calls a
difference of p < 0.0001 ten to forty times too often. The share is found by the double saddlepoint
approximation (Skovgaard 1987, J. Appl. Probab. 24(4); Robinson 1982, J. R. Stat. Soc. B 44(1)),
whose relative error stays small far out in the tail, in time that grows with the units alone.
Of few units, and where a handful of them are nearly the whole difference, it says nothing: there
draws are made and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from .means import compare_arms
from .results import FloatArray, IntArray, Status
from .strata import pool_strata
from .units import Units, usable

LOOKED_AT = 0.1
"""p of the t test below which the draws are looked at: it takes no longer than it must."""
MOST_STEPS = 100
"""Steps of a search; Newton's, kept within bounds, need ten."""
TOLERANCE = 1e-9
"""Error of a sum of chances, and of a difference in standard deviations, at which a search ends."""
LONGEST_STEP = 3.0
"""Change of log odds in one step."""
STEEPEST = 500.0
"""Slope per standard deviation beyond which a difference lies at the edge of what a draw can be."""
NEAR_MEAN = 0.1
"""Standard deviations below which the tail is taken from the normal distribution."""
FEW_UNITS = 100
"""Units up to which draws are made."""
MOST_DRAWS = 100_000
MOST_DRAWN = 100_000_000
"""Units drawn in all: of many units fewer draws are made, and p cannot be told as small."""
DRAWN_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class _Draws:
    """All draws with as many treated units in each stratum.

    Attributes:
        part: (n,) what a unit adds to the difference when treated, in standard deviations of it.
        strata: (n,) codes.
        treated: (h,) treated units of each stratum.
        odds: (n,) log odds of being treated.
    """

    part: FloatArray
    strata: IntArray
    treated: FloatArray
    odds: FloatArray


def differences_before(values: FloatArray, units: Units) -> list[float]:
    """p that the arms were alike before assignment, of several columns.

    Args:
        values: (n, m) known before assignment; NaN where unknown.
        units: The units, without covariates.

    Returns:
        Where units were randomised the share of draws with a difference as large (the t test's p
        where that is large); where clusters were the estimator's own p. NaN where there is none.
    """
    found = compare_arms(values, units)
    plain = [c.p_value if c.status is Status.OK else np.nan for c in found]
    if units.clusters is not None:
        return plain
    return [
        randomisation_p(values[:, j], units) if p < LOOKED_AT else p for j, p in enumerate(plain)
    ]


def randomisation_p(values: FloatArray, units: Units) -> float:
    """Two-sided p of no difference: the share of draws whose difference is at least as large.

    Args:
        values: (n,) known before assignment; NaN is left out.
        units: Randomised units (no clusters) with their strata.

    Returns:
        p; NaN where an arm is empty or all values are alike.
    """
    known = usable(values, units)
    kept = units.take(known)
    if kept.treated.all() or not kept.treated.any():
        return float("nan")
    draws = _draws(values[known], kept)
    if draws is None:
        return float("nan")
    size = abs(float(draws.part[kept.treated].sum()))
    if len(kept) > FEW_UNITS:
        p = _tail(draws, size, 1.0) + _tail(draws, size, -1.0)
        if np.isfinite(p):
            return min(1.0, p)
    return _share_drawn(draws, size)


def _share_drawn(draws: _Draws, size: float) -> float:
    """The share found by drawing, the draw that was made among them; the same each time."""
    rng = np.random.default_rng(0)
    n = len(draws.part)
    left = made = int(min(MOST_DRAWS, max(MOST_DRAWN // n, 1)))
    as_large = 0
    while left:
        some = min(left, max(DRAWN_AT_ONCE // n, 1))
        as_large += int((np.abs(_drawn(draws, some, rng)) >= size - TOLERANCE).sum())
        left -= some
    return (1 + as_large) / (1 + made)


def _drawn(draws: _Draws, times: int, rng: np.random.Generator) -> FloatArray:
    """(times,) differences of new draws."""
    found = np.zeros(times)
    for stratum, treated in enumerate(draws.treated.astype(int)):
        part = draws.part[draws.strata == stratum]
        ticket = rng.random((times, len(part)), dtype=np.float32)
        found += part[np.argpartition(ticket, treated, axis=1)[:, :treated]].sum(axis=1)
    return found


def _draws(values: FloatArray, units: Units) -> _Draws | None:
    """The difference, standardised over strata, as a sum over treated units; None if constant."""
    strata = pool_strata(units).codes
    n = np.bincount(strata).astype(np.float64)
    t = np.bincount(strata, units.treated).astype(np.float64)
    centred = values - (np.bincount(strata, values) / n)[strata]
    part = centred * (n / n.sum() * n / (t * (n - t)))[strata]
    spread = np.bincount(strata, part**2) * t * (n - t) / (n * np.maximum(n - 1, 1))
    if spread.sum() <= 0:
        return None
    odds = special.logit(t / n)[strata]
    return _Draws(part / np.sqrt(spread.sum()), strata, t, odds)


def _tail(draws: _Draws, size: float, side: float) -> float:
    """P(difference ≥ size) on one side, size in standard deviations; NaN where it is not found."""
    if size < NEAR_MEAN:
        return float(stats.norm.sf(size))
    if size > _largest(draws, side) + TOLERANCE:
        return 0.0
    found = _slope(draws, size, side)
    if found is None:
        return float("nan")
    slope, shift, spread = found
    tilted = draws.odds + side * slope * draws.part + shift[draws.strata]
    grown = np.sum(np.logaddexp(0.0, tilted) - np.logaddexp(0.0, draws.odds))
    squared = 2 * (slope * size + shift @ draws.treated - grown)
    chance = special.expit(tilted)
    now = np.bincount(draws.strata, chance * (1 - chance))
    before = np.bincount(draws.strata, special.expit(draws.odds) * special.expit(-draws.odds))
    v = slope * np.sqrt(spread * np.exp(np.sum(np.log(now) - np.log(before))))
    r = np.sqrt(max(squared, 0.0))
    if r <= 0 or v <= 0:
        return float("nan")
    tail = stats.norm.sf(r) - stats.norm.pdf(r) * (1 / r - 1 / v)
    most = np.exp(-(r**2) / 2)  # at the edge of what can be nothing is left to vary, and v is 0
    return float(np.clip(tail, 0.0, most))


def _largest(draws: _Draws, side: float) -> float:
    """The largest difference that a draw can make on one side."""
    part = side * draws.part
    order = np.lexsort((-part, draws.strata))
    first = np.searchsorted(draws.strata[order], draws.strata[order])
    return float(
        part[order][np.arange(len(part)) - first < draws.treated[draws.strata[order]]].sum()
    )


def _slope(draws: _Draws, size: float, side: float) -> tuple[float, FloatArray, float] | None:
    """The tilt under which the expected difference is `size`; None at the edge of what can be.

    Returns:
        Slope, (h,) shift of the log odds that keeps the number treated in each stratum, and the
        variance of the difference under the tilt, the numbers treated held.
    """
    low, high, slope = 0.0, STEEPEST, size
    shift = np.zeros(len(draws.treated))
    for _ in range(MOST_STEPS):
        shift = _shift(draws, side * slope, shift)
        chance = special.expit(draws.odds + side * slope * draws.part + shift[draws.strata])
        weight = chance * (1 - chance)
        of_stratum = np.bincount(draws.strata, weight)
        mean_part = np.bincount(draws.strata, weight * draws.part) / np.maximum(of_stratum, 1e-300)
        spread = float(weight @ (draws.part - mean_part[draws.strata]) ** 2)
        missing = size - side * float(chance @ draws.part)
        if abs(missing) < TOLERANCE * max(size, 1.0):
            return slope, shift, spread
        low, high = (slope, high) if missing > 0 else (low, slope)
        step = slope + missing / spread if spread > 0 else np.inf
        slope = step if low < step < high else (low + high) / 2
        if low >= STEEPEST * 0.999:
            return None
    return None


def _shift(draws: _Draws, slope: float, shift: FloatArray) -> FloatArray:
    """The shift of log odds in each stratum that keeps the expected number treated."""
    for _ in range(MOST_STEPS):
        chance = special.expit(draws.odds + slope * draws.part + shift[draws.strata])
        excess = np.bincount(draws.strata, chance) - draws.treated
        if np.abs(excess).max() < TOLERANCE * draws.treated.max():
            break
        spread = np.maximum(np.bincount(draws.strata, chance * (1 - chance)), 1e-12)
        shift = shift - np.clip(excess / spread, -LONGEST_STEP, LONGEST_STEP)
    return shift
