"""How long and how large: the simulator at 500,000 customers and 20 million shipments.

`python benchmarks/simulate_at_size.py` writes the company to a temporary folder and prints the
seconds, the peak memory and the rows; it fails above 180 s or 6 GB. `--customers`, `--months` and
`--shipments-per-month` change the size.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from analysis.simulate import company

MOST_SECONDS, MOST_GIGABYTES = 180.0, 6.0


def main() -> int:
    """Simulate, measure, compare with the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=500_000)
    parser.add_argument("--months", type=int, default=30)
    parser.add_argument("--shipments-per-month", type=float, default=1.81)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stages", action="store_true", help="print each stage")
    args = parser.parse_args()
    began = last = time.monotonic()

    def progress(stage: str, rows: int) -> None:
        nonlocal last
        now = time.monotonic()
        if args.stages:
            print(f"{now - began:7.1f} s {now - last:6.1f} s  {stage}: {rows:,}", flush=True)
        last = now

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        summary = company(
            Path(place) / "raw",
            args.customers,
            args.months,
            args.seed,
            progress=progress,
            shipments_per_month=args.shipments_per_month,
        )
        size = sum(f.stat().st_size for f in Path(place).rglob("*") if f.is_file()) / 1e9
    seconds = time.monotonic() - began
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"{summary.rows['shipments']:,} shipments, {sum(summary.rows.values()):,} rows")
    print(f"{seconds:.1f} s ({time.process_time():.1f} s of processor)")
    print(f"{gigabytes:.2f} GB of memory, {size:.2f} GB of files")
    return int(seconds > MOST_SECONDS or gigabytes > MOST_GIGABYTES)


if __name__ == "__main__":
    sys.exit(main())
