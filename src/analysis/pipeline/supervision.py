"""Watch over Snakemake and its stages: show what they tell, and notice when one is killed."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from ..errors import AnalysisError, RunError
from ..files import disk_faults_told, remove_folder
from .delegation import WARM_VARIABLE
from .events import Event, told
from .job import Job
from .locks import hold_folder, is_abandoned, let_go
from .progress import Progress
from .scheduling import snakemake, warm

RUN_FOLDER = ".run-"
LOOK_SECONDS = 0.1


def make(jobs: Sequence[Job], cores: int, console: Console) -> list[Event]:
    """Let Snakemake run what must run, and show it.

    Args:
        jobs: The months, their digest files and markers already prepared.
        cores: How many may be used.
        console: Where progress is shown.

    Returns:
        What failed; empty when all went well.
    """
    progress, seen = Progress(console, len(jobs)), set[str]()
    events: list[Event] = []
    with work_folder(jobs[0].home) as folder:
        with progress.shown(), snakemake(jobs, folder, cores) as process:
            ended = False
            while not ended:
                ended = process.poll() is not None
                new = list(told(folder, seen))
                progress.tell(new)
                events += new
                time.sleep(0 if ended else LOOK_SECONDS)
        failures = [event for event in events if event.kind == "failed"]
        if process.returncode and not failures:
            failures = _ended_from_outside(jobs, events, folder)
    return failures


def sweep_runs(home: Path) -> None:
    """Remove the folders of runs that were killed."""
    for folder in home.glob(f"{RUN_FOLDER}*"):
        if is_abandoned(folder):
            remove_folder(folder)
            let_go(folder)


def failed(month: str, step: str, fault: AnalysisError) -> Event:
    """A failure in words and exit code."""
    return Event("failed", month, step, message=str(fault), exit_code=fault.exit_code)


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
    return [failed(month, step, fault) for month, step in cut_short]


@contextlib.contextmanager
def warmed_up(home: Path) -> Iterator[None]:
    """Load what stages need while the block prepares a run; a run inside the block uses it.

    Args:
        home: The profile's folder of tables.
    """
    with work_folder(home) as folder, warm(folder, early=True) as told:
        os.environ.update(told)
        try:
            yield
        finally:
            os.environ.pop(WARM_VARIABLE, None)


@contextlib.contextmanager
def work_folder(home: Path) -> Iterator[Path]:
    """A folder for events, logs and Snakemake; it goes with the run."""
    folder = home / f"{RUN_FOLDER}{uuid.uuid4().hex}"
    with disk_faults_told(folder), hold_folder(folder):
        try:
            (folder / "events").mkdir(parents=True)
            yield folder
        finally:
            remove_folder(folder)
            let_go(folder)
