"""How customers are valued and sorted into tiers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ..tables import TIERS
from .loading import Section

RfmPart = Literal["recency", "frequency", "monetary"]


def _weights() -> dict[RfmPart, float]:
    return {"recency": 0.2, "frequency": 0.3, "monetary": 0.5}


class ValuePolicy(Section):
    """How a customer's value is measured, every month, from the months before.

    Attributes:
        window_months: Months that count, the month itself included.
        rfm_groups: Number of quantile groups for recency, frequency and monetary value.
        abc_cuts: Cumulative profit shares that end classes A and B.
        weights: Weight of recency, frequency and monetary value in the score.
    """

    window_months: int = Field(12, ge=1)
    rfm_groups: int = Field(5, ge=2, le=10)
    abc_cuts: tuple[float, float] = (0.80, 0.95)
    weights: dict[RfmPart, float] = Field(default_factory=_weights)


class TierPolicy(Section):
    """How scores become tiers, month by month.

    Attributes:
        shares: Share of customers each tier may hold by score, from the top; the last takes
            the rest.
        promote_after: Consecutive months above before a promotion.
        demote_after: Consecutive months below before a demotion.
        start_tier: Tier of a new customer.
        start_months: Months a new customer keeps it.
        seasonal_protection: No demotion while the same months last year earned the tier.
    """

    shares: dict[str, float] = Field(
        default_factory=lambda: {"strategic": 0.05, "key": 0.15, "potential": 0.30}
    )
    promote_after: int = Field(1, ge=1)
    demote_after: int = Field(3, ge=1)
    start_tier: str = "regular"
    start_months: int = Field(3, ge=0)
    seasonal_protection: bool = True

    @model_validator(mode="after")
    def _tiers_exist(self) -> TierPolicy:
        unknown = (set(self.shares) | {self.start_tier}) - set(TIERS)
        if unknown:
            raise ValueError(f"no tier is called {sorted(unknown)}; allowed: {TIERS}")
        return self
