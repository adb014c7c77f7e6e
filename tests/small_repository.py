"""A repository so small that a whole run takes seconds: one raw file, four tiny notebooks."""

import json
from pathlib import Path

from small_profile import MINIMAL

PROFILE = "params/small.yaml"
PARAMETERS = 'profile = "../params/small.yaml"\nmonth = "2026-10"\nraw = ""\nout = ""\nsave_to = ""'
OPEN = (
    "import analysis\n"
    "workspace = analysis.open_month(profile, month, raw=raw, out=out, save_to=save_to)"
)
CLEANING = """
import pandas as pd
orders = pd.read_csv(workspace.raw / "orders.csv")
ledger = pd.DataFrame([{"source": "orders", "system": "oms", "table": "shipments",
    "rows_in_files": len(orders), "rows_later": 0, "rows_read": len(orders),
    "rows_kept": len(orders), "rows_rejected": 0, "rows_merged": 0}])
workspace.save(shipments=orders, ledger=ledger, rejects=orders.head(0))
"""
SEGMENTATION = """
orders = workspace.frame("shipments")
workspace.save(tiers=orders.assign(month=month, tier="key", previous_tier="key"))
"""
EVALUATION = """
plans = sorted(path.stem for path in workspace.experiments.glob("*.yaml"))
workspace.save_document("plans", {"experiments": plans})
"""
REPORT = """
from IPython.display import HTML
HTML(f"<h1>{language}: {len(workspace.frame('tiers'))} customers</h1>")
"""
EXPERIMENT = """
id: trial
title: {zh: 试验, en: Trial}
owner: the committee
starts_on: 2026-01-01
control: a
allocation: {a: 0.5, b: 0.5}
looks: calendar
looks_planned: 1
metrics:
  - name: retention
    kind: proportion
    measure: retention
    window: [91, 181]
    role: primary
    direction: increase
"""


def cell(name: str, source: str, **metadata) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": source.strip(),
    }


def notebook(*codes: str, parameters: str = PARAMETERS) -> str:
    cells = [cell("parameters", parameters, tags=["parameters"]), cell("open", OPEN)]
    cells += [cell(f"step-{n}", code) for n, code in enumerate(codes, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    return json.dumps(
        {
            "cells": cells,
            "metadata": {"kernelspec": kernel, "language_info": language},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def write_repository(root: Path) -> Path:
    """Write it; returns the profile's path."""
    notebooks, raw = root / "notebooks", root / "data" / "raw" / "small"
    experiments = root / "params" / "experiments" / "small"
    for folder in (notebooks, raw, experiments):
        folder.mkdir(parents=True)
    (raw / "orders.csv").write_text("id,shipped\na,2026-10-01\nb,2026-10-02\nc,2026-10-03\n")
    (root / "params" / "small.yaml").write_text(MINIMAL, encoding="utf-8")
    (experiments / "trial.yaml").write_text(EXPERIMENT)
    with_language = PARAMETERS + '\nlanguage = "zh"'
    (notebooks / "01_cleaning.ipynb").write_text(notebook(CLEANING))
    (notebooks / "02_segmentation.ipynb").write_text(notebook(SEGMENTATION))
    (notebooks / "03_evaluation.ipynb").write_text(notebook(EVALUATION))
    (notebooks / "04_report.ipynb").write_text(notebook(REPORT, parameters=with_language))
    return root / "params" / "small.yaml"
