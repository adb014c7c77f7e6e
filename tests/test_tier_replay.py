"""Replay: the same months under other policies, and what is known of them in hindsight."""

from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.cli import exit_code_of
from analysis.cli.replay_page import NOTES, page
from analysis.cli.replay_words import FIGURES, readings
from analysis.errors import CoverageError, ParamsError
from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import Profile, TierPolicy, ValuePolicy
from analysis.params.loading import build
from analysis.tiers import assign, replay, stability
from analysis.tiers.codes import NO_LEVEL
from analysis.tiers.hindsight import HindsightWatch
from analysis.tiers.history import MonthRows
from analysis.tiers.rules import TierRules
from analysis.value import score
from canonical import company
from small_profile import MINIMAL

AS_OF = Month(2026, 10)
YEARLY = TierPolicy(
    measure="revenue",
    review_months=(1,),
    promote_after=1,
    demote_after=1,
    demote_margin=0,
    start_months=0,
    seasonal_protection=None,
    burst_promotion=None,
)
PLAN = {
    "offered": {"desk": {"title": {"zh": "单", "en": "Desk"}, "cost": 1}},
    "tiers": {"strategic": ["desk"]},
}
TITLES = {
    "own": {"zh": "现行", "en": "<b>own</b>"},
    "yearly": {"zh": "按年", "en": "Yearly"},
    "abc": {"zh": "分类", "en": "ABC"},
    "parent": {"zh": "集团", "en": "Parent"},
}
POLICIES = {
    "own": TierPolicy(),
    "yearly": YEARLY,
    "abc": TierPolicy(measure="abc", classes={"strategic": ("A",), "key": ("B",)}),
    "parent": TierPolicy(level="parent"),
}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return build(Profile, yaml.safe_load(MINIMAL) | {"services": PLAN}, "small")


@pytest.fixture(scope="module")
def data():
    tables = company(customers_n=80, seed=11)
    panel = customer_months(**tables, as_of=AS_OF)
    kept = {name: ibis.memtable(t.to_pyarrow()) for name, t in tables.items()}
    panel = ibis.memtable(panel.to_pyarrow())
    scores = ibis.memtable(score(panel, ValuePolicy(), AS_OF).to_pyarrow())
    return panel, scores, kept["customers"]


@pytest.fixture(scope="module")
def found(data, profile):
    return replay(*data, POLICIES, profile, AS_OF, first=Month(2025, 11))


def test_a_month_in_a_replay_equals_the_month_assigned_alone(data, found):
    """The figures of the own policy are those of its own tiers, counted apart."""
    row = found.comparison.set_index("policy").loc["own"]
    tiers = assign(data[1], TierPolicy(), AS_OF).tiers
    alone = stability(tiers, AS_OF).iloc[0]
    assert row.moves_n == alone.moves_n > 0
    assert row.reversals_per_customer_year == alone.reversals_per_customer_year
    now = tiers.execute().query("month >= '2025-11' and score > 0")
    held = found.by_tier[found.by_tier.policy == "own"].set_index("tier")
    counted = now.tier.value_counts().reindex(held.index, fill_value=0) / 12
    assert held.customers_n.tolist() == counted.tolist()
    assert row.planned_cost == 12 * held.customers_n["strategic"]


def test_the_yearly_policy_moves_in_january_only(found):
    own, yearly = (found.comparison.set_index("policy").loc[p] for p in ("own", "yearly"))
    assert yearly.moves_n < own.moves_n
    assert (yearly.next_period, own.next_period) == (12, 1)
    assert found.by_tier.groupby("policy").share_of_value.sum().round(9).eq(1).all()
    assert set(found.accuracy.policy) == set(POLICIES)


def test_a_group_of_nobody_is_everyone_alone(found):
    own, parent = (found.comparison.set_index("policy").loc[p] for p in ("own", "parent"))
    same = ["moves_n", "customer_years", "bursts_n", "protected_n", "accuracy_next_period"]
    assert own[same].tolist() == parent[same].tolist()
    assert parent.level == "parent"


@pytest.mark.parametrize("first", ["2024-05", "2026-11", "2020-01"])
def test_months_that_cannot_be_compared_are_refused(data, profile, first):
    with pytest.raises(ParamsError, match="nothing to compare"):
        replay(*data, {"own": TierPolicy()}, profile, AS_OF, first=Month.parse(first))


def test_without_a_first_month_a_year_of_history_lies_before(data, profile):
    made = replay(*data, {"own": TierPolicy()}, profile, AS_OF)
    assert made.comparison.from_month[0] == "2025-05"


def test_the_last_month_may_be_the_first_with_a_year_before_it(data, profile):
    made = replay(*data, {"own": TierPolicy()}, profile, Month(2025, 5))
    assert made.comparison.from_month[0] == "2025-05"
    shorter = replay(*data, {"own": TierPolicy()}, profile, Month(2025, 4))
    assert shorter.comparison.from_month[0] == "2024-06"


def test_a_single_month_cannot_be_replayed(data, profile):
    with pytest.raises(ParamsError, match="nothing to compare"):
        replay(*data, {"own": TierPolicy()}, profile, Month(2024, 5))


def test_the_page_is_bilingual_and_escaped(found):
    told = {code: readings(found, TITLES, "CNY", Language(code)) for code in ("zh", "en")}
    html = page({"zh": "甲", "en": "A & B"}, told)
    assert "&lt;b&gt;own&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "A &amp; B" in html
    assert html.index('lang="zh"') < html.index('lang="en"')
    assert "http" not in html
    assert not any(mark in html for mark in ("nan", "None", "{{"))
    chinese = Language("zh")
    assert all(
        chinese.text(text, claimed="x") != text.format(claimed="x") for text in (*FIGURES, *NOTES)
    )


# ---- hindsight -----------------------------------------------------------------------------


def watched(shipments: list[list[int]], scores: list[list[float]], policy: TierPolicy, first: int):
    rules, watch = TierRules(policy, 0), HindsightWatch(first)
    for index, (sent, value) in enumerate(zip(shipments, scores, strict=True)):
        n = len(sent)
        rows = MonthRows(
            index=index,
            months_n=np.full(n, index + 1, dtype=np.int32),
            score=np.array(value, dtype=float),
            revenue_window=np.array(value, dtype=float),
            margin_window=np.array(value, dtype=float),
            shipments=np.array(sent, dtype=float),
            revenue=np.array(sent, dtype=float) * 100,
            is_ranked=np.ones(n, dtype=bool),
            recency_days=np.zeros(n),
        )
        seen, ruled = rules.step(rows, np.full(n, NO_LEVEL, dtype=np.int8))
        watch.see(seen, ruled)
    return watch.counted()


BARS = {"at_least": {"strategic": 80, "key": 60, "potential": 40}, "demote_after": 1}


def season(months: int, back: bool) -> list[int]:
    """Twenty a month, one from January to April; without a return nothing after the second."""
    years = [1 if index % 12 < 4 else 20 for index in range(months)]
    return [n if back or index < 28 else 1 for index, n in enumerate(years)]


@pytest.mark.parametrize("protects", [True, False])
def test_a_seasonal_customer_is_followed_until_it_returns(protects):
    months = 36
    columns = [season(months, back=True), season(months, back=False), [20] * months]
    scores = [[50.0 if 26 <= i < 30 else 70.0] * 2 + [70.0] for i in range(months)]
    policy = TierPolicy.model_validate(
        BARS
        | {"burst_promotion": None, "promote_after": 1}
        | {"seasonal_protection": {} if protects else None}
    )
    counts = watched(np.array(columns).T.tolist(), scores, policy, first=20)
    protected = (counts.protected_n, counts.protected_known_n, counts.protected_returned_n)
    fallen = (
        counts.off_season_demoted_n,
        counts.off_season_demoted_known_n,
        counts.off_season_demoted_returned_n,
    )
    # months of January and February still hold the autumn before: the season shows from March
    assert protected == ((2, 2, 1) if protects else (0, 0, 0))
    assert fallen in (((0, 0, 0),) if protects else ((2, 2, 1), (0, 0, 0)))


def test_a_return_that_is_not_decided_yet_is_not_counted_as_lost():
    months = 28
    scores = [[50.0 if i >= 26 else 70.0] for i in range(months)]
    policy = TierPolicy.model_validate(BARS | {"burst_promotion": None})
    counts = watched([[n] for n in season(months, back=True)], scores, policy, first=20)
    assert (counts.protected_n, counts.protected_known_n) == (1, 0)


@pytest.mark.parametrize(("lifts", "missed"), [(True, 0), (False, 1)])
def test_a_burst_is_missed_where_no_higher_tier_follows(lifts, missed):
    months = 14
    shipments = [[10, 30, 10] for _ in range(months)]
    shipments[12][0] = 50
    policy = TierPolicy.model_validate(
        BARS | {"seasonal_protection": None, "burst_promotion": {} if lifts else None}
    )
    scores = [[45.0, 65.0, 45.0] for _ in range(months)]
    counts = watched(shipments, scores, policy, first=6)
    assert (counts.bursts_n, counts.bursts_missed_n) == (1, missed)


def test_the_command_compares_what_was_made(data, tmp_path, capsys):
    profile, out = tmp_path / "params" / "small.yaml", tmp_path / "out"
    profile.parent.mkdir()
    profile.write_text(MINIMAL, encoding="utf-8")
    shipped = Path(__file__).parents[1] / "params" / "policies"
    options = ["replay", "--profile", str(profile), "--out", str(out), "--language", "en"]
    options += ["--policy", str(shipped / "yearly-order-value.yaml")]
    assert exit_code_of(options) == CoverageError.exit_code
    assert "No month has been made yet" in capsys.readouterr().err
    folder = out / "data" / "processed" / "small" / "2026-10"
    folder.mkdir(parents=True)
    for name, table in zip(("customer_months", "scores", "customers"), data, strict=True):
        table.execute().to_parquet(folder / f"{name}.parquet")
    assert exit_code_of([*options, "--save", str(tmp_path / "kept")]) == 0
    told = capsys.readouterr().out
    assert "Yearly by order" in told
    assert "Policies compared, May 2025 to October 2026" in told
    # an earlier month need not have been made itself: later tables hold it
    assert exit_code_of([*options, "--to", "2026-08"]) == 0
    assert "Policies compared, May 2025 to August 2026" in capsys.readouterr().out
    assert exit_code_of([*options, "--to", "2026-12"]) == CoverageError.exit_code
    assert "scores up to 2026-10" in capsys.readouterr().err
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {"comparison.csv", "by_tier.csv", "accuracy.csv", "replay.html"}
    panel = folder / "customer_months.parquet"
    pd.read_parquet(panel).drop(columns="margin").to_parquet(panel)
    assert exit_code_of(options) == CoverageError.exit_code
    assert "earlier version" in capsys.readouterr().err
    again = [*options, "--policy", str(shipped / "yearly-order-value.yaml")]
    assert exit_code_of(again) == ParamsError.exit_code


def test_the_frames_can_be_kept(found, tmp_path):
    for name, frame in vars(found).items():
        path = tmp_path / f"{name}.parquet"
        frame.to_parquet(path)
        assert len(pd.read_parquet(path)) == len(frame)
