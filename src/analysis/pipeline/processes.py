"""Start and stop the processes of a run."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_SECONDS = 5
"""How long a process may take to end when asked to, before it is killed."""


def start(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that reads nothing and says everything into a file."""
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=dict(environment),
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that may still run: ask first, then kill."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()
