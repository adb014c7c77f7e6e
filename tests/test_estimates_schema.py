"""The estimates table, column by column, against the schema that the design lays down.

`SCHEMA` is written out here and not taken from the code: names, their order, types and values are
a promise to whoever reads the table, whichever way it was made.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from analysis.cli import exit_code_of
from analysis.engine import open_engine
from analysis.experiment import evaluate, evaluate_month, follow
from analysis.months import Month
from analysis.tables import CONTRACTS
from canonical import canonical, company
from experiment_units import SATURATION, orders, plan, saturated, units
from test_experiment_monthly import CLOSED, START, monthly_plan

KINDS = {"mean", "proportion", "ratio", "nps", "survival"}
BOUNDS = {"", "lee_low", "lee_high", "worst_low", "worst_high"}
SCHEMA: dict[str, tuple[str, set[str] | tuple[float, float] | None]] = {
    "experiment": ("text", None),
    "as_of_month": ("text", None),
    "analysis_basis": ("text", {"intention_to_treat", "complier"}),
    "estimand": ("text", {"total", "direct", "spillover"}),
    "metric": ("text", None),
    "kind": ("text", KINDS),
    "role": ("text", {"primary", "secondary", "guardrail", "reading"}),
    "segment": ("text", None),
    "treatment": ("text", None),
    "control": ("text", None),
    "n_treatment": ("whole", (0, math.inf)),
    "n_control": ("whole", (0, math.inf)),
    "n_maturing": ("whole", (0, math.inf)),
    "clusters": ("whole", (2, math.inf)),
    "value_treatment": ("number", None),
    "value_control": ("number", None),
    "effect": ("number", None),
    "effect_relative": ("number", None),
    "std_error": ("number", (0, math.inf)),
    "df": ("number", (0, math.inf)),
    "ci_low": ("number", None),
    "ci_high": ("number", None),
    "p_value": ("number", (0, 1)),
    "p_adjusted": ("number", (0, 1)),
    "av_low": ("number", None),
    "av_high": ("number", None),
    "av_p_value": ("number", (0, 1)),
    "bound": ("text", BOUNDS),
    "method": ("text", None),
    "status": ("text", None),
    "note": ("text", None),
}
"""Column → its type, and what it may hold; where nothing is said, any."""
NEVER_EMPTY = ("experiment", "analysis_basis", "estimand", "metric", "kind", "role", "segment",
               "treatment", "control", "n_treatment", "n_control", "n_maturing", "method",
               "status")  # fmt: skip
METRICS = [
    orders(minimum_effect=0.1),
    {"name": "bought", "kind": "proportion", "column": "bought"},
    {"name": "per_visit", "kind": "ratio", "numerator": "orders", "denominator": "visits"},
    {"name": "nps", "kind": "nps", "column": "score"},
    {"name": "stay", "kind": "survival", "duration": "days", "event": "gone", "horizon": 60},
    {"name": "empty", "kind": "mean", "column": "nothing"},
    {"name": "bad", "kind": "mean", "column": "complaints", "role": "guardrail",
     "direction": "decrease", "margin": 0.2},
]  # fmt: skip


def every_kind(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = units(n)
    days = rng.exponential(60, n)
    return frame.assign(
        bought=rng.random(n) < 0.4,
        visits=rng.integers(1, 9, n),
        score=np.where(rng.random(n) < 0.6, rng.integers(0, 11, n), np.nan),
        days=np.minimum(days, 60).round(2),
        gone=days < 60,
        complaints=rng.poisson(0.1, n),
        used=(frame["arm"] == "red") & (rng.random(n) < 0.8),
        nothing=np.nan,
    )


def plain(tmp_path) -> pd.DataFrame:
    """The Python API on one table of every kind of metric, with users of the service."""
    spec = plan(METRICS, segments=["tier"], covariates=["before"], exposure="used")
    return evaluate(every_kind(), spec).estimates


def saturation(tmp_path) -> pd.DataFrame:
    return evaluate(saturated(), plan(**SATURATION)).estimates


def command(tmp_path) -> pd.DataFrame:
    """``estimates.csv`` as whoever opens it reads it."""
    spec = plan(METRICS, segments=["tier"], covariates=["before"], exposure="used")
    content = spec.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    every_kind().to_csv(tmp_path / "units.csv", index=False)
    words = ["--experiment", tmp_path / "plan.yaml", "--units", tmp_path / "units.csv"]
    assert exit_code_of(["evaluate", *map(str, words), "--out", str(tmp_path / "out")]) == 0
    return read_csv(tmp_path / "out" / "estimates.csv")


def read_csv(path) -> pd.DataFrame:
    """Texts as they are, numbers as numbers: what cannot be read so fails."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    kinds = {"text": "str", "whole": "Int64", "number": "float64"}
    typed = {
        name: text[name].where(text[name] != "").astype(kinds[SCHEMA[name][0]])
        for name in text.columns
    }
    return pd.DataFrame(typed)


def pipeline(tmp_path) -> pd.DataFrame:
    """The month's table as the next notebook and the dashboard read it from disk."""
    made = company(customers_n=120, months=27)
    ids = made["customers"].customer_id.execute().sort_values().to_numpy()
    rows = [
        {"experiment_id": "small", "customer_id": one, "stratum": "s", "assigned_at": START,
         "arm": "tiered" if i % 2 else "uniform"}
        for i, one in enumerate(ids)
    ]  # fmt: skip
    tables = {**made, "assignments": canonical("assignments", rows)}
    as_of = Month.parse("2026-06")
    followed = follow([monthly_plan(CLOSED)], tables, as_of=as_of)
    found = evaluate_month(followed, as_of=as_of, currency="CNY")
    return written(found.estimates, tmp_path)


def nothing(tmp_path) -> pd.DataFrame:
    """The table of a month without an experiment."""
    as_of = Month.parse("2026-06")
    none = follow([], {}, as_of=as_of)
    return written(evaluate_month(none, as_of=as_of).estimates, tmp_path)


def written(frame: pd.DataFrame, folder) -> pd.DataFrame:
    engine = open_engine()
    try:
        engine.write(engine.table(frame), folder / "estimates.parquet")
    finally:
        engine.close()
    return pq.read_table(folder / "estimates.parquet").to_pandas()


WAYS = {made.__name__: made for made in (plain, saturation, command, pipeline, nothing)}


@pytest.fixture(scope="module", params=WAYS)
def table(request, tmp_path_factory) -> tuple[str, pd.DataFrame]:
    return request.param, WAYS[request.param](tmp_path_factory.mktemp(request.param))


def test_the_columns_are_those_of_the_design_in_their_order(table):
    assert list(table[1].columns) == list(SCHEMA)
    assert list(CONTRACTS["estimates"].columns) == list(SCHEMA)


@pytest.mark.parametrize("column", SCHEMA)
def test_a_column_has_its_type_and_its_values(table, column):
    way, frame = table
    kind, allowed = SCHEMA[column]
    values = frame[column]
    right = {
        "text": lambda t: pd.api.types.is_string_dtype(t) or pd.api.types.is_object_dtype(t),
        "whole": pd.api.types.is_integer_dtype,
        "number": pd.api.types.is_float_dtype,
    }[kind]
    whole_with_gaps = way == "pipeline" and kind == "whole" and values.isna().any()
    assert right(values.dtype) or whole_with_gaps, values.dtype  # pandas reads gaps as floats
    if isinstance(allowed, set):
        assert set(values.dropna() if column != "bound" else values.fillna("")) <= allowed
    elif allowed is not None:
        assert values.dropna().between(*allowed).all()
    if kind == "number":
        assert not np.isinf(values.to_numpy("float64", na_value=np.nan)).any()
    if column in NEVER_EMPTY:
        assert values.notna().all()
        assert (values.astype(str) != "").all()


def test_rows_are_named_once_and_agree_with_themselves(table):
    frame = table[1]
    key = ["experiment", "analysis_basis", "estimand", "metric", "segment", "treatment", "bound"]
    assert not frame.assign(bound=frame["bound"].fillna(""))[key].duplicated().any()
    assert (frame["treatment"] != frame["control"]).all()
    for low, high in (("ci_low", "ci_high"), ("av_low", "av_high")):
        both = frame.dropna(subset=["effect", low, high])
        assert (both[low] <= both["effect"] + 1e-9).all()
        assert (both["effect"] <= both[high] + 1e-9).all()
    apart = (frame["value_treatment"] - frame["value_control"] - frame["effect"]).dropna()
    itt = frame["analysis_basis"].eq("intention_to_treat")
    assert apart[itt.reindex(apart.index)].abs().max() < 1e-9 or frame.empty
    shares = frame[frame["kind"] == "proportion"]
    assert shares[["value_treatment", "value_control"]].stack().dropna().between(-0.5, 1.5).all()
    assert frame.loc[frame["status"] == "ok", "effect"].notna().all()
    assert frame.loc[frame["effect"].isna(), "status"].ne("ok").all()


def test_the_tables_held_here_have_every_value_that_is_allowed(tmp_path):
    """Else the tests above would say little."""
    frame = pd.concat([plain(tmp_path), saturation(tmp_path)])
    for column, (_, allowed) in SCHEMA.items():
        if isinstance(allowed, set):
            assert set(frame[column]) == allowed, column
    assert frame["status"].ne("ok").any()
