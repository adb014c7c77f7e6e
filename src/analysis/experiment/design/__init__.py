"""The design of experiments: what a plan can see, a rehearsal on history, the draw of the arms."""

from __future__ import annotations

from .assigning import Assignment, draw_arms, units_digest
from .comparisons import PlannedComparison
from .costs import treated_share
from .curve import CurvePoint
from .history import History
from .planning import DESIGN_TABLES, DRAWS, Designed, design
from .rehearsal import Rehearsed
from .table import TARGET, PowerRow

__all__ = [
    "DESIGN_TABLES",
    "DRAWS",
    "TARGET",
    "Assignment",
    "CurvePoint",
    "Designed",
    "History",
    "PlannedComparison",
    "PowerRow",
    "Rehearsed",
    "design",
    "draw_arms",
    "treated_share",
    "units_digest",
]
