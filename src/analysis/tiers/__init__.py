"""Monthly tiers that move for a reason."""

from .assigning import Tiering, assign
from .calls import CALL_PHRASES, calls, calls_in_words, explain_calls
from .summary import migration, stability, tier_shares
from .words import HOLD_PHRASES, REASON_PHRASES, explain, moves_in_words

__all__ = [
    "CALL_PHRASES",
    "HOLD_PHRASES",
    "REASON_PHRASES",
    "Tiering",
    "assign",
    "calls",
    "calls_in_words",
    "explain",
    "explain_calls",
    "migration",
    "moves_in_words",
    "stability",
    "tier_shares",
]
