"""The monthly report: sections, page, summary and index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import late

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
    "answer_charts": "evaluation_charts",
    "curve_charts": "evaluation_charts",
    "effect_charts": "evaluation_charts",
    "fairness_charts": "evaluation_charts",
    "money_charts": "evaluation_charts",
    "index_page": "index",
    "month_entries": "index",
    "MonthlyReport": "monthly",
    "monthly_report": "monthly",
    "to_html": "page",
}

__getattr__ = late(__name__, _HOMES)
"""To make a page of a notebook takes no charts."""
