"""The friendly front of a run: what must run, what is running, and how it ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..errors import AnalysisError, RunError, SourceError
from ..files import disk_faults_told, remove_folder
from . import publication
from .events import Event, told
from .inputs import cache_of, prepare, reasons_of, wants_another_round
from .job import Job
from .locks import hold_folder, is_abandoned, month_held
from .progress import Progress
from .scheduling import start_snakemake
from .staging import sweep

RUN_FOLDER = ".run-"
LOOK_SECONDS = 0.1
MOST_ROUNDS = 3
"""A round makes all months; a second one is needed where a month's results change what next
month's report says about it. A third one guards against a stage that never settles."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        reports: The months' report folders, in order.
        ran: Whether any stage ran.
        seconds: Of the whole run.
    """

    reports: tuple[Path, ...]
    ran: bool
    seconds: float


class FailedRunError(RunError):
    """One or more months failed; the message says which, where and why."""

    def __init__(self, failures: Sequence[Event]) -> None:
        super().__init__("\n".join(_told_once(failures)))
        self.exit_code = failures[0].exit_code


def run(jobs: Sequence[Job], *, cores: int | None = None, console: Console) -> Outcome:
    """Bring some months of one profile up to date and publish them.

    Args:
        jobs: The months, of one profile and one pair of folders.
        cores: How many may be used; all by default.
        console: Where progress is shown.

    Raises:
        AnalysisError: A stage failed (its own words and exit code), another run holds a
            month, or the disk is full. The last good reports are still in place.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as held:
        for job in jobs:
            held.enter_context(_ready(job))
        _refuse_missing_raw(jobs)
        reasons = _prepared(jobs)
        ran = bool(reasons)
        if ran:
            _announce(jobs, reasons, console)
            held.enter_context(_index_meanwhile(jobs[0]))
        failures: list[Event] = []
        for _ in range(MOST_ROUNDS):
            if not reasons:
                break
            failures += _schedule(_named(jobs, reasons), cores or os.cpu_count() or 1, console)
            failed = {failure.month for failure in failures}
            again = _behind([job for job in jobs if str(job.month) not in failed])
            reasons = _prepared(again)
        failures += _not_made(jobs, failures)
        if failures:
            _fail(jobs, failures)
    return Outcome(tuple(job.reports for job in jobs), ran, time.monotonic() - began)


def _refuse_missing_raw(jobs: Sequence[Job]) -> None:
    """Say once that there is no raw folder, not once a source and month."""
    folder = jobs[0].raw
    if not folder.is_dir():
        fault = SourceError(
            "The folder of raw files does not exist",
            where=str(jobs[0].profile_path),
            got=str(folder),
            todo="Put the files there, or name their folder with --raw.",
        )
        _fail(jobs, [_failed(str(job.month), "run", fault) for job in jobs])


@contextlib.contextmanager
def _ready(job: Job) -> Iterator[None]:
    """Hold a month, and mend what a killed run has left of it."""
    locks = job.home / ".locks"
    with disk_faults_told(locks):
        locks.mkdir(parents=True, exist_ok=True)
    with month_held(locks, str(job.month)):
        with disk_faults_told(job.home):
            sweep(job)
            publication.recover(job)
        yield


Reasons = dict[str, dict[str, str]]
"""Month → step → why it must run; months that are up to date are left out."""


def _prepared(jobs: Sequence[Job]) -> Reasons:
    if not jobs:
        return {}
    cache = cache_of(jobs[0])
    with disk_faults_told(jobs[0].home):
        found = {str(job.month): prepare(job, cache) for job in jobs}
    return {month: reasons for month, reasons in found.items() if reasons}


def _behind(jobs: Sequence[Job]) -> list[Job]:
    """Months that wait for another month of this run."""
    cache = cache_of(jobs[0]) if jobs else None
    return [job for job in jobs if cache and wants_another_round(reasons_of(job, cache))]


def _not_made(jobs: Sequence[Job], failures: Sequence[Event]) -> list[Event]:
    """Months that neither failed nor were published: an input changed while they were made."""
    failed = {failure.month for failure in failures}
    left = [job for job in jobs if str(job.month) not in failed and not _is_published(job)]
    fault = RunError("The month was not finished", todo="Run again.")
    return [_failed(str(job.month), "run", fault) for job in left]


def _failed(month: str, step: str, fault: AnalysisError) -> Event:
    return Event("failed", month, step, message=str(fault), exit_code=fault.exit_code)


def _is_published(job: Job) -> bool:
    return job.marker(job.steps[-1]).exists() and publication.is_intact(job)


def _announce(jobs: Sequence[Job], reasons: Reasons, console: Console) -> None:
    """Say what will run and why; the last reports are stale until then."""
    for job in _named(jobs, reasons):
        first, why = next(iter(reasons[str(job.month)].items()))
        console.print(f"[dim]{job.name}: from {first} on ({why})[/]", highlight=False)
        publication.mark(job, "stale", "; ".join(_roots(reasons[str(job.month)])))


@contextlib.contextmanager
def _index_meanwhile(job: Job) -> Iterator[None]:
    """Show in the index that reports are stale, while the first stage already runs."""
    if not (job.shelf / publication.INDEX).exists():
        yield
        return
    with ThreadPoolExecutor(1) as threads:
        rebuilt = threads.submit(publication.rebuild_index, job.shelf)
        yield
        rebuilt.result()


def _fail(jobs: Sequence[Job], failures: Sequence[Event]) -> None:
    """Say beside the last good reports that a later run failed, and end.

    Only the first line is kept there: what was found may be personal.
    """
    for failure in failures:
        (job,) = _named(jobs, [failure.month])
        publication.mark(job, "failed", f"{failure.step}: {failure.message.splitlines()[0]}")
    publication.rebuild_index(jobs[0].shelf)
    raise FailedRunError(failures)


def _named(jobs: Sequence[Job], months: Container[str]) -> list[Job]:
    return [job for job in jobs if str(job.month) in months]


def _schedule(jobs: Sequence[Job], cores: int, console: Console) -> list[Event]:
    progress, seen, seen_so_far = Progress(console, len(jobs)), set[str](), list[Event]()
    with _run_folder(jobs[0].home) as folder, progress.shown():
        process = start_snakemake(jobs, folder, cores)
        try:
            ended = False
            while not ended:
                ended = process.poll() is not None
                events = list(told(folder, seen))
                progress.tell(events)
                seen_so_far += events
                time.sleep(0 if ended else LOOK_SECONDS)
        finally:
            _stop(process)
        failures = [event for event in seen_so_far if event.kind == "failed"]
        if process.returncode and not failures:
            failures = _ended_from_outside(jobs, seen_so_far, folder)
    return failures


def _ended_from_outside(jobs: Sequence[Job], events: Sequence[Event], folder: Path) -> list[Event]:
    """Snakemake failed and no stage said why: a process was killed, or could not even start."""
    lines = (folder / "snakemake.log").read_text(errors="replace").strip().splitlines()
    ended = {(event.month, event.step) for event in events if event.kind == "finished"}
    began = {(event.month, event.step) for event in events if event.kind == "started"}
    fault = RunError(
        "The run was ended from outside, or could not start",
        got=" | ".join(line.strip() for line in lines[-3:]),
        todo="Run again: it recovers by itself. If memory ran out, use --cores 1.",
    )
    cut_short = sorted(began - ended) or [(str(job.month), "start") for job in jobs]
    return [_failed(month, step, fault) for month, step in cut_short]


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


@contextlib.contextmanager
def _run_folder(home: Path) -> Iterator[Path]:
    """A folder for events, logs and Snakemake; those of killed runs are removed."""
    for folder in home.glob(f"{RUN_FOLDER}*"):
        if is_abandoned(folder):
            remove_folder(folder)
    folder = home / f"{RUN_FOLDER}{uuid.uuid4().hex}"
    with disk_faults_told(folder):
        (folder / "events").mkdir(parents=True)
        held = hold_folder(folder)
    try:
        yield folder
    finally:
        held.close()
        remove_folder(folder)


def _roots(reasons: dict[str, str]) -> list[str]:
    """The reasons that are no consequence of another one."""
    return [f"{step}: {why}" for step, why in reasons.items() if not why.endswith(" runs")]


def _told_once(failures: Sequence[Event]) -> Iterator[str]:
    """Each failure with its month and step; the same message for several is said once."""
    by_message: dict[str, list[Event]] = {}
    for failure in failures:
        by_message.setdefault(failure.message, []).append(failure)
    for message, events in by_message.items():
        where = ", ".join(f"{event.month} {event.step}" for event in events)
        yield f"{where}: {message}"
