"""The design of experiments: what a plan can see, a rehearsal on history, the draw of the arms."""

from __future__ import annotations

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
    "Designed",
    "History",
    "PlannedComparison",
    "PowerRow",
    "Rehearsed",
    "design",
    "treated_share",
]
