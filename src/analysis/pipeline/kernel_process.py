"""The process of a kernel: ends with the stage that started it, and is warm when first asked."""

from __future__ import annotations

import contextlib
import sys

from .delegation import delegated
from .locks import die_with_parent


def main() -> None:
    """Start the kernel, as a fork of the run's warm process where there is one."""
    die_with_parent()
    code = delegated(f"{__spec__.name}:run_kernel", sys.argv[1:])
    if code is None:
        with contextlib.suppress(Exception):  # a fault shows in the notebook, with words
            import analysis.workspace  # noqa: F401 - every notebook opens one
        code = run_kernel(sys.argv[1:])
    sys.exit(code)


def run_kernel(arguments: list[str]) -> int:
    """Run a kernel in this process until it is told to end.

    Args:
        arguments: Of the kernel, with its connection file.
    """
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # nobody looks over it
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(arguments)
    return 0


if __name__ == "__main__":
    main()
