"""Locks end with the process that held them, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from analysis.errors import RunError
from analysis.pipeline.locks import (
    RUN_VARIABLE,
    hold_folder,
    is_abandoned,
    let_go,
    month_held,
    stage_held,
    take,
)
from processes import DEADLINE_SECONDS, ends

HOLD = """
import sys, time
from pathlib import Path
from analysis.pipeline.locks import month_held, stage_held
with {how}(Path(sys.argv[1]), "2026-10"):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(tmp_path, how="month_held"):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(how=how), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    process.stdout.close()
    return process


def test_a_month_is_held_by_one_run(tmp_path):
    process = holding(tmp_path)
    try:
        with pytest.raises(RunError, match="Another run") as told, month_held(tmp_path, "2026-10"):
            pass
        assert str(process.pid) in str(told.value)
        with month_held(tmp_path, "2026-09"):
            pass
    finally:
        process.kill()
        process.wait()
    with month_held(tmp_path, "2026-10"):
        pass


def test_a_run_waits_for_stages_that_a_killed_run_left(tmp_path):
    process = holding(tmp_path, "stage_held")
    try:
        began = time.monotonic()
        subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill -9 {process.pid}"]).wait()
        with month_held(tmp_path, "2026-10"):
            waited = time.monotonic() - began
        assert 0.4 < waited < DEADLINE_SECONDS
    finally:
        process.kill()
        process.wait()


def test_stages_work_side_by_side(tmp_path):
    with stage_held(tmp_path, "2026-10"), stage_held(tmp_path, "2026-10"):
        assert take(tmp_path / "2026-10.stages.lock") is None


def test_a_folder_in_work_is_not_abandoned_until_its_process_ends(tmp_path):
    held = hold_folder(tmp_path)
    assert not is_abandoned(tmp_path)
    with pytest.raises(RunError):
        hold_folder(tmp_path)
    held.close()
    assert is_abandoned(tmp_path)


def test_a_folder_without_a_lock_is_abandoned(tmp_path):
    """The lock is there before the folder and after it."""
    assert is_abandoned(tmp_path / "left")
    with hold_folder(tmp_path / "left"):
        assert not is_abandoned(tmp_path / "left")
    let_go(tmp_path / "left")
    assert is_abandoned(tmp_path / "left")


WATCH = """
import subprocess, sys, time
from analysis.pipeline.locks import end_with_run
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
end_with_run()
time.sleep(60)
"""


def test_a_stage_ends_with_its_run_and_takes_its_children_along(tmp_path):
    held = hold_folder(tmp_path)
    stage = subprocess.Popen(
        [sys.executable, "-c", WATCH],
        env=os.environ | {RUN_VARIABLE: str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(stage.stdout.readline())
    stage.stdout.close()
    assert stage.poll() is None
    held.close()
    assert stage.wait(DEADLINE_SECONDS) == 1
    assert ends(child)


def test_a_child_dies_with_its_parent(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', '''\n"
        "from analysis.pipeline.locks import die_with_parent\n"
        "import os, time\n"
        "die_with_parent()\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)'''])\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.stdout.close()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ends(child)


def test_a_child_whose_run_was_killed_before_it_could_ask_ends_too(tmp_path):
    """The parent's death is told to those only who asked before it died."""
    code = (
        "from analysis.pipeline.locks import die_with_parent\n"
        "import time\n"
        "die_with_parent()\n"
        "print('asked', flush=True)\n"
        "time.sleep(60)\n"
    )

    def child():
        belongs = os.environ | {RUN_VARIABLE: str(tmp_path / "run")}
        return subprocess.Popen(
            [sys.executable, "-c", code], env=belongs, stdout=subprocess.PIPE, text=True
        )

    held = hold_folder(tmp_path / "run")
    with child() as living:
        assert living.stdout.readline() == "asked\n"
        living.kill()
    held.close()
    with child() as late:
        assert late.wait(DEADLINE_SECONDS) == 1
