"""The monthly report: sections, page, summary and index."""

from .monthly import MonthlyReport, monthly_report
from .page import to_html
from .summary import summary

__all__ = ["MonthlyReport", "monthly_report", "summary", "to_html"]
