"""Random draws without a stream: each one is a function of the seed, its purpose and its subject.

A generator that is consumed in order gives another company as soon as one more number is drawn.
Here the draw "delay of customer 17's third shipment in month 5" is a hash of exactly those words,
so the same customer under another arm of an experiment meets the same luck (common random
numbers), a subset of customers can be simulated alone, and no draw depends on the machine.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators": the odd
# constants of SplitMix64 and of its finaliser.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)

LEVELS = 65_536  # a 16-bit draw picks one of so many table entries
POISSON_BY_SUMS_BELOW = 25.0  # above, the Cornish-Fisher expansion is exact to a fraction of a unit


def mixed(keys: Keys) -> Keys:
    """Hash 64-bit keys, elementwise (SplitMix64's finaliser); returns a new array."""
    hashed: Keys = keys ^ (keys >> np.uint64(30))
    hashed *= FIRST_FACTOR
    hashed ^= hashed >> np.uint64(27)
    hashed *= SECOND_FACTOR
    hashed ^= hashed >> np.uint64(31)
    return hashed


def quarters(keys: Keys) -> tuple[Ints, Ints, Ints, Ints]:
    """Cut each 64-bit hash into four independent integers in 0 … 65,535, ready to index tables."""
    parts = np.ascontiguousarray(keys).astype("<u8", copy=False).view("<u2").reshape(-1, 4)
    first, second, third, fourth = (parts[:, place].astype(np.int64) for place in range(4))
    return first, second, third, fourth


@lru_cache(maxsize=1)
def normal_levels() -> Floats:
    """Standard normal quantiles at the midpoints of 65,536 equal probabilities, ascending."""
    quantile = NormalDist().inv_cdf
    half = [quantile((level + 0.5) / LEVELS) for level in range(LEVELS // 2)]
    lower = np.array(half)
    return np.concatenate([lower, -lower[::-1]])


def category_levels(weights: NDArray[np.float64] | list[float]) -> Ints:
    """Spread 65,536 levels over categories in proportion to weights: levels → category number."""
    shares = np.cumsum(np.asarray(weights, dtype=float))
    edges = np.rint(shares / shares[-1] * LEVELS).astype(np.int64)
    return np.searchsorted(edges, np.arange(LEVELS), side="right").astype(np.int64)


LARGEST_UNIFORM = 1 - 1e-12
"""Sums of shares, rounded, surely reach it; they need not reach what lies closer to 1."""


def poisson(means: Floats, uniforms: Floats) -> Ints:
    """Poisson counts by quantile, so that a larger mean never gives fewer at the same uniform."""
    counts = np.zeros(len(means), dtype=np.int64)
    large = means >= POISSON_BY_SUMS_BELOW
    counts[large] = _poisson_expansion(means[large], uniforms[large])
    counts[~large] = _poisson_by_sums(means[~large], uniforms[~large])
    return counts


def _poisson_expansion(means: Floats, uniforms: Floats) -> Ints:
    normal = normal_levels()[(uniforms * LEVELS).astype(np.int64)]
    quantile = means + np.sqrt(means) * normal + (normal * normal - 1) / 6
    return np.maximum(np.rint(quantile), 0).astype(np.int64)


def _poisson_by_sums(means: Floats, uniforms: Floats) -> Ints:
    counts = np.zeros(len(means), dtype=np.int64)
    open_rows = np.flatnonzero(means > 0)
    mean, goal = means[open_rows], np.minimum(uniforms[open_rows], LARGEST_UNIFORM)
    mass = np.exp(-mean)
    reached = mass.copy()
    step = 0
    while len(open_rows) and step < 200:
        short = goal > reached
        open_rows, mean, goal = open_rows[short], mean[short], goal[short]
        step += 1
        mass = mass[short] * mean / step
        reached = reached[short] + mass
        counts[open_rows] = step
    return counts


@dataclass(frozen=True)
class Draws:
    """All randomness of one company.

    Attributes:
        seed: the company's seed; any integer.
    """

    seed: int

    def keys(self, purpose: str, *subjects: Ints | Bools | int) -> Keys:
        """64-bit hashes of (seed, purpose, subjects), one a row of the broadcast subjects."""
        start = (self.seed * 0x632BE59BD9B4E019 + zlib.crc32(purpose.encode())) % 2**64
        keys = mixed(np.array([start], dtype=np.uint64))
        for subject in subjects:
            number = np.atleast_1d(np.asarray(subject)).astype(np.int64).astype(np.uint64)
            keys = mixed(keys + (number + np.uint64(1)) * GOLDEN)
        return keys

    def uniform(self, purpose: str, *subjects: Ints | Bools | int) -> Floats:
        """Uniform draws in [0, 1)."""
        high: Keys = self.keys(purpose, *subjects) >> np.uint64(11)
        return high.astype(np.float64) * 2.0**-53

    def levels(self, purpose: str, *subjects: Ints | Bools | int) -> Ints:
        """Integers in 0 … 65,535, to look tables up."""
        return (self.keys(purpose, *subjects) >> np.uint64(48)).astype(np.int64)

    def normal(self, purpose: str, *subjects: Ints | Bools | int) -> Floats:
        """Standard normal draws, within ± 4.3."""
        return normal_levels()[self.levels(purpose, *subjects)]

    def generator(self, purpose: str, number: int = 0) -> np.random.Generator:
        """An ordinary generator for what no experiment compares, such as where errors fall."""
        return np.random.Generator(np.random.PCG64(int(self.keys(purpose, number)[0])))
