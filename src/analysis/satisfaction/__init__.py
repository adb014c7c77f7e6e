"""Satisfaction: the literature's claims, tested on the company's own data."""

from .catalogue import CLAIMS, Claim, Part
from .testing import claims, claims_in_words

__all__ = ["CLAIMS", "Claim", "Part", "claims", "claims_in_words"]
