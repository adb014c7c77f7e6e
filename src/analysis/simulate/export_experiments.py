"""Files about experiments: who was assigned to what, and which services were granted and used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.simulate.draws import Draws
from analysis.simulate.experiments import Assignment
from analysis.simulate.export_customers import crm_code, depot_column
from analysis.simulate.faults import Faults
from analysis.simulate.ledgers import append_lines, write_lines
from analysis.simulate.lines import Lines, choice, constant, time_column
from analysis.simulate.population import Population
from analysis.simulate.records import Records
from analysis.simulate.seasons import MINUTES_A_DAY
from analysis.simulate.shipping import NEVER

ASSIGNMENTS_FILE = "experiments/assignments.csv"
EVENTS_FILE = "service/service_events.csv"


def write_assignments(
    folder: Path,
    faults: Faults,
    population: Population,
    crm: Records,
    assignments: list[Assignment],
) -> int:
    """Write `experiments/assignments.csv`; returns its rows."""
    rows = 0
    for assignment in assignments:
        units, experiment = assignment.units, assignment.experiment
        arms, by_depot = ("tiered", "uniform"), experiment.by_depot
        nothing = np.zeros(len(units), dtype=np.int64)
        share = np.nan_to_num(assignment.share, nan=1.5)
        at_half = (~assignment.treated_at_half).astype(np.int64) if by_depot else nothing + 2
        columns = {
            "experiment": constant(experiment.id, len(units)),
            "customer_code": crm_code(crm.first[units]),
            "depot": depot_column(population.depot[units], population.region[units]),
            "share": choice(("0", "0.5", "1", ""), (share * 2).astype(np.int64)),
            "arm_at_half": choice((*arms, ""), at_half),
            "stratum": choice(assignment.strata, assignment.stratum),
            "arm": choice(arms, (~assignment.treated).astype(np.int64)),
            "assigned_at": constant(f"{experiment.starts.isoformat()}T00:00:00", len(units)),
        }
        rows = append_lines(
            folder, ASSIGNMENTS_FILE, Lines(columns), faults, (), rows_above=rows, surely=False
        )
    if not assignments:
        header = "experiment,customer_code,depot,share,arm_at_half,stratum,arm,assigned_at\n"
        (folder / ASSIGNMENTS_FILE).write_text(header, encoding="utf-8")
    return max(rows - 1, 0)


SERVICES = ("专属客服", "优先运力", "承诺响应")


def write_service_events(
    folder: Path,
    faults: Faults,
    draws: Draws,
    population: Population,
    crm: Records,
    assignments: list[Assignment],
) -> int:
    """Write `service/service_events.csv`: what was granted to the treated and when it was used."""
    ids = [assignment.units[assignment.treated] for assignment in assignments]
    start = [a.experiment.first_day + 0 * i for a, i in zip(assignments, ids, strict=True)]
    customer = np.repeat(np.concatenate([np.array([], dtype=np.int64), *ids]), len(SERVICES))
    granted = np.repeat(np.concatenate([np.array([], dtype=np.int64), *start]), len(SERVICES))
    kind = np.arange(len(customer)) % len(SERVICES)
    wait = draws.uniform("first use", customer, kind) ** 2 * 45
    used = (granted * MINUTES_A_DAY + 540 + wait * MINUTES_A_DAY).astype(np.int64)
    used = np.where(population.complier[customer], used, NEVER)
    columns = {
        "customer_code": crm_code(crm.first[customer]),
        "service": choice(SERVICES, kind),
        "granted_at": time_column(granted * MINUTES_A_DAY, iso=True),
        "used_at": time_column(used, iso=True),
    }
    return write_lines(folder, EVENTS_FILE, Lines(columns), faults)
