"""One run of the simulator: the months in order, each simulated and exported before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from analysis.simulate.custom import Standing
from analysis.simulate.draws import Draws, Floats, Ints
from analysis.simulate.experiments import (
    ACTIVE_MONTHS,
    EXPERIMENTS,
    VALUE_MONTHS,
    Assignment,
    Experiment,
    assign,
)
from analysis.simulate.export_customers import write_crm, write_shippers
from analysis.simulate.export_experiments import write_assignments, write_service_events
from analysis.simulate.export_finance import (
    add_costs,
    add_receivables,
    close_costs,
    note_totals,
    write_totals,
)
from analysis.simulate.export_shipments import (
    codes_array,
    put_in_order,
    write_orders,
    write_transport,
)
from analysis.simulate.export_surveys import add_surveys
from analysis.simulate.export_tickets import TicketBook, write_tickets
from analysis.simulate.export_truth import write_truth
from analysis.simulate.faults import Faults
from analysis.simulate.identities import identities
from analysis.simulate.ledgers import Ledgers
from analysis.simulate.month import MonthEvents, first_standing, run_month
from analysis.simulate.population import Population, populate
from analysis.simulate.potential_outcomes import Effect, true_effects
from analysis.simulate.records import Records, crm_records, parents, shipper_records
from analysis.simulate.seasons import MINUTES_A_DAY, Month
from analysis.simulate.service import Service, uniform_service

Progress = Callable[[str, int], None]
FOLDERS = (
    "crm",
    "experiments",
    "finance",
    "orders",
    "service",
    "surveys",
    "tickets",
    "transport",
)


@dataclass(frozen=True)
class _Company:
    """What does not change over the months."""

    population: Population
    crm: Records
    shippers: Records
    codes: pa.Array
    end: int  # first minute after the record


@dataclass
class _Course:
    """What grows as the months pass."""

    standing: Standing
    left_on: Ints
    ledgers: Ledgers
    book: TicketBook
    shipments: list[Ints]
    revenue: list[Floats]
    assignments: list[Assignment]
    effects: list[Effect]
    rows: dict[str, int]
    before: MonthEvents | None = None
    repeated: pa.Table | None = None


@dataclass(frozen=True)
class Run:
    """Where a company is written, by which randomness and with which errors."""

    folder: Path
    truth: Path
    draws: Draws
    faults: Faults
    progress: Progress

    def write(self, customers: int, months: tuple[Month, ...], rate: float) -> dict[str, int]:
        """Write every file of the company and of its truth; returns good rows by table."""
        for name in FOLDERS:
            (self.folder / name).mkdir()
        population = populate(self.draws, customers, months, rate)
        crm = crm_records(self.draws, population)
        shippers = shipper_records(self.draws, population)
        end = (months[-1].first_day + months[-1].days) * MINUTES_A_DAY
        firm = _Company(population, crm, shippers, codes_array(len(crm)), end)
        course = _start(customers)
        self._customer_files(firm, course)
        for month in months:
            self._begin_experiments(firm, course, month, months)
            service = _service_in(month, course.assignments, population)
            events = run_month(self.draws, population, course.standing, month, service)
            self._month_files(firm, course, events, is_last=month == months[-1])
            _remember(course, events)
        self._closing_files(firm, course, months)
        return course.rows

    def _count(self, course: _Course, table: str, rows: int, part: str = "") -> None:
        course.rows[table] = course.rows.get(table, 0) + rows
        self.progress(f"{table} {part}".strip(), rows)

    def _customer_files(self, firm: _Company, course: _Course) -> None:
        identity = identities(self.draws, firm.population)
        parent = parents(self.draws, firm.population)
        where = (self.folder, self.faults, self.draws)
        rows = write_crm(*where, firm.population, identity, firm.crm, parent)
        self._count(course, "customers", rows)
        self._count(course, "shippers", write_shippers(*where, identity, firm.shippers))

    def _begin_experiments(
        self, firm: _Company, course: _Course, month: Month, months: tuple[Month, ...]
    ) -> None:
        """Assign the units of an experiment that starts this month and find its true effects."""
        for experiment in EXPERIMENTS:
            if experiment.months()[0] != month or not experiment.fits(months):
                continue
            assert course.before is not None  # an experiment fits only after months of lead
            assignment = self._assignment(firm, course, experiment)
            course.assignments.append(assignment)
            course.effects += true_effects(
                self.draws, firm.population, assignment, course.standing, course.before, firm.end
            )
            self.progress(f"true effects of {experiment.id}", len(assignment.units))

    def _assignment(self, firm: _Company, course: _Course, experiment: Experiment) -> Assignment:
        recent = np.sum(course.shipments[-ACTIVE_MONTHS:], axis=0)
        value = np.sum(course.revenue[-VALUE_MONTHS:], axis=0)
        return assign(self.draws, firm.population, experiment, recent, value)

    def _month_files(
        self, firm: _Company, course: _Course, events: MonthEvents, *, is_last: bool
    ) -> None:
        folder, faults, end, ledgers = self.folder, self.faults, firm.end, course.ledgers
        population, crm = firm.population, firm.crm
        orders = put_in_order(events, population, crm, firm.shippers)
        surely = course.before is None
        repeated = write_orders(
            folder, faults, events, orders, population, firm.codes, course.repeated, surely=surely
        )
        course.repeated = None if is_last else repeated
        write_transport(folder, faults, events, orders, end, surely=surely)
        course.book.add(events, orders, end)
        surveys = add_surveys(ledgers, folder, faults, events, orders, end)
        costs = add_costs(ledgers, folder, faults, events, crm)
        invoices = add_receivables(
            ledgers, folder, faults, self.draws, events, population, crm, end
        )
        note_totals(ledgers, events)
        self._count(course, "shipments", len(events.shipments), events.month.name)
        for table, rows in (("surveys", surveys), ("costs", costs), ("receivables", invoices)):
            course.rows[table] = course.rows.get(table, 0) + rows

    def _closing_files(self, firm: _Company, course: _Course, months: tuple[Month, ...]) -> None:
        folder, faults = self.folder, self.faults
        population, crm, arms = firm.population, firm.crm, course.assignments
        close_costs(folder, faults, course.ledgers)
        write_totals(folder, faults, course.ledgers)
        self._count(course, "tickets", write_tickets(folder, faults, course.book, months))
        rows = write_assignments(folder, faults, population, crm, arms)
        self._count(course, "assignments", rows)
        rows = write_service_events(folder, faults, self.draws, population, crm, arms)
        self._count(course, "service_events", rows)
        write_truth(
            self.truth, population, crm, firm.shippers, course.left_on, course.effects, faults
        )


def _start(customers: int) -> _Course:
    return _Course(
        standing=first_standing(customers),
        left_on=np.full(customers, -1),
        ledgers=Ledgers(),
        book=TicketBook(),
        shipments=[],
        revenue=[],
        assignments=[],
        effects=[],
        rows={},
    )


def _remember(course: _Course, events: MonthEvents) -> None:
    """Keep what later months need of this one."""
    size, owner = len(course.left_on), events.who[events.shipments.owner]
    counts = np.bincount(owner, minlength=size)
    yuan = np.bincount(owner, events.shipments.amount_cents / 100, minlength=size)
    course.shipments = [*course.shipments, counts][-VALUE_MONTHS:]
    course.revenue = [*course.revenue, yuan.astype(np.float64)][-VALUE_MONTHS:]
    leaves = events.custom.leaves
    course.left_on[events.who[leaves]] = (events.month.first_day + events.custom.to_day)[leaves]
    course.standing, course.before = events.standing, events


def _service_in(month: Month, assignments: list[Assignment], population: Population) -> Service:
    for assignment in assignments:
        if month in assignment.experiment.months():
            return assignment.service(population)
    return uniform_service(len(population))
