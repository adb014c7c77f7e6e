"""Snakemake, called so that nothing of it stays behind or stands in the way.

It works in the run's own folder: its lock files, logs and metadata go with the run, and a
killed one never blocks the next. What must run is decided by the digest files and markers
alone (``--rerun-triggers mtime``).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .delegation import WARM_VARIABLE
from .job import CHECKOUT, Job
from .kernels import ONE_THREAD, caches
from .locks import RUN_VARIABLE, SHARED
from .processes import start, stop
from .warm import SOCKET, start_warm

SNAKEFILE = CHECKOUT / "Snakefile"
_START = (
    "import sys; from analysis.pipeline.locks import die_with_parent; die_with_parent(); "
    "from analysis.pipeline.delegation import delegated; "
    "code = delegated('analysis.pipeline.scheduling:schedule', sys.argv[1:]); "
    "from analysis.pipeline.scheduling import schedule; "
    "sys.exit(schedule(sys.argv[1:]) if code is None else code)"
)


def schedule(arguments: Sequence[str]) -> int:
    """Be Snakemake, in a process of its own."""
    from snakemake.cli import main

    main(list(arguments))
    return 0


@contextlib.contextmanager
def snakemake(jobs: Sequence[Job], folder: Path, cores: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run Snakemake on some months of one profile, with a warm process for its stages.

    Both are ended with the context.

    Args:
        jobs: The months, their digest files and markers already prepared.
        folder: The run's folder.
        cores: How many stages may run at once; one month gets all of them for each stage.
    """
    first = jobs[0]
    config = {
        "profile": first.profile_path,
        "months": ",".join(str(job.month) for job in jobs),
        "raw": first.raw,
        "out": first.root,
        "notebooks": first.notebooks,
        "prepared": "yes",
    }
    command = [sys.executable, "-c", _START, "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(folder), "--cores", str(cores), "--nolock", "--keep-going"]
    command += ["--rerun-triggers", "mtime", "--drop-metadata", "--rerun-incomplete"]
    command += ["--scheduler", "greedy"]  # a handful of jobs needs no linear program
    command += ["--quiet", "all", "--config", *(f"{k}={v}" for k, v in config.items())]
    environment = _environment(folder)
    if len(jobs) > 1:
        (folder / SHARED).mkdir(mode=0o700)
    with contextlib.ExitStack() as ended:
        if WARM_VARIABLE not in environment:  # else one was warmed up before
            environment |= ended.enter_context(warm(folder))
        process = start(command, folder / "snakemake.log", environment)
        ended.callback(stop, process)
        yield process


@contextlib.contextmanager
def warm(folder: Path, *, early: bool = False) -> Iterator[dict[str, str]]:
    """A warm process that lives as long as the block.

    Args:
        folder: Of the run.
        early: The run begins later: it loads everything meanwhile.

    Yields:
        What the environment of those who may use it must say; empty where there is none.
    """
    process = start_warm(folder, _environment(folder), early=early)
    try:
        yield {} if process is None else {WARM_VARIABLE: str(folder / SOCKET)}
    finally:
        if process is not None:
            stop(process)


def _environment(folder: Path) -> dict[str, str]:
    """Scratch files go to the run's folder, and with it.

    The system's folder for them may be smaller than the data, and nobody would sweep it.
    """
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    own = {RUN_VARIABLE: str(folder), "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    return os.environ | own | ONE_THREAD | caches(folder)
