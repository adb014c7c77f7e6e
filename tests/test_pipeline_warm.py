"""The warm process: its forks do the same as processes of their own, and end with it."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from analysis.pipeline.delegation import WARM_VARIABLE, delegated
from analysis.pipeline.supervision import warmed_up
from analysis.pipeline.warm import FIRST, LATER, SOCKET
from processes import DEADLINE_SECONDS, ends

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a warm process")

ASK = """
import sys
from analysis.pipeline.delegation import delegated
sys.exit(delegated(sys.argv[1], sys.argv[2:]))
"""


@pytest.fixture
def folder(tmp_path):
    """A run's folder whose path is longer than a socket's may be."""
    place = tmp_path / ("long" * 30)
    place.mkdir()
    return place


@pytest.fixture
def warm(folder):
    beside = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(
        [sys.executable, "-m", "warm_and_empty", str(folder), "0"], env=beside
    )
    until = time.monotonic() + DEADLINE_SECONDS
    while not (folder / SOCKET).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def asker(folder, target, *arguments, cwd=None):
    return subprocess.Popen(
        [sys.executable, "-c", ASK, target, *arguments],
        env=os.environ | {WARM_VARIABLE: str(folder / SOCKET)},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(folder, target, *arguments, cwd=None):
    process = asker(folder, target, *arguments, cwd=cwd)
    out, err = process.communicate(timeout=DEADLINE_SECONDS)
    return process.returncode, out, err


def test_a_fork_ends_with_its_own_code(warm, folder):
    assert asked(folder, "builtins:len", "a", "b", "c")[0] == 3
    assert asked(folder, "subprocess:call", "sh", "-c", "exit 7")[0] == 7


def test_a_fork_has_the_askers_streams_folder_and_environment(warm, folder, tmp_path):
    script = f"pwd; echo ${WARM_VARIABLE}; echo wrong >&2"
    code, out, err = asked(folder, "subprocess:call", "sh", "-c", script, cwd=tmp_path)
    assert code == 0
    assert out.split("\n")[:2] == [str(tmp_path), str(folder / SOCKET)]
    assert err == "wrong\n"


def test_a_fault_in_a_fork_is_its_own(warm, folder):
    code, _, err = asked(folder, "builtins:int", "no number")
    assert code == 1
    assert "TypeError" in err
    assert asked(folder, "builtins:len")[0] == 0
    assert warm.poll() is None


@pytest.fixture
def dozing(warm, folder):
    """Somebody who asked for a long doze, and the fork that sleeps."""
    process = asker(folder, "processes:doze", "60")
    fork = int(process.stdout.readline())
    yield process, fork
    process.kill()
    process.communicate()


def test_a_killed_asker_takes_its_fork_along(warm, dozing):
    process, fork = dozing
    process.send_signal(signal.SIGKILL)
    assert ends(fork)
    assert warm.poll() is None


def test_when_the_warm_process_ends_its_forks_and_their_askers_end(warm, dozing):
    process, fork = dozing
    warm.kill()
    assert ends(fork)
    assert process.wait(DEADLINE_SECONDS) == 1


def test_nobody_else_may_ask(warm, folder):
    assert (folder / SOCKET).stat().st_mode & 0o077 == 0


def test_without_a_warm_process_the_caller_does_it_itself(folder, monkeypatch):
    monkeypatch.delenv(WARM_VARIABLE, raising=False)
    assert delegated("builtins:len", ["a"]) is None
    monkeypatch.setenv(WARM_VARIABLE, str(folder / SOCKET))
    assert delegated("builtins:len", ["a"]) is None
    monkeypatch.setenv(WARM_VARIABLE, str(folder / "gone" / SOCKET))
    assert delegated("builtins:len", ["a"]) is None


def test_what_was_warmed_up_before_a_run_serves_it_and_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.pipeline.warm.__name__", "warm_and_empty", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.delenv(WARM_VARIABLE, raising=False)
    others = psutil.Process().children()  # of other tests of this session
    with warmed_up(tmp_path):
        place = Path(os.environ[WARM_VARIABLE])
        (process,) = (child for child in psutil.Process().children() if child not in others)
        until = time.monotonic() + DEADLINE_SECONDS
        while not place.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        assert asked(place.parent, "builtins:len", "a", "b")[0] == 2
    assert WARM_VARIABLE not in os.environ
    assert not process.is_running()
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]


def test_what_it_loads_of_ours_are_modules_and_no_packages_that_load_nothing():
    ours = [name for name in (*FIRST, *LATER) if name.startswith("analysis.")]
    for name in ours:
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        assert "__getattr__" not in Path(spec.origin).read_text(encoding="utf-8"), name
