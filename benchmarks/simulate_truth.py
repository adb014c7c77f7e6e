"""Does a plain analysis of the simulated files find the effects that were planted?

`python benchmarks/simulate_truth.py --seeds 1 2 3` simulates a company without planted errors for
each seed, reads its exported files with nothing but DuckDB and pandas, estimates every effect of
`effects.csv` and prints how far each estimate lies from the truth and from zero. The estimators
here are deliberately simple and share no code with the project: means post-stratified by size
band; for depots the delete-one-depot jackknife; for NPS inverse-probability weights from what
was known before assignment.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import python_calamine
import statsmodels.api as sm
from scipy import stats

from analysis.simulate import company

STARTS = {"tiered-2025": "2025-04-01", "depot-2026": "2026-05-01"}
METRICS = {
    "retention": ("retained", None),
    "nps": ("nps", None),
    "cost_to_serve": ("service_cost", None),
    "margin": ("margin", None),
    "complaints": ("tickets", "shipments"),
    "response_minutes": ("wait", "answered"),
    "on_time": ("on_time", "deliveries"),
}


def open_company(folder: Path, truth: Path) -> duckdb.DuckDBPyConnection:
    """Read the exported files into tables keyed by true customer."""
    db = duckdb.connect()
    db.execute(f"create table links as from read_csv('{truth}/links.csv', all_varchar=true)")
    db.execute(
        "create table crm as select source_customer_id as code, true_customer as who "
        "from links where system = 'crm'"
    )
    db.execute(
        f"""create table shipments as
        select crm.who, o.ordered_at, o.promised_date, o.amount, t.cost,
               strptime(t.delivered, '%Y/%m/%d %H:%M') as delivered
        from read_parquet('{folder}/orders/*.parquet') o
        join crm on crm.code = o.customer_code
        join read_csv('{folder}/transport/transport_*.csv',
                      types={{'picked_up': 'VARCHAR', 'delivered': 'VARCHAR',
                              'notified': 'VARCHAR'}}) t
        using (waybill_no)"""
    )
    db.execute(
        f"""create table surveys as select crm.who, sent_at::timestamp as sent_at,
        nps::double as nps, nps is not null as answers
        from read_csv('{folder}/surveys/surveys.csv', all_varchar=true, header=true, delim=',',
                      quote='"') s
        join crm on crm.code = s.customer_code"""
    )
    tickets = _tickets(folder / "tickets/工单.xlsx")  # noqa: F841 (DuckDB reads it by name)
    db.execute(
        """create table tickets as select crm.who, strptime(opened, '%Y/%m/%d %H:%M') as opened,
        try_strptime(responded, '%Y/%m/%d %H:%M') as responded
        from tickets join crm on crm.code = tickets.code"""
    )
    costs = pd.read_csv(folder / "finance/服务成本.csv", encoding="gb18030")
    costs.columns = ["month", "code", "activity", "amount"]
    costs["month"] = pd.to_datetime(costs["month"], format="%Y年%m月")
    db.execute(
        "create table costs as select crm.who, month, amount * 10000 as yuan "
        "from costs join crm using (code)"
    )
    db.execute(
        f"""create table units as select a.*, crm.who
        from read_csv('{folder}/experiments/assignments.csv', all_varchar=true) a
        join crm on crm.code = a.customer_code"""
    )
    db.execute(
        """create table answers_before as select u.experiment, u.who,
        avg(s.answers::int) as answer_rate, avg(s.nps) as score, count(*) as asked
        from units u join surveys s on s.who = u.who and s.sent_at < u.assigned_at::timestamp
        group by all"""
    )
    return db


def _tickets(path: Path) -> pd.DataFrame:
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    sheets = [book.get_sheet_by_name(name).to_python()[2:] for name in book.sheet_names]
    rows = [(row[1], row[3], row[4] or None) for sheet in sheets for row in sheet]
    return pd.DataFrame(rows, columns=["code", "opened", "responded"])


def unit_table(db: duckdb.DuckDBPyConnection, experiment: str) -> pd.DataFrame:
    """One row a unit: arms, band, and the sums that the metrics need."""
    start = f"timestamp '{STARTS[experiment]}'"
    return db.execute(
        f"""
        with u as (from units where experiment = '{experiment}'),
        s as (select who, count(*) as shipments,
                count(*) filter (ordered_at >= {start} + interval 91 day
                                 and ordered_at < {start} + interval 181 day) as retained,
                sum(amount - cost) as margin, count(delivered) as deliveries,
                count(*) filter (delivered < promised_date + interval 1 day) as on_time
              from shipments where ordered_at >= {start}
                and ordered_at < {start} + interval 183 day group by who),
        p as (select who, sum(amount - cost) as margin_before from shipments
              where ordered_at < {start} and ordered_at >= {start} - interval 183 day
              group by who),
        t as (select who, count(*) as tickets, count(responded) as answered,
                sum(date_diff('minute', opened, responded)) as wait
              from tickets where opened >= {start} and opened < {start} + interval 183 day
              group by who),
        c as (select who, sum(yuan) as service_cost from costs where month >= {start}
                and month + interval 1 month <= {start} + interval 183 day group by who),
        n as (select who, arg_max(nps, sent_at) as nps from surveys where answers
                and sent_at >= {start} + interval 31 day
                and sent_at < {start} + interval 181 day group by who)
        select u.who, u.depot, u.share, u.arm, u.arm_at_half,
          split_part(u.stratum, '|', 1) as band,
          coalesce(retained, 0) > 0 as retained,
          n.nps as score, coalesce(margin, 0) as margin,
          coalesce(margin_before, 0) as margin_before,
          coalesce(service_cost, 0) as service_cost, coalesce(shipments, 0) as shipments,
          coalesce(tickets, 0) as tickets, coalesce(answered, 0) as answered,
          coalesce(wait, 0) as wait, coalesce(deliveries, 0) as deliveries,
          coalesce(on_time, 0) as on_time,
          coalesce(b.answer_rate, 0.35) as answer_rate, coalesce(b.score, 7) as score_before,
          b.asked is null as never_asked
        from u left join s using (who) left join p using (who) left join t using (who)
        left join c using (who) left join n using (who)
        left join answers_before b on b.who = u.who and b.experiment = u.experiment
        order by u.who"""
    ).df()


@dataclass(frozen=True)
class Comparison:
    """Units of one comparison: outcome parts, weights, strata, clusters."""

    numerator: np.ndarray
    denominator: np.ndarray | None
    weight: np.ndarray
    treated: np.ndarray
    band: np.ndarray
    cluster: np.ndarray | None


def effect(c: Comparison, keep: np.ndarray) -> float:
    """Post-stratified difference of (ratios of) weighted means over the kept units."""
    values = []
    for arm in (True, False):
        top, bottom = 0.0, 0.0
        for band in np.unique(c.band):
            share = keep[c.band == band].sum()
            rows = keep & (c.band == band) & (c.treated == arm)
            weight = c.weight[rows]
            if weight.sum() == 0:
                continue
            top += share * np.average(c.numerator[rows], weights=weight)
            ones = np.ones(rows.sum()) if c.denominator is None else c.denominator[rows]
            bottom += share * np.average(ones, weights=weight)
        values.append(top / bottom)
    return values[0] - values[1]


def standard_error(c: Comparison) -> tuple[float, float]:
    """Standard error and degrees of freedom: linearised by band, or by depot jackknife."""
    if c.cluster is not None:
        return _jackknife(c)
    variance = 0.0
    for arm in (True, False):
        rows = c.treated == arm
        residual, mean = _linearised(c, rows)
        for band in np.unique(c.band):
            inside = rows & (c.band == band)
            share = (c.band == band).mean()
            weight = c.weight[inside]
            centred = residual[inside] - np.average(residual[inside], weights=weight)
            n = max((weight > 0).sum(), 2)
            spread = (weight**2 * centred**2).sum() / weight.sum() ** 2 * n / (n - 1)
            variance += share**2 * spread / mean**2
    return float(np.sqrt(variance)), float((c.weight > 0).sum() - 2)


def _linearised(c: Comparison, rows: np.ndarray) -> tuple[np.ndarray, float]:
    if c.denominator is None:
        return c.numerator, 1.0
    top = np.average(c.numerator[rows], weights=c.weight[rows])
    mean = np.average(c.denominator[rows], weights=c.weight[rows])
    return c.numerator - top / mean * c.denominator, float(mean)


def _jackknife(c: Comparison) -> tuple[float, float]:
    assert c.cluster is not None
    variance, smallest = 0.0, 10**9
    mixed = pd.Series(c.treated).groupby(c.cluster).nunique().max() > 1
    groups = (
        [np.unique(c.cluster)]
        if mixed
        else [np.unique(c.cluster[c.treated == arm]) for arm in (True, False)]
    )
    for clusters in groups:
        out = np.array([effect(c, c.cluster != name) for name in clusters])
        variance += (len(out) - 1) / len(out) * ((out - out.mean()) ** 2).sum()
        smallest = min(smallest, len(out))
    return float(np.sqrt(variance)), float(smallest - 1)


def answer_weights(frame: pd.DataFrame, treated: np.ndarray) -> np.ndarray:
    """Inverse chance of an answered survey, a logit by arm on what was known before."""
    answered = frame["score"].notna().to_numpy()
    before = pd.get_dummies(frame["band"], drop_first=True, dtype=float)
    before["rate"] = frame["answer_rate"].astype(float)
    before["score"] = frame["score_before"].astype(float)
    before["never"] = frame["never_asked"].astype(float)
    # A flag that hardly anyone of an arm carries would leave the logit without a solution.
    few = min(before["never"][treated == arm].sum() for arm in (True, False)) < 5
    before = before.drop(columns="never") if few else before
    design = sm.add_constant(before).to_numpy()
    weight = np.zeros(len(frame))
    for arm in (True, False):
        rows = treated == arm
        fit = sm.GLM(answered[rows].astype(float), design[rows], sm.families.Binomial()).fit()
        chance = np.clip(fit.predict(design[rows]), *np.quantile(fit.fittedvalues, [0.01, 0.99]))
        weight[rows] = answered[rows] / chance
    return weight


def compare(frame: pd.DataFrame, treated: np.ndarray, metric: str, by_depot: bool) -> Comparison:
    """Gather what one metric needs."""
    top, bottom = METRICS[metric]
    weight = np.ones(len(frame))
    if metric == "nps":
        score = frame["score"].fillna(0).to_numpy()
        numerator = 100.0 * (score >= 9) - 100.0 * (score <= 6)
        weight = answer_weights(frame, treated)
    else:
        numerator = frame[top].astype(float).to_numpy()
    if metric == "margin":
        numerator = _without_past(numerator, frame["margin_before"].to_numpy(), frame["band"])
    return Comparison(
        numerator,
        None if bottom is None else frame[bottom].astype(float).to_numpy(),
        weight,
        treated,
        frame["band"].to_numpy(),
        frame["depot"].to_numpy() if by_depot else None,
    )


def _without_past(value: np.ndarray, before: np.ndarray, band: pd.Series) -> np.ndarray:
    """Take out what the half year before explains within each band (CUPED)."""
    result = value.copy()
    for name in band.unique():
        rows = (band == name).to_numpy()
        past = before[rows] - before[rows].mean()
        result[rows] -= (past @ value[rows]) / (past @ past) * past
    return result


def estimand_frames(
    frame: pd.DataFrame, experiment: str
) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """The cells that each estimand compares."""
    if experiment == "tiered-2025":
        return {"total": (frame, (frame["arm"] == "tiered").to_numpy())}
    share = frame["share"].astype(float)
    at_half = frame["arm_at_half"] == "tiered"
    ends, half = frame[share != 0.5], frame[share == 0.5]
    focal = frame[~at_half & (share != 1)]
    return {
        "total": (ends, (ends["share"].astype(float) == 1).to_numpy()),
        "direct": (half, (half["arm"] == "tiered").to_numpy()),
        "spillover": (focal, (focal["share"].astype(float) == 0.5).to_numpy()),
    }


def readings(folder: Path, truth: Path) -> pd.DataFrame:
    """Every estimate beside its truth.

    Returns:
        One row an experiment, estimand and metric: estimate, std_error, low, high, truth, z
        (estimate ÷ standard error), off (distance from the truth in standard errors), covered.
    """
    db = open_company(folder, truth)
    effects = pd.read_csv(truth / "effects.csv").query("segment == 'all'")
    planted = effects.set_index(["experiment", "estimand", "metric"])["value"]
    rows = []
    for experiment in effects["experiment"].unique():
        frame = unit_table(db, experiment)
        for estimand, (cells, treated) in estimand_frames(frame, experiment).items():
            for metric in METRICS:
                c = compare(cells, treated, metric, by_depot=experiment == "depot-2026")
                estimate = effect(c, np.ones(len(cells), dtype=bool))
                error, df = standard_error(c)
                value = planted[experiment, estimand, metric]
                half = stats.t.ppf(0.975, df) * error
                rows.append(
                    (experiment, estimand, metric, len(cells), estimate, error, estimate - half,
                     estimate + half, value, estimate / error, (estimate - value) / error,
                     abs(estimate - value) <= half)
                )  # fmt: skip
    names = ["experiment", "estimand", "metric", "units", "estimate", "std_error", "low", "high",
             "truth", "z", "off", "covered"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def simulated_readings(
    seed: int, customers: int, months: int, look: Callable[[Path, Path], None] | None = None
) -> pd.DataFrame:
    """Simulate one company without planted errors and read it."""
    with tempfile.TemporaryDirectory() as place:
        out, truth = Path(place) / "raw", Path(place) / "truth"
        company(out, customers, months, seed, truth=truth, faults=())
        if look:
            look(out, truth)
        return readings(out, truth).assign(seed=seed)


def main() -> None:
    """Print the table for each seed and the coverage over all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--customers", type=int, default=8000)
    parser.add_argument("--months", type=int, default=30)
    args = parser.parse_args()
    table = pd.concat(simulated_readings(seed, args.customers, args.months) for seed in args.seeds)
    pd.set_option("display.width", 200)
    keys = ["experiment", "estimand", "metric"]
    wide = table.pivot(index=keys, columns="seed", values="z").round(1)
    wide["truth"] = table.groupby(keys)["truth"].mean().round(4)
    wide["estimate"] = table.groupby(keys)["estimate"].mean().round(4)
    wide["mean_off"] = table.groupby(keys)["off"].mean().round(2)
    wide["covered"] = table.groupby(keys)["covered"].mean().round(2)
    print(wide.to_string())
    print("covered", table["covered"].mean().round(3), "of", len(table))
    print("units", table.groupby(["experiment", "estimand"])["units"].mean().round().to_dict())


if __name__ == "__main__":
    main()
