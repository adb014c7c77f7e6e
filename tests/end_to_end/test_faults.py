"""Faults: whatever happens to a run, the last good report stays and the next run recovers."""

import json
import os
import random
import resource
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from analysis.files import read_json
from analysis.pipeline.digests import content_digest
from commands import LONGEST_SECONDS, MONTH, alone, run_command, tierlab_run
from processes import ends, mentioning
from small_repository import CLEANING, notebook, write_repository


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A repository with a good report, and how long a run took."""
    root = tmp_path_factory.mktemp("company")
    write_repository(root)
    began = time.monotonic()
    told = tierlab_run(root, environment=alone())
    assert told.returncode == 0, told.stderr
    return root, time.monotonic() - began


@pytest.fixture
def root(company):
    return company[0]


def report_of(root: Path) -> Path:
    return root / "reports" / "small" / MONTH


def state_of(root: Path) -> dict | None:
    return read_json(root / "reports" / "small" / ".states" / f"{MONTH}.json")


def published(root: Path) -> dict[str, str]:
    """The published files; each must be what the manifest says."""
    found = {path.name: path.read_text() for path in report_of(root).iterdir()}
    told = json.loads(found["manifest.json"])["files"]
    assert told == {name: content_digest(report_of(root) / name) for name in told}
    assert set(found) == {*told, "manifest.json"}
    return found


def set_customers(root: Path, count: int) -> None:
    rows = "".join(f"c{number}\n" for number in range(count))
    (root / "data/raw/small/orders.csv").write_text("id\n" + rows)


def customers_told(root: Path) -> int:
    page = published(root)["report.en.html"]
    return int(page.split(" customers</h1>")[0].rsplit("en: ", 1)[1])


def break_notebook(root: Path, code: str) -> None:
    (root / "notebooks/01_cleaning.ipynb").write_text(notebook(code))


def mend_and_run(root: Path) -> None:
    break_notebook(root, CLEANING)
    told = tierlab_run(root)
    assert told.returncode == 0, told.stderr
    assert state_of(root) is None
    assert_nothing_left(root)


def assert_nothing_left(root: Path) -> None:
    """Nothing half made, nobody still at work."""
    names = {path.name for path in (root / "data/processed/small").iterdir()}
    assert names == {".digests.json", ".locks", MONTH}
    shelf = {path.name for path in (root / "reports/small").iterdir()}
    assert not {name for name in shelf if name.startswith((".publishing", ".retired"))}
    assert not list(root.rglob("*.part"))


LARGE = """
import numpy as np, pandas as pd
numbers = np.random.default_rng(1).random(400_000)
workspace.save(shipments=pd.DataFrame({"id": numbers, "weight_kg": numbers[::-1]}))
"""
"""Some 6 MB that do not compress."""

MISSING = """
from analysis.errors import SourceError
raise SourceError("File not found", where="orders.csv", todo="Copy it.")
"""

FAULTS = [
    ("1 / 0", 8, ("01_cleaning.ipynb failed", "ZeroDivisionError", "cell 'step-1'")),
    (MISSING, 4, ("2026-10 cleaning: File not found", "where:   orders.csv", "Copy it.")),
    (LARGE, 8, ("ran out of room",)),
]


def no_large_files() -> None:
    """What a full disk is to a process: a write that fails half way."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))


def test_failing_runs_leave_the_last_good_report_until_one_succeeds(root):
    before = published(root)
    evidence = root / "data/processed/small" / MONTH / "private/failed/01_cleaning.ipynb"
    for code, exit_code, words in FAULTS:
        break_notebook(root, code)
        told = tierlab_run(root, before=no_large_files if code == LARGE else None)
        assert told.returncode == exit_code, told.stderr
        assert "Traceback" not in told.stderr + told.stdout
        assert all(word in told.stderr for word in (*words, str(evidence)))
        assert published(root) == before
        state = state_of(root)
        assert state["state"] == "failed"
        assert state["message"].startswith("cleaning: ")
        assert "got:" not in state["message"]
        assert json.loads(evidence.read_text())["cells"]
    mend_and_run(root)
    assert not evidence.exists()


def test_raw_files_that_were_away_for_a_while(root):
    before = published(root)
    raw, away = root / "data/raw/small", root / "data/raw/away"
    raw.rename(away)
    told = tierlab_run(root)
    assert told.returncode == 4
    assert state_of(root)["state"] == "failed"
    away.rename(raw)
    told = tierlab_run(root)
    assert "nothing changed" in told.stdout
    assert published(root) == before
    assert state_of(root) is None


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of its own with room for little."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root of a machine that allows it may mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.full
def test_a_full_disk_leaves_the_last_good_report(root, tiny_disk):
    out = ["--out", str(tiny_disk)]
    told = tierlab_run(root, *out)
    assert told.returncode == 0, told.stderr
    before = published(tiny_disk)
    break_notebook(root, LARGE)
    told = tierlab_run(root, *out)
    assert told.returncode == 8
    assert "Traceback" not in told.stderr
    assert published(tiny_disk) == before
    break_notebook(root, CLEANING)
    (tiny_disk / "filler").write_bytes(b"x" * free_bytes(tiny_disk))
    told = tierlab_run(root, *out)
    assert told.returncode == 8
    assert "disk is full" in told.stderr
    assert published(tiny_disk) == before
    (tiny_disk / "filler").unlink()
    told = tierlab_run(root, *out)
    assert told.returncode == 0, told.stderr
    mend_and_run(root)


def free_bytes(place: Path) -> int:
    told = os.statvfs(place)
    return told.f_bavail * told.f_frsize


def started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        run_command(),
        cwd=root,
        env=alone(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heeding_interrupts,
    )


def heeding_interrupts() -> None:
    """As from a terminal: what runs in the background (a nightly job) inherits to ignore them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it said until it ended; its pipes are closed."""
    return process.communicate(timeout=LONGEST_SECONDS)


def wait_for(condition, what: str) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


SLOW = "import time\ntime.sleep(60)\n" + CLEANING
"""Still at work when the second run has been refused, on however quick a machine."""


def run_folders(root: Path) -> list[Path]:
    return list((root / "data/processed/small").glob(".run-*"))


def test_a_month_cannot_be_run_twice_at_once_and_an_interrupt_ends_it(root):
    before = published(root)
    break_notebook(root, SLOW)
    first = started(root)
    wait_for(lambda: run_folders(root), "the first run begins")
    second = tierlab_run(root)
    assert second.returncode == 8
    assert "Another run works on this month" in second.stderr
    assert str(first.pid) in second.stderr
    first.send_signal(signal.SIGINT)
    said = ended(first)[1]
    assert first.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert published(root) == before
    assert_nobody_works(root)
    break_notebook(root, CLEANING)


def assert_nobody_works(root: Path) -> None:
    mine = os.getpid()
    assert all(ends(process.pid) for process in mentioning(str(root)) if process.pid != mine)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The run, Snakemake, the warm process, stages and kernels that live right now."""
    try:
        own = psutil.Process(process.pid)
        return [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_someone(process: subprocess.Popen[str], chance: random.Random) -> str:
    """Kill the run itself every second time, else any process of it."""
    living = family(process)
    if not living:
        return "nobody: the run had ended"
    victim = living[0] if chance.random() < 0.5 else chance.choice(living)
    try:
        words = " ".join(victim.cmdline())[-120:]
        victim.kill()
    except psutil.NoSuchProcess:
        return "nobody: it had ended"
    return words


KILLS = [
    *range(3),
    *(pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 20)),
]


@pytest.mark.parametrize("seed", KILLS)
def test_a_kill_at_any_moment(company, seed):
    root, usual_seconds = company
    chance = random.Random(seed)
    before, old, new = published(root), customers_told(root), 10 + seed
    set_customers(root, new)
    moment = chance.uniform(0, usual_seconds)
    process = started(root)
    time.sleep(moment)
    victim = kill_someone(process, chance)
    said = ended(process)
    case = f"after {moment:.2f} s of {usual_seconds:.2f} s: {victim}\n{said}"
    assert_nobody_works(root)
    assert process.returncode == 0 or published(root) == before or customers_told(root) == new
    assert customers_told(root) in (old, new), case
    assert "Traceback" not in said[1], case
    again = tierlab_run(root)
    assert again.returncode == 0, case + again.stderr
    assert customers_told(root) == new, case
    assert state_of(root) is None, case
    assert_nothing_left(root)
