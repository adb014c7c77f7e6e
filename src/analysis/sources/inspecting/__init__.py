"""A look at files nobody has described yet: a draft of the profile's entry for them.

`inspect` reads the beginnings with the same readers and the same conversions as a run, so that
what the draft says is what a run will do. Only names and meanings are guessed, and marked.
"""

from .drafting import draft_of
from .folders import NOT_READ, inspect
from .look import Look
from .looking import look_at

__all__ = ["NOT_READ", "Look", "draft_of", "inspect", "look_at"]
