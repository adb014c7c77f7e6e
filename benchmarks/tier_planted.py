"""Are planted seasonal shippers and bursts handled as a policy says? Measured against the truth.

    python benchmarks/tier_planted.py --seeds 500 501 502 503 504 --write

simulates a company without planted errors for each seed, reads its shipments by true customer,
makes panel, scores and tiers as the pipeline does, and holds what each policy did to the
planted seasonal shippers and bursts against `behaviour.csv`. With `--write` the table in
docs/tiers.md is rewritten.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.engine import Engine, open_engine
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import TierPolicy, ValuePolicy, load_policy
from analysis.simulate import company
from analysis.tables import CONTRACTS, TIERS, check
from analysis.tiers import assign
from analysis.value import score

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "tiers.md"
BEGIN = "<!-- Made by `python benchmarks/tier_planted.py --write`. -->\n"
END = "<!-- End of what is made. -->\n"
AS_OF = Month(2026, 10)
MONTHS = 30
HISTORY_MONTHS = 15
"""A year and the longest part of a season compared: from then on a season can be known."""
BASELINE_MONTHS = 5
"""Months before a burst without which nobody could tell it."""

SHIPMENTS = """
SELECT o.waybill_no AS shipment_id, l.true_customer AS customer_id, o.ordered_at AS shipped_at,
       o.ordered_at AS picked_up_at, o.amount AS revenue, t.cost
FROM read_parquet('{raw}/orders/*.parquet') o
JOIN read_csv('{truth}/links.csv', all_varchar = true) l
  ON l.system = 'crm' AND l.source_customer_id = o.customer_code
JOIN read_csv('{raw}/transport/transport_*.csv',
              types = {{'picked_up': 'VARCHAR', 'delivered': 'VARCHAR', 'notified': 'VARCHAR'}}) t
  USING (waybill_no)
"""


@dataclass(frozen=True)
class Company:
    """One simulated company: its scores, and the truth.

    Attributes:
        scores: What `score` returned.
        behaviour: One row a customer: customer_id, is_seasonal, off_season_months, burst_from,
            burst_to, churned_on (text, empty where none).
    """

    scores: ir.Table
    behaviour: pd.DataFrame


def policies() -> dict[str, TierPolicy]:
    """The policies compared."""
    folder = ROOT / "params" / "policies"
    shipped = {path.stem: load_policy(path).tiers for path in sorted(folder.glob("*.yaml"))}
    own = shipped["monthly-score"]
    return {
        "monthly, score": own,
        "the same without seasonal protection": own.model_copy(
            update={"seasonal_protection": None}
        ),
        "monthly, order value alone": shipped["monthly-order-value"],
        "yearly, order value alone": shipped["yearly-order-value"],
    }


def simulated(engine: Engine, seed: int, customers: int) -> Company:
    """A company without planted errors, up to its scores."""
    with tempfile.TemporaryDirectory(prefix="tier-planted-") as place:
        raw, truth = Path(place) / "raw", Path(place) / "truth"
        company(raw, customers, MONTHS, seed, truth=truth, faults=())
        shipments = engine.materialise(engine.sql(SHIPMENTS.format(raw=raw, truth=truth)))
        behaviour = pd.read_csv(truth / "behaviour.csv", dtype=str, keep_default_na=False)
    behaviour = behaviour.rename(columns={"true_customer": "customer_id"})
    panel = customer_months(
        _filled("customers", ibis.memtable(behaviour[["customer_id"]])),
        _filled("shipments", shipments),
        None,
        None,
        None,
        AS_OF,
    )
    return Company(engine.materialise(score(panel, ValuePolicy(), AS_OF)), behaviour)


def _filled(name: str, table: ir.Table) -> ir.Table:
    """The canonical table, with nulls in the columns that are not needed."""
    schema = CONTRACTS[name].schema
    missing = {c: ibis.null(schema[c]) for c in schema.names if c not in table.columns}
    return check(table.mutate(**missing), name)


def tier_grid(company: Company, policy: TierPolicy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Levels (0 regular … 3 strategic) and reasons: one row a customer, one column a month."""
    tiers = assign(company.scores, policy, AS_OF).tiers
    frame = tiers.select("customer_id", "month", "tier", "reason").execute()
    level = {tier: rank for rank, tier in enumerate(reversed(TIERS))}
    levels = frame.assign(level=frame["tier"].map(level)).pivot(
        index="customer_id", columns="month", values="level"
    )
    return levels, frame.pivot(index="customer_id", columns="month", values="reason")


def bursts(company: Company, levels: pd.DataFrame, reasons: pd.DataFrame) -> dict[str, int]:
    """Planted bursts, those followed by a higher tier, and lifts for a burst that was planted.

    A planted burst counts where the customer had shipped for some months, had not left, and was
    not strategic already. It is found where the tier of one of its months, or of the month
    after, is higher than before it began.
    """
    months = list(levels.columns)
    truth = company.behaviour[company.behaviour["burst_from"] != ""].set_index("customer_id")
    counts = dict.fromkeys(("planted", "found", "lifted", "lifted_planted"), 0)
    within: set[tuple[str, str]] = set()
    for customer, row in truth.iterrows():
        begins, ends = row["burst_from"][:7], row["burst_to"][:7]
        held = [m for m in months if begins <= m <= ends]
        within |= {(str(customer), month) for month in held}
        if customer not in levels.index or not held or begins not in months:
            continue
        own, place = levels.loc[customer], months.index(begins)
        stayed = not row["churned_on"] or row["churned_on"] > row["burst_to"]
        known = place >= BASELINE_MONTHS and not np.isnan(own.iloc[place - BASELINE_MONTHS])
        if not (stayed and known) or own.iloc[place - 1] == len(TIERS) - 1:
            continue
        after = own.iloc[place : months.index(held[-1]) + 2]
        counts["planted"] += 1
        counts["found"] += int((after > own.iloc[place - 1]).any())
    lifted = reasons.stack()
    lifted = lifted[lifted == "burst"].index
    counts["lifted"] = len(lifted)
    counts["lifted_planted"] = sum(key in within for key in lifted)
    return counts


def seasonal(company: Company, levels: pd.DataFrame) -> dict[str, int]:
    """Off-seasons of planted seasonal shippers that kept their custom, and those demoted in them.

    An off-season counts from when a year and a season of data lie before it, where the customer
    was above the lowest tier in the month before it and had not left when it ended.
    """
    months = list(levels.columns)
    truth = company.behaviour[company.behaviour["is_seasonal"] == "true"]
    counts = {"off_seasons": 0, "demoted": 0}
    for row in truth.itertuples():
        quiet = {int(m) for m in row.off_season_months.split(";")}
        off = [int(month[5:]) in quiet for month in months]
        starts = [i for i in range(HISTORY_MONTHS, len(months)) if off[i] and not off[i - 1]]
        for start in starts:
            stop = next((i for i in range(start, len(months)) if not off[i]), None)
            if stop is None or row.customer_id not in levels.index:
                continue
            left = row.churned_on and row.churned_on[:7] <= months[stop]
            before = levels.loc[row.customer_id].iloc[start - HISTORY_MONTHS : start]
            if left or before.isna().any() or before.iloc[-1] == 0:
                continue
            own = levels.loc[row.customer_id].iloc[start - 1 : stop]
            counts["off_seasons"] += 1
            counts["demoted"] += int((own.diff() < 0).any())
    return counts


def measured(seeds: list[int], customers: int) -> pd.DataFrame:
    """One row a seed and policy, with the counts of `bursts` and `seasonal`."""
    rows = []
    for seed in seeds:
        engine = open_engine(cores=2)
        made = simulated(engine, seed, customers)
        for name, policy in policies().items():
            levels, reasons = tier_grid(made, policy)
            rows.append(
                {"seed": seed, "policy": name}
                | bursts(made, levels, reasons)
                | seasonal(made, levels)
            )
        engine.close()
        print(f"seed {seed} done", flush=True)
    return pd.DataFrame(rows)


def table(counted: pd.DataFrame) -> str:
    """The table of the documentation, summed over seeds, with the range between them."""
    shares = {
        "planted bursts found": ("found", "planted"),
        "lifts that were planted bursts": ("lifted_planted", "lifted"),
        "off-seasons in which a seasonal shipper was demoted": ("demoted", "off_seasons"),
    }
    lines = ["| policy | " + " | ".join(shares) + " |", "|---" * (len(shares) + 1) + "|"]
    for policy, part in counted.groupby("policy", sort=False):
        cells = [_share(part, *names) for names in shares.values()]
        lines.append(f"| {policy} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _share(part: pd.DataFrame, hits: str, of: str) -> str:
    if not part[of].sum():
        return "–"
    by_seed = part[hits] / part[of].where(part[of] > 0)
    whole = part[hits].sum() / part[of].sum()
    span = f"{by_seed.min():.0%}-{by_seed.max():.0%}"
    return f"{whole:.1%} ({part[hits].sum():,} of {part[of].sum():,}; seeds {span})"


def rewritten(page: str, text: str, seeds: Mapping[int, object] | list[int], customers: int) -> str:
    """The page with the table in its place."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    source = f"Seeds {', '.join(map(str, seeds))}; {customers:,} customers, {MONTHS} months each.\n"
    return f"{before}{BEGIN}\n{text}\n{source}\n{END}{after}"


def main() -> None:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    options.add_argument("--customers", type=int, default=8000)
    options.add_argument("--write", action="store_true", help="rewrite the table in docs/tiers.md")
    chosen = options.parse_args()
    text = table(measured(chosen.seeds, chosen.customers))
    print(text)
    if chosen.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(rewritten(page, text, chosen.seeds, chosen.customers), encoding="utf-8")


if __name__ == "__main__":
    main()
