"""Publish a month: all of its results at once, or none; and say how each month stands.

The folder ``reports/<profile>/<month>`` is always the last good report. How the month stands
since (its inputs changed, a later run failed) lies beside it, in ``.states/<month>.json``.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from ..errors import RunError
from ..files import (
    disk_faults_told,
    read_json,
    remove_folder,
    to_disk,
    write_atomically,
    write_json,
)
from ..language import Language
from ..standing import Standing, links_html, stamped
from .exchange import put_in_place, restore_retired
from .job import Job
from .locks import take
from .manifest import manifest_of
from .printing import browser_of, print_pages
from .releases import RELEASES, language_of, pages_of, releases_of, standing_of

IN_WORK = ".publishing-"
INDEX = "index.html"
INDEX_MEMORY = ".index.json"
"""What the last index knew of each month, so that the next one reads only what changed."""

LINKED = ("report.", "quality.")
"""How the names of pages begin whose standing leads elsewhere."""

State = Literal["stale", "failed"]


def publish(job: Job) -> list[Path]:
    """Put a month's results on the shelf in place of the last ones, all at once.

    They stand as the published version that they equal, else as a draft; a draft that differs
    from a published version tells how.

    Returns:
        The files.

    Raises:
        RunError: A report is missing, or the disk is full.
    """
    new = job.shelf / f"{IN_WORK}{job.month}-{uuid.uuid4().hex}"
    with disk_faults_told(new):
        new.mkdir(parents=True)
        try:
            names = fill(job, new, standing_of(job))
            to_disk(new)
            old = put_in_place(new, job.reports)
        except BaseException:
            remove_folder(new)
            raise
        if old is not None:
            remove_folder(old)
        forget_state(job)
        rebuild_index(job.shelf)
    return [job.reports / name for name in names]


def fill(job: Job, folder: Path, standing: Standing, *, index: str = f"../{INDEX}") -> list[str]:
    """Put everything that readers get of a month into a folder.

    Args:
        job: The month, with all its stages done.
        folder: Empty.
        standing: What the pages say of themselves.
        index: Where the pages find the index of all months.

    Returns:
        The names of the files.
    """
    from ..report.summary import summary
    from ..workspace import open_month

    _refuse_missing_pages(job)
    names = [page.name for page in pages_of(job)]
    for page in pages_of(job):
        language = Language(language_of(page))
        links = links_html(_links(job, page, standing, language, index))
        text = stamped(page.read_text(encoding="utf-8"), standing, language, links)
        (folder / page.name).write_text(text, encoding="utf-8")
    printed = print_pages(
        [folder / f"report.{language}.html" for language in job.profile.languages],
        browser_of(os.environ),
    )
    names += [path.name for path in printed]
    month = open_month(job.profile_path, str(job.month), raw=job.raw, out=job.root)
    write_json(folder / "summary.json", summary(month))
    names = [*names, "summary.json"]
    manifest = manifest_of(job, [folder / name for name in names])
    write_json(folder / "manifest.json", {**manifest, "standing": asdict(standing)})
    return [*names, "manifest.json", *_differences(job, folder, standing)]


def _refuse_missing_pages(job: Job) -> None:
    for language in job.profile.languages:
        made = job.processed / f"report.{language}.html"
        if not made.exists():
            raise RunError("A report is missing", where=str(made), todo="Run the month again.")


def _links(
    job: Job, page: Path, standing: Standing, language: Language, index: str
) -> Mapping[str, str]:
    """Where a page's standing leads: address → words; nowhere from an e-mail, which is sent alone.

    A draft leads to the version that holds until it is published, and to what differs; all lead
    to the index, since a published page cannot tell that it was withdrawn later.
    """
    if not page.name.startswith(LINKED):
        return {}
    holds = language.text("Whether it still holds: all months")
    to_index = {index: holds if standing.state == "published" else language.text("All months")}
    version = standing.before
    if not version:
        return to_index
    held = Path(RELEASES, str(job.month), f"v{version}", f"report.{language.code}.html")
    links = {f"differences.{language.code}.html": language.text("What differs"), **to_index}
    if (job.shelf / held).exists():  # a language may have been added since
        read = language.text("Read version {version}", version=str(version))
        links = {f"../{held.as_posix()}": read, **links}
    return links


def _differences(job: Job, folder: Path, standing: Standing) -> list[str]:
    """Pages that tell how a draft differs from the version published before it."""
    version = standing.before
    if not version:
        return []
    from ..report.difference import difference, results_of
    from ..report.difference_page import difference_page

    before = results_of(job.shelf / RELEASES / str(job.month) / f"v{version}")
    found = difference(before, results_of(folder))
    names = []
    for code in job.profile.languages:
        name = f"differences.{code}.html"
        (folder / name).write_text(difference_page(found, Language(code)), encoding="utf-8")
        names.append(name)
    return names


def rebuild_index(shelf: Path) -> None:
    """Write the page that lists all months of a profile."""
    from ..report import index_page, month_entries

    memory = shelf / INDEX_MEMORY
    lock = take(shelf / ".index.lock", wait_seconds=10)
    try:
        entries = month_entries(shelf, _versions(shelf), read_json(memory) or {})
        write_atomically(shelf / INDEX, index_page(shelf, entries))
        write_json(memory, {entry.month: entry.kept for entry in entries})
    finally:
        if lock is not None:
            lock.close()


def _versions(shelf: Path) -> dict[str, list[Standing]]:
    months = (shelf / RELEASES).glob("*-*")
    return {m.name: [one.standing for one in releases_of(shelf, m.name)] for m in months}


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
