"""Colours of every figure: one accent, and tones that colour-blind readers tell apart.

Each text colour has a contrast of at least 4.5 : 1 on white. A colour never stands alone: a word,
a sign or a position says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

INK = "#17232e"
MUTED = "#566370"
RULE = "#d9e0e6"
ACCENT = "#0b5c8f"
TINT = "#d7e7f2"
GROUND = "#f1f4f7"
BETTER = "#00694c"
WORSE = "#a8410a"
CAUTION = "#7a5a00"
NEUTRAL = "#8a959f"

TONES: Mapping[str, str] = MappingProxyType(
    {"better": BETTER, "worse": WORSE, "unsure": MUTED, "plain": ACCENT}
)
"""What an interval says → its colour."""

TREATED = ACCENT
CONTROL = "#7b8790"
FURTHER_ARMS = ("#b3541e", "#6b4c9a", "#2a7f62")
"""Colours of arms after the first treated one."""
