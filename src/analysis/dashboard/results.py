"""What the dashboard shows: the stored results of a profile, read once a month into memory.

Nothing is estimated here. Tables with one row a customer are counted by the engine, so that
what reaches the page is small however many customers there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..files import read_json
from ..params import load_experiments, load_profile
from ..report.experiment_view import ExperimentView, experiment_views
from ..report.inputs import Inputs
from ..workspace import Workspace, open_month
from .published import fingerprint, months_in, reports_of, state_of

HISTORY_MONTHS = 13
"""Months of tier sizes shown: a year and the same month of the year before."""
MOST_MONTHS_HELD = 24
"""Months kept in memory once looked at; each takes a few megabytes."""
UNKNOWN = ""
"""Stands for a region or industry that is not recorded."""


@dataclass(frozen=True)
class MonthResults:
    """The results of one month; a table is None where the profile has no source for it.

    Attributes:
        month: The as-of month.
        summary: The published ``summary.json``.
        state: How it stands since: ``stale``, ``failed``, or empty.
        experiments: The month's experiments as the report sees them, the running ones first.
        sizes: One row a month and tier: month, tier, customers_n.
        flows: One row a pair of tiers: from_tier (empty: new), to_tier, customers_n.
        held_back: One row a rule that held moves back: held_back_by, customers_n.
        groups: One row a tier, region and industry: customers_n, revenue (currency, window).
        calls: One row a customer to call.
    """

    month: str
    summary: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    experiments: tuple[ExperimentView, ...] = ()
    sizes: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    held_back: pd.DataFrame | None = None
    groups: pd.DataFrame | None = None
    calls: pd.DataFrame | None = None


class Results:
    """All published months of a profile.

    Attributes:
        profile: The profile, read.
        months: The published months, the latest first.
        month: Reads one month (once) and gives its results.
    """

    def __init__(self, profile: str | Path, out: str | Path = "") -> None:
        self._path, self._out = Path(profile), out
        self._reports = reports_of(profile, out)
        self._read_at = fingerprint(self._reports)
        self.profile = load_profile(profile)
        self.months = months_in(self._reports)
        self.month = lru_cache(MOST_MONTHS_HELD)(self._read)

    @property
    def is_outdated(self) -> bool:
        """Whether something was published since these results were read."""
        return fingerprint(self._reports) != self._read_at

    def _read(self, month: str) -> MonthResults:
        workspace = open_month(self._path, month, out=self._out, cores=1)
        try:
            return read_month(workspace)
        finally:
            workspace.engine.close()


def read_month(workspace: Workspace) -> MonthResults:
    """Read what the dashboard shows of a month."""
    return MonthResults(
        month=str(workspace.as_of),
        summary=read_json(workspace.reports / "summary.json") or {},
        state=state_of(workspace.reports.parent, str(workspace.as_of)),
        experiments=tuple(experiment_views(_of_experiments(workspace))),
        sizes=_frame(_sizes(workspace)),
        flows=_frame(_flows(workspace)),
        held_back=_frame(_held_back(workspace)),
        groups=_frame(_groups(workspace)),
        calls=_frame(workspace.read("calls")),
    )


def _of_experiments(workspace: Workspace) -> Inputs:
    """What the report knows of experiments, without its other tables."""
    tables = {name: workspace.read(name) for name in ("estimates", "checks", "curves")}
    return Inputs(
        profile=workspace.profile,
        month=workspace.as_of,
        frames={name: table.execute() for name, table in tables.items() if table is not None},
        experiments=tuple((workspace.document("evaluations") or {}).get("experiments", ())),
        plans={plan.id: plan for plan in load_experiments(workspace.experiments)},
    )


def _sizes(workspace: Workspace) -> ir.Table | None:
    tiers = workspace.read("tiers")
    if tiers is None:
        return None
    first = str(workspace.as_of.shifted(1 - HISTORY_MONTHS))
    kept = tiers.filter(tiers.month.between(first, str(workspace.as_of)))
    return kept.group_by("month", "tier").agg(customers_n=kept.count())


def _flows(workspace: Workspace) -> ir.Table | None:
    tiers = _tiers_now(workspace)
    if tiers is None:
        return None
    known = tiers.mutate(from_tier=tiers.previous_tier.fill_null(UNKNOWN), to_tier=tiers.tier)
    return known.group_by("from_tier", "to_tier").agg(customers_n=known.count())


def _held_back(workspace: Workspace) -> ir.Table | None:
    moves = workspace.read("moves")
    if moves is None:
        return None
    held = moves.filter(moves.held_back_by.notnull(), moves.held_back_by != "")
    return held.group_by("held_back_by").agg(customers_n=held.count())


def _groups(workspace: Workspace) -> ir.Table | None:
    tiers, customers = _tiers_now(workspace), workspace.read("customers")
    if tiers is None:
        return None
    wide = tiers.select("customer_id", "tier")
    wide = _with(wide, customers, {"region": "region", "industry": "industry"}, "string")
    scores = workspace.read("scores")
    if scores is not None:
        scores = scores.filter(scores.month == str(workspace.as_of))
    wide = _with(wide, scores, {"revenue": "monetary"}, "float64")
    named = wide.mutate(
        region=wide.region.fill_null(UNKNOWN), industry=wide.industry.fill_null(UNKNOWN)
    )
    return named.group_by("tier", "region", "industry").agg(
        customers_n=named.count(), revenue=named.revenue.sum()
    )


def _with(
    table: ir.Table, other: ir.Table | None, columns: Mapping[str, str], kind: str
) -> ir.Table:
    """Columns of another table of customers, null where it does not exist."""
    if other is None or not set(columns.values()) <= set(other.columns):
        return table.mutate(**{name: ibis.null(kind) for name in columns})
    wanted = other.select(
        "customer_id", **{name: other[column].cast(kind) for name, column in columns.items()}
    )
    return table.left_join(wanted, "customer_id").drop("customer_id_right")


def _tiers_now(workspace: Workspace) -> ir.Table | None:
    tiers = workspace.read("tiers")
    return None if tiers is None else tiers.filter(tiers.month == str(workspace.as_of))


def _frame(table: ir.Table | None) -> pd.DataFrame | None:
    return None if table is None else table.execute()
