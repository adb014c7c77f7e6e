"""Lifetime value: known parameters are found again, nothing overflows, nothing later is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln

from analysis.figures import lifetime_chart
from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import LifetimePolicy, load_profile
from analysis.value.lifetime import (
    BgNbd,
    fit_purchases,
    fit_spending,
    held_out,
    histories,
    lifetime_values,
    worth,
)
from analysis.value.lifetime.purchases import _log_likelihood as purchases_likelihood
from analysis.value.lifetime.spending import _log_likelihood as spending_likelihood
from canonical import company

AS_OF, EARLIER = Month(2026, 10), Month(2026, 3)
R, ALPHA, A, B = 0.8, 6.0, 0.9, 3.0


def simulated(n: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Repeats, recency and age (weeks) of customers of known parameters; purchases in 20 more."""
    rng = np.random.default_rng(seed)
    rate, leaving = rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    age = rng.uniform(20, 80, n)
    gaps = rng.exponential(1, (n, 400)) / rate[:, None]
    times = gaps.cumsum(axis=1)
    stays = rng.random((n, 400)) > leaving[:, None]
    happens = np.column_stack([np.ones(n, bool), stays[:, :-1].cumprod(axis=1).astype(bool)])
    seen = happens & (times <= age[:, None])
    later = happens & (times > age[:, None]) & (times <= age[:, None] + 20)
    return seen.sum(1), np.where(seen, times, 0).max(1), age, later.sum(1)


@pytest.fixture(scope="module")
def sample():
    return simulated(20_000)


@pytest.fixture(scope="module")
def fitted(sample):
    return fit_purchases(histories(*sample[:3]))


def test_known_parameters_are_found_again(fitted):
    assert fitted.converged
    # four standard errors of 20,000 customers: about 3 % of r and alpha, 8 % of a and b
    assert fitted.r == pytest.approx(R, rel=0.12)
    assert fitted.alpha == pytest.approx(ALPHA, rel=0.12)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(A / (A + B), rel=0.12)


def test_the_expected_purchases_come(sample, fitted):
    known = histories(*sample[:3])
    expected = fitted.expected(known, 20.0)[known.group]
    actual = sample[3]
    noise = actual.std() / np.sqrt(len(actual))
    assert expected.mean() == pytest.approx(actual.mean(), abs=4 * noise)
    order = np.argsort(expected)
    for tenth in np.array_split(order, 10):
        noise = max(actual[tenth].std(), 0.1) / np.sqrt(len(tenth))
        assert expected[tenth].mean() == pytest.approx(actual[tenth].mean(), abs=5 * noise)


def test_grouping_equal_histories_changes_nothing(sample):
    repeats, recency, age, _ = (column[:500] for column in sample)
    age = np.ceil(age)
    recency = np.minimum(np.round(recency), age)
    known = histories(repeats, recency, age)
    assert len(known.repeats) < 500
    assert known.customers.sum() == 500
    assert np.array_equal(known.recency[known.group], recency)
    twice = histories(*(np.tile(column, 2) for column in (repeats, recency, age)))
    one, two = fit_purchases(known), fit_purchases(twice)
    assert two.log_likelihood == pytest.approx(2 * one.log_likelihood, rel=1e-9)
    assert two.r == pytest.approx(one.r, rel=1e-3)  # where the search stops


def test_gradients_are_those_of_the_likelihoods(sample):
    known = histories(*(column[:300] for column in sample[:3]))
    rng = np.random.default_rng(1)
    x, mean = rng.integers(1, 9, 50).astype(float), rng.gamma(4, 10, 50)
    cases = (
        (lambda t: purchases_likelihood(t, known), np.array([-0.2, 1.5, 0.1, 1.2])),
        (lambda t: spending_likelihood(t, x, mean), np.array([1.0, 1.2, 2.5])),
    )
    for likelihood, place in cases:
        _, gradient = likelihood(place)
        for i in range(len(place)):
            step = np.zeros(len(place))
            step[i] = 1e-6
            slope = (likelihood(place + step)[0] - likelihood(place - step)[0]) / 2e-6
            assert gradient[i] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def mixed(model: BgNbd, x: int, recency: float, age: float, ahead: float) -> float:
    """Expected purchases by integrating over the chance to leave, given the customer is alive."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b

    def given_chance(p: float) -> float:
        left = (alpha + age) / (alpha + age + p * ahead)
        density = np.exp((a - 1) * np.log(p) + (b + x - 1) * np.log1p(-p) - betaln(a, b + x))
        return (1 - left ** (r + x)) / p * density

    alive = 1 / model.alive(histories(*(np.array([v]) for v in (float(x), recency, age))))[0]
    return quad(given_chance, 0, 1, limit=200)[0] / alive


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.2, 3),
    st.floats(1, 20),
    st.floats(1.05, 3),
    st.floats(1, 8),
    st.integers(0, 40),
    st.floats(0.1, 1),
    st.floats(5, 60),
    st.floats(1, 60),
)
def test_expected_purchases_agree_with_an_integral(r, alpha, a, b, x, share, age, ahead):
    model = BgNbd(r, alpha, a, b, 0.0, True)
    recency = share * age if x else 0.0
    one = histories(*(np.array([v]) for v in (float(x), recency, age)))
    wanted = mixed(model, x, recency, age, ahead)
    assert model.expected(one, ahead)[0] == pytest.approx(wanted, rel=1e-5, abs=1e-9)


def test_nothing_overflows_for_the_largest_shippers():
    model = BgNbd(1.7, 1.2, 0.26, 41.0, 0.0, True)
    x = np.array([0.0, 1.0, 5_000.0, 5_000.0, 1e6])
    known = histories(x, np.array([0, 3, 100.0, 5.0, 500.0]), np.array([9, 9, 100.0, 100.0, 500.0]))
    expected, alive = model.expected(known, 26.0), model.alive(known)
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    steady = expected[known.group[2]]
    assert steady == pytest.approx(26 * 5001.7 / 101.2, rel=0.2)  # its own pace, some leaving
    assert model.expected(known, 1e-9).max() < 1e-3


@pytest.mark.parametrize("wrong", [([1], [5], [4]), ([-1], [0], [4]), ([1], [np.nan], [4])])
def test_histories_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="recency"):
        histories(*(np.array(column, dtype=float) for column in wrong))


def test_spending_of_known_parameters_is_found_again():
    rng = np.random.default_rng(2)
    n = 20_000
    x = rng.integers(1, 12, n).astype(float)
    rate = rng.gamma(3.5, 1 / 120.0, n)
    mean = rng.gamma(2.0 * x) / (x * rate)
    model = fit_spending(x, mean)
    assert model.converged
    assert model.p == pytest.approx(2.0, rel=0.08)
    assert model.q == pytest.approx(3.5, rel=0.12)
    assert model.population_mean == pytest.approx(2.0 * 120 / 2.5, rel=0.05)
    few, many = model.expected(np.array([1.0, 1e6]), np.array([500.0, 500.0]))
    assert model.population_mean < few < many
    assert many == pytest.approx(500, rel=1e-3)


@pytest.fixture(scope="module")
def panel():
    made = customer_months(**company(customers_n=160), as_of=AS_OF)
    return ibis.memtable(made.to_pyarrow(), schema=made.schema())


def test_lifetime_values_are_read_from_the_panel_up_to_the_month(panel):
    policy = LifetimePolicy(months=12)
    found = lifetime_values(panel, policy, EARLIER)
    assert found.missing is None
    assert found.model.converged.all()
    frame = panel.execute()
    frame = frame[(frame.month <= str(EARLIER)) & frame.last_shipped_at.notna()]
    assert set(found.values.customer_id) == set(frame.customer_id)
    assert found.values.lifetime_value.notna().all()
    later = frame.assign(month="2026-04", revenue=9e9, shipping_days_n=31)
    changed = ibis.memtable(pd.concat([panel.execute(), later]), schema=panel.schema())
    again = lifetime_values(changed, policy, EARLIER)
    pd.testing.assert_frame_equal(found.values, again.values)
    shuffled = ibis.memtable(panel.execute().sample(frac=1, random_state=4), schema=panel.schema())
    same = lifetime_values(shuffled, policy, EARLIER).values
    pd.testing.assert_frame_equal(found.values, same, rtol=1e-6)  # sums in another order


def test_a_longer_horizon_and_a_lower_discount_are_worth_more(panel):
    short = lifetime_values(panel, LifetimePolicy(months=6), AS_OF).values
    long = lifetime_values(panel, LifetimePolicy(months=24), AS_OF).values
    plain = lifetime_values(panel, LifetimePolicy(months=24, discount_rate=0), AS_OF).values
    alive = short.alive > 0.5
    gains = short.margin_rate > 0
    assert (short.shipping_days_expected[alive] < long.shipping_days_expected[alive]).all()
    assert (long.lifetime_value[alive & gains] <= plain.lifetime_value[alive & gains]).all()
    wanted = plain.shipping_days_expected * plain.revenue_a_day * plain.margin_rate
    assert np.allclose(plain.lifetime_value, wanted, atol=0.006)  # rounded to a cent


def test_without_history_nothing_is_invented(panel):
    few = panel.filter(panel.customer_id < "K00020")
    found = lifetime_values(few, LifetimePolicy(), AS_OF)
    assert found.missing is not None
    assert found.values[["alive", "lifetime_value"]].isna().all(axis=None)
    checked = held_out(few, LifetimePolicy(), AS_OF)
    assert checked.errors.empty
    assert checked.calibration.empty


def never_settled(fit):
    return lambda *data: replace(fit(*data), converged=False)


def test_a_model_of_shipping_days_that_found_no_maximum_is_not_published(panel, monkeypatch):
    monkeypatch.setattr(worth, "fit_purchases", never_settled(fit_purchases))
    found = lifetime_values(panel, LifetimePolicy(), AS_OF)
    assert found.values[["alive", "lifetime_value"]].isna().all(axis=None)
    assert found.model.empty
    assert found.missing.in_(Language("zh")) != found.missing.in_(Language("en"))
    assert held_out(panel, LifetimePolicy(), AS_OF).errors.empty


def test_a_model_of_revenue_that_found_no_maximum_is_not_published(panel, monkeypatch):
    monkeypatch.setattr(worth, "fit_spending", never_settled(fit_spending))
    found = lifetime_values(panel, LifetimePolicy(), AS_OF)
    assert found.spending is None
    assert found.values[["revenue_a_day", "lifetime_value"]].isna().all(axis=None)
    assert found.values.shipping_days_expected.notna().all()


def test_the_check_hides_the_last_months(panel):
    checked = held_out(panel, LifetimePolicy(held_out_months=6), AS_OF)
    assert checked.errors.from_month.eq("2026-05").all()
    frame = panel.execute()
    hidden = frame[frame.month >= "2026-05"].groupby("customer_id").shipping_days_n.sum()
    early = frame[(frame.month <= "2026-04") & frame.last_shipped_at.notna()].customer_id.unique()
    actual = hidden.reindex(early).to_numpy(float)
    tenths = checked.calibration
    assert tenths.customers.sum() == len(early)
    mean = (tenths.actual * tenths.customers).sum() / len(early)
    assert mean == pytest.approx(actual.mean())
    bias = checked.errors.set_index("forecast").bias["model"]
    forecast = (tenths.forecast * tenths.customers).sum() / len(early)
    assert bias == pytest.approx(forecast - mean)


def test_the_chart_says_how_far_the_forecast_was_off(panel):
    checked = held_out(panel, LifetimePolicy(held_out_months=6), AS_OF)
    tenths = checked.calibration
    assert (tenths.low <= tenths.actual).all()
    assert (tenths.actual <= tenths.high).all()
    profile = load_profile(Path(__file__).parents[1] / "params" / "demo.yaml")
    chart = lifetime_chart(checked, profile)
    off = checked.errors.set_index("forecast").total_error["model"]
    assert f"{abs(off):.1%}" in chart.finding
    assert ("偏高" in chart.finding) == (off >= 0)
    assert chart.finding in chart.alternative
    english = lifetime_chart(checked, profile.model_copy(update={"languages": ("en",)}))
    assert ("too high" in english.finding) == (off >= 0)
    few = held_out(panel.filter(panel.customer_id < "K00020"), LifetimePolicy(), AS_OF)
    assert lifetime_chart(few, profile) is None


def test_nobody_is_worth_less_than_nothing_where_spending_has_no_mean(panel):
    """Customers so different that the model's mean over them does not exist (q at most 1)."""
    frame = panel.execute()
    ids = np.sort(frame.customer_id.unique())
    size = dict(zip(ids, np.exp(np.random.default_rng(3).normal(0, 4, len(ids))), strict=True))
    amounts = ["revenue", "shipment_cost", "margin"]
    frame[amounts] = frame[amounts].mul(frame.customer_id.map(size), axis=0)
    found = lifetime_values(ibis.memtable(frame, schema=panel.schema()), LifetimePolicy(), AS_OF)
    assert found.spending is not None
    assert np.isnan(found.spending.population_mean)
    worth = found.values[found.values.margin_rate > 0]
    assert (worth.revenue_a_day > 0).all()
    assert (worth.lifetime_value >= 0).all()
