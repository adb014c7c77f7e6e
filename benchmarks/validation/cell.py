"""A cell of the grid: a situation that is simulated, and what is claimed of it.

A claim is a rate with a promise. It holds when the rate achieved lies within the 99.9 % binomial
limits of the promise at the number of replications; these are computed, never typed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import stats

from .entering import Code

LEVEL = 0.999
"""Chance that a rate which keeps its promise exactly lies within the limits."""
SEED = 20_261_101
"""Fixed before the first run; every chunk of every cell draws from its own stream of it."""
Holds = Literal["within", "at least", "at most", "near", "fails", "published"]
Hits = Mapping[str, np.ndarray]
"""Claim → (R,) whether each replication was a hit."""
Simulate = Callable[[np.random.Generator, int], Hits]


@dataclass(frozen=True)
class Claim:
    """What a rate should be.

    Attributes:
        promise: The rate promised, a fraction.
        holds: ``within`` the limits; ``at least`` or ``at most`` (one side is promised);
            ``near``: within two points (power); ``fails``: a reading that must be seen to break
            the promise, because it is shown as a warning; ``published``: no promise is made, the
            rate is told as it is.
        what: What is counted, in words.
    """

    promise: float
    holds: Holds
    what: str

    def limits(self, n: int) -> tuple[float, float]:
        """The rates that hold, at n replications."""
        if self.holds == "near":
            return self.promise - NEAR, self.promise + NEAR
        low, high = (float(v) / n for v in stats.binom.interval(LEVEL, n, self.promise))
        return {
            "within": (low, high),
            "at least": (low, 1.0),
            "at most": (0.0, high),
            "fails": (0.0, low),
            "published": (0.0, 1.0),
        }[self.holds]

    def passes(self, hits: int, n: int) -> bool | None:
        """Whether the rate holds; None where nothing is promised."""
        if self.holds == "published":
            return None
        low, high = self.limits(n)
        rounding = 1e-9  # limits are counts divided by n
        return low - rounding <= hits / n <= high + rounding


NEAR = 0.02
"""Power: points around the design's promise (statistics.md)."""


@dataclass(frozen=True)
class Cell:
    """One situation.

    Attributes:
        name: Short name, of its file too.
        group: Heading under which it is told.
        title: The situation in words.
        claims: Claims by name.
        simulate: (generator, R) → hits of R replications.
        replications: R in all.
        chunk: Replications of one job.
        uses: Files and folders below src/analysis inside which its imports are followed.
        hard: True where the promise is known not to hold; published with the warning given.
    """

    name: str
    group: str
    title: str
    claims: Mapping[str, Claim]
    simulate: Simulate
    replications: int = 10_000
    chunk: int = 500
    uses: tuple[str, ...] = ("experiment/estimators",)
    hard: bool = False


def coverage(what: str = "95 % interval holds the truth", holds: Holds = "within") -> Claim:
    """A claim on a 95 % interval."""
    return Claim(0.95, holds, what)


def seeds_of(cell: Cell, chunk: int) -> np.random.Generator:
    """The stream of one chunk: a function of the cell's name and the chunk alone."""
    name = int.from_bytes(hashlib.sha256(cell.name.encode()).digest()[:4], "big")
    return np.random.default_rng([SEED, name, chunk])


def code_digest(cell: Cell, source: Path, here: Path) -> str:
    """Digest of what decides a cell's result: its own module and the code that enters it.

    Comments, docstrings and layout do not count, so that a reworded sentence costs no rerun.
    """
    module = here / f"{cell.simulate.__module__.split('.')[-1]}.py"
    return Code(source, here, cell.uses).digest(module)
