"""Publish, withdraw and compare months: what a person does with results that a run made."""

from __future__ import annotations

import contextlib
import datetime as dt
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ParamsError, RunError
from ..files import disk_faults_told, read_json, write_atomically
from ..months import Month
from .inputs import cache_of, reasons_of
from .job import Job, jobs_of
from .locks import LOCKS, month_held
from .publication import is_intact, rebuild_index
from .releases import RELEASES, Release, add_release, releases_of, sweep_releases, withdraw_release
from .running import RAW_FOLDER, run_stage
from .stages import PUBLICATION

if TYPE_CHECKING:
    from ..report.difference import Difference

DIFFERENCES = "differences"
LONGEST_NAME = 80
LONGEST_REASON = 300


def publish_month(job: Job, by: str) -> Release:
    """Make a month's draft a published version.

    Args:
        job: The month; it must be up to date.
        by: Who answers for it.

    Raises:
        ParamsError: No name was given.
        RunError: The month is not up to date, was published as it is, or another run holds it.
    """
    who = _said("--by", by, LONGEST_NAME)
    with _held(job):
        sweep_releases(job)
        _refuse_what_is_not_current(job)
        _refuse_altered(job)
        release = add_release(job, who, _now())
    try:
        run_stage(job, PUBLICATION)
    except RunError as fault:
        raise RunError(
            f"Version {release.version} is published, but the month's pages do not say so yet",
            where=job.name,
            got=fault.what,
            todo="Run the month again: its pages follow.",
        ) from fault
    return release


def withdraw_month(job: Job, version: int, by: str, reason: str) -> Release:
    """Say that a published version must not be used; its files stay as they are.

    Args:
        job: The month.
        version: Which version; 0: the latest that is not withdrawn.
        by, reason: Who says so, and why.

    Raises:
        ParamsError: No name or reason was given.
        RunError: There is no such version.
    """
    who, why = _said("--by", by, LONGEST_NAME), _said("--reason", reason, LONGEST_REASON)
    with _held(job):
        release = withdraw_release(job, version, who, why, _now())
        behind = set(reasons_of(job, cache_of(job))) - {PUBLICATION}
    if behind:  # the pages wait for the next run; the index says it at once
        rebuild_index(job.shelf)
    else:
        run_stage(job, PUBLICATION)
    return release


def compare(
    profile: str | Path, months: Sequence[str], *, out: str | Path = ""
) -> tuple[Difference, list[Path]]:
    """Compare two months of a profile, or versions of them, and write a page a language.

    Args:
        profile: The profile's YAML file.
        months: Two, such as ``2026-09`` and ``2026-10``; ``2026-10@1`` is a published version.
        out: Folder that holds ``reports``.

    Returns:
        What differs, and the pages.

    Raises:
        ParamsError: These are not two months.
        CoverageError: There are no results of one of them.
    """
    from ..language import Language
    from ..report.difference import difference, results_of
    from ..report.difference_page import difference_page

    if len(months) != 2:
        raise ParamsError(
            "Two months are compared",
            where="--month",
            got=f"{len(months)} of them",
            allowed="--month 2026-09 --month 2026-10",
        )
    named = [_named(text) for text in months]
    (job,) = jobs_of(profile, [named[1][0]], out=out)
    folders = [_folder(job, month, version) for month, version in named]
    found = difference(*(results_of(folder) for folder in folders))
    place, pages = "..".join(months), []
    for code in job.profile.languages:
        page = job.shelf / DIFFERENCES / f"{place}.{code}.html"
        write_atomically(page, difference_page(found, Language(code)))
        pages.append(page)
    return found, pages


def _named(text: str) -> tuple[Month, int]:
    month, _, version = text.partition("@")
    number = version.removeprefix("v")
    if version and not number.isdecimal():
        raise ParamsError(
            "This is no version", where="--month", got=text, allowed="such as 2026-10@1"
        )
    return Month.parse(month), int(number or 0)


def _folder(job: Job, month: Month, version: int) -> Path:
    if version:
        return job.shelf / RELEASES / str(month) / f"v{version}"
    return job.shelf / str(month)


def _said(option: str, text: str, longest: int) -> str:
    told = " ".join(text.split())
    unseen = [sign for sign in told if not sign.isprintable()]
    if unseen:
        raise ParamsError(
            "This holds a sign that nobody sees, which can turn or hide what readers read",
            where=option,
            got=f"U+{ord(unseen[0]):04X}",
            allowed="letters, digits, punctuation and spaces",
        )
    if not told or len(told) > longest:
        raise ParamsError(
            "Readers need to know who and why",
            where=option,
            got=told[:longest] or "nothing",
            allowed=f"1 to {longest} characters",
        )
    return told


def _refuse_what_is_not_current(job: Job) -> None:
    reasons = reasons_of(job, cache_of(job)) if is_intact(job) else {"run": "there is no report"}
    if reasons:
        _refuse_another_raw_folder(job, reasons)
        step, why = next(iter(reasons.items()))
        raise RunError(
            "Only a month that is up to date can be published",
            where=job.name,
            got=f"{step}: {why}",
            todo=f"Run it first: tierlab run --profile params/{job.profile_path.name} "
            f"--month {job.month}, and read it. Where that run named --raw or --out, name the "
            "same here.",
        )


def _refuse_another_raw_folder(job: Job, reasons: Mapping[str, str]) -> None:
    """Say that other raw files are looked at than the month was made from, where that is it."""
    marker = read_json(job.marker(job.steps[0])) or {}
    used = str(marker.get(RAW_FOLDER, ""))
    if job.steps[0].name not in reasons or not used or used == str(job.raw):
        return
    raise RunError(
        "The month was made from raw files in another folder than the one looked at",
        where=job.name,
        got=f"made from {used}, looked at {job.raw}",
        todo=f"Name the folder it was made from, --raw {shlex.quote(used)}, or run the month "
        "again from this one and read it.",
    )


def _refuse_altered(job: Job) -> None:
    for release in releases_of(job.shelf, str(job.month)):
        altered = release.altered_files()
        if altered and not release.withdrawal:
            raise RunError(
                "A published version was altered since",
                where=str(release.folder),
                got=", ".join(altered),
                todo="Put back what was published (from a backup), or withdraw this version.",
            )


@contextlib.contextmanager
def _held(job: Job) -> Iterator[None]:
    with disk_faults_told(job.home):
        (job.home / LOCKS).mkdir(parents=True, exist_ok=True)
    with month_held(job.home / LOCKS, str(job.month)):
        yield


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
