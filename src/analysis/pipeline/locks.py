"""Locks and liveness that end with the process that held them, however it ends."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from ..errors import RunError

RUN_VARIABLE = "TIERLAB_RUN"
"""Environment variable that tells a stage the folder of the run that started it."""

LOCKS = ".locks"
"""Folder of lock files."""

ALL_MONTHS = "all.lock"
"""Shared by whoever holds a month; held alone by whoever works on all of them."""

ORPHANS_END_WITHIN_SECONDS = 30.0
WATCH_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1


def take(path: Path, *, shared: bool = False, wait_seconds: float = 0.0) -> IO[str] | None:
    """Take a lock that ends with this process.

    Returns:
        The open file that holds it (keep it), or None where another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait_seconds
    while True:
        held = _try(path.open("a+"), shared=shared)
        if held is not None or time.monotonic() >= until:
            return held
        time.sleep(0.05)


def _try(stream: IO[str], *, shared: bool) -> IO[str] | None:
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


@contextmanager
def month_held(folder: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a month for a run, and wait until what a killed run left has ended.

    Args:
        folder: Where lock files lie.
        name: The month.
        shared: For a stage that no run of ours started: several may work side by side.

    Raises:
        RunError: Another run holds the month, or a customer is being forgotten.
    """
    with _nobody_forgets(folder, name):
        held = take(folder / f"{name}.lock", shared=shared)
        if held is None:
            raise RunError(
                "Another run works on this month",
                where=name,
                got=f"process {_holder(folder / f'{name}.lock')}",
                todo="Wait until it has ended; a killed run lets go by itself.",
            )
        try:
            if not shared:
                _say_who(held)
                _wait_for_orphans(folder / f"{name}.stages.lock", name)
            yield
        finally:
            held.close()


@contextmanager
def _nobody_forgets(folder: Path, name: str) -> Iterator[None]:
    held = take(folder / ALL_MONTHS, shared=True)
    if held is None:
        raise RunError(
            "A customer is being forgotten",
            where=name,
            got=f"process {_holder(folder / ALL_MONTHS)}",
            todo="Wait until it has ended, then run again.",
        )
    with held:
        yield


@contextmanager
def all_months_held(folder: Path, name: str) -> Iterator[None]:
    """Hold every month of a profile, also those that are not made yet.

    Args:
        folder: Where lock files lie.
        name: The profile.

    Raises:
        RunError: A run works on one of them.
    """
    held = take(folder / ALL_MONTHS)
    if held is None:
        raise RunError(
            "A run works on this profile",
            where=name,
            todo="Wait until it has ended; a killed run lets go by itself.",
        )
    with held:
        _say_who(held)
        for stages in folder.glob("*.stages.lock"):
            _wait_for_orphans(stages, stages.name.removesuffix(".stages.lock"))
        yield


@contextmanager
def stage_held(folder: Path, name: str) -> Iterator[None]:
    """Held by every stage while it works, so that the next run can wait for its end."""
    held = take(folder / f"{name}.stages.lock", shared=True, wait_seconds=5)
    if held is None:
        raise RunError("A new run begins with this month", where=name, todo="Run again.")
    with held:
        yield


def _wait_for_orphans(path: Path, name: str) -> None:
    free = take(path, wait_seconds=ORPHANS_END_WITHIN_SECONDS)
    if free is None:
        raise RunError(
            "A stage of an earlier run still works on this month",
            where=name,
            todo="Wait until it has ended, then run again.",
        )
    free.close()


def hold_folder(folder: Path) -> IO[str]:
    """Mark a folder as in work by this process, before it is made.

    Raises:
        RunError: Another process works in it.
    """
    held = take(_lock_of(folder))
    if held is None:
        raise RunError("The folder is already in use", where=str(folder))
    return held


def is_abandoned(folder: Path) -> bool:
    """Whether no living process works in a folder."""
    return not _is_held(_lock_of(folder))


def let_go(folder: Path) -> None:
    """Forget a folder's lock; the folder itself must be gone."""
    _lock_of(folder).unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    """Beside the folder, so that it exists before the folder does and after."""
    return folder.parent / LOCKS / f"{folder.name}.lock"


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends (elsewhere: a no-op).

    A parent that was killed before we could ask sends nothing: then the run that this process
    belongs to is gone already, and so is this process.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        folder = run_folder()
        if os.getppid() != parent or (folder is not None and is_abandoned(folder)):
            os._exit(1)


SHARED = "shared"
"""Folder in a run's, where its months share what they make of the raw files."""


def run_folder() -> Path | None:
    """The folder of the run that started this stage; None where none did."""
    told = os.environ.get(RUN_VARIABLE, "")
    return Path(told) if told else None


def end_with_run() -> None:
    """Watch the run that started this stage; when it is gone, end with all children."""
    folder = run_folder()
    if folder is not None:
        threading.Thread(target=_watch, args=(folder,), daemon=True).start()


def _watch(folder: Path) -> None:
    while not is_abandoned(folder):
        time.sleep(WATCH_SECONDS)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    os._exit(1)


def _is_held(path: Path) -> bool:
    try:
        held = _try(path.open(), shared=True)
    except FileNotFoundError:
        return False
    if held is not None:
        held.close()
    return held is None


def _say_who(stream: IO[str]) -> None:
    stream.truncate(0)
    stream.write(str(os.getpid()))
    stream.flush()


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip() or "unknown"
    return "unknown"
