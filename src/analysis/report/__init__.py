"""The monthly report: sections, page, summary and index."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluation import Provenance, evaluation_page
    from .evaluation_charts import (
        answer_charts,
        curve_charts,
        effect_charts,
        fairness_charts,
        money_charts,
    )
    from .index import index_page, month_entries
    from .monthly import MonthlyReport, monthly_report
    from .page import to_html

__all__ = [
    "MonthlyReport",
    "Provenance",
    "answer_charts",
    "curve_charts",
    "effect_charts",
    "evaluation_page",
    "fairness_charts",
    "index_page",
    "money_charts",
    "month_entries",
    "monthly_report",
    "to_html",
]

_HOMES = {
    "Provenance": "evaluation",
    "evaluation_page": "evaluation",
    "index_page": "index",
    "month_entries": "index",
    "MonthlyReport": "monthly",
    "monthly_report": "monthly",
    "to_html": "page",
}
"""Where a name is, unless among the charts."""


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: to make a page of a notebook takes no charts."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    home = _HOMES.get(name, "evaluation_charts")
    return getattr(importlib.import_module(f".{home}", __name__), name)
