"""Custom: which customers leave in a month, and how much the others have to ship."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.draws import Bools, Draws, Floats, Ints, poisson
from analysis.simulate.population import (
    ANNUAL,
    CASH,
    Population,
    burst_volume,
    is_off_season,
)
from analysis.simulate.seasons import CONSUMER, INDUSTRY, Month, month_volume
from analysis.simulate.service import TIERED, Service

OFF_SEASON_VOLUME = 0.015
MONTH_NOISE = 0.25  # standard deviation of a customer's log volume from month to month
GROWTH_PER_MONTH = 0.004  # a customer that stays ships a little more each month
GROWS_FROM_DAY = 1600  # and counts months from spring 2023 at the earliest

# Leaving: log odds a month. Contracts are put out to tender from May to July.
CHURN_LOG_ODDS = -4.45
CHURN_BY_CALENDAR_MONTH = (0, 0.1, 0.1, 0, 0.75, 1.15, 0.7, 0, 0, 0, 0, 0.1)
CHURN_BY_CONTRACT = {ANNUAL: -0.25, CASH: 0.30}
CHURN_PER_POINT = 0.06  # per point of recent experience
CHURN_PER_GOODWILL = 0.30
USUAL_EXPERIENCE = -3.0
EXPERIENCE_MEMORY = 0.72


@dataclass(frozen=True)
class Standing:
    """What a customer carries from month to month; one entry a customer of the company.

    Attributes:
        alive: has not left.
        experience: recent experience, points (0 is faultless; about −3 is usual).
    """

    alive: Bools
    experience: Floats


@dataclass(frozen=True)
class Custom:
    """How much each customer ships this month, and from which day to which.

    Attributes:
        counts: shipments drawn for a full month.
        from_day, to_day: it ships on days in [from, to) of the month.
        leaves: leaves the company on `to_day`.
    """

    counts: Ints
    from_day: Ints
    to_day: Ints
    leaves: Bools


def custom_of_month(
    draws: Draws,
    population: Population,
    who: Ints,
    standing: Standing,
    month: Month,
    service: Service,
) -> Custom:
    """Draw who leaves and how much the others ship.

    Args:
        who: ids of customers that are registered and have not left.
        standing, service: of all customers of the company.

    Returns:
        One entry for each of `who`.
    """
    served = service.among(who)
    leaves = draws.uniform("churn", who, month.ordinal) < churn_chance(
        population, who, standing, month, served
    )
    leaves &= population.onboard_day[who] < month.first_day
    churn_day = (draws.uniform("churn day", who, month.ordinal) * month.days).astype(np.int64)
    means = _mean_shipments(draws, population, who, month, served)
    return Custom(
        counts=poisson(means, draws.uniform("shipments", who, month.ordinal)),
        from_day=np.maximum(population.onboard_day[who] - month.first_day, 0),
        to_day=np.where(leaves, churn_day, month.days),
        leaves=leaves,
    )


def churn_chance(
    population: Population, who: Ints, standing: Standing, month: Month, served: Service
) -> Floats:
    """Chance of leaving in the month: delays and slow answers raise it, good service lowers it."""
    by_contract = np.array([CHURN_BY_CONTRACT.get(contract, 0.0) for contract in range(3)])
    log_odds = (
        CHURN_LOG_ODDS
        + CHURN_BY_CALENDAR_MONTH[month.number - 1]
        + by_contract[population.contract[who]]
        - CHURN_PER_POINT * (standing.experience[who] - USUAL_EXPERIENCE)
        - CHURN_PER_GOODWILL * population.goodwill[who]
        + served.churn_shift()
    )
    return 1 / (1 + np.exp(-log_odds))


def _mean_shipments(
    draws: Draws, population: Population, who: Ints, month: Month, served: Service
) -> Floats:
    by_kind = np.array([month_volume(month, CONSUMER), month_volume(month, INDUSTRY)])
    in_season = np.where(
        is_off_season(population, who, month.number),
        OFF_SEASON_VOLUME,
        12 / (12 - population.off_months[who]),
    )
    months_since = np.maximum(
        month.first_day - np.maximum(population.onboard_day[who], GROWS_FROM_DAY), 0
    )
    noise = np.exp(MONTH_NOISE * draws.normal("volume", who, month.ordinal) - MONTH_NOISE**2 / 2)
    return (
        population.rate[who]
        * by_kind[population.kind[who]]
        * in_season
        * burst_volume(population, who, month)
        * np.exp(GROWTH_PER_MONTH * months_since / 30.4)
        * noise
        * (1 + served.by_band(TIERED.frequency))
    )


def new_standing(
    standing: Standing, who: Ints, custom: Custom, owner: Ints, points: Floats
) -> Standing:
    """Carry the month over: who left, and experience moved towards this month's."""
    count = np.bincount(owner, minlength=len(who))
    total = np.bincount(owner, weights=points, minlength=len(who))
    moved = EXPERIENCE_MEMORY * standing.experience[who]
    moved += (1 - EXPERIENCE_MEMORY) * total / np.maximum(count, 1)
    experience, alive = standing.experience.copy(), standing.alive.copy()
    experience[who] = np.where(count > 0, moved, standing.experience[who])
    alive[who[custom.leaves]] = False
    return Standing(alive, experience)
