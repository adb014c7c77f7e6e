"""Questions about other processes."""

import os
import time
from typing import NoReturn

import psutil

from analysis.pipeline.faults import QUERY_INTERRUPTED

DEADLINE_SECONDS = 20
"""Far more than a process needs to end on a busy machine."""


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(pid: int) -> bool:
    """Whether a process ends before the deadline."""
    until = time.monotonic() + DEADLINE_SECONDS
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(pid)


def mentioning(text: str) -> list[psutil.Process]:
    """Living processes whose command line or environment names something."""
    return [process for process in psutil.process_iter() if _mentions(process, text)]


def _mentions(process: psutil.Process, text: str) -> bool:
    try:
        told = [*process.cmdline(), *process.environ().values()]
        return process.status() != psutil.STATUS_ZOMBIE and any(text in part for part in told)
    except psutil.Error:
        return False


def doze(arguments: list[str]) -> int:
    """Say who sleeps, and sleep for some seconds."""
    print(os.getpid(), flush=True)
    time.sleep(float(arguments[0]))
    return 0


def interrupted_query(*_: object) -> NoReturn:
    """What becomes of a query that a Ctrl-C stops; `test_pipeline_faults` holds DuckDB to it."""
    raise RuntimeError(QUERY_INTERRUPTED)
