"""What each customer will still bring, from the panel."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ...message import Message, Value
from ...months import YEAR, Month
from ...params import LifetimePolicy
from .fitting import FloatArray
from .purchases import BgNbd, Histories, fit_purchases, histories
from .spending import GammaGamma, fit_spending

DAYS_A_WEEK = 7
WEEKS_A_MONTH = 365.25 / 12 / DAYS_A_WEEK
FEWEST_REPEATERS = 100
"""Customers with a repeat shipment below which nothing is fitted: four parameters need more."""
NO_MAXIMUM = "The model of shipping days found no maximum of its likelihood; nothing is forecast."
COLUMNS = (
    *("customer_id", "month", "repeat_days", "recency_weeks", "age_weeks", "alive"),
    *("shipping_days_expected", "revenue_a_day", "margin_rate", "lifetime_value"),
)


@dataclass(frozen=True)
class Lifetime:
    """What `lifetime_values` returns.

    Attributes:
        values: One row a customer that ever shipped: customer_id, month, repeat_days (days with a
            shipment after the first one), recency_weeks and age_weeks (from the first shipment to
            the last one and to the month's end), alive (probability that it still ships),
            shipping_days_expected (within the horizon), revenue_a_day (expected, currency),
            margin_rate (of the customer's own revenue whose cost is known; null without),
            lifetime_value (currency: margin, or revenue where no cost is known, discounted).
            alive, shipping_days_expected, revenue_a_day and lifetime_value are null where no
            model of shipping days could be fitted; the last two where none of revenue could.
        purchases: The fitted model of shipping days; None where it could not be fitted.
        spending: The fitted model of their revenue; None where revenue is not known or no
            maximum was found.
        missing: What is missing for a fit; None where nothing is.
    """

    values: pd.DataFrame
    purchases: BgNbd | None
    spending: GammaGamma | None
    missing: Message | None

    @property
    def model(self) -> pd.DataFrame:
        """The fitted parameters: one row a parameter, model, parameter, value, converged."""
        rows: list[tuple[str, str, float, bool]] = []
        for fitted, names in ((self.purchases, ("r", "alpha", "a", "b")), (self.spending, "pqv")):
            for name in names:
                if fitted is not None:
                    kind = "BG/NBD" if isinstance(fitted, BgNbd) else "Gamma-Gamma"
                    rows.append((kind, name, float(getattr(fitted, name)), fitted.converged))
        return pd.DataFrame(rows, columns=["model", "parameter", "value", "converged"])


def lifetime_values(panel: ir.Table, policy: LifetimePolicy, as_of: Month) -> Lifetime:
    """The value each customer will still bring within the horizon.

    Shipping days to come by BG/NBD, times the revenue of a day by Gamma-Gamma, times the
    customer's own margin rate; month by month, discounted from the middle of each.

    Args:
        panel: `customer_months`.
        policy: Horizon and discount rate.
        as_of: The month; later rows are not used.
    """
    frame = _histories_by_customer(panel, as_of)
    known = _known(frame)
    empty = dict.fromkeys(COLUMNS[5:8], np.nan) | {"lifetime_value": np.nan}
    repeaters = int((frame.repeat_days > 0).sum())
    if repeaters < FEWEST_REPEATERS:
        missing = Message(
            "Only {n} customers shipped on more than one day; a model needs {need}.",
            {"n": Value("number", repeaters), "need": Value("number", FEWEST_REPEATERS)},
        )
        return Lifetime(frame.assign(**empty)[list(COLUMNS)], None, None, missing)
    purchases = fit_purchases(known)
    if not purchases.converged:
        return Lifetime(frame.assign(**empty)[list(COLUMNS)], None, None, Message(NO_MAXIMUM))
    days, discounted = _coming(purchases, known, policy)
    spending = _spending(frame)
    a_day = _revenue_a_day(frame, spending)
    kept = frame.margin_rate.fillna(_overall_rate(frame)).to_numpy(float)
    values = frame.assign(
        alive=purchases.alive(known)[known.group],
        shipping_days_expected=days[known.group],
        revenue_a_day=a_day,
        lifetime_value=np.round(discounted[known.group] * a_day * kept, 2),
    )
    return Lifetime(values[list(COLUMNS)], purchases, spending, None)


def _histories_by_customer(panel: ir.Table, as_of: Month) -> pd.DataFrame:
    """One row a customer that ever shipped, ordered by id."""
    known = panel.filter(panel.month <= str(as_of))
    summed = known.group_by("customer_id").aggregate(
        days=known.shipping_days_n.sum(),
        revenue=known.revenue.sum(),
        margin=known.margin.sum(),
        cost=known.shipment_cost.sum(where=known.margin.notnull()),
        first=known.first_shipped_at.min(),
        last=known.last_shipped_at.max(),
    )
    shipped = summed.filter(summed.days > 0)
    end = ibis.literal(as_of.last_day)
    rate = shipped.margin / (shipped.margin + shipped.cost).nullif(0.0)
    return (
        shipped.select(
            "customer_id",
            "revenue",
            "days",
            "margin",
            "cost",
            month=ibis.literal(str(as_of)),
            repeat_days=shipped.days - 1,
            recency_weeks=shipped["last"].date().delta(shipped["first"].date(), unit="day")
            / DAYS_A_WEEK,
            age_weeks=end.delta(shipped["first"].date(), unit="day") / DAYS_A_WEEK,
            margin_rate=rate,
        )
        .order_by("customer_id")
        .execute()
    )


def _known(frame: pd.DataFrame) -> Histories:
    columns = (
        frame[name].to_numpy(float) for name in ("repeat_days", "recency_weeks", "age_weeks")
    )
    return histories(*columns)


def _coming(
    model: BgNbd, known: Histories, policy: LifetimePolicy
) -> tuple[FloatArray, FloatArray]:
    """(k,) shipping days within the horizon, as they are and discounted month by month."""
    total = np.zeros(len(known.repeats))
    discounted = np.zeros(len(known.repeats))
    for month in range(1, policy.months + 1):
        upto = model.expected(known, month * WEEKS_A_MONTH)
        later = (1 + policy.discount_rate) ** ((month - 0.5) / YEAR)
        discounted += (upto - total) / later
        total = upto
    return total, discounted


def _spending(frame: pd.DataFrame) -> GammaGamma | None:
    """Gamma-Gamma of the revenue of a day, over customers with revenue; None without a fit."""
    paid = frame[(frame.revenue > 0) & (frame.repeat_days > 0)]
    if len(paid) < FEWEST_REPEATERS:
        return None
    days = paid.days.to_numpy(float)
    fitted = fit_spending(days, paid.revenue.to_numpy(float) / days)
    return fitted if fitted.converged else None


def _revenue_a_day(frame: pd.DataFrame, model: GammaGamma | None) -> FloatArray:
    if model is None:
        return np.full(len(frame), np.nan)
    revenue = frame.revenue.fillna(0.0).to_numpy(float)
    if not np.isfinite(model.population_mean):
        # without a mean over customers there is nothing to draw a customer towards, and the
        # model's own expectation is below zero for customers of few days: each has its own mean
        return np.where(revenue > 0, revenue / frame.days.to_numpy(float), np.nan)
    days = np.where(revenue > 0, frame.days.to_numpy(float), 0.0)
    return model.expected(days, revenue / frame.days.to_numpy(float))


def _overall_rate(frame: pd.DataFrame) -> float:
    """The margin rate of all customers together; 1 where no cost is known at all."""
    carried = float(frame.margin.sum() + frame.cost.sum())
    return float(frame.margin.sum()) / carried if carried else 1.0
