"""Raw files in, typed tables out: `ingest` reads every source of a profile.

Nothing is guessed and nothing is dropped: cells that cannot be read are faults with their raw
text, rows that are no rows are listed, and every row keeps its place in the files.
"""

from .conversion import FAULTS
from .ingesting import Ingested, ingest, source_faults
from .parts import LINE_BITS, Part
from .reading import ROW, UNUSABLE, LostRow, Rows, SourceTable

__all__ = [
    "FAULTS",
    "LINE_BITS",
    "ROW",
    "UNUSABLE",
    "Ingested",
    "LostRow",
    "Part",
    "Rows",
    "SourceTable",
    "ingest",
    "source_faults",
]
