"""``tierlab lab``: JupyterLab on the notebooks, quiet and without the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..pipeline.job import CHECKOUT
from ..pipeline.kernels import write_kernelspec

LANGUAGE = "zh-CN"
_OFF = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
)
"""Parts of JupyterLab that ask the network for news and extensions."""


def open_lab(port: int, *, browser: bool) -> int:
    """Open JupyterLab on ``notebooks/`` until it is stopped.

    Args:
        port: Port to listen on, on this machine only.
        browser: Whether to open a browser.

    Returns:
        The exit code of JupyterLab.
    """
    with tempfile.TemporaryDirectory(prefix="tierlab-lab-") as name:
        home = Path(name)
        command = [sys.executable, "-m", "jupyterlab", "--port", str(port), "--ip", "127.0.0.1"]
        command += ["--ServerApp.root_dir", str(CHECKOUT), "--LabApp.extension_manager=readonly"]
        command += ["--LabApp.news_url=None", "--LabApp.default_url=/lab/tree/notebooks"]
        command += [] if browser else ["--no-browser"]
        command += ["--allow-root"] if os.geteuid() == 0 else []
        return subprocess.call(command, env=os.environ | lab_environment(home))  # noqa: S603


def lab_environment(home: Path) -> dict[str, str]:
    """Environment of JupyterLab: our kernel, our settings, nothing left at home.

    Args:
        home: A folder that lives as long as JupyterLab does.
    """
    write_kernelspec(home / "share")
    settings = home / "settings"
    _write(settings / "overrides.json", _overrides())
    _write(home / "config" / "labconfig" / "page_config.json", {"disabledExtensions": _disabled()})
    return {
        "JUPYTER_PATH": str(home / "share"),
        "JUPYTER_CONFIG_PATH": str(home / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }


def _disabled() -> dict[str, bool]:
    return dict.fromkeys(_OFF, True)


def _overrides() -> dict[str, object]:
    return {
        "@jupyterlab/translation-extension:plugin": {"locale": LANGUAGE},
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    }


def _write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
