"""The friendly front of a run: what must run, what is running, and how it ended."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..errors import AnalysisError, RunError, SourceError
from ..files import disk_faults_told
from . import publication
from .events import Event
from .exchange import sweep_beside
from .inputs import cache_of, prepare, reasons_of, wants_another_round
from .job import Job
from .locks import LOCKS, month_held
from .staging import sweep
from .supervision import failed, make, sweep_runs

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


Reasons = dict[str, dict[str, str]]
"""Month → step → why it must run; months that are up to date are left out."""


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
        sweep_runs(jobs[0].home)
        _refuse_missing_raw(jobs)
        reasons = _prepared(jobs)
        _forgive(jobs, reasons)
        if reasons:
            _announce(jobs, reasons, console)
            with _index_meanwhile(jobs[0]):
                failures = _made(jobs, reasons, cores or os.cpu_count() or 1, console)
            if failures:
                _fail(jobs, failures)
    reports = tuple(job.reports for job in jobs)
    return Outcome(reports, bool(reasons), time.monotonic() - began)


def _made(jobs: Sequence[Job], reasons: Reasons, cores: int, console: Console) -> list[Event]:
    """Make the months, in as many rounds as they wait for each other; what failed."""
    failures: list[Event] = []
    for _ in range(MOST_ROUNDS):
        if reasons:
            failures += make(_named(jobs, reasons), cores, console)
            reasons = _prepared(_behind(_without(jobs, failures)))
    return failures + _not_made(_without(jobs, failures))


def _refuse_missing_raw(jobs: Sequence[Job]) -> None:
    """Say once that raw files or a database are out of reach, not once a source and month."""
    job = jobs[0]
    fault = _missing_folder(job) or _silent_database(job)
    if fault:
        _fail(jobs, [failed(str(each.month), "run", fault) for each in jobs])


def _missing_folder(job: Job) -> AnalysisError | None:
    if job.raw.is_dir() or not any(source.files for source in job.profile.sources.values()):
        return None
    return SourceError(
        "The folder of raw files does not exist",
        where=str(job.profile_path),
        got=str(job.raw),
        todo="Put the files there, or name their folder with --raw.",
    )


def _silent_database(job: Job) -> AnalysisError | None:
    tables = [s for s in job.profile.sources.values() if s.format == "postgresql"]
    if tables:
        from ..sources.databases import columns_of

        try:
            for source in tables:
                columns_of(source)
        except AnalysisError as fault:
            return fault
    return None


@contextlib.contextmanager
def _ready(job: Job) -> Iterator[None]:
    """Hold a month, and mend what a killed run has left of it."""
    locks = job.home / LOCKS
    with disk_faults_told(locks):
        locks.mkdir(parents=True, exist_ok=True)
    with month_held(locks, str(job.month)):
        with disk_faults_told(job.home):
            sweep(job)
            sweep_beside(job.home)
            publication.recover(job)
        yield


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


def _not_made(jobs: Sequence[Job]) -> list[Event]:
    """Months that were not published although nothing failed: an input changed meanwhile."""
    fault = RunError("The month was not finished", todo="Run again.")
    return [failed(str(job.month), "run", fault) for job in jobs if not _is_published(job)]


def _is_published(job: Job) -> bool:
    return job.marker(job.steps[-1]).exists() and publication.is_intact(job)


def _forgive(jobs: Sequence[Job], reasons: Reasons) -> None:
    """Take back what is said about months that are up to date after all."""
    current = [job for job in jobs if str(job.month) not in reasons]
    taken_back = [publication.forget_state(job) for job in current]
    if any(taken_back):
        publication.rebuild_index(jobs[0].shelf)


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


def _without(jobs: Sequence[Job], failures: Sequence[Event]) -> list[Job]:
    months = {failure.month for failure in failures}
    return [job for job in jobs if str(job.month) not in months]


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
