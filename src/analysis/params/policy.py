"""How customers are sorted into tiers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..tables import TIERS
from .loading import Section

TierName = Literal["strategic", "key", "potential", "regular"]
Measure = Literal["score", "revenue", "margin", "abc", "rfm"]
CLASSES: tuple[Measure, ...] = ("abc", "rfm")
"""Measures that name a class instead of a number."""
ABC_CLASSES = ("A", "B", "C")

_ROUNDING = 1e-9
"""Shares that add up to one in writing may exceed it by this much in binary."""


class SeasonalProtection(Section):
    """No demotion in a customer's own off-season.

    A month is off-season when the customer shipped less than `quiet_below` of its own usual
    pace in the `months` up to it, this year and in the same months last year alike, and its
    score earned the tier at some time in the twelve months between. Such a month does not count
    towards a demotion.

    Attributes:
        months: Months compared with the same months of last year.
        quiet_below: Share of the customer's own twelve-month pace below which it is quiet.
    """

    months: int = Field(3, ge=1, le=6)
    quiet_below: float = Field(0.5, gt=0, lt=1)


class BurstPromotion(Section):
    """A provisional tier at once for a jump against the customer's own baseline.

    Attributes:
        ratio: This month's revenue against the expected one from which it is a jump.
        noise_sds: Standard deviations by which its shipments must exceed the expected ones, so
            that a small customer's ordinary ups and downs are no jump; how much the months of
            steady customers vary is measured on the company itself.
        baseline_months: Months before that give the customer's baseline.
        min_history_months: Months of history without which there is no baseline.
        provisional_months: Months the tier is kept, the burst month included.
        max_steps: Tiers it may climb above what the rules alone give.
    """

    ratio: float = Field(2.0, gt=1)
    noise_sds: float = Field(2.25, ge=0)
    baseline_months: int = Field(6, ge=1, le=24)
    min_history_months: int = Field(3, ge=1)
    provisional_months: int = Field(3, ge=1, le=12)
    max_steps: int = Field(1, ge=1, le=3)


class MoveCaps(Section):
    """Most moves in one month, as a share of the customers that have a tier.

    The strongest promotions and the weakest customers' demotions come first; the others wait.
    At least one move of each direction is always allowed.

    Attributes:
        promotions: Share of customers that may move up in a month.
        demotions: Share of customers that may move down in a month.
    """

    promotions: float | None = Field(None, gt=0, le=1)
    demotions: float | None = Field(None, gt=0, le=1)


class CallPolicy(Section):
    """Which customers should hear from their account manager.

    Attributes:
        valuable_tiers: Customers of these tiers are called when they are at risk or slowing.
        slowing_below: Share of the customer's own pace below which it is slowing.
        noise_sds: Standard deviations by which its shipments must fall short, so that ordinary
            ups and downs are no reason to call.
        risk_at_least: Forecast chance of being lost from which a valuable customer is called.
    """

    valuable_tiers: tuple[TierName, ...] = ("strategic", "key")
    slowing_below: float = Field(0.5, gt=0, lt=1)
    noise_sds: float = Field(2.0, ge=0)
    risk_at_least: float = Field(0.5, gt=0, le=1)


class TierPolicy(Section):
    """How scores become tiers, month by month. Give one kind of cut-off.

    Attributes:
        level: Who has a tier: each customer, or its top parent, whose tier its subsidiaries share.
        measure: What is cut: the score, the window's revenue or margin, or the customer's class
            (abc, rfm).
        shares: Share of customers each tier may hold, from the top; the last takes the rest.
        value_shares: Share of the window's revenue or margin that each tier covers, from the top.
        value_by: What `value_shares` are shares of; by default margin where `measure` is margin,
            else revenue.
        at_least: Smallest measure of each tier.
        classes: The classes of each tier, where `measure` is abc or rfm; others are regular.
        review_months: Calendar months (1-12) in which tiers are reviewed.
        promote_after: Consecutive reviews above before a promotion.
        demote_after: Consecutive reviews below before a demotion.
        demote_margin: Share of the bar by which a measure must fall short to count as below, so
            that nobody moves for a tenth of a point.
        start_tier: Tier of a new customer.
        start_months: Months a new customer keeps it.
        seasonal_protection: No demotion in a customer's own off-season; null: none.
        burst_promotion: A provisional tier for a sudden jump; null: none.
        caps: Most moves in one month.
        calls: Which customers to call.

    Example:
        >>> TierPolicy(shares={"strategic": 0.1, "key": 0.2}).demote_after
        3
    """

    level: Literal["customer", "parent"] = "customer"
    measure: Measure = "score"
    shares: dict[TierName, float] | None = None
    value_shares: dict[TierName, float] | None = None
    value_by: Literal["revenue", "margin"] | None = None
    at_least: dict[TierName, float] | None = None
    classes: dict[TierName, tuple[str, ...]] | None = None
    review_months: tuple[int, ...] = tuple(range(1, 13))
    promote_after: int = Field(2, ge=1, le=12)
    demote_after: int = Field(3, ge=1, le=12)
    demote_margin: float = Field(0.03, ge=0, lt=1)
    start_tier: TierName = "regular"
    start_months: int = Field(3, ge=0)
    seasonal_protection: SeasonalProtection | None = SeasonalProtection()
    burst_promotion: BurstPromotion | None = BurstPromotion()
    caps: MoveCaps = MoveCaps()
    calls: CallPolicy = CallPolicy()

    @model_validator(mode="after")
    def _one_kind_of_cut(self) -> Self:
        kinds = [self.shares, self.value_shares, self.at_least, self.classes]
        if sum(kind is not None for kind in kinds) > 1:
            raise ValueError("give only one of shares, value_shares, at_least and classes")
        if (self.measure in CLASSES) != (self.classes is not None):
            raise ValueError("classes go with the measures abc and rfm, and these need them")
        if self.value_by and self.value_shares is None:
            raise ValueError("value_by goes with value_shares")
        for kind in kinds:
            if kind is not None and (not kind or TIERS[-1] in kind):
                raise ValueError(f"cut-offs are for {TIERS[:-1]}; '{TIERS[-1]}' takes the rest")
        return self

    @model_validator(mode="after")
    def _cuts_are_ordered(self) -> Self:
        for shares in (self.shares, self.value_shares):
            if shares and (min(shares.values()) < 0 or sum(shares.values()) > 1 + _ROUNDING):
                raise ValueError("shares must not be negative and add up to at most 1")
        bars = [self.at_least[tier] for tier in TIERS if tier in (self.at_least or {})]  # type: ignore[index]
        if bars != sorted(bars, reverse=True):
            raise ValueError("at_least must fall from the highest tier to the lowest")
        return self

    @model_validator(mode="after")
    def _classes_exist(self) -> Self:
        named = [name for names in (self.classes or {}).values() for name in names]
        if len(named) != len(set(named)):
            raise ValueError("a class belongs to one tier")
        if self.measure == "abc" and not set(named) <= set(ABC_CLASSES):
            raise ValueError(f"classes of abc are {ABC_CLASSES}")
        return self

    @model_validator(mode="after")
    def _reviews_exist(self) -> Self:
        if not self.review_months or not set(self.review_months) <= set(range(1, 13)):
            raise ValueError("review_months are calendar months from 1 to 12")
        if len(self.review_months) != len(set(self.review_months)):
            raise ValueError("review_months names a month twice; give each once")
        return self

    @property
    def customer_shares(self) -> dict[TierName, float]:
        """The share of customers by tier, with the default where no cut-off was given."""
        kinds = (self.shares, self.value_shares, self.at_least, self.classes)
        if all(kind is None for kind in kinds):
            return {"strategic": 0.05, "key": 0.15, "potential": 0.30}
        return self.shares or {}
