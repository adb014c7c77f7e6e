"""Swap a folder for another in one step, so that readers see the old one or the new one."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import disk_faults_told, remove_folder

RETIRED = ".retired-"
"""Name of the old folder between two renames, where the system cannot exchange folders."""

IN_WORK = ".forgetting-"
"""Name of a new folder before it takes the old one's place, and of the old one after."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
_CANNOT = frozenset(
    {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV, errno.EPERM}
)


def put_in_place(new: Path, place: Path) -> Path | None:
    """Put a finished folder where readers look.

    Args:
        new: The folder, on the same file system.
        place: Where it goes.

    Returns:
        The folder that was there before (now elsewhere, to be removed); None where none was.
    """
    if not place.exists():
        new.rename(place)
        return None
    if exchange(new, place):
        return new
    retired = place.with_name(f"{RETIRED}{place.name}-{uuid.uuid4().hex}")
    place.rename(retired)
    new.rename(place)
    return retired


@contextmanager
def beside(place: Path) -> Iterator[Path]:
    """A new folder beside another, which may take its place; it never stays."""
    new = place.with_name(f"{IN_WORK}{place.name}-{uuid.uuid4().hex}")
    with disk_faults_told(new):
        new.mkdir(parents=True)
        try:
            yield new
        finally:
            remove_folder(new)


def sweep_beside(place: Path) -> None:
    """Mend what a kill left of an exchange; whoever calls makes sure that nobody is at it."""
    restore_retired(place)
    for left in place.parent.glob(f"{IN_WORK}{place.name}-*"):
        remove_folder(left)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders atomically; False where the system cannot."""
    try:
        code = _exchange(os.fsencode(one), os.fsencode(other))
    except AttributeError:
        return False
    if code == 0:
        return True
    fault = ctypes.get_errno()
    if fault in _CANNOT:
        return False
    raise OSError(fault, os.strerror(fault), str(other))


def restore_retired(place: Path) -> None:
    """Put back a folder that a kill left between two renames, unless it was replaced."""
    for retired in sorted(place.parent.glob(f"{RETIRED}{place.name}-*")):
        if place.exists():
            remove_folder(retired)
        else:
            retired.rename(place)


def _exchange(one: bytes, other: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        return int(libc.renamex_np(one, other, _RENAME_SWAP))
    return int(libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE))
