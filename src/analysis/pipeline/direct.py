"""One month from raw files to the verdicts in one go: no notebook, no file, no process.

The same verbs as the notebooks call, in the same order. It serves the tests that evaluate many
simulated companies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ibis.expr.types as ir

from ..calendar import load_calendar
from ..cleaning import Cleaned, clean, customer_records
from ..experiment import FACTS, MonthlyEvaluation, evaluate_month, follow, load_frozen_plans
from ..identity import resolve
from ..panel import customer_months
from ..params import load_experiments, load_overrides, load_rulings
from ..sources import ingest
from ..tiers import assign
from ..value import score
from ..workspace import Workspace, open_month


def evaluate_company(
    profile: str | Path, month: str, *, raw: str | Path = "", cores: int | None = None
) -> MonthlyEvaluation:
    """Evaluate a profile's experiments as of a month, straight from its raw files.

    Args:
        profile: The profile's YAML file; its experiments lie beside it.
        month: Such as ``2026-10``.
        raw: Raw files elsewhere than the profile says.
        cores: Threads of the engine; all by default.

    Returns:
        What notebook 03 makes of the same files when no earlier month was evaluated: earlier
        looks are measured again, and only the draw has frozen plans.

    Raises:
        AnalysisError: Params or raw files are wrong.
    """
    workspace = open_month(profile, month, raw=raw, cores=cores)
    cleaned = _cleaned(workspace)
    tables = {name: cleaned.outputs.get(name) for name in FACTS}
    tables["receivables"] = cleaned.outputs.get("receivables")
    tables["tiers"] = _tiers(workspace, tables)
    plans = load_experiments(workspace.experiments)
    return evaluate_month(
        follow(plans, tables, as_of=workspace.as_of, calendar=load_calendar(workspace.calendar)),
        as_of=workspace.as_of,
        frozen=load_frozen_plans(workspace.experiments),
        links=cleaned.outputs.get("customer_links"),
        quality=cleaned.quality,
        currency=workspace.profile.money.currency,
    )


def _cleaned(workspace: Workspace) -> Cleaned:
    ingested = ingest(workspace)
    records = customer_records(ingested, workspace.profile)
    rulings = load_rulings(workspace.rulings)
    links = resolve(records, rulings, cores=workspace.engine.cores)
    return clean(ingested, links, workspace.profile, workspace.as_of)


def _tiers(workspace: Workspace, tables: Mapping[str, ir.Table | None]) -> ir.Table:
    """The tiers of every month up to this one."""
    customers, shipments = tables["customers"], tables["shipments"]
    assert customers is not None and shipments is not None  # noqa: PT018 (every profile has them)
    panel = workspace.engine.materialise(
        customer_months(
            customers,
            shipments,
            tables.get("tickets"),
            tables.get("surveys"),
            tables.get("service_costs"),
            workspace.as_of,
            receivables=tables.get("receivables"),
            sensitive=workspace.profile.value.sensitive,
        ),
        by_part=True,
    )
    scores = score(panel, workspace.profile.value, workspace.as_of)
    systems = workspace.profile.systems
    overrides = load_overrides(workspace.overrides, workspace.forgotten, systems)
    policy = workspace.profile.tiers
    tiers: ir.Table = assign(
        workspace.engine.materialise(scores), policy, workspace.as_of, overrides
    ).tiers
    return tiers
