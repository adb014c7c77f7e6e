"""The pipeline: notebooks executed by stage, results published as a whole.

``run`` is the friendly front: it decides with Snakemake which stages to run for which months,
shows progress and says in one sentence what went wrong. ``run_stage`` does one stage of one
month and is what the Snakefile's rules call. Notebooks know nothing of either.
"""

from .front import Outcome, run
from .job import Job, jobs_of
from .running import run_stage

__all__ = ["Job", "Outcome", "jobs_of", "run", "run_stage"]
