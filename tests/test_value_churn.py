"""Churn risk: the clock, the cases, the areas, nothing later, nothing invented."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from analysis.calendar import NO_CALENDAR, load_calendar
from analysis.figures import churn_chart
from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_months, off_seasons, with_silence
from analysis.params import ChurnRiskPolicy, load_profile
from analysis.value.churn import REASON_WORDS, churn_in_words, churn_risk
from analysis.value.churn.accuracy import (
    area_with_interval,
    calibration,
    gain_with_interval,
    lift,
)
from analysis.value.churn.models import fit_logit
from analysis.value.churn.states import FEATURES, states
from canonical import company

AS_OF = Month(2026, 10)
SMALL = ChurnRiskPolicy(training_rows=2_000)
COUNTS = {"customer_id": "string", "month_index": "int32", "shipments_n": "int64"}


@pytest.fixture(scope="module")
def panel():
    made = customer_months(**company(customers_n=700, seed=3), as_of=AS_OF)
    return ibis.memtable(made.to_pyarrow(), schema=made.schema())


@pytest.fixture(scope="module")
def found(panel):
    return churn_risk(panel, SMALL, AS_OF)


def seasons_of(months: dict[str, list[int]], reference: int = 24) -> dict[str, list[int]]:
    """Off-season by customer, from the shipments of months 0, 1, … up to the reference."""
    rows = [(c, m, n) for c, counts in months.items() for m, n in enumerate(counts) if n]
    frame = pd.DataFrame(rows, columns=list(COUNTS)).assign(reference=reference)
    counts = ibis.memtable(frame, schema=COUNTS | {"reference": "int32"})
    told = off_seasons(counts).execute()
    return told.groupby("customer_id").calendar_month.agg(sorted).to_dict()


def test_an_off_season_is_a_quiet_spell_that_ended():
    steady = [10] * 24
    summer = [10] * 5 + [0, 1, 0] + [10] * 4
    left = [10] * 18 + [0] * 6
    one_month = [10] * 6 + [0] + [10] * 17
    rare = [1, 0, 0, 1, 0, 0] * 4
    begun = [0] * 6 + [10] * 18
    told = seasons_of(
        {
            "steady": steady,
            "summer": summer * 2,
            "once": summer + steady[:12],
            "left": left,
            "one": one_month,
            "rare": rare,
            "begun": begun,
        }
    )
    assert told == {"summer": [5, 6, 7], "once": [5, 6, 7]}


def test_an_off_season_that_is_under_way_is_known_from_last_year():
    now = [10] * 5 + [0, 0, 0] + [10] * 9 + [0, 0]
    assert seasons_of({"A": now}, reference=19) == {"A": [5, 6, 7]}


def test_the_clock_stands_still_on_closed_days_and_in_the_off_season():
    rows = [("A", "2026-02-10", "2026-02-28"), ("A", "2026-05-31", "2026-09-02")]
    rows += [("B", "2026-05-31", "2026-09-02"), ("B", None, "2026-09-02")]
    frame = pd.DataFrame(rows, columns=["customer_id", "since", "until"])
    for end in ("since", "until"):
        frame[end] = [None if pd.isna(v) else dt.date.fromisoformat(v) for v in frame[end]]
    table = ibis.memtable(frame, schema={"customer_id": "string", "since": "date", "until": "date"})
    seasons = ibis.memtable(
        pd.DataFrame({"customer_id": ["A", "A"], "calendar_month": [5, 6]}),
        schema={"customer_id": "string", "calendar_month": "int32"},
    )
    path = Path(__file__).parents[1] / "params" / "calendars" / "cn.yaml"
    told = with_silence(table, seasons, load_calendar(path), AS_OF).execute()
    told = told.sort_values(["customer_id", "since"]).silent_days.tolist()
    # 18 days less 8 closed; 94 days less June and July; all 94; unknown
    assert told[:3] == [10, 33, 94]
    assert np.isnan(told[3])
    plain = with_silence(table, seasons.limit(0), NO_CALENDAR, AS_OF).execute()
    assert plain.silent_days.dropna().sum() == 18 + 94 + 94


def test_cases_are_customers_that_are_not_lost_and_their_outcome_is_known_later(panel):
    ends = [AS_OF.shifted(-6), AS_OF]
    told = states(panel, NO_CALENDAR, ends, 3, AS_OF)
    assert (told.silent_days <= told.window_days).all()
    assert told[told.month == str(AS_OF)].is_lost.isna().all()
    assert told[told.month == str(ends[0])].is_lost.notna().all()
    assert told[list(FEATURES)].notna().all(axis=None)
    frame = panel.execute()
    last = frame[frame.month == str(ends[0].shifted(3))].set_index("customer_id").last_shipped_at
    case = told[told.month == str(ends[0])].set_index("customer_id")
    silent = (pd.Timestamp(ends[0].shifted(3).last_day) - last.dt.normalize()).dt.days
    sure = silent.loc[case.index] <= case.window_days  # the clock only ever stops
    assert not case.is_lost[sure].any()
    assert case.is_lost.any()


def test_a_forecast_reads_nothing_later(panel):
    as_of = Month(2026, 8)
    then = churn_risk(panel.filter(panel.month <= str(as_of)), SMALL, as_of)
    frame = panel.execute()
    later = frame.month > str(as_of)
    changed = frame.assign(
        shipments_n=frame.shipments_n.where(~later, 0),
        last_shipped_at=frame.last_shipped_at.where(~later, pd.Timestamp("2024-05-01")),
    )
    again = churn_risk(ibis.memtable(changed, schema=panel.schema()), SMALL, as_of)
    assert then.missing is None
    for name in ("risks", "coefficients", "backtest", "calibration"):
        pd.testing.assert_frame_equal(getattr(then, name), getattr(again, name))


def test_the_same_input_in_another_order_gives_the_same_forecast(panel, found):
    shuffled = panel.execute().sample(frac=1, random_state=2)
    again = churn_risk(ibis.memtable(shuffled, schema=panel.schema()), SMALL, AS_OF)
    pd.testing.assert_frame_equal(found.risks, again.risks)
    pd.testing.assert_frame_equal(found.backtest, again.backtest)


def test_the_backtest_has_six_origins_and_both_models_beat_chance(found):
    assert found.missing is None
    assert len(set(found.backtest.origin) - {"all"}) == 6
    whole = found.backtest[found.backtest.origin == "all"].set_index("model")
    # one in ten of these customers stops for good after shipping steadily: silence tells it
    assert (whole.low[["boosted", "logit"]] > 0.5).all()
    assert found.risks.risk.between(0, 1).all()
    tenths = found.calibration.groupby("model").cases.sum()
    assert (tenths == whole.cases.iloc[0]).all()


def test_the_clock_is_told_of_every_customer_that_shipped(panel, found):
    frame = panel.execute()
    now = frame[(frame.month == str(AS_OF)) & frame.last_shipped_at.notna()]
    assert found.clock.customer_id.tolist() == sorted(now.customer_id)
    alive = found.clock[found.clock.silent_days <= found.clock.window_days]
    assert set(alive.customer_id) == set(found.risks.customer_id)
    assert found.clock.window_days.between(30, 180).all()
    short = churn_risk(panel.filter(panel.month >= "2026-01"), SMALL, AS_OF)
    assert len(short.clock) > 0
    assert short.risks.empty


def test_the_chart_holds_the_highest_risk_against_what_was_lost(found):
    profile = load_profile(Path(__file__).parents[1] / "params" / "demo.yaml")
    highest = found.calibration[found.calibration.model == "boosted"].iloc[-1]
    chart = churn_chart(found, profile)
    assert f"{highest.actual:.1%}" in chart.finding
    assert f"{highest.forecast:.1%}" in chart.finding
    assert chart.finding in chart.alternative
    assert churn_chart(replace(found, calibration=found.calibration.head(0)), profile) is None


def test_reasons_are_told_in_both_languages(found):
    told = churn_in_words(found.risks.head(20))
    first = REASON_WORDS[found.risks.reason_1.iloc[0]]
    assert told.en.iloc[0].startswith(first)
    assert told.zh.iloc[0].startswith(Language("zh").text(first))
    assert Language("zh").text(first) != first


def test_what_is_missing_is_said(panel):
    short = churn_risk(panel.filter(panel.month >= "2026-01"), SMALL, AS_OF)
    assert "needs data from" in short.missing.in_(Language("en"))
    frame = panel.execute()
    frame["last_shipped_at"] = pd.PeriodIndex(frame.month, freq="M").to_timestamp(how="end")
    frame["first_shipped_at"] = pd.Timestamp("2024-05-01")
    frame["shipping_days_n"] = 5
    staying = churn_risk(ibis.memtable(frame, schema=panel.schema()), SMALL, AS_OF)
    assert "were lost" in staying.missing.in_(Language("en"))
    for told in (short, staying):
        assert told.risks.empty
        assert told.backtest.empty


def test_a_panel_without_rows_says_so(panel):
    nothing = churn_risk(panel.filter(panel.month < "2000-01"), SMALL, AS_OF)
    assert nothing.risks.empty
    assert "No shipment is known" in nothing.missing.in_(Language("en"))
    assert "发货" in nothing.missing.in_(Language("zh"))


def test_areas_are_those_of_the_rank_test_and_their_intervals_cover():
    rng = np.random.default_rng(5)
    hits, gains = 0, 0
    truth = 0.760249938906  # P(N(1, 1) > N(0, 1))
    for _ in range(300):
        lost = rng.random(200) < 0.3
        score = rng.normal(size=200) + lost
        area, low, high = area_with_interval(score, lost, np.arange(200))
        hits += low <= truth <= high
        gain = gain_with_interval(score, rng.permutation(score), lost, np.arange(200))
        gains += gain[1] > 0
    u = mannwhitneyu(score[lost], score[~lost]).statistic / (lost.sum() * (~lost).sum())
    assert area == pytest.approx(u)
    assert hits >= 272  # 99.9 % binomial limit of 95 % of 300
    assert gains > 250


def test_cases_of_one_customer_are_taken_together():
    rng = np.random.default_rng(6)
    lost, customer = rng.random(150) < 0.4, np.arange(150)
    score = rng.normal(size=150) + lost
    single = area_with_interval(score, lost, customer)
    copied = area_with_interval(np.tile(score, 4), np.tile(lost, 4), np.tile(customer, 4))
    assert copied == pytest.approx(single)


def test_lift_and_calibration_of_a_known_order():
    score = np.arange(100) / 100
    lost = score >= 0.9
    assert lift(score, lost) == pytest.approx(10)
    assert lift(np.zeros(100), lost) == pytest.approx(1)
    told = calibration(score, lost)
    assert told.actual.tolist() == [0.0] * 9 + [1.0]
    assert (told.low <= told.actual + 1e-12).all()
    assert (told.actual <= told.high + 1e-12).all()


def test_the_logit_agrees_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(7)
    cases = pd.DataFrame(rng.normal(size=(3000, len(FEATURES))), columns=list(FEATURES))
    odds = cases["silence"] - 0.5 * cases["trend"] - 1
    cases["is_lost"] = rng.random(3000) < 1 / (1 + np.exp(-odds))
    cases["customer_id"] = np.arange(3000).astype(str)
    mine = fit_logit(cases)
    scaled = (cases[list(FEATURES)] - mine.means) / mine.spreads
    theirs = sm.Logit(cases.is_lost.astype(float), sm.add_constant(scaled)).fit(disp=0)
    # the ridge of a thousandth moves a coefficient by less than one per cent
    assert np.allclose(mine.coefficients, theirs.params.iloc[1:], atol=0.012)
    assert np.allclose(mine.std_errors, theirs.bse.iloc[1:], rtol=0.1)
