"""Any table with one row a unit: estimates, gates and a verdict, or a fault in words."""

import html

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError, DesignError, SourceError
from analysis.experiment import Setting, evaluate
from analysis.experiment.estimators import compare, make_units
from analysis.experiment.evaluation import Evaluation
from analysis.language import Language
from analysis.months import Month
from analysis.params import ExperimentSpec
from analysis.report import evaluation_page
from analysis.tables import CONTRACTS, check
from experiment_units import SATURATION, orders, plan, saturated, units


def row(found: Evaluation, metric: str = "orders", **key: str) -> pd.Series:
    table = found.estimates
    wanted = {"segment": "all", "bound": "", "analysis_basis": "intention_to_treat", **key}
    mask = (table["metric"] == metric) & (table[list(wanted)] == pd.Series(wanted)).all(axis=1)
    (position,) = np.flatnonzero(mask)
    return table.iloc[position]


def told(found: Evaluation, code: str = "en") -> str:
    verdict = found.verdict
    language = Language(code)
    return "\n".join(m.in_(language) for m in (verdict.headline, *verdict.reasons, *verdict.needs))


def alarms(found: Evaluation) -> set[str]:
    return set(found.checks.loc[found.checks["alarmed"], "gate"])


# ---- published numbers ---------------------------------------------------------------------

COOKIE_CATS = {
    "id": "cookie-cats",
    "unit": "userid",
    "arm": "version",
    "control": "gate_30",
    "allocation": {"gate_30": 0.5, "gate_40": 0.5},
    "looks": "accrual",
    "planned_n": 5000,
    "metrics": [
        {"name": "day7", "kind": "proportion", "column": "retention_7", "role": "primary",
         "minimum_effect": 0.005},
        {"name": "day1", "kind": "proportion", "column": "retention_1"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def cookie_cats(shared_data):
    path = shared_data / "cookie_cats" / "cookie_cats.csv"
    return evaluate(path, ExperimentSpec.model_validate(COOKIE_CATS))


def test_cookie_cats_as_published(cookie_cats):
    """Numbers of the public data set, see statistics of the project's reference table."""
    day7 = row(cookie_cats, "day7")
    assert day7["effect"] == pytest.approx(-0.0082013, abs=5e-8)
    assert day7["p_value"] == pytest.approx(0.0015542, rel=0.01)  # pooled z there, HC2 t here
    assert (day7["av_low"], day7["av_high"]) == pytest.approx((-0.0168132, 0.0004106), abs=2e-6)
    assert day7["av_p_value"] == pytest.approx(0.0833, abs=5e-5)
    day1 = row(cookie_cats, "day1")
    assert day1["effect"] == pytest.approx(-0.0059052, abs=5e-8)
    assert day1["p_value"] == pytest.approx(0.0744097, rel=0.001)


def test_cookie_cats_sample_ratio_does_not_alarm(cookie_cats):
    gate = cookie_cats.checks.set_index("gate").loc["sample_ratio"]
    assert gate["statistic"] == pytest.approx(6.9024, abs=5e-5)
    assert gate["p_value"] == pytest.approx(0.00861, abs=5e-6)
    assert not gate["alarmed"]


def test_plain_p_says_harm_and_the_always_valid_interval_does_not(cookie_cats):
    assert row(cookie_cats, "day7")["p_value"] < 0.05
    assert cookie_cats.verdict.decision != "stop_harm"


PAGE_SAYS = {
    "en": [
        "day7: any gain is below the worthwhile 0.5 pp, −0.8 pp (−1.68 to +0.04)",
        "A check fails below p = 0.001",
        "the two readings disagree",
        "units in two groups",
        "not possible",
        "Thick bar: the ordinary 95% interval",
        "Words on this page",
    ],
    "zh": [
        "day7：改善达不到值得的 0.5 个百分点，−0.8 个百分点（−1.68 至 +0.04）",
        "p 低于 0.001 才算检查不通过",
        "两种读法不一致",
        "同一样本出现在两组",
        "无法检查",
        "粗条为普通的 95% 区间",
        "本页用语",
    ],
}


@pytest.mark.parametrize("language", PAGE_SAYS)
def test_the_page_of_cookie_cats_tells_a_manager_why(cookie_cats, language):
    """Whose units are players: nothing is called a customer, and no check passed that was none."""
    page = html.unescape(evaluation_page(cookie_cats, language))
    for words in PAGE_SAYS[language]:
        assert words in page
    assert "ustomers in two groups" not in page
    assert "单位" not in page


# ---- the table of estimates ----------------------------------------------------------------


def test_estimates_keep_their_contract():
    found = evaluate(units(), plan(segments=["tier"], covariates=["before"]))
    check(ibis.memtable(found.estimates), "estimates")
    key = list(CONTRACTS["estimates"].key)
    assert not found.estimates.duplicated(key).any()
    allowed = CONTRACTS["estimates"].columns["role"].allowed
    assert set(found.estimates["role"]) <= set(allowed)


@pytest.mark.parametrize("carrier", ["frame", "ibis", "csv", "parquet"])
def test_every_carrier_gives_the_same_numbers(tmp_path, carrier):
    frame = units()
    paths = {"csv": tmp_path / "u.csv", "parquet": tmp_path / "u.parquet"}
    frame.to_csv(paths["csv"], index=False, encoding="gb18030")
    frame.to_parquet(paths["parquet"])
    table = {"frame": frame, "ibis": ibis.memtable(frame), **paths}[carrier]
    effect = row(evaluate(table, plan()))["effect"]
    assert effect == pytest.approx(row(evaluate(frame, plan()))["effect"], rel=1e-12)


def test_the_order_of_rows_does_not_matter():
    frame = units(covariates=1.0)
    spec = plan(covariates=["before"], segments=["tier"])
    shuffled = evaluate(frame.sample(frac=1, random_state=3), spec)
    pd.testing.assert_frame_equal(shuffled.estimates, evaluate(frame, spec).estimates)


def test_the_argument_is_not_changed():
    frame = units()
    before = frame.copy()
    evaluate(frame, plan(segments=["tier"]))
    pd.testing.assert_frame_equal(frame, before)


def test_covariates_narrow_the_interval():
    bare = row(evaluate(units(), plan()))
    adjusted = row(evaluate(units(), plan(covariates=["before"])))
    assert adjusted["std_error"] < 0.8 * bare["std_error"]


def test_arms_in_chinese():
    frame = units().replace({"arm": {"red": "实验组", "grey": "对照组"}})
    spec = plan(control="对照组", allocation={"对照组": 0.5, "实验组": 0.5})
    found = evaluate(frame, spec)
    assert found.verdict.decision == "roll_out"
    assert "实验组" in told(found, "zh")


def test_three_arms_are_each_held_against_the_control():
    frame = units(600)
    frame["arm"] = np.array(["grey", "red", "blue"])[np.arange(600) % 3]
    frame["orders"] += np.where(frame["arm"] == "blue", 3.0, 0.0) - (np.arange(600) % 2) * 1.0
    spec = plan(allocation={"grey": 0.34, "red": 0.33, "blue": 0.33})
    found = evaluate(frame, spec)
    assert list(found.estimates["treatment"]) == ["red", "blue"]
    assert found.verdict.decision == "roll_out"
    assert found.verdict.arms == ("blue",)
    fixed, shared = (found.estimates["ci_high"], found.estimates["av_high"])
    assert (shared > fixed).all()  # both arms share the error level


def test_segments_are_corrected_by_holm_and_tested_for_difference():
    frame = units(2000, effect=0.0)
    frame["orders"] += 2.0 * ((frame["arm"] == "red") & (frame["tier"] == "strategic"))
    found = evaluate(frame, plan(segments=["tier"]))
    segments = found.estimates[found.estimates["segment"] != "all"]
    assert list(segments["segment"]) == ["strategic", "key", "potential", "regular"]
    first = segments.iloc[0]
    assert first["p_adjusted"] == pytest.approx(4 * first["p_value"])
    assert "equal effects in all segments" in first["note"]


def test_a_roll_out_to_the_segment_in_which_it_works():
    frame = units(2000, effect=0.0)
    in_red = frame["arm"] == "red"
    frame["orders"] += np.where(frame["tier"] == "strategic", 2.0, -0.6) * in_red
    found = evaluate(frame, plan(segments=["tier"]))
    assert found.verdict.decision == "roll_out_to"
    assert found.verdict.segments == ("strategic",)
    assert "strategic" in told(found)


# ---- kinds of metrics ----------------------------------------------------------------------


def answered_nps(n: int = 12_000, seed: int = 5) -> tuple[pd.DataFrame, float]:
    """Who answers depends on mood, otherwise in each arm; the units' own true effect beside."""
    rng = np.random.default_rng(seed)
    frame = units(n, seed=seed)
    treated = (frame["arm"] == "red").to_numpy()
    mood = frame["before"].to_numpy()
    noise = rng.normal(0, 1, n)
    with_it, without = (np.clip(np.round(7.6 + e + 1.2 * mood + noise), 0, 10) for e in (0.7, 0.0))
    points = [100 * ((s >= 9) * 1.0 - (s <= 6)).mean() for s in (with_it, without)]
    answers = rng.random(n) < 1 / (1 + np.exp(-mood * np.where(treated, 1.6, -0.8)))
    frame["score"] = np.where(answers, np.where(treated, with_it, without), np.nan)
    return frame.assign(has_answered=answers), points[0] - points[1]


NPS = {"name": "nps", "kind": "nps", "column": "score", "answered": "has_answered"}


def test_nps_is_weighted_and_bounded():
    frame, truth = answered_nps()
    found = evaluate(frame, plan([{**NPS, "role": "primary"}]))
    assert abs(row(found, "nps")["effect"] - truth) > 10  # respondents only, nothing known of them
    found = evaluate(frame, plan([{**NPS, "role": "primary"}], covariates=["before"]))
    main = row(found, "nps")
    assert main["ci_low"] < truth < main["ci_high"]
    assert main["method"].startswith("regression weighted")
    assert "weights" in row(found, "nps_unweighted")["note"]
    worst = [row(found, "nps", bound=b)["effect"] for b in ("worst_low", "worst_high")]
    assert worst[0] < truth < worst[1]
    lee = [row(found, "nps", bound=b)["effect"] for b in ("lee_low", "lee_high")]
    assert lee[0] <= lee[1]
    rates = frame.groupby("arm")["has_answered"].mean()
    assert {arm.arm: arm.response_rate for arm in found.arms} == pytest.approx(rates.to_dict())
    assert row(found, "nps_response")["effect"] == pytest.approx(
        rates["red"] - rates["grey"], abs=0.02
    )


def test_a_ratio_is_a_ratio_of_sums():
    frame = units(800)
    rng = np.random.default_rng(8)
    frame["sessions"] = rng.integers(1, 20, 800)
    frame["bought"] = rng.binomial(frame["sessions"], np.where(frame["arm"] == "red", 0.4, 0.3))
    ratio = {"name": "rate", "kind": "ratio", "numerator": "bought", "denominator": "sessions"}
    found = row(evaluate(frame, plan([{**ratio, "role": "primary"}])), "rate")
    sums = frame.groupby("arm")[["bought", "sessions"]].sum()
    expected = sums["bought"] / sums["sessions"]
    assert found["value_treatment"] == pytest.approx(expected["red"])
    assert found["effect"] == pytest.approx(expected["red"] - expected["grey"])


def test_survival_gives_days_and_curves():
    frame = units(600)
    rng = np.random.default_rng(9)
    left = rng.exponential(np.where(frame["arm"] == "red", 400.0, 150.0))
    frame["days"], frame["churned"] = np.minimum(left, 200), left < 200
    stay = {"name": "stay", "kind": "survival", "duration": "days", "event": "churned"}
    found = evaluate(frame, plan([{**stay, "horizon": 180, "role": "primary"}]))
    means = pd.Series(np.minimum(left, 180)).groupby(frame["arm"]).mean()
    assert row(found, "stay")["effect"] == pytest.approx(means["red"] - means["grey"])
    assert "log-rank" in row(found, "stay")["note"]
    ends = found.curves.groupby("arm")["survival"].last()
    alive = pd.Series(left > 180).groupby(frame["arm"]).mean()
    assert ends.to_dict() == pytest.approx(alive.to_dict())
    assert (found.curves["day"] <= 180).all()


def test_the_bands_of_curves_know_that_units_of_a_cluster_are_alike():
    frame = units(600)
    rng = np.random.default_rng(9)
    depot = np.arange(600) % 24
    frame["depot"] = np.array([f"d{d:02d}" for d in depot])
    frame["arm"] = np.where(depot % 2 == 0, "red", "grey")
    left = rng.exponential(200 * np.exp(rng.normal(size=24))[depot])
    frame["days"], frame["churned"] = np.minimum(left, 200), left < 200
    stay = {"name": "stay", "kind": "survival", "duration": "days", "event": "churned"}
    metrics = [{**stay, "horizon": 180, "role": "primary"}]
    clustered = evaluate(frame, plan(metrics, design="cluster", cluster="depot")).curves
    plain = evaluate(frame, plan(metrics)).curves
    pd.testing.assert_series_equal(clustered["survival"], plain["survival"])
    ends, plain_ends = (c.groupby("arm")[["low", "high"]].last() for c in (clustered, plain))
    width, plain_width = (e["high"] - e["low"] for e in (ends, plain_ends))
    assert (width > 1.5 * plain_width).all()


def test_a_horizon_beyond_the_data_is_refused_in_words():
    frame = units(60).assign(days=50.0, churned=False)
    stay = {"name": "stay", "kind": "survival", "duration": "days", "event": "churned"}
    found = evaluate(frame, plan([{**stay, "horizon": 180, "role": "primary"}]))
    assert "horizon" in row(found, "stay")["status"]
    assert found.verdict.decision in ("continue", "inconclusive")


# ---- designs -------------------------------------------------------------------------------


def test_saturation_compares_cells_and_keeps_the_truth_in_its_intervals():
    found = evaluate(saturated(), plan(**SATURATION))
    truth = {"total": 2.0, "direct": 2.5, "spillover": -0.5}
    for estimand, value in truth.items():
        estimate = row(found, estimand=estimand)
        assert estimate["ci_low"] < value < estimate["ci_high"], estimand
    assert row(found, estimand="total")["clusters"] == 16
    assert pd.isna(row(found, estimand="direct")["clusters"])
    assert row(found, estimand="spillover")["n_treatment"] < 200  # only the hash's untreated


def test_clusters_get_wider_intervals_and_second_opinions():
    frame = saturated(spillover=0.0)
    frame = frame[frame["share"] != 0.5]
    clustered = row(evaluate(frame, plan(design="cluster", cluster="depot")))
    plain = row(evaluate(frame, plan()))
    assert clustered["std_error"] > plain["std_error"]
    assert "permutation" in clustered["note"]
    assert "bootstrap" in clustered["note"]


def test_few_clusters_give_no_verdict():
    frame = saturated(depots=9)
    frame = frame[frame["share"] != 0.5]
    found = evaluate(frame, plan(design="cluster", cluster="depot"))
    assert "insufficient clusters" in row(found)["status"]
    assert found.verdict.decision == "inconclusive"


def test_a_cluster_with_two_arms_is_refused():
    with pytest.raises(DesignError, match="two arms"):
        evaluate(saturated(), plan(design="cluster", cluster="depot"))


def test_arms_that_contradict_the_drawn_share_are_refused():
    frame = saturated()
    frame.loc[frame["share"] == 1, "arm"] = "grey"
    with pytest.raises(DesignError, match="share deals"):
        evaluate(frame, plan(**SATURATION))


def test_the_effect_on_users_divides_by_uptake():
    rng = np.random.default_rng(4)
    frame = units(4000, effect=0.0)
    frame["used"] = (frame["arm"] == "red") & (rng.random(4000) < 0.5)
    frame["orders"] += 2.0 * frame["used"]
    found = evaluate(frame, plan(exposure="used"))
    users = row(found, analysis_basis="complier")
    assert users["ci_low"] < 2.0 < users["ci_high"]
    assert users["effect"] == pytest.approx(row(found)["effect"] / 0.5, rel=0.1)


# ---- gates ---------------------------------------------------------------------------------


def test_a_wrong_sample_ratio_is_not_trusted():
    frame = units(4000)
    kept = ~((frame["arm"] == "red") & (np.arange(4000) % 10 < 2))
    found = evaluate(frame[kept], plan())
    assert "sample_ratio" in alarms(found)
    assert found.verdict.decision == "do_not_trust"


def test_loss_in_one_arm_is_not_trusted_though_the_ratio_holds():
    file = units(2000)[["id", "arm"]]
    frame = units(2000)
    frame = frame[~((frame["arm"] == "red") & (np.arange(2000) % 40 == 1))]
    found = evaluate(frame, plan(), assignments=file)
    assert alarms(found) == {"loss"}
    assert found.verdict.decision == "do_not_trust"


def test_a_few_units_in_two_arms_are_left_out_and_many_alarm():
    frame = units(1000)
    grey = frame[frame["arm"] == "grey"].assign(arm="red")
    found = evaluate(pd.concat([frame, grey.head(3)]), plan())
    assert "3 of 1,000" in found.checks.set_index("gate").loc["two_arms", "note"]
    assert found.verdict.decision == "roll_out"
    assert "two_arms" in alarms(evaluate(pd.concat([frame, grey.head(30)]), plan()))


def test_a_difference_before_the_start_is_not_trusted():
    frame = units(2000)
    frame["before"] += 0.4 * (frame["arm"] == "red")
    assert alarms(evaluate(frame, plan(covariates=["before"]))) == {"pre_period"}


def test_skewed_values_of_few_treated_are_no_alarm_that_the_draw_explains():
    """The t test said p < 0.0001 of what two draws in a hundred show."""
    rng = np.random.default_rng(7)
    before = rng.lognormal(0, 1.5, 300)
    order = np.argsort(0.3 * np.log(before) + 0.5 * rng.normal(size=300))
    frame = units(300).assign(before=before, arm="grey")
    frame.loc[order[:30], "arm"] = "red"
    assert compare(before, make_units(frame["arm"] == "red")).p_value < 0.001
    spec = plan(covariates=["before"], allocation={"grey": 0.9, "red": 0.1})
    assert alarms(evaluate(frame, spec)) == set()


def test_outcomes_missing_in_one_arm_are_not_trusted():
    frame = units(2000)
    frame.loc[(frame["arm"] == "red") & (frame.index % 40 == 1), "orders"] = np.nan
    assert "coverage" in alarms(evaluate(frame, plan()))


def by_depot(missing: np.ndarray, per_depot: int = 100) -> pd.DataFrame:
    """Depots in turn grey and red; a share of each depot's customers is gone."""
    depot = np.repeat(np.arange(len(missing)), per_depot)
    frame = units(len(depot)).assign(depot=depot, arm=np.where(depot % 2, "red", "grey"))
    gone = np.random.default_rng(1).random(len(depot)) < missing[depot]
    return frame.assign(gone=gone)


UNLIKE = np.tile([0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.30], 2)
"""Two of sixteen depots lack more, both by chance red."""


def test_a_depot_that_lacks_more_than_others_is_no_alarm():
    """Fisher's test, which takes customers for independent, says p < 0.001 of both."""
    frame = by_depot(UNLIKE)
    found = evaluate(
        frame.assign(orders=frame["orders"].mask(frame["gone"])), plan(cluster="depot")
    )
    assert alarms(found) == set()
    found = evaluate(frame[~frame["gone"]], plan(cluster="depot"), assignments=frame)
    assert alarms(found) == set()


def test_what_every_treated_depot_lacks_is_not_trusted():
    frame = by_depot(np.tile([0.02, 0.15], 8))
    found = evaluate(
        frame.assign(orders=frame["orders"].mask(frame["gone"])), plan(cluster="depot")
    )
    assert alarms(found) == {"coverage"}
    found = evaluate(frame[~frame["gone"]], plan(cluster="depot"), assignments=frame)
    assert alarms(found) == {"loss"}
    frame["gone"] = (frame["arm"] == "red") & (np.arange(len(frame)) % 20 == 0)
    found = evaluate(frame[~frame["gone"]], plan(cluster="depot"), assignments=frame)
    assert alarms(found) == {"loss"}  # each red depot lost five of a hundred, no grey one any


def test_a_file_without_depots_cannot_say_whether_depots_lost_alike():
    frame = by_depot(UNLIKE)
    file = frame[["id", "arm"]]
    found = evaluate(frame[~frame["gone"]], plan(cluster="depot"), assignments=file)
    note = found.checks.set_index("gate").loc["loss", "note"]
    assert note == "the file of the draw does not name the clusters of the lost units"
    assert alarms(found) == set()


def test_a_critical_source_is_not_trusted():
    quality = pd.DataFrame({"source": ["crm"], "status": ["critical"], "score": [0.4]})
    found = evaluate(units(), plan(), setting=Setting(quality=quality))
    assert found.verdict.decision == "do_not_trust"
    assert "crm" in told(found)


def test_fair_experiments_raise_no_alarm():
    """A gate may alarm by chance once in a thousand draws: seeds are fixed, so that none does."""
    for seed in range(1, 11):
        frame = units(300, effect=0.0, seed=seed)
        assert not alarms(evaluate(frame, plan(covariates=["before"])))


# ---- bad input -----------------------------------------------------------------------------


def test_missing_columns_are_all_told_with_a_suggestion():
    with pytest.raises(AnalysisError) as fault:
        evaluate(units(), plan([orders(column="order")], covariates=["befor"], segments=["teer"]))
    text = str(fault.value)
    assert all(f"Did you mean '{c}'?" in text for c in ("orders", "before", "tier"))


def test_an_unknown_arm_is_refused():
    with pytest.raises(DesignError, match="does not know") as fault:
        evaluate(units().replace({"arm": {"red": "read"}}), plan())
    assert "Did you mean 'red'?" in str(fault.value)


def test_units_given_twice_are_refused():
    frame = units(50)
    with pytest.raises(DesignError, match="more than one row"):
        evaluate(pd.concat([frame, frame.head(2)]), plan())


def test_text_where_numbers_belong_is_refused():
    with pytest.raises(DesignError, match="no numbers") as fault:
        evaluate(units(orders="many"), plan())
    assert "'many'" in str(fault.value)


def test_a_proportion_of_other_values_is_refused():
    with pytest.raises(DesignError, match="neither 0 nor 1"):
        evaluate(units(), plan([orders(kind="proportion")]))


def test_a_missing_file_names_its_neighbour(tmp_path):
    units().to_csv(tmp_path / "units.csv")
    with pytest.raises(SourceError, match="not found") as fault:
        evaluate(tmp_path / "unit.csv", plan())
    assert "units.csv" in str(fault.value)


def test_an_empty_table_is_refused():
    with pytest.raises(DesignError, match="no unit"):
        evaluate(units().head(0), plan())


def is_undecided(found: Evaluation) -> bool:
    return found.verdict.decision in ("continue", "inconclusive", "do_not_trust")


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (units(40)[lambda f: f["arm"] == "grey"], "no unit"),
        (units(2), "too few units"),
        (units(40, orders=0.0), "no variation"),
        (units(40, orders=np.nan), "no unit"),
        (units(40, orders=np.inf), "no unit"),
    ],
    ids=["an arm missing", "one unit an arm", "all zero", "all missing", "all infinite"],
)
def test_what_cannot_be_estimated_says_so(frame, status):
    found = evaluate(frame, plan())
    assert status in row(found)["status"]
    assert is_undecided(found)
    assert told(found, "zh")


def test_infinite_and_missing_values_are_left_out_and_counted():
    frame = units(4000)
    frame.loc[[0, 1], "orders"] = [np.inf, np.nan]
    found = evaluate(frame, plan())
    assert "left out" in row(found)["note"]
    assert row(found)["status"] == "ok"
    assert np.isfinite(row(found)["effect"])


@pytest.mark.parametrize("other", ["constant", "double", "missing"])
def test_useless_covariates_are_noted_and_change_nothing(other):
    frame = units(400, constant=1.0, missing=np.nan)
    frame["double"] = frame["before"] * 2
    alone = row(evaluate(frame, plan(covariates=["before"])))
    beside = row(evaluate(frame, plan(covariates=["before", other])))
    assert beside["effect"] == pytest.approx(alone["effect"], rel=1e-9)
    assert other in beside["note"]


def test_ten_thousand_segments_are_refused_with_a_note():
    frame = units(10_000)
    found = evaluate(frame.assign(shop=frame["id"]), plan(segments=["shop"]))
    assert "10,000 segments are too many" in row(found, segment="shop")["status"]
    assert found.verdict.decision == "roll_out"


def test_negative_durations_count_as_missing():
    frame = units(400).assign(days=200.0, churned=False)
    frame.loc[frame.index % 3 == 0, ["days", "churned"]] = [90.0, True]
    frame.loc[:2, "days"] = -1.0
    stay = {"name": "stay", "kind": "survival", "duration": "days", "event": "churned"}
    found = row(evaluate(frame, plan([{**stay, "horizon": 180, "role": "primary"}])), "stay")
    assert "3 values outside their scale" in found["note"]
    assert np.isfinite(found["effect"])


mess = st.sampled_from([0.0, 1.0, -5.0, 1e300, -1e300, np.nan, np.inf, 3.5])


@given(st.lists(st.tuples(st.sampled_from(["grey", "red"]), mess, mess), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_mess_crashes_it(rows):
    frame = pd.DataFrame(rows, columns=["arm", "orders", "before"])
    frame["id"] = np.arange(len(frame))
    found = evaluate(frame, plan(covariates=["before"]))
    assert found.verdict.decision
    assert "nan" not in told(found).lower()
    ok = found.estimates["status"] == "ok"
    assert found.estimates.loc[ok, ["effect", "ci_low", "ci_high"]].notna().all(axis=None)


# ---- windows that are not over -------------------------------------------------------------


def test_units_whose_window_runs_are_counted_as_maturing():
    frame = units(400)
    frame["over"] = np.arange(400) < 300
    found = row(evaluate(frame, plan([orders(matured="over")])))
    assert (found["n_treatment"], found["n_control"], found["n_maturing"]) == (150, 150, 100)


def test_a_metric_with_no_matured_unit_is_refused_in_words():
    metric = {"name": "retention", "measure": "retention", "window": [91, 181], "role": "primary"}
    spec = plan([metric], looks_planned=3)
    frame = units(100).assign(
        retention=np.nan, retention_matured=False, assigned_at=pd.Timestamp("2026-05-18")
    )
    found = evaluate(frame, spec, setting=Setting(as_of=Month.parse("2026-10")))
    assert row(found, "retention")["status"] == (
        "maturing: needs data to 14 Nov 2026, has data to 31 Oct 2026"
    )
    assert found.verdict.decision == "continue"


def test_a_missing_table_is_named_in_the_verdict():
    metrics = [orders(), {"name": "nps", "measure": "nps", "window": [0, 90], "role": "guardrail"}]
    found = evaluate(units(), plan(metrics), setting=Setting(unavailable={"nps": "surveys"}))
    assert row(found, "nps")["status"] == "not available: no surveys source"
    assert "cannot be measured" in told(found)
    assert found.verdict.decision == "roll_out"
