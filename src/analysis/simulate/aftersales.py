"""What follows a shipment: tickets, their answers, and the surveys about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.custom import Standing
from analysis.simulate.draws import (
    LEVELS,
    Bools,
    Draws,
    Floats,
    Ints,
    mixed,
    normal_levels,
    quarters,
)
from analysis.simulate.population import Population
from analysis.simulate.seasons import MINUTES_A_DAY, Month
from analysis.simulate.service import TIERED, Service
from analysis.simulate.shipping import NEVER, Shipments

CATEGORIES = ("延误", "破损", "丢失", "服务", "其他")
DELAY, DAMAGE, LOSS, CONDUCT, OTHER = range(5)

# Chance of a ticket per mishap; with the mishaps' frequency this makes delay about 45 % of
# tickets, damage and loss about 30 %.
TICKET_PER_LATE, TICKET_PER_DELAY_DAY, TICKET_MOST = 0.055, 0.030, 0.35
TICKET_IF_NOTIFIED = 0.60
TICKET_PER_DAMAGE, TICKET_PER_LOSS = 0.30, 0.80
TICKET_CONDUCT, TICKET_OTHER = 0.0037, 0.0025

USUAL_RESPONSE_MINUTES, RESPONSE_SPREAD = 300.0, 1.15
RESOLUTION_MINUTES, RESOLUTION_SPREAD = 840.0, 0.9
PEAK_RESPONSE = {1: 1.15, 6: 1.15, 11: 1.35, 12: 1.1}  # by calendar month
QUICK_MINUTES, SLOW_MINUTES = 30, 1440
POINTS_QUICK, POINTS_SLOW, POINTS_USUAL = 10.0, -20.0, -6.0

INVITED_SHARE = 0.78
# Log odds of answering. All but the last is known before an experiment starts (size, readiness
# shown by earlier answers, standing satisfaction shown by earlier scores).
ANSWER_LOG_ODDS = -0.75
ANSWER_BY_BAND = (0.80, 0.30, 0.0)
ANSWER_PER_ENGAGEMENT = 0.55
ANSWER_PER_GOODWILL = 0.25
ANSWER_PER_POINT = 0.004  # of this shipment's points: the part that weights cannot remove

NPS_LEVEL, NPS_PER_GOODWILL, NPS_PER_POINT, NPS_NOISE = 7.55, 0.85, 0.045, 1.25
CSAT_LEVEL, CSAT_PER_GOODWILL, CSAT_NOISE = 76.0, 7.0, 13.0
STANDING_WEIGHT = 0.35  # of recent experience, beside the shipment asked about
ITEM_NOISE = 0.7
COMMENT_SHARE = 0.35


@dataclass(frozen=True)
class Tickets:
    """One row a ticket of the month's shipments. Times in minutes since the epoch.

    Attributes:
        shipment: row of the month's shipments.
        category: number into CATEGORIES.
        opened, responded, resolved: minutes.
        solved_at_once: resolved at first contact.
        names_waybill: the ticket states the waybill.
    """

    shipment: Ints
    category: Ints
    opened: Ints
    responded: Ints
    resolved: Ints
    solved_at_once: Bools
    names_waybill: Bools

    def __len__(self) -> int:
        return len(self.shipment)


@dataclass(frozen=True)
class Surveys:
    """One row an invitation about one of the month's shipments.

    Attributes:
        owner: position in the month's list of customers.
        shipment: row of the month's shipments.
        sent: minutes since the epoch; answered: minutes, NEVER if silent.
        answer_chance: chance of an answer.
        nps, csat: the scores given, or that would have been given.
        items: three columns, on time, communication, after-sales (1-5).
        comment: 0 none, else a level to choose words by.
    """

    owner: Ints
    shipment: Ints
    sent: Ints
    answered: Ints
    answer_chance: Floats
    nps: Ints
    csat: Ints
    items: Ints
    comment: Ints

    def __len__(self) -> int:
        return len(self.owner)


def complain(shipments: Shipments, who: Ints, month: Month, service: Service) -> Tickets:
    """Draw the tickets that the month's shipments cause, at most one each."""
    first, second, third, fourth = quarters(mixed(shipments.key + np.uint64(11)))
    factor = service.ticket_factor()[who][shipments.owner]
    category = _ticket_category(shipments, factor, first, second)
    rows = np.flatnonzero(category >= 0)
    category, owner = category[rows], shipments.owner[rows]
    opened = _ticket_opened(shipments, rows, category, third[rows])
    late_words = quarters(mixed(shipments.key[rows] + np.uint64(12)))
    median = USUAL_RESPONSE_MINUTES * PEAK_RESPONSE.get(month.number, 1.0)
    wait = median * service.response_factor()[who][owner]
    wait = wait * np.exp(RESPONSE_SPREAD * normal_levels()[late_words[0]])
    responded = opened + np.maximum(np.rint(wait), 2).astype(np.int64)
    at_once = late_words[2] < np.where(wait < 120, 0.70, 0.45) * LEVELS
    work = RESOLUTION_MINUTES * np.exp(RESOLUTION_SPREAD * normal_levels()[late_words[1]])
    work = np.where(at_once, work * 0.15, work)
    return Tickets(
        shipment=rows,
        category=category,
        opened=opened,
        responded=responded,
        resolved=responded + np.maximum(np.rint(work), 3).astype(np.int64),
        solved_at_once=at_once,
        names_waybill=(category < CONDUCT) | (fourth[rows] < 0.5 * LEVELS),
    )


def _ticket_category(shipments: Shipments, factor: Floats, first: Ints, second: Ints) -> Ints:
    """Category of the ticket each shipment causes, −1 where it causes none."""
    by_delay = TICKET_PER_LATE + TICKET_PER_DELAY_DAY * shipments.delay_days
    by_delay = np.minimum(by_delay, TICKET_MOST) * (shipments.delay_days > 0)
    by_delay = by_delay * np.where(shipments.notified >= 0, TICKET_IF_NOTIFIED, 1.0)
    chance = np.where(shipments.damaged, TICKET_PER_DAMAGE, by_delay)
    chance = np.where(shipments.lost, TICKET_PER_LOSS, chance) * factor
    cause = np.where(shipments.lost, LOSS, np.where(shipments.damaged, DAMAGE, DELAY))
    category = np.where(first < chance * LEVELS, cause, -1)
    plain = category < 0
    is_conduct = plain & (second < TICKET_CONDUCT * factor * LEVELS)
    is_other = plain & (second >= LEVELS * (1 - TICKET_OTHER * factor))
    return np.where(is_conduct, CONDUCT, np.where(is_other, OTHER, category))


def _ticket_opened(shipments: Shipments, rows: Ints, category: Ints, level: Ints) -> Ints:
    """Delays are reported when the promise breaks, losses days later, the rest on delivery."""
    promised = shipments.promised_day[rows] * MINUTES_A_DAY
    delivered = shipments.delivered[rows]
    broken = promised + MINUTES_A_DAY + 510 + level % 600
    missing = promised + 3 * MINUTES_A_DAY + 510 + level % 600
    later = np.where(delivered >= 0, delivered, promised + 1200) + 5 + level % 1500
    return np.where(category == DELAY, broken, np.where(category == LOSS, missing, later))


def points_with_tickets(shipments: Shipments, tickets: Tickets) -> Floats:
    """Points of each shipment once the answer to its ticket counts: quick mends, slow hurts."""
    wait = tickets.responded - tickets.opened
    answer = np.where(wait <= QUICK_MINUTES, POINTS_QUICK, POINTS_USUAL)
    answer = np.where(wait > SLOW_MINUTES, POINTS_SLOW, answer)
    points = shipments.points.copy()
    points[tickets.shipment] += answer
    return points


def ask(
    draws: Draws,
    population: Population,
    who: Ints,
    standing: Standing,
    shipments: Shipments,
    tickets: Tickets,
    points: Floats,
    month: Month,
    service: Service,
) -> Surveys:
    """Invite most customers that received something this month, about one of the shipments."""
    owner, shipment = _invitations(draws, who, shipments, month)
    ids = who[owner]
    felt = points[shipment]
    latent = standing_opinion(population, ids, standing, service) + NPS_PER_POINT * felt
    latent = latent + NPS_NOISE * draws.normal("nps", ids, month.ordinal)
    csat_points = (
        CSAT_LEVEL
        + CSAT_PER_GOODWILL * population.goodwill[ids]
        + service.among(ids).by_band(TIERED.csat_shift)
        + felt
        + STANDING_WEIGHT * standing.experience[ids]
        + CSAT_NOISE * draws.normal("csat", ids, month.ordinal)
    )
    chance = answer_chance(population, ids, felt)
    sent = (shipments.delivered[shipment] // MINUTES_A_DAY + 1) * MINUTES_A_DAY + 600
    delay = 20 + 900 * np.exp(1.1 * draws.normal("answer delay", ids, month.ordinal))
    answers = draws.uniform("answer", ids, month.ordinal) < chance
    level = draws.levels("comment", ids, month.ordinal)
    return Surveys(
        owner=owner,
        shipment=shipment,
        sent=sent + draws.levels("sent", ids, month.ordinal) % 45,
        answered=np.where(answers, sent + 45 + delay.astype(np.int64), NEVER),
        answer_chance=chance,
        nps=to_nps_score(latent),
        csat=_to_five(csat_points),
        items=_items(draws, ids, month, shipments, tickets, shipment, csat_points),
        comment=np.where(level < COMMENT_SHARE * LEVELS, level + 1, 0),
    )


def _invitations(draws: Draws, who: Ints, shipments: Shipments, month: Month) -> tuple[Ints, Ints]:
    """Owners invited and the row of the shipment each is asked about; lost ones are not asked."""
    counts = np.bincount(shipments.owner, minlength=len(who))
    first_row = np.cumsum(counts) - counts
    invited = draws.uniform("invited", who, month.ordinal) < INVITED_SHARE
    owner = np.flatnonzero(invited & (counts > 0))
    place = draws.uniform("asked about", who[owner], month.ordinal) * counts[owner]
    shipment = first_row[owner] + place.astype(np.int64)
    arrived = shipments.delivered[shipment] >= 0
    return owner[arrived], shipment[arrived]


def standing_opinion(
    population: Population, ids: Ints, standing: Standing, service: Service
) -> Floats:
    """The latent 0-10 answer before this shipment and this day's mood."""
    return (
        NPS_LEVEL
        + NPS_PER_GOODWILL * population.goodwill[ids]
        + NPS_PER_POINT * STANDING_WEIGHT * standing.experience[ids]
        + service.among(ids).nps_shift()
    )


def to_nps_score(latent: Floats) -> Ints:
    """Round the latent answer to the 0-10 scale."""
    return np.clip(np.rint(latent), 0, 10).astype(np.int64)


def answer_chance(population: Population, ids: Ints, felt: Floats) -> Floats:
    """Chance that an invitation is answered."""
    log_odds = (
        ANSWER_LOG_ODDS
        + np.array(ANSWER_BY_BAND)[population.account_class[ids]]
        + ANSWER_PER_ENGAGEMENT * population.engagement[ids]
        + ANSWER_PER_GOODWILL * population.goodwill[ids]
        + ANSWER_PER_POINT * felt
    )
    return 1 / (1 + np.exp(-log_odds))


def _to_five(points: Floats) -> Ints:
    return np.clip(np.rint(points / 25) + 1, 1, 5).astype(np.int64)


def _items(
    draws: Draws,
    ids: Ints,
    month: Month,
    shipments: Shipments,
    tickets: Tickets,
    shipment: Ints,
    csat_points: Floats,
) -> Ints:
    """Scores of the three items: each leans on what it asks about."""
    delay = np.minimum(shipments.delay_days[shipment], 3)
    told = shipments.notified[shipment] >= 0
    complained = np.isin(shipment, tickets.shipment)
    base = csat_points / 25 + 1
    lean = (0.3 - 0.6 * delay, 0.1 + 0.5 * told - 0.2 * (delay > 0), 0.1 - 0.6 * complained)
    columns = [
        base + shift + ITEM_NOISE * draws.normal("item", ids, month.ordinal, place)
        for place, shift in enumerate(lean)
    ]
    return np.clip(np.rint(np.stack(columns, axis=1)), 1, 5).astype(np.int64)
