"""Hold the evaluation to its promises: simulate every situation, write docs/validation.md.

`python benchmarks/validate.py` (or `make validate`) runs the cells that are not done for the code
as it is, keeps each result in docs/validation/cells, and writes the page. A run that was ended
goes on where it stopped. `--cells NAME …` runs some, `--minutes N` ends in time, `--write` only
writes the page, `--list` names the cells.
"""

from __future__ import annotations

import argparse
import os
import sys
from fnmatch import fnmatch
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # the processes share the cores

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> int:
    """Run and write; 1 when a cell breaks its promise or is missing."""
    options = _options()
    from validation.grid import CELLS, cost
    from validation.running import run
    from validation.writing import write

    chosen = [c for c in CELLS.values() if any(fnmatch(c.name, p) for p in options.cells)]
    if options.list:
        print("\n".join(f"{c.name:24} {c.replications:6} {c.title}" for c in chosen))
        return 0
    folder = DOCS / "validation" / "cells"
    if not options.write:
        run(
            sorted(chosen, key=cost),
            folder,
            options.processes,
            lambda text: print(text, flush=True),
            options.minutes,
        )
    faults = write(list(CELLS.values()), folder, DOCS / "validation.md")
    print("\n".join(faults) or "every cell holds its promise")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", default=["*"], help="names or patterns")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing after")
    parser.add_argument("--write", action="store_true", help="only write the page")
    parser.add_argument("--list", action="store_true", help="name the cells")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
