"""What a plan can see on the company's own history, held against closed forms and simulation."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from analysis.cli import exit_code_of
from analysis.errors import CoverageError
from analysis.experiment.design import History, Rehearsed, design
from analysis.experiment.design.history import history_of
from analysis.experiment.design.looked import effects_so_far
from analysis.experiment.design.precision import precision_of
from analysis.experiment.design.rehearsal import rehearse
from analysis.experiment.design.table import power_rows
from analysis.language import Language
from analysis.months import Month
from analysis.params.experiment import ExperimentSpec
from analysis.report.design_curves import power_curves
from analysis.report.design_page import design_page
from analysis.report.design_words import DesignWords
from analysis.report.evaluation import Provenance
from canonical import company
from small_profile import MINIMAL

AS_OF = Month(2026, 10)
DAYS = 90
FREQUENCY = {"name": "frequency", "measure": "frequency", "role": "primary",
             "window": [0, DAYS], "minimum_effect": 2}  # fmt: skip
PLAN = {
    "id": "trial",
    "title": {"zh": "试验", "en": "<b>Trial</b>"},
    "control": "uniform",
    "allocation": {"tiered": 0.5, "uniform": 0.5},
    "looks": "calendar",
    "looks_planned": 2,
    "metrics": [
        FREQUENCY,
        {"name": "retention", "measure": "retention", "role": "primary", "window": [0, None],
         "minimum_effect": 0.2},
        {"name": "complaints", "measure": "complaints", "role": "guardrail",
         "window": [0, DAYS], "margin": 0.1},
    ],
}  # fmt: skip


def plan(**changes: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate(PLAN | changes)


@pytest.fixture(scope="module")
def tables():
    return company(customers_n=120, seed=5)


@pytest.fixture(scope="module")
def found(tables):
    return design(plan(), tables, as_of=AS_OF, draws=0, customers=[60, 120])


def shipped_by_hand(tables) -> pd.Series:
    """Shipments in the 90 days from 1 August of customers that shipped in the 90 days before."""
    shipments = tables["shipments"].execute()
    at, day = shipments["shipped_at"], pd.Timestamp("2026-08-01")
    before = at.ge(day - pd.Timedelta(days=DAYS)) & at.lt(day)
    inside = at.ge(day) & at.lt(day + pd.Timedelta(days=DAYS))
    active = shipments.loc[before, "customer_id"].unique()
    counts = shipments[inside].groupby("customer_id").size()
    return counts.reindex(active, fill_value=0).astype(float)


def test_history_is_the_latest_whose_windows_are_over(found, tables):
    assert found.history.began == dt.date(2026, 8, 1)
    assert len(found.history.units) == len(shipped_by_hand(tables))
    assert not found.history.missing


def test_the_smallest_effect_is_that_of_the_closed_form(found, tables):
    values = shipped_by_hand(tables)
    for n in (60, 120):
        (row,) = [r for r in found.rows if r.metric.name == "frequency" and r.customers == n]
        by_hand = TTestIndPower().solve_power(nobs1=n / 2, alpha=0.05, power=0.8, ratio=1.0)
        assert row.smallest == pytest.approx(by_hand * values.std(), rel=1e-4)
        assert row.precision.level == pytest.approx(values.mean())
        power = TTestIndPower().power(2 / values.std(), n / 2, 0.05)
        assert row.power == pytest.approx(power, abs=1e-6)
        assert row.looks == "once"  # its window ends: one reading


def test_the_number_needed_has_the_power_that_was_asked_for(found, tables):
    row = next(r for r in found.rows if r.metric.name == "frequency")
    sd = shipped_by_hand(tables).std()
    enough = TTestIndPower().power(2 / sd, row.needed / 2, 0.05)
    fewer = TTestIndPower().power(2 / sd, (row.needed - 1) / 2, 0.05)
    assert fewer < 0.8 <= enough


def test_looks_and_reading_at_any_time_cost_precision(found):
    row = next(r for r in found.own_rows if r.metric.name == "retention")
    assert (row.looks, row.looks_planned.looks) == ("calendar", 2)
    assert row.smallest_once < row.smallest < row.smallest_always
    # never more than the Bonferroni price of two looks
    bound = (stats.norm.isf(0.05 / 4) + stats.norm.ppf(0.8)) * row.std_error
    assert row.smallest < bound * 1.02


def test_the_curve_passes_through_what_the_table_says_and_falls_with_the_root(found):
    """Four times the customers see half the effect; fewer never see less."""
    for row in found.own_rows:
        points = {p.customers: p.smallest for p in found.curve if p.metric == row.metric}
        assert points[row.customers] == pytest.approx(row.smallest, rel=1e-9)
        ordered = [points[n] for n in sorted(points)]
        assert ordered == sorted(ordered, reverse=True)
        assert points[4 * row.customers] == pytest.approx(row.smallest / 2, rel=0.02)
        assert min(points) == row.customers / 5


CURVE = {
    "en": ("Retention: 120 customers show effects from", "Followed for 3 months", "120 customers"),
    "zh": ("120 家客户能看清", "观察 3 个月", "120 家客户时"),
}


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_curve_says_its_numbers_to_those_who_do_not_see_it(found, code):
    words = DesignWords(found, Language(code), "CNY")
    charts = power_curves(words)
    assert [one.role for one in charts] == ["primary", "primary", "guardrail"]
    retention = charts[1].chart
    row = next(r for r in found.own_rows if r.metric.name == "retention")
    told = words.text_of(row.metric).size(row.smallest)
    assert told in retention.finding
    for part in (*CURVE[code], told):
        assert part in retention.alternative
    assert len(charts[0].chart.image) < 30_000


@pytest.mark.parametrize(("power", "says"), [(0.79, "too few to"), (0.8, "enough to")])
def test_a_guardrail_is_called_safe_to_judge_by_its_chance_not_by_the_effect_seen(
    found, power, says
):
    """A margin that is a share has an error of its own: less is seen of it than of an effect."""
    rows = tuple(
        dataclasses.replace(r, power=power, smallest=0.09) if r.metric.role == "guardrail" else r
        for r in found.rows
    )
    words = DesignWords(dataclasses.replace(found, rows=rows), Language("en"), "CNY")
    guard = power_curves(words)[2].chart
    assert f"120 customers are {says} rule out harm beyond" in guard.finding


def test_a_guardrail_is_planned_for_its_margin(found):
    row = next(r for r in found.own_rows if r.metric.name == "complaints")
    assert row.wanted == 0.1


def test_nothing_after_the_month_is_read(found, tables):
    changed = dict(tables)
    later = tables["shipments"].filter(tables["shipments"].shipped_at >= AS_OF.start)
    shipments = tables["shipments"].execute()
    moved = later.execute().assign(
        shipment_id=lambda f: f["shipment_id"] + "x",
        shipped_at=lambda f: f["shipped_at"] + pd.DateOffset(days=60),
        delivered_at=None,
        promised_at=None,
    )
    moved["shipped_at"] = moved["shipped_at"].astype(shipments["shipped_at"].dtype)
    both = pd.concat([shipments, moved[moved["shipped_at"] >= pd.Timestamp(AS_OF.end)]])
    changed["shipments"] = ibis.memtable(both, schema=tables["shipments"].schema())
    assert len(both) > len(shipments)
    other = history_of(plan(), changed, as_of=AS_OF)
    pd.testing.assert_frame_equal(found.history.units, other.units)


def test_what_cannot_be_measured_is_named(found, tables):
    without = history_of(plan(), tables | {"tickets": None}, as_of=AS_OF)
    assert dict(without.missing) == {"complaints": "tickets"}
    told = DesignWords(dataclasses.replace(found, history=without), Language("en"), "CNY")
    assert "no source of" in " ".join(told.missing())
    with pytest.raises(CoverageError, match="History holds no window"):
        history_of(plan(), tables, as_of=Month(2024, 9))
    columns = {"name": "own", "kind": "mean", "column": "x", "role": "primary"}
    with pytest.raises(CoverageError, match="no history in the company's tables"):
        design(plan(metrics=[columns]), tables, as_of=AS_OF, draws=0)


def test_a_metric_on_which_all_customers_agree_is_left_out_by_name(found):
    units = found.history.units.assign(retention=1.0)
    same = dataclasses.replace(found.history, units=units)
    precisions = precision_of(same)
    assert [p.metric.name for p in precisions] == ["frequency", "complaints"]
    rows = power_rows(same.spec, precisions, customers=120, months=found.months)
    told = dataclasses.replace(found, history=same, rows=rows)
    words = DesignWords(told, Language("en"), "CNY")
    assert words.missing() == ["Retention: too few customers had a value, or all had the same"]


def made_up(n: int, clusters: int, correlation: float, seed: int) -> History:
    """Units whose frequency has a known correlation within clusters of unequal size."""
    rng = np.random.default_rng(seed)
    share = rng.lognormal(0, 0.4, clusters)
    cluster = rng.choice(clusters, n, p=share / share.sum())
    known = rng.normal(size=n)
    noise = rng.normal(0, math.sqrt(1 - correlation), n)
    value = 10 + 2 * known + noise + rng.normal(0, math.sqrt(correlation), clusters)[cluster]
    units = pd.DataFrame(
        {
            "customer_id": [f"K{i}" for i in range(n)],
            "cluster_id": [f"D{c}" for c in cluster],
            "cluster_share": np.nan,
            "arm_at_half": None,
            "stratum": "",
            "prior_shipments": known,
            "frequency": value,
            "frequency_matured": True,
        }
    )
    spec = plan(
        design="cluster",
        cluster="cluster_id",
        covariates=["prior_shipments"],
        metrics=[FREQUENCY],
    )
    return History(spec, units, dt.date(2026, 8, 1), AS_OF, ("frequency",), {})


def test_correlation_and_what_covariates_explain_are_found():
    (one,) = precision_of(made_up(12_000, 300, 0.05, seed=1))
    assert one.explained == pytest.approx(0.8, abs=0.02)  # 4 of 5 of the variance
    assert one.cluster_correlation == pytest.approx(0.05, abs=0.015)  # 2 of its standard errors
    assert one.clusters == 300


@pytest.fixture(scope="module")
def clustered():
    return made_up(2_000, 60, 0.04, seed=3)


def holds_its_promises(alarm: Rehearsed, found: Rehearsed, draws: int) -> None:
    """Claims without and with the effect, and what the intervals hold: within 99.9 % limits."""
    for hits, promise in ((alarm.claims, 0.05), (found.claims, 0.8), (found.covered, 0.95)):
        low, high = stats.binom.ppf([0.0005, 0.9995], draws, promise)
        assert low <= hits <= high


def test_the_rehearsal_keeps_its_level_and_finds_what_was_promised(clustered):
    """30 clustered draws: shares within 99.9 % binomial limits of 5 % and of 80 %."""
    (row,) = power_rows(
        clustered.spec, precision_of(clustered), customers=2_000, months=DAYS / 30.4
    )
    draws = 30
    (alarm,), (found,) = rehearse(clustered, draws=draws, effects={"frequency": row.smallest})
    holds_its_promises(alarm, found, draws)
    # four standard errors of a mean of 30 standard errors, each known to 10 % with 58 df
    assert alarm.std_error == pytest.approx(row.std_error, rel=4 * 0.1 / math.sqrt(draws) + 0.03)


def test_a_plan_that_forgets_clusters_promises_what_the_rehearsal_does_not_find(clustered):
    """The same rehearsal notices a wrong formula: without the correlation it is far off."""
    (one,) = precision_of(clustered)
    (row,) = power_rows(
        clustered.spec,
        [dataclasses.replace(one, cluster_correlation=0.0)],
        customers=2_000,
        months=3,
    )
    (alarm,), _ = rehearse(clustered, draws=5)
    assert alarm.std_error > 1.3 * row.std_error


LOOKS = 6


def looked_at(n: int, seed: int) -> History:
    """Units whose count grows with every look by independent steps."""
    rng = np.random.default_rng(seed)
    sums = np.cumsum(rng.normal(3, 1, (n, LOOKS)), axis=1)
    names = [f"K{i:04d}" for i in range(n)]

    def stood(k: int) -> pd.DataFrame:
        values = {"frequency": sums[:, k], "frequency_matured": True, "stratum": ""}
        return pd.DataFrame({"customer_id": names, **values})

    closed = plan(metrics=[FREQUENCY], looks_planned=LOOKS)
    earlier = tuple(stood(k) for k in range(LOOKS - 1))
    return History(closed, stood(LOOKS - 1), dt.date(2026, 8, 1), AS_OF, ("frequency",), {},
                   earlier, ("frequency",))  # fmt: skip


def test_calendar_looks_are_rehearsed_look_by_look():
    """A claim at any of six looks counts, and six looks make no more of them than were allowed."""
    history = looked_at(400, seed=2)
    growing = plan(metrics=[FREQUENCY | {"window": [0, None]}], looks_planned=LOOKS)
    (row,) = power_rows(growing, precision_of(history), customers=400, months=3)
    assert row.looks_planned.looks == LOOKS
    draws = 60
    (alarm,), (found,) = rehearse(history, draws=draws, effects={"frequency": row.smallest})
    holds_its_promises(alarm, found, draws)
    # without its earlier looks the last one would have to pay for all that are still to come
    alone = dataclasses.replace(history, earlier=(), looked_at=())
    _, (once,) = rehearse(alone, draws=draws, effects={"frequency": row.smallest})
    assert once.claims > found.claims  # a single reading at the end sees more


def test_an_effect_grows_with_the_days_where_the_metric_is_a_sum():
    history = looked_at(50, seed=2)
    (first, *_, last) = effects_so_far(history, {"frequency": 6.0}, history.spec)
    assert first["frequency"] == pytest.approx(1.0)
    assert last["frequency"] == pytest.approx(5.0)


def test_history_stands_at_every_planned_look_as_it_stood_then(tables):
    found = history_of(plan(looks_planned=3), tables, as_of=AS_OF, with_looks=True)
    assert found.looked_at == ("retention",)
    shipments = tables["shipments"].execute()
    began = pd.Timestamp(found.began)
    for then, days in zip(found.earlier, (30, 60), strict=True):
        inside = shipments["shipped_at"].ge(began)
        inside &= shipments["shipped_at"].lt(began + pd.Timedelta(days=days))
        shipped = then["customer_id"].isin(shipments.loc[inside, "customer_id"])
        assert shipped.tolist() == then["retention"].astype(bool).tolist()
        assert then["customer_id"].tolist() == found.units["customer_id"].tolist()
    assert not history_of(plan(), tables, as_of=AS_OF).earlier


@pytest.mark.full
def test_processes_do_not_change_the_figures(clustered):
    one = rehearse(clustered, draws=24, effects={"frequency": 0.3})
    assert rehearse(clustered, draws=24, effects={"frequency": 0.3}, workers=2) == one


def made_month(root: Path, tables) -> tuple[Path, Path]:
    """A month's tables and a plan; returns the profile and the plan."""
    profile = root / "params" / "small.yaml"
    plan_file = root / "params" / "experiments" / "small" / "trial.yaml"
    plan_file.parent.mkdir(parents=True)
    profile.write_text(MINIMAL, encoding="utf-8")
    plan_file.write_text(yaml.safe_dump(PLAN, allow_unicode=True), encoding="utf-8")
    folder = root / "data" / "processed" / "small" / str(AS_OF)
    folder.mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table.to_pyarrow(), folder / f"{name}.parquet")
    return profile, plan_file


def test_the_command_writes_pages_and_tables(tmp_path, tables, capsys):
    profile, plan_file = made_month(tmp_path, tables)
    arguments = ["design", "--profile", str(profile), "--experiment", str(plan_file)]
    arguments += ["--out", str(tmp_path), "--save", str(tmp_path / "saved")]
    assert exit_code_of([*arguments, "--draws", "2", "--months", "6", "--language", "en"]) == 0
    shown = capsys.readouterr().out
    assert "<b>Trial</b>" in shown
    assert "four times in five" in " ".join(shown.split())
    saved = {p.name for p in (tmp_path / "saved").iterdir()}
    assert saved == {"design.zh.html", "design.en.html", "power.csv", "rehearsal.csv"}
    rows = pd.read_csv(tmp_path / "saved" / "rehearsal.csv")
    assert set(rows["draws"]) == {2}
    power = pd.read_csv(tmp_path / "saved" / "power.csv")
    level = power[power["metric"] == "frequency"].groupby("months")["level"].first()
    assert level[6.0] > 1.5 * level.iloc[0]  # twice the days, on earlier history
    page = (tmp_path / "saved" / "design.en.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Trial" in page
    assert "<b>Trial" not in page
    assert 'href="design.zh.html"' in page


def test_pages_say_the_same_in_both_languages(found):
    made = Provenance("tierlab design")
    pages = {
        code: design_page(DesignWords(found, Language(code), "CNY"), "C", made)
        for code in ("zh", "en")
    }
    assert 'lang="zh-CN"' in pages["zh"]
    for row in found.own_rows:
        if row.needed is not None and math.isfinite(row.needed):
            n = f"{row.needed:,.0f}"
            assert n in pages["zh"]
            assert n in pages["en"]
    for page in pages.values():
        assert page.count("<figure") == page.count(' alt="') == len(found.own_rows)
        assert "http" not in page.replace("http://www.w3.org", "")
