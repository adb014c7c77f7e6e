"""What a file looks like: its headers, where they stand, and its first rows as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ...params.sources import Format

TITLE_ROWS = 20
"""Rows among which the headers are looked for."""

LABEL_SHARE = 0.75
"""Share of a header row's cells that are words, not numbers or dates."""


@dataclass(frozen=True)
class Look:
    """What a file looks like.

    Attributes:
        path: The file.
        format: As a profile names it.
        headers: As the file writes them, blank ones too; ``#1`` … where it has none.
        cells: One column a header (``c0``, ``c1`` …), text; at most `ROWS` rows.
        header_row: From 1; 0 where there is none.
        natives: Position → the type that the file itself states, as a profile names it.
        encoding: Of a text file.
        encoding_guessed: Whether the file does not tell its encoding.
        delimiter: Of a delimited file.
        sheets: The sheets looked at; empty where it is all that hold anything, or no spreadsheet.
        oddities: What a reader should know, in sentences.
        whole: Whether all rows were looked at.
        files: How many files of one export the rows are of, and how many there are.
    """

    path: Path
    format: Format
    headers: tuple[str, ...]
    cells: pa.Table
    header_row: int = 1
    natives: dict[int, str] = field(default_factory=dict)
    encoding: str = ""
    encoding_guessed: bool = False
    delimiter: str = ""
    sheets: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
    whole: bool = True
    files: tuple[int, int] = (1, 1)

    @property
    def called(self) -> str:
        """What people call it: its sheet's name where a file holds several tables."""
        return self.sheets[0] if self.sheets else self.path.stem

    @property
    def filled_headers(self) -> list[str]:
        """The headers that are not blank."""
        return [header for header in self.headers if header]


def header_row_of(rows: Sequence[Sequence[str]]) -> int:
    """The number of the first row that is full of words; 0 where there is none.

    Args:
        rows: A file's first rows.
    """
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    wide = [n for n in filled if n]
    usual = max(set(wide), key=lambda n: (wide.count(n), n)) if wide else 0
    for at, row in enumerate(rows[:TITLE_ROWS]):
        cells = [cell for cell in row if cell.strip()]
        if len(cells) < max(1, 0.6 * usual) or (len(cells) == 1 and usual > 1):
            continue
        if not _are_labels(row):
            return 0
        return at + 2 if filled[at] < usual and _are_headers_below(rows, at + 1, usual) else at + 1
    return 0


def _are_labels(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell.strip()]
    return sum(map(_is_label, cells)) >= LABEL_SHARE * len(cells)


def _are_headers_below(rows: Sequence[Sequence[str]], at: int, usual: int) -> bool:
    """Whether a row of group titles is followed by the full headers, and those by values."""
    if at + 1 >= len(rows):
        return False
    cells = [cell for cell in rows[at] if cell.strip()]
    named = len(cells) >= usual and len(set(cells)) == len(cells)
    return named and all(map(_is_label, cells)) and not _are_labels(rows[at + 1])


def _is_label(cell: str) -> bool:
    """A word, not a value: no digit in front, no date, not a long text."""
    text = cell.strip()
    is_code = re.fullmatch(r"[A-Za-z]{0,4}[-_]?\d{3,}.*", text)
    return len(text) <= 60 and not re.match(r"[-+(¥￥$]*\d", text) and not is_code


def taken(batches: Iterator[list[pa.Array]], width: int, most: int) -> tuple[pa.Table, bool]:
    """The first rows of batches of text columns, and whether they are all."""
    names = [f"c{at}" for at in range(width)]
    kept: list[pa.RecordBatch] = []
    rows = 0
    for columns in batches:
        kept.append(pa.record_batch(columns, names=names))
        rows += len(columns[0])
        if rows >= most:
            break
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_batches(kept, schema).slice(0, most), rows < most
