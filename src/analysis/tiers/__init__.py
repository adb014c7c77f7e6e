"""Monthly tiers that move for a reason."""

from .assigning import Tiering, assign
from .calls import CALL_PHRASES, calls, explain_calls
from .summary import migration, stability, tier_shares
from .words import HOLD_PHRASES, REASON_PHRASES, explain

__all__ = [
    "CALL_PHRASES",
    "HOLD_PHRASES",
    "REASON_PHRASES",
    "Tiering",
    "assign",
    "calls",
    "explain",
    "explain_calls",
    "migration",
    "stability",
    "tier_shares",
]
