"""Published results of two months for the dashboard's tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.dashboard.results import Results
from analysis.report import summary
from analysis.workspace import open_month
from report_month import AS_OF, CUSTOMERS, evaluations, tables, write_month

BEFORE = "2026-09"
REGIONS = ("华东", "华南", "<b>North & West</b>")
"""The last is hostile on purpose: it must reach the page as text."""
INDUSTRIES = ("电子", "服装")


def customers() -> pd.DataFrame:
    place = np.arange(CUSTOMERS)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in place],
            "region": [REGIONS[i % 3] for i in place],
            "industry": [INDUSTRIES[i % 2] for i in place],
        }
    )


def scores() -> pd.DataFrame:
    ids = [f"C{i:05d}" for i in range(CUSTOMERS)]
    return pd.DataFrame({"customer_id": ids, "month": AS_OF, "monetary": 1000.0})


def content() -> dict[str, pd.DataFrame]:
    return {**tables(), "customers": customers(), "scores": scores()}


def publish(folder: Path, *, decision: str = "roll_out") -> Path:
    """Write and publish 2026-10, and 2026-09 without experiments.

    Returns:
        The profile's path.
    """
    write_month(folder, content(), {"evaluations": evaluations(decision=decision)})
    of_tiers = {name: frame for name, frame in content().items() if name in ("tiers", "customers")}
    place = folder / "data" / "processed" / "small" / BEFORE
    place.mkdir(parents=True, exist_ok=True)
    for name, frame in of_tiers.items():
        kept = frame[frame["month"] <= BEFORE] if "month" in frame else frame
        kept.to_parquet(place / f"{name}.parquet", index=False)
    profile = folder / "params" / "small.yaml"
    for month in (AS_OF, BEFORE):
        write_summary(folder, profile, month)
    return profile


def write_summary(folder: Path, profile: Path, month: str) -> None:
    reports = folder / "reports" / "small" / month
    reports.mkdir(parents=True, exist_ok=True)
    workspace = open_month(profile, month, out=folder)
    told: dict[str, Any] = summary(workspace)
    workspace.engine.close()
    (reports / "summary.json").write_text(json.dumps(told), encoding="utf-8")


def results(folder: Path) -> Results:
    return Results(publish(folder), folder)
