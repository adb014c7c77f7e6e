"""A file's draft, or a whole profile for a folder: files with the same headers are one source."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ...engine import Engine
from ...errors import AnalysisError, SourceError
from ..oddities import is_totals_word
from .drafting import Draft, customer_column, draft_of, source_name
from .exports import (
    ALIKE,
    as_their_neighbours,
    exports_of,
    patterns,
    place,
    renamed_columns,
    sheet_patterns,
)
from .look import Look
from .looking import looks_at
from .names import meanings_of, tables_of
from .profiles import as_yaml, draft_profile

GROUPING_ROWS = 50
"""Rows that are looked at to tell which files belong together."""


NOT_READ = "# not read: "
"""What the line about a file that no source reads begins with."""


SHOWN = 3
"""Files that are named where many cannot be read for one reason."""


LEFT_OUT = frozenset({".md", ".pdf", ".docx", ".doc", ".png", ".jpg", ".yaml", ".py"})
"""Endings of files that are no tables."""


def inspect(path: Path, engine: Engine, encoding: str = "", raw: str = "") -> str:
    """The draft for a file, or the profile for a folder, as YAML.

    Args:
        path: A file or a folder of raw files.
        engine: Tries the conversions.
        encoding: Of texts whose encoding cannot be told.
        raw: How the profile names the folder; as `path` does by default.

    Raises:
        AnalysisError: The file cannot be read, or the folder holds none that can.
    """
    if not path.is_dir():
        looks = looks_at(path, GROUPING_ROWS, encoding)
        return as_yaml(_drafts(path.parent, looks, engine), path.name)
    looks, unread = _looks(path, encoding)
    if not looks:
        raise SourceError(
            "The folder holds no file that can be read",
            where=str(path),
            got="; ".join(unread[:5]) or "nothing",
            todo="Put the company's files there.",
        )
    drafts = _drafts(path, looks, engine)
    files = len({look.path for look in looks})
    told = f"{files} {'file' if files == 1 else 'files'} of {path.name}"
    text = draft_profile(drafts, _profile_name(path), raw or str(path), told)
    return "".join(f"{NOT_READ}{file}\n" for file in unread) + text


def _drafts(folder: Path, looks: Sequence[Look], engine: Engine) -> list[Draft]:
    """A draft a group of files; those whose ids the file of customers knows share its system."""
    names: dict[str, int] = {}
    groups = exports_of(looks)
    named = [_new_name(group[0], names) for group in groups]
    full = [_in_full(group) for group in groups]
    ids = [_customer_ids(look) for look in full]
    known = _customers_at(full)
    drafts = []
    for at, group in enumerate(groups):
        pad = 0 if known in (None, at) else _lost_zeros(ids[at], ids[known])
        theirs = {one.zfill(pad) for one in ids[at]}
        shared = known is not None and 2 * len(theirs & ids[known]) >= len(theirs) > 0
        system = named[known] if known is not None and shared else named[at]
        files = patterns(folder, group, looks)
        sheets = sheet_patterns(group)
        draft = draft_of(
            _told_by_all(full[at], group),
            engine,
            files=files,
            sheets=sheets,
            name=named[at],
            system=system,
            also=renamed_columns(group),
            pad=pad,
        )
        notes = (*_alike(at, groups, named), *_several_encodings(group), *_one_by_one(files))
        drafts.append(replace(draft, notes=(*draft.notes, *notes)))
    return drafts


def _customers_at(looks: Sequence[Look]) -> int | None:
    """The place of the file that knows the customers: theirs, else that of their names."""
    tables = [_tables_of(look) for look in looks]
    wanted = ("customers", "customer_names")
    return next((at for table in wanted for at, have in enumerate(tables) if table in have), None)


def _alike(at: int, groups: Sequence[Sequence[Look]], named: Sequence[str]) -> list[str]:
    """Which other file of the folder has nearly the same columns, and what differs."""
    look = groups[at][0]
    own = dict.fromkeys(look.filled_headers)
    for other, name in zip(groups[:at], named, strict=False):
        theirs = dict.fromkeys(other[0].filled_headers)
        same = [header for header in own if header in theirs]
        beside = place(look.path.parent) == place(other[0].path.parent)
        if beside and len(same) >= ALIKE * max(len(own), len(theirs)):
            more = ", ".join(h for h in own if h not in theirs) or "none"
            fewer = ", ".join(h for h in theirs if h not in own) or "none"
            return [f"like {name}, but for its headers {more} (there: {fewer})"]
    return []


def _one_by_one(files: Sequence[str]) -> list[str]:
    """That a list of files does not grow by itself."""
    return ["no pattern names these files alone: add each new one to the list"] * (len(files) > 1)


def _in_full(group: Sequence[Look]) -> Look:
    """The look at all rows of the first file of a group, and of its last one: exports change."""
    first, *last = (_all_rows(group[at]) for at in sorted({0, len(group) - 1}))
    if not last:
        return first
    cells = pa.concat_tables([first.cells, last[0].cells])
    whole = first.whole and last[0].whole
    return replace(first, cells=cells, whole=whole, files=(2, len(group)))


def _all_rows(seen: Look) -> Look:
    """The look at all rows of a file, or of the same sheets of it."""
    looks = looks_at(seen.path, encoding=seen.encoding)
    look = next(look for look in looks if look.sheets == seen.sheets)
    return replace(look, encoding=seen.encoding, encoding_guessed=seen.encoding_guessed)


def _tables_of(look: Look) -> list[str]:
    return tables_of(look.filled_headers, look.called)


def _customer_ids(look: Look) -> set[str]:
    """The customer ids of a file's first rows."""
    headers = look.filled_headers
    column = next((customer_column(meanings_of(headers, t)) for t in _tables_of(look)), "")
    if not column:
        return set()
    cells = look.cells.column(look.headers.index(column)).unique().to_pylist()
    plain = {unicodedata.normalize("NFKC", cell).strip().strip("='\"") for cell in cells if cell}
    return {cell for cell in plain if cell and not is_totals_word(cell)} - {column}


def _lost_zeros(ids: Set[str], known: Set[str]) -> int:
    """The length that customer ids have where some lack the zeros ahead; 0 where none do.

    As a spreadsheet loses them that takes codes for numbers.
    """
    lengths = {len(one) for one in known}
    strange = ids - known
    length = max(lengths, default=0)
    found = {one for one in strange if one.zfill(length) in known}
    return length if len(lengths) == 1 and found and 2 * len(found) >= len(strange) else 0


def _looks(folder: Path, encoding: str) -> tuple[list[Look], list[str]]:
    """All files of a folder as they are laid out, and those that cannot be read, with why."""
    looks: list[Look] = []
    unread: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("*")):
        hidden = any(p.startswith((".", "~$")) for p in file.relative_to(folder).parts)
        if hidden or not file.is_file() or file.suffix.lower() in LEFT_OUT:
            continue
        try:
            looks += looks_at(file, GROUPING_ROWS, encoding)
        except AnalysisError as fault:
            told = f"{fault.what}. {fault.todo}".strip()
            unread.setdefault(told, []).append(str(file.relative_to(folder)))
    return as_their_neighbours(looks), [_unread(*each) for each in unread.items()]


def _unread(told: str, files: Sequence[str]) -> str:
    """What is said of files that cannot be read for one reason."""
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    return f"{', '.join(files[:SHOWN])}{more}: {told}"


def _told_by_all(look: Look, group: Sequence[Look]) -> Look:
    """The look at one file of a group, without an encoding that others do not have."""
    return look if len({each.encoding for each in group}) == 1 else replace(look, encoding="")


def _several_encodings(group: Sequence[Look]) -> list[str]:
    """That the encoding is left to each file."""
    found = dict.fromkeys(look.encoding for look in group)
    return [f"files in {' and '.join(found)}: each tells its own"] if len(found) > 1 else []


def _new_name(look: Look, names: dict[str, int]) -> str:
    """A source's name that no other source has."""
    name = source_name(look.called, _tables_of(look))
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}_{names[name]}"


def _profile_name(folder: Path) -> str:
    name = folder.resolve().name.lower()
    usable = name.isascii() and name[:1].isalpha() and name.replace("-", "").isalnum()
    return name if usable else "company"
