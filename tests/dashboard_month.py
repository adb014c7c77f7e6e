"""Published results of two months for the dashboard's tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.summary import summary
from report_month import AS_OF, CUSTOMERS, evaluations, tables, write_month

BEFORE = "2026-09"
REGIONS = ("华东", "华南", "<b>North & West</b>")
"""The last is hostile on purpose: it must reach the page as text."""
NEW = tuple(f"C{i:05d}" for i in range(7))
"""Customers without a tier in the month before."""
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
    frames = [
        pd.DataFrame({"customer_id": ids, "month": month, "monetary": amount})
        for month, amount in ((BEFORE, 5.0), (AS_OF, 1000.0))
    ]
    return pd.concat(frames, ignore_index=True)


def content() -> dict[str, pd.DataFrame]:
    made = tables()
    of_tiers = made["tiers"]
    is_new = (of_tiers["month"] == AS_OF) & of_tiers["customer_id"].isin(NEW)
    known = of_tiers.assign(previous_tier=of_tiers["previous_tier"].where(~is_new))
    return {**made, "tiers": known, "customers": customers(), "scores": scores()}


def publish(folder: Path) -> Path:
    """Write and publish 2026-10, and 2026-09 with tiers and nothing else.

    Returns:
        The profile's path.
    """
    workspace = write_month(folder, content(), {"evaluations": evaluations()})
    told = summary(workspace)
    workspace.engine.close()
    place = folder / "data" / "processed" / "small" / BEFORE
    place.mkdir(parents=True, exist_ok=True)
    of_tiers = content()["tiers"]
    of_tiers[of_tiers["month"] <= BEFORE].to_parquet(place / "tiers.parquet", index=False)
    write_summary(folder, AS_OF, told)
    write_summary(folder, BEFORE, {"month": BEFORE})
    return folder / "params" / "small.yaml"


def publish_again(folder: Path, *, decision: str) -> None:
    """Publish 2026-10 once more, with another verdict on the first experiment."""
    place = folder / "data" / "processed" / "small" / AS_OF / "evaluations.json"
    place.write_text(json.dumps(evaluations(decision=decision)), encoding="utf-8")
    write_summary(folder, AS_OF, {"month": AS_OF, "headline": {}})


def write_summary(folder: Path, month: str, told: dict[str, Any]) -> None:
    reports = folder / "reports" / "small" / month
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "summary.json").write_text(json.dumps(told), encoding="utf-8")
