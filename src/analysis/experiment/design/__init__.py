"""The design of experiments: what a plan can see, a rehearsal on history, the draw of the arms."""

from __future__ import annotations

from .assigning import Assignment, assign, units_digest
from .comparisons import PlannedComparison
from .costs import treated_share
from .history import History
from .planning import DRAWS, TABLES, Designed, design
from .rehearsal import Rehearsed
from .table import TARGET, PowerRow

__all__ = [
    "DRAWS",
    "TABLES",
    "TARGET",
    "Assignment",
    "Designed",
    "History",
    "PlannedComparison",
    "PowerRow",
    "Rehearsed",
    "assign",
    "design",
    "treated_share",
    "units_digest",
]
