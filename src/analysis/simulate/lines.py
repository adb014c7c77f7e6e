"""Text files of many rows, written at the speed of memory.

A column is a row of pieces; a piece is a small table of words and an array of numbers into it
(days, minutes, digits, names …). Rows are laid out in fixed width, padded with NUL bytes, and one
pass over the buffer takes the padding out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from analysis.simulate.draws import Ints
from analysis.simulate.seasons import CALENDAR_DAYS, MINUTES_A_DAY, date_of

ROWS_AT_ONCE = 65_536
NUL = b"\0"


@dataclass(frozen=True, eq=False)
class Words:
    """A table of words; compared by identity, so that its encoded form can be remembered."""

    texts: tuple[str, ...]

    def __getitem__(self, number: int) -> str:
        return self.texts[number]


@dataclass(frozen=True)
class Piece:
    """Words and, for each row, which of them."""

    words: Words
    number: Ints


Column = tuple[Piece, ...]


@dataclass(frozen=True)
class Layout:
    """How cells become a line; `blank` is a row without cells."""

    start: str = ""
    between: str = ","
    end: str = "\n"
    encoding: str = "utf-8"
    blank: str = "\n"


@dataclass(frozen=True)
class Lines:
    """The rows of one text file (without its header).

    Attributes:
        columns: header text → column; every piece has one number a row.
        layout: separators and encoding.
    """

    columns: Mapping[str, Column]
    layout: Layout = Layout()

    def __len__(self) -> int:
        first = next(iter(self.columns.values()))
        return len(first[0].number)

    def cells(self, row: int) -> list[str]:
        """The texts of one row."""
        return [
            "".join(piece.words[piece.number[row]] for piece in column)
            for column in self.columns.values()
        ]

    def line(self, cells: Sequence[str]) -> str:
        """Join texts as this file does; no cells make a blank row."""
        if not cells:
            return self.layout.blank
        return self.layout.start + self.layout.between.join(cells) + self.layout.end

    def render(self, edits: Mapping[int, Sequence[str]] | None = None) -> bytes:
        """The file's rows.

        Args:
            edits: row → the whole lines to write in its place (its own line among them, if kept).
        """
        edits = edits or {}
        rows = np.array(sorted(edits), dtype=np.int64)
        return b"".join(
            self._render_chunk(start, min(start + ROWS_AT_ONCE, len(self)), rows, edits)
            for start in range(0, len(self), ROWS_AT_ONCE)
        )

    def _render_chunk(
        self, start: int, stop: int, rows: Ints, edits: Mapping[int, Sequence[str]]
    ) -> bytes:
        table = self._table(start, stop)
        parts, done = [], 0
        for row in rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]:
            parts.append(_squeezed(table[done : row - start]))
            parts.append("".join(edits[int(row)]).encode(self.layout.encoding))
            done = int(row) - start + 1
        parts.append(_squeezed(table[done:]))
        return b"".join(parts)

    def _table(self, start: int, stop: int) -> np.ndarray:
        """Rows in fixed width: one field a piece, NUL-padded."""
        fields: list[Any] = [np.bytes_(self.layout.start.encode(self.layout.encoding))]
        for place, column in enumerate(self.columns.values()):
            if place:
                fields.append(np.bytes_(self.layout.between.encode(self.layout.encoding)))
            for piece in column:
                words = _encoded(piece.words, self.layout.encoding)
                fields.append(words[piece.number[start:stop]])
        fields.append(np.bytes_(self.layout.end.encode(self.layout.encoding)))
        kept = [field for field in fields if np.asarray(field).dtype.itemsize and np.size(field)]
        kinds = [(f"f{n}", np.asarray(field).dtype) for n, field in enumerate(kept)]
        table = np.empty(stop - start, dtype=kinds)
        for (name, _), field in zip(kinds, kept, strict=True):
            table[name] = field
        return table


def _squeezed(table: np.ndarray) -> bytes:
    return table.tobytes().translate(None, NUL)


@lru_cache(maxsize=512)
def _encoded(words: Words, encoding: str) -> np.ndarray:
    return np.array([text.encode(encoding) for text in words.texts], dtype=np.bytes_)


def constant(text: str, rows: int) -> Column:
    """The same text in every row."""
    return (Piece(Words((text,)), np.zeros(rows, dtype=np.int64)),)


def choice(words: Words | Sequence[str], number: Ints) -> Column:
    """One of some words in each row."""
    return (Piece(words if isinstance(words, Words) else Words(tuple(words)), number),)


@lru_cache(maxsize=8)
def padded_digits(width: int) -> Words:
    """`0000` … `9999` for width 4."""
    return Words(tuple(f"{number:0{width}d}" for number in range(10**width)))


@lru_cache(maxsize=1)
def plain_digits() -> Words:
    """``, `1` … `9999`: leading digits, nothing for zero."""
    return Words(("", *(str(number) for number in range(1, 10_000))))


def code(prefix: str | Column, number: Ints, width: int) -> Column:
    """A code such as `C0000123`: prefix and zero-padded number of 5 to 8 digits."""
    start = constant(prefix, len(number)) if isinstance(prefix, str) else prefix
    low = Piece(padded_digits(4), number % 10_000)
    return (*start, Piece(padded_digits(width - 4), number // 10_000), low)


@lru_cache(maxsize=4)
def _fraction_words(decimals: int) -> Words:
    """The low four digits with a decimal point, without and with leading zeros (10,000 each)."""
    point = 4 - decimals
    full = [f"{number:04d}" for number in range(10_000)]
    padded = [text[:point] + "." + text[point:] for text in full]
    plain = [f"{int(text[:point] or '0')}.{text[point:]}" for text in full]
    return Words((*plain, *padded))


def decimal(units: Ints, decimals: int) -> Column:
    """A number with decimals from its count of smallest units, below 10⁸ of them; not negative."""
    high = units // 10_000
    low = units % 10_000 + np.where(high > 0, 10_000, 0)
    return (Piece(plain_digits(), high), Piece(_fraction_words(decimals), low))


def integer(number: Ints) -> Column:
    """A whole number below 10⁸, without leading zeros; not negative."""
    high = number // 10_000
    low = number % 10_000 + np.where(high > 0, 10_000, 0)
    return (Piece(plain_digits(), high), Piece(_low_digits(), low))


@lru_cache(maxsize=1)
def _low_digits() -> Words:
    return Words((*(str(number) for number in range(10_000)), *padded_digits(4).texts))


@lru_cache(maxsize=1)
def slash_dates() -> Words:
    """`2026/3/5` for each day since the epoch, then an empty word."""
    dates = (date_of(day) for day in range(CALENDAR_DAYS))
    return Words((*(f"{date.year}/{date.month}/{date.day}" for date in dates), ""))


@lru_cache(maxsize=1)
def iso_dates() -> Words:
    """`2026-03-05` for each day since the epoch, then an empty word."""
    return Words((*(date_of(day).isoformat() for day in range(CALENDAR_DAYS)), ""))


@lru_cache(maxsize=4)
def clock_words(style: str) -> Words:
    """Minutes of the day, then an empty word; `slash`: ` 14:07`, ` 9:05`; `iso`: `T14:07:00`."""
    form = " {0}:{1:02d}" if style == "slash" else "T{0:02d}:{1:02d}:00"
    clock = (form.format(minute // 60, minute % 60) for minute in range(MINUTES_A_DAY))
    return Words((*clock, ""))


def date_column(day: Ints, *, iso: bool = False) -> Column:
    """Dates; empty where the day is negative."""
    words = iso_dates() if iso else slash_dates()
    return (Piece(words, np.where(day >= 0, day, CALENDAR_DAYS)),)


def time_column(minute: Ints, *, iso: bool = False) -> Column:
    """Dates with time of day from minutes since the epoch; empty where negative."""
    known = minute >= 0
    day = np.where(known, minute // MINUTES_A_DAY, CALENDAR_DAYS)
    clock = np.where(known, minute % MINUTES_A_DAY, MINUTES_A_DAY)
    words = iso_dates() if iso else slash_dates()
    return (Piece(words, day), Piece(clock_words("iso" if iso else "slash"), clock))
