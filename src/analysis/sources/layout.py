"""Rows of a text file that do not have the header's number of fields.

They are kept as faults with their row numbers, and the numbers of all later rows stay right,
also where a quote that was never closed has swallowed whole rows.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from ..params import Source

MOST_FAULTS = 200_000
"""With more such rows the delimiter, the quote or the file is wrong, not the rows."""


class InvalidRow(Protocol):
    """What the parser tells about a row with a wrong number of fields."""

    number: int
    text: str
    actual_columns: int
    expected_columns: int


@dataclass(frozen=True)
class LayoutFault:
    """A row whose number of fields differs from the header's, or that a quote swallowed.

    Attributes:
        line: Row number in the file, the first row being 1.
        told: What is wrong, without the row's (perhaps personal) text.
        rule: ``wrong_field_count`` or ``in_open_quote``.
    """

    line: int
    told: str
    rule: Literal["wrong_field_count", "in_open_quote"] = "wrong_field_count"


@dataclass
class Misfits:
    """Collects the faults of one file while it is parsed.

    Attributes:
        source: Its delimiter, quote and header row.
        faults: One a row that is lost.
        records: Numbers of the parser's records that were skipped.
        swallowed: Rows that a skipped record holds besides its own.
    """

    source: Source
    faults: list[LayoutFault] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    swallowed: list[int] = field(default_factory=list)

    def take(self, row: InvalidRow) -> str:
        """Note one record; asked for by the parser, which skips it then."""
        swallowed = max(row.text.count("\n"), row.text.count("\r"))
        if len(self.faults) + swallowed > MOST_FAULTS:
            return "error"
        own = row.number + sum(self.swallowed)
        rows = self._rows_inside(row)
        self.records.append(row.number)
        self.swallowed.append(rows)
        if row.number > self.source.header_row:
            told = f"{row.actual_columns} fields, {row.expected_columns} expected"
            told += f"; a quote left open over {rows} rows" if rows else ""
            self.faults.append(LayoutFault(own, told))
            self.faults += [
                LayoutFault(own + at, f"swallowed by a quote in row {own}", "in_open_quote")
                for at in range(1, rows + 1)
            ]
        return "skip"

    def numbers(self, first: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the next n good records.

        Args:
            first: The next record's number.
            n: How many records.

        Returns:
            The parser's record numbers and the file's row numbers, both int64 of shape (n,).
        """
        skipped = np.asarray(self.records, dtype=np.int64)
        later = skipped[skipped >= first]
        records = np.arange(first, first + n + len(later), dtype=np.int64)
        if len(later):
            records = records[~np.isin(records, later)][:n]
        if not any(self.swallowed):
            return records, records
        before = np.concatenate([[0], np.cumsum(self.swallowed)])
        return records, records + before[np.searchsorted(skipped, records)]

    def _rows_inside(self, row: InvalidRow) -> int:
        """How many whole rows stand inside a record of several lines: a quote left open."""
        lines = row.text.splitlines()
        if len(lines) < 2 or not self.source.quote:
            return 0
        fits = sum(self._fields(line) == row.expected_columns for line in lines[1:])
        return len(lines) - 1 if fits else 0

    def _fields(self, line: str) -> int:
        reader = csv.reader(
            [line.replace("\0", "")],
            delimiter=self.source.delimiter or ",",
            quotechar=self.source.quote,
        )
        try:
            return len(next(reader, []))
        except csv.Error:
            return 0
