"""What is kept of a fault that nobody expected."""

import subprocess
import sys

import pytest

from analysis.pipeline.faults import is_interrupt, write_log

STOPPED_INSIDE_A_QUERY = """
import signal, duckdb
from analysis.pipeline.faults import is_interrupt
signal.signal(signal.SIGALRM, signal.default_int_handler)
alone = duckdb.connect(config={"threads": 1})  # waiting for other threads, it hears no signal
endless = alone.sql("SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) % 7 = 3")
try:
    signal.setitimer(signal.ITIMER_REAL, 0.2, 5)
    endless.to_arrow_table()
except BaseException as fault:
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(is_interrupt(fault), repr(fault))
"""


def broken():
    rows = {"contact": "周伟娜", "phone": "15400039595"}
    try:
        return int(rows["contact"])
    except ValueError as fault:
        fault.add_note("beside zhouwei@gubo.example")
        raise KeyError(rows["phone"]) from fault


@pytest.fixture
def fault():
    with pytest.raises(KeyError) as caught:
        broken()
    return caught.value


def test_a_log_holds_the_place_and_kind_but_no_value_of_a_row(fault, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = write_log(fault)
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o077 == 0
    told = path.read_text(encoding="utf-8")
    for kept in ("broken", "ValueError: invalid literal for int()", "KeyError: …"):
        assert kept in told
    said = [line for line in told.splitlines() if not line.startswith(" ")]
    for value in ("周伟娜", "15400039595", "zhouwei", "gubo"):
        assert not any(value in line for line in said)


def test_in_a_private_folder_the_fault_is_told_in_full(fault, tmp_path):
    told = write_log(fault, tmp_path / "private").read_text(encoding="utf-8")
    assert "invalid literal for int() with base 10: '周伟娜'" in told


def test_a_stop_inside_a_query_is_an_interrupt_and_no_fault():
    ran = [sys.executable, "-c", STOPPED_INSIDE_A_QUERY]
    told = subprocess.run(ran, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.startswith("True"), told


@pytest.mark.parametrize("other", [RuntimeError("no such table"), ValueError("Query interrupted")])
def test_other_faults_are_no_interrupt(other):
    assert not is_interrupt(other)
