"""Features of customers, from declared building blocks."""

from .dictionary import feature_dictionary
from .features import CustomerFeatures, customer_features

__all__ = ["CustomerFeatures", "customer_features", "feature_dictionary"]
