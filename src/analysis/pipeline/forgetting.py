"""Forget a customer: out of every processed month at once, and never in again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..engine import open_engine
from ..experiment.freezing import rosters_without
from ..files import disk_faults_told, remove_folder, write_atomically, write_json
from ..months import Month
from ..params import Forgotten, load_forgotten
from . import publication
from .erasing import Removed, erased
from .exchange import beside, put_in_place, sweep_beside
from .holdings import RawRows, params_with, raw_rows_of, reports_with
from .inputs import cache_of
from .job import Job, jobs_of
from .locks import LOCKS, all_months_held
from .supervision import sweep_runs
from .traces import Traces, traces_of

ANY_MONTH = Month(2000, 1)
"""A profile's folders are the same in every month."""


@dataclass(frozen=True)
class Forgetting:
    """What forgetting a customer did, or would do.

    Attributes:
        traces: What belonged to the customer.
        removed: Month → what went.
        raw: The customer's rows in the raw files, which stay.
        published: Pages of published versions that name the customer and stay as they are.
        drafts: Pages that name the customer until their month is run again.
        params: Files beside the profile that name the customer; whoever wrote them mends them.
        list_path: The list that keeps the customer out.
        done: Whether anything was changed.
    """

    traces: Traces
    removed: Mapping[str, Removed]
    raw: RawRows
    published: tuple[Path, ...]
    drafts: tuple[Path, ...]
    params: tuple[Path, ...]
    list_path: Path
    done: bool


def forget_customer(
    profile: str | Path,
    customer: str,
    today: dt.date,
    *,
    raw: str | Path = "",
    out: str | Path = "",
    dry_run: bool = False,
) -> Forgetting:
    """Remove a customer from what was processed of all months, and keep it out.

    First a folder without the customer is made beside. Then the list of forgotten customers is
    written, and the folder takes the place of the old one in one step: all months at once. A
    kill before leaves everything as it was; between the two, runs leave the customer out
    already, and the same command does the rest.

    Args:
        profile: The profile's YAML file.
        customer: A canonical id, or a source record such as ``crm:C0000123``.
        today: Noted in the list.
        raw: Raw files elsewhere than the profile says.
        out: Folder with ``data/processed`` and ``reports``; the repository by default.
        dry_run: Only say what would go.

    Raises:
        AnalysisError: Nothing was processed, no month knows the customer, a raw file cannot be
            read, or a run works on the profile. Nothing was changed.
    """
    (job,) = jobs_of(profile, [ANY_MONTH], raw=raw, out=out)
    path = job.profile_path.parent / "forgotten" / f"{job.profile.profile}.yaml"
    if not job.home.is_dir():
        return _forgotten(job, customer, path, None)
    with all_months_held(job.home / LOCKS, job.profile.profile), disk_faults_told(job.home):
        sweep_beside(job.home)
        sweep_runs(job.home)
        return _forgotten(job, customer, path, None if dry_run else today)


def _forgotten(job: Job, customer: str, path: Path, today: dt.date | None) -> Forgetting:
    engine = open_engine()
    try:
        traces = traces_of(engine, job.home, customer)
        already = load_forgotten(path)
        raw = raw_rows_of(job, traces, cache_of(job))
        published, drafts = reports_with(job.shelf, traces)
        named = params_with(job, traces)
        plans = job.profile_path.parent / "experiments" / job.profile.profile
        rosters = rosters_without(plans, traces.every_id)
        if today is None:
            removed = erased(engine, job.home, traces, raw, None)
        else:
            with beside(job.home) as new:
                removed = erased(engine, job.home, traces, raw, new)
                kept = (already or Forgotten.begun()).with_records(traces.records, today)
                write_atomically(path, kept.as_yaml())
                for frozen, content in rosters.items():
                    write_json(frozen, content)
                old = put_in_place(new, job.home)
                remove_folder(old or new)
            _say_stale(job, removed)
    finally:
        engine.close()
    return Forgetting(
        traces, removed, raw, tuple(published), tuple(drafts), tuple(named), path, today is not None
    )


def _say_stale(job: Job, removed: Mapping[str, Removed]) -> None:
    """Months on the shelf are not what would be made of them now."""
    months = [Month.parse(name) for name in removed]
    for each in jobs_of(job.profile_path, months, raw=job.raw, out=job.root):
        publication.mark(each, "stale", "cleaning: a customer was forgotten")
    if job.shelf.exists():
        publication.rebuild_index(job.shelf)
