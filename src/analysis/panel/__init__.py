"""The customer-month panel, and what is read off it: one place for every customer's history."""

from .customer_months import AMOUNT_DECIMALS, KEY, customer_months
from .month_index import index_of, index_of_text, month_index, month_text

__all__ = [
    "AMOUNT_DECIMALS",
    "KEY",
    "customer_months",
    "index_of",
    "index_of_text",
    "month_index",
    "month_text",
]
