"""The truth folder, which no pipeline code reads: links, effects, errors, behaviour."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from analysis.simulate.draws import Draws, Ints
from analysis.simulate.export_customers import crm_code, shipper_code
from analysis.simulate.faults import Faults
from analysis.simulate.ledgers import write_lines
from analysis.simulate.lines import Column, Lines, Words, choice, code, date_column
from analysis.simulate.population import Population
from analysis.simulate.potential_outcomes import Effect
from analysis.simulate.records import Records
from analysis.simulate.truth_notes import note


def write_truth(
    folder: Path,
    population: Population,
    crm: Records,
    shippers: Records,
    left_on: Ints,
    effects: list[Effect],
    faults: Faults,
) -> None:
    """Write `links.csv`, `effects.csv`, `errors.csv`, `behaviour.csv` and a note on them."""
    (folder / "README.md").write_text(note(), encoding="utf-8", newline="\n")
    silent = Faults(Draws(0), frozenset())
    owner = np.concatenate([crm.owner, shippers.owner])
    system = np.repeat([0, 1], [len(crm), len(shippers)])
    words = Words(
        (*_texts(crm_code(np.arange(len(crm)))), *_texts(shipper_code(np.arange(len(shippers)))))
    )
    links = {
        "system": choice(("crm", "transport"), system),
        "source_customer_id": choice(words, np.arange(len(owner))),
        "true_customer": true_customer(owner),
    }
    write_lines(folder, "links.csv", Lines(links), silent)
    write_lines(folder, "behaviour.csv", Lines(_behaviour(population, left_on)), silent)
    with (folder / "effects.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("experiment", "estimand", "metric", "segment", "value"))
        writer.writerows(
            (e.experiment, e.estimand, e.metric, e.segment, f"{e.value:.8g}") for e in effects
        )
    with (folder / "errors.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("file", "row", "column", "kind", "original", "written"))
        writer.writerows(
            (e.file, e.row, e.column, e.kind, e.original, e.written) for e in faults.planted
        )


def true_customer(customer: Ints) -> Column:
    """`K0000001`: a customer as it really is."""
    return code("K", customer + 1, 7)


def _texts(column: Column) -> list[str]:
    rows = len(column[0].number)
    return Lines({"text": column}).render().decode().splitlines() if rows else []


def _behaviour(population: Population, left_on: Ints) -> dict[str, Column]:
    who = np.arange(len(population))
    bursting = population.burst_factor > 1
    burst_to = population.burst_day + population.burst_days - 1
    spans = ["", *(_months(start, length) for start in range(1, 13) for length in range(3, 6))]
    off = 1 + (population.off_start - 1) * 3 + population.off_months - 3
    return {
        "true_customer": true_customer(who),
        "is_seasonal": choice(("false", "true"), population.is_seasonal.astype(np.int64)),
        "off_season_months": choice(spans, np.where(population.is_seasonal, off, 0)),
        "burst_from": date_column(np.where(bursting, population.burst_day, -1), iso=True),
        "burst_to": date_column(np.where(bursting, burst_to, -1), iso=True),
        "churned_on": date_column(left_on, iso=True),
    }


def _months(start: int, length: int) -> str:
    """`11;12;1`: calendar months of an off-season."""
    return ";".join(str((start - 1 + step) % 12 + 1) for step in range(length))
