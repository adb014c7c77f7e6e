"""Monthly tiers that move for a reason."""

from .assigning import Tiering, assign

__all__ = ["Tiering", "assign"]
