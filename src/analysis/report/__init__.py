"""The monthly report: sections, page, summary and index."""

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
from .summary import summary

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
    "summary",
    "to_html",
]
