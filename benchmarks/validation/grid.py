"""All cells of the grid."""

from __future__ import annotations

from . import answers, clusters, looks, means, power
from .cell import Cell

MODULES = (means, clusters, answers, looks, power)
CELLS: dict[str, Cell] = {cell.name: cell for module in MODULES for cell in module.CELLS}
