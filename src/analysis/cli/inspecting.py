"""``tierlab inspect``: a draft of the profile's entry for a file, or for a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import app

if TYPE_CHECKING:
    from ..sources.inspecting.looking import Look

LEFT_OUT = frozenset({".md", ".txt~", ".pdf", ".docx", ".doc", ".zip", ".gz", ".png", ".jpg"})
"""Endings of files in a folder that are no tables."""


@app.command(name="inspect")
def inspect_command(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of a company's files.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the draft there; by default it is shown.")
    ] = None,
) -> None:
    """Look at a file and draft its entry for a profile; of a folder, a whole profile."""
    text = inspected(path)
    if out is None:
        print(text, end="")
        return
    from ..errors import ParamsError
    from ..files import write_atomically

    if out.exists():
        raise ParamsError(
            "The file is there already and would be lost",
            where=str(out),
            todo="Name another one with --out, or remove it.",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, text)
    print(f"{out}: check the lines marked 'guess', then run 'tierlab check'.")


def inspected(path: Path) -> str:
    """The draft for a file, or the profile for a folder.

    Raises:
        AnalysisError: A file cannot be read, or the folder holds none.
    """
    from ..engine import open_engine
    from ..sources.inspecting import draft_of, look_at
    from ..sources.inspecting.drafting import as_yaml

    engine = open_engine()
    try:
        if path.is_dir():
            return _profile(path)
        return as_yaml([draft_of(look_at(path), engine)], path.name)
    finally:
        engine.close()


def _profile(folder: Path) -> str:
    """A whole profile for a folder: files with the same headers are one source."""
    from ..engine import open_engine
    from ..errors import AnalysisError, SourceError
    from ..sources.inspecting import draft_of, draft_profile, look_at
    from ..sources.inspecting.drafting import source_name

    looks: list[Look] = []
    unread: list[str] = []
    for file in _data_files(folder):
        try:
            looks.append(look_at(file))
        except AnalysisError as fault:
            unread.append(f"{file.relative_to(folder)} ({fault.what})")
    if not looks:
        raise SourceError(
            "The folder holds no file that can be read",
            where=str(folder),
            got="; ".join(unread[:5]) or "nothing",
            todo="Put the company's files there.",
        )
    engine = open_engine()
    drafts = []
    names: list[str] = []
    for group in _groups(looks):
        first = draft_of(group[0], engine, files=_pattern(folder, group))
        base = first.name
        name = base if base not in names else f"{base}_{len(names)}"
        names.append(name)
        drafts.append(first if name == base else draft_of(group[0], engine, files=_pattern(folder, group), name=name))
    engine.close()
    told = f"{len(looks)} files of {folder.name}"
    told += f"; not read: {', '.join(unread)}" if unread else ""
    return draft_profile(drafts, source_name(folder.name) if folder.name else "company", str(folder), told)


def _data_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        and path.suffix.lower() not in LEFT_OUT
    )


def _groups(looks: list[Look]) -> list[list[Look]]:
    """Files with the same headers in one folder and format, in the order of their names."""
    groups: dict[tuple[object, ...], list[Look]] = {}
    for look in looks:
        key = (look.path.parent, look.format, look.headers, look.header_row)
        groups.setdefault(key, []).append(look)
    return list(groups.values())


def _pattern(folder: Path, group: list[Look]) -> str:
    """The path of a file, or the glob that names all of a group."""
    import os

    paths = [look.path.relative_to(folder).as_posix() for look in group]
    if len(paths) == 1:
        return paths[0]
    start = os.path.commonprefix(paths).rstrip("0123456789-_.")
    end = os.path.commonprefix([path[::-1] for path in paths])[::-1].lstrip("0123456789")
    return f"{start}*{end}"
