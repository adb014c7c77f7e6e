"""Digests of file contents, with a cache so that a gigabyte of raw files is hashed once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_json

FRESH_SECONDS = 2.0
"""A file changed more recently than this is not cached: its times may not move with the next
change (file systems count in steps of milliseconds to seconds)."""


@dataclass
class DigestCache:
    """Digests by path, valid while size, times and inode stay the same.

    The change time (ctime) is part of the key: a tool may set the modification time back, but
    not the change time.

    Attributes:
        path: Where it is kept.
    """

    path: Path
    _known: dict[str, list[Any]] = field(default_factory=dict)
    _asked: dict[str, str] = field(default_factory=dict)
    _changed: bool = False

    @classmethod
    def load(cls, path: Path) -> DigestCache:
        """The cache of a folder; an unreadable one is begun anew."""
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        return cls(path, known if isinstance(known, dict) else {})

    def of(self, path: Path) -> str:
        """The digest of a file's content; ``missing`` where there is none."""
        try:
            stat = path.stat()
        except OSError:
            return "missing"
        key = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(str(path))
        if known and known[0] == key:
            return str(known[1])
        digest = content_digest(path)
        if time.time() - max(stat.st_mtime, stat.st_ctime) > FRESH_SECONDS:
            self._known[str(path)] = [key, digest]
            self._changed = True
        return digest

    def once(self, name: str, digest: Callable[[], str]) -> str:
        """A digest that lies in no file, asked for once while this object lives, never kept."""
        if name not in self._asked:
            self._asked[name] = digest()
        return self._asked[name]

    def save(self) -> None:
        """Keep what was learnt; files that are gone are forgotten."""
        if self._changed:
            kept = {name: entry for name, entry in self._known.items() if Path(name).exists()}
            write_json(self.path, kept)
            self._changed = False


def content_digest(path: Path) -> str:
    """A short SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def joint_digest(parts: Mapping[str, str]) -> str:
    """One digest of several named ones, whatever their order."""
    text = json.dumps(dict(sorted(parts.items())), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_digests(folder: Path, patterns: Iterable[str], cache: DigestCache) -> dict[str, str]:
    """Digest of each file below a folder that meets a pattern, by path relative to it."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {path.relative_to(folder).as_posix(): cache.of(path) for path in sorted(found)}
