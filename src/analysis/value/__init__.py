"""What each customer is worth, month by month: RFM, ABC and the value score."""

from .scoring import score

__all__ = ["score"]
