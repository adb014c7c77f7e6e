"""Numbers only: arrays in, frozen results out. No tables, no parameters, no text for readers."""

from .comparison import Comparison
from .means import compare, compare_arms
from .results import Note, NoteCode, Status
from .units import Units, make_units

__all__ = [
    "Comparison",
    "Note",
    "NoteCode",
    "Status",
    "Units",
    "compare",
    "compare_arms",
    "make_units",
]
