"""What one month's report is made from, read once and small."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from ..calendar import Calendar, load_calendar
from ..cleaning import drift_of, monitored
from ..months import Month
from ..params import (
    Action,
    Correction,
    Profile,
    load_actions,
    load_corrections,
    load_experiments,
    raw_folder,
    repository_of,
)
from ..params.experiment import ExperimentSpec
from ..workspace import Workspace
from .monthly_figures import monthly_figures

SMALL_TABLES = (
    "moves",
    "calls",
    "tier_services",
    "estimates",
    "checks",
    "curves",
    "ledger",
    "quality",
    "violations",
    "reconciliation",
    "corrections",
    "files",
    "claims",
)
"""Stage outputs that are read whole."""


PUBLICATION = "publication"
"""The step that only copies; what it depends on moves no figure, and no manifest lists it."""


@dataclass(frozen=True)
class Inputs:
    """One month of one profile, as the report needs it.

    Attributes:
        profile, month: What the report is about.
        figures: One row a month, as `monthly_figures` says; None without a panel.
        tier_counts: Customers by previous and present tier in the as-of month: previous_tier,
            tier, customers_n; None without tiers.
        frames: The small tables that exist, by name.
        names: Customer id → name; empty unless the profile shows names.
        experiments: The entries of ``evaluations.json``.
        waiting: Planned experiments that are not evaluated yet: id and why.
        plans: The plans they follow, by id.
        actions: The measures that were decided.
        corrections: The declared corrections of sources, by id.
        year_ago: The month of last year to compare with, aligned by festival; None: the same month.
        open_days: Days on which the company was open in the month, in the one before, and in the
            one of last year; empty where it was shut in none of them, or has no calendar.
        sources: The canonical tables that the profile yields.
        parts, previous_parts: Digest of each input (params, code, raw files) of this month's run
            and of last month's, by name; empty where the pipeline did not make the tables.
        previous_summary: ``summary.json`` of last month's report.
        command: Recreates this month.
    """

    profile: Profile
    month: Month
    figures: pd.DataFrame | None = None
    tier_counts: pd.DataFrame | None = None
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    experiments: tuple[Mapping[str, Any], ...] = ()
    waiting: tuple[Mapping[str, Any], ...] = ()
    plans: Mapping[str, ExperimentSpec] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    year_ago: Month | None = None
    open_days: tuple[int, ...] = ()
    sources: frozenset[str] = frozenset()
    parts: Mapping[str, str] = field(default_factory=dict)
    previous_parts: Mapping[str, str] = field(default_factory=dict)
    previous_summary: Mapping[str, Any] | None = None
    command: str = ""

    @property
    def last_year(self) -> Month:
        """The month of last year that figures are compared with."""
        return self.year_ago or self.month.shifted(-12)

    def frame(self, name: str) -> pd.DataFrame | None:
        """A small table, or None where it is missing or empty."""
        frame = self.frames.get(name)
        return None if frame is None or frame.empty else frame


def gather(workspace: Workspace) -> Inputs:
    """Read everything the report needs.

    Args:
        workspace: The month; each table is optional.

    Returns:
        Inputs whose missing parts are None or empty.
    """
    before = workspace.as_of.shifted(-1)
    last_month, calendar = str(before), load_calendar(workspace.calendar)
    year_ago = calendar.aligned(workspace.as_of)
    evaluations = workspace.document("evaluations") or {}
    return Inputs(
        profile=workspace.profile,
        month=workspace.as_of,
        figures=_figures(workspace),
        tier_counts=_tier_counts(workspace),
        frames=_small_frames(workspace),
        names=_names(workspace),
        experiments=tuple(evaluations.get("experiments", ())),
        waiting=tuple(evaluations.get("waiting") or ()),
        plans={plan.id: plan for plan in load_experiments(workspace.experiments)},
        actions=load_actions(workspace.actions),
        corrections={one.id: one for one in load_corrections(workspace.corrections)},
        year_ago=year_ago,
        open_days=open_days(calendar, (workspace.as_of, before, year_ago)),
        sources=frozenset(workspace.profile.tables),
        parts=digests_of_inputs(workspace.processed),
        previous_parts=published_digests(workspace.reports.parent / last_month),
        previous_summary=_document(workspace.reports.parent / last_month, "summary"),
        command=_command(workspace),
    )


def open_days(calendar: Calendar, months: Sequence[Month]) -> tuple[int, ...]:
    """Open days of each month; nothing where the company was never shut."""
    opened = calendar.open_days_of(months)
    whole = [(month.end - month.start).days for month in months]
    return () if opened == whole else tuple(opened)


def digests_of_inputs(processed: Path) -> dict[str, str]:
    """Digests of what a month was made from, as the pipeline noted them before each stage.

    Returns:
        Such as ``{"params.tiers": …, "raw/orders.csv": …, "code": …}``; a stage's notebook as
        ``notebook.<stage>``.
    """
    paths = sorted((processed / ".inputs").glob("*.digest"))
    paths = [path for path in paths if path.stem != PUBLICATION]
    return _by_stage({p.stem: json.loads(p.read_text(encoding="utf-8")) for p in paths})


def published_digests(reports: Path) -> dict[str, str]:
    """The same of a published month, as its manifest tells them."""
    manifest = _document(reports, "manifest") or {}
    return _by_stage(manifest.get("inputs", {}))


def _by_stage(inputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for stage, noted in inputs.items():
        parts |= {f"notebook.{stage}" if k == "notebook" else k: str(v) for k, v in noted.items()}
    return parts


def _figures(workspace: Workspace) -> pd.DataFrame | None:
    panel = workspace.read("customer_months")
    return None if panel is None else monthly_figures(panel, workspace.read("surveys"))


def _tier_counts(workspace: Workspace) -> pd.DataFrame | None:
    tiers = workspace.read("tiers")
    if tiers is None:
        return None
    return _counted(tiers.filter(tiers.month == str(workspace.as_of)))


def _counted(tiers: ir.Table) -> pd.DataFrame:
    counted = tiers.group_by("previous_tier", "tier").aggregate(customers_n=tiers.count())
    return counted.order_by("previous_tier", "tier").execute()


def _small_frames(workspace: Workspace) -> dict[str, pd.DataFrame]:
    tables = {name: workspace.read(name) for name in SMALL_TABLES}
    frames = {name: table.execute() for name, table in tables.items() if table is not None}
    drift = drift_of(workspace.history("monthly_profile"), workspace.as_of)
    if not drift.empty and "quality" in frames and "ledger" in frames:
        tables_of = frames["ledger"].groupby("source")["table"].agg(list).to_dict()
        frames["quality"] = monitored(frames["quality"], drift, tables_of, workspace.profile)
    return {**frames, "drift": drift}


def _names(workspace: Workspace) -> dict[str, str]:
    """Names of the customers to call, where the profile lets readers see names."""
    names, calls = workspace.read("customer_names"), workspace.read("calls")
    if not workspace.profile.privacy.show_names or names is None or calls is None:
        return {}
    wanted = names.semi_join(calls, "customer_id").select("customer_id", "name").execute()
    return dict(wanted.dropna().itertuples(index=False, name=None))


def _document(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _command(workspace: Workspace) -> str:
    """What recreates the month from the repository; folders only where they were chosen."""
    path, profile = workspace.profile_path, workspace.profile
    out = workspace.reports.parents[2]
    options = {
        "--profile": f"params/{path.name}",
        "--month": str(workspace.as_of),
        "--raw": _chosen(workspace.raw, raw_folder(path, profile)),
        "--out": _chosen(out, repository_of(path)),
    }
    given = [f"{name} {shlex.quote(value)}" for name, value in options.items() if value]
    return " ".join(["tierlab run", *given])


def _chosen(folder: Path, usual: Path) -> str:
    """A folder that is not the usual one; empty where it is."""
    return "" if folder.resolve() == usual.resolve() else str(folder)
