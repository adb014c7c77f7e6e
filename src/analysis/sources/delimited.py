"""Delimited text as batches of text cells: nothing guessed, nothing dropped.

Rows are numbered as a spreadsheet shows them (the first row is 1, a quoted line break does not
count). A row with too few or too many fields becomes a fault, never a padded row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from ..errors import SourceError
from ..params import Source
from .decoding import PROBE_BYTES, open_utf8, undecodable
from .dialects import ROWS_SEEN, delimiter_of, first_records
from .headers import unnamed
from .layout import MOST_FAULTS, InvalidRow, Misfits

BLOCK_BYTES = (1 << 22, 1 << 26, 1 << 29)
"""Block sizes tried in turn; a record must fit into one."""


def beginning_of(path: Path, encoding: str) -> str:
    """The text that a file begins with, at most `PROBE_BYTES` of it."""
    with open_utf8(path, encoding) as stream:
        return stream.read(PROBE_BYTES).decode("utf-8", "replace")


def first_rows(path: Path, source: Source, encoding: str) -> list[list[str]]:
    """The cells of a text file's first rows; more where the header row stands further down.

    Raises:
        SourceError: The file is empty or ends before its header row.
    """
    text = beginning_of(path, encoding)
    wanted = max(ROWS_SEEN, source.header_row)
    rows = first_records(text, source.delimiter or ",", source.quote, wanted)
    if len(rows) < max(1, source.header_row):
        raise SourceError(
            "The file has no header row" if text.strip() else "The file is empty",
            where=str(path),
            got=f"header_row: {source.header_row}",
            todo="Check header_row and delimiter in the profile, or ask for the file again.",
        )
    return rows


def header_in(rows: Sequence[list[str]], source: Source) -> list[str]:
    """The header row among a file's first rows; ``#1``, ``#2`` … where it has none."""
    return rows[source.header_row - 1] if source.header_row else unnamed(len(rows[0]))


def settled(path: Path, source: Source, encoding: str) -> Source:
    """The source with the delimiter that this file has."""
    if source.delimiter is not None:
        return source
    columns = list(source.columns)
    text = beginning_of(path, encoding)
    found = delimiter_of(text, source.quote, source.header_row, columns)
    return source.model_copy(update={"delimiter": found})


def text_batches(
    path: Path,
    source: Source,
    encoding: str,
    *,
    width: int,
    places: Sequence[int],
    misfits: Misfits,
    block: int = BLOCK_BYTES[0],
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    """Read a delimited file in bounded memory.

    Args:
        path: The file.
        source: Its source: delimiter, quote, header row.
        encoding: What `encoding_of` returned.
        width: Fields of the header.
        places: Positions of the wanted columns.
        misfits: Receives rows with a wrong number of fields as they are met.
        block: Bytes read at once.

    Yields:
        Row numbers (int64, shape (n,)) and, a wanted column each, n texts (null where empty).

    Raises:
        SourceError: The file is not what the profile says.
    """
    first = 1
    for batch in _arrow_batches(path, source, encoding, width, places, misfits.take, block):
        records, rows = misfits.numbers(first, batch.num_rows)
        first = int(records[-1]) + 1 if len(records) else first
        keep = int(np.searchsorted(records, source.header_row, side="right"))
        yield rows[keep:], [column.slice(keep) for column in batch.columns]


def _arrow_batches(
    path: Path,
    source: Source,
    encoding: str,
    width: int,
    places: Sequence[int],
    take: Callable[[InvalidRow], str],
    block: int,
) -> Iterator[pa.RecordBatch]:
    names = [f"c{at}" for at in range(width)]
    wanted = [names[at] for at in places]
    try:
        with open_utf8(path, encoding) as stream:
            yield from pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=block, column_names=names
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=source.delimiter or ",",
                    quote_char=source.quote or False,
                    newlines_in_values=bool(source.quote),
                    ignore_empty_lines=False,
                    invalid_row_handler=take,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
    except pa.ArrowInvalid as fault:
        raise _explained(path, source, fault) from fault


class RecordTooLargeError(SourceError):
    """A record does not fit into one block; a larger block may help."""


def _explained(path: Path, source: Source, fault: pa.ArrowInvalid) -> SourceError:
    text = str(fault)
    if "straddling" in text or "block" in text:
        return RecordTooLargeError(
            "A row is too large, or a quote is opened and never closed",
            where=str(path),
            todo="Look for a single quote character in the file, or set another 'quote'.",
        )
    if "columns, got" in text:  # what follows is the row itself, perhaps personal
        return SourceError(
            "The file has too many rows with another number of cells than its header",
            where=str(path),
            got=f"more than {MOST_FAULTS:,}",
            todo="Check delimiter and quote in the profile: is a quote opened and never closed?",
        )
    if "UTF8" in text:
        told = undecodable(path, source.encoding)
        if told:
            return told
    return SourceError(
        "The file cannot be read as delimited text",
        where=str(path),
        got=text.splitlines()[0],
        todo="Check format, delimiter, quote and encoding in the profile's source.",
    )
