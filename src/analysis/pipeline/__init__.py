"""The pipeline: notebooks executed by stage, results published as a whole.

``run`` is the friendly front: it decides with Snakemake which stages to run for which months,
shows progress and says in one sentence what went wrong. ``run_stage`` does one stage of one
month and is what the Snakefile's rules call. Notebooks know nothing of either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import late

if TYPE_CHECKING:
    from .answering import compare, publish_month, withdraw_month
    from .front import Outcome, run
    from .job import Job, jobs_of
    from .running import run_stage
    from .supervision import warmed_up

__all__ = [
    "Job",
    "Outcome",
    "compare",
    "jobs_of",
    "publish_month",
    "run",
    "run_stage",
    "warmed_up",
    "withdraw_month",
]

_HOMES = {
    "Job": "job",
    "Outcome": "front",
    "compare": "answering",
    "publish_month": "answering",
    "withdraw_month": "answering",
    "jobs_of": "job",
    "run": "front",
    "run_stage": "running",
    "warmed_up": "supervision",
}


__getattr__ = late(__name__, _HOMES)
"""A kernel's process needs none of them."""
