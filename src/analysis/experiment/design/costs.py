"""What an experiment costs: the planned service of its treated customers against basic service."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ...months import Month
from ...params.experiment import ExperimentSpec
from ...params.services import ServicePlan
from ...tables import TIERS
from ...tiers.services import planned_cost
from .drawing import EQUAL_SHARES

BASIC = TIERS[-1]
"""The tier whose service everybody gets where service is uniform."""
MONTHS = 12
"""Months of history over which a month's service is costed: a year, so that seasons even out."""

COUNTED = ("shipments_n", "tickets_n", "revenue", "cost_to_serve")


@dataclass(frozen=True)
class ServiceCost:
    """A customer's planned service in a month, mean over a year.

    Attributes:
        tiered: With each customer's tier, amount a customer and month.
        basic: With the lowest tier's service for everybody.
        recorded: Cost to serve as recorded; None where none is.
    """

    tiered: float
    basic: float
    recorded: float | None

    def of(self, spec: ExperimentSpec, customers: float, months: float) -> float:
        """What treating a plan's share of some customers for some months costs beyond basic."""
        return treated_share(spec) * customers * months * (self.tiered - self.basic)


def service_cost(
    panel: ir.Table | None, tiers: ir.Table | None, plan: ServicePlan | None, as_of: Month
) -> ServiceCost | None:
    """Cost a month of service by the service plan.

    Args:
        panel: `customer_months`.
        tiers: Tiers of every customer and month.
        plan: The service plan.
        as_of: Last of the months.

    Returns:
        Means over the customers and months in which one shipped; None where the plan, the panel
        or the tiers are missing.
    """
    if panel is None or tiers is None or plan is None:
        return None
    since, until = str(as_of.shifted(1 - MONTHS)), str(as_of)
    months = panel.filter(panel.month.between(since, until), panel.shipments_n > 0)
    held = tiers.filter(tiers.month.between(since, until)).select("customer_id", "month", "tier")
    joined = months.join(held, ["customer_id", "month"]).select(*COUNTED, "tier")
    tiered = joined.mutate(tiered=planned_cost(joined, plan)).mutate(tier=ibis.literal(BASIC))
    told = tiered.mutate(basic=planned_cost(tiered, plan))
    row = (
        told.aggregate(
            tiered=told.tiered.mean(), basic=told.basic.mean(), recorded=told.cost_to_serve.mean()
        )
        .execute()
        .iloc[0]
    )
    if row.isna()["tiered"]:
        return None
    recorded = None if row.isna()["recorded"] else float(row["recorded"])
    return ServiceCost(float(row["tiered"]), float(row["basic"]), recorded)


def treated_share(spec: ExperimentSpec) -> float:
    """Share of a plan's customers that get the treatment."""
    treated = 1 - spec.allocation[spec.control] / sum(spec.allocation.values())
    if spec.design != "saturation":
        return treated
    shares = spec.share_allocation or EQUAL_SHARES
    return sum(share * part for share, part in shares.items()) / sum(shares.values())
