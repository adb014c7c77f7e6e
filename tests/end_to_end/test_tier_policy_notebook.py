"""The analysts' notebook on tier policies runs on a month, and keeps no output."""

from __future__ import annotations

from pathlib import Path

import ibis
import nbformat
import pytest
from nbclient import NotebookClient

from analysis.dashboard.home import private_home, register_kernel
from analysis.lab import CHECKOUT
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import TierPolicy, ValuePolicy, load_profile
from analysis.pipeline.kernels import environment
from analysis.tiers import assign, tier_services
from analysis.value import score
from canonical import company
from small_profile import MINIMAL

NOTEBOOK = CHECKOUT / "notebooks" / "explore" / "tier_policy.ipynb"
AS_OF = Month(2026, 10)
SECONDS = 120
"""More than it takes on a busy machine (about 20)."""


def made_month(root: Path) -> Path:
    """The tables that the notebook reads, of a small company; returns its profile."""
    path = root / "params" / "small.yaml"
    path.parent.mkdir()
    path.write_text(MINIMAL, encoding="utf-8")
    tables = company(customers_n=60, seed=4)
    panel = ibis.memtable(customer_months(**tables, as_of=AS_OF).to_pyarrow())
    scores = ibis.memtable(score(panel, ValuePolicy(), AS_OF).to_pyarrow())
    tiers = assign(scores, TierPolicy(), AS_OF).tiers
    services = tier_services(panel, tiers, scores, load_profile(path), AS_OF)
    frames = {"customers": tables["customers"].execute(), "tier_services": services}
    frames |= {"customer_months": panel.execute(), "scores": scores.execute()}
    folder = root / "data" / "processed" / "small" / str(AS_OF)
    folder.mkdir(parents=True)
    for name, frame in (frames | {"tiers": tiers.execute()}).items():
        frame.to_parquet(folder / f"{name}.parquet")
    return path


@pytest.mark.full
def test_the_notebook_runs_on_a_month(tmp_path: Path) -> None:
    given = {"profile": str(made_month(tmp_path)), "out": str(tmp_path), "month": str(AS_OF)}
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [c.id for c in notebook.cells if c.get("outputs") or c.get("execution_count")]
    assert not stored
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += "".join(f"\n{key} = {value!r}" for key, value in given.items())
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=place)
    with environment(private_home(tmp_path / "home")):
        register_kernel(tmp_path / "home" / "data")
        client.execute()
    shown = {
        c.id: "".join(str(o.get("data", {}).get("text/html", "")) for o in c.outputs)
        for c in notebook.cells
        if c.cell_type == "code"
    }
    assert "moves_per_customer_year" in shown["what-if"]
    assert "yearly by order value" in shown["what-if"]
    assert "strategic" in shown["by-tier"]
    assert "customers_n" in shown["yours"]
