"""The headline figures, against plain pandas on the same tables."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.calendar import Calendar, ClosedDays
from analysis.engine import open_engine
from analysis.language import Language
from analysis.months import Month
from analysis.report.headline import HEADLINE, duration, headline_figures, written
from analysis.report.headline_changes import change
from analysis.report.inputs import gather, open_days
from analysis.report.monthly_figures import monthly_figures, nps_interval
from analysis.report.overview import overview
from analysis.report.satisfaction import SCORES, from_enough_answers, satisfaction, score_chart
from analysis.report.tier_moves import tier_moves
from report_month import AS_OF, customer_months, months, surveys, write_month

EXACT = 1e-9
"""Sums of the same numbers in another order."""


@pytest.fixture(scope="module")
def engine():
    return open_engine(cores=1)


@pytest.fixture(scope="module")
def panel():
    return customer_months()


@pytest.fixture(scope="module")
def figures(engine, panel):
    return monthly_figures(engine.table(panel), engine.table(surveys()))


def test_sums_and_rates_are_those_of_the_panel(figures, panel):
    by_month = panel.groupby("month")
    plain = pd.DataFrame(
        {
            "active_customers": by_month["is_active"].sum(),
            "revenue": by_month["revenue"].sum(),
            "margin": by_month["margin"].sum(),
            "cost_to_serve": by_month["cost_to_serve"].sum(),
            "on_time_rate": by_month["on_time_n"].sum() / by_month["promised_n"].sum(),
            "complaints": by_month["tickets_n"].sum() / by_month["shipments_n"].sum(),
            "response_minutes": by_month["response_minutes_median"].median(),
        }
    )
    np.testing.assert_allclose(figures[plain.columns], plain, rtol=EXACT)


def test_retention_follows_the_customers_of_a_quarter(figures, panel):
    shipped = panel[panel["shipments_n"] > 0].groupby("month")["customer_id"].agg(set)
    known = months()
    before = set().union(*(shipped[m] for m in known[-6:-3]))
    again = set().union(*(shipped[m] for m in known[-3:]))
    expected = len(before & again) / len(before)
    assert figures.at[AS_OF, "retention"] == pytest.approx(expected, abs=EXACT)


def test_retention_is_not_told_before_two_whole_quarters(figures):
    known = months()
    assert figures["retention"].isna().tolist() == [m < known[5] for m in known]


def test_a_later_month_changes_no_earlier_figure(engine, panel, figures):
    earlier = months()[:-1]
    cut = surveys()
    cut = cut[cut["sent_at"] < Month.parse(AS_OF).start]
    late = cut["answered_at"] >= pd.Timestamp(Month.parse(AS_OF).start)
    cut.loc[late, ["answered_at", "nps_score", "csat_score"]] = None
    then = monthly_figures(engine.table(panel[panel["month"].isin(earlier)]), engine.table(cut))
    pd.testing.assert_frame_equal(then, figures.loc[earlier])


def test_nps_counts_the_answers_of_the_month(figures):
    answers = surveys().dropna(subset=["answered_at", "nps_score"])
    mine = answers[answers["answered_at"].dt.strftime("%Y-%m") == AS_OF]["nps_score"]
    expected = 100 * ((mine >= 9).mean() - (mine <= 6).mean())
    assert figures.at[AS_OF, "nps"] == pytest.approx(expected, abs=EXACT)
    assert figures.at[AS_OF, "answers_n"] == len(mine)


def test_the_response_rate_is_of_the_invitations_of_the_month_before(figures):
    sent = surveys()
    before = str(Month.parse(AS_OF).shifted(-1))
    mine = sent[sent["sent_at"].dt.strftime("%Y-%m") == before]
    answered = mine["answered_at"] < pd.Timestamp(Month.parse(AS_OF).end)
    assert figures.at[AS_OF, "response_rate"] == pytest.approx(answered.mean(), abs=EXACT)


def test_the_bounds_hold_whatever_the_silent_would_have_said(figures):
    now = figures.loc[AS_OF]
    silent = 1 - now["response_rate"]
    assert now["nps_best"] - now["nps_worst"] == pytest.approx(200 * silent, abs=EXACT)
    assert -100 <= now["nps_worst"] <= now["nps_best"] <= 100


def test_nps_meets_the_published_interval():
    # Rocks (2016), American Statistician: 162 promoters, 108 passives, 54 detractors
    assert nps_interval(162, 108, 54) == pytest.approx((33.33, 24.9453, 41.1098), abs=0.01)


@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 0, 0), (0, 0, 1)])
def test_nps_of_hardly_any_answer_stays_on_its_scale(counts):
    nps, low, high = nps_interval(*counts)
    assert math.isnan(nps) or -100 <= low <= high <= 100


def test_without_surveys_there_is_no_nps(engine, panel):
    found = monthly_figures(engine.table(panel), None)
    assert found["nps"].isna().all()
    assert found["revenue"].notna().all()


def test_a_source_that_records_nothing_is_missing_and_not_zero(engine, panel):
    nothing = panel.assign(tickets_n=pd.array([None] * len(panel), "Int64"))
    found = monthly_figures(engine.table(nothing), None)
    assert found["complaints"].isna().all()


def figure(key, value, before, year_ago=math.nan):
    now = Month.parse(AS_OF)
    index = [str(now.shifted(-12)), str(now.shifted(-1)), str(now)]
    frame = pd.DataFrame({key: [year_ago, before, value]}, index=index)
    return next(f for f in headline_figures(frame, now) if f.spec.key == key)


@pytest.mark.parametrize(
    ("key", "now", "before", "words", "tone"),
    [
        ("revenue", 110.0, 100.0, "up 10.0%", "better"),
        ("revenue", 90.0, 100.0, "down 10.0%", "worse"),
        ("complaints", 0.03, 0.04, "down 25.0%", "better"),
        ("response_minutes", 90.0, 60.0, "up 50.0%", "worse"),
        ("on_time_rate", 0.93, 0.95, "down 2.0 pp", "worse"),
        ("nps", 12.4, -3.0, "up 15.4 points", "better"),
        ("cost_to_serve", 120.0, 100.0, "up 20.0%", "plain"),
        ("on_time_rate", 0.9301, 0.9299, "unchanged", "plain"),
    ],
)
def test_a_change_is_told_in_words_and_judged_by_its_direction(key, now, before, words, tone):
    told = change(figure(key, now, before), before, "on last month", Language("en"))
    assert (told.words, told.tone) == (words, tone)
    assert bool(told.verdict) == (tone != "plain")


def test_a_change_that_chance_explains_is_not_judged():
    told = change(figure("nps", 12.4, 9.0), 9.0, "on last month", Language("en"), noise=5.0)
    assert (told.words, told.tone, told.verdict) == ("up 3.4 points", "plain", "within chance")


def test_the_noise_of_a_change_comes_from_both_months(figures):
    nps = next(f for f in headline_figures(figures, Month.parse(AS_OF)) if f.spec.key == "nps")
    before = figures.loc[str(Month.parse(AS_OF).shifted(-1))]
    assert nps.noise[1] == pytest.approx((before["nps_high"] - before["nps_low"]) / 2)
    assert all(math.isnan(n) for n in figure("revenue", 2.0, 1.0).noise)


@pytest.mark.parametrize(
    ("key", "part", "whole"),
    [("on_time_rate", "on_time_n", "promised_n"), ("complaints", "tickets_n", "shipments_n")],
)
def test_customers_vary_as_wholes_in_the_noise_of_a_rate(figures, panel, key, part, whole):
    mine = panel[panel["month"] == AS_OF].astype({part: float, whole: float})
    rate = mine[part].sum() / mine[whole].sum()
    left = mine[part] - rate * mine[whole]
    n = int((mine[whole] > 0).sum())
    expected = 1.959964 * math.sqrt(n / (n - 1) * (left**2).sum()) / mine[whole].sum()
    assert figures.at[AS_OF, f"{key}_noise"] == pytest.approx(expected, rel=1e-6)


def test_the_noise_of_retention_is_that_of_a_share_of_customers(figures, panel):
    then = str(Month.parse(AS_OF).shifted(-3))
    window = [str(Month.parse(then).shifted(-back)) for back in range(3)]
    shipped = panel[panel["month"].isin(window) & (panel["shipments_n"] > 0)]
    n, rate = shipped["customer_id"].nunique(), figures.at[AS_OF, "retention"]
    expected = 1.959964 * math.sqrt(rate * (1 - rate) / (n - 1))
    assert figures.at[AS_OF, "retention_noise"] == pytest.approx(expected, rel=1e-6)


def test_the_noise_of_a_typical_wait_falls_with_the_customers_that_waited(figures, panel):
    waits = panel[panel["month"] == AS_OF]["response_minutes_median"].dropna()
    spread = waits.quantile(0.75) - waits.quantile(0.25)
    expected = 1.959964 * 1.25 / 1.35 * spread / math.sqrt(len(waits))
    assert figures.at[AS_OF, "response_minutes_noise"] == pytest.approx(expected, rel=1e-6)


def test_satisfaction_has_the_mean_of_the_answers_and_an_interval_on_its_scale(figures):
    answers = surveys().dropna(subset=["answered_at", "csat_score"])
    mine = answers[answers["answered_at"].dt.strftime("%Y-%m") == AS_OF]["csat_score"]
    now = figures.loc[AS_OF]
    assert now["csat"] == pytest.approx(mine.mean(), abs=EXACT)
    half = 1.959964 * mine.std() / math.sqrt(len(mine))
    assert now["csat_high"] - now["csat"] == pytest.approx(half, abs=EXACT)
    assert figures["csat_low"].min() >= 1
    assert figures["csat_high"].max() <= 5


def test_without_nps_answers_there_are_no_bounds(engine, panel):
    only_csat = surveys().assign(nps_score=pd.array([None] * len(surveys()), "Int64"))
    found = monthly_figures(engine.table(panel), engine.table(only_csat)).loc[AS_OF]
    assert math.isnan(found["nps"])
    assert math.isnan(found["nps_worst"])
    assert found["csat"] > 1


def test_a_change_from_nothing_is_not_told():
    assert change(figure("nps", 10.0, math.nan), math.nan, "", Language("en")) is None


def test_the_same_month_last_year_is_twelve_months_back():
    assert figure("revenue", 3.0, 2.0, 1.0).year_ago == 1.0


@pytest.mark.parametrize(
    ("minutes", "zh", "en"),
    [(42.0, "42 分钟", "42 min"), (179.4, "179 分钟", "179 min"), (240.0, "4.0 小时", "4.0 h")],
)
def test_long_waits_are_told_in_hours(minutes, zh, en):
    assert duration(minutes, Language("zh")) == zh
    assert duration(minutes, Language("en")) == en


@pytest.mark.parametrize("form", sorted({spec.form for spec in HEADLINE}))
def test_a_missing_figure_is_a_dash(form):
    assert written(math.nan, form, Language("zh"), "CNY") == "–"


def test_a_festival_month_stands_against_the_one_that_held_it_last_year(tmp_path):
    """Spring Festival: 29 January 2025, 17 February 2026."""
    workspace = write_month(tmp_path)
    inputs = replace(gather(workspace), month=Month.parse("2026-02"), year_ago=Month(2025, 1))
    html = overview(inputs, Language("zh")).html
    assert "2025年1月" in html
    assert "较2025年1月" in html
    assert "较去年同期" not in html
    assert "春节所在月份变了，去年同期取2025年1月，而不取2025年2月" in html
    found = headline_figures(inputs.figures, inputs.month, inputs.last_year)
    revenue = next(f for f in found if f.spec.key == "revenue")
    assert revenue.year_ago == inputs.figures["revenue"].loc["2025-01"]
    plain = replace(inputs, year_ago=None)
    assert "春节" not in overview(plain, Language("zh")).html


def test_open_days_are_told_beside_the_months_compared(tmp_path):
    """Shut from the eve to the sixth day of the festival: 28 January to 4 February 2025."""
    calendar = Calendar(
        closed=ClosedDays(spring_festival=(-1, 6)),
        spring_festival=(dt.date(2025, 1, 29), dt.date(2026, 2, 17)),
    )
    months = (Month(2026, 2), Month(2026, 1), Month(2025, 1))
    assert open_days(calendar, months) == (20, 31, 27)
    assert open_days(calendar, (Month(2026, 4), Month(2026, 3), Month(2025, 4))) == ()
    inputs = replace(
        gather(write_month(tmp_path)), month=months[0], year_ago=months[2], open_days=(20, 31, 27)
    )
    told = overview(inputs, Language("en")).html
    assert "Open days: 20 in February 2026, 31 in January 2026, 27 in January 2025." in told


def test_a_month_in_which_no_revenue_is_known_has_none(engine, panel):
    """Customers that shipped nothing have a revenue of zero, which is not the month's."""
    hidden = panel.copy()
    shipped = (hidden["month"] == AS_OF) & (hidden["shipments_n"] > 0)
    hidden.loc[shipped, "revenue"] = np.nan
    now = monthly_figures(engine.table(hidden), None).loc[AS_OF]
    assert math.isnan(now["revenue"])
    assert now["revenue_known"] == 0


def test_a_sum_of_some_customers_says_so(tmp_path):
    inputs = gather(write_month(tmp_path))
    partial = inputs.figures.assign(revenue_known=0.61)
    told = overview(replace(inputs, figures=partial), Language("en")).html
    assert "known of 61% of customers" in told
    assert "known of" not in overview(inputs, Language("en")).html


def test_a_few_customers_that_are_all_on_time_prove_little(engine, panel):
    few = panel[panel["customer_id"].isin(panel["customer_id"].unique()[:4])].copy()
    few["on_time_n"] = few["promised_n"]
    now = monthly_figures(engine.table(few), None).loc[AS_OF]
    n = int((few[few["month"] == AS_OF]["promised_n"] > 0).sum())
    assert now["on_time_rate"] == 1
    assert now["on_time_rate_noise"] == pytest.approx(1.96**2 / (n + 1.96**2), rel=1e-4)


def test_months_with_a_handful_of_answers_do_not_begin_the_line():
    shown = pd.DataFrame({"answers_n": [4, 12, 31, 9, 60]}, index=list("abcde"))
    assert list(from_enough_answers(shown).index) == ["c", "d", "e"]
    assert list(from_enough_answers(shown.head(2)).index) == ["a", "b"]


def test_a_wide_interval_of_few_answers_does_not_set_the_axis(tmp_path):
    inputs = gather(write_month(tmp_path))
    figures = inputs.figures.copy()
    few = figures.index[-4]
    figures.loc[few, ["answers_n", "nps_low", "nps_high"]] = [6, -90.0, 90.0]
    figures.loc[figures.index[:6], "answers_n"] = 3
    chart = score_chart(SCORES[0], replace(inputs, figures=figures), Language("en"))
    first = Language("en").month(str(figures.index[6]))
    told = " ".join(chart.notes)
    assert f"Months before {first} have fewer than 30 answers" in told
    assert "Where the band runs out of the chart" in told
    plain = score_chart(SCORES[0], inputs, Language("en"))
    assert "30 answers" not in " ".join(plain.notes)


@pytest.fixture
def first_month(tmp_path):
    """The first month of the data, as it was when nothing later was known."""
    inputs = gather(write_month(tmp_path))
    first = str(inputs.figures.index[0])
    return replace(
        inputs,
        month=Month.parse(first),
        year_ago=None,
        figures=inputs.figures.loc[:first].assign(response_rate=math.nan),
        tier_counts=inputs.tier_counts.assign(previous_tier=None),
    )


def test_the_first_month_is_compared_with_nothing_and_says_so(first_month):
    told = overview(first_month, Language("en")).html
    assert "The data begin in this month" in told
    assert "Compared with" not in told
    assert "Customer retention (needs 6 months of data)" in told


def test_a_second_month_names_no_year_before_the_data(first_month):
    known = first_month.figures.index[0]
    second = Month.parse(str(known)).shifted(1)
    longer = first_month.figures.reindex([known, str(second)]).ffill()
    told = overview(replace(first_month, month=second, figures=longer), Language("en")).html
    assert f"Compared with {Language('en').month(known)}; the data do not reach back a year" in told


def test_scores_of_a_first_month_are_told_and_not_drawn(first_month):
    told = satisfaction(first_month, Language("en")).html
    assert "<figure" not in told
    assert "NPS stands at" in told
    assert "– to –" not in told
    assert "– were answered" not in told


def test_the_first_tiers_are_no_moves(first_month):
    told = tier_moves(first_month, Language("en")).html
    assert "for the first time this month" in told
    assert "Change on last month" not in told
