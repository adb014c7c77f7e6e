"""Small files written whole or not at all, and what a full disk is called."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import RunError

SESSION = ".session.json"
"""In a folder to save to: what the pipeline tells the notebook that saves there. ``cores``:
threads it may use; ``superseded``: older files of the month that this stage makes anew;
``shared``, ``sharing``: folders of what the months of a run share."""

_REASONS = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The disk quota is used up",
    errno.EFBIG: "The file would be larger than allowed here",
    errno.EROFS: "The disk can only be read",
    errno.EACCES: "The folder may not be written",
    errno.EPERM: "The folder may not be written",
    errno.EIO: "The disk reports an error",
}


@contextmanager
def disk_faults_told(where: Path | str = "") -> Iterator[None]:
    """Turn what a disk can do to a program into a sentence; let other faults pass.

    Raises:
        RunError: The disk is full, read-only, over quota, or the folder is not ours.
    """
    try:
        yield
    except OSError as fault:
        reason = _REASONS.get(fault.errno or 0)
        if reason is None:
            raise
        raise RunError(
            reason,
            where=str(fault.filename or where),
            got=os.strerror(fault.errno or 0),
            todo="Make room or choose another folder with --out, then run again; "
            "finished stages and the last good report are kept.",
        ) from fault


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a small file beside its place and rename it; it is on disk when this returns.

    Raises:
        RunError: The disk is full, or the folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with disk_faults_told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(path, text + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON file's mapping; None where there is none, or none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def remove_folder(folder: Path) -> None:
    """Remove a folder as far as that is possible; what stays is swept by the next run."""
    shutil.rmtree(folder, ignore_errors=True)


def to_disk(folder: Path) -> None:
    """Flush a folder's files: a rename must not outlive their content at a power cut."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
