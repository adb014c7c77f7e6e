"""JupyterLab for analysts: on the notebooks, with our kernel, quiet, in either language."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .dashboard.home import free_port, private_home, register_kernel
from .language import LanguageCode
from .pipeline.kernels import environment

CHECKOUT = Path(__file__).resolve().parents[2]
"""The repository this package runs from: it holds notebooks and params."""
FIRST_PORT = 8888
LOOPBACK = "127.0.0.1"
LOCALES: Mapping[LanguageCode, str] = {"zh": "zh_CN", "en": "default"}
"""Language → JupyterLab's name for it."""
OFF = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
)
"""Parts of JupyterLab that ask the network for news, updates and extensions."""


def lab(
    *,
    folder: str | Path = "",
    port: int | None = None,
    browser: bool = True,
    language: LanguageCode = "zh",
) -> int:
    """Open JupyterLab on ``notebooks/`` until it is stopped.

    It listens on this machine only and asks for its token. The analyst's own settings are kept
    in the home directory, where there is one that can be written.

    Args:
        folder: Folder that holds ``notebooks/``; this repository by default.
        port: Port; by default the first free one from 8888.
        browser: Whether to open a browser.
        language: Language it opens in the first time; the settings can change it.

    Returns:
        The exit code.

    Raises:
        RunError: The port is taken.
    """
    chosen = free_port(LOOPBACK, port, FIRST_PORT)
    root = Path(folder).resolve() if folder else CHECKOUT
    with tempfile.TemporaryDirectory(prefix="tierlab-lab-") as name:
        register_kernel(Path(name) / "data")
        write_defaults(Path(name) / "defaults", language)
        with environment(lab_home(Path(name))):
            return _run(_options(root, chosen, browser=browser))


def lab_home(folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that add our kernel and defaults to the analyst's own Jupyter.

    Args:
        folder: Holds ``data`` (the kernel) and ``defaults`` (settings).
        variables: The environment; the process's by default.

    Returns:
        Environment variables. Where the home directory cannot be written, everything else of
        Jupyter goes below the folder too.
    """
    known = os.environ if variables is None else variables
    ours = {"JUPYTER_CONFIG_PATH": str(folder / "defaults")}
    home = known.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        return private_home(folder) | ours
    return {"JUPYTER_PATH": str(folder / "data")} | ours


def write_defaults(folder: Path, language: LanguageCode) -> None:
    """Write JupyterLab's defaults: language, no news, no update check, no extension manager."""
    settings = {
        "@jupyterlab/translation-extension:plugin": {"locale": LOCALES[language]},
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
    }
    page = {"disabledExtensions": dict.fromkeys(OFF, True)}
    place = folder / "labconfig"
    place.mkdir(parents=True)
    for name, content in (("default_setting_overrides", settings), ("page_config", page)):
        (place / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _options(root: Path, port: int, *, browser: bool) -> list[str]:
    options = [
        f"--ServerApp.ip={LOOPBACK}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.open_browser={browser}",
        "--LabApp.default_url=/lab/tree/notebooks",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.log_level=WARN",
        "--LabApp.log_level=WARN",
        "--KernelManager.transport_encryption=auto",
    ]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*options, "--ServerApp.allow_root=True"] if is_root else options


def _run(options: list[str]) -> int:
    from jupyterlab.labapp import LabApp

    try:
        LabApp.launch_instance(argv=options)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0
