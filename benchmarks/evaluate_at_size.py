"""How long does an evaluation take: a million units, twelve metrics, four segments, covariates?

`python benchmarks/evaluate_at_size.py` makes a table of one row a unit, evaluates it with
`analysis.evaluate` (estimates, gates, segments, verdict) and prints processor seconds, wall
seconds and the largest memory. `--tea` also compares the means, ratios and proportions that
tea-tasting has too, both on the same table in the same run, with one covariate as tea-tasting
allows. Promise: 10 s, 4 GB, never slower than tea-tasting.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import analysis
from analysis.params import ExperimentSpec

MEANS, SHARES, RATIOS = 8, 2, 2
SEGMENTS = 4
KIBIBYTES_A_GIBIBYTE = 2**20


def table(units: int, seed: int = 0) -> pd.DataFrame:
    """One row a unit: arm, segment, three covariates, and columns of twelve metrics."""
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(units) < 0.5, "new", "old")
    columns: dict[str, np.ndarray] = {
        "unit": np.arange(units),
        "arm": arm,
        "segment": rng.integers(0, SEGMENTS, units),
        **{f"before_{k}": rng.normal(size=units) for k in range(3)},
    }
    for j in range(MEANS):
        columns[f"mean_{j}"] = rng.normal(size=units) + columns["before_0"]
    for j in range(SHARES):
        columns[f"share_{j}"] = (rng.random(units) < 0.3).astype(float)
    columns["sessions"] = rng.poisson(5, units) + 1.0
    for j in range(RATIOS):
        columns[f"top_{j}"] = rng.poisson(2, units).astype(float)
    return pd.DataFrame(columns)


def plan(*, segments: bool = True, covariates: int = 3) -> ExperimentSpec:
    """Twelve metrics, the first primary."""
    metrics = [{"name": f"mean_{j}", "kind": "mean", "column": f"mean_{j}"} for j in range(MEANS)]
    metrics += [
        {"name": f"share_{j}", "kind": "proportion", "column": f"share_{j}"} for j in range(SHARES)
    ]
    metrics += [
        {"name": f"ratio_{j}", "kind": "ratio", "numerator": f"top_{j}", "denominator": "sessions"}
        for j in range(RATIOS)
    ]
    metrics[0]["role"] = "primary"
    return ExperimentSpec.model_validate(
        {
            "id": "size", "unit": "unit", "arm": "arm", "control": "old",
            "allocation": {"old": 0.5, "new": 0.5}, "looks": "accrual", "planned_n": 100_000,
            "covariates": [f"before_{k}" for k in range(covariates)],
            "segments": ["segment"] if segments else [], "metrics": metrics,
        }
    )  # fmt: skip


def measured(work: Callable[[], object], repeats: int = 1) -> dict[str, float]:
    """Processor and wall seconds of the fastest of some repeats."""
    found = []
    for _ in range(repeats):
        start, wall = time.process_time(), time.perf_counter()
        work()
        found.append((time.process_time() - start, time.perf_counter() - wall))
    processor, wall = min(found)
    return {"processor_s": round(processor, 2), "wall_s": round(wall, 2)}


def against_tea_tasting(frame: pd.DataFrame, repeats: int = 3) -> dict[str, dict[str, float]]:
    """The same metrics by both, one covariate for the means, no segments."""
    import tea_tasting as tea

    metrics: dict[str, object] = {
        **{f"mean_{j}": tea.Mean(f"mean_{j}", covariate="before_0") for j in range(MEANS)},
        **{f"share_{j}": tea.Mean(f"share_{j}", covariate="before_0") for j in range(SHARES)},
        **{f"ratio_{j}": tea.RatioOfMeans(f"top_{j}", "sessions") for j in range(RATIOS)},
    }
    theirs = tea.Experiment(metrics, variant="variant")
    coded = frame.assign(variant=(frame["arm"] == "new").astype(int))
    ours = plan(segments=False, covariates=1)
    return {
        "tea_tasting": measured(lambda: theirs.analyze(coded), repeats),
        "evaluate": measured(lambda: analysis.evaluate(frame, ours), repeats),
    }


def main() -> None:
    """Print the measurements as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--tea", action="store_true", help="Compare with tea-tasting too.")
    asked = parser.parse_args()
    frame = table(asked.units)
    found: dict[str, object] = {"units": asked.units}
    found["evaluate"] = measured(lambda: analysis.evaluate(frame, plan()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["largest_memory_gib"] = round(peak / KIBIBYTES_A_GIBIBYTE, 2)
    if asked.tea:
        found["same_metrics"] = against_tea_tasting(frame)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
