"""Lifetime value at size: seconds to fit BG/NBD and Gamma-Gamma to a million customers.

    python benchmarks/lifetime_at_size.py --customers 1000000

Histories are drawn from known parameters, to the day and to the second (no two alike: the hardest
case). The promise is 30 seconds for the fit of both models.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from analysis.value.lifetime import fit_purchases, fit_spending, histories

R, ALPHA, A, B = 0.8, 6.0, 0.9, 3.0
LONGEST_WEEKS = 130
DAYS_A_WEEK = 7


def drawn(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Repeats, recency and age in weeks: alive customers' purchases are uniform in time."""
    age = rng.uniform(10, LONGEST_WEEKS, n)
    rate, leaving = rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    last_alive = rng.geometric(np.clip(leaving, 1e-9, 1)) / np.maximum(rate, 1e-9)
    until = np.minimum(age, last_alive)
    repeats = rng.poisson(rate * until)
    recency = np.where(repeats > 0, until * rng.random(n) ** (1 / np.maximum(repeats, 1)), 0.0)
    return repeats.astype(float), recency, age


def main() -> None:
    """Run the benchmark from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=1_000_000)
    chosen = options.parse_args()
    rng = np.random.default_rng(1)
    repeats, recency, age = drawn(chosen.customers, rng)
    spent = rng.gamma(2.0 * (repeats + 1)) / ((repeats + 1) * rng.gamma(3.5, 1 / 120, len(age)))
    by_day = [np.floor(t * DAYS_A_WEEK) / DAYS_A_WEEK for t in (recency, age)]
    for name, times in (("to the day", by_day), ("to the second", [recency, age])):
        begun, used = time.perf_counter(), time.process_time()
        known = histories(repeats, *times)
        model = fit_purchases(known)
        grouped = time.perf_counter() - begun
        values = fit_spending(repeats + 1, spent)
        took, cores = time.perf_counter() - begun, time.process_time() - used
        expected = model.expected(known, 26.0)
        print(
            f"{name:<14} {len(known.repeats):>9,} histories  BG/NBD {grouped:5.1f} s, with "
            f"Gamma-Gamma {took:5.1f} s ({cores:.1f} s of the cores)  converged "
            f"{model.converged and values.converged}  r {model.r:.3f} alpha {model.alpha:.3f} "
            f"finite {bool(np.isfinite(expected).all())}",
            flush=True,
        )
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
