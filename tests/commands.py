"""Run ``tierlab`` in a process of its own, as people do."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from analysis.pipeline.delegation import WARM_VARIABLE
from small_repository import PROFILE

MONTH = "2026-10"
LONGEST_SECONDS = 300
"""A hanging command must fail its test, not the whole suite."""


def run_command(*options: str, month: str = MONTH, profile: str = PROFILE) -> list[str]:
    """``tierlab run`` on a small repository, unless another profile is named."""
    months = ["--month", month] if month else []
    return [sys.executable, "-m", "analysis", "run", "--profile", profile, *months, *options]


def clean_environment(home: Path | None = None) -> dict[str, str]:
    """The environment without what would let an installed Jupyter help."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    return kept if home is None else kept | {"HOME": str(home)}


def alone(home: Path | None = None) -> dict[str, str]:
    """The environment of a run that loads everything by itself, in processes of its own."""
    return {k: v for k, v in clean_environment(home).items() if k != WARM_VARIABLE}


def tierlab_run(
    root: Path,
    *options: str,
    environment: dict[str, str] | None = None,
    month: str = MONTH,
    profile: str = PROFILE,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; ``before`` is called in its process before it starts.

    What that one limits holds for all processes of the run, which it then starts by itself.
    """
    return subprocess.run(
        run_command(*options, month=month, profile=profile),
        cwd=root,
        env=environment or (alone() if before else clean_environment()),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        preexec_fn=before,
    )
