"""A simulated company as canonical tables without the cleaning, with what was planted in it.

The exported files are read with DuckDB alone. The truth is what the simulator felt before it drew
answers: it is caught while the months are simulated, in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import python_calamine

from analysis.simulate import company, potential_outcomes, run
from analysis.simulate.aftersales import CATEGORIES, points_with_tickets
from analysis.simulate.month import MonthEvents

ENGLISH = dict(zip(CATEGORIES, ("delay", "damage", "loss", "service", "other"), strict=True))


@dataclass(frozen=True)
class Planted:
    """One simulated company.

    Attributes:
        folder: Holds one Parquet file a canonical table.
        events: What happened, month by month.
        worlds: Outcomes of `tiered-2025` if all were treated, and if none was; with its units.
    """

    folder: Path
    events: list[MonthEvents]
    worlds: tuple


def planted_company(folder: Path, customers: int, seed: int) -> Planted:
    """Simulate a company and write its canonical tables."""
    events, worlds = [], []
    with pytest.MonkeyPatch.context() as patch:
        lived, differ = run.run_month, potential_outcomes._differences

        def run_month(*args, **more):
            events.append(lived(*args, **more))
            return events[-1]

        def differences(assignment, pairs):
            if assignment.experiment.id == "tiered-2025":
                worlds.append((assignment, *pairs["total"]))
            return differ(assignment, pairs)

        patch.setattr(run, "run_month", run_month)
        patch.setattr(potential_outcomes, "_differences", differences)
        company(folder / "raw", customers, 30, seed, faults=())
    tables = folder / "tables"
    tables.mkdir()
    _write(folder / "raw", folder / "raw-truth", tables)
    return Planted(tables, events, worlds[0])


def _write(raw: Path, truth: Path, tables: Path) -> None:
    db = duckdb.connect()
    db.execute(
        f"create table ids as select source_customer_id as code, true_customer as customer_id "
        f"from read_csv('{truth}/links.csv', all_varchar=true) where system = 'crm'"
    )
    time = "strptime({0}, '%Y/%m/%d %H:%M')"
    queries = {
        "shipments": f"""select waybill_no as shipment_id, customer_id,
            ordered_at::timestamp as shipped_at, {time.format("picked_up")} as picked_up_at,
            promised_date::timestamp + interval 1 day - interval 1 second as promised_at,
            try_{time.format("delivered")} as delivered_at, amount::double as revenue,
            cost::double as cost, damaged::int::boolean as is_damaged,
            lost::int::boolean as is_lost,
            try_{time.format("notified")} as notified_at
            from read_parquet('{raw}/orders/*.parquet') o
            join ids on ids.code = o.customer_code
            join read_csv('{raw}/transport/transport_*.csv', all_varchar=true) t
            using (waybill_no)""",
        "surveys": f"""select survey_id, customer_id, waybill_no as shipment_id,
            sent_at::timestamp as sent_at, answered_at::timestamp as answered_at,
            nps::int as nps_score, csat::int as csat_score
            from read_csv('{raw}/surveys/surveys.csv', all_varchar=true, header=true, delim=',',
                          quote='"') s join ids on ids.code = s.customer_code""",
        "assignments": f"""select experiment as experiment_id, customer_id, depot as cluster_id,
            share::double as cluster_share, arm_at_half, stratum, arm,
            assigned_at::timestamp as assigned_at
            from read_csv('{raw}/experiments/assignments.csv', all_varchar=true) a
            join ids on ids.code = a.customer_code""",
    }
    tickets = _tickets(raw)  # noqa: F841 (DuckDB reads it by name)
    queries["tickets"] = f"""select ticket_id, customer_id, shipment_id,
        {time.format("opened")} as opened_at, try_{time.format("responded")} as first_response_at,
        null::timestamp as resolved_at, category, null::boolean as is_first_contact_resolution
        from tickets join ids on ids.code = tickets.code"""
    for name, query in queries.items():
        db.execute(f"copy ({query}) to '{tables / name}.parquet'")
    db.execute(
        f"copy (select customer_id, min(shipped_at)::date as onboarded_on "
        f"from '{tables}/shipments.parquet' group by all) to '{tables}/customers.parquet'"
    )


def _tickets(raw: Path) -> pd.DataFrame:
    book = python_calamine.CalamineWorkbook.from_path(str(raw / "tickets/工单.xlsx"))
    sheets = [book.get_sheet_by_name(name).to_python()[2:] for name in book.sheet_names]
    rows = [
        (r[0], r[1], r[2] or None, r[3], r[4] or None, ENGLISH[r[6]]) for s in sheets for r in s
    ]
    names = ["ticket_id", "code", "shipment_id", "opened", "responded", "category"]
    return pd.DataFrame(rows, columns=names)


def felt(planted: Planted) -> pd.DataFrame:
    """One row a delivery of the last 24 months: points felt before any noise, days late, told,
    and the wait for an answer to its complaint in minutes (NaN where it caused none)."""
    frames = []
    for events in planted.events[-24:]:
        shipments, tickets = events.shipments, events.tickets
        wait = np.full(len(shipments), np.nan)
        wait[tickets.shipment] = tickets.responded - tickets.opened
        frames.append(
            pd.DataFrame(
                {
                    "points": points_with_tickets(shipments, tickets),
                    "days": shipments.delay_days,
                    "told": shipments.notified >= 0,
                    "wait": wait,
                    "arrived": shipments.delivered >= 0,
                    "damaged": shipments.damaged,
                }
            )
        )
    rows = pd.concat(frames, ignore_index=True)
    return rows[rows["arrived"]]
