"""A cell of survival from shipments: who ships more often does not stay longer.

The survival reading is not quite blind to it: the last shipment lies nearer to the day a frequent
customer leaves, and a chance gap as long as the churn window is rarer. How often that passes for
an effect is published; the number of shipments, shown beside it, must tell.

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

CUSTOMERS = 200
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
METRIC = Metric.model_validate(
    {"name": "custom", "measure": "survival", "role": "primary", "horizon": HORIZON}
)


def _drawn(rng: np.random.Generator, replications: int) -> tuple[np.ndarray, pd.DataFrame]:
    """(units,) arms and the shipments: customer_id, shipped_at."""
    arm = np.concatenate([half(rng, CUSTOMERS) for _ in range(replications)])
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


def _survival(rng: np.random.Generator, replications: int) -> dict[str, np.ndarray]:
    arm, shipments = _drawn(rng, replications)
    unit = np.arange(len(arm))
    clock = pd.DataFrame({"customer_id": unit, "assigned_at": START, "stratum": unit // CUSTOMERS})
    months = Month.parse("2025-12")
    part = survival_part([METRIC], ibis.memtable(clock), ibis.memtable(shipments), months)
    found = part.table.execute().sort_values("customer_id")
    days = found["custom_days"].to_numpy(dtype=float).reshape(replications, CUSTOMERS)
    after = shipments[shipments["shipped_at"] > START]["customer_id"]
    counts = np.bincount(after, minlength=len(arm)).reshape(replications, CUSTOMERS)
    arms = arm.reshape(replications, CUSTOMERS)
    return {
        "survival": np.array(
            [excludes_zero(compare(d, make_units(a))) for d, a in zip(days, arms, strict=True)]
        ),
        "frequency": np.array(
            [
                excludes_zero(compare(c.astype(float), make_units(a)))
                for c, a in zip(counts, arms, strict=True)
            ]
        ),
    }


CELLS = (
    Cell(
        "survival-frequency",
        "Survival",
        "200 customers that ship every 8 days; the treated ship 30 % more often and stay no longer",
        {
            "survival": Claim(0.05, "published", "days of custom are found to differ"),
            "frequency": Claim(
                0.90, "at least", "the number of shipments beside it is found to differ"
            ),
        },
        _survival,
        replications=4000,
        chunk=100,
        hard=True,
        uses=("experiment/estimators", "experiment/survival.py", "panel/silence.py"),
    ),
)
