"""Normal paths under N(0, R): what the boundaries of calendar looks are worked out from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from .results import BoolArray, FloatArray, IntArray

DRAWS = 2**18
"""Normal paths: at α = 5 % and 24 looks a boundary rests on 546 crossings; over all looks the
error spent is within ± 0.05 points of α."""
POWER_DRAWS = 2**16
"""Paths for a probability of crossing: standard error 0.2 points at most."""
SEED = 20_260_103
"""Fixed, so that a look worked out again gives the same boundary."""
FEWEST_CROSSINGS = 100
"""Crossings below which the draws do not resolve a boundary: the Bonferroni bound of that look's
own share stands in, which is wider."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Draws of |Z| under N(0, R).

    Attributes:
        falling: k arrays (DRAWS,) of draws in falling order of |Z_j|.
        negative: k arrays (DRAWS,) of −|Z_j| in that order.
    """

    falling: tuple[IntArray, ...]
    negative: tuple[FloatArray, ...]

    def beyond(self, look: int, boundary: float) -> IntArray:
        """Draws with |Z| of a look at or beyond a boundary."""
        return self.falling[look][: np.searchsorted(self.negative[look], -boundary, side="right")]


@lru_cache(maxsize=64)
def _normal_column(look: int) -> FloatArray:
    """(DRAWS,) standard normals of one look, the same whatever looks follow.

    Equally spaced quantiles in random order (Latin hypercube; McKay, Beckman and Conover 1979,
    Technometrics 21(2)): each look's own tail is exact.
    """
    order = np.random.default_rng([SEED, look]).permutation(DRAWS)
    column = np.asarray(stats.norm.ppf((order + 0.5) / DRAWS))
    column.setflags(write=False)
    return column


def draw_paths(correlation: FloatArray) -> Paths:
    """Fixed-seed draws of looks 1 … k from their (k, k) correlation."""
    falling, negative = [], []
    for row in _lower_factor(correlation):
        path = np.zeros(DRAWS)
        for j in np.flatnonzero(row):
            path += row[j] * _normal_column(int(j))
        path = -np.abs(path)
        order = np.argsort(path)
        falling.append(order)
        negative.append(path[order])
    return Paths(tuple(falling), tuple(negative))


def _lower_factor(correlation: FloatArray) -> FloatArray:
    """(k, k) lower-triangular factor; a look that earlier ones determine adds nothing.

    Row by row, so that a later look never changes the draws of an earlier one.
    """
    k = len(correlation)
    factor = np.zeros((k, k))
    for i in range(k):
        for j in range(i):
            rest = correlation[i, j] - factor[i, :j] @ factor[j, :j]
            factor[i, j] = rest / factor[j, j] if factor[j, j] > 0 else 0.0
        own = 1.0 - float(factor[i, :i] @ factor[i, :i])
        factor[i, i] = np.sqrt(own) if own > np.sqrt(np.finfo(float).eps) else 0.0
    return factor


def boundary_of(paths: Paths, j: int, alive: BoolArray, share: float) -> float:
    """The |z| that the given share of all draws crosses for the first time at look j."""
    cap = float(stats.norm.isf(share / 2)) if share > 0 else np.inf
    crossings = share * DRAWS
    if j == 0 or crossings < FEWEST_CROSSINGS:  # no earlier look can have stopped a path
        return cap
    rank = int(np.round(crossings))
    alive_by_size = alive[paths.falling[j][: 8 * rank]]
    if alive_by_size.sum() <= rank:  # crossings are rarely this scarce: then look at all draws
        alive_by_size = alive[paths.falling[j]]
    living = np.flatnonzero(alive_by_size)
    return min(cap, -float(paths.negative[j][living[rank]])) if len(living) > rank else 0.0


def null_paths(correlation: FloatArray) -> FloatArray:
    """(K, 65,536) standardised estimates at each look when there is no effect."""
    factor = _lower_factor(correlation)
    columns = np.array([_normal_column(j)[:POWER_DRAWS] for j in range(len(factor))])
    return np.asarray(factor @ columns)


def crossing_probability(
    paths: FloatArray,
    boundaries: FloatArray,
    drift: FloatArray,
    df: float,
    *,
    spread_df: float | None = None,
    scale: float = 1.0,
) -> float:
    """Chance that some look crosses its boundary when the effect is real.

    Args:
        paths: (K, D) `null_paths`.
        boundaries: (K,) in standard normal units.
        drift: (K,) effect ÷ standard error at each look.
        df: Degrees of freedom of the t quantiles.
        spread_df: Degrees of freedom of the standard errors themselves, where they differ.
        scale: Mean of the standard errors ÷ the true ones.

    Returns:
        Probability; its standard error is at most 0.2 points.
    """
    critical = stats.t.isf(stats.norm.sf(boundaries), df)
    freedom = df if spread_df is None else spread_df
    squares = np.random.default_rng(SEED).chisquare(freedom, paths.shape[1]) / freedom
    crossed = np.abs(paths + drift[:, None]) >= scale * critical[:, None] * np.sqrt(squares)
    return float(crossed.any(axis=0).mean())
