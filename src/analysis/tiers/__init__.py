"""Monthly tiers that move for a reason."""

from .accuracy import accuracy
from .assigning import assign
from .calls import CALL_PHRASES, calls, calls_in_words, explain_calls
from .groups import Groups, groups
from .replaying import Replay, replay
from .services import tier_services
from .summary import migration, stability, tier_shares
from .tiering import Tiering
from .words import HOLD_PHRASES, REASON_PHRASES, explain, moves_in_words

__all__ = [
    "CALL_PHRASES",
    "HOLD_PHRASES",
    "REASON_PHRASES",
    "Groups",
    "Replay",
    "Tiering",
    "accuracy",
    "assign",
    "calls",
    "calls_in_words",
    "explain",
    "explain_calls",
    "groups",
    "migration",
    "moves_in_words",
    "replay",
    "stability",
    "tier_services",
    "tier_shares",
]
