"""All cells of the grid."""

from __future__ import annotations

from . import (
    accruing_clusters,
    answers,
    bands,
    before,
    clusters,
    followed,
    frequency,
    looks,
    means,
    power,
    rare,
    uneven,
    verdicts,
)
from .cell import Cell

MODULES = (
    *(means, uneven, rare, before),
    *(clusters, answers, followed, bands),
    *(frequency, looks, accruing_clusters, power, verdicts),
)
CELLS: dict[str, Cell] = {cell.name: cell for module in MODULES for cell in module.CELLS}
COST = {
    "units-50000": 7.0,
    "share-50000": 3.0,
    "clusters-8-opinions": 4.0,
    "clusters-20-opinions": 18.0,
    "nps-by-covariate": 5.0,
    "nps-by-answer": 5.0,
    "spillover-none": 6.0,
    "spillover-some": 6.5,
    "survival-frequency": 15.0,
    "survival-frequency-2000": 100.0,
    "accrual-40": 22.0,
    "accrual-clusters-12": 2.0,
    "accrual-clusters-60": 6.0,
    "looks-24-revenue": 11.0,
    "looks-24-lost": 11.0,
    "looks-24-complaints": 70.0,
    "looks-24-counts": 130.0,
    "verdict-one-goal": 9.0,
    "verdict-three-goals": 14.0,
    "verdict-segments": 40.0,
    "verdict-arms": 25.0,
    "verdict-one-loses": 35.0,
    "verdict-at-the-margin": 15.0,
}
"""Milliseconds a replication where it is much above 1: what costs least runs first."""


def cost(cell: Cell) -> float:
    """Milliseconds that a cell takes, roughly."""
    return COST.get(cell.name, 1.0) * cell.replications
