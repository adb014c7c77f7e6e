"""What a customer will still be worth: purchases, their value, and the check of both."""

from .held_out import HeldOut, held_out
from .purchases import BgNbd, Histories, fit_purchases, histories
from .spending import GammaGamma, fit_spending
from .worth import Lifetime, lifetime_values

__all__ = [
    "BgNbd",
    "GammaGamma",
    "HeldOut",
    "Histories",
    "Lifetime",
    "fit_purchases",
    "fit_spending",
    "held_out",
    "histories",
    "lifetime_values",
]
