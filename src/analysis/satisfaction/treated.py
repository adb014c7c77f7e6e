"""Claims about tiered service, read off an experiment's groups as they were assigned."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..message import Message, Value
from ..months import Month
from ..params.experiment import ExperimentSpec
from . import estimating
from .company import Company, Found, NotMeasurableError, require
from .estimating import Estimate, Floats, TooFew

HALF_YEAR_DAYS = 183
CHURN_DAYS = (91, 181)
"""Days after the start in which a kept customer ships, the second excluded."""
HIGH_TIERS = ("strategic", "key")


@dataclass(frozen=True)
class Trial:
    """An experiment whose half year is over.

    Attributes:
        plan: Its plan.
        units: One row a unit: customer_id, arm, cluster (what was randomised), assigned_at.
        treated: The arm with tiered service.
    """

    plan: ExperimentSpec
    units: ir.Table
    treated: str


def trial_of(company: Company) -> Trial:
    """The experiment to read: one randomised by customer first, then the earliest.

    Raises:
        NotMeasurableError: None has run for half a year.
    """
    assignments = company.need("assignments")
    known = assignments.filter(assignments.assigned_at < company.end)
    last = known.group_by("experiment_id").aggregate(last_at=known.assigned_at.max()).execute()
    started = dict(zip(last["experiment_id"], last["last_at"], strict=True))
    over = company.as_of.end - dt.timedelta(days=HALF_YEAR_DAYS)
    ended = [p for p in company.experiments if p.id in started and started[p.id] <= over]
    if not ended:
        running = [started[p.id] for p in company.experiments if p.id in started]
        raise NotMeasurableError(_waiting(min(running)) if running else Message("no experiment"))
    plan = min(ended, key=lambda p: (p.design != "customer", started[p.id]))
    rows = known.filter(known.experiment_id == plan.id)
    if plan.design == "saturation":
        rows = rows.filter(rows.cluster_share.isin([0.0, 1.0]))
    cluster = rows.customer_id if plan.design == "customer" else rows.cluster_id
    treated = next(arm for arm in plan.allocation if arm != plan.control)
    rows = rows.filter(rows.arm.isin([treated, plan.control]))
    return Trial(plan, rows.select("customer_id", "arm", "assigned_at", cluster=cluster), treated)


def _waiting(started: dt.datetime) -> Message:
    until = (started + dt.timedelta(days=HALF_YEAR_DAYS)).date()
    return Message(
        "the experiment's first half year lasts to {day}", {"day": Value("date", until.isoformat())}
    )


def tiered_repurchase(company: Company) -> Found:
    """Growth of shipments by group, and its difference."""
    trial = trial_of(company)
    rows = _shipped_around(company, trial)
    first = rows["first_at"].min()
    begun = rows["assigned_at"].min() - pd.Timedelta(days=HALF_YEAR_DAYS)
    require("too short a time before the experiment", bool(first <= begun + pd.Timedelta(days=31)))
    with_it, without = (_by_cluster(rows, arm) for arm in (trial.treated, trial.plan.control))
    grown = [_growth(estimating.ratio(after, before)) for after, before in (with_it, without)]
    return {
        "with": grown[0],
        "without": grown[1],
        "difference": estimating.difference(*with_it, *without),
    }


def _growth(found: Estimate | TooFew) -> Estimate | TooFew:
    if isinstance(found, TooFew):
        return found
    return Estimate(found.value - 1, found.low - 1, found.high - 1, found.n, found.customers)


def _shipped_around(company: Company, trial: Trial) -> pd.DataFrame:
    """One row a unit: its shipments in the half years before and after the start."""
    shipments, half = company.shipments(), ibis.interval(days=HALF_YEAR_DAYS)
    first = shipments.shipped_at.min().name("first_at").as_table()
    rows = trial.units.inner_join(shipments.select("customer_id", "shipped_at"), "customer_id")
    inside = rows.filter(
        rows.shipped_at >= rows.assigned_at - half, rows.shipped_at < rows.assigned_at + half
    )
    counts = inside.group_by("customer_id").aggregate(
        after=(inside.shipped_at >= inside.assigned_at).cast("int").sum(),
        before=(inside.shipped_at < inside.assigned_at).cast("int").sum(),
    )
    joined = trial.units.left_join(counts, "customer_id").drop("customer_id_right")
    return (
        joined.cross_join(first).order_by("customer_id").execute().fillna({"after": 0, "before": 0})
    )


def _by_cluster(rows: pd.DataFrame, arm: str) -> tuple[Floats, Floats]:
    """Shipments after and before of one arm, summed over what was randomised."""
    mine = rows.assign(is_mine=rows["arm"] == arm)
    sums = mine[["after", "before"]].mul(mine["is_mine"], axis=0).groupby(mine["cluster"]).sum()
    return sums["after"].to_numpy(np.float64), sums["before"].to_numpy(np.float64)


def core_churn(company: Company) -> Found:
    """Churn of strategic and key customers by group."""
    trial = trial_of(company)
    rows = _kept(company, trial)
    found = {}
    for name, arm in (("with", trial.treated), ("without", trial.plan.control)):
        mine = rows[rows["arm"] == arm]
        found[name] = (mine["is_lost"].astype(float), mine["cluster"])
    both = [_summed_to(rows, *found[name]) for name in ("with", "without")]
    return {
        "without": estimating.ratio(*both[1]),
        "with": estimating.ratio(*both[0]),
        "difference": estimating.difference(*both[0], *both[1]),
    }


def _summed_to(rows: pd.DataFrame, lost: pd.Series, cluster: pd.Series) -> tuple[Floats, Floats]:
    """Units lost, and units, of each cluster of the experiment."""
    clusters = sorted(rows["cluster"].unique())
    sums = lost.groupby(cluster).agg(["sum", "count"]).reindex(clusters, fill_value=0)
    return sums["sum"].to_numpy(np.float64), sums["count"].to_numpy(np.float64)


def _kept(company: Company, trial: Trial) -> pd.DataFrame:
    """One row a high-value unit: arm, cluster, is_lost."""
    tiers, shipments = company.need("tiers"), company.shipments()
    starts = trial.units.aggregate(at=trial.units.assigned_at.min()).execute()["at"].iloc[0]
    before = Month(starts.year, starts.month).shifted(-1)
    high = tiers.filter(tiers.month == str(before), tiers.tier.isin(HIGH_TIERS))
    require("no tiers from before the experiment", int(high.count().execute()) > 0)
    units = trial.units.semi_join(high, "customer_id")
    rows = units.inner_join(shipments.select("customer_id", "shipped_at"), "customer_id")
    low, top = (ibis.interval(days=day) for day in CHURN_DAYS)
    kept = rows.filter(
        rows.shipped_at >= rows.assigned_at + low, rows.shipped_at < rows.assigned_at + top
    )
    seen = kept.select("customer_id").distinct().mutate(is_kept=True)
    joined = units.left_join(seen, "customer_id").drop("customer_id_right")
    frame = joined.order_by("customer_id").execute()
    return frame.assign(is_lost=frame["is_kept"].isna())
