"""Which column of a file is which column of the profile."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ..errors import AnalysisError, SourceError, did_you_mean
from ..params import Source


def plain(header: object) -> str:
    """A header as it is compared: full-width forms made plain, blanks joined.

    Example:
        >>> plain(" 金额（万元）\\n")
        '金额(万元)'
    """
    text = "" if header is None else str(header)
    return " ".join(unicodedata.normalize("NFKC", text).replace("\ufeff", "").split())


def positions(
    headers: Sequence[object], name: str, source: Source, where: str
) -> tuple[dict[str, int], list[AnalysisError]]:
    """Where each declared column stands in a file.

    Args:
        headers: The file's headers, from the left.
        name: The source's name.
        source: Its entry of the profile.
        where: The file (and sheet), for messages.

    Returns:
        Declared column → position from 0, and the faults: columns that are missing or stand
        there twice.
    """
    found = [plain(header) for header in headers]
    places: dict[str, int] = {}
    faults: list[AnalysisError] = []
    for column in source.columns:
        hits = [at for at, header in enumerate(found) if header == plain(column)]
        if len(hits) == 1:
            places[column] = hits[0]
        else:
            faults.append(_fault(column, found, len(hits), name, where))
    return places, faults


def where_of(path: Path, sheet: str = "") -> str:
    """A file, with its sheet where it has several."""
    return f"{path}, sheet '{sheet}'" if sheet else str(path)


def _fault(column: str, found: list[str], hits: int, name: str, where: str) -> SourceError:
    if hits > 1:
        return SourceError(
            "A column stands in the file twice",
            where=where,
            got=column,
            todo="Rename one of them in the file, or read another header row (header_row).",
        )
    shown = [header for header in found if header][:40]
    return SourceError(
        f"Column not found for source '{name}'",
        where=where,
        got=column,
        allowed=shown or "no header at all",
        todo=did_you_mean(plain(column), shown)
        or "Check header_row, delimiter and encoding, or correct the column's name.",
    )
