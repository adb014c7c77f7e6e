"""Which column of a file is which column of the profile."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import AnalysisError, SourceError, did_you_mean
from ..params import Source

_NUMBERED = re.compile(r"^(.+) \((\d+)\)$")
"""The second of two columns with the header ``amount`` is ``amount (2)``."""

FEWEST_HITS = 2
"""So many declared columns in one row make it the header row that was meant."""


def plain(header: object) -> str:
    """A header as it is compared: full-width forms made plain, blanks joined.

    Example:
        >>> plain(" 金额（万元）\\n")
        '金额(万元)'
    """
    text = "" if header is None else str(header)
    return " ".join(unicodedata.normalize("NFKC", text).replace("\ufeff", "").split())


def positions(
    headers: Sequence[object],
    name: str,
    source: Source,
    where: str,
    rows: Sequence[Sequence[object]] = (),
) -> tuple[dict[str, int], list[AnalysisError]]:
    """Where each declared column stands in a file.

    Args:
        headers: The file's headers, from the left.
        name: The source's name.
        source: Its entry of the profile.
        where: The file (and sheet), for messages.
        rows: The file's first rows, to find the header row that was meant.

    Returns:
        Declared column → position from 0, and the faults: columns that are missing, stand
        there twice or are one and the same; one fault where the whole header is another one.
    """
    found = [plain(header) for header in headers]
    hits = {column: _hits_of_any(column, source, found) for column in source.columns}
    places = {column: at[0] for column, at in hits.items() if len(at) == 1}
    lacking = [column for column in source.columns if column not in places]
    elsewhere = _other_row(rows, source)
    if len(lacking) > 1 and (not places or elsewhere):
        return places, [_no_header(lacking, found, name, source, where, elsewhere)]
    faults = [_fault(c, found, len(hits[c]), name, where) for c in lacking]
    return places, [*faults, *_shared(places, found, where)]


def where_of(path: Path | str, sheet: str = "") -> str:
    """A file, with its sheet where it has several."""
    return f"{path}, sheet '{sheet}'" if sheet else str(path)


def unnamed(width: int) -> list[str]:
    """What the columns of a file without a header row are called: ``#1``, ``#2`` …"""
    return [f"#{at}" for at in range(1, width + 1)]


def _shared(places: Mapping[str, int], found: Sequence[str], where: str) -> list[SourceError]:
    """Columns of the file that several declared ones would be read from."""
    taken = {at: [column for column in places if places[column] == at] for at in places.values()}
    return [
        SourceError(
            "Several columns of the profile are one column of the file",
            where=where,
            got=f"'{found[at]}' for {', '.join(columns)}",
            todo="Give each a header of its own, in 'also' too; blanks and full-width forms make "
            "no difference.",
        )
        for at, columns in taken.items()
        if len(columns) > 1
    ]


def _hits_of_any(column: str, source: Source, found: Sequence[str]) -> list[int]:
    """Where the column stands under its own header, else under one of its others."""
    return _hits(column, found) or [
        at for header in source.reading(column).also for at in _hits(header, found)
    ]


def _hits(column: str, found: Sequence[str]) -> list[int]:
    wanted = plain(column)
    hits = [at for at, header in enumerate(found) if header == wanted]
    numbered = _NUMBERED.match(wanted)
    if hits or not numbered:
        return hits
    same = [at for at, header in enumerate(found) if header == numbered[1]]
    nth = int(numbered[2])
    return same[nth - 1 : nth] if nth else []


def _other_row(rows: Sequence[Sequence[object]], source: Source) -> int:
    """The number of another row that holds more of the declared columns; 0 where none does."""
    others = (header for column in source.columns for header in source.reading(column).also)
    wanted = {plain(header) for header in (*source.columns, *others)}
    hits = [len(wanted & {plain(cell) for cell in row}) for row in rows]
    if not hits or max(hits) < min(FEWEST_HITS, len(wanted)):
        return 0
    best = hits.index(max(hits)) + 1
    here = hits[source.header_row - 1] if 0 < source.header_row <= len(hits) else 0
    return best if best != source.header_row and max(hits) > here else 0


def _no_header(
    lacking: Sequence[str],
    found: Sequence[str],
    name: str,
    source: Source,
    where: str,
    elsewhere: int,
) -> SourceError:
    """One fault for a header row that is another one altogether."""
    shown = [header for header in found if header][:40]
    return SourceError(
        f"Column not found for source '{name}': row {source.header_row} is not its header row",
        where=where,
        got=", ".join(shown) or "no header at all",
        allowed=", ".join(lacking),
        todo=f"They stand in row {elsewhere}: set 'header_row: {elsewhere}'."
        if elsewhere
        else "Check header_row, delimiter, encoding and sheet; 'tierlab inspect' drafts an entry.",
    )


def _fault(column: str, found: Sequence[str], hits: int, name: str, where: str) -> SourceError:
    if hits > 1:
        return SourceError(
            "A column stands in the file twice",
            where=where,
            got=column,
            todo=f"Say which is meant: '{column} (1)' or '{column} (2)', from the left.",
        )
    shown = [header for header in found if header][:40]
    return SourceError(
        f"Column not found for source '{name}'",
        where=where,
        got=column,
        allowed=shown or "no header at all",
        todo=did_you_mean(plain(column), shown)
        or "Check header_row, delimiter and encoding, correct the column's name, or add the "
        "header that it has in this file to its 'also'.",
    )
