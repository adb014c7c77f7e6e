"""What the Snakefile asks: paths with wildcards, and the command of a step."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ParamsError
from ..months import Month
from .inputs import cache_of, prepare
from .job import Job, jobs_of
from .stages import CLEANING, EVALUATION, SEGMENTATION

KEYS = ("profile", "months", "raw", "out", "notebooks", "prepared")

LEADS = {CLEANING: 2, SEGMENTATION: 1, EVALUATION: 0}
"""How many months a stage runs ahead of the first report that is missing."""


@dataclass(frozen=True)
class Plan:
    """The months that one call of Snakemake works on.

    Attributes:
        jobs: The months.
        cores: How many there are.
    """

    jobs: tuple[Job, ...]
    cores: int

    @classmethod
    def of(cls, config: Mapping[str, object]) -> Plan:
        """Read Snakemake's ``--config``; refresh digest files unless `tierlab run` has.

        Raises:
            ParamsError: A key is unknown or missing, the profile or a month is wrong.
        """
        unknown = [key for key in config if key not in KEYS]
        missing = [key for key in ("profile", "months") if key not in config]
        if unknown or missing:
            raise ParamsError(
                "Snakemake's --config is not what the Snakefile needs",
                got=", ".join([f"unknown {k}" for k in unknown] + [f"no {k}" for k in missing]),
                allowed=KEYS,
            )
        months = [Month.parse(text) for text in str(config["months"]).split(",")]
        folders = {key: str(config.get(key, "")) for key in ("raw", "out", "notebooks")}
        jobs = jobs_of(str(config["profile"]), months, **folders)
        if not config.get("prepared"):
            cache = cache_of(jobs[0])
            for job in jobs:
                prepare(job, cache)
        return cls(jobs, os.cpu_count() or 1)

    def threads(self, stage: str) -> Callable[[Any], int]:
        """Threads of a stage, by month: with one month all cores, with several one each.

        The first month to be cleaned gets all of them, so that it alone reads the raw files: the
        others take from it what does not depend on the month.
        """
        uncleaned = [job for job in self.jobs if not job.marker(job.steps[0]).exists()]
        reads_for_all = {str(job.month) for job in uncleaned[:1]} if stage == CLEANING else set()

        def of(wildcards: Any) -> int:
            takes_all = len(self.jobs) == 1 or wildcards.month in reads_for_all
            return self.cores if takes_all else 1

        return of

    def priority(self, stage: str) -> Callable[[Any], int]:
        """How urgent a stage is, by month; the highest of those that could run goes first.

        Reports wait for each other, month after month, so they go first; before them, stages of
        the next months fill the cores, those before more months ahead than those after, so that
        little is left to be done one after the other at the end.
        """
        months = [str(job.month) for job in self.jobs]
        lead = LEADS.get(stage, len(months) + max(LEADS.values()))

        def of(wildcards: Any) -> int:
            return len(months) + lead - months.index(wildcards.month)

        return of

    @property
    def targets(self) -> list[str]:
        """The markers that mean that all is published."""
        return [str(job.marker(job.steps[-1])) for job in self.jobs]

    def digest(self, step: str) -> str:
        """The digest file of a step, for any month."""
        return f"{self.jobs[0].home}/{{month}}/.inputs/{step}.digest"

    def marker(self, step: str) -> str:
        """The marker of a step, for any month."""
        return f"{self.jobs[0].home}/{{month}}/.stages/{step}.json"

    def marker_of_each_language(self, stage: str) -> list[str]:
        """The markers of a stage that is executed once a language."""
        languages = self.jobs[0].profile.languages
        return [self.marker(f"{stage}-{language}") for language in languages]

    def month_before(self, wildcards: Any) -> list[str]:
        """What a report waits for: last month's publication, if it is made by this call."""
        before = str(Month.parse(wildcards.month).shifted(-1))
        markers = [job.marker(job.steps[-1]) for job in self.jobs if str(job.month) == before]
        return [str(marker) for marker in markers]

    def command(self, step: str) -> str:
        """The command that runs a step, for any month."""
        job = self.jobs[0]
        options = {
            "--profile": job.profile_path,
            "--raw": job.raw,
            "--out": job.root,
            "--notebooks": job.notebooks,
        }
        told = " ".join(f"{name} {_quoted(value)}" for name, value in options.items())
        start = f"{_quoted(sys.executable)} -m analysis stage {step}"
        return f"{start} --month {{wildcards.month}} --cores {{threads}} {told}"


def _quoted(value: object) -> str:
    """Quoted for the shell; braces doubled for Snakemake."""
    return shlex.quote(str(value)).replace("{", "{{").replace("}", "}}")
