"""Published versions of a month: each a folder of its own that nothing ever changes.

``reports/<profile>/<month>`` is the latest good result. ``releases/<month>/v<n>`` beside it
holds what somebody answered for by name, whole, read-only, with the digest of every file. A
withdrawal lies beside the version, as a record and as a page for readers, since the version itself
is never touched; its pages lead to the index, which tells whether it still holds.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RunError
from ..files import (
    disk_faults_told,
    read_json,
    remove_folder,
    to_disk,
    write_atomically,
    write_json,
)
from ..language import LanguageCode
from ..standing import Standing
from .digests import content_digest, joint_digest
from .job import Job

RELEASES = "releases"
RECORD = "release.json"
INDEX_FROM_VERSION = "../../../index.html"
IN_WORK = ".releasing-"
READ_ONLY = 0o444
VERSION = re.compile(r"v(\d+)")
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Release:
    """One published version of a month.

    Attributes:
        folder: Where its files lie.
        version: Counted from 1.
        by, on: Who published it, and the day (UTC).
        content: Digest of the pages as the stages made them; a draft with the same digest is
            this version.
        withdrawal: by, on and reason, where it was withdrawn; else empty.
    """

    folder: Path
    version: int
    by: str
    on: str
    content: str
    withdrawal: Mapping[str, str]

    @property
    def standing(self) -> Standing:
        """What its pages say of it today."""
        if self.withdrawal:
            return Standing(
                "withdrawn",
                self.version,
                self.withdrawal["by"],
                self.withdrawal["on"],
                self.withdrawal["reason"],
            )
        return Standing("published", self.version, self.by, self.on)

    def altered_files(self) -> list[str]:
        """Names of files that are no longer what was published."""
        files: Mapping[str, str] = (read_json(self.folder / RECORD) or {}).get("files", {})
        return sorted(name for name, was in files.items() if _digest(self.folder / name) != was)


def releases_of(shelf: Path, month: str) -> tuple[Release, ...]:
    """The published versions of a month, the first one first.

    Args:
        shelf: ``reports/<profile>``.
        month: Such as 2026-10.
    """
    folders = (shelf / RELEASES / month).glob("v[0-9]*")
    found = (_release_in(folder) for folder in folders if (folder / RECORD).exists())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.version))


def standing_of(job: Job) -> Standing:
    """How the month's results stand: as a published version that they equal, else as a draft."""
    versions = releases_of(job.shelf, str(job.month))
    content = content_of(job)
    same = next((one for one in reversed(versions) if one.content == content), None)
    if same is not None:
        return same.standing
    holds = [one.version for one in versions if not one.withdrawal]
    return Standing(version=_next_version(job), before=max(holds, default=0))


def content_of(job: Job) -> str:
    """One digest of the month's pages as the stages made them, before any standing."""
    return joint_digest({page.name: _digest(page) for page in pages_of(job)})


def pages_of(job: Job) -> list[Path]:
    """The pages that the stages made for readers, the same in every run of the same inputs."""
    languages = job.profile.languages
    named = [f"*.{language}.{kind}" for language in languages for kind in ("html", "txt")]
    return sorted(path for pattern in named for path in job.processed.glob(pattern))


def language_of(page: Path) -> LanguageCode:
    """The language of a page, as its name tells: ``report.zh.html`` is Chinese."""
    return "zh" if page.suffixes[-2:-1] == [".zh"] else "en"


def standing_digest(job: Job) -> str:
    """One digest of all that was published and withdrawn of a month, an input of its pages."""
    folder = job.shelf / RELEASES / str(job.month)
    records = [*folder.glob(f"v*/{RECORD}"), *folder.glob("v*.withdrawn.json")]
    return joint_digest({p.relative_to(folder).as_posix(): _digest(p) for p in records})


def add_release(job: Job, by: str, now: dt.datetime) -> Release:
    """Keep the month's results, as they lie on the shelf, as its next published version.

    Args:
        job: The month, up to date and held by this process.
        by: Who answers for it.
        now: When.

    Raises:
        RunError: The same results were published before, or the disk is full.
    """
    from .publication import fill

    versions = releases_of(job.shelf, str(job.month))
    content = content_of(job)
    _refuse_again(versions, content, job)
    version = _next_version(job)
    on = now.date().isoformat()
    place = job.shelf / RELEASES / str(job.month) / f"v{version}"
    new = place.with_name(f"{IN_WORK}{uuid.uuid4().hex}")
    with disk_faults_told(new):
        new.mkdir(parents=True)
        try:
            stands = Standing("published", version, by, on)
            names = fill(job, new, stands, index=INDEX_FROM_VERSION)
            record = _record(job, version, by, now, content)
            write_json(
                new / RECORD, {**record, "files": {n: content_digest(new / n) for n in names}}
            )
            to_disk(new)
            for path in new.iterdir():
                path.chmod(READ_ONLY)
            new.rename(place)
        except BaseException:
            remove_folder(new)
            raise
    return Release(place, version, by, on, content, {})


def withdraw_release(job: Job, version: int, by: str, reason: str, now: dt.datetime) -> Release:
    """Say beside a published version that it must not be used; its files stay as they are.

    Args:
        job: The month, held by this process.
        version: Which one; 0: the latest that is not withdrawn.
        by, reason: Who says so, and why.
        now: When.

    Raises:
        RunError: There is no such version, or it was withdrawn before.
    """
    versions = releases_of(job.shelf, str(job.month))
    standing = [one.version for one in versions if not one.withdrawal]
    wanted = version or max(standing, default=0)
    if wanted not in standing:
        raise RunError(
            "There is no such published version to withdraw",
            where=job.name,
            got=f"version {wanted}" if wanted else "none",
            allowed=[f"version {one}" for one in standing] or "none is published",
            todo="See reports/<profile>/index.html for what is published.",
        )
    found = next(one for one in versions if one.version == wanted)
    withdrawal = {"by": by, "on": now.date().isoformat(), "reason": reason}
    write_json(_withdrawal_of(found.folder), {**withdrawal, "at": now.isoformat("T", "seconds")})
    withdrawn = Release(found.folder, found.version, found.by, found.on, found.content, withdrawal)
    _write_notice(job, withdrawn)
    return withdrawn


def _write_notice(job: Job, withdrawn: Release) -> None:
    """A page beside a withdrawn version, whose own pages cannot say that it is."""
    from ..report.withdrawal_page import withdrawal_page

    page = withdrawal_page(
        job.profile.title, str(job.month), withdrawn.standing, job.profile.languages
    )
    write_atomically(withdrawn.folder.with_name(f"{withdrawn.folder.name}.withdrawn.html"), page)


def sweep_releases(job: Job) -> None:
    """Remove what a killed publication left; a version is renamed into place when it is whole."""
    for half in (job.shelf / RELEASES / str(job.month)).glob(f"{IN_WORK}*"):
        remove_folder(half)


def _next_version(job: Job) -> int:
    """After every folder of a version, also one whose record can no longer be read."""
    folders = (job.shelf / RELEASES / str(job.month)).glob("v[0-9]*")
    taken = [int(found[1]) for one in folders if (found := VERSION.fullmatch(one.name))]
    return max(taken, default=0) + 1


def _refuse_again(versions: tuple[Release, ...], content: str, job: Job) -> None:
    same = next((one for one in reversed(versions) if one.content == content), None)
    if same is None:
        return
    state = "withdrawn" if same.withdrawal else "published"
    todo = "Mend what was wrong and run the month again." if same.withdrawal else "Nothing to do."
    raise RunError(
        f"These results are version {same.version}, already {state}",
        where=job.name,
        got=str(same.folder),
        todo=todo,
    )


def _record(job: Job, version: int, by: str, now: dt.datetime, content: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": job.profile.profile,
        "month": str(job.month),
        "version": version,
        "by": by,
        "on": now.date().isoformat(),
        "at": now.isoformat("T", "seconds"),
        "content": content,
    }


def _release_in(folder: Path) -> Release | None:
    record = read_json(folder / RECORD) or {}
    try:
        return Release(
            folder=folder,
            version=int(record["version"]),
            by=str(record["by"]),
            on=str(record["on"]),
            content=str(record["content"]),
            withdrawal=_withdrawal(folder),
        )
    except (KeyError, ValueError):
        return None


def _withdrawal(folder: Path) -> dict[str, str]:
    said = read_json(_withdrawal_of(folder)) or {}
    return {name: str(said.get(name, "")) for name in ("by", "on", "reason")} if said else {}


def _withdrawal_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.withdrawn.json")


def _digest(path: Path) -> str:
    return content_digest(path) if path.is_file() else "missing"
