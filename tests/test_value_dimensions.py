"""Seven dimensions, fixed cuts, late payers, concentration: right, and the same in a later run."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import ParamsError
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import SensitiveCargo, TierPolicy, ValuePolicy
from analysis.params.loading import build
from analysis.tables import TIERS
from analysis.tiers.cutoffs import bars_of
from analysis.tiers.history import MonthRows
from analysis.value import concentration, lorenz, score, weight_sensitivity, with_dimensions
from analysis.value.concentration import gini
from analysis.value.dimensions import DIMENSIONS
from analysis.value.sensitivity import _bars
from canonical import canonical, company

AS_OF, EARLIER = Month(2026, 10), Month(2026, 3)
KEY = ["customer_id", "month"]
SENSITIVE = SensitiveCargo(services=("express",), cargo_types=("cold",))


def tables() -> dict:
    """The small company, with services, cargo, destinations and invoices."""
    made = company()
    frame = made["shipments"].execute()
    rng = np.random.default_rng(5)
    frame["service"] = rng.choice(["express", "standard"], len(frame))
    frame["cargo_type"] = rng.choice(["cold", "parts", "paper"], len(frame))
    frame["destination_region"] = rng.choice(["north", "west"], len(frame))
    due = frame.delivered_at.dt.normalize() + pd.Timedelta(days=30)
    paid = due + pd.to_timedelta(rng.integers(-5, 120, len(frame)), unit="D")
    invoices = pd.DataFrame(
        {
            "invoice_id": frame.shipment_id,
            "customer_id": frame.customer_id,
            "due_on": due.dt.date,
            "paid_on": paid.dt.date.where(rng.random(len(frame)) < 0.9, None),
            "amount": frame.revenue,
        }
    )
    made["shipments"] = canonical("shipments", frame)
    return made | {"receivables": canonical("receivables", invoices)}


def panel_of(given: dict, as_of: Month = AS_OF) -> ibis.Table:
    made = customer_months(**given, as_of=as_of, sensitive=SENSITIVE)
    return ibis.memtable(made.to_pyarrow(), schema=made.schema())


@pytest.fixture(scope="module")
def given_tables():
    return tables()


@pytest.fixture(scope="module")
def panel(given_tables):
    return panel_of(given_tables)


@pytest.fixture(scope="module")
def now(panel) -> pd.DataFrame:
    seven = with_dimensions(panel, ValuePolicy(), AS_OF)
    return framed(seven.filter(seven.month == str(AS_OF)))


def framed(table) -> pd.DataFrame:
    return table.execute().sort_values(KEY, ignore_index=True)


def test_the_new_columns_of_the_panel_agree_with_pandas(given_tables, panel):
    rows = given_tables["shipments"].execute()
    rows = rows[rows.shipped_at < AS_OF.end]
    by = rows.groupby([rows.customer_id, rows.shipped_at.dt.strftime("%Y-%m")])
    sensitive = (rows.service == "express") | (rows.cargo_type == "cold")
    wanted = pd.DataFrame(
        {
            "shipping_days_n": by["shipped_at"].agg(lambda t: t.dt.date.nunique()),
            "services_n": by["service"].nunique(),
            "destinations_n": by["destination_region"].nunique(),
            "cargo_types_n": by["cargo_type"].nunique(),
            "sensitive_n": sensitive.groupby(
                [rows.customer_id, rows.shipped_at.dt.strftime("%Y-%m")]
            ).sum(),
        }
    ).rename_axis(KEY)
    got = panel.execute().set_index(KEY)
    pd.testing.assert_frame_equal(got.loc[wanted.index, wanted.columns], wanted, check_dtype=False)
    assert got[wanted.columns].sum().equals(wanted.sum())
    first = rows.groupby("customer_id").shipped_at.min()
    last_month = got.xs(str(AS_OF), level="month")
    assert (last_month.first_shipped_at.dropna().sort_index() == first).all()


def test_overdue_is_what_is_unpaid_thirty_days_after_it_was_due(given_tables, panel):
    invoices = given_tables["receivables"].execute()
    got = panel.execute().set_index(KEY)
    for month in (Month(2025, 6), AS_OF):
        limit = pd.Timestamp(month.end) - pd.Timedelta(days=30)
        late = pd.to_datetime(invoices.due_on) < limit
        paid = pd.to_datetime(invoices.paid_on) < pd.Timestamp(month.end)
        wanted = invoices[late & ~paid].groupby("customer_id").amount.sum()
        mine = got.xs(str(month), level="month").overdue
        # sums are rounded to four decimals
        assert np.allclose(mine.reindex(wanted.index), wanted, atol=1e-3)
        assert mine.sum() == pytest.approx(wanted.sum(), abs=1e-2)


def test_rows_added_and_payments_filled_in_later_change_no_earlier_month(given_tables, panel):
    invoices = given_tables["receivables"].execute()
    unpaid = ~(pd.to_datetime(invoices.paid_on) < pd.Timestamp(EARLIER.end))
    invoices["paid_on"] = invoices.paid_on.where(~unpaid, dt.date(2026, 9, 9))
    shipments = given_tables["shipments"].execute()
    later = shipments[shipments.shipped_at >= EARLIER.end].assign(revenue=9e6)
    later["shipment_id"] += "+"
    changed = given_tables | {
        "receivables": canonical("receivables", invoices),
        "shipments": canonical("shipments", pd.concat([shipments, later])),
    }
    again = panel_of(changed)
    for verb in (with_dimensions, score):
        then = framed(verb(panel_of(given_tables, EARLIER), ValuePolicy(), EARLIER))
        got = framed(verb(again, ValuePolicy(), EARLIER))
        pd.testing.assert_frame_equal(then, got)
        whole = framed(verb(panel, ValuePolicy(), AS_OF))
        mine = whole[whole.month <= str(EARLIER)].reset_index(drop=True)
        pd.testing.assert_frame_equal(then, mine)


def test_points_are_positions_and_the_score_their_weighted_mean(now):
    for name in DIMENSIONS:
        known = now[name].notna()
        rank = now.loc[known, name].rank() - 0.5
        assert np.allclose(now.loc[known, f"{name}_points"], 100 * rank / known.sum(), atol=1e-3)
    points = now[[f"{n}_points" for n in DIMENSIONS]].to_numpy(float)
    weights = np.array([ValuePolicy().dimensions[n] for n in DIMENSIONS])
    known = ~np.isnan(points)
    wanted = (np.nan_to_num(points) * weights).sum(1) / (known * weights).sum(1)
    assert np.allclose(now.value_score, wanted, atol=1e-3)


def test_entropy_weighs_what_tells_customers_apart(panel):
    seven = with_dimensions(panel, ValuePolicy(dimensions="entropy"), AS_OF)
    got = framed(seven.filter(seven.month == str(AS_OF)))
    weights = {}
    for name in DIMENSIONS:
        x = got[name].dropna().to_numpy(float)
        z = (x - x.min()) / (x.max() - x.min())
        p = z[z > 0] / z.sum()
        weights[name] = 1 + (p * np.log(p)).sum() / np.log(len(x))
    total = sum(weights.values())
    for name, weight in weights.items():
        assert got[f"{name}_weight"].iloc[0] == pytest.approx(weight / total, abs=1e-4), name


def test_what_a_profile_lacks_drops_out(given_tables):
    bare = {k: given_tables[k] for k in ("customers", "shipments")}
    frame = bare["shipments"].execute().assign(cost=None, service=None, cargo_type=None)
    bare["shipments"] = canonical("shipments", frame.assign(destination_region=None))
    made = customer_months(**bare, tickets=None, surveys=None, service_costs=None, as_of=AS_OF)
    seven = with_dimensions(made, ValuePolicy(), AS_OF)
    got = framed(seven.filter(seven.month == str(AS_OF)))
    for name in ("service_complexity", "profit_contribution", "demand_sensitivity"):
        assert got[f"{name}_points"].isna().all(), name
    assert got.value_score.between(0, 100).all()


def test_the_score_may_be_the_seven_dimensions(panel, now):
    scored = framed(score(panel, ValuePolicy(score="seven", late_payers=None), AS_OF))
    mine = scored[(scored.month == str(AS_OF)) & (scored.frequency > 0)]
    assert np.array_equal(mine.score.to_numpy(), now.value_score.to_numpy())
    gone = scored[(scored.frequency == 0) & scored.recency_days.notna()]
    assert len(gone)
    assert gone.score.eq(0).all()


def test_late_payers_keep_a_part_of_their_score(panel):
    scored = framed(score(panel, ValuePolicy(), AS_OF))
    late = scored.overdue_share.fillna(0) > 0.10
    assert late.any()
    assert scored.pays_late.equals(late.rename("pays_late"))
    assert np.allclose(scored.score[late], 0.8 * scored.rfm_score[late], atol=1e-4, equal_nan=True)
    pd.testing.assert_series_equal(scored.score[~late], scored.rfm_score[~late], check_names=False)


def test_fixed_cuts(panel):
    cuts = {"recency": [10, 30], "frequency": [5, 40], "monetary": [500.0, 5000.0]}
    policy = ValuePolicy(rfm_groups=3, rfm_cuts=cuts)
    got = framed(score(panel, policy, AS_OF))
    got = got[got.frequency > 0]
    assert got.r.tolist() == (1 + (got.recency_days <= 10) + (got.recency_days <= 30)).tolist()
    assert got.f.tolist() == (1 + (got.frequency >= 5) + (got.frequency >= 40)).tolist()
    assert got.m.tolist() == (1 + (got.monetary >= 500) + (got.monetary >= 5000)).tolist()


def test_sensitivity_counts_customers_that_change_their_tier(now):
    told = weight_sensitivity(now, TierPolicy(shares={"strategic": 0.2, "key": 0.3}))
    assert len(told) == 2 * len(DIMENSIONS)
    assert told.moved.sum() > 0
    only = now.assign(**{f"{n}_weight": float(n == "loyalty") for n in DIMENSIONS})
    none = weight_sensitivity(only, TierPolicy(at_least={"strategic": 80, "key": 50}))
    assert none.moved.sum() == 0  # a single weight cannot change a weighted mean


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.05, 0.15, 0.3]), min_size=3, max_size=3),
)
@settings(max_examples=100)
def test_sensitivity_cuts_as_tiers_do(scores, shares):
    values = np.array(scores, dtype=float)
    n = len(values)
    policy = TierPolicy(shares=dict(zip(TIERS[:-1], shares, strict=True)))
    rows = MonthRows(
        index=0,
        months_n=np.ones(n, dtype=np.int32),
        score=values,
        revenue_window=values,
        margin_window=values,
        shipments=np.ones(n),
        revenue=values,
        is_ranked=np.ones(n, dtype=bool),
        recency_days=np.zeros(n),
    )
    assert [*_bars(values, policy).values()] == bars_of(rows, policy)[:0:-1].tolist()


def test_concentration_agrees_with_pandas(panel):
    policy = ValuePolicy(abc_cuts=(0.5, 0.8))
    scored = score(panel, policy, AS_OF)
    told = concentration(scored, policy, AS_OF).set_index(["by", "abc_class"])
    frame = framed(scored)
    frame = frame[(frame.month == str(AS_OF)) & (frame.frequency > 0)]
    falling = frame.margin_window.clip(lower=0).sort_values(ascending=False)
    before = (falling.cumsum() - falling) / falling.sum()
    assert told.loc[("margin", "A"), "customers"] == (before < 0.5).sum()
    x = frame.revenue_window.to_numpy()
    slow = np.abs(x[:, None] - x).sum() / (2 * len(x) ** 2 * x.mean())  # the definition
    assert told.loc[("revenue", "A"), "gini"] == pytest.approx(slow)
    assert told.groupby("by").customers_share.sum().eq(1).all()
    curve = lorenz(scored, AS_OF)
    by_revenue = curve[curve.by == "revenue"]
    area = np.trapezoid(by_revenue.value_share, by_revenue.customers_share)
    assert 1 - 2 * area == pytest.approx(slow, abs=0.02)  # 101 points of 40 customers


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40))
def test_gini_lies_between_equality_and_one(worth):
    values = np.array(worth)
    assert -1e-9 <= gini(values) <= 1 - 1 / len(values) + 1e-9
    assert gini(np.full(7, values[0])) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rfm_cuts": {"recency": [1, 2]}},
        {"rfm_cuts": {"recency": [1, 3, 2, 4]}},
        {"dimensions": {"loyalty": 0}},
        {"dimensions": {"loyalty": -1, "order_scale": 2}},
        {"satisfaction_index": {"on_time": -1}},
        {"score": "nine"},
    ],
)
def test_a_policy_that_cannot_be_is_refused(wrong):
    with pytest.raises(ParamsError):
        build(ValuePolicy, wrong, "value")
