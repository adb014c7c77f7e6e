"""Claims about how custom, cost and profit are spread over customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..literature import printed
from ..message import Value
from . import estimating
from .company import YEAR, Company, Found, require
from .customer_sums import arrays, summed
from .estimating import Floats, TooFew

YUAN = "CNY"
A_SHARE = printed("abc-shares", "a_customers")
B_SHARE = A_SHARE + printed("abc-shares", "b_customers")
"""Shares of customers that end classes A and B of the claim."""
LARGE_CUSTOMER = printed("value-cost", "yuan_a_year")
"""Yuan of revenue a year."""


def rfm_shares(company: Company) -> Found:
    """Customers by how often they ship and what they bring."""
    frame = _year(company)
    require("no revenue", bool(frame["revenue"].sum()))
    often, value = arrays(frame, "shipments", "revenue")

    def shares(weights: Floats) -> Floats:
        total = weights.sum()
        is_often = often > (weights @ often) / total
        is_high = value > (weights @ value) / total
        groups = (is_often & is_high, is_often & ~is_high, ~is_often)
        return np.array([weights[group].sum() / total for group in groups])

    return _named(estimating.resampled(shares, len(frame)), ("often_high", "often_low", "seldom"))


def abc_shares(company: Company) -> Found:
    """Profit of the first 5 %, the next 15 % and the other 80 % of customers."""
    frame = _year(company).sort_values("margin", ascending=False)
    require("no shipment cost", bool(frame["margin"].abs().sum()))
    require("no profit in the last twelve months", frame["margin"].sum() > 0)
    (margin,) = arrays(frame, "margin")

    def shares(weights: Floats) -> Floats:
        reached = np.cumsum(weights) / weights.sum()
        earned = np.cumsum(weights * margin)
        a, b = np.interp([A_SHARE, B_SHARE], reached, earned / earned[-1])
        return np.array([a, b - a, 1 - b])

    return _named(estimating.resampled(shares, len(frame)), ("a", "b", "c"))


def value_cost(company: Company) -> Found:
    """What customers above a million yuan are of cost and of profit."""
    require(
        "amounts are in {currency}, the claim is in yuan",
        company.currency == YUAN,
        currency=Value("plain", company.currency),
    )
    frame = _year(company)
    require("no shipment cost", bool(frame["shipment_cost"].sum()))
    require("fewer than twelve months of data", _months(company) == YEAR)
    require("no profit in the last twelve months", frame["profit"].sum() > 0)
    is_large = (frame["revenue"] > LARGE_CUSTOMER).to_numpy()
    least = int(estimating.FEWEST_CUSTOMERS)
    if is_large.sum() < least:
        few = TooFew(int(is_large.sum()), least)
        return {"cost": few, "profit": few}
    cost, profit = arrays(frame, "cost", "profit")

    def shares(weights: Floats) -> Floats:
        large = weights * is_large
        return np.array([large @ cost / (weights @ cost), large @ profit / (weights @ profit)])

    return _named(estimating.resampled(shares, len(frame)), ("cost", "profit"))


def _year(company: Company) -> pd.DataFrame:
    """One row a customer that shipped within the year; amounts in the currency."""
    panel = company.panel(YEAR)
    frame = summed(
        panel,
        shipments=panel.shipments_n.sum(),
        revenue=panel.revenue.sum(),
        margin=panel.margin.sum(),
        shipment_cost=panel.shipment_cost.sum(),
        served=panel.cost_to_serve.sum(),
    )
    active = frame[frame["shipments"] > 0]
    return active.assign(
        cost=active["shipment_cost"] + active["served"],
        profit=active["margin"] - active["served"],
    )


def _months(company: Company) -> int:
    return int(company.panel(YEAR).month.nunique().execute())


def _named(found: list[estimating.Estimate] | TooFew, names: tuple[str, ...]) -> Found:
    if isinstance(found, TooFew):
        return dict.fromkeys(names, found)
    return dict(zip(names, found, strict=True))
