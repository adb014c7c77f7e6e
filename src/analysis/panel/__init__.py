"""The customer-month panel, and what is read off it: one place for every customer's history."""

from .customer_months import AMOUNT_DECIMALS, customer_months
from .features import customer_features, feature_dictionary
from .month_index import index_of, index_of_text, month_index, month_text
from .silence import LONGEST_WINDOW_DAYS, churn_window, off_seasons, with_silence

__all__ = [
    "AMOUNT_DECIMALS",
    "LONGEST_WINDOW_DAYS",
    "churn_window",
    "customer_features",
    "customer_months",
    "feature_dictionary",
    "index_of",
    "index_of_text",
    "month_index",
    "month_text",
    "off_seasons",
    "with_silence",
]
