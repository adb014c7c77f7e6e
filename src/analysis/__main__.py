"""``python -m analysis`` is the command ``tierlab``."""

from __future__ import annotations

import sys

from .pipeline.delegation import delegated


def _run() -> None:
    code = (
        delegated("analysis.cli:exit_code_of", sys.argv[1:]) if sys.argv[1:2] == ["stage"] else None
    )
    if code is not None:
        sys.exit(code)

    from .cli import main

    main()


if __name__ == "__main__":
    _run()
