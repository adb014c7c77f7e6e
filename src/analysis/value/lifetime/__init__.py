"""What a customer will still be worth: purchases, their value, and the check of both."""

from .purchases import BgNbd, Histories, fit_purchases, histories
from .spending import GammaGamma, fit_spending

__all__ = ["BgNbd", "GammaGamma", "Histories", "fit_purchases", "fit_spending", "histories"]
