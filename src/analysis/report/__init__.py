"""The monthly report: sections, page, summary and index."""

from .evaluation import Provenance, evaluation_page
from .index import index_page, month_entries
from .monthly import MonthlyReport, monthly_report
from .page import to_html
from .summary import summary

__all__ = [
    "MonthlyReport",
    "Provenance",
    "evaluation_page",
    "index_page",
    "month_entries",
    "monthly_report",
    "summary",
    "to_html",
]
