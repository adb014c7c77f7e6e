"""Publish a month: all of its results at once, or none; and say how each month stands.

The folder ``reports/<profile>/<month>`` is always the last good report. How the month stands
since (its inputs changed, a later run failed) lies beside it, in ``.states/<month>.json``.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import uuid
from pathlib import Path
from typing import Literal

from ..errors import RunError
from ..files import disk_faults_told, read_json, remove_folder, write_atomically, write_json
from .exchange import put_in_place, restore_retired
from .job import Job
from .locks import take
from .manifest import manifest_of

IN_WORK = ".publishing-"
INDEX = "index.html"

State = Literal["stale", "failed"]


def publish(job: Job) -> list[Path]:
    """Put a month's report, summary and manifest in place of the last ones, all at once.

    Returns:
        The published files.

    Raises:
        RunError: A report is missing, or the disk is full.
    """
    new = job.shelf / f"{IN_WORK}{job.month}-{uuid.uuid4().hex}"
    with disk_faults_told(new):
        new.mkdir(parents=True)
        try:
            names = _fill(job, new)
            _to_disk(new)
            old = put_in_place(new, job.reports)
        except BaseException:
            remove_folder(new)
            raise
        if old is not None:
            remove_folder(old)
        forget_state(job)
        rebuild_index(job.shelf)
    return [job.reports / name for name in names]


def _fill(job: Job, folder: Path) -> list[str]:
    from ..report import summary
    from ..workspace import open_month

    pages = [f"report.{language}.html" for language in job.profile.languages]
    for name in pages:
        made = job.processed / name
        if not made.exists():
            raise RunError("A report is missing", where=str(made), todo="Run the month again.")
        shutil.copyfile(made, folder / name)
    month = open_month(job.profile_path, str(job.month), raw=job.raw, out=job.root)
    write_json(folder / "summary.json", summary(month))
    names = [*pages, "summary.json"]
    write_json(folder / "manifest.json", manifest_of(job, [folder / name for name in names]))
    return [*names, "manifest.json"]


def rebuild_index(shelf: Path) -> None:
    """Write the page that lists all months of a profile."""
    from ..report import index_page

    lock = take(shelf / ".index.lock", wait_seconds=10)
    try:
        write_atomically(shelf / INDEX, index_page(shelf))
    finally:
        if lock is not None:
            lock.close()


def mark(job: Job, state: State, message: str = "") -> None:
    """Say beside the last good report how the month stands since.

    A month that has no report yet has no state but failed.
    """
    if state == "failed" or job.reports.exists():
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        write_json(_state_of(job), {"state": state, "at": now, "message": message})


def forget_state(job: Job) -> bool:
    """Let the published report be the latest word on the month.

    Returns:
        Whether anything else had been said.
    """
    said = _state_of(job).exists()
    _state_of(job).unlink(missing_ok=True)
    return said


def is_intact(job: Job) -> bool:
    """Whether a whole report of the month is published."""
    manifest = read_json(job.reports / "manifest.json") or {}
    files = manifest.get("files", {})
    return bool(files) and all((job.reports / name).is_file() for name in files)


def recover(job: Job) -> None:
    """Mend what a killed run left of a month that this process holds."""
    if job.shelf.exists():
        restore_retired(job.reports)
        for half in job.shelf.glob(f"{IN_WORK}{job.month}-*"):
            remove_folder(half)


def _state_of(job: Job) -> Path:
    return job.shelf / ".states" / f"{job.month}.json"


def _to_disk(folder: Path) -> None:
    """Flush a folder's files: a rename must not outlive their content at a power cut."""
    for path in [*folder.iterdir(), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
