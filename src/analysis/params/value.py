"""How customers are valued, month by month."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from .loading import Section

RfmPart = Literal["recency", "frequency", "monetary"]
Dimension = Literal[
    "order_scale",
    "order_value",
    "service_complexity",
    "profit_contribution",
    "growth_potential",
    "loyalty",
    "demand_sensitivity",
]


def _weights() -> dict[RfmPart, float]:
    return {"recency": 0.2, "frequency": 0.3, "monetary": 0.5}


def _dimension_weights() -> dict[Dimension, float]:
    return {
        "order_scale": 0.15,
        "order_value": 0.20,
        "service_complexity": 0.10,
        "profit_contribution": 0.25,
        "growth_potential": 0.10,
        "loyalty": 0.10,
        "demand_sensitivity": 0.10,
    }


class SensitiveCargo(Section):
    """Which shipments are time-critical or need special care, by the company's own words.

    Attributes:
        services: Values of `service` that are time-critical.
        cargo_types: Values of `cargo_type` that need special care.
    """

    services: tuple[str, ...] = ()
    cargo_types: tuple[str, ...] = ()


class LatePayers(Section):
    """What a customer that does not pay loses of its score.

    Attributes:
        overdue_above: Share of the invoices of its window that may be overdue (unpaid 30 days
            after the due date) at the month's end.
        keeps: Share of the score that a customer above it keeps.
    """

    overdue_above: float = Field(0.10, ge=0, lt=1)
    keeps: float = Field(0.80, gt=0, le=1)


class ChurnRiskPolicy(Section):
    """How the risk of losing a customer is estimated.

    Attributes:
        months_ahead: Months within which it may be lost.
        origins: Months from which the backtest forecasts.
        training_rows: Most rows a model learns from; more are sampled by a hash of the customer.
    """

    months_ahead: int = Field(3, ge=1, le=12)
    origins: int = Field(6, ge=2, le=24)
    training_rows: int = Field(4_000, ge=500)


class LifetimePolicy(Section):
    """How the value to come is counted.

    Attributes:
        months: Months ahead that count.
        discount_rate: Yearly rate by which later money counts less.
        held_out_months: Last months that the check hides from the model.
    """

    months: int = Field(24, ge=1, le=120)
    discount_rate: float = Field(0.10, ge=0, lt=1)
    held_out_months: int = Field(6, ge=1, le=24)


class ValuePolicy(Section):
    """How a customer's value is measured, every month, from the months before.

    Attributes:
        score: Which score tiers are cut by: ``rfm``, or ``seven`` dimensions.
        window_months: Months that count, the month itself included.
        rfm_groups: Number of groups for recency, frequency and monetary value.
        rfm_cuts: Fixed cuts between the groups instead of quantiles: days since the last
            shipment, shipments, currency; each rises and has one cut less than there are groups.
        abc_cuts: Cumulative profit shares that end classes A and B.
        weights: Weight of recency, frequency and monetary value in the RFM score.
        dimensions: Weight of each of the seven dimensions, or ``entropy``: a dimension that tells
            customers apart weighs more.
        sensitive: Which shipments are time-critical or special.
        late_payers: What customers that do not pay lose; null: nothing.
        satisfaction_index: Weight of each survey item; null: equal weights.
        churn: How churn risk is estimated.
        lifetime: How the value to come is counted.
    """

    score: Literal["rfm", "seven"] = "rfm"
    window_months: int = Field(12, ge=1, le=60)
    rfm_groups: int = Field(5, ge=2, le=10)
    rfm_cuts: dict[RfmPart, tuple[float, ...]] = Field(default_factory=dict)
    abc_cuts: tuple[float, float] = (0.80, 0.95)
    weights: dict[RfmPart, float] = Field(default_factory=_weights)
    dimensions: dict[Dimension, float] | Literal["entropy"] = Field(
        default_factory=_dimension_weights
    )
    sensitive: SensitiveCargo = SensitiveCargo()
    late_payers: LatePayers | None = LatePayers()
    satisfaction_index: dict[str, float] | None = None
    churn: ChurnRiskPolicy = ChurnRiskPolicy()
    lifetime: LifetimePolicy = LifetimePolicy()

    @model_validator(mode="after")
    def _weights_weigh(self) -> Self:
        by_hand = self.dimensions if isinstance(self.dimensions, dict) else {"entropy": 1.0}
        for weights in (self.weights, by_hand, self.satisfaction_index):
            if weights is not None and not _weigh(list(weights.values())):
                raise ValueError("the weights must not be negative, and one must be above zero")
        if not 0 < self.abc_cuts[0] < self.abc_cuts[1] <= 1:
            raise ValueError("abc_cuts must rise between 0 and 1, such as [0.80, 0.95]")
        return self

    @model_validator(mode="after")
    def _cuts_rise(self) -> Self:
        for part, cuts in self.rfm_cuts.items():
            if len(cuts) != self.rfm_groups - 1 or any(b <= a for a, b in pairwise(cuts)):
                raise ValueError(
                    f"rfm_cuts.{part} must hold {self.rfm_groups - 1} rising cuts for "
                    f"{self.rfm_groups} groups"
                )
        return self


def _weigh(weights: list[float]) -> bool:
    return all(weight >= 0 for weight in weights) and sum(weights) > 0
