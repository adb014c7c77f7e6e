"""Tiers by class and by share of profit: who is where, and how it is told."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from analysis.errors import CoverageError, ParamsError
from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import TierPolicy, ValuePolicy
from analysis.tiers import assign, explain
from analysis.tiers.history import RFM_GROUPS
from analysis.tiers.words import CLASS_PHRASES
from analysis.value import score
from canonical import company

AS_OF = Month(2026, 10)
ABC = TierPolicy(measure="abc", classes={"strategic": ("A",), "key": ("B",)})
RFM = TierPolicy(
    measure="rfm",
    classes={
        "strategic": ("high_frequency_high_value",),
        "key": ("low_frequency_high_value",),
        "potential": ("high_frequency_low_value",),
    },
)


@pytest.fixture(scope="module")
def scores():
    panel = customer_months(**company(customers_n=100, seed=9), as_of=AS_OF)
    return ibis.memtable(score(panel, ValuePolicy(), AS_OF).to_pyarrow())


@pytest.mark.parametrize(("policy", "column"), [(ABC, "abc_class"), (RFM, "rfm_group")])
def test_the_class_gives_the_tier_and_everything_else_a_reason(scores, policy, column):
    tiers = assign(scores, policy, AS_OF).tiers.execute()
    classes = scores.select("customer_id", "month", column).execute()
    met = tiers.merge(classes, on=["customer_id", "month"])
    tier_of = {name: tier for tier, names in policy.classes.items() for name in names}
    wanted = met[column].map(tier_of).fillna("regular")
    known = met.tier_by_score.notna()
    assert (met.tier_by_score[known] == wanted[known]).all()
    assert (met.tier != met.tier_by_score.fillna("regular")).eq(met.held_back_by.notna()).all()


@pytest.mark.parametrize("policy", [ABC, RFM], ids=["abc", "rfm"])
def test_moves_name_the_class_in_both_languages(scores, policy):
    moves = assign(scores, policy, AS_OF).moves
    assert len(moves) > 5
    for language in ("zh", "en"):
        told = pd.Series([m.in_(Language(language)) for m in explain(moves, policy, "CNY")])
        assert not told.str.contains(r"[{}]|nan|None|inf|_").any()
    assert told.str.contains("ABC class" if policy is ABC else "RFM group").any()


def test_every_group_has_words():
    assert set(RFM_GROUPS) <= set(CLASS_PHRASES)


def test_a_class_that_nobody_can_be_in_is_refused(scores):
    wrong = TierPolicy(measure="rfm", classes={"key": ("high_frequncy_high_value",)})
    with pytest.raises(ParamsError, match="can be in") as fault:
        assign(scores, wrong, AS_OF)
    assert "high_frequency_high_value" in fault.value.todo


def test_a_policy_on_amounts_that_nobody_recorded_is_refused(scores):
    bare = scores.mutate(margin_window=ibis.null("float64"))
    with pytest.raises(CoverageError, match="goes by margin"):
        assign(bare, TierPolicy(measure="margin"), AS_OF)
    with pytest.raises(CoverageError, match="goes by margin"):
        assign(bare, TierPolicy(value_shares={"key": 0.5}, value_by="margin"), AS_OF)


@pytest.mark.parametrize("by", ["revenue", "margin"])
def test_shares_of_value_may_be_shares_of_profit(scores, by):
    policy = TierPolicy(value_shares={"strategic": 0.5, "key": 0.3}, value_by=by)
    tiers = assign(scores, policy, AS_OF).tiers.execute()
    now = scores.filter(scores.month == str(AS_OF)).execute().set_index("customer_id")
    target = tiers[tiers.month == str(AS_OF)].set_index("customer_id").tier_by_score
    worth = now[f"{by}_window"].clip(lower=0)
    covered = worth.groupby(target.reindex(worth.index)).sum() / worth.sum()
    # ordered by score, so that the last customer taken may be any: it overshoots by its share,
    # and falls short by it where its score equals the next one's
    largest = worth.max() / worth.sum()
    assert abs(covered["strategic"] - 0.5) < largest
    assert abs(covered["strategic"] + covered["key"] - 0.8) < largest
    assert largest < 0.1
