"""Features of customers, from declared building blocks."""

from .features import customer_features, feature_dictionary

__all__ = ["customer_features", "feature_dictionary"]
