"""The analysts' notebook on the design of experiments runs through papermill."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pyarrow.parquet as pq
import pytest
import yaml

from analysis.dashboard.home import private_home, register_kernel
from analysis.lab import CHECKOUT
from analysis.pipeline.kernels import environment
from canonical import company
from small_profile import MINIMAL

NOTEBOOK = CHECKOUT / "notebooks" / "explore" / "design_experiment.ipynb"
PLAN = {
    "id": "trial",
    "control": "uniform",
    "allocation": {"tiered": 0.5, "uniform": 0.5},
    "starts_on": "2025-01-01",
    "looks_planned": 1,
    "metrics": [
        {"name": "frequency", "measure": "frequency", "role": "primary", "window": [0, 90],
         "minimum_effect": 2}
    ],
}  # fmt: skip


@pytest.mark.full
def test_the_notebook_runs_on_a_month(tmp_path: Path) -> None:
    profile = tmp_path / "params" / "small.yaml"
    profile.parent.mkdir()
    profile.write_text(MINIMAL, encoding="utf-8")
    plan = tmp_path / "trial.yaml"
    plan.write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    folder = tmp_path / "data" / "processed" / "small" / "2026-10"
    folder.mkdir(parents=True)
    for name, table in company(customers_n=60, seed=4).items():
        pq.write_table(table.to_pyarrow(), folder / f"{name}.parquet")
    before = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    given = {"profile": str(profile), "out": str(tmp_path), "month": "2026-10",
             "experiment": str(plan), "draws": 3}  # fmt: skip
    out = tmp_path / "executed" / "design.ipynb"
    out.parent.mkdir()
    with environment(private_home(tmp_path / "home")):
        register_kernel(tmp_path / "home" / "data")
        papermill.execute_notebook(
            str(NOTEBOOK), str(out), given, kernel_name="python3", cwd=str(NOTEBOOK.parent),
            progress_bar=False,
        )  # fmt: skip
    shown = {
        c.id: "".join(str(o.get("data", {}).get("text/html", "")) for o in c.outputs)
        for c in nbformat.read(out, as_version=4).cells
        if c.cell_type == "code" and "id" in c
    }
    assert "customers_needed" in shown["change"]
    assert "false_alarms" in shown["rehearsal"]
    assert "is_balanced" in shown["draw"]
    made = {p for p in tmp_path.rglob("*") if p.is_file()} - set(before)
    assert not [p for p in made if p.parent == tmp_path or "params" in p.parts]  # nothing frozen
