"""Panel, scores and tiers at size: seconds and peak memory of each step.

    python benchmarks/tiers_at_size.py --customers 500000 --shipments 20000000

Makes random canonical tables first (not counted), then runs the three verbs as the notebook
does, each step written to Parquet. The promise for the sizes above, 24 months and two cores is
90 seconds and 5 GB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ibis.expr.types as ir

from analysis.engine import Engine, open_engine
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import TierPolicy, ValuePolicy
from analysis.tables import check
from analysis.tiers import assign
from analysis.value import score

FIRST = Month(2024, 11)
MEMORY_GB = 3.5
"""The engine's own limit; numpy and Arrow need the rest."""

CUSTOMERS = """
SELECT 'K' || lpad(i::VARCHAR, 9, '0') AS customer_id,
       NULL::VARCHAR AS parent_customer_id, 'east' AS region, NULL::VARCHAR AS industry,
       NULL::VARCHAR AS contract_type, NULL::VARCHAR AS depot,
       CASE WHEN random() < 0.6 THEN DATE '2023-01-01'
            ELSE DATE '{first}' + (random() * {days})::INTEGER END AS onboarded_on
FROM range({customers}) t(i)
"""
SHIPMENTS = """
WITH drawn AS (
    SELECT i, pow(random(), 3) AS place,
           TIMESTAMP '{first}' + to_minutes((random() * {days} * 1440)::BIGINT) AS shipped_at
    FROM range({shipments}) t(i))
SELECT 'S' || lpad(i::VARCHAR, 10, '0') AS shipment_id,
       'K' || lpad(floor(place * {customers})::BIGINT::VARCHAR, 9, '0') AS customer_id,
       shipped_at, shipped_at + INTERVAL 3 DAYS AS promised_at,
       shipped_at + to_hours((20 + random() * 60)::BIGINT) AS delivered_at,
       shipped_at AS picked_up_at,
       NULL::VARCHAR AS origin_region, 'region ' || (i * 7919 % 7) AS destination_region,
       'service ' || (i * 104729 % 3) AS service, 'cargo ' || (i * 1299709 % 6) AS cargo_type,
       1.0 AS weight_kg,
       round(exp(3 + random() * 2), 2) AS revenue, round(exp(2.5 + random() * 2), 2) AS cost,
       random() < 0.05 AS is_damaged, false AS is_lost, NULL::TIMESTAMP AS notified_at
FROM drawn
"""
TICKETS = """
SELECT 'T' || shipment_id AS ticket_id, customer_id, shipment_id, delivered_at AS opened_at,
       delivered_at + to_minutes((random() * 2000)::BIGINT) AS first_response_at,
       NULL::TIMESTAMP AS resolved_at, 'delay' AS category,
       NULL::BOOLEAN AS is_first_contact_resolution
FROM shipments WHERE random() < 0.05
"""
SURVEYS = """
SELECT 'Q' || shipment_id AS survey_id, customer_id, shipment_id, delivered_at AS sent_at,
       delivered_at + INTERVAL 2 DAYS AS answered_at, floor(random() * 11)::BIGINT AS nps_score,
       1 + floor(random() * 5)::BIGINT AS csat_score
FROM shipments WHERE random() < 0.05
"""
COSTS = """
SELECT customer_id, strftime(shipped_at, '%Y-%m') AS month, 'agent' AS activity,
       round(sum(cost) / 20, 2) AS cost
FROM shipments GROUP BY ALL
"""


def main() -> None:
    """Run the benchmark from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=50_000)
    options.add_argument("--shipments", type=int, default=2_000_000)
    options.add_argument("--months", type=int, default=24)
    options.add_argument("--cores", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="tiers-at-size-") as folder:
        engine = open_engine(cores=chosen.cores, memory_gb=MEMORY_GB)
        tables = make_tables(engine, Path(folder), chosen)
        print(f"made tables; peak so far {peak_gb():.2f} GB", flush=True)
        run(engine, Path(folder), tables, FIRST.shifted(chosen.months - 1))


def make_tables(engine: Engine, folder: Path, chosen: argparse.Namespace) -> dict[str, ir.Table]:
    """The five canonical tables, on disk."""
    sizes = {
        "first": FIRST.start.date(),
        "days": chosen.months * 30,
        "customers": chosen.customers,
        "shipments": chosen.shipments,
    }
    made: dict[str, ir.Table] = {}
    queries = {
        "customers": CUSTOMERS,
        "shipments": SHIPMENTS,
        "tickets": TICKETS,
        "surveys": SURVEYS,
        "service_costs": COSTS,
    }
    for name, query in queries.items():
        text = query.format(**sizes)
        if "shipments" in made:
            text = text.replace("FROM shipments", f"FROM '{folder}/shipments.parquet'")
        path = folder / f"{name}.parquet"
        # written as a run writes them: with the types of the contract, which nothing casts again
        engine.write(check(engine.sql(text), name), path)
        made[name] = engine.read(path)
    return made


def run(engine: Engine, folder: Path, tables: dict[str, ir.Table], as_of: Month) -> None:
    """The three verbs, each timed."""
    begun, begun_cores = time.perf_counter(), time.process_time()

    def kept(name: str, make: Callable[[], ir.Table]) -> ir.Table:
        started, spent = time.perf_counter(), time.process_time()
        rows = engine.write(make(), folder / f"{name}.parquet", by_part=True)
        took, used = time.perf_counter() - started, time.process_time() - spent
        print(
            f"{name:<16} {rows:>12,} rows {took:7.1f} s ({used:.1f} s of the cores)"
            f"  peak {peak_gb():.2f} GB",
            flush=True,
        )
        return engine.read(folder / f"{name}.parquet")

    panel = kept("customer_months", lambda: customer_months(**tables, as_of=as_of))
    scores = kept("scores", lambda: score(panel, ValuePolicy(), as_of))
    kept("tiers", lambda: assign(scores, TierPolicy(), as_of).tiers)
    took, used = time.perf_counter() - begun, time.process_time() - begun_cores
    print(f"{'in all':<29} {took:12.1f} s ({used:.1f} s of the cores)  peak {peak_gb():.2f} GB")


def peak_gb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
