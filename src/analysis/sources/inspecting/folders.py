"""A file's draft, or a whole profile for a folder: files with the same headers are one source."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape
from pathlib import Path

from ...engine import Engine
from ...errors import AnalysisError, SourceError
from .drafting import Draft, as_yaml, customer_column, draft_of, draft_profile, source_name
from .looking import Look, look_at
from .names import meanings_of, tables_of

GROUPING_ROWS = 50
"""Rows that are looked at to tell which files belong together."""

LEFT_OUT = frozenset(
    {".md", ".pdf", ".docx", ".doc", ".zip", ".gz", ".png", ".jpg", ".yaml", ".py"}
)
"""Endings of files that are no tables."""


def inspect(path: Path, engine: Engine) -> str:
    """The draft for a file, or the profile for a folder, as YAML.

    Args:
        path: A file or a folder of raw files.
        engine: Tries the conversions.

    Raises:
        AnalysisError: The file cannot be read, or the folder holds none that can.
    """
    if not path.is_dir():
        return as_yaml([draft_of(look_at(path), engine)], path.name)
    looks, unread = _looks(path)
    if not looks:
        raise SourceError(
            "The folder holds no file that can be read",
            where=str(path),
            got="; ".join(unread[:5]) or "nothing",
            todo="Put the company's files there.",
        )
    drafts = _drafts(path, looks, engine)
    told = f"{len(looks)} files of {path.name}"
    told += f"; not read: {', '.join(unread)}" if unread else ""
    return draft_profile(drafts, _profile_name(path), str(path), told)


def _drafts(folder: Path, looks: Sequence[Look], engine: Engine) -> list[Draft]:
    """A draft a group of files; those whose ids the file of customers knows share its system."""
    names: dict[str, int] = {}
    groups = _groups(looks)
    named = [_new_name(group[0], names) for group in groups]
    full = [look_at(group[0].path) for group in groups]
    ids = [_customer_ids(look) for look in full]
    known = next(
        (at for at, look in enumerate(full) if "customers" in tables_of(_filled(look))), None
    )
    drafts = []
    for at, group in enumerate(groups):
        shared = known is not None and len(ids[at] & ids[known]) > len(ids[at]) / 2
        system = named[known] if known is not None and shared else named[at]
        files = _patterns(folder, group, looks)
        draft = draft_of(full[at], engine, files=files, name=named[at], system=system)
        drafts.append(draft)
    return drafts


def _filled(look: Look) -> list[str]:
    return [header for header in look.headers if header]


def _customer_ids(look: Look) -> set[str]:
    """The customer ids of a file's first rows."""
    headers = _filled(look)
    column = next(
        (customer_column(meanings_of(headers, table)) for table in tables_of(headers)), ""
    )
    if not column:
        return set()
    cells = look.cells.column(look.headers.index(column)).unique().to_pylist()
    return {cell.strip() for cell in cells if cell and cell.strip()}


def _looks(folder: Path) -> tuple[list[Look], list[str]]:
    """All files of a folder as they are laid out, and those that cannot be read, with why."""
    looks: list[Look] = []
    unread: list[str] = []
    for file in sorted(folder.rglob("*")):
        hidden = any(p.startswith((".", "~$")) for p in file.relative_to(folder).parts)
        if hidden or not file.is_file() or file.suffix.lower() in LEFT_OUT:
            continue
        try:
            looks.append(look_at(file, GROUPING_ROWS))
        except AnalysisError as fault:
            unread.append(f"{file.relative_to(folder)} ({fault.what})")
    return looks, unread


def _groups(looks: Sequence[Look]) -> list[list[Look]]:
    """Files of one folder that are laid out alike, in the order of their names."""
    groups: dict[tuple[object, ...], list[Look]] = {}
    for look in looks:
        text = (look.encoding, look.delimiter)
        key = (look.path.parent, look.format, look.headers, look.header_row, *text)
        groups.setdefault(key, []).append(look)
    return list(groups.values())


def _new_name(look: Look, names: dict[str, int]) -> str:
    """A source's name that no other source has."""
    name = source_name(look.path.name, tables_of(_filled(look)))
    names[name] = names.get(name, 0) + 1
    return name if names[name] == 1 else f"{name}_{names[name]}"


def _profile_name(folder: Path) -> str:
    name = folder.resolve().name.lower()
    usable = name.isascii() and name[:1].isalpha() and name.replace("-", "").isalnum()
    return name if usable else "company"


def _patterns(folder: Path, group: Sequence[Look], looks: Sequence[Look]) -> tuple[str, ...]:
    """The glob that names all files of a group and no other, else their paths."""
    paths = [look.path.relative_to(folder).as_posix() for look in group]
    listed = tuple(escape(path) for path in paths)
    if len(paths) == 1:
        return listed
    start = _common(paths).rstrip("0123456789-.")
    end = _common([path[::-1] for path in paths])[::-1].lstrip("0123456789")
    pattern = f"{escape(start)}*{escape(end)}"
    named = set(folder.glob(pattern)) & {look.path for look in looks}
    return (pattern,) if named == {look.path for look in group} else listed


def _common(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
