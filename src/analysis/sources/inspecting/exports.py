"""Which files of a folder are one export: months, renamed a little, or in other encodings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from glob import escape
from pathlib import Path

from .. import spreadsheets
from ..decoding import is_ascii
from .look import Look
from .quantities import measure

ALIKE = 0.7
"""Share of the headers that two files have in common which are the same export."""


_NUMBERS = re.compile(r"[0-9０-９一二三四五六七八九十]+")


def exports_of(looks: Sequence[Look]) -> list[list[Look]]:
    """Files that are one export, in the order of their names.

    They are laid out alike, and stand in one folder or in folders whose names differ by numbers
    only. Where the names of the files do too, encodings and a few headers may differ.
    """
    groups: dict[tuple[object, ...], list[Look]] = {}
    for look in looks:
        key = (place(look.path.parent), look.headers, look.encoding, *_form(look))
        groups.setdefault(key, []).append(look)
    found: list[list[Look]] = []
    for group in groups.values():
        before = next((each for each in found if _is_one_export(each[0], group[0])), None)
        if before is None:
            found.append(group)
        else:
            before += group
    return found


def as_their_neighbours(looks: Sequence[Look]) -> list[Look]:
    """ASCII files read as those beside them whose encoding is a guess: it is the same text."""
    guessed = {place(look.path): look for look in looks if look.encoding_guessed}
    found = []
    for look in looks:
        like = guessed.get(place(look.path))
        if like and look.encoding == "utf-8" and is_ascii(look.path):
            look = replace(look, encoding=like.encoding, encoding_guessed=True)
        found.append(look)
    return found


def _form(look: Look) -> tuple[object, ...]:
    """How a file is written; its encoding only where the file does not tell it."""
    guessed = look.encoding if look.encoding_guessed else ""
    return (look.format, look.header_row, look.delimiter, guessed)


def _is_one_export(look: Look, other: Look) -> bool:
    """Whether files with names alike are one export, that may have renamed a few headers."""
    same = [a == b for a, b in zip(look.headers, other.headers, strict=False)]
    renamed = [n for n, is_same in enumerate(same) if not is_same]
    pairs = [(look.headers[n], other.headers[n]) for n in renamed]
    means_else = any(new in look.headers or measure(old) != measure(new) for old, new in pairs)
    alike = len(look.headers) == len(other.headers) and sum(same) >= ALIKE * len(same)
    named = _form(look) == _form(other) and _names(look) == _names(other)
    return named and alike and not means_else


def _names(look: Look) -> list[str]:
    """The names of a file and its sheets, without their numbers."""
    return [place(look.path), *(place(Path(sheet)) for sheet in look.sheets)]


def renamed_columns(group: Sequence[Look]) -> dict[int, tuple[str, ...]]:
    """Place of a column → its other headers in the files of a group."""
    written = zip(*(look.headers for look in group), strict=True)
    named = {at: tuple(dict.fromkeys(headers)) for at, headers in enumerate(written)}
    return {at: headers[1:] for at, headers in named.items() if len(headers) > 1}


def place(path: Path) -> str:
    """A path without its numbers: those of months, of parts."""
    return _NUMBERS.sub("#", path.as_posix())


def patterns(folder: Path, group: Sequence[Look], looks: Sequence[Look]) -> tuple[str, ...]:
    """The glob that names all files of a group and no other, else their paths."""
    paths = list(dict.fromkeys(look.path.relative_to(folder).as_posix() for look in group))
    listed = tuple(escape(path) for path in paths)
    if len(paths) == 1:
        return listed
    pattern = _glob_of(paths)
    named = set(folder.glob(pattern)) & {look.path for look in looks}
    return (pattern,) if named == {look.path for look in group} else listed


def sheet_patterns(group: Sequence[Look]) -> tuple[str, ...]:
    """The glob that names all sheets of a group and no other of their files, else their names."""
    sheets = list(dict.fromkeys(sheet for look in group for sheet in look.sheets))
    if len(sheets) < 2:
        return tuple(map(escape, sheets))
    pattern = _glob_of(sheets)
    files = {look.path for look in group}
    others = {s for path in files for s in spreadsheets.names_of(path)} - set(sheets)
    alone = len(pattern) > 1 and not any(fnmatch(sheet, pattern) for sheet in others)
    return (pattern,) if alone else tuple(map(escape, sheets))


def _glob_of(names: Sequence[str]) -> str:
    """What several names have in common, with an asterisk for what they have not."""
    start = _common(names).rstrip("0123456789-.")
    end = _common([name[::-1] for name in names])[::-1].lstrip("0123456789")
    return f"{escape(start)}*{escape(end)}"


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
