"""What tiered service does to those who use it, and what crowding does to those who do not.

These are the planted causes. The effects on the metrics follow from them through shipments,
delays, satisfaction and churn; `potential_outcomes` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.draws import Bools, Floats, Ints

ByBand = tuple[float, float, float]  # large, medium, small


@dataclass(frozen=True)
class TieredService:
    """Causes planted in customers who use the tiered service, by size band where a triple.

    Attributes:
        frequency: relative rise of shipments.
        price: relative rise of revenue per shipment (value-added services), cost unchanged.
        nps_shift: rise of the latent 0-10 answer.
        csat_shift: rise of the latent satisfaction, points of 0-100.
        churn_log_odds: fall of the log odds of leaving in a month.
        agent_yuan: dedicated agent, yuan a month.
        capacity_yuan: priority capacity, yuan a shipment.
        late_log_odds: fall of the log odds of lateness where capacity is shared with others.
        late_log_odds_all: the same where every customer of the depot has priority.
        response_factor: first-response times are multiplied by it.
        ticket_factor: chance of a ticket per mishap is multiplied by it.
        notice_share: share of late shipments announced to the customer.
    """

    frequency: ByBand = (0.08, 0.07, 0.06)
    price: ByBand = (0.036, 0.030, 0.024)
    nps_shift: ByBand = (0.58, 0.42, 0.30)
    csat_shift: ByBand = (8.0, 6.5, 5.0)
    churn_log_odds: ByBand = (1.5, 1.35, 1.2)
    agent_yuan: ByBand = (580.0, 130.0, 20.0)
    capacity_yuan: float = 3.5
    late_log_odds: float = 0.25
    late_log_odds_all: float = 0.10
    response_factor: float = 0.30
    ticket_factor: float = 0.80
    notice_share: float = 0.75


@dataclass(frozen=True)
class Crowding:
    """Causes planted in untreated customers of a depot in which half have priority."""

    late_log_odds: float = 0.34
    ticket_factor: float = 1.15
    response_factor: float = 1.35
    nps_shift: float = -0.04
    churn_log_odds: float = 0.10


TIERED = TieredService()
CROWDED = Crowding()
USUAL_NOTICE_SHARE = 0.30


@dataclass(frozen=True)
class Service:
    """Who is served how in one month; one entry a customer of the company.

    Attributes:
        user: has tiered service and uses it.
        band: size band at assignment (LARGE, MEDIUM, SMALL); meaningless where not a user.
        crowded: untreated in a depot where others have priority.
        shared: the user's priority competes with untreated customers (False: all have it).
    """

    user: Bools
    band: Ints
    crowded: Bools
    shared: Bools

    def among(self, who: Ints) -> Service:
        """The same for some customers only."""
        return Service(self.user[who], self.band[who], self.crowded[who], self.shared[who])

    def by_band(self, values: ByBand, otherwise: float = 0.0) -> Floats:
        """Each user's value by its band; `otherwise` for all who are not users."""
        return np.where(self.user, np.array(values)[self.band], otherwise)

    def late_shift(self) -> Floats:
        """Change of the log odds that a shipment is late."""
        relief = np.where(self.shared, TIERED.late_log_odds, TIERED.late_log_odds_all)
        return np.where(self.user, -relief, np.where(self.crowded, CROWDED.late_log_odds, 0.0))

    def response_factor(self) -> Floats:
        """First-response times are multiplied by it."""
        crowded = np.where(self.crowded, CROWDED.response_factor, 1.0)
        return np.where(self.user, TIERED.response_factor, crowded)

    def ticket_factor(self) -> Floats:
        """The chance of a ticket per mishap is multiplied by it."""
        crowded = np.where(self.crowded, CROWDED.ticket_factor, 1.0)
        return np.where(self.user, TIERED.ticket_factor, crowded)

    def nps_shift(self) -> Floats:
        """Change of the latent 0-10 answer."""
        return self.by_band(TIERED.nps_shift) + np.where(self.crowded, CROWDED.nps_shift, 0.0)

    def churn_shift(self) -> Floats:
        """Change of the log odds of leaving in a month."""
        crowded = np.where(self.crowded, CROWDED.churn_log_odds, 0.0)
        return crowded - self.by_band(TIERED.churn_log_odds)


def uniform_service(customers: int) -> Service:
    """Everyone is served alike: the time outside experiments."""
    nobody = np.zeros(customers, dtype=bool)
    return Service(nobody, np.zeros(customers, dtype=np.int64), nobody, nobody)
