"""`company`: simulate the whole company and write its files and its truth."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from analysis.simulate import export_service as service_files
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
from analysis.simulate.export_shipments import (
    codes_array,
    put_in_order,
    write_orders,
    write_transport,
)
from analysis.simulate.export_truth import write_truth
from analysis.simulate.faults import Faults, faults_of
from analysis.simulate.identities import identities
from analysis.simulate.month import MonthEvents, first_standing, run_month
from analysis.simulate.operations import Standing
from analysis.simulate.population import Population, populate
from analysis.simulate.potential_outcomes import Effect, true_effects
from analysis.simulate.records import crm_records, parents, shipper_records
from analysis.simulate.seasons import (
    MINUTES_A_DAY,
    MOST_MONTHS,
    Month,
    months_to_october_2026,
)
from analysis.simulate.service import Service, uniform_service

FOLDERS = (
    "crm",
    "orders",
    "transport",
    "tickets",
    "surveys",
    "finance",
    "experiments",
    "service",
)
FEWEST_CUSTOMERS, MOST_CUSTOMERS = 20, 2_000_000
USUAL_SHIPMENTS_A_MONTH = 7.4  # mean of a trading customer
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class CompanySummary:
    """What was written.

    Attributes:
        out: folder of the exported files.
        truth: folder of the truth.
        customers, months, seed: as asked for.
        shipments, tickets, surveys: rows without planted errors.
        experiments: ids of the experiments that fit into the months.
        errors: rows of `errors.csv`.
    """

    out: Path
    truth: Path
    customers: int
    months: int
    seed: int
    shipments: int
    tickets: int
    surveys: int
    experiments: tuple[str, ...]
    errors: int


@dataclass
class _History:
    """Shipments and revenue of each customer in the last months, and who left when."""

    shipments: list[Ints] = field(default_factory=list)
    revenue: list[Floats] = field(default_factory=list)
    left_on: Ints = field(default_factory=lambda: np.array([], dtype=np.int64))

    def add(self, events: MonthEvents) -> None:
        size = len(self.left_on)
        owner = events.who[events.shipments.owner]
        self.shipments = [*self.shipments, np.bincount(owner, minlength=size)][-VALUE_MONTHS:]
        yuan = np.bincount(owner, events.shipments.amount_cents / 100, minlength=size)
        self.revenue = [*self.revenue, yuan][-VALUE_MONTHS:]
        leavers = events.custom.leaves
        self.left_on[events.who[leavers]] = (events.month.first_day + events.custom.to_day)[leavers]


def company(
    out: Path,
    customers: int,
    months: int,
    seed: int,
    truth: Path | None = None,
    progress: Progress | None = None,
    faults: Collection[str] | None = None,
    shipments_per_month: float = USUAL_SHIPMENTS_A_MONTH,
) -> CompanySummary:
    """Simulate a company whose months end with October 2026 and write what its systems export.

    The files appear all at once when they are complete; a company written earlier into the same
    folder is replaced. The same arguments give the same bytes.

    Args:
        out: folder for the files of docs/demo-data.md; missing, empty or an earlier company.
        customers: true customers that register at any time (20 to 2,000,000).
        months: months on record (1 to 82); experiments for which they do not reach back are
            left out (`tiered-2025` needs 22, `depot-2026` 9).
        seed: any integer.
        truth: folder for the truth; `<out>-truth` when None.
        progress: called with a stage and its rows as files are written.
        faults: kinds of planted errors (see `faults.KINDS`); all when None, none when empty.
        shipments_per_month: mean shipments in an ordinary month of a trading customer.

    Returns:
        Where the files are and how many rows they hold.

    Raises:
        ValueError: an argument is out of range, or `out` holds other files.

    Example:
        >>> summary = company(Path("data/raw/demo"), customers=8000, months=30, seed=1)
    """
    truth = out.with_name(f"{out.name}-truth") if truth is None else truth
    _check(customers, months, shipments_per_month, out, truth)
    draws = Draws(seed)
    planted = faults_of(draws, faults)
    out.parent.mkdir(parents=True, exist_ok=True)
    truth.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as files,
        tempfile.TemporaryDirectory(prefix=f".{truth.name}-", dir=truth.parent) as truths,
    ):
        run = _Run(Path(files), draws, planted, progress or (lambda stage, rows: None))
        counts = run.write(customers, months, shipments_per_month, Path(truths))
        _replace(Path(truths), truth)
        _replace(Path(files), out)
    return CompanySummary(out, truth, customers, months, seed, *counts, len(planted.planted))


def _check(customers: int, months: int, rate: float, out: Path, truth: Path) -> None:
    faults = []
    if not FEWEST_CUSTOMERS <= customers <= MOST_CUSTOMERS:
        faults.append(
            f"customers == {customers}, must lie between {FEWEST_CUSTOMERS} and {MOST_CUSTOMERS:,}"
        )
    if not 1 <= months <= MOST_MONTHS:
        faults.append(f"months == {months}, must lie between 1 and {MOST_MONTHS}")
    if not 0.1 <= rate <= 1000:
        faults.append(f"shipments_per_month == {rate}, must lie between 0.1 and 1000")
    if out.resolve() == truth.resolve():
        faults.append(f"truth == {truth}, must be another folder than out")
    faults += [
        f"{name} == {folder}, holds other files ({', '.join(strange[:3])}); "
        "name an empty folder or one of an earlier company"
        for name, folder in (("out", out), ("truth", truth))
        if (strange := _strange_files(folder))
    ]
    if faults:
        raise ValueError("; ".join(faults) + ".")


def _strange_files(folder: Path) -> list[str]:
    """What lies in the folder that no earlier company wrote."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        return [folder.name]
    ours = {*FOLDERS, "links.csv", "effects.csv", "errors.csv", "behaviour.csv", "README.md"}
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)


def _replace(ready: Path, place: Path) -> None:
    """Put a complete folder in its place; an earlier one goes only then."""
    if place.exists():
        old = place.with_name(f".{place.name}-old")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        ready.rename(place)
        shutil.rmtree(old)
    else:
        ready.rename(place)
    place.chmod(0o755)
    ready.mkdir()  # its temporary directory expects to be removed


@dataclass(frozen=True)
class _Run:
    folder: Path
    draws: Draws
    faults: Faults
    progress: Progress

    def write(
        self, customers: int, count: int, rate: float, truth: Path
    ) -> tuple[int, int, int, tuple[str, ...]]:
        """Write every file; returns shipments, tickets, surveys and experiments."""
        draws, faults, folder = self.draws, self.faults, self.folder
        for name in FOLDERS:
            (folder / name).mkdir()
        months = months_to_october_2026(count)
        end = (months[-1].first_day + months[-1].days) * MINUTES_A_DAY
        population = populate(draws, customers, months, rate)
        identity = identities(draws, population)
        crm, shippers = crm_records(draws, population), shipper_records(draws, population)
        parent = parents(draws, population)
        rows = write_crm(folder, faults, draws, population, identity, crm, parent)
        self.progress("crm", rows)
        self.progress("shippers", write_shippers(folder, faults, draws, identity, shippers))

        codes = codes_array(len(crm))
        planned = [experiment for experiment in EXPERIMENTS if experiment.fits(months)]
        assignments: list[Assignment] = []
        effects: list[Effect] = []
        history = _History(left_on=np.full(customers, -1))
        standing, before, carried = first_standing(customers), None, None
        book, ledgers = service_files.TicketBook(), service_files.Ledgers()
        shipped, spent = 0, 0
        for number, month in enumerate(months):
            for experiment in planned:
                if experiment.months()[0] == month and before is not None:
                    assignments.append(self._assign(population, experiment, history))
                    effects += true_effects(
                        draws, population, assignments[-1], standing, before, end
                    )
                    self.progress(f"truth {experiment.id}", len(assignments[-1].units))
            service = _service_in(month, assignments, population)
            events = run_month(draws, population, standing, month, service)
            orders = put_in_order(events, population, crm, shippers)
            surely, is_last = number == 0, number == len(months) - 1
            carried = write_orders(
                folder, faults, events, orders, population, codes, carried,
                surely=surely, is_last=is_last,
            )  # fmt: skip
            write_transport(folder, faults, events, orders, end, surely=surely)
            book.add(events, orders, end)
            service_files.add_surveys(ledgers, folder, faults, events, orders, end)
            spent += service_files.add_costs(ledgers, folder, faults, events, crm)
            service_files.add_receivables(
                ledgers, folder, faults, draws, events, population, crm, end
            )
            service_files.note_totals(ledgers, events)
            self.progress(f"shipments {month.name}", len(events.shipments))
            shipped += len(events.shipments)
            history.add(events)
            standing, before = events.standing, events
        service_files.close_costs(folder, faults, ledgers, spent)
        service_files.write_totals(folder, faults, ledgers)
        tickets = service_files.write_tickets(folder, faults, book, months)
        self.progress("tickets", tickets)
        service_files.write_assignments(folder, faults, population, crm, assignments)
        service_files.write_service_events(folder, faults, draws, population, crm, assignments)
        write_truth(truth, population, crm, shippers, history.left_on, effects, faults)
        return shipped, tickets, ledgers.surveys, tuple(e.id for e in planned)

    def _assign(
        self, population: Population, experiment: Experiment, history: _History
    ) -> Assignment:
        recent = np.sum(history.shipments[-ACTIVE_MONTHS:], axis=0)
        value = np.sum(history.revenue[-VALUE_MONTHS:], axis=0)
        return assign(self.draws, population, experiment, recent, value)


def _service_in(
    month: Month, assignments: list[Assignment], population: Population
) -> Service:
    for assignment in assignments:
        if month in assignment.experiment.months():
            return assignment.service(population)
    return uniform_service(len(population))


__all__ = ["CompanySummary", "Standing", "company", "pa"]
