"""Draws and readings that several cells share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from analysis.experiment.estimators import Comparison, NoteCode, Status

CLUSTER_SIZE_CV = 0.9
"""Standard deviation ÷ mean of cluster sizes (statistics.md, How it is validated)."""


def repeat(
    once: Callable[[np.random.Generator], Mapping[str, bool]],
    rng: np.random.Generator,
    replications: int,
) -> dict[str, np.ndarray]:
    """Replications of one experiment: claim → (R,) hits."""
    rows = [once(rng) for _ in range(replications)]
    return {name: np.array([row[name] for row in rows], dtype=bool) for name in rows[0]}


def holds(found: object, truth: float) -> bool:
    """Whether an interval holds the truth; one that is not there does not."""
    low, high = found.ci_low, found.ci_high  # type: ignore[attr-defined]
    return bool(low <= truth <= high)


def excludes_zero(found: object) -> bool:
    """Whether an interval excludes zero."""
    low, high = found.ci_low, found.ci_high  # type: ignore[attr-defined]
    return bool(low > 0 or high < 0)


def warned(found: Comparison, *codes: NoteCode) -> bool:
    """Whether the reader is told: a note of these codes, or no interval at all."""
    told = {note.code for note in found.notes}
    return found.status is not Status.OK or bool(told & set(codes))


def half(rng: np.random.Generator, n: int, treated: int | None = None) -> np.ndarray:
    """(n,) a random half (or so many) treated."""
    return rng.permutation(n) < (n // 2 if treated is None else treated)


def within(rng: np.random.Generator, strata: np.ndarray, treated: Mapping[int, int]) -> np.ndarray:
    """(n,) so many treated in each stratum."""
    arm = np.zeros(len(strata), dtype=bool)
    for code, count in treated.items():
        rows = np.flatnonzero(strata == code)
        arm[rng.permutation(rows)[:count]] = True
    return arm


def cluster_sizes(rng: np.random.Generator, clusters: int, mean: float = 30.0) -> np.ndarray:
    """(G,) units of each cluster: gamma with the promised variation, at least two."""
    shape = 1 / CLUSTER_SIZE_CV**2
    return np.maximum(2, np.round(rng.gamma(shape, mean / shape, clusters))).astype(int)
