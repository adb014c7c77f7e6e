"""Service costs: what account staff, visits, claims, tickets and priority capacity cost a month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.aftersales import CONDUCT, DELAY, Tickets
from analysis.simulate.draws import Draws, Floats, Ints
from analysis.simulate.population import Population
from analysis.simulate.seasons import Month
from analysis.simulate.service import TIERED, Service
from analysis.simulate.shipping import Shipments

ACTIVITIES = ("客服专员", "优先运力", "理赔", "客户拜访", "工单处理")
AGENT, CAPACITY, CLAIMS, VISITS, DESK = range(5)

USUAL_AGENT_YUAN = (210.0, 55.0, 0.0)  # by account class, in months with shipments
VISIT_CHANCE = (0.25, 0.06, 0.0)
VISIT_YUAN = 320.0
TICKET_YUAN = 25.0
CLAIM_SHARE, HIGHEST_CLAIM_YUAN = 0.60, 5000.0  # of the shipment's amount


@dataclass(frozen=True)
class Costs:
    """One row a customer and activity with a cost in the month.

    Attributes:
        owner: position in the month's list of customers.
        activity: number into ACTIVITIES.
        yuan: whole yuan, at least 1.
    """

    owner: Ints
    activity: Ints
    yuan: Ints


def serve(
    draws: Draws,
    population: Population,
    who: Ints,
    shipments: Shipments,
    tickets: Tickets,
    month: Month,
    service: Service,
) -> Costs:
    """Book the month's service costs."""
    by_activity = _yuan_by_activity(draws, population, who, shipments, tickets, month, service)
    rounded = np.rint(by_activity).astype(np.int64)
    owner, activity = np.nonzero(rounded > 0)
    return Costs(owner=owner, activity=activity, yuan=rounded[owner, activity])


def _yuan_by_activity(
    draws: Draws,
    population: Population,
    who: Ints,
    shipments: Shipments,
    tickets: Tickets,
    month: Month,
    service: Service,
) -> Floats:
    """Yuan, one row for each of `who`, one column for each activity."""
    served, account = service.among(who), population.account_class[who]
    counts = np.bincount(shipments.owner, minlength=len(who))
    noise = np.exp(0.15 * draws.normal("cost", who, month.ordinal))
    visits = draws.uniform("visit", who, month.ordinal) < np.array(VISIT_CHANCE)[account]
    yuan = np.zeros((len(who), len(ACTIVITIES)))
    yuan[:, AGENT] = np.array(USUAL_AGENT_YUAN)[account] + served.by_band(TIERED.agent_yuan)
    yuan[:, AGENT] *= noise * (counts > 0)
    yuan[:, CAPACITY] = np.where(served.user, TIERED.capacity_yuan * counts, 0.0)
    yuan[:, CLAIMS] = _claims(who, shipments, tickets)
    yuan[:, VISITS] = VISIT_YUAN * noise * (visits & (counts > 0))
    ticket_owner = shipments.owner[tickets.shipment]
    yuan[:, DESK] = TICKET_YUAN * np.bincount(ticket_owner, minlength=len(who))
    return yuan


def _claims(who: Ints, shipments: Shipments, tickets: Tickets) -> Floats:
    """Damage and loss are compensated up to a limit, to those who complain."""
    claimed = tickets.shipment[(tickets.category > DELAY) & (tickets.category < CONDUCT)]
    paid = np.minimum(CLAIM_SHARE * shipments.amount_cents[claimed] / 100, HIGHEST_CLAIM_YUAN)
    return np.bincount(shipments.owner[claimed], weights=paid, minlength=len(who)).astype(
        np.float64
    )
