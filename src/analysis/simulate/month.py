"""One month from start to end: customers leave, ship, complain, answer and are served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.aftersales import (
    Surveys,
    Tickets,
    ask,
    complain,
    points_with_tickets,
)
from analysis.simulate.custom import Custom, Standing, custom_of_month, new_standing
from analysis.simulate.draws import Bools, Draws, Ints
from analysis.simulate.population import Population
from analysis.simulate.seasons import Month
from analysis.simulate.service import Service
from analysis.simulate.service_costs import Costs, serve
from analysis.simulate.shipping import Shipments, ship


@dataclass(frozen=True)
class MonthEvents:
    """Everything that began in one month.

    Attributes:
        month: which month.
        who: ids of the customers that were registered and had not left when it began.
        custom, shipments, tickets, surveys, costs: what happened; `owner` counts within `who`.
        standing: of all customers when the month has ended.
    """

    month: Month
    who: Ints
    custom: Custom
    shipments: Shipments
    tickets: Tickets
    surveys: Surveys
    costs: Costs
    standing: Standing


def first_standing(customers: int) -> Standing:
    """Nobody has left; experience starts at its usual level."""
    return Standing(np.ones(customers, dtype=bool), np.full(customers, -3.0))


def run_month(
    draws: Draws,
    population: Population,
    standing: Standing,
    month: Month,
    service: Service,
    members: Bools | None = None,
) -> MonthEvents:
    """Simulate one month.

    Args:
        standing: of all customers when the month begins.
        service: how all customers are served in it.
        members: simulate these customers only (one flag a customer); all when None.

    Returns:
        The month's events; the same draws for the same customers whoever else is simulated.
    """
    here = standing.alive & (population.onboard_day < month.first_day + month.days)
    who = np.flatnonzero(here if members is None else here & members)
    custom = custom_of_month(draws, population, who, standing, month, service)
    shipments = ship(draws, population, who, custom, month, service)
    tickets = complain(shipments, who, month, service)
    points = points_with_tickets(shipments, tickets)
    return MonthEvents(
        month=month,
        who=who,
        custom=custom,
        shipments=shipments,
        tickets=tickets,
        surveys=ask(draws, population, who, standing, shipments, tickets, points, month, service),
        costs=serve(draws, population, who, shipments, tickets, month, service),
        standing=new_standing(standing, who, custom, shipments.owner, points),
    )
