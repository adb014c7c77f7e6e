"""Cells of survival from shipments: who ships more often does not stay longer.

The survival reading is not quite blind to it: the last shipment lies nearer to the day a frequent
customer leaves, and a chance gap as long as the churn window is rarer: in 240 days 3 % of
customers that never leave have one. How often that passes for an effect is published; with a
window half as long again there is hardly a chance gap, and the number of shipments, shown beside,
must tell. What is promised is that it does not pass in silence.

Shipments are drawn and timed by the product's own `survival_part`; all replications of a chunk
are one table, each a stratum of its own.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from analysis.experiment.estimators import compare, make_units
from analysis.experiment.survival import survival_part
from analysis.months import Month
from analysis.params.metric import Metric

from .cell import Cell, Claim
from .draws import excludes_zero, half

HORIZON = 240
START = pd.Timestamp("2024-01-01")
BEFORE, AFTER = 180, 420
"""Days of history, and days followed: the horizon and the longest churn window."""
GAP = 8.0
"""Days between shipments."""
MORE = 1.3
"""Shipments of the treated ÷ those of the others."""
LEAVING = 0.0015
"""Chance to leave for good, a day."""
METRICS = [
    Metric.model_validate({"name": name, "measure": "survival", "horizon": HORIZON})
    for name in ("custom", "custom_wider")
]


def _drawn(
    rng: np.random.Generator, replications: int, customers: int
) -> tuple[np.ndarray, pd.DataFrame]:
    """(units,) arms and the shipments: customer_id, shipped_at."""
    arm = np.concatenate([half(rng, customers) for _ in range(replications)])
    leaves = rng.exponential(1 / LEAVING, len(arm))
    past = rng.poisson(BEFORE / GAP, len(arm))
    followed = np.minimum(leaves, AFTER)
    later = rng.poisson(followed / GAP * np.where(arm, MORE, 1.0))
    day = np.concatenate(
        [
            np.repeat(-BEFORE, past.sum()) * rng.random(past.sum()),
            np.repeat(followed, later) * rng.random(later.sum()),
        ]
    )
    who = np.concatenate([np.repeat(np.arange(len(arm)), n) for n in (past, later)])
    at = START + pd.to_timedelta(np.round(day * 86_400), unit="s")
    return arm, pd.DataFrame({"customer_id": who, "shipped_at": at})


def _survival(customers: int):
    """Who ships more often, read by days of custom, by a wider window and by shipments."""

    def simulate(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
        arm, shipments = _drawn(rng, replications, customers)
        unit = np.arange(len(arm))
        stratum = unit // customers
        clock = pd.DataFrame({"customer_id": unit, "assigned_at": START, "stratum": stratum})
        tables = (ibis.memtable(clock), ibis.memtable(shipments))
        part = survival_part(METRICS, *tables, Month.parse("2025-12"))
        found = part.table.execute().sort_values("customer_id")
        after = shipments[shipments["shipped_at"] > START]["customer_id"]
        outcomes = {
            "survival": found["custom_days"].to_numpy(dtype=float),
            "wider": found["custom_wider_days"].to_numpy(dtype=float),
            "frequency": np.bincount(after, minlength=len(arm)).astype(float),
        }
        hits = {name: _differ(values, arm, customers) for name, values in outcomes.items()}
        return {**hits, "silent": hits["survival"] & ~hits["frequency"]}

    return simulate


def _differ(values: np.ndarray, arm: np.ndarray, customers: int) -> np.ndarray:
    """(R,) whether the interval excludes zero, in each replication."""
    rows = zip(values.reshape(-1, customers), arm.reshape(-1, customers), strict=True)
    return np.array([excludes_zero(compare(value, make_units(side))) for value, side in rows])


USES = ("experiment/estimators", "experiment/survival.py", "panel/silence.py")
CELLS = tuple(
    Cell(
        name,
        "Survival",
        f"{customers:,} customers that ship every 8 days; the treated ship 30 % more often and "
        "stay no longer",
        {
            "survival": Claim(0.05, "published", "days of custom are found to differ"),
            "wider": Claim(0.05, "published", "the same with a churn window half as long again"),
            "frequency": Claim(
                0.90, "at least", "the number of shipments beside it is found to differ"
            ),
            "silent": Claim(
                0.05, "at most", "days of custom are found to differ, and shipments are not"
            ),
        },
        _survival(customers),
        replications=replications,
        chunk=chunk,
        hard=True,
        uses=USES,
    )
    for name, customers, replications, chunk in (
        ("survival-frequency", 200, 4000, 100),
        ("survival-frequency-2000", 2000, 1000, 25),
    )
)
