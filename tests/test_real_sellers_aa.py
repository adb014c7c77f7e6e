"""A/A on real data: Olist's sellers, dealt at random, show a difference as often as promised.

Four kinds of outcome a seller has (a skewed amount, a ratio, a score that some lack, a share) and a
covariate from the earlier half of its orders. Nothing was done to anybody, so every alarm is false.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.experiment import evaluate
from analysis.params import ExperimentSpec

LIMITS = 0.999
"""An A/A passes within the two-sided 99.9 % binomial limits of 5 %: 2.9 to 7.4 % of 1,000."""
PLAN = ExperimentSpec.model_validate(
    {
        "id": "sellers", "unit": "seller_id", "arm": "arm", "control": "a",
        "allocation": {"a": 0.5, "b": 0.5}, "covariates": ["freight_before"],
        "looks": "calendar", "looks_planned": 1,
        "metrics": [
            {"name": "freight", "kind": "mean", "column": "freight", "role": "primary"},
            {"name": "late", "kind": "ratio", "numerator": "late", "denominator": "delivered"},
            {"name": "large", "kind": "proportion", "column": "large"},
            {"name": "score", "kind": "mean", "column": "score", "answered": "reviewed"},
        ],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def sellers(shared_data) -> pd.DataFrame:
    """One row a seller with orders in both halves of the record."""
    folder = shared_data / "olist_5k"
    lines = _read(folder, "order_items")[["order_id", "seller_id", "freight_value"]]
    times = ["order_purchase_timestamp", "order_delivered_customer_date",
             "order_estimated_delivery_date"]  # fmt: skip
    told = _read(folder, "orders")[["order_id", *times]]
    bought, came, promised = (pd.to_datetime(told[t], format="%m/%d/%Y %H:%M") for t in times)
    orders = told[["order_id"]].assign(
        bought=bought,
        delivered=came.notna().astype(float),
        late=(came >= promised + pd.Timedelta(days=1)).astype(float),
    )
    reviews = _read(folder, "order_reviews").groupby("order_id")["review_score"].mean()
    parts = lines.groupby(["order_id", "seller_id"], as_index=False)["freight_value"].sum()
    sales = parts.merge(orders, on="order_id").merge(reviews, on="order_id", how="left")
    before = sales["bought"] < sales["bought"].median()
    by_seller = sales[~before].groupby("seller_id").agg(
        freight=("freight_value", "sum"), late=("late", "sum"), delivered=("delivered", "sum"),
        score=("review_score", "mean"),
    )  # fmt: skip
    earlier = sales[before].groupby("seller_id")["freight_value"].sum()
    table = by_seller.assign(freight_before=earlier).reset_index()
    table["freight_before"] = table["freight_before"].fillna(0.0)
    table["large"] = (table["freight"] > table["freight"].median()).astype(float)
    table["reviewed"] = table["score"].notna()
    assert len(table) > 500
    return table.sort_values("seller_id", ignore_index=True)


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"olist_{name}_dataset.csv")


@pytest.mark.parametrize("draws", [60, pytest.param(1000, marks=pytest.mark.full)])
def test_sellers_dealt_at_random_differ_as_often_as_promised(sellers, draws):
    rng = np.random.default_rng(20_261_124)
    rejected: dict[str, int] = {}
    alarmed = 0
    for _ in range(draws):
        arm = np.where(rng.random(len(sellers)) < 0.5, "b", "a")
        found = evaluate(sellers.assign(arm=arm), PLAN)
        alarmed += found.verdict.decision == "do_not_trust"
        mine = found.estimates.query("bound == '' and role != 'reading'")
        for metric, p_value in zip(mine["metric"], mine["p_value"], strict=True):
            rejected[metric] = rejected.get(metric, 0) + (p_value < 0.05)
    low, high = stats.binom.interval(LIMITS, draws, 0.05)
    assert set(rejected) == {"freight", "late", "large", "score"}
    assert all(low <= count <= high for count in rejected.values()), rejected
    assert alarmed <= stats.binom.isf(1e-4, draws, 0.005), "gates alarm at 0.001 each"
