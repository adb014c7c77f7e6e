"""A Jupyter home of our own, so that no installed kernel, setting or home directory matters."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Literal

from ..errors import RunError

KERNEL = "python3"
"""The kernel's name: the one that notebooks ask for by default, so ours always answers."""
KERNEL_TITLE = "tierlab"
PORTS_TRIED = 50


def register_kernel(
    folder: Path, *options: str, interrupt_mode: Literal["signal", "message"] = "signal"
) -> None:
    """Write a kernel spec that starts this very interpreter.

    Args:
        folder: A folder that will be on Jupyter's data path.
        options: Of the kernel's command.
        interrupt_mode: How the kernel is told to stop what it does. A signal also reaches one
            that is still loading, which then ends with a traceback.
    """
    place = folder / "kernels" / KERNEL
    place.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *options],
        "display_name": KERNEL_TITLE,
        "language": "python",
        "interrupt_mode": interrupt_mode,
        "metadata": {"debugger": True, "supported_encryption": "curve"},
    }
    (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def private_home(folder: Path) -> dict[str, str]:
    """Variables that keep everything Jupyter reads and writes below one folder.

    Args:
        folder: An existing, writable folder.

    Returns:
        Environment variables; the installed assets beside the interpreter stay visible.
    """
    names = {
        "JUPYTER_PATH": "data",
        "JUPYTER_DATA_DIR": "user-data",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    for name in names.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {variable: str(folder / name) for variable, name in names.items()}


def free_port(host: str, port: int | None, first: int) -> int:
    """The port asked for, or the first free one.

    Args:
        host: Address to listen on.
        port: The port asked for; None: any.
        first: Where the search begins.

    Raises:
        RunError: It is taken, or the address is not this machine's.
    """
    faults = []
    for candidate in range(first, first + PORTS_TRIED) if port is None else (port,):
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, candidate))
                return int(probe.getsockname()[1])
        except (OSError, OverflowError) as fault:
            faults.append(fault)
    raise RunError(
        "The server cannot listen there",
        where=f"{host}:{port or first}",
        got=str(faults[0]),
        todo="Give a free port with --port, and an address of this machine with --host.",
    ) from faults[0]
