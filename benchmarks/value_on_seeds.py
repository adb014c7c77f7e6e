"""How far can the values of customers be believed? Measured on companies that nobody tuned to.

    python benchmarks/value_on_seeds.py --seeds 701 702 703 --write

simulates a company with all its planted faults for each seed, takes it from the raw files through
cleaning to the panel as the pipeline does, and measures what notebook 02 shows: concentration, what
other weights would change, the held-out check of the lifetime value, and the backtest of churn.
With `--write` the tables in docs/value.md are rewritten.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from analysis.calendar import load_calendar
from analysis.cleaning import clean, customer_records
from analysis.identity import resolve
from analysis.panel import customer_months
from analysis.simulate import company
from analysis.sources import ingest
from analysis.value import concentration, score, weight_sensitivity, with_dimensions
from analysis.value.churn import churn_risk
from analysis.value.lifetime import held_out, lifetime_values
from analysis.workspace import Workspace, open_month

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "params" / "demo.yaml"
PAGE = ROOT / "docs" / "value.md"
BEGIN = "<!-- {part}: made by `python benchmarks/value_on_seeds.py --write` -->\n"
END = "<!-- end of {part} -->\n"
AS_OF = "2026-10"
MONTHS = 30
MODELS = {
    "boosted": "gradient boosting",
    "logit": "logistic regression",
    "rule": "rule: no shipment this month",
}
FORECASTS = {"model": "BG/NBD", "same_pace": "each goes on as before"}


def panel_of(workspace: Workspace) -> ir.Table:
    """The panel of a month, from the raw files."""
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    tables = clean(ingested, links, workspace.profile, workspace.as_of).tables
    panel = customer_months(
        tables["customers"],
        tables["shipments"],
        tables["tickets"],
        tables["surveys"],
        tables["service_costs"],
        workspace.as_of,
        receivables=tables["receivables"],
        sensitive=workspace.profile.value.sensitive,
    )
    return workspace.engine.materialise(panel)


def measured(seed: int, customers: int) -> dict[str, pd.DataFrame]:
    """The tables of one seed, by the part of the page they belong to."""
    with tempfile.TemporaryDirectory(prefix="value-on-seeds-") as place:
        raw = Path(place) / "raw"
        company(raw, customers, MONTHS, seed, truth=Path(place) / "truth")
        workspace = open_month(PROFILE, AS_OF, raw=raw)
        panel = panel_of(workspace)
        season = by_season(panel, workspace, Path(place) / "truth")
    policy, as_of = workspace.profile.value, workspace.as_of
    scores = workspace.engine.materialise(score(panel, policy, as_of))
    dimensions = with_dimensions(panel, policy, as_of)
    now = dimensions.filter(dimensions.month == AS_OF).execute()
    churn = churn_risk(panel, policy.churn, as_of, load_calendar(workspace.calendar))
    parts = {
        "concentration": concentration(scores, policy, as_of),
        "sensitivity": weight_sensitivity(now, workspace.profile.tiers),
        "lifetime": held_out(panel, policy.lifetime, as_of).errors,
        "season": season,
        "churn": churn.backtest[churn.backtest.origin == "all"],
    }
    workspace.engine.close()
    return {name: part.assign(seed=seed) for name, part in parts.items()}


def by_season(panel: ir.Table, workspace: Workspace, truth: Path) -> pd.DataFrame:
    """The held-out forecast of planted seasonal shippers, and of the others."""
    policy = workspace.profile.value.lifetime
    origin = workspace.as_of.shifted(-policy.held_out_months)
    short = policy.model_copy(update={"months": policy.held_out_months})
    forecast = lifetime_values(panel, short, origin).values
    hidden = panel.filter(panel.month > str(origin), panel.month <= AS_OF)
    seen = hidden.group_by("customer_id").aggregate(seen=hidden.shipping_days_n.sum()).execute()
    links = pd.read_csv(truth / "links.csv", dtype=str)
    known = links[links["system"] == "crm"].merge(
        pd.read_csv(truth / "behaviour.csv", dtype=str), on="true_customer"
    )
    both = forecast.merge(seen, on="customer_id").merge(
        known[["source_customer_id", "is_seasonal"]],
        left_on="customer_id",
        right_on="source_customer_id",
    )
    told = both.groupby("is_seasonal").agg(
        customers=("seen", "size"), forecast=("shipping_days_expected", "sum"), seen=("seen", "sum")
    )
    return told.reset_index()


def season_table(rows: pd.DataFrame) -> str:
    """One line a seed: the total forecast against the total seen."""
    lines = ["| seed | seasonal shippers: total | the others: total |", "|---|---|---|"]
    for seed, part in rows.groupby("seed", sort=False):
        cells = [
            f"{r.forecast / r.seen - 1:+.1%} ({r.customers:,} customers)"
            for r in part.sort_values("is_seasonal", ascending=False).itertuples()
        ]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def concentration_table(rows: pd.DataFrame) -> str:
    """One line a seed and measure."""
    lines = ["| seed | by | A: customers / value | B | C | Gini |", "|---|---|---|---|---|---|"]
    for (seed, by), part in rows.groupby(["seed", "by"], sort=False):
        shares = [
            f"{r.customers_share:.1%} / {r.value_share:.1%}"
            for r in part.sort_values("abc_class").itertuples()
        ]
        lines.append(f"| {seed} | {by} | {' | '.join(shares)} | {part.gini.iloc[0]:.3f} |")
    return "\n".join(lines) + "\n"


def sensitivity_table(rows: pd.DataFrame) -> str:
    """One line a dimension: the seeds' largest share of moved customers, for either change."""
    lines = ["| dimension | weight | − 20 % | + 20 % |", "|---|---|---|---|"]
    for dimension, part in rows.groupby("dimension", sort=False):
        moved = part.groupby("change").moved_share.max()
        cells = " | ".join(f"{share:.1%}" for share in moved.sort_index())
        lines.append(f"| {dimension} | {part.weight.iloc[0]:.2f} | {cells} |")
    return "\n".join(lines) + "\n"


def lifetime_table(rows: pd.DataFrame) -> str:
    """One line a seed and forecast."""
    lines = [
        "| seed | forecast | customers | mean error, days a customer | total |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.seed} | {FORECASTS[r.forecast]} | {r.customers:,} | {r.mean_absolute_error:.2f} "
        f"| {r.total_error:+.1%} |"
        for r in rows.itertuples()
    ]
    return "\n".join(lines) + "\n"


def churn_table(rows: pd.DataFrame) -> str:
    """One line a seed and model."""
    lines = [
        "| seed | cases (lost) | model | area under the curve | more than the rule | lift |",
        "|---|---|---|---|---|---|",
    ]
    for r in rows.itertuples():
        gain = (
            "" if r.model == "rule" else f"{r.gain:+.3f} ({r.gain_low:+.3f} to {r.gain_high:+.3f})"
        )
        lines.append(
            f"| {r.seed} | {r.cases:,} ({r.lost:,}) | {MODELS[r.model]} "
            f"| {r.area:.3f} ({r.low:.3f} to {r.high:.3f}) | {gain} | {r.lift:.1f} |"
        )
    return "\n".join(lines) + "\n"


TABLES = {
    "concentration": concentration_table,
    "sensitivity": sensitivity_table,
    "lifetime": lifetime_table,
    "season": season_table,
    "churn": churn_table,
}


def rewritten(page: str, texts: dict[str, str], source: str) -> str:
    """The page with each table in its place."""
    for part, text in texts.items():
        begin, end = BEGIN.format(part=part), END.format(part=part)
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{text}\n{source}\n{end}{rest.split(end)[1]}"
    return page


def main() -> None:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[701, 702, 703])
    options.add_argument("--customers", type=int, default=8000)
    options.add_argument("--write", action="store_true", help="rewrite the tables of docs/value.md")
    chosen = options.parse_args()
    found: dict[str, list[pd.DataFrame]] = {}
    for seed in chosen.seeds:
        for part, rows in measured(seed, chosen.customers).items():
            found.setdefault(part, []).append(rows)
        print(f"seed {seed} done", flush=True)
    texts = {p: make(pd.concat(found[p], ignore_index=True)) for p, make in TABLES.items()}
    print("\n".join(texts.values()))
    if chosen.write:
        seeds = ", ".join(map(str, chosen.seeds))
        source = f"Seeds {seeds}; {chosen.customers:,} customers, {MONTHS} months, as of {AS_OF}.\n"
        PAGE.write_text(
            rewritten(PAGE.read_text(encoding="utf-8"), texts, source), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
