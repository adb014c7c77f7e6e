"""Plans and tables of units for tests of the evaluation: random but seeded, effects planted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.params import ExperimentSpec

FINAL = {"looks": "calendar", "looks_planned": 1}
"""One final reading."""


def plan(metrics: list[dict] | None = None, **more: object) -> ExperimentSpec:
    """A plan for a plain table, arms `grey` (control) and `red`."""
    return ExperimentSpec.model_validate(
        {
            "id": "colours",
            "unit": "id",
            "arm": "arm",
            "control": "grey",
            "allocation": {"grey": 0.5, "red": 0.5},
            **FINAL,
            "metrics": metrics or [orders()],
            **more,
        }
    )


def orders(**more: object) -> dict:
    """A primary mean."""
    return {"name": "orders", "kind": "mean", "column": "orders", "role": "primary", **more}


def units(n: int = 400, effect: float = 1.0, seed: int = 1, **columns: object) -> pd.DataFrame:
    """n units, half in each arm; orders differ by the effect in red."""
    rng = np.random.default_rng(seed)
    arm = np.where(np.arange(n) % 2, "red", "grey")
    frame = pd.DataFrame(
        {
            "id": [f"u{i:06d}" for i in range(n)],
            "arm": arm,
            "before": rng.normal(0, 1, n),
            "tier": np.array(["strategic", "key", "potential", "regular"])[np.arange(n) // 2 % 4],
        }
    )
    frame["orders"] = 5 + effect * (arm == "red") + frame["before"] + rng.normal(0, 1, n)
    return frame.assign(**columns)


def saturated(
    depots: int = 24,
    per_depot: int = 40,
    total: float = 2.0,
    spillover: float = -0.5,
    seed: int = 2,
) -> pd.DataFrame:
    """Depots with shares 0, ½, 1 in turn; the untreated beside the treated are worse off."""
    rng = np.random.default_rng(seed)
    n = depots * per_depot
    depot = np.repeat(np.arange(depots), per_depot)
    share = np.array([0.0, 0.5, 1.0])[depot % 3]
    at_half = np.where(rng.random(n) < 0.5, "red", "grey")
    treated = (share == 1) | ((share == 0.5) & (at_half == "red"))
    noise = rng.normal(0, 1, n) + np.repeat(rng.normal(0, 0.2, depots), per_depot)
    value = 10 + total * treated + spillover * ((share == 0.5) & ~treated) + noise
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "depot": [f"d{d:02d}" for d in depot],
            "share": share,
            "at_half": at_half,
            "arm": np.where(treated, "red", "grey"),
            "orders": value,
        }
    )


SATURATION = {
    "design": "saturation",
    "cluster": "depot",
    "share": "share",
    "arm_at_half": "at_half",
}
