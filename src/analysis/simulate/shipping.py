"""Shipping: what is sent in a month, when it arrives, what goes wrong, what it brings and costs.

Every draw depends only on the customer, the month and the shipment's number, so the same customer
under another arm of an experiment meets the same luck.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from analysis.simulate.custom import Custom
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
    quarters,
)
from analysis.simulate.population import (
    REGION_SHARE,
    Population,
)
from analysis.simulate.seasons import (
    CONSUMER,
    INDUSTRY,
    MINUTES_A_DAY,
    Month,
    congestion_by_day,
    day_levels,
    next_open_day,
)
from analysis.simulate.service import TIERED, USUAL_NOTICE_SHARE, Service

SERVICE_TYPES = ("标准", "特快", "经济")
CARGO_TYPES = ("普货", "易碎品", "冷链", "电子产品", "大件", "文件")
NEVER = -1  # a time that did not come to pass

LATE_LOG_ODDS = -2.10
LATE_DEPOT_SPREAD, LATE_MONTH_SPREAD, LATE_CUSTOMER_SPREAD = 0.20, 0.15, 0.25
LATE_BY_SERVICE = np.array([1.0, 1.15, 0.9])
DELAY_DAYS = category_levels([0.50, 0.24, 0.12, 0.06, 0.03, 0.02, 0.015, 0.01, 0.005]) + 1
PROMISE_DAYS = (2, 1, 4)  # by service, within the region
EARLY_SHARE = 0.35
DELAY_OF_LOST = 5  # days that a loss counts for
FIRST_ARRIVAL, ARRIVALS_WITHIN = 660, 571  # minutes of the day: 11:00 to 20:30
FIRST_NOTICE, NOTICES_WITHIN = 540, 600
USUAL_CARGO_SHARE = 0.8
# fmt: off
ORDERS_BY_HOUR = (0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 1.5, 4, 8, 9, 8,
                  5, 6, 8, 9, 9, 8, 6, 4, 3, 2, 1, 0.5)
# fmt: on
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
class _Levels:
    """Independent draws of each shipment, 0 … 65,535, named by what they decide."""

    minute: Ints
    place: Ints
    service: Ints
    weight: Ints
    amount: Ints
    late: Ints
    delay: Ints
    mishap: Ints
    notice: Ints
    early: Ints
    pick_up: Ints
    cargo: Ints
    arrival: Ints
    cost: Ints


@dataclass(frozen=True)
class _Drawn:
    """The month's shipments before anything is made of their draws."""

    owner: Ints
    key: Keys
    ordered_day: Ints
    levels: _Levels


@dataclass(frozen=True)
class _Kind:
    """What is sent: numbers of service, cargo and destination; distance 0 within the region."""

    service: Ints
    cargo: Ints
    destination: Ints
    distance: Ints


def ship(
    draws: Draws,
    population: Population,
    who: Ints,
    custom: Custom,
    month: Month,
    service: Service,
) -> Shipments:
    """Draw the shipments of the month.

    Args:
        who: ids of the month's customers; `custom` has one entry for each.
        service: of all customers of the company.

    Returns:
        One row a shipment, customers in order, in no particular order of time.
    """
    drawn = _drawn(draws, population, who, custom, month)
    kind = _kinds(population, who, drawn)
    late_chance = late_chances(draws, population, who, month, service.among(who))
    promised = _promised_days(drawn, kind)
    damaged, lost = _mishaps(drawn, kind)
    arrival_day, late = _arrival_days(drawn, kind, promised, late_chance)
    delay_days = np.where(lost, DELAY_OF_LOST, np.maximum(arrival_day - promised, 0))
    notified = _is_notified(drawn, who, service, late | lost)
    arrival = arrival_day * MINUTES_A_DAY + FIRST_ARRIVAL + drawn.levels.arrival % ARRIVALS_WITHIN
    notice = promised * MINUTES_A_DAY + FIRST_NOTICE + drawn.levels.arrival % NOTICES_WITHIN
    ordered = drawn.ordered_day * MINUTES_A_DAY + _order_minutes()[drawn.levels.minute]
    amount, cost, weight = _money(population, who, drawn, kind, service)
    return Shipments(
        owner=drawn.owner,
        key=drawn.key,
        ordered=ordered,
        picked_up=_pick_ups(ordered, drawn.levels.pick_up),
        delivered=np.where(lost, NEVER, arrival),
        notified=np.where(notified, notice, NEVER),
        promised_day=promised,
        delay_days=delay_days,
        service=kind.service,
        cargo=kind.cargo,
        destination=kind.destination,
        weight_dg=weight,
        amount_cents=amount,
        cost_cents=cost,
        damaged=damaged,
        lost=lost,
        points=transport_points(delay_days, notified, damaged, lost),
    )


def _drawn(draws: Draws, population: Population, who: Ints, custom: Custom, month: Month) -> _Drawn:
    """Number each customer's shipments, draw their days, drop those outside its custom."""
    owner = np.repeat(np.arange(len(who)), custom.counts)
    starts = np.cumsum(custom.counts) - custom.counts
    slot = np.arange(len(owner)) - np.repeat(starts, custom.counts)
    base = draws.keys("shipment", who, month.ordinal)
    key = mixed(base[owner] + (slot.astype(np.uint64) + np.uint64(1)) * GOLDEN)
    days = np.stack([day_levels(month, CONSUMER), day_levels(month, INDUSTRY)])
    day = days[population.kind[who][owner], (key >> np.uint64(48)).astype(np.int64)]
    ships = (day >= custom.from_day[owner]) & (day < custom.to_day[owner])
    if not ships.all():
        owner, key, day = owner[ships], key[ships], day[ships]
    words = [quarters(mixed(key + np.uint64(number))) for number in (1, 2, 3, 4)]
    levels = [level for word in words for level in word]
    return _Drawn(owner, key, month.first_day + day, _Levels(*levels[: len(fields(_Levels))]))


def _kinds(population: Population, who: Ints, drawn: _Drawn) -> _Kind:
    levels, origin = drawn.levels, population.region[who][drawn.owner]
    destination = _destinations()[origin, levels.place]
    usual = population.main_cargo[who][drawn.owner]
    is_usual = levels.cargo < USUAL_CARGO_SHARE * LEVELS
    return _Kind(
        service=SERVICE_LEVELS[levels.service],
        cargo=np.where(is_usual, usual, levels.cargo % len(CARGO_TYPES)),
        destination=destination,
        distance=np.where(destination == origin, 0, 1 + (levels.place & 1)),
    )


def _promised_days(drawn: _Drawn, kind: _Kind) -> Ints:
    """Day on whose end the promise ends; never a closed day."""
    days = np.array(PROMISE_DAYS)[kind.service] + kind.distance
    return next_open_day()[drawn.ordered_day + days]


def _mishaps(drawn: _Drawn, kind: _Kind) -> tuple[Bools, Bools]:
    """Which shipments are damaged, which are lost; never both."""
    level = drawn.levels.mishap
    edge = LOST_SHARE + DAMAGED_SHARE * DAMAGE_BY_CARGO[kind.cargo]
    lost = level < LOST_SHARE * LEVELS
    return ~lost & (level < edge * LEVELS), lost


def _arrival_days(
    drawn: _Drawn, kind: _Kind, promised: Ints, late_chance: Floats
) -> tuple[Ints, Bools]:
    """Day of arrival, and whether the shipment is late; arrivals need an open depot."""
    levels = drawn.levels
    chance = late_chance[drawn.owner] * congestion_by_day()[drawn.ordered_day]
    late = levels.late < chance * LATE_BY_SERVICE[kind.service] * LEVELS
    has_time = promised - drawn.ordered_day > 1
    early = has_time & (levels.early < EARLY_SHARE * LEVELS)
    # What is due on the first day after a closure cannot arrive the day before.
    on_time = np.minimum(next_open_day()[promised - early], promised)
    return np.where(late, next_open_day()[promised + DELAY_DAYS[levels.delay]], on_time), late


def _is_notified(drawn: _Drawn, who: Ints, service: Service, troubled: Bools) -> Bools:
    share = np.where(service.user[who], TIERED.notice_share, USUAL_NOTICE_SHARE)[drawn.owner]
    return troubled & (drawn.levels.notice < share * LEVELS)


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


def _pick_ups(ordered: Ints, pick: Ints) -> Ints:
    """Orders before 17:00 are fetched within hours, later ones the next open morning."""
    day, minute = ordered // MINUTES_A_DAY, ordered % MINUTES_A_DAY
    opening = day * MINUTES_A_DAY + 480
    same_day = np.maximum(ordered, opening) + 45 + pick % 210
    next_morning = next_open_day()[day + 1] * MINUTES_A_DAY + 480 + pick % 120
    is_early = (minute < 1020) & (next_open_day()[day] == day)
    return np.where(is_early, same_day, next_morning)


def _money(
    population: Population, who: Ints, drawn: _Drawn, kind: _Kind, service: Service
) -> tuple[Ints, Ints, Ints]:
    """Amount and cost in cents, weight in tenths of a kg, each at least 1."""
    levels, owner = drawn.levels, drawn.owner
    listed = (
        population.price[who][owner]
        * AMOUNT_BY_WEIGHT[levels.weight]
        * AMOUNT_NOISE[levels.amount]
        * AMOUNT_BY_SERVICE[kind.service]
        * (0.88 + 0.10 * kind.distance)
    )
    markup = 1 + service.among(who).by_band(TIERED.price)
    cost = listed * population.cost_share[who][owner] * COST_NOISE[levels.cost]
    tenths = population.weight[who][owner] * WEIGHT_LEVELS[levels.weight] * 10
    return (
        np.maximum(np.rint(listed * markup[owner] * 100), 100).astype(np.int64),
        np.clip(np.rint(cost * 100), 100, HIGHEST_COST_CENTS).astype(np.int64),
        np.clip(np.rint(tenths), 1, 9_999_999).astype(np.int64),
    )


@lru_cache(maxsize=1)
def _order_minutes() -> Ints:
    """Levels → minute of the day: most orders between 9:00 and 19:00."""
    hour = category_levels(list(ORDERS_BY_HOUR))
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
