"""What holds for tiers whatever the scores: order, grace, reruns, and a reason for everything."""

from __future__ import annotations

import string
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import ContractError, CoverageError, GroupedError, ParamsError
from analysis.language import LOCALES, Language
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import MoveCaps, Override, TierPolicy, ValuePolicy, load_overrides
from analysis.params.loading import build
from analysis.tables import CONTRACTS, TIERS
from analysis.tiers import (
    CALL_PHRASES,
    HOLD_PHRASES,
    REASON_PHRASES,
    assign,
    calls,
    calls_in_words,
    explain,
    migration,
    moves_in_words,
    stability,
    tier_shares,
)
from analysis.tiers.calls import CALL_SENTENCES
from analysis.tiers.caps import kept_back
from analysis.tiers.codes import HOLD_NAMES, NO_LEVEL, REASON_NAMES, Hold, Reason
from analysis.tiers.history import MonthRows
from analysis.tiers.rules import TierRules
from analysis.tiers.words import MEASURE_PHRASES, SENTENCES
from analysis.value import score
from ascii_rules import scores_of
from canonical import company

AS_OF = Month(2026, 10)
KEY = ["customer_id", "month"]
POLICY = TierPolicy()
MONTHS = 18


@pytest.fixture(scope="module")
def scores():
    panel = customer_months(**company(customers_n=120, seed=5), as_of=AS_OF)
    return ibis.memtable(score(panel, ValuePolicy(), AS_OF).to_pyarrow())


@pytest.fixture(scope="module")
def tiering(scores):
    return assign(scores, POLICY, AS_OF)


@pytest.fixture(scope="module")
def tiers(tiering) -> pd.DataFrame:
    return framed(tiering.tiers)


def framed(table) -> pd.DataFrame:
    return table.execute().sort_values(KEY, ignore_index=True)


# ---- properties, on the rules themselves ---------------------------------------------------


def month_rows(index: int, score: np.ndarray, shipments: np.ndarray, age: int) -> MonthRows:
    n = len(score)
    return MonthRows(
        index=index,
        months_n=np.full(n, age, dtype=np.int32),
        score=score.astype(float),
        revenue_window=score * 10.0,
        margin_window=score * 1.0,
        shipments=shipments.astype(float),
        revenue=shipments * 100.0,
        is_ranked=np.ones(n, dtype=bool),
        recency_days=np.zeros(n),
    )


def played(policy: TierPolicy, scores: np.ndarray, shipments: np.ndarray, new: int = 0):
    """Levels and reasons, months × customers; the last `new` customers come two months later."""
    rules, n = TierRules(policy, first_index=0), scores.shape[1]
    levels, reasons = [], []
    for index in range(len(scores)):
        here = n if index >= 2 else n - new
        rows = month_rows(index, scores[index, :here], shipments[index, :here], index + 1)
        late = np.arange(here) >= n - new
        rows = replace(rows, months_n=np.where(late, index - 1, index + 1).astype(np.int32))
        _, ruled = rules.step(rows, np.full(here, NO_LEVEL, dtype=np.int8))
        levels.append(np.pad(ruled.level, (0, n - here), constant_values=NO_LEVEL))
        reasons.append(np.pad(ruled.reason, (0, n - here), constant_values=-1))
    return np.array(levels), np.array(reasons)


cuts = st.sampled_from(
    [
        {"shares": {"strategic": 0.1, "key": 0.2, "potential": 0.3}},
        {"value_shares": {"strategic": 0.3, "key": 0.3, "potential": 0.2}},
        {"at_least": {"strategic": 80, "key": 60, "potential": 40}},
    ]
)
policies = st.builds(
    lambda cut, up, down, margin, start, start_months, season, burst, cap: (
        TierPolicy.model_validate(
            {
                **cut,
                "promote_after": up,
                "demote_after": down,
                "demote_margin": margin,
                "start_tier": start,
                "start_months": start_months,
                "seasonal_protection": {"months": 2} if season else None,
                "burst_promotion": {"ratio": 2.0, "noise_sds": 1.0} if burst else None,
                "caps": {"promotions": cap, "demotions": cap},
            }
        )
    ),
    cuts,
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.05]),
    st.sampled_from(["regular", "potential"]),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 0.1, 0.3]),
)
seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Scores that wander and shipments with quiet months and jumps, months × customers."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(0, 12, (MONTHS, n)).cumsum(axis=0) * 0.6 + rng.uniform(10, 90, n)
    quiet = rng.random((MONTHS, n)) < 0.2
    shipments = rng.poisson(8, (MONTHS, n)) * np.where(rng.random((MONTHS, n)) < 0.1, 4, 1)
    return np.clip(walk, 0, 100).round(1), np.where(quiet, 0, shipments)


@settings(max_examples=80, deadline=None)
@given(policies, seeds, st.integers(0, 11))
def test_a_higher_score_never_gives_a_lower_tier(policy, seed, who):
    # all else equal: under caps the others' moves would differ, and under relative cut-offs
    # the others' levels, by which a burst is judged
    equal = {"caps": MoveCaps()}
    if policy.at_least is None:
        equal["burst_promotion"] = None
    policy = policy.model_copy(update=equal)
    scores, shipments = drawn(seed)
    rng = np.random.default_rng(seed + 1)
    better = scores.copy()
    better[:, who] += rng.uniform(0, 30, MONTHS) * (rng.random(MONTHS) < 0.5)
    before, _ = played(policy, scores, shipments, new=3)
    after, _ = played(policy, better, shipments, new=3)
    assert (after[:, who] >= before[:, who]).all()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), min_size=1))
def test_under_a_cap_the_strongest_rise_and_the_weakest_fall(moves):
    before, proposed, strength = np.array(moves).T
    caps = MoveCaps(promotions=0.2, demotions=0.2)
    waits = kept_back(proposed, before, strength.astype(float), before > 9, caps)
    for moving, sign in ((proposed > before, 1), (proposed < before, -1)):
        done, waiting = strength[moving & ~waits] * sign, strength[moving & waits] * sign
        assert len(done) == min(moving.sum(), max(1, int(0.2 * len(moves))))
        assert not len(waiting) or done.min() >= waiting.max()


@settings(max_examples=80, deadline=None)
@given(policies, seeds)
def test_nobody_moves_down_within_the_grace_period(policy, seed):
    levels, reasons = played(policy, *drawn(seed), new=3)
    for who in range(levels.shape[1]):
        ups = np.flatnonzero(reasons[:, who] == Reason.PROMOTED)
        downs = np.flatnonzero(reasons[:, who] == Reason.DEMOTED)
        waits = [down - ups[ups < down].max() for down in downs if (ups < down).any()]
        assert all(wait >= policy.demote_after for wait in waits)


@settings(max_examples=60, deadline=None)
@given(policies, seeds)
def test_nobody_moves_up_before_enough_months(policy, seed):
    if policy.burst_promotion:
        policy = policy.model_copy(update={"burst_promotion": None})
    scores, shipments = drawn(seed)
    levels, _ = played(policy, scores, shipments)
    rises = np.argwhere(np.diff(levels, axis=0) > 0)
    for month, who in rises:
        reviews = min(policy.promote_after, month + 2)
        recent = levels[month + 1, who]
        since = slice(month + 2 - reviews, month + 2)
        if policy.at_least:
            bar = [-np.inf, 40, 60, 80][recent]
            assert (scores[since, who] >= bar).all()


# ---- on tables -----------------------------------------------------------------------------


def test_tiers_meet_their_contract(tiering):
    assert tiering.tiers.schema() == CONTRACTS["tiers"].schema


def test_every_customer_and_month_has_a_tier(tiers, scores):
    wanted = scores.select(KEY).execute().sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(tiers[KEY], wanted)
    assert tiers.tier.isin(TIERS).all()


def test_a_rule_is_named_exactly_where_tier_and_score_disagree(tiers):
    disagrees = tiers.tier != tiers.tier_by_score.fillna("regular")
    assert disagrees.eq(tiers.held_back_by.notna()).all()
    assert disagrees.any()


def test_the_previous_tier_is_the_one_of_the_month_before(tiers):
    before = tiers.groupby("customer_id")["tier"].shift()
    assert tiers.previous_tier.fillna("").eq(before.fillna("")).all()


def test_a_month_rerun_alone_equals_the_month_in_a_longer_run(scores, tiers):
    earlier = Month(2026, 2)
    alone = framed(assign(scores, POLICY, earlier).tiers)
    longer = tiers[tiers.month <= str(earlier)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, longer)


def test_the_order_of_rows_changes_nothing(scores, tiering, tiers):
    frame = scores.execute().sample(frac=1, random_state=2)
    again = assign(ibis.memtable(frame, schema=scores.schema()), POLICY, AS_OF)
    pd.testing.assert_frame_equal(framed(again.tiers), tiers)
    pd.testing.assert_frame_equal(again.moves, tiering.moves)


def test_shares_are_never_exceeded_by_the_score(tiering):
    now = tiering.bars[tiering.bars.month == str(AS_OF)].set_index("tier").customers_n
    n = now.sum()
    assert now["strategic"] <= 0.05 * n
    assert now[["strategic", "key"]].sum() <= 0.20 * n
    assert now[["strategic", "key", "potential"]].sum() == int(0.50 * n)


def flat(customers: int, months: int, value: float | None = 50.0) -> ibis.Table:
    ends = pd.period_range(end="2026-10", periods=months, freq="M").strftime("%Y-%m")
    rows = [
        {"customer": f"K{i}", "month": month, "score": value, "shipments": 5, "revenue": 50}
        for i in range(customers)
        for month in ends
    ]
    return scores_of(pd.DataFrame(rows))


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (5, 3), (5, 60)])
def test_equal_customers_stay_regular_in_any_company(customers, months):
    made = assign(flat(customers, months), POLICY, AS_OF)
    assert made.tiers.tier.execute().eq("regular").all()
    assert len(made.moves) == 0
    assert len(made.bars) == 4 * months


def test_a_company_without_shipments_has_only_start_tiers():
    rows = [
        {"customer": "A", "month": month, "score": None, "shipments": 0, "revenue": 0}
        for month in ("2026-09", "2026-10")
    ]
    made = assign(scores_of(pd.DataFrame(rows)), POLICY, AS_OF)
    assert made.tiers.tier.execute().tolist() == ["regular"] * 2


def test_value_shares_cover_the_share_of_revenue_they_name(scores):
    policy = TierPolicy(measure="revenue", value_shares={"strategic": 0.5, "key": 0.3})
    made = assign(scores, policy, AS_OF)
    now = scores.filter(scores.month == str(AS_OF)).execute().set_index("customer_id")
    target = framed(made.tiers).query("month == @AS_OF.__str__()").set_index("customer_id")
    revenue = now.revenue_window.groupby(target.tier_by_score).sum() / now.revenue_window.sum()
    largest = now.revenue_window.max() / now.revenue_window.sum()
    # whole customers: the last one may overshoot by its own share
    assert 0.5 <= revenue["strategic"] < 0.5 + largest
    assert revenue["potential":"potential"].sum() == 0


def test_margin_can_be_the_measure_though_it_is_negative():
    rows = [
        {"customer": f"K{i}", "month": "2026-10", "score": 1, "shipments": 5, "revenue": value}
        for i, value in enumerate([-400, -90, 0, 10, 900])
    ]
    policy = TierPolicy(measure="margin", shares={"strategic": 0.2, "key": 0.4})
    made = framed(assign(scores_of(pd.DataFrame(rows)), policy, AS_OF).tiers)
    assert made.tier.tolist() == ["regular", "regular", "key", "key", "strategic"]


def test_a_gap_in_the_months_is_refused():
    table = flat(3, 4)
    with pytest.raises(ContractError):
        assign(
            table.filter(~((table.customer_id == "K1") & (table.month == "2026-08"))), POLICY, AS_OF
        )
    with pytest.raises(ContractError):
        assign(ibis.union(table, table), POLICY, AS_OF)


def test_a_month_without_scores_is_refused():
    with pytest.raises(CoverageError, match="2026-12"):
        assign(flat(3, 4), POLICY, Month(2026, 12))


# ---- overrides -----------------------------------------------------------------------------

OVERRIDE = {
    "customer_id": "K1",
    "tier": "key",
    "first_month": "2026-10",
    "last_month": "2026-12",
    "reason": "Framework contract",
    "approved_by": "Committee",
}


def test_an_override_of_nobody_is_refused():
    override = Override.model_validate(OVERRIDE | {"customer_id": "K11"})
    with pytest.raises(ParamsError, match="does not exist") as fault:
        assign(flat(3, 4), POLICY, AS_OF, [override])
    assert "K1" in fault.value.todo


def test_a_later_decision_leaves_earlier_months_alone():
    """Its customer may not be known yet when an earlier month is made again."""
    override = Override.model_validate(OVERRIDE | {"customer_id": "K11"})
    later = override.model_copy(update={"first_month": "2026-11"})
    made = assign(flat(3, 4), POLICY, AS_OF, [later])
    assert made.tiers.execute().equals(assign(flat(3, 4), POLICY, AS_OF).tiers.execute())


def test_an_override_is_told_with_its_approver_and_end():
    made = assign(flat(3, 4), POLICY, AS_OF, [Override.model_validate(OVERRIDE)])
    told = moves_in_words(made.moves, POLICY, "CNY")
    assert told.en[0] == (
        "Moved from regular to key by the committee until December 2026 (approved by Committee): "
        "Framework contract."
    )


def test_the_file_of_overrides_is_read_strictly(tmp_path):
    path = tmp_path / "demo.yaml"
    assert load_overrides(path) == ()
    path.write_text("schema_version: 1\noverrides:\n  - {customer_id: K1, tire: key}\n")
    with pytest.raises(GroupedError) as fault:
        load_overrides(path)
    assert "Unknown key 'tire'" in str(fault.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"last_month": "2026-09"},
        {"last_month": "2026-13"},
        {"tier": "gold"},
        {"reason": " "},
    ],
)
def test_an_impossible_override_is_refused(wrong):
    with pytest.raises(ParamsError):
        build(Override, OVERRIDE | wrong, "overrides")


def test_two_overrides_at_a_time_are_refused(tmp_path):
    path = tmp_path / "demo.yaml"
    when = "first_month: 2026-01, last_month: 2026-06"
    one = f"{{customer_id: K1, tier: key, {when}, reason: a, approved_by: b}}"
    two = one.replace("2026-01", "2026-06").replace("last_month: 2026-06", "last_month: 2026-09")
    path.write_text(f"schema_version: 1\noverrides:\n  - {one}\n  - {two}\n")
    with pytest.raises(ParamsError, match="at a time"):
        load_overrides(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shares": {"strategic": 0.6, "key": 0.6}},
        {"shares": {"regular": 0.6}},
        {"shares": {"strategic": float("nan")}},
        {"at_least": {"strategic": float("inf")}},
        {"shares": {"key": 0.1}, "at_least": {"key": 5}},
        {"at_least": {"strategic": 5, "key": 50}},
        {"review_months": [13]},
        {"start_tier": "gold"},
    ],
)
def test_a_policy_that_cannot_be_is_refused(wrong):
    with pytest.raises(ParamsError):
        build(TierPolicy, wrong, "tiers")


# ---- words ---------------------------------------------------------------------------------


def test_every_move_and_every_hold_is_told_in_both_languages(tiering):
    told = moves_in_words(tiering.moves, POLICY, "CNY")
    assert len(told) == len(tiering.moves) > 10
    for language in ("zh", "en"):
        assert not told[language].str.contains(r"[{}]|nan|None|inf").any()
    # a word of the other language would be a term without translation
    assert not told.zh.str.contains(r"[A-Za-z]{3,}").any()


def test_the_sentences_exist_in_chinese_with_the_same_numbers():
    chinese = Language("zh")
    for sentence in (*SENTENCES, *CALL_SENTENCES.values()):
        names = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        filled = {name: f"<{name}>" for name in names}
        told = chinese.text(sentence, **filled)
        assert told != sentence.format(**filled), sentence
        assert all(mark in told for mark in filled.values()), sentence


def test_every_code_has_a_phrase_in_both_languages():
    assert set(REASON_PHRASES) == set(REASON_NAMES)
    assert set(HOLD_PHRASES) == set(HOLD_NAMES) - {"none"}
    chinese = Language("zh")
    for phrases in (REASON_PHRASES, HOLD_PHRASES, MEASURE_PHRASES, CALL_PHRASES):
        assert all(chinese.text(phrase) != phrase for phrase in phrases.values())
    assert (LOCALES / "zh" / "tiers.po").exists()


def one_move(**given: object) -> pd.DataFrame:
    row = {
        "customer_id": "K1",
        "moved": True,
        "from_tier": "key",
        "to_tier": "regular",
        "reason": "demoted",
        "held_back_by": None,
        "measure": 30.0,
        "bar": 58.2,
        "months_running": 3,
        "revenue": 1200.0,
        "expected_revenue": 400.0,
        "shipments_n": 9.0,
        "until": "2026-12",
        "is_off_season": False,
    }
    return pd.DataFrame([row | given])


def told(**given: object) -> str:
    return explain(one_move(**given), POLICY, "CNY")[0].in_(Language("en"))


def test_sentences_say_the_numbers():
    assert told() == (
        "Moved down from key to regular: value score 30.0 has stayed below what key needs "
        "(58.2 now) for 3 months in a row."
    )
    assert "is below the 58.2 that key needs" in told(months_running=1)
    assert "is no longer enough for key" in told(bar=np.inf)
    burst = told(reason="burst", from_tier="regular", to_tier="key")
    assert "until December 2026: revenue of CN¥1.20k this month against an expected CN¥400" in burst
    assert "9 shipments this month" in told(reason="burst", revenue=np.nan)
    held = {"moved": False, "held_back_by": "seasonal_protection"}
    assert "off-season months do not count" in told(**held)


@pytest.mark.parametrize("hold", ["promote_after", "demote_after"])
def test_months_are_not_counted_where_tiers_are_reviewed_once_a_year(hold):
    yearly = POLICY.model_copy(update={"review_months": (1,), hold: 2})
    held = one_move(moved=False, reason="held", held_back_by=hold, months_running=10)
    sentence = explain(held, yearly, "CNY")[0].in_(Language("en"))
    assert "2 reviews in a row" in sentence
    assert "10" not in sentence


def test_a_move_after_reviews_names_the_reviews():
    """Two quarterly reviews may lie three months apart and hold two months in a row."""
    quarterly = POLICY.model_copy(update={"review_months": (1, 4, 7, 10), "demote_after": 3})
    sentence = explain(one_move(months_running=2), quarterly, "CNY")[0].in_(Language("en"))
    assert "in 3 reviews in a row" in sentence
    assert "months" not in sentence


def test_measures_in_money_are_told_as_money():
    policy = TierPolicy(measure="revenue", at_least={"key": 5000})
    message = explain(one_move(bar=5000.0, measure=1234.0), policy, "CNY")[0]
    assert "统计期收入 ¥1,234" in message.in_(Language("zh"))


# ---- summaries and calls -------------------------------------------------------------------


def test_migration_counts_everybody_who_had_a_tier(tiering, tiers):
    matrix = migration(tiering.tiers, AS_OF)
    now = tiers[(tiers.month == str(AS_OF)) & tiers.previous_tier.notna()]
    assert len(matrix) == 16
    assert matrix.customers_n.sum() == len(now)
    moved = matrix[matrix.from_tier != matrix.to_tier].customers_n.sum()
    assert moved == (now.tier != now.previous_tier).sum() == tiering.moves.moved.sum()
    shares = matrix.groupby("from_tier")["share"].sum(min_count=1).dropna()
    assert np.allclose(shares, 1)


def test_shares_of_tiers_add_up(tiering, scores):
    held = tier_shares(tiering.tiers, scores, AS_OF)
    now = scores.filter(scores.month == str(AS_OF)).execute()
    assert held.tier.tolist() == list(TIERS)
    assert held.customers_n.sum() == (now.frequency > 0).sum()
    assert held[["customers_n", "dormant_n"]].sum().sum() == len(now)
    assert np.allclose(held[["share_of_customers", "share_of_revenue"]].sum(), 1)
    assert held.revenue_window.sum() == pytest.approx(now.revenue_window.sum())


def test_stability_counts_moves_and_reversals():
    walk = [30, 50, 30, 50, 50, 50, 50, 50, 50, 50, 50, 30]
    months = pd.period_range(end="2026-10", periods=12, freq="M").strftime("%Y-%m")
    rows = [
        {"customer": customer, "month": month, "score": value, "shipments": 5, "revenue": 50}
        for customer, values in {"A": walk, "B": [30] * 12}.items()
        for month, value in zip(months, values, strict=True)
    ]
    plain = {"at_least": {"potential": 40}, "promote_after": 1, "demote_after": 1}
    policy = TierPolicy.model_validate(plain | {"burst_promotion": None, "demote_margin": 0})
    made = assign(scores_of(pd.DataFrame(rows)), policy, AS_OF)
    row = stability(made.tiers, AS_OF).iloc[0]
    # up, down, up within three months are two reversals; the last move comes eight months later
    assert (row.moves_n, row.reversals_n) == (4, 2)
    assert row.customer_years == pytest.approx(22 / 12)
    assert row.moves_per_customer_year == pytest.approx(4 / (22 / 12))


def call_scores(histories: dict[str, list[int]], silent: dict[str, int]) -> ibis.Table:
    months = pd.period_range(end="2026-10", periods=24, freq="M").strftime("%Y-%m")
    rows = [
        {"customer": c, "month": month, "score": 85, "shipments": n, "revenue": n * 10}
        for c, history in histories.items()
        for month, n in zip(months, history, strict=True)
    ]
    table = scores_of(pd.DataFrame(rows))
    days = table.customer_id.cases(*silent.items(), else_=5)
    return table.mutate(recency_days=days.cast("float64"))


def test_customers_are_called_for_a_reason_and_not_in_their_off_season():
    season = [8] * 9 + [0, 0, 0]
    histories = {
        "steady": [8] * 24,
        "silent": [8] * 22 + [0, 0],
        "slowing": [20] * 21 + [4, 4, 4],
        "seasonal": season * 2,
        "rare": [1, 0, 0] * 8,
        "gone": [8] * 10 + [0] * 14,
    }
    silent = {"silent": 60, "seasonal": 91, "rare": 62, "gone": 420}
    made = call_scores(histories, silent)
    policy = TierPolicy(at_least={"strategic": 80}, burst_promotion=None)
    tiering = assign(made, policy, AS_OF)
    listed = calls(tiering.tiers, made, tiering.moves, policy, AS_OF)
    assert dict(zip(listed.customer_id, listed.why, strict=True)) == {
        "silent": "at_risk",
        "slowing": "slowing",
    }
    row = listed.set_index("customer_id").loc["silent"]
    assert row.months_silent == 1
    # 80 shipments in the 305 days before its silence: one every 3.8 days
    assert row.usual_gap_days == pytest.approx((365.25 - 60) / 80, abs=0.01)
    assert row.silent_after_days == 30
    words = calls_in_words(listed, "CNY")
    assert words.en[0].startswith("Silent for 60 days; ships every 3.8 days")


def test_valuable_customers_that_a_forecast_expects_to_lose_are_called():
    histories = {name: [8] * 24 for name in ("likely", "unlikely", "unknown")}
    histories |= {"silent": [8] * 22 + [0, 0], "cheap": [8] * 24}
    made = call_scores(histories, {"silent": 60})
    cheap = made.customer_id == "cheap"
    made = made.mutate(score=ibis.ifelse(cheap, 10.0, made.score))
    policy = TierPolicy(at_least={"strategic": 80}, burst_promotion=None)
    tiering = assign(made, policy, AS_OF)
    chances = {"likely": 0.62, "unlikely": 0.4, "silent": 0.9, "cheap": 0.99}
    risks = pd.DataFrame(chances.items(), columns=["customer_id", "risk"])
    listed = calls(tiering.tiers, made, tiering.moves, policy, AS_OF, risks)
    why = dict(zip(listed.customer_id, listed.why, strict=True))
    assert why == {"silent": "at_risk", "likely": "likely_lost"}
    words = calls_in_words(listed, "CNY").set_index("customer_id")
    assert words.en["likely"] == "Forecast to be lost with a chance of 62%; silent for 5 days now."
    assert words.zh["likely"] == "预计流失概率 62%；已 5 天未发货。"
    without = calls(tiering.tiers, made, tiering.moves, policy, AS_OF)
    assert without.customer_id.tolist() == ["silent"]
    assert without.risk.isna().all()


def test_silence_is_counted_by_the_churn_clock_where_it_is_told():
    """Closed days are no silence: 35 days on the wall are 27 by the clock, within the window."""
    made = call_scores({name: [8] * 24 for name in ("closed", "open")}, {"closed": 35, "open": 35})
    policy = TierPolicy(at_least={"strategic": 80}, burst_promotion=None)
    tiering = assign(made, policy, AS_OF)
    ticked = {"silent_days": [27.0, 35.0], "gap_days": [4.0, 4.5], "window_days": [30.0, 33.0]}
    clock = pd.DataFrame({"customer_id": ["closed", "open"]} | ticked)
    listed = calls(tiering.tiers, made, tiering.moves, policy, AS_OF, clock=clock)
    assert listed.customer_id.tolist() == ["open"]
    told = calls_in_words(listed, "CNY").en[0]
    assert told == (
        "Silent for 35 days; ships every 4.5 days on average, and 33 days would be unusual."
    )
    by_wall = calls(tiering.tiers, made, tiering.moves, policy, AS_OF)
    assert set(by_wall.customer_id) == {"closed", "open"}


def test_a_lost_tier_and_a_burst_are_called(tiering, scores):
    listed = calls(tiering.tiers, scores, tiering.moves, POLICY, AS_OF)
    assert listed.customer_id.is_unique
    moved = tiering.moves[tiering.moves.moved].set_index("customer_id")
    lost = moved[moved.reason.eq("demoted") & moved.from_tier.isin(["strategic", "key"])]
    assert set(lost.index) <= set(listed.customer_id)
    assert set(moved[moved.reason == "burst"].index) <= set(listed.customer_id)
    assert set(listed.why) <= set(CALL_PHRASES)


def test_holds_are_codes_of_rules():
    assert [hold.name.lower() for hold in Hold] == list(HOLD_NAMES)


@pytest.mark.parametrize("percent", [7, 29, 57, 58])
def test_a_cap_allows_the_share_that_it_names(percent):
    """0.29 × 100 is 28.999999999999996 in binary."""
    n = 100
    up = np.full(n, 2, np.int8)
    waits = kept_back(
        up, up - 1, np.arange(n, dtype=float), np.zeros(n, bool), MoveCaps(promotions=percent / 100)
    )
    assert (~waits).sum() == percent
    assert not waits[n - percent :].any()
