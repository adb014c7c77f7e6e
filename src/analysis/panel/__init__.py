"""The customer-month panel, and what is read off it: one place for every customer's history."""

from .customer_months import customer_months
from .facts import AMOUNT_DECIMALS
from .features import CustomerFeatures, customer_features, feature_dictionary
from .silence import (
    LONGEST_WINDOW_DAYS,
    SHORTEST_WINDOW_DAYS,
    churn_window,
    off_seasons,
    with_silence,
)

__all__ = [
    "AMOUNT_DECIMALS",
    "LONGEST_WINDOW_DAYS",
    "SHORTEST_WINDOW_DAYS",
    "CustomerFeatures",
    "churn_window",
    "customer_features",
    "customer_months",
    "feature_dictionary",
    "off_seasons",
    "with_silence",
]
