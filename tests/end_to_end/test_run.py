"""A whole run, from raw files to published reports, on a repository that takes seconds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.files import read_json
from commands import MONTH, alone, tierlab_run
from small_repository import notebook, write_repository


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Made once: tests change one thing each and run again."""
    root = tmp_path_factory.mktemp("company")
    write_repository(root)
    home = tmp_path_factory.mktemp("home")
    told = tierlab_run(root, environment=alone(home))
    assert told.returncode == 0, told.stderr
    assert not list(home.rglob("*.ipynb")), "nothing may be left in the home directory"
    return root


def steps_that_ran(told):
    assert told.returncode == 0, told.stderr
    return [line.split()[1] for line in told.stdout.splitlines() if line.startswith("✓")]


def shelf_of(root):
    return root / "reports" / "small"


def test_results_land_where_readers_look(repository):
    published = shelf_of(repository) / MONTH
    assert sorted(path.name for path in published.iterdir()) == [
        "manifest.json",
        "report.en.html",
        "report.zh.html",
        "summary.json",
    ]
    assert "zh: 3 customers" in (published / "report.zh.html").read_text()
    assert (shelf_of(repository) / "index.html").exists()
    processed = repository / "data/processed/small" / MONTH
    private = sorted(path.name for path in (processed / "private").glob("*.ipynb"))
    assert private == [
        "01_cleaning.ipynb",
        "02_segmentation.ipynb",
        "03_evaluation.ipynb",
        "04_report.en.ipynb",
        "04_report.zh.ipynb",
    ]
    manifest = read_json(published / "manifest.json")
    assert manifest["ledger"]["total"]["rows_read"] == 3
    assert [step["name"] for step in manifest["stages"]][:2] == ["cleaning", "segmentation"]


def test_nothing_is_left_behind(repository):
    home = repository / "data/processed/small"
    assert sorted(path.name for path in home.iterdir()) == [".digests.json", ".locks", MONTH]
    kept = {path.name for path in shelf_of(repository).iterdir()}
    assert kept == {".index.json", ".index.lock", ".states", MONTH, "index.html"} - (
        set() if (shelf_of(repository) / ".states").exists() else {".states"}
    )
    assert not (repository / ".snakemake").exists()


def test_a_touch_runs_nothing(repository):
    for path in repository.rglob("*"):
        if path.is_file() and "processed" not in path.parts and "reports" not in path.parts:
            os.utime(path)
    told = tierlab_run(repository)
    assert steps_that_ran(told) == []
    assert "nothing changed" in told.stdout
    assert str(shelf_of(repository) / MONTH / "report.en.html") in told.stdout


def test_a_changed_experiment_runs_evaluation_and_report_only(repository):
    plan = repository / "params/experiments/small/trial.yaml"
    plan.write_text(plan.read_text().replace("the committee", "the board"))
    told = tierlab_run(repository)
    assert sorted(steps_that_ran(told)) == ["evaluation", "publication", "report-en", "report-zh"]
    assert "experiments/small/trial.yaml changed" in told.stdout


def test_raw_files_and_results_may_lie_elsewhere(repository, tmp_path):
    raw = tmp_path / "raw with spaces"
    shutil.copytree(repository / "data/raw/small", raw)
    (raw / "orders.csv").write_text("id\na\nb\n")
    out = tmp_path / "out put"
    told = tierlab_run(repository, "--raw", str(raw), "--out", str(out), "--cores", "1")
    assert len(steps_that_ran(told)) == 6
    page = out / "reports/small" / MONTH / "report.en.html"
    assert "en: 2 customers" in page.read_text()
    assert "en: 3 customers" in (shelf_of(repository) / MONTH / "report.en.html").read_text()


def test_several_months_are_made_and_each_fails_for_itself(repository, tmp_path):
    out = tmp_path / "out"
    check = 'if month == "2026-08":\n    raise analysis.errors.CoverageError("No data in August")'
    changed = json.loads((repository / "notebooks/01_cleaning.ipynb").read_text())
    broken = tmp_path / "notebooks"
    shutil.copytree(repository / "notebooks", broken)
    changed["cells"][1]["source"] += "\nimport analysis.errors\n" + check
    (broken / "01_cleaning.ipynb").write_text(json.dumps(changed))
    told = tierlab_run(
        repository, "--from", "2026-07", "--to", "2026-09", "--out", str(out),
        "--notebooks", str(broken), month="",
    )  # fmt: skip
    assert told.returncode == 6
    assert "2026-08 cleaning: No data in August" in told.stderr
    shelf = out / "reports/small"
    assert sorted(path.name for path in shelf.glob("2*")) == ["2026-07", "2026-09"]
    assert read_json(shelf / ".states/2026-08.json")["state"] == "failed"
    assert not (shelf / ".states/2026-09.json").exists()


def snakemake(repository, folder, *options):
    """Call Snakemake itself, as a cluster would."""
    snakefile = Path(__file__).parents[2] / "Snakefile"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--cores", "2"]
    command += ["--rerun-triggers", "mtime", "--directory", str(folder), "--config"]
    command += [f"profile={repository / 'params/small.yaml'}", f"months={MONTH}", *options]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    return told.stdout + told.stderr


def test_the_snakefile_works_alone(repository, tmp_path):
    assert "Nothing to be done" in snakemake(repository, tmp_path)
    out = tmp_path / "alone"
    planned = snakemake(repository, tmp_path, f"out={out}", "--dry-run")
    assert planned.count("\nrule ") - planned.count("\nrule all:") == 6
    snakemake(repository, tmp_path, f"out={out}", "--until", "cleaning")
    assert (out / "data/processed/small" / MONTH / "ledger.parquet").exists()


def test_an_unknown_parameter_is_refused_before_the_notebook_runs(repository, tmp_path):
    broken = tmp_path / "notebooks"
    shutil.copytree(repository / "notebooks", broken)
    text = notebook("1", parameters='profile = ""\nmonth = ""\nraw = ""\nout = ""\nsaveto = ""')
    (broken / "02_segmentation.ipynb").write_text(text)
    told = tierlab_run(repository, "--notebooks", str(broken), "--out", str(tmp_path / "out"))
    assert told.returncode == 3
    assert "no save_to, also saveto" in told.stderr
    assert "Traceback" not in told.stderr
