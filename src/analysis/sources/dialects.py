"""What separates the cells of a text file, told from its first rows where nobody declares it."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from .headers import plain

DELIMITERS = (",", "\t", ";", "|", "\x01", "^", "~")
"""In the order in which they are preferred where nothing else tells."""

ROWS_SEEN = 60
"""First rows that are looked at for delimiter and header."""


def records(text: str, delimiter: str, quote: str) -> Iterator[list[str]]:
    """The rows of a text as lists of cells.

    Args:
        text: A file's beginning.
        delimiter: One character.
        quote: One character, or empty where quotes are plain characters.
    """
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    lines = io.StringIO(text.replace("\0", ""), newline="")
    if quote:
        yield from csv.reader(lines, delimiter=delimiter, quotechar=quote)
    else:
        yield from csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def first_records(text: str, delimiter: str, quote: str, n: int = ROWS_SEEN) -> list[list[str]]:
    """At most n rows of a text; those before an unreadable one where there is such."""
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        found.extend(islice(records(text, delimiter, quote), n))
    return found


def delimiter_of(text: str, quote: str, header_row: int, columns: Sequence[str] = ()) -> str:
    """The character that separates the cells.

    The one under which most declared columns stand in the header row wins; then the one under
    which most rows have as many cells as the fullest of the first rows.

    Args:
        text: The file's beginning.
        quote: The quote character, or empty.
        header_row: Where the headers stand, from 1.
        columns: Declared columns; none where they are not known yet.

    Returns:
        One of `DELIMITERS`.
    """
    wanted = {plain(column) for column in columns}
    scores = [
        (_score(first_records(text, mark, quote), header_row, wanted), -at, mark)
        for at, mark in enumerate(DELIMITERS)
    ]
    return max(scores)[2]


def _score(rows: Sequence[Sequence[str]], header_row: int, wanted: set[str]) -> tuple[int, float]:
    """Declared columns found, and how well the rows agree in being many cells wide."""
    header = rows[header_row - 1] if 0 < header_row <= len(rows) else []
    found = len(wanted & {plain(cell) for cell in header})
    widths = [len(row) for row in rows if any(row)]
    if not widths:
        return found, 0.0
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    return found, (widths.count(usual) / len(widths)) * min(usual - 1, 5)
