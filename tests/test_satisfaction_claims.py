"""The claims: their numbers against independent ones, their verdicts, and what they never read."""

import json
import math
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from analysis import claims, claims_in_words
from analysis.engine import open_engine
from analysis.months import Month
from analysis.satisfaction import CLAIMS
from analysis.satisfaction.catalogue import Part
from analysis.satisfaction.company import Company, NotMeasurableError
from analysis.satisfaction.customer_sums import slopes_within
from analysis.satisfaction.estimating import (
    Estimate,
    TooFew,
    difference,
    ratio,
    relative_difference,
    resampled,
)
from analysis.satisfaction.testing import together, verdict
from analysis.satisfaction.value_shares import value_cost
from canonical import canonical

AS_OF = Month(2026, 10)
RNG = np.random.default_rng(11)


def answers(customers=60, rows=1500):
    who = RNG.integers(0, customers, rows)
    days = RNG.poisson(0.6, rows).astype(float)
    opinion = RNG.normal(0, 8, customers)[who]
    points = 78 + opinion - 12 * days + RNG.normal(0, 10, rows)
    ids = [f"C{i}" for i in who]
    return pd.DataFrame({"customer_id": ids, "days": days, "points": points})


def test_slopes_within_customers_are_those_of_dummies():
    """Least squares with a dummy a customer; errors clustered by statsmodels."""
    frame = answers()
    table = ibis.memtable(frame)
    found = slopes_within(table, table.points, {"days": table.days}).combined(np.array([1.0]))
    dummies = pd.get_dummies(frame["customer_id"]).astype(float)
    model = sm.OLS(frame["points"], pd.concat([frame[["days"]], dummies], axis=1))
    codes = frame["customer_id"].astype("category").cat.codes
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False})
    g = frame["customer_id"].nunique()
    assert found.value == pytest.approx(fit.params["days"], rel=1e-9)
    # ours: G/(G−1) and t on the effective number of customers; statsmodels: without either
    se = fit.bse["days"] * math.sqrt(g / (g - 1))
    assert se * 1.96 < (found.high - found.low) / 2 < se * 2.1


def test_a_ratio_is_the_clustered_mean():
    frame = answers()
    sums = frame.groupby("customer_id")["points"].agg(["sum", "count"]).astype(float)
    found = ratio(sums["sum"].to_numpy(), sums["count"].to_numpy())
    fit = sm.OLS(frame["points"], np.ones(len(frame))).fit(
        cov_type="cluster", cov_kwds={"groups": frame["customer_id"].astype("category").cat.codes,
                                      "use_correction": False},
    )  # fmt: skip
    assert found.value == pytest.approx(frame["points"].mean(), rel=1e-12)
    assert (found.high - found.value) / fit.bse.iloc[0] == pytest.approx(2.0, abs=0.06)


def test_intervals_cover_the_truth():
    """Clustered answers, 400 draws: 95 % within 99.9 % binomial limits (91.0 to 98.2 %)."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        n = rng.integers(1, 30, 80).astype(float)
        mean = 0.3 + rng.normal(0, 0.1, 80)
        found = ratio(rng.binomial(n.astype(int), mean.clip(0, 1)).astype(float), n)
        hits += found.low <= 0.3 <= found.high
    assert 364 <= hits <= 393


def test_comparisons_agree_with_each_other():
    n, n_0 = np.full(40, 5.0), np.full(40, 7.0)
    y, y_0 = RNG.uniform(2, 4, 40) * 5, RNG.uniform(1, 3, 40) * 7
    apart = difference(y, n, y_0, n_0)
    relative = relative_difference(y, n, y_0, n_0)
    one, zero = y.sum() / n.sum(), y_0.sum() / n_0.sum()
    assert apart.value == pytest.approx(one - zero)
    assert relative.value == pytest.approx(one / zero - 1)
    assert relative.low < relative.value < relative.high


def test_a_few_large_customers_are_not_many():
    den = np.array([5000.0, 4000.0, 3000.0, *[1.0] * 50])
    assert isinstance(ratio(den * 0.1, den), TooFew)


def test_the_bootstrap_is_the_same_every_time():
    values = RNG.lognormal(0, 1, 200)
    found = [resampled(lambda w: np.array([w @ values / w.sum()]), 200)[0] for _ in range(2)]
    assert found[0] == found[1]
    se = values.std() / math.sqrt(200)
    assert (found[0].high - found[0].low) / 2 == pytest.approx(1.96 * se, rel=0.12)


@given(st.floats(-1, 1), st.floats(0.001, 0.5))
def test_a_verdict_is_about_the_whole_interval(value, half):
    part = Part("late", "delivered late", "share", 0.1, 0.2)
    said = verdict(part, Estimate(value, value - half, value + half, 100, 50))
    inside, outside = value - half >= 0.1 and value + half <= 0.2, value + half < 0.1
    if inside:
        assert said == "supported"
    elif outside or value - half > 0.2:
        assert said == "contradicted"
    else:
        assert said == "undecided"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["supported", "supported"], "supported"),
        (["supported", "contradicted"], "contradicted"),
        (["supported", "undecided"], "undecided"),
        (["supported", "not_measurable"], "undecided"),
        (["not_measurable", "contradicted"], "not_measurable"),
        (["not_measurable"], "not_measurable"),
    ],
)
def test_a_claim_needs_all_its_parts(parts, whole):
    assert together(parts) == whole


def test_a_company_without_data_says_what_is_missing_for_each_claim():
    frame = claims({}, AS_OF)
    assert set(frame["claim"]) == {claim.id for claim in CLAIMS}
    assert (frame["claim_verdict"] == "not_measurable").all()
    assert frame["missing"].notna().all()
    for language in ("zh", "en"):
        told = claims_in_words(frame, language)
        assert told["missing"].str.len().gt(3).all()


@pytest.fixture(scope="module")
def company():
    """Tables of a small company: shipments, surveys, tickets, panel."""
    rng = np.random.default_rng(3)
    n = 6000
    shipped = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 950_000, n), unit="min")
    late = np.where(rng.random(n) < 0.15, rng.integers(1, 6, n), 0)
    promised = shipped + pd.Timedelta(days=3)
    who = [f"C{i:03d}" for i in rng.integers(0, 150, n)]
    shipments = pd.DataFrame(
        {
            "shipment_id": [f"S{i}" for i in range(n)], "customer_id": who, "shipped_at": shipped,
            "promised_at": promised,
            "delivered_at": promised + pd.to_timedelta(late - 0.5, unit="D"),
            "notified_at": pd.Series(promised).where(rng.random(n) < 0.3),
            "revenue": 100.0, "cost": 80.0,
        }
    )  # fmt: skip
    asked = shipments[rng.random(n) < 0.3]
    score = np.clip(4 - 0.6 * late[asked.index] + rng.normal(0, 0.7, len(asked)), 1, 5).round()
    surveys = pd.DataFrame(
        {
            "survey_id": asked["shipment_id"] + "q", "customer_id": asked["customer_id"],
            "shipment_id": asked["shipment_id"], "sent_at": asked["delivered_at"],
            "answered_at": asked["delivered_at"] + pd.Timedelta(days=1),
            "nps_score": 8, "csat_score": score.astype(int),
        }
    )  # fmt: skip
    troubled = shipments[late > 0]
    tickets = pd.DataFrame(
        {
            "ticket_id": troubled["shipment_id"] + "t", "customer_id": troubled["customer_id"],
            "shipment_id": troubled["shipment_id"], "opened_at": troubled["promised_at"],
            "first_response_at": troubled["promised_at"] + pd.Timedelta(hours=30),
            "resolved_at": pd.NaT, "category": "delay",
        }
    )  # fmt: skip
    return {"shipments": shipments, "surveys": surveys, "tickets": tickets}


def claims_of(tables, as_of=AS_OF):
    engine = open_engine(cores=1)
    return claims({name: engine.table(frame) for name, frame in tables.items()}, as_of)


def test_what_a_small_company_measures(company):
    frame = claims_of(company).set_index(["claim", "part"])
    dose = frame.loc[("delay-dose", "dose")]
    assert dose["estimate"] == pytest.approx(-15, abs=1.5)  # 0.6 of a score, less what 1-5 cuts off
    assert frame.loc[("response-average", "hours"), "estimate"] == pytest.approx(30.0, abs=0.5)
    assert frame.loc[("response-average", "hours"), "verdict"] == "supported"
    assert frame.loc[("complaint-mix", "delay"), "estimate"] == 1.0
    assert frame.loc[("delay-15", "late"), "verdict"] == "not_measurable"  # it needs the panel


def test_a_response_after_the_month_is_no_record_of_responses(company):
    later = company["tickets"].assign(first_response_at=pd.Timestamp(AS_OF.end))
    frame = claims_of(company | {"tickets": later}).set_index(["claim", "part"])
    row = frame.loc[("response-average", "hours")]
    assert "no record of responses" in row["missing"]


def yearly(served: float, months: int = 12) -> Company:
    """Fifteen customers above a million yuan of revenue a year, fifteen below."""
    rows = [
        {"customer_id": f"C{i:02d}", "month": str(AS_OF.shifted(-n)), "shipments_n": 1}
        | {"revenue": (1 + i % 2) * 12e5 / months, "shipment_cost": 1e4, "margin": 1e4}
        | {"cost_to_serve": served}
        for i in range(30)
        for n in range(months)
    ]
    rows = [row | {"revenue": row["revenue"] - 3e5 / months} for row in rows]
    return Company({"customer_months": canonical("customer_months", rows)}, AS_OF, (), "CNY")


def test_shares_of_profit_need_a_profit_and_a_year():
    assert value_cost(yearly(1e3))["profit"].value == pytest.approx(0.5)
    with pytest.raises(NotMeasurableError, match="no profit"):
        value_cost(yearly(2e4))
    with pytest.raises(NotMeasurableError, match="fewer than twelve months"):
        value_cost(yearly(1e3, months=11))


def test_later_rows_and_values_change_no_earlier_month(company):
    """Rows of later months, and values filled in later, are not known yet."""
    early = Month(2026, 4)
    end = pd.Timestamp(early.end)
    before = claims_of(company, early)
    later = {}
    for name, began in (("shipments", "shipped_at"), ("surveys", "sent_at"),
                        ("tickets", "opened_at")):  # fmt: skip
        frame = company[name]
        later[name] = frame[frame[began] < end].copy()
    shipments, surveys = later["shipments"], later["surveys"]
    hidden = shipments["delivered_at"] >= end
    assert hidden.any()
    shipments.loc[hidden, ["delivered_at", "notified_at"]] = pd.NaT
    shipments.loc[shipments["notified_at"] >= end, "notified_at"] = pd.NaT
    silent = surveys["answered_at"] >= end
    surveys["csat_score"] = surveys["csat_score"].where(~silent).astype("Int64")
    surveys.loc[silent, "answered_at"] = pd.NaT
    waits = later["tickets"]["first_response_at"] >= end
    later["tickets"].loc[waits, "first_response_at"] = pd.NaT
    pd.testing.assert_frame_equal(before, claims_of(later, early))


def test_the_order_of_rows_does_not_matter(company):
    mixed = {name: frame.sample(frac=1, random_state=4) for name, frame in company.items()}
    pd.testing.assert_frame_equal(claims_of(company), claims_of(mixed), rtol=1e-9)


def test_missing_is_a_message_in_both_languages():
    why = json.loads(claims({}, AS_OF)["missing"].iloc[0])
    assert set(why) == {"text", "values"}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_document_tells_each_reading(claim):
    text = (Path(__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    assert claim.sentence in text
    assert claim.reading in text
    assert all(part.label in text for part in claim.parts)
