"""What the literature claims, and how each sentence is read as a quantity that can be measured.

A reading is declared here, before any data are seen. A part names one quantity of a claim and the
band of values for which the claim holds; the estimates come from the company's own tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..literature import printed

Unit = Literal["points", "share", "relative", "difference", "hours"]

ABOUT = 0.25
"""A claim that prints one number holds within a quarter of it (of a share: of the share or of what
is left to 100 %, whichever is smaller): printed figures are rounded, and from other companies."""
POINTS = 100
"""Satisfaction goes from 0 to 100 points."""
A_DAY = printed("delay-dose", "dose")
"""Points of satisfaction that a day of delay takes."""


@dataclass(frozen=True)
class Part:
    """One quantity of a claim.

    Attributes:
        key: Unique within the claim.
        label: English source of what is measured.
        unit: ``points`` of satisfaction (0-100), ``share`` (a fraction), ``relative`` (a
            relative change, as a fraction), ``difference`` of two shares, ``hours``.
        low, high: Band of values for which the claim holds; infinite where it is open.
        printed: The number that the literature prints; NaN where it prints none.
    """

    key: str
    label: str
    unit: Unit
    low: float
    high: float
    printed: float = math.nan


def _near(key: str, label: str, unit: Unit, value: float) -> Part:
    size = min(value, 1 - value) if unit == "share" else abs(value)
    return Part(key, label, unit, value - ABOUT * size, value + ABOUT * size, value)


def _about(claim: str, key: str, label: str, unit: Unit) -> Part:
    return _near(key, label, unit, printed(claim, key))


def _at_least(claim: str, key: str, label: str, unit: Unit) -> Part:
    value = printed(claim, key)
    return Part(key, label, unit, value, math.inf, value)


def _above_zero(key: str, label: str, unit: Unit) -> Part:
    return Part(key, label, unit, 0.0, math.inf)


def _below_zero(key: str, label: str, unit: Unit) -> Part:
    return Part(key, label, unit, -math.inf, 0.0)


@dataclass(frozen=True)
class Claim:
    """A sentence of the practice literature.

    Attributes:
        id: Short name, as the design documents use it.
        sentence: What is claimed, in English.
        reading: How the sentence is read: population, period, comparison.
        parts: The quantities it is about; all must hold for the claim to hold.
        missing: Why no company can measure it from these tables; empty where one can.
    """

    id: str
    sentence: str
    reading: str
    parts: tuple[Part, ...] = ()
    missing: str = ""


CLAIMS = (
    Claim(
        "delay-dose",
        "Each day of delay lowers satisfaction by 15 points; beyond three days it collapses and "
        "customers leave.",
        "Answers of the last 24 months about a shipment with a promise; days late when the "
        "customer answered; each customer is compared with itself. Leaving: the customer's last "
        "shipment came within 90 days of the delivery; more than three days late against on time.",
        (
            _near("dose", "a day of delay, up to three days", "points", -A_DAY),
            Part("collapse",
                 "further change beyond three days (a collapse: at least another day's drop)",
                 "points", -math.inf, -A_DAY),
            _above_zero("leaving", "customers lost after such a delivery", "difference"),
        ),
    ),
    Claim(
        "response-30min",
        "A complaint answered within 30 minutes raises satisfaction by 50%; after 24 hours it is "
        "hard to recover.",
        "Answers of the last 24 months about a shipment whose complaint had been answered before: "
        "first response within 30 minutes against later; after 24 hours against 30 minutes to 24 "
        "hours.",
        (
            _about("response-30min", "quick", "within 30 minutes against later", "relative"),
            _below_zero("slow", "after 24 hours against 30 minutes to 24 hours", "points"),
        ),
    ),
    Claim(
        "response-average",
        "The average first response takes longer than 24 hours.",
        "Tickets opened in the last twelve months; tickets still without a response count with "
        "their wait so far.",
        (_at_least("response-average", "hours", "mean time to the first response", "hours"),),
    ),
    Claim(
        "answer-13s",
        "A model call centre answers every call within 13 seconds.",
        "Share of calls answered within 13 seconds.",
        missing="no telephone records",
    ),
    Claim(
        "notify-40",
        "Proactive notice of an exception lowers dissatisfaction by 40% or more.",
        "Answers of the last 24 months about late shipments: the points lost against the same "
        "customer's punctual shipments, with notice before the answer against without, at equal "
        "days of delay.",
        (_at_least("notify-40", "notice", "points lost that notice saves", "share"),),
    ),
    Claim(
        "complaint-mix",
        "Delay is 45% of complaints; damage and loss together 30%.",
        "Tickets with a category opened in the last twelve months.",
        (
            _about("complaint-mix", "delay", "delay", "share"),
            _about("complaint-mix", "damage_loss", "damage and loss", "share"),
        ),
    ),
    Claim(
        "delay-15",
        "15% of parcels arrive late in a month.",
        "Deliveries with a promise in the last twelve months.",
        (_about("delay-15", "late", "delivered late", "share"),),
    ),
    Claim(
        "damage-5",
        "5% of parcels are damaged, more at peak.",
        "Deliveries of the last twelve months; peak: the quarter of the months with most "
        "deliveries.",
        (
            _about("damage-5", "damaged", "delivered damaged", "share"),
            _above_zero("peak", "peak months against the others", "difference"),
        ),
    ),
    Claim(
        "repurchase-35",
        "Highly satisfied customers repurchase 35% more.",
        "Months of the last 24 in which a customer answered: a shipment in the three months after "
        "it, mean score of 4.5 or more against less.",
        (
            _about("repurchase-35", "repurchase", "shipped again, highly satisfied against others",
                   "relative"),
        ),
    ),
    Claim(
        "low-sat-churn-25",
        "Churn reaches 25% where satisfaction is low.",
        "Customers whose mean score was 2.5 or less in the year before last; churned: nothing "
        "shipped in the last three months, a year on.",
        (_at_least("low-sat-churn-25", "churn", "lost within a year", "share"),),
    ),
    Claim(
        "acquisition-5x",
        "Winning a customer costs at least five times keeping one.",
        "Cost of winning a customer against the yearly cost of keeping one.",
        missing="no cost of winning customers",
    ),
    Claim(
        "tiered-repurchase",
        "Repurchase grows by 23% with tiered service, by 12% without.",
        "Experiment: shipments in the 183 days after the start against the 183 days before, by "
        "group as assigned.",
        (
            _about("tiered-repurchase", "with", "growth with tiered service", "relative"),
            _about("tiered-repurchase", "without", "growth without", "relative"),
            _near("difference", "difference of the two", "difference",
                  printed("tiered-repurchase", "with") - printed("tiered-repurchase", "without")),
        ),
    ),
    Claim(
        "core-churn",
        "Churn of high-value customers falls from 18% to 5% with tiered service.",
        "Experiment: strategic and key customers at the start; churned: nothing shipped in days 91 "
        "to 180 after it, by group as assigned.",
        (
            _about("core-churn", "without", "churn without tiered service", "share"),
            _about("core-churn", "with", "churn with it", "share"),
            _near("difference", "difference of the two", "difference",
                  printed("core-churn", "with") - printed("core-churn", "without")),
        ),
    ),
    Claim(
        "monthly-csat",
        "Satisfaction rises from 76% to 88% with monthly re-tiering.",
        "Satisfaction with monthly against yearly re-tiering, at random.",
        missing="no comparison of monthly with yearly re-tiering",
    ),
    Claim(
        "csat-benchmark",
        "The leaders' satisfaction is 92% and 89%, the lower end below 70%.",
        "Mean satisfaction points (0-100) of the last twelve months' answers; holds where the "
        "company lies between the lower end and the leaders.",
        (
            Part("level", "mean satisfaction", "points",
                 *(POINTS * printed("csat-benchmark", f)
                   for f in ("lower_end", "first", "second"))),
        ),
    ),
    Claim(
        "value-cost",
        "Customers above ¥1 million a year are 28% of total cost and 42% of profit.",
        "Last twelve months: revenue above ¥1 million; cost is shipment cost and cost to serve, "
        "profit is revenue minus that.",
        (
            _about("value-cost", "cost", "share of cost", "share"),
            _about("value-cost", "profit", "share of profit", "share"),
        ),
    ),
    Claim(
        "rfm-shares",
        "15% of customers ship often and are of high value, 30% ship often and are of low "
        "value, 55% ship seldom.",
        "Customers that shipped in the last twelve months; often and high: above the mean of all "
        "(shipments; revenue).",
        (
            _about("rfm-shares", "often_high", "often, high value", "share"),
            _about("rfm-shares", "often_low", "often, low value", "share"),
            _about("rfm-shares", "seldom", "seldom", "share"),
        ),
    ),
    Claim(
        "abc-shares",
        "5% of customers bring 80% of profit, the next 15% bring 15%, the other 80% bring "
        "5%.",
        "Customers that shipped in the last twelve months, ranked by margin.",
        (
            _about("abc-shares", "a", "profit of the first 5%", "share"),
            _about("abc-shares", "b", "profit of the next 15%", "share"),
            _about("abc-shares", "c", "profit of the other 80%", "share"),
        ),
    ),
    Claim(
        "tier-accuracy-89",
        "Tiering is 89% accurate.",
        "Customers with a tier twelve months before: that tier is the one the value score of the "
        "twelve months since has earned.",
        (_about("tier-accuracy-89", "accuracy", "tier equals the tier earned next", "share"),),
    ),
)  # fmt: skip
