"""The program with all its commands; a file of commands is added here."""

from __future__ import annotations

from . import designing, forgetting, inspecting, matching, publishing, replaying
from .commands import app

MODULES = (designing, forgetting, inspecting, matching, publishing, replaying)
"""Files that register commands on ``app`` when they are imported."""

__all__ = ["MODULES", "app"]
