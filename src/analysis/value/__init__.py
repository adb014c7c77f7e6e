"""What each customer is worth, month by month: scores, concentration, what is still to come."""

from .concentration import concentration, lorenz
from .dimensions import with_dimensions
from .scoring import score
from .sensitivity import weight_sensitivity

__all__ = ["concentration", "lorenz", "score", "weight_sensitivity", "with_dimensions"]
