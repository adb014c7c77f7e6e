"""One month of the company: who leaves, what is shipped, what goes wrong.

`run_month` is the whole world model. It is run once for the company as it happened, and again
for the units of an experiment under each arm; the draws depend only on the customer, the month
and the shipment's number, so both runs meet the same luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from analysis.simulate.draws import (
    GOLDEN,
    LEVELS,
    Bools,
    Draws,
    Floats,
    Ints,
    Keys,
    category_levels,
    mixed,
    normal_levels,
    poisson,
    quarters,
)
from analysis.simulate.population import (
    ANNUAL,
    CASH,
    REGION_SHARE,
    Population,
    burst_volume,
    is_off_season,
)
from analysis.simulate.seasons import (
    CONSUMER,
    INDUSTRY,
    MINUTES_A_DAY,
    Month,
    congestion_by_day,
    day_levels,
    month_volume,
    next_open_day,
)
from analysis.simulate.service import TIERED, USUAL_NOTICE_SHARE, Service

SERVICE_TYPES = ("标准", "特快", "经济")
CARGO_TYPES = ("普货", "易碎品", "冷链", "电子产品", "大件", "文件")
NEVER = -1  # a time that did not come to pass

OFF_SEASON_VOLUME = 0.015
MONTH_NOISE = 0.25  # standard deviation of a customer's log volume from month to month
GROWTH_PER_MONTH = 0.004  # a customer that stays ships a little more each month

# Leaving: log odds a month. Contracts are put out to tender from May to July.
CHURN_LOG_ODDS = -4.45
CHURN_BY_CALENDAR_MONTH = (0, 0.1, 0.1, 0, 0.75, 1.15, 0.7, 0, 0, 0, 0, 0.1)
CHURN_BY_CONTRACT = {ANNUAL: -0.25, CASH: 0.30}
CHURN_PER_POINT = 0.06  # per point of recent experience
CHURN_PER_GOODWILL = 0.30
USUAL_EXPERIENCE = -3.0
EXPERIENCE_MEMORY = 0.72

LATE_LOG_ODDS = -2.10
LATE_DEPOT_SPREAD, LATE_MONTH_SPREAD, LATE_CUSTOMER_SPREAD = 0.20, 0.15, 0.25
LATE_BY_SERVICE = np.array([1.0, 1.15, 0.9])
DELAY_DAYS = category_levels([0.50, 0.24, 0.12, 0.06, 0.03, 0.02, 0.015, 0.01, 0.005]) + 1
LOST_SHARE, DAMAGED_SHARE = 0.0022, 0.018
DAMAGE_BY_CARGO = np.array([0.8, 2.2, 1.3, 1.1, 1.2, 0.2])

POINTS_PER_DELAY_DAY, POINTS_BEYOND_THREE_DAYS = 15.0, 25.0
POINTS_IF_NOTIFIED = 0.58  # the loss that remains after a proactive notice
POINTS_DAMAGED, POINTS_LOST = 30.0, 55.0

SERVICE_LEVELS = category_levels([0.66, 0.20, 0.14])
WEIGHT_LEVELS = np.exp(0.6 * normal_levels())
AMOUNT_BY_WEIGHT = np.exp(0.36 * normal_levels() - 0.0648)
AMOUNT_NOISE = np.exp(0.12 * normal_levels() - 0.0072)
COST_NOISE = np.exp(0.15 * normal_levels() - 0.01125)
AMOUNT_BY_SERVICE = np.array([0.97, 1.30, 0.78])
HIGHEST_COST_CENTS = 99_999_999


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
class Shipments:
    """One row a shipment of the month. Times are minutes since the epoch, NEVER where none.

    Attributes:
        owner: position in the month's list of customers.
        key: the shipment's own randomness.
        ordered, picked_up, delivered, notified: minutes.
        promised_day: day since the epoch; the promise lasts to its end.
        delay_days: whole days beyond the promise, 0 when on time.
        service, cargo, destination: numbers into the lists of names (destination: a region).
        weight_dg: weight in tenths of a kg.
        amount_cents, cost_cents: list revenue and transport cost.
        damaged, lost: mishaps.
        points: what the transport itself does to satisfaction (≤ 0).
    """

    owner: Ints
    key: Keys
    ordered: Ints
    picked_up: Ints
    delivered: Ints
    notified: Ints
    promised_day: Ints
    delay_days: Ints
    service: Ints
    cargo: Ints
    destination: Ints
    weight_dg: Ints
    amount_cents: Ints
    cost_cents: Ints
    damaged: Bools
    lost: Bools
    points: Floats

    def __len__(self) -> int:
        return len(self.owner)


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
    months_since = np.maximum(month.first_day - np.maximum(population.onboard_day[who], 1600), 0)
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


def ship(
    draws: Draws,
    population: Population,
    who: Ints,
    custom: Custom,
    month: Month,
    service: Service,
) -> Shipments:
    """Draw the shipments of the month, in no particular order of time.

    Returns:
        One row a shipment; `owner` counts within `who`.
    """
    owner, key, day, words = _shipment_draws(draws, population, who, custom, month)
    (minute, place, kind, weight), (noise, late, delay, mishap) = words[:2]
    (notice, early, pick, cargo), (clock, cost_level, _, _) = words[2:]
    type_of_service = SERVICE_LEVELS[kind]
    destination = _destinations()[population.region[who][owner], place]
    distance = np.where(destination == population.region[who][owner], 0, 1 + (place & 1))
    ordered_day = month.first_day + day
    ordered = ordered_day * MINUTES_A_DAY + _order_minutes()[minute]
    promise_days = np.where(type_of_service == 1, 1, np.where(type_of_service == 2, 4, 2))
    promised = next_open_day()[ordered_day + promise_days + distance]
    late_chance = late_chances(draws, population, who, month, service.among(who))
    threshold = late_chance[owner] * congestion_by_day()[ordered_day]
    is_late = late < threshold * LATE_BY_SERVICE[type_of_service] * LEVELS
    type_of_cargo = np.where(cargo < 0.8 * LEVELS, population.main_cargo[who][owner], cargo % 6)
    is_lost = mishap < LOST_SHARE * LEVELS
    damage_edge = LOST_SHARE + DAMAGED_SHARE * DAMAGE_BY_CARGO[type_of_cargo]
    is_damaged = ~is_lost & (mishap < damage_edge * LEVELS)
    arrival_day = _arrival_days(ordered_day, promised, is_late, DELAY_DAYS[delay], early)
    arrival = arrival_day * MINUTES_A_DAY + 660 + clock % 571
    delay_days = np.where(is_lost, 5, np.maximum(arrival_day - promised, 0))
    share = np.where(service.user[who], TIERED.notice_share, USUAL_NOTICE_SHARE)[owner]
    is_notified = (is_late | is_lost) & (notice < share * LEVELS)
    amount, cost, weight_dg = _money(
        population, who, owner, service, weight, noise, cost_level, type_of_service, distance
    )
    return Shipments(
        owner=owner,
        key=key,
        ordered=ordered,
        picked_up=_pick_ups(ordered, pick),
        delivered=np.where(is_lost, NEVER, arrival),
        notified=np.where(is_notified, promised * MINUTES_A_DAY + 540 + clock % 600, NEVER),
        promised_day=promised,
        delay_days=delay_days,
        service=type_of_service,
        cargo=type_of_cargo,
        destination=destination,
        weight_dg=weight_dg,
        amount_cents=amount,
        cost_cents=cost,
        damaged=is_damaged,
        lost=is_lost,
        points=transport_points(delay_days, is_notified, is_damaged, is_lost),
    )


def _shipment_draws(
    draws: Draws, population: Population, who: Ints, custom: Custom, month: Month
) -> tuple[Ints, Keys, Ints, list[tuple[Ints, Ints, Ints, Ints]]]:
    """Number the shipments of each customer and draw their days; drop days outside its custom."""
    owner = np.repeat(np.arange(len(who)), custom.counts)
    starts = np.cumsum(custom.counts) - custom.counts
    slot = np.arange(len(owner)) - np.repeat(starts, custom.counts)
    base = draws.keys("shipment", who, month.ordinal)
    key = mixed(base[owner] + (slot.astype(np.uint64) + np.uint64(1)) * GOLDEN)
    levels = np.stack([day_levels(month, CONSUMER), day_levels(month, INDUSTRY)])
    day = levels[population.kind[who][owner], (key >> np.uint64(48)).astype(np.int64)]
    ships = (day >= custom.from_day[owner]) & (day < custom.to_day[owner])
    if not ships.all():
        owner, key, day = owner[ships], key[ships], day[ships]
    words = [quarters(mixed(key + np.uint64(number))) for number in (1, 2, 3, 4)]
    return owner, key, day, words


def late_chances(
    draws: Draws, population: Population, who: Ints, month: Month, served: Service
) -> Floats:
    """Each customer's chance that a shipment of this month is late, before the day's congestion."""
    depots = np.arange(len(population.depot_region))
    by_depot = LATE_DEPOT_SPREAD * draws.normal("depot lateness", depots)
    by_depot = by_depot + LATE_MONTH_SPREAD * draws.normal("depot month", depots, month.ordinal)
    log_odds = LATE_LOG_ODDS + by_depot[population.depot[who]] + served.late_shift()
    log_odds = log_odds + LATE_CUSTOMER_SPREAD * draws.normal("customer lateness", who)
    return 1 / (1 + np.exp(-log_odds))


def transport_points(
    delay_days: Ints, is_notified: Bools, is_damaged: Bools, is_lost: Bools
) -> Floats:
    """Points of satisfaction (0-100) that a shipment takes away: delay, damage, loss."""
    delay = POINTS_PER_DELAY_DAY * np.minimum(delay_days, 3)
    delay = delay + np.where(delay_days > 3, POINTS_BEYOND_THREE_DAYS, 0.0)
    delay = delay * np.where(is_notified, POINTS_IF_NOTIFIED, 1.0)
    delay = np.where(is_lost, POINTS_LOST, delay)
    return -np.minimum(delay + POINTS_DAMAGED * is_damaged, 90.0)


def _arrival_days(
    ordered_day: Ints, promised: Ints, is_late: Bools, delay: Ints, early: Ints
) -> Ints:
    a_day_early = (early < 0.35 * LEVELS) & (promised - ordered_day > 1)
    on_time = promised - a_day_early
    # A shipment due on the first day after the closure cannot arrive a day earlier.
    on_time = np.minimum(next_open_day()[on_time], promised)
    return np.where(is_late, next_open_day()[promised + delay], on_time)


def _pick_ups(ordered: Ints, pick: Ints) -> Ints:
    """Orders before 17:00 are fetched within hours, later ones the next open morning."""
    day, minute = ordered // MINUTES_A_DAY, ordered % MINUTES_A_DAY
    opening = day * MINUTES_A_DAY + 480
    same_day = np.maximum(ordered, opening) + 45 + pick % 210
    next_morning = next_open_day()[day + 1] * MINUTES_A_DAY + 480 + pick % 120
    is_early = (minute < 1020) & (next_open_day()[day] == day)
    return np.where(is_early, same_day, next_morning)


def _money(
    population: Population,
    who: Ints,
    owner: Ints,
    service: Service,
    weight: Ints,
    noise: Ints,
    cost_level: Ints,
    type_of_service: Ints,
    distance: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Amount and cost in cents, weight in tenths of a kg, each at least 1."""
    listed = (
        population.price[who][owner]
        * AMOUNT_BY_WEIGHT[weight]
        * AMOUNT_NOISE[noise]
        * AMOUNT_BY_SERVICE[type_of_service]
        * (0.88 + 0.10 * distance)
    )
    markup = 1 + service.among(who).by_band(TIERED.price)
    cost = listed * population.cost_share[who][owner] * COST_NOISE[cost_level]
    tenths = population.weight[who][owner] * WEIGHT_LEVELS[weight] * 10
    return (
        np.maximum(np.rint(listed * markup[owner] * 100), 100).astype(np.int64),
        np.clip(np.rint(cost * 100), 100, HIGHEST_COST_CENTS).astype(np.int64),
        np.clip(np.rint(tenths), 1, 9_999_999).astype(np.int64),
    )


@lru_cache(maxsize=1)
def _order_minutes() -> Ints:
    """Levels → minute of the day: most orders between 9:00 and 19:00."""
    by_hour = [0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 1.5, 4, 8, 9, 8, 5, 6, 8, 9, 9, 8, 6, 4, 3, 2, 1, 0.5]
    hour = category_levels(by_hour)
    within = (np.arange(LEVELS) * 40_503) % 60  # spreads minutes evenly within each hour
    return hour * 60 + within


@lru_cache(maxsize=1)
def _destinations() -> Ints:
    """(origin region, level) → destination region: nearly half stays within the region."""
    shares = np.array(REGION_SHARE)
    tables = []
    for origin in range(len(shares)):
        weights = shares * 0.55
        weights[origin] += 0.45
        tables.append(category_levels(list(weights)))
    return np.stack(tables)


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
