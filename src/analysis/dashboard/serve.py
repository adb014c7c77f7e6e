"""Start the dashboard: one notebook, served by Voila to stakeholders."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

from ..errors import ParamsError
from ..language import Language, LanguageCode
from ..params import load_profile
from ..pipeline.kernels import ONE_THREAD, environment
from .home import (
    KERNEL,
    free_port,
    private_home,
    register_kernel,
)
from .published import reports_of

NOTEBOOK = Path(__file__).resolve().parents[3] / "notebooks" / "dashboard.ipynb"
PAGE = Path(__file__).with_name("page")
TEMPLATE = "tierlab"
FIRST_PORT = 8866
WATCH_SECONDS = 5.0
"""How often an open page looks for newer results."""
QUIET_KERNEL = "--log-level=CRITICAL"
"""A kernel that is still being heated when the server ends would say so in twenty lines; what goes
wrong in a page is told on the page."""
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - asked for by name, with a token
TOKEN_VARIABLE = "TIERLAB_TOKEN"  # noqa: S105 - the variable's name
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'self'",
        "form-action 'self'",
        "base-uri 'self'",
    )
)
"""The browser itself refuses any request that would leave this server."""


def serve(
    profile: str | Path,
    *,
    out: str | Path = "",
    host: str = "127.0.0.1",
    port: int | None = None,
    language: LanguageCode = "zh",
    pool: int = 1,
    most_viewers: int = 24,
    announce: Callable[[str], None] | None = None,
) -> int:
    """Serve the dashboard of a profile's results until stopped (Ctrl-C or SIGTERM).

    Args:
        profile: The profile's YAML file.
        out: Folder under which ``data/processed`` and ``reports`` lie; the repository by default.
        host: Address to listen on. Any other than this machine's own demands a token: the
            environment's ``TIERLAB_TOKEN``, or one that is made up and announced.
        port: Port; by default the first free one from 8866.
        language: Language the page opens in; each reader can switch.
        pool: Kernels kept heated, about 200 MB each.
        most_viewers: Pages open at once; further visitors are asked to come back.
        announce: Called with the address (and the token) once visitors are answered; prints it
            by default.

    Returns:
        The exit code, 0.

    Raises:
        CoverageError: The profile has no results yet.
        ParamsError: An option is wrong.
        RunError: The port is taken.
    """
    reports = reports_of(profile, out)
    token = token_for(host)
    chosen = free_port(host, port, FIRST_PORT)
    title = load_profile(profile).title.in_(language)
    with tempfile.TemporaryDirectory(prefix="tierlab-dashboard-") as name:
        folder = Path(name)
        place_page(folder)
        register_kernel(folder / "data", QUIET_KERNEL, interrupt_mode="message")
        parameters = {
            "profile": str(Path(profile).resolve()),
            "out": str(Path(out).resolve()) if out else "",
            "language": language,
            "watch_seconds": WATCH_SECONDS,
        }
        notebook = place_notebook(folder, parameters, title)
        with environment(private_home(folder) | ONE_THREAD):
            config = configured(folder, notebook, host, chosen, token, language)
            config.VoilaConfiguration.default_pool_size = pool
            config.FreshVoila.most_kernels = pool + most_viewers
            config.FreshVoila.reports = str(reports)
            told = address(host, chosen, token)
            _run(config, lambda: (announce or _say)(told))
    return 0


def token_for(host: str, variables: Mapping[str, str] | None = None) -> str:
    """The token visitors must show; empty where only this machine can visit.

    Raises:
        ParamsError: The environment's token is too short to protect anything.
    """
    from .pool import is_loopback

    given = (os.environ if variables is None else variables).get(TOKEN_VARIABLE, "")
    if given and len(given) < 16:
        raise ParamsError(
            "The token is too short",
            where=TOKEN_VARIABLE,
            got=f"{len(given)} characters",
            allowed="16 characters or more",
            todo=f"Give a longer one, or unset {TOKEN_VARIABLE} and one is made up.",
        )
    return given or ("" if is_loopback(host) else secrets.token_urlsafe(24))


def place_page(folder: Path) -> None:
    """Put our page template where Voila looks for templates."""
    place = folder / "data" / "voila" / "templates" / TEMPLATE
    place.mkdir(parents=True)
    for source in PAGE.glob("*.j2"):
        is_page_of_voila = source.name == "index.html.j2"
        shutil.copyfile(source, place / (source.name if is_page_of_voila else source.stem))
    (place / "conf.json").write_text('{"base_template": "lab"}', encoding="utf-8")


def place_notebook(folder: Path, parameters: Mapping[str, object], title: str) -> Path:
    """Write the dashboard's notebook with its parameters filled in, alone in a folder."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    notebook.cells = [c for c in notebook.cells if c.cell_type == "code"]
    cell.source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.metadata["title"] = title
    notebook.metadata["kernelspec"] = {"name": KERNEL, "display_name": "", "language": "python"}
    place = folder / "page" / NOTEBOOK.name
    place.parent.mkdir()
    nbformat.write(notebook, place)  # type: ignore[no-untyped-call]
    return place


def configured(
    folder: Path, notebook: Path, host: str, port: int, token: str, language: LanguageCode
) -> Config:
    """Voila's settings: nothing of the user's, nothing from outside, nothing overridable."""
    words = Language(language)
    config = Config()
    config.FreshVoila.update(
        {
            "notebook_path": str(notebook),
            "root_dir": str(notebook.parent),
            "config_file_paths": [],
            "connection_dir_root": str(folder),
            "ip": host,
            "port": port,
            "port_retries": 0,
            "open_browser": False,
            "token": token,
            "tornado_settings": {
                "headers": {"Content-Security-Policy": CONTENT_POLICY},
            },
            "log_level": "ERROR",
            "language": language,
        }
    )
    config.VoilaConfiguration.update(
        {
            "template": TEMPLATE,
            "theme": "light",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "preheat_kernel": True,
            "show_tracebacks": False,
            "strip_sources": True,
            "extension_allowlist": [
                "@jupyter-widgets/jupyterlab-manager",
                "@voila-dashboards/widgets-manager8",
            ],
            "multi_kernel_manager_class": "analysis.dashboard.pool.BoundedKernels",
        }
    )
    config.KernelManager.transport_encryption = "auto"
    config.KernelSpecManager.update(
        {"allowed_kernelspecs": {KERNEL}, "ensure_native_kernel": False}
    )
    config.MappingKernelManager.update({"cull_idle_timeout": 600, "cull_interval": 60})
    config.HTMLExporter.language_code = language
    config.VoilaExecutor.cell_error_instruction = words.text("The page could not be made.")
    return config


def address(host: str, port: int, token: str) -> str:
    """The address to open, with the token where one is needed.

    Example:
        >>> address("::1", 8866, "")
        'http://[::1]:8866/'
    """
    named = socket.gethostname() if host in EVERYWHERE else host
    shown = f"[{named}]" if ":" in named else named
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def _say(text: str) -> None:
    print(text, flush=True)


def _run(config: Config, announce: Callable[[], None]) -> None:
    from .pool import FreshVoila

    logging.getLogger("tornado.general").setLevel(logging.ERROR)  # units mistaken in a warning
    server: Any = FreshVoila(config=config)
    server.announce = announce
    server.initialize([])
    server.start()
