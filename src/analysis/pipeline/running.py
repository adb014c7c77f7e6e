"""Run one stage of one month: what a rule of the Snakefile calls."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import AnalysisError, RunError
from ..files import disk_faults_told, write_atomically
from ..params import digest
from .events import Event, tell
from .faults import explained
from .inputs import cache_of, inputs_of
from .job import Job
from .locks import LOCKS, SHARED, end_with_run, month_held, run_folder, stage_held
from .notebooks import Execution, Scalar, execute
from .publication import publish
from .stages import Step, step_named
from .staging import (
    Staging,
    drop_evidence,
    keep_evidence,
    mark_done,
    settle,
    share,
    staging,
)

RAW_FOLDER = "raw_folder"
"""Where a marker notes the folder whose raw files were read; it tells of a wrong ``--raw``."""

READ_LATE = ("raw/", "corrections/", "identity/", "experiments/", "overrides/")
"""Inputs that a stage's notebook reads by itself, after their digests were taken."""


def run_stage(job: Job, name: str, cores: int = 1) -> dict[str, Any]:
    """Run one step: execute its notebook, move what it made, write its marker.

    Args:
        job: The month.
        name: Such as ``cleaning`` or ``report-zh``.
        cores: Threads the step may use.

    Returns:
        The marker: inputs, outputs, rows by table, seconds.

    Raises:
        AnalysisError: What went wrong, in words for the user.
    """
    step = step_named(name, job.profile.languages)
    end_with_run()
    with _held(job), _told(job, step):
        tell(Event("started", str(job.month), step.name))
        marker = _publication(job, step) if not step.stage.notebook else _notebook(job, step, cores)
        tell(_finished(job, marker))
        return marker


def _notebook(job: Job, step: Step, cores: int) -> dict[str, Any]:
    began = time.monotonic()
    inputs = _inputs(job, step)
    shared = shared_folder(step, inputs)
    with staging(job, step, cores, shared) as staged:
        try:
            execute(_execution(staged))
            _convert(staged)
            _refuse_changed_inputs(job, step, inputs)
            share(staged, shared)
            made = settle(staged)
        except BaseException as fault:
            _point_to_evidence(fault, keep_evidence(staged))
            raise
    drop_evidence(job, staged.executed)
    files = [job.processed / name for name in made]
    seconds = round(time.monotonic() - began, 2)
    read = {RAW_FOLDER: str(job.raw)} if step.stage.reads_raw else {}
    return mark_done(job, step, files, inputs=inputs, seconds=seconds, tables=_rows(files), **read)


def _publication(job: Job, step: Step) -> dict[str, Any]:
    began = time.monotonic()
    inputs = _inputs(job, step)
    files = publish(job)
    seconds = round(time.monotonic() - began, 2)
    return mark_done(job, step, files, inputs=inputs, seconds=seconds, tables={})


def shared_folder(step: Step, inputs: dict[str, str]) -> Path | None:
    """Where the months of a run share what they make of the raw files.

    Args:
        step: What is done.
        inputs: Digests of all that it is made of.

    Returns:
        A folder of these inputs, there or not; None where a month runs by itself, or where the
        step reads no raw files.
    """
    run = run_folder()
    if run is None or not step.stage.reads_raw or not (run / SHARED).is_dir():
        return None
    return run / SHARED / digest(inputs)


def _execution(staged: Staging) -> Execution:
    job, step = staged.job, staged.step
    parameters: dict[str, Scalar] = {
        "profile": str(job.profile_path),
        "month": str(job.month),
        "raw": str(job.raw),
        "out": str(job.root),
        "save_to": str(staged.saved),
    }
    if step.language:
        parameters["language"] = step.language
    return Execution(job.notebook(step), staged.executed, parameters, staged.own)


def _convert(staged: Staging) -> None:
    """Turn an executed report into the page that readers get."""
    language = staged.step.language
    if language:
        from ..report import to_html

        page = to_html(staged.executed, language)
        write_atomically(staged.saved / f"report.{language}.html", page)


def _inputs(job: Job, step: Step) -> dict[str, str]:
    """The inputs' digests as they are now; the same as in the digest file but for a race."""
    cache = cache_of(job)
    parts = inputs_of(job, step, cache)
    cache.save()
    return parts


def _refuse_changed_inputs(job: Job, step: Step, before: dict[str, str]) -> None:
    """Refuse a result of files that were half one thing and half another.

    Code and notebooks may change meanwhile: they have been read, and the marker keeps the
    digests from before, so that the next run sees the change.
    """
    after = _inputs(job, step)
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    changed = [name for name in changed if name.startswith(READ_LATE)]
    if changed:
        raise RunError(
            "An input changed while it was being read",
            where=", ".join(changed[:3]),
            todo="Run again when nobody writes to the files.",
        )


def _rows(files: list[Path]) -> dict[str, int]:
    import pyarrow.parquet as pq

    tables = [path for path in files if path.suffix == ".parquet"]
    return {path.stem: int(pq.read_metadata(path).num_rows) for path in tables}


def _finished(job: Job, marker: dict[str, Any]) -> Event:
    return Event(
        "finished",
        str(job.month),
        marker["step"],
        seconds=marker["seconds"],
        tables=marker["tables"],
    )


@contextlib.contextmanager
def _held(job: Job) -> Iterator[None]:
    """Hold the month as a stage of a run does, or as one that was called by itself."""
    locks = job.home / LOCKS
    alone = run_folder() is None
    with disk_faults_told(locks):
        locks.mkdir(parents=True, exist_ok=True)
    with (
        month_held(locks, str(job.month), shared=True) if alone else contextlib.nullcontext(),
        stage_held(locks, str(job.month)),
    ):
        yield


@contextlib.contextmanager
def _told(job: Job, step: Step) -> Iterator[None]:
    """Tell the run about a failure before it reaches the command line."""
    began = time.monotonic()
    month = str(job.month)
    try:
        yield
    except Exception as fault:
        message, code = explained(fault, job.failed)
        with contextlib.suppress(Exception):
            tell(
                Event(
                    "failed",
                    month,
                    step.name,
                    seconds=round(time.monotonic() - began, 2),
                    message=message,
                    exit_code=code,
                )
            )
        raise


def _point_to_evidence(fault: BaseException, place: Path | None) -> None:
    if isinstance(fault, AnalysisError) and place is not None:
        fault.evidence = str(place)
