"""A stage's folder in work, and how what it made moves into the month's folder.

The marker of a step is deleted before its files move and written after: a marker that exists
speaks for whole files. Folders in work carry the month's name: whoever holds the month may
remove those that a killed run has left.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import SESSION, disk_faults_told, read_json, remove_folder, write_json
from .digests import content_digest
from .job import PRIVATE, Job
from .stages import Step

IN_WORK = ".staging-"


@dataclass(frozen=True)
class Staging:
    """The folder a step works in.

    Attributes:
        saved: What the step saves; moves into the month's folder.
        own: What its kernel writes for itself; goes when the step ends.
    """

    job: Job
    step: Step
    folder: Path

    @property
    def saved(self) -> Path:
        """Folder of tables, documents and the executed notebook."""
        return self.folder / "saved"

    @property
    def own(self) -> Path:
        """Folder of the kernel."""
        return self.folder / "own"

    @property
    def sharing(self) -> Path:
        """Folder of what it makes for the other months of the run."""
        return self.folder / "sharing"

    @property
    def executed(self) -> Path:
        """The executed notebook."""
        mark = f".{self.step.language}" if self.step.language else ""
        return self.saved / PRIVATE / f"{self.step.stage.notebook}{mark}.ipynb"


@contextlib.contextmanager
def staging(job: Job, step: Step, cores: int, shared: Path | None = None) -> Iterator[Staging]:
    """A new folder for a step; removed when the step ends, however it ends.

    Args:
        job: The month.
        step: What is done.
        cores: Threads it may use.
        shared: What the months of this run share; it may not be there yet.
    """
    folder = job.home / f"{IN_WORK}{job.month}-{step.name}-{uuid.uuid4().hex}"
    with disk_faults_told(folder):
        folder.mkdir(parents=True)
        staged = Staging(job, step, folder)
        staged.saved.mkdir()
        superseded = superseded_by(job, step)
        told = {"cores": cores, "superseded": superseded, **_told_of(shared, staged)}
        write_json(staged.saved / SESSION, told)
    try:
        yield staged
    finally:
        remove_folder(folder)


def _told_of(shared: Path | None, staged: Staging) -> dict[str, str]:
    """Where the session finds what is shared, or puts it for the other months."""
    if shared is None:
        return {}
    ready = shared.is_dir()
    return {"shared": str(shared)} if ready else {"sharing": str(staged.sharing)}


def share(staged: Staging, shared: Path | None) -> None:
    """Let the other months of the run see what this one has kept for them: all or nothing."""
    if shared is not None and staged.sharing.is_dir():
        with contextlib.suppress(OSError):  # another month was faster, or there is no room
            staged.sharing.rename(shared)


def superseded_by(job: Job, step: Step) -> list[str]:
    """Older files that a step, or one after it, makes anew: it must not read them."""
    later = job.steps[job.steps.index(step) :]
    return sorted({name for other in later for name in _made_by(job, other)})


def settle(staged: Staging) -> list[str]:
    """Move what a step saved into the month's folder, file by file.

    Returns:
        The files, relative to the month's folder.
    """
    job, step = staged.job, staged.step
    (staged.saved / SESSION).unlink(missing_ok=True)
    made = sorted(
        path.relative_to(staged.saved).as_posix()
        for path in staged.saved.rglob("*")
        if path.is_file()
    )
    before = _made_by(job, step)
    with disk_faults_told(job.processed):
        job.marker(step).unlink(missing_ok=True)
        _say_made(job, step, sorted({*before, *made}))
        for name in made:
            place = job.processed / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (staged.saved / name).replace(place)
        for name in set(before) - set(made):
            (job.processed / name).unlink(missing_ok=True)
        _say_made(job, step, made)
    return made


def mark_done(job: Job, step: Step, files: list[Path], **more: Any) -> dict[str, Any]:
    """Write a step's marker, with the digest of each file it made."""
    outputs = {path.relative_to(job.root).as_posix(): content_digest(path) for path in files}
    marker = {"step": step.name, **more, "outputs": outputs}
    write_json(job.marker(step), marker)
    return marker


def keep_evidence(staged: Staging) -> Path | None:
    """Keep a notebook that failed; None where there is none, or no room for it."""
    place = staged.job.failed / staged.executed.name
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.executed.replace(place)
        return place
    return None


def drop_evidence(job: Job, executed: Path) -> None:
    """Remove the evidence of an earlier failure: the step has succeeded since."""
    (job.failed / executed.name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        job.failed.rmdir()


def sweep(job: Job) -> None:
    """Remove what a killed run left in work on a month that this process holds."""
    for folder in job.home.glob(f"{IN_WORK}{job.month}-*"):
        remove_folder(folder)
    for half in job.processed.rglob(".*.part"):
        half.unlink(missing_ok=True)


def _made_by(job: Job, step: Step) -> list[str]:
    return list((read_json(_list_of(job, step)) or {}).get("files", []))


def _say_made(job: Job, step: Step, files: list[str]) -> None:
    write_json(_list_of(job, step), {"files": files})


def _list_of(job: Job, step: Step) -> Path:
    return job.processed / ".outputs" / f"{step.name}.json"
