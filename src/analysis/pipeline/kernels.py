"""The kernel that notebooks run in: this interpreter, whatever is installed or set at home.

A kernelspec is written to the run's own folder, so that neither an installed kernel nor the
home directory matters. Connections are TCP on this machine (ipc sockets collide).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

KERNEL = "tierlab"
PROCESS = "analysis.pipeline.kernel_process"
_SETTINGS = ("--HistoryManager.enabled=False", "--IPKernelApp.log_level=ERROR")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Keeps the numerical libraries to one thread: matrices of a few thousand rows cost a hundred
times more when threads wait for each other."""


def write_kernelspec(folder: Path) -> None:
    """Write the kernelspec below a folder that ``JUPYTER_PATH`` will name."""
    spec = {
        "argv": [sys.executable, "-m", PROCESS, "-f", "{connection_file}", *_SETTINGS],
        "display_name": "tierlab",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": False},
    }
    home = folder / "kernels" / KERNEL
    home.mkdir(parents=True, exist_ok=True)
    (home / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def kernel_environment(folder: Path) -> Mapping[str, str]:
    """Environment of a kernel: everything it writes for itself goes below one folder.

    Args:
        folder: Of this execution; removed afterwards.
    """
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    own = {
        "JUPYTER_PATH": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_NO_CONFIG": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "TMPDIR": str(scratch),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return own | ONE_THREAD | caches(folder)


def caches(folder: Path) -> dict[str, str]:
    """Where programs keep their caches, if the home directory cannot hold them."""
    home = os.environ.get("HOME", "")
    if home and os.access(home, os.W_OK):
        return {}
    return {"XDG_CACHE_HOME": str(folder / "cache"), "MPLCONFIGDIR": str(folder / "mpl")}


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and put the former ones back afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def start_kernel(folder: Path, cwd: Path) -> AsyncKernelManager:
    """Start a kernel from the kernelspec in a folder, without waiting until it answers.

    The environment must be that of `kernel_environment`. The kernel loads what every notebook
    needs while its caller loads papermill.
    """
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    manager = AsyncKernelManager(kernel_name=KERNEL)
    manager.kernel_spec_manager.kernel_dirs = [str(folder / "kernels")]
    run_sync(manager.start_kernel)(cwd=str(cwd))
    return manager
