"""Many demo companies through the whole evaluation: do its intervals hold what was planted?

    python benchmarks/demo_seeds.py --seeds 1 200 --minutes 60 --write

simulates a company for each seed, takes its raw files with their planted errors through ingestion,
cleaning, matching, tiers and evaluation (`evaluate_company`), and holds every interval of
intention to treat against `effects.csv`. Every second seed is a company whose service does nothing
(--planted chooses one kind): there each interval without zero is a false alarm. What ran is kept
in docs/validation/demo-seeds.jsonl, one line a company; a run goes on where one was ended.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.pipeline.direct import evaluate_company
from analysis.simulate import aftersales, company, custom, service, service_costs, shipping

ROOT = Path(__file__).resolve().parents[1]
PROFILE = ROOT / "params" / "demo.yaml"
KEPT = ROOT / "docs" / "validation" / "demo-seeds.jsonl"
PAGE = ROOT / "docs" / "validation-demo.md"
AS_OF, MONTHS = "2026-10", 30
LEVEL = 0.999
"""Chance that a rate which keeps its promise lies within the limits (statistics.md)."""
FEWEST = 20
"""Companies below which the share of one reading says nothing."""
PLANNED = 200
EFFECTS, NOTHING = "effects", "nothing"
INEFFECTIVE = service.TieredService(
    frequency=(0.0,) * 3,
    price=(0.0,) * 3,
    nps_shift=(0.0,) * 3,
    csat_shift=(0.0,) * 3,
    churn_log_odds=(0.0,) * 3,
    agent_yuan=(0.0,) * 3,
    capacity_yuan=0.0,
    late_log_odds=0.0,
    late_log_odds_all=0.0,
    response_factor=1.0,
    ticket_factor=1.0,
    notice_share=shipping.USUAL_NOTICE_SHARE,
)
HARMLESS = service.Crowding(0.0, 1.0, 1.0, 0.0, 0.0)
HEAD = """\
# Whole companies through the evaluation

Written by `python benchmarks/demo_seeds.py --seeds 1 200 --write`; do not edit. Each company is
simulated with its planted errors, and its raw files go through ingestion, cleaning, matching, tiers
and evaluation, as a month does. The truth is the effect on the units themselves, known from living
through every arm with the same luck; the intervals are the ordinary 95 % ones.
"""
Line = dict[str, Any]


@contextmanager
def _planting(kind: str) -> Iterator[None]:
    """The simulator with its effects, or with a service that does nothing."""
    modules = (service, aftersales, custom, service_costs, shipping)
    before = [(module, module.TIERED) for module in modules], service.CROWDED
    if kind == NOTHING:
        for module in modules:
            module.TIERED = INEFFECTIVE  # type: ignore[attr-defined]
        service.CROWDED = HARMLESS
    try:
        yield
    finally:
        for module, tiered in before[0]:
            module.TIERED = tiered  # type: ignore[attr-defined]
        service.CROWDED = before[1]


def one_company(seed: int, kind: str, customers: int) -> Line:
    """Simulate and evaluate one company.

    Returns:
        seed, planted, customers, seconds (processor time), alarms (gates that alarmed), decisions
        (experiment → verdict), readings ("experiment estimand metric" → truth, effect, limits of
        the ordinary 95 % interval).
    """
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="demo-seeds-") as place, _planting(kind):
        raw, truth = Path(place) / "raw", Path(place) / "truth"
        company(raw, customers, MONTHS, seed, truth=truth)
        effects = pd.read_csv(truth / "effects.csv")
        found = evaluate_company(PROFILE, AS_OF, raw=raw, cores=1)
    return {
        "seed": seed,
        "planted": kind,
        "customers": customers,
        "seconds": round(time.process_time() - began, 1),
        "alarms": found.checks.loc[found.checks["alarmed"], "gate"].tolist(),
        "decisions": {e.experiment.id: e.verdict.decision for e in found.evaluations},
        "readings": readings(effects, found.estimates),
    }


def readings(effects: pd.DataFrame, estimates: pd.DataFrame) -> dict[str, list[float]]:
    """Truth, effect and interval of every planted effect on all units that was estimated."""
    keys = ["experiment", "estimand", "metric"]
    whole = effects[effects["segment"] == "all"].set_index(keys)["value"]
    mine = estimates[
        (estimates["segment"] == "all")
        & (estimates["bound"] == "")
        & (estimates["analysis_basis"] == "intention_to_treat")
        & (estimates["status"] == "ok")
    ].set_index(keys)
    both = mine[["effect", "ci_low", "ci_high"]].join(whole.rename("truth"), how="inner")
    table = both[["truth", "effect", "ci_low", "ci_high"]]
    return {
        " ".join(key): [float(f"{value:.4g}") for value in row]
        for key, row in zip(table.index, table.to_numpy(), strict=True)
    }


def kept(path: Path) -> list[Line]:
    """What ran before."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def run(seeds: Sequence[int], kinds: Sequence[str], customers: int, minutes: float) -> None:
    """Run the companies that have not run, in order, and keep each when it is done."""
    done = {(line["seed"], line["planted"]) for line in kept(KEPT)}
    until = time.monotonic() + 60 * minutes
    for seed in seeds:
        kind = kinds[seed % len(kinds)]
        if (seed, kind) in done:
            continue
        if time.monotonic() > until:
            return
        line = one_company(seed, kind, customers)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        with KEPT.open("a", encoding="utf-8") as target:
            target.write(json.dumps(line) + "\n")
        print(f"seed {seed}, {kind}: {line['seconds']} s", flush=True)


def rates(lines: Sequence[Line]) -> pd.DataFrame:
    """How often the intervals hold the truth and exclude zero.

    Returns:
        One row a kind of company, experiment, estimand and metric: n (intervals), held and
        excludes (counts).
    """
    rows = [
        (line["planted"], *name.split(" "), low <= truth <= high, low > 0 or high < 0)
        for line in lines
        for name, (truth, _, low, high) in line["readings"].items()
    ]
    keys = ["planted", "experiment", "estimand", "metric"]
    frame = pd.DataFrame(rows, columns=[*keys, "held", "excludes"])
    return frame.groupby(keys, sort=True).agg(
        n=("held", "size"), held=("held", "sum"), excludes=("excludes", "sum")
    ).reset_index()  # fmt: skip


def limits(n: int, promise: float) -> tuple[float, float]:
    """Rates within which a kept promise lies, for n independent companies."""
    low, high = stats.binom.interval(LEVEL, n, promise)
    return float(low) / n, float(high) / n


def write(lines: Sequence[Line]) -> None:
    """The page."""
    found = rates(lines)
    text = [HEAD]
    if len(lines) < PLANNED:
        text.append(
            f"**{len(lines)} of {PLANNED} companies have run**; the command goes on there.\n"
        )
    for kind in (EFFECTS, NOTHING):
        mine = [line for line in lines if line["planted"] == kind]
        if mine:
            text += [*_section(kind, mine, found[found["planted"] == kind]), ""]
    PAGE.write_text("\n".join(text), encoding="utf-8")


def _section(kind: str, lines: Sequence[Line], found: pd.DataFrame) -> list[str]:
    n, seconds = len(lines), sum(line["seconds"] for line in lines) / len(lines)
    sizes = sorted({line["customers"] for line in lines})
    titles = {EFFECTS: "With the planted effects", NOTHING: "With a service that does nothing"}
    alarms = sum(bool(line["alarms"]) for line in lines)
    held, all_n = int(found["held"].sum()), int(found["n"].sum())
    low, high = limits(n, 0.95)
    judged = f"where 95 % is kept, one row lies within {low:.0%} to {high:.0%}"
    if n < FEWEST:
        judged = "one row cannot be judged by so few companies"
    summary = (
        f"{n} companies of {' and '.join(f'{size:,}' for size in sizes)} customers "
        f"({seconds:.0f} s of processor time each). The intervals hold the truth in **{held} of "
        f"{all_n}** readings ({held / all_n:.1%}); {judged}. A gate alarms "
        f"in {alarms} of {n}, where nothing is wrong."
    )
    text = [
        f"## {titles[kind]}\n",
        summary,
        f"{_verdicts(lines)}\n",
        "| experiment | effect | metric | intervals | hold the truth | exclude zero |",
        "|---|---|---|---|---|---|",
    ]
    for row in found.itertuples():
        mark = "" if low <= row.held / row.n else " **below**"
        text.append(
            f"| {row.experiment} | {row.estimand} | {row.metric} | {row.n} | "
            f"{row.held}{mark} | {row.excludes} |"
        )
    return text


def _verdicts(lines: Sequence[Line]) -> str:
    """How often each experiment got which verdict."""
    told = []
    for experiment in sorted({name for line in lines for name in line["decisions"]}):
        given = [line["decisions"][experiment] for line in lines if experiment in line["decisions"]]
        counts = pd.Series(given).value_counts()
        words = ", ".join(f"{name} {count}" for name, count in counts.items())
        told.append(f"Verdicts of `{experiment}`: {words}.")
    return " ".join(told)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", nargs=2, type=int, metavar=("FIRST", "LAST"), default=(1, 200))
    parser.add_argument("--planted", choices=("both", EFFECTS, NOTHING), default="both")
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin nothing after")
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    kinds = (NOTHING, EFFECTS) if options.planted == "both" else (options.planted,)
    first, last = options.seeds
    run(range(first, last + 1), kinds, options.customers, options.minutes)
    if options.write:
        write(kept(KEPT))


if __name__ == "__main__":
    main()
