"""The process of a kernel: ends with the stage that started it, and is warm when first asked."""

from __future__ import annotations

import contextlib
import sys

from .delegation import delegated
from .locks import die_with_parent


def main() -> None:
    """Start the kernel, as a fork of the run's warm process where there is one."""
    die_with_parent()
    code = delegated("kernel", sys.argv[1:])
    if code is not None:
        sys.exit(code)
    with contextlib.suppress(Exception):  # a fault shows in the notebook's own import, with words
        import analysis.workspace  # noqa: F401 - every notebook opens one

    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


if __name__ == "__main__":
    main()
