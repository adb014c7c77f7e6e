"""The two experiments: who takes part, who gets tiered service, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from analysis.simulate.draws import Bools, Draws, Floats, Ints
from analysis.simulate.population import BANDS, REGIONS, Population, band_by_value
from analysis.simulate.seasons import Month, day_of, month_at
from analysis.simulate.service import Service

RUN_MONTHS = 6
LEAD_MONTHS = 3  # of history that an experiment needs before its assignment
ACTIVE_MONTHS = 2  # units have shipped within so many months before assignment
VALUE_MONTHS = 6  # size bands rank the revenue of so many months before assignment
SHARES = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Experiment:
    """One experiment of the company.

    Attributes:
        id: its name in `assignments.csv`.
        starts: date of assignment, the first of a month.
        by_depot: saturation design over depots; otherwise randomised by customer.
    """

    id: str
    starts: dt.date
    by_depot: bool

    @property
    def first_day(self) -> int:
        """Day of assignment since the epoch."""
        return day_of(self.starts)

    def months(self) -> tuple[Month, ...]:
        """The months in which it is served."""
        first = (self.starts.year - 2019) * 12 + self.starts.month - 1
        return tuple(month_at(first + step) for step in range(RUN_MONTHS))

    def fits(self, months: tuple[Month, ...]) -> bool:
        """Whether the company's record holds enough months before the assignment."""
        ordinals = [month.ordinal for month in months]
        first = self.months()[0].ordinal
        return first in ordinals and ordinals.index(first) >= LEAD_MONTHS


EXPERIMENTS = (
    Experiment("tiered-2025", dt.date(2025, 4, 1), by_depot=False),
    Experiment("depot-2026", dt.date(2026, 5, 1), by_depot=True),
)


@dataclass(frozen=True)
class Assignment:
    """Who takes part in an experiment; one entry a unit, in order of customer id.

    Attributes:
        experiment: which one.
        units: customer ids.
        treated: assigned to tiered service.
        share: the depot's drawn share (saturation design), else NaN.
        treated_at_half: what the hash deals the unit where the share is one half.
        band: LARGE, MEDIUM or SMALL by revenue before assignment.
        stratum: number into `strata`.
        strata: names of strata.
    """

    experiment: Experiment
    units: Ints
    treated: Bools
    share: Floats
    treated_at_half: Bools
    band: Ints
    stratum: Ints
    strata: tuple[str, ...]

    def members(self, customers: int) -> Bools:
        """One flag a customer of the company: takes part."""
        flags = np.zeros(customers, dtype=bool)
        flags[self.units] = True
        return flags

    def service(self, population: Population) -> Service:
        """Service as assigned."""
        crowded = self.experiment.by_depot & (self.share == 0.5) & ~self.treated
        shared = (self.share == 0.5) if self.experiment.by_depot else np.ones_like(crowded)
        return self._service(population, self.treated, crowded, shared)

    def service_if(
        self, population: Population, *, treated: bool, crowded: bool, shared: bool
    ) -> Service:
        """Service in a world where every unit has the same arm and surroundings."""
        every = np.ones(len(self.units), dtype=bool)
        return self._service(population, every & treated, every & crowded, every & shared)

    def _service(
        self, population: Population, treated: Bools, crowded: Bools, shared: Bools
    ) -> Service:
        customers = len(population)
        user, tight, common = (np.zeros(customers, dtype=bool) for _ in range(3))
        band = np.zeros(customers, dtype=np.int64)
        user[self.units] = treated & population.complier[self.units]
        band[self.units] = self.band
        tight[self.units], common[self.units] = crowded, shared
        return Service(user, band, tight, common)


def assign(
    draws: Draws,
    population: Population,
    experiment: Experiment,
    recent_shipments: Ints,
    recent_revenue: Floats,
) -> Assignment:
    """Choose the units and deal the arms.

    Args:
        recent_shipments: shipments in the ACTIVE_MONTHS before.
        recent_revenue: revenue in the VALUE_MONTHS before, yuan.

    Returns:
        One entry a unit.
    """
    # A customer that has left may still be on the books: the company cannot know yet. It takes
    # part if it shipped lately, as a real assignment would have it.
    units = np.flatnonzero((recent_shipments > 0) & (population.onboard_day < experiment.first_day))
    band = band_by_value(recent_revenue[units])
    ticket = draws.keys(f"deal {experiment.id}", units)
    if not experiment.by_depot:
        strata = tuple(f"{size}|{region}" for size in BANDS for region in REGIONS)
        stratum = band * len(REGIONS) + population.region[units]
        treated = _dealt_in_turn(stratum, ticket)
        nothing = np.full(len(units), np.nan)
        return Assignment(experiment, units, treated, nothing, treated, band, stratum, strata)
    depot = population.depot[units]
    share = _depot_shares(draws, experiment, len(population.depot_region))[depot]
    at_half = _dealt_in_turn(depot, ticket)
    treated = np.where(share == 0.5, at_half, share == 1.0)
    return Assignment(experiment, units, treated, share, at_half, band, band, BANDS)


def _dealt_in_turn(stratum: Ints, ticket: np.ndarray) -> Bools:
    """Rank by hash within each stratum and deal the arms in turn; the hash decides who begins."""
    order = np.lexsort((ticket, stratum))
    grouped = stratum[order]
    first = np.searchsorted(grouped, grouped, side="left")
    place = np.arange(len(order)) - first
    starts_treated = (ticket[order][first] >> np.uint64(7)) & np.uint64(1)
    dealt = np.empty(len(order), dtype=bool)
    dealt[order] = (place + starts_treated.astype(np.int64)) % 2 == 0
    return dealt


def _depot_shares(draws: Draws, experiment: Experiment, depots: int) -> Floats:
    """Each depot's share: a third of depots each, in an order drawn by hash."""
    order = np.argsort(draws.keys(f"shares {experiment.id}", np.arange(depots)), kind="stable")
    shares = np.empty(depots)
    shares[order] = np.array(SHARES)[np.arange(depots) % len(SHARES)]
    return shares
