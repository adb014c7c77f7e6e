"""Pooling of strata that are too small for the regression, decided on counts alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .results import BoolArray, FloatArray, IntArray, Note, NoteCode
from .units import Units

MIN_PER_ARM_BLOCKED = 2
"""Units of each arm a blocked stratum needs: with one, its variance cannot be estimated."""
MIN_PER_ARM_UNBLOCKED = 5
"""Where chance dealt the arms, a stratum with fewer is mostly noise (Miratrix, Sekhon and Yu
2013, J. R. Stat. Soc. B 75(2): post-stratification costs variance in small strata)."""


@dataclass(frozen=True, eq=False)
class PooledStrata:
    """Strata after pooling.

    Attributes:
        codes: (n,) 0 … n_strata − 1.
        n_strata: Number of strata left.
        pooled: Original codes that were merged into one; empty when none was.
    """

    codes: IntArray
    n_strata: int
    pooled: tuple[int, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """One note when strata were merged."""
        return (Note(NoteCode.STRATA_POOLED, len(self.pooled)),) if self.pooled else ()


def pool_strata(units: Units, most: int | None = None) -> PooledStrata:
    """Merge strata until every arm has enough units (or clusters) in each.

    All strata that are too small become one; while that one is too small, or too many are left,
    the smallest of the others joins it. Only counts decide, never outcomes.

    Args:
        units: The units of two arms; every unit counts.
        most: Largest number of strata wanted, or None.

    Returns:
        One code a unit, and which strata were merged.
    """
    if units.strata is None or len(units) == 0:
        return PooledStrata(np.zeros(len(units), dtype=np.intp), 1)
    minimum = MIN_PER_ARM_BLOCKED if units.blocked else MIN_PER_ARM_UNBLOCKED
    codes = units.strata - units.strata.min()
    size = int(codes.max()) + 1
    per_arm = _counts_per_arm(codes, units.treated, units.clusters, size)
    merged = _strata_to_merge(per_arm, minimum, len(codes) if most is None else most)
    new_code, n_strata = _renumber(per_arm.sum(axis=1) > 0, merged)
    original = np.flatnonzero(merged) + int(units.strata.min())
    return PooledStrata(new_code[codes], n_strata, tuple(original.tolist()))


def _counts_per_arm(
    codes: IntArray, treated: BoolArray, clusters: IntArray | None, size: int
) -> IntArray:
    """(size, 2) units, or distinct clusters, by stratum and arm."""
    cell = codes * 2 + treated
    if clusters is not None:
        cells_of_clusters = np.unique(np.column_stack([clusters, cell]), axis=0)
        cell = cells_of_clusters[:, 1]
    return np.bincount(cell, minlength=2 * size).reshape(size, 2)


def _strata_to_merge(per_arm: IntArray, minimum: int, most: int) -> BoolArray:
    """(S,) true for the strata that become one."""
    total = per_arm.sum(axis=1)
    merged = (per_arm.min(axis=1) < minimum) & (total > 0)
    others = np.flatnonzero(~merged & (total > 0))
    left = len(others)
    for smallest in others[np.argsort(total[others], kind="stable")]:
        too_small = merged.any() and per_arm[merged].sum(axis=0).min() < minimum
        if not too_small and left + merged.any() <= most:
            break
        merged[smallest] = True
        left -= 1
    return merged


def _renumber(present: BoolArray, merged: BoolArray) -> tuple[IntArray, int]:
    """New code by old code: the merged ones share the last number."""
    kept = present & ~merged
    new_code = np.cumsum(kept) - 1
    n_kept = int(kept.sum())
    new_code[merged] = n_kept
    return new_code.astype(np.intp), n_kept + int(merged.any())


def shares(codes: IntArray, n_strata: int, weights: FloatArray | None) -> FloatArray:
    """(S,) share of each stratum in all units, by weight."""
    totals = np.bincount(codes, weights=weights, minlength=n_strata).astype(np.float64)
    return totals / totals.sum()
