"""``tierlab lab``: JupyterLab with our kernel, quiet, in an empty home."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from analysis.dashboard.home import free_port, private_home, register_kernel
from analysis.lab import CHECKOUT, LOCALES, OFF, lab_home, write_defaults
from analysis.pipeline.kernels import environment
from dashboard_month import publish

FIRST_LOOK = CHECKOUT / "notebooks" / "explore" / "first_look.ipynb"
SECONDS = 60
"""More than a start takes on a busy machine (about 4)."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    process: subprocess.Popen[str]
    address: str
    token: str

    def get(self, path: str) -> str:
        url = f"{self.address}{path}?token={self.token}"
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    port = free_port("127.0.0.1", None, 18888)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis", "lab", "--no-browser", "--port", str(port)],
        env=kept | {"HOME": str(tmp_path_factory.mktemp("home"))},
        cwd=tmp_path_factory.mktemp("elsewhere"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        token = said_token(process)
        wait_for(port)
        yield Lab(process, f"http://127.0.0.1:{port}", token)
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()


def wait_for(port: int) -> None:
    """JupyterLab tells its address a moment before it listens."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("it does not listen")


def said_token(process: subprocess.Popen[str]) -> str:
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"127\.0\.0\.1:\d+/lab/tree/notebooks\?token=([0-9a-f]+)", line):
            return found[1]
    raise AssertionError("it ended without telling its address")


def test_our_kernel_is_the_only_one(running: Lab) -> None:
    specs = json.loads(running.get("/api/kernelspecs"))
    assert [s["spec"]["display_name"] for s in specs["kernelspecs"].values()] == ["tierlab"]
    assert specs["kernelspecs"][specs["default"]]["spec"]["argv"][0] == sys.executable


def test_the_notebooks_are_there(running: Lab) -> None:
    listed = json.loads(running.get("/api/contents/notebooks"))
    assert "dashboard.ipynb" in [item["name"] for item in listed["content"]]


def test_news_updates_and_extensions_are_off(running: Lab) -> None:
    page = running.get("/lab")
    config = json.loads(
        re.search(r'id="jupyter-config-data"[^>]*>\s*(\{.*?\})\s*</script>', page, re.DOTALL)[1]  # type: ignore[index]
    )
    assert set(OFF) <= set(config["disabledExtensions"])
    assert config["news"]["disabled"]
    assert not config["extensionManager"]["can_install"]


def test_it_speaks_chinese_and_the_reader_can_switch(running: Lab) -> None:
    packs = json.loads(running.get("/lab/api/translations"))["data"]
    assert {"zh_CN", "en"} <= set(packs)
    setting = running.get("/lab/api/settings/@jupyterlab/translation-extension:plugin")
    assert json.loads(setting)["schema"]["properties"]["locale"]["default"] == LOCALES["zh"]


def test_without_the_token_nobody_gets_in(running: Lab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{running.address}/api/kernelspecs", timeout=SECONDS)


def test_it_ends_when_told_to(running: Lab) -> None:
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(SECONDS) == 0


def test_where_home_cannot_be_written_everything_goes_elsewhere(tmp_path: Path) -> None:
    write_defaults(tmp_path / "defaults", "en")
    for home in ("", "/nonexistent"):
        made = lab_home(tmp_path, {"HOME": home})
        assert all(value.startswith(str(tmp_path)) for value in made.values())
        assert "JUPYTER_CONFIG_DIR" in made
    assert "JUPYTER_CONFIG_DIR" not in lab_home(tmp_path, {"HOME": str(tmp_path)})


def test_the_first_look_runs_on_a_published_month(tmp_path: Path) -> None:
    given = {"profile": str(publish(tmp_path)), "out": str(tmp_path), "month": "2026-10"}
    notebook = nbformat.read(FIRST_LOOK, as_version=4)
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += "".join(f"\n{key} = {value!r}" for key, value in given.items())
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
    with environment(private_home(tmp_path / "home")):
        register_kernel(tmp_path / "home" / "data")
        client.execute()
    shown = [output for c in notebook.cells if c.cell_type == "code" for output in c.outputs]
    assert sum("text/html" in output.get("data", {}) for output in shown) >= 4
    assert not [output for output in shown if output.output_type == "error"]


def test_no_output_is_stored_in_the_notebooks() -> None:
    for path in (FIRST_LOOK, CHECKOUT / "notebooks" / "dashboard.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [c.id for c in cells if c.get("outputs") or c.get("execution_count")], path.name
