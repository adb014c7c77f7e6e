"""Which raw files belong to a source."""

from __future__ import annotations

from pathlib import Path

from ..errors import SourceError, did_you_mean
from ..params import Source


def files_of(name: str, source: Source, raw: Path) -> list[Path]:
    """The files of a source, in the order of their names.

    Args:
        name: The source's name, for messages.
        source: Its entry of the profile.
        raw: Folder of the raw files.

    Returns:
        Files below the raw folder, each once; empty where an optional source is absent.

    Raises:
        SourceError: Nothing matches and the source is not optional, or a pattern leaves the
            raw folder.
    """
    found: dict[Path, None] = {}
    for pattern in source.patterns:
        _refuse_outside(name, pattern)
        matches = sorted(path for path in raw.glob(pattern) if _is_data(path, raw))
        if not matches and not source.optional:
            raise _missing(name, pattern, raw)
        found.update(dict.fromkeys(matches))
    return list(found)


def name_within(path: Path, source: Source, raw: Path) -> str:
    """What a file is called among those of its source.

    Its name; with the folders below the raw folder where the source's patterns reach into several
    of them, which may hold files of one name. It hangs on the profile alone, so that no file is
    called otherwise when the next one arrives.
    """
    folders = [pattern.rpartition("/")[0] for pattern in source.patterns]
    several = len(set(folders)) > 1 or any(sign in folder for folder in folders for sign in "*?[")
    return path.relative_to(raw).as_posix() if several else path.name


def _is_data(path: Path, raw: Path) -> bool:
    """Leaves out folders, hidden files and the lock files (~$…) of open spreadsheets."""
    hidden = any(part.startswith(".") for part in path.relative_to(raw).parts)
    return path.is_file() and not hidden and not path.name.startswith("~$")


def _refuse_outside(name: str, pattern: str) -> None:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise SourceError(
            "The files of a source lie below the raw folder",
            where=f"sources.{name}.files",
            got=pattern,
            allowed="a path or glob relative to the raw folder",
            todo="Correct the path, or point --raw elsewhere.",
        )


def _missing(name: str, pattern: str, raw: Path) -> SourceError:
    if not raw.is_dir():
        return SourceError(
            "The folder of raw files does not exist",
            where=f"source '{name}'",
            got=str(raw),
            todo="Put the files there, or name their folder with --raw.",
        )
    present = sorted(str(p.relative_to(raw)) for p in raw.rglob("*") if p.is_file())
    return SourceError(
        "File not found",
        where=f"source '{name}'",
        got=str(raw / pattern),
        allowed=[*present[:10], "…"] if len(present) > 10 else present or "the folder is empty",
        todo=did_you_mean(pattern, present) or "Put the file there, or correct the profile.",
    )
