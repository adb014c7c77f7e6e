"""The validation grid itself: its limits, its memory of what has run, and a small part of it."""

import errno
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import RunError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from validation.cell import Cell, Claim, coverage, seeds_of  # noqa: E402
from validation.entering import Code  # noqa: E402
from validation.grid import CELLS  # noqa: E402
from validation.running import HERE, SOURCE, current, path_of, run  # noqa: E402
from validation.writing import write  # noqa: E402

SMALL = (
    "units-50",
    "clusters-20-even",
    "ratio-strata",
    "survival-300",
    "power-nps",
    "sample-ratio",
    "accrual-clusters-12",
    "curve-clusters-30",
    "rare-even",
)
REPLICATIONS = 250


def coin(share: float):
    def tossed(rng, n):
        return {"coverage": rng.random(n) < share}

    tossed.__module__ = "validation.draws"  # the file that its digest reads
    return tossed


def toy(share: float = 0.95, replications: int = 300) -> Cell:
    return Cell("toy", "Toys", "a coin", {"coverage": coverage()}, coin(share), replications, 100)


def test_limits_are_those_of_the_design():
    low, high = coverage().limits(10_000)
    assert (round(low, 4), round(high, 4)) == (0.9427, 0.9570)
    assert round(coverage().limits(4_000)[0], 4) == 0.9383
    assert Claim(0.05, "at most", "alarms").limits(10_000)[1] == pytest.approx(0.0573, abs=5e-5)
    assert Claim(0.95, "published", "told").passes(0, 10) is None
    assert Claim(0.8, "near", "power").passes(781, 1000)
    assert not Claim(0.8, "near", "power").passes(779, 1000)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_part_of_the_grid_keeps_its_promises(name: str):
    cell = CELLS[name]
    hits = cell.simulate(seeds_of(cell, 1_000_000), REPLICATIONS)
    assert set(hits) == set(cell.claims)
    for claim, values in hits.items():
        if cell.claims[claim].holds != "near":
            assert cell.claims[claim].passes(int(values.sum()), len(values)) is not False, claim
        else:  # two points are less than chance at so few replications
            spread = 3.3 * np.sqrt(0.25 / len(values))
            assert abs(values.mean() - cell.claims[claim].promise) < 0.02 + spread


def test_a_run_goes_on_where_it_stopped(tmp_path: Path):
    told: list[str] = []
    run([toy()], tmp_path, 1, told.append)
    kept = json.loads(path_of(tmp_path, toy()).read_text("utf-8"))
    del kept["chunks"]["1"]
    kept["chunks"]["0"]["hits"]["coverage"] = 7  # would be undone if it ran again
    path_of(tmp_path, toy()).write_text(json.dumps(kept), "utf-8")
    run([toy()], tmp_path, 1, told.append)
    again = current(tmp_path, toy())
    assert (again.replications, again.chunks["0"]["hits"]["coverage"]) == (300, 7)
    assert [line for line in told if line.startswith("1 chunks of 1 cells")]


def test_a_full_disk_is_told_and_leaves_what_was_kept(tmp_path: Path, monkeypatch):
    run([toy(replications=100)], tmp_path, 1, lambda _: None)
    kept = path_of(tmp_path, toy()).read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match="disk is full"):
        run([toy(replications=200)], tmp_path, 1, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.json"]
    assert path_of(tmp_path, toy()).read_bytes() == kept


def test_results_of_other_code_run_again(tmp_path: Path):
    run([toy()], tmp_path, 1, lambda _: None)
    kept = json.loads(path_of(tmp_path, toy()).read_text("utf-8"))
    path_of(tmp_path, toy()).write_text(json.dumps({**kept, "code": "earlier"}), "utf-8")
    assert current(tmp_path, toy()).replications == 0
    assert write([toy()], tmp_path, tmp_path / "page.md") == [
        "toy: 300 replications of earlier code"
    ]


@pytest.fixture
def code(tmp_path: Path) -> Code:
    """A grid with one cell, of a package of which it uses one function."""
    files = {
        "grid/draws.py": "",
        "grid/cells.py": "from analysis.numbers import mean\nfrom .draws import half",
        "analysis/numbers/__init__.py": "from .means import mean\nfrom .plans import power",
        "analysis/numbers/means.py": "from .results import Result\nfrom ..words import say",
        "analysis/numbers/results.py": "class Result: ...",
        "analysis/numbers/plans.py": "def power(): ...",
        "analysis/words.py": "def say(): ...",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return Code(tmp_path / "analysis", tmp_path / "grid", ("numbers",))


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ("grid/cells.py", True),
        ("grid/draws.py", True),
        ("analysis/numbers/means.py", True),
        ("analysis/numbers/results.py", True),
        ("analysis/numbers/plans.py", False),
        ("analysis/numbers/__init__.py", False),
        ("analysis/words.py", False),
    ],
)
def test_only_code_that_enters_a_cell_makes_it_run_again(
    code: Code, tmp_path: Path, changed: str, counts: bool
):
    before = code.digest(code.grid / "cells.py")
    place = tmp_path / changed
    place.write_text(f'"""Told."""\n# why\n{place.read_text("utf-8")}', "utf-8")
    assert code.digest(code.grid / "cells.py") == before, "words count for nothing"
    place.write_text(f"{place.read_text('utf-8')}\nmore = 1", "utf-8")
    assert (code.digest(code.grid / "cells.py") != before) == counts


def test_a_plan_s_own_modules_enter_no_cell_of_an_estimator():
    cell = CELLS["units-500"]
    entering = Code(SOURCE, HERE, cell.uses).entering(HERE / "means.py")
    names = {path.relative_to(SOURCE).name for path in entering if path.is_relative_to(SOURCE)}
    assert {"regression.py", "comparison.py", "relative.py"} <= names
    assert not {"power.py", "planned_clusters.py", "looks.py"} & names


def test_the_page_tells_what_is_broken_and_what_has_not_run(tmp_path: Path):
    broken = toy(share=0.5)
    other = Cell("other", "Toys", "a second coin", broken.claims, coin(0.95), 100, 100)
    run([broken], tmp_path / "cells", 1, lambda _: None)
    faults = write([broken, other], tmp_path / "cells", tmp_path / "page.md")
    assert faults == ["toy, coverage: broken", "other: not run"]
    page = (tmp_path / "page.md").read_text("utf-8")
    assert "**0 of 1 promises that were tested are kept**" in page
    assert "| – | – | 0 | not run |" in page
    assert (tmp_path / "group-1.svg").read_text("utf-8").count("<circle") == 1


def test_the_page_in_the_repository_names_every_cell():
    stored = sorted(path.stem for path in (ROOT / "docs/validation/cells").glob("*.json"))
    assert set(stored) <= set(CELLS)
    page = (ROOT / "docs/validation.md").read_text("utf-8")
    assert [name for name in CELLS if f"`{name}`" not in page] == []


def test_whole_companies_are_counted_by_reading():
    import demo_seeds

    effects = pd.DataFrame(
        [("x", "total", "nps", "all", 4.0), ("x", "total", "nps", "small", 9.0)],
        columns=["experiment", "estimand", "metric", "segment", "value"],
    )
    row = {"experiment": "x", "estimand": "total", "metric": "nps", "segment": "all", "bound": ""}
    row |= {"analysis_basis": "intention_to_treat", "status": "ok"}
    limits = ((5.0, 1.0, 9.0), (8.0, 5.0, 11.0))
    lines = []
    for effect, low, high in limits:
        found = pd.DataFrame([{**row, "effect": effect, "ci_low": low, "ci_high": high}])
        others = [found.assign(bound="lee_low"), found.assign(status="maturing")]
        read = demo_seeds.readings(effects, pd.concat([found, *others]))
        assert read == {"x total nps": [4.0, effect, low, high]}
        lines.append({"planted": "effects", "readings": read})
    (counted,) = demo_seeds.rates(lines).to_dict("records")
    assert (counted["n"], counted["held"], counted["excludes"]) == (2, 1, 2)
