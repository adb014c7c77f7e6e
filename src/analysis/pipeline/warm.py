"""A process that has loaded what every stage and kernel needs, and forks them (Linux only).

Loading pandas, Ibis, papermill and the kernel takes more processor time than a small month's
work. A run loads them once; its stages and kernels start as forks of that process. It has no
threads when it forks, ends with the run, and takes its forks along. Where it cannot run, each
stage and kernel loads for itself, with the same results.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .delegation import ACCEPTED, LENGTH
from .locks import die_with_parent
from .processes import start

SOCKET = "warm.sock"
LOOK_SECONDS = 0.05

FIRST = (
    "analysis.workspace",
    "ibis.backends.duckdb",
    "ipykernel.kernelapp",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "pdb",
    "analysis.pipeline.papermill_engine",
    "analysis.pipeline.running",
    "analysis.cli.commands",
    "papermill.execute",
)
"""Loaded before anything is forked: every stage and every kernel needs them."""

LATER = (
    "matplotlib.pyplot",
    "scipy.stats",
    "analysis.report.monthly",
    "analysis.report.evaluation_charts",
    "analysis.report.index",
    "analysis.report.summary",
    "nbconvert.exporters.templateexporter",
    "seaborn",
    "statsmodels.api",
    "sklearn.ensemble",
)
"""Loaded one by one while nobody asks: only some stages need them."""

SCHEDULER = "snakemake.cli"
"""Loaded before those where there is time before a run begins; else the run's own process does."""

PATIENCE_SECONDS = 4.0
"""How long nobody must have asked before more is loaded: it takes the time of several small
stages, and a stage that is through by then has months too small to be worth it."""


def start_warm(
    folder: Path, environment: Mapping[str, str], *, early: bool = False
) -> subprocess.Popen[bytes] | None:
    """Start the warm process of a run.

    Args:
        folder: The run's folder; its socket lies there.
        environment: Of the process; what it loads may depend on it.
        early: The run begins later: it loads everything meanwhile, the scheduler too.

    Returns:
        The process; None where the system cannot have one.
    """
    if sys.platform != "linux":
        return None
    command = [sys.executable, "-m", __name__, str(folder), *(["early"] if early else [])]
    return start(command, folder / "warm.log", environment)


class Warm:
    """The loop of the warm process.

    Args:
        listener: Where requests arrive.
        early: The run begins later: it loads more at once, the scheduler first.
    """

    def __init__(self, listener: socket.socket, *, early: bool) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}
        self._to_load = [SCHEDULER, *LATER] if early else list(LATER)
        self._loads_from = time.monotonic() + (0.0 if early else PATIENCE_SECONDS)

    def serve(self) -> None:
        """Fork what is asked for; load more while nobody asks."""
        while True:
            loads = self._to_load and time.monotonic() >= self._loads_from
            wait = 0.0 if loads else LOOK_SECONDS
            watched = [self._listener, *self._clients.values()]
            ready = select.select(watched, [], [], wait)[0]
            if self._listener in ready:
                self._accept()
            self._end_abandoned(ready)
            self._reap()
            if not ready and loads:
                _load(self._to_load.pop(0))

    def _accept(self) -> None:
        self._loads_from = time.monotonic() + PATIENCE_SECONDS
        client, _ = self._listener.accept()
        try:
            request, streams = _read(client)
        except (OSError, ValueError, EOFError):
            client.close()
            return
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._listener.close()
            client.close()
            for other in self._clients.values():
                other.close()
            _become(request, streams)
        for stream in streams:
            os.close(stream)
        self._clients[pid] = client
        with contextlib.suppress(OSError):
            client.sendall(ACCEPTED)

    def _end_abandoned(self, ready: list[socket.socket]) -> None:
        """A client says nothing more; when it can be read from, it is gone."""
        for pid, client in self._clients.items():
            if client in ready:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            with self._clients.pop(pid) as client, contextlib.suppress(OSError):
                client.sendall(LENGTH.pack(code if code >= 0 else 128 - code))


def _read(client: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, streams, _, _ = socket.recv_fds(client, LENGTH.size, 3)
    if len(head) != LENGTH.size or len(streams) != 3:
        raise EOFError
    missing, data = LENGTH.unpack(head)[0], b""
    while len(data) < missing:
        more = client.recv(missing - len(data))
        if not more:
            raise EOFError
        data += more
    return json.loads(data), streams


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """In the fork: take over the asker's environment, folder and streams; run; end."""
    code = 1
    try:
        die_with_parent()
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        tempfile.tempdir = None
        sys.argv = [request["target"], *request["arguments"]]
        module, _, function = request["target"].partition(":")
        code = getattr(importlib.import_module(module), function)(request["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a fork must never return
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _load(name: str) -> None:
    """Load a module; a fault shows where it is needed, with words."""
    with contextlib.suppress(Exception):
        importlib.import_module(name)


def main() -> None:
    """Open the socket, load, serve until the run ends."""
    die_with_parent()
    os.chdir(sys.argv[1])
    usual = os.umask(0o077)  # nobody else may ask
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    listener.listen(64)
    os.umask(usual)
    from .notebooks import leave_out_iri_grammar

    leave_out_iri_grammar()
    for name in FIRST:
        _load(name)
    Warm(listener, early=sys.argv[2:] == ["early"]).serve()


if __name__ == "__main__":
    main()
