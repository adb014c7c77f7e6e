"""The service plan: what each tier gets, and what that costs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..errors import did_you_mean
from .loading import Bilingual, BrokenRule, Section, refuse
from .policy import TierName


class Service(Section):
    """One service, and what it costs to give it to one customer.

    Attributes:
        title: What readers call it.
        cost: Amount in the profile's currency (a fraction where it is paid by revenue).
        per: What the cost is paid for: each customer and month, each shipment, each unit of
            revenue, or each ticket.
        active_only: Paid only in months in which the customer ships.
    """

    title: Bilingual
    cost: float = Field(ge=0)
    per: Literal["month", "shipment", "revenue", "ticket"] = "month"
    active_only: bool = False


class ServicePlan(Section):
    """What each tier gets.

    Attributes:
        offered: The services, by name.
        tiers: Names of the services of each tier; a tier that is left out gets none.
    """

    offered: dict[str, Service] = Field(default_factory=dict)
    tiers: dict[TierName, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _services_exist(self) -> Self:
        refuse(
            [
                BrokenRule(
                    f"tiers.{tier}",
                    f"No service is called '{name}'",
                    got=name,
                    allowed=sorted(self.offered),
                    todo=did_you_mean(name, self.offered) or "Declare it under 'offered'.",
                )
                for tier, names in self.tiers.items()
                for name in names
                if name not in self.offered
            ]
        )
        return self
