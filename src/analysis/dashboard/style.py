"""The page's stylesheet: the house palette, and a layout that fits a phone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..figures import palette

SHEET = Path(__file__).with_name("dashboard.css")
VARIABLES = ("INK", "MUTED", "RULE", "ACCENT", "BETTER", "WORSE", "CAUTION")


@cache
def stylesheet() -> str:
    """The sheet with the palette's colours as CSS variables."""
    colours = "".join(
        f"--{name.lower().replace('_', '-')}:{getattr(palette, name)};" for name in VARIABLES
    )
    return f".tl-app{{{colours}}}\n{SHEET.read_text(encoding='utf-8')}"
