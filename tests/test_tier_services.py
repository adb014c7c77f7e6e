"""What tiers cost and bring, and how often they are still right later: by hand, on small tables."""

from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.errors import GroupedError, ParamsError
from analysis.months import Month
from analysis.params import (
    Profile,
    ServicePlan,
    TierPolicy,
    load_policy,
    load_profile,
    load_services,
)
from analysis.params.loading import build
from analysis.tiers import accuracy, tier_services
from analysis.tiers.accuracy import longest_wait
from canonical import canonical
from small_profile import MINIMAL

ROOT = Path(__file__).parents[1]
AS_OF = Month(2026, 10)
MONTHS = pd.period_range(end="2026-10", periods=12, freq="M").strftime("%Y-%m")
PLAN = ServicePlan.model_validate(
    {
        "offered": {
            "agent": {"title": {"zh": "专", "en": "A"}, "cost": 100},
            "line": {"title": {"zh": "线", "en": "L"}, "cost": 7, "active_only": True},
            "capacity": {"title": {"zh": "运", "en": "C"}, "cost": 2, "per": "shipment"},
            "discount": {"title": {"zh": "折", "en": "D"}, "cost": 0.1, "per": "revenue"},
            "desk": {"title": {"zh": "单", "en": "T"}, "cost": 30, "per": "ticket"},
        },
        "tiers": {"strategic": ["agent", "capacity", "discount"], "regular": ["line", "desk"]},
    }
)


def tier_rows(tiers: dict[str, list[str]], earned: dict[str, list[str]] | None = None):
    """Tables `tiers` and the customers' months; the tier by score is the tier unless given."""
    rows = [
        {"customer_id": c, "month": m, "score": 50.0, "tier": t, "tier_by_score": by}
        for c, held in tiers.items()
        for m, t, by in zip(MONTHS[-len(held) :], held, (earned or {}).get(c, held), strict=True)
    ]
    return canonical("tiers", rows)


def test_accuracy_holds_the_tier_against_the_one_earned_later():
    key, low = "key", "regular"
    tiers = tier_rows(
        {"A": [key] * 12, "B": [key] * 12},
        {"A": [key] * 12, "B": [key] * 6 + [low] * 6},
    )
    found = accuracy(tiers, TierPolicy(), AS_OF, months_ahead=(1, 6, 12)).set_index("months_ahead")
    # B is held too high in the five months before the first of the last six, and in those
    assert found.accuracy[1] == pytest.approx(16 / 22)
    assert found.higher[1] == pytest.approx(6 / 22)
    assert found.accuracy[6] == pytest.approx(6 / 12)
    assert found.customer_months_n[12] == 0
    assert np.isnan(found.accuracy[12])
    assert found.is_next_period.tolist() == [True, False, False]
    assert found.ci_low[1] < found.accuracy[1] < found.ci_high[1]


def test_accuracy_reads_nothing_after_the_month_and_counts_only_scored_customers():
    tiers = tier_rows({"A": ["key"] * 12, "B": ["regular"] * 12})
    unscored = ibis.union(
        tiers.filter(tiers.customer_id == "A"),
        tiers.filter(tiers.customer_id == "B").mutate(score=ibis.literal(0.0)),
    )
    early = accuracy(unscored, TierPolicy(), Month(2026, 8), months_ahead=(1,))
    assert early.customers_n[0] == 1
    assert early.to_month[0] == "2026-07"
    later = unscored.mutate(
        tier_by_score=ibis.ifelse(unscored.month > "2026-08", "strategic", unscored.tier_by_score)
    )
    pd.testing.assert_frame_equal(
        accuracy(later, TierPolicy(), Month(2026, 8), months_ahead=(1,)), early
    )


def test_the_interval_knows_that_a_customers_months_hang_together():
    held = {f"K{i:02d}": ["key"] * 12 for i in range(20)}
    earned = {f"K{i:02d}": ["key" if i % 2 else "regular"] * 12 for i in range(20)}
    row = accuracy(tier_rows(held, earned), TierPolicy(), AS_OF, months_ahead=(1,)).iloc[0]
    assert row.accuracy == pytest.approx(0.5)
    # all of a customer's months agree, so that 20 customers count and not 220 months
    assert row.ci_high - row.accuracy == pytest.approx(2.093 * 0.5 / np.sqrt(19), rel=0.01)


@pytest.mark.parametrize(("months", "wait"), [(range(1, 13), 1), ([1], 12), ([1, 4, 7, 10], 3)])
def test_the_next_period_lasts_to_the_next_review(months, wait):
    assert longest_wait(TierPolicy(review_months=tuple(months))) == wait


def month_tables(tiers: dict[str, list[str]]):
    rows = [
        {"customer_id": c, "month": m, "shipments_n": 4 if c == "A" else 1, "tickets_n": 1}
        | {"revenue": 1000.0 if c == "A" else 50.0, "shipment_cost": 600.0 if c == "A" else 30.0}
        | {"margin": 400.0 if c == "A" else 20.0, "cost_to_serve": 100.0 if c == "A" else 10.0}
        for c, held in tiers.items()
        for m in MONTHS[-len(held) :]
    ]
    scores = ibis.memtable(
        pd.DataFrame(
            [
                {"customer_id": r["customer_id"], "month": r["month"], "frequency": 1}
                | {"abc_class": "A" if r["customer_id"] == "A" else "C"}
                | {"revenue_window": 1_200_000.0 if r["customer_id"] == "A" else 600.0}
                for r in rows
            ]
        )
    )
    return canonical("customer_months", rows), scores


def profile_with(services: ServicePlan | None, currency: str = "CNY") -> Profile:
    content = yaml.safe_load(MINIMAL) | {"money": {"currency": currency}}
    return build(Profile, content, "small").model_copy(update={"services": services})


def test_cost_and_profit_are_counted_by_the_tier_of_the_month():
    held = {"A": ["regular"] * 6 + ["strategic"] * 6, "B": ["regular"] * 12}
    panel, scores = month_tables(held)
    found = tier_services(panel, tier_rows(held), scores, profile_with(PLAN), AS_OF)
    by = found[found.grouping == "tier"].set_index("group")
    assert by.customers_n.to_dict() == {"strategic": 0.5, "regular": 1.5, "all": 2.0}
    assert by.profit["strategic"] == 6 * 300
    assert by.cost["all"] == 12 * 700 + 12 * 40
    # an agent, four shipments, a tenth of the revenue
    assert by.planned_cost["strategic"] == pytest.approx(6 * (100 + 4 * 2 + 100))
    assert by.planned_cost["regular"] == pytest.approx(18 * (7 + 30))
    assert by.share_of_profit["strategic"] == pytest.approx(1800 / 3720)
    assert by.cost_per_shipment["regular"] == pytest.approx((6 * 700 + 12 * 40) / (24 + 12))
    assert by.services["strategic"] == "agent,capacity,discount"
    large = found[found.group == "above_1_million"].iloc[0]
    assert (large.claim, large.claimed_share_of_cost) == ("value-cost", 0.28)
    assert large.share_of_profit == pytest.approx(3600 / 3720)
    assert found[found.group == "A"].claimed_share_of_profit.tolist() == [0.8]


def test_a_group_that_loses_money_has_a_negative_share_of_profit():
    held = {"A": ["key"] * 12, "B": ["regular"] * 12}
    panel, scores = month_tables(held)
    loss = panel.mutate(margin=ibis.ifelse(panel.customer_id == "B", -20.0, panel.margin))
    found = tier_services(loss, tier_rows(held), scores, profile_with(PLAN), AS_OF)
    by = found[found.grouping == "tier"].set_index("group").loc[["key", "regular"]]
    assert by.share_of_profit.tolist() == pytest.approx([3600 / 3240, -360 / 3240])
    assert (by.share_of_profit_low < by.share_of_profit).all()
    above, below = (
        (by.share_of_profit_high - by.share_of_profit).to_numpy(),
        (by.share_of_profit - by.share_of_profit_low).to_numpy(),
    )
    assert above == pytest.approx(below)
    assert by.share_of_cost_low.ge(0).all()
    assert by.share_of_cost_high.le(1).all()


def test_a_window_that_is_no_year_says_nothing_of_a_million_a_year():
    held = {"A": ["key"] * 12, "B": ["regular"] * 12}
    panel, scores = month_tables(held)
    profile = profile_with(PLAN)
    value = profile.value.model_copy(update={"window_months": 24})
    longer = profile.model_copy(update={"value": value})
    found = tier_services(panel, tier_rows(held), scores, longer, AS_OF)
    assert set(found.grouping) == {"tier", "abc"}


def test_what_is_not_recorded_stays_null():
    held = {"A": ["key"] * 12, "B": ["regular"] * 12}
    panel, scores = month_tables(held)
    nothing = {c: ibis.null("float64") for c in ("shipment_cost", "margin", "cost_to_serve")}
    bare = panel.mutate(**nothing, tickets_n=ibis.null("int64"))
    found = tier_services(bare, tier_rows(held), scores, profile_with(None, "USD"), AS_OF)
    assert set(found.grouping) == {"tier", "abc"}  # a million yuan is no bound in dollars
    empty = ["cost", "profit", "share_of_cost", "share_of_profit", "planned_cost", "services"]
    assert found[empty].isna().all().all()
    assert found.revenue.notna().all()


def test_counts_that_are_known_of_some_customers_only_can_be_kept():
    """A null among integers must leave numbers, not objects that no file can hold."""
    held = {"A": ["key"] * 12, "B": ["regular"] * 12}
    panel, scores = month_tables(held)
    partly = panel.mutate(tickets_n=(panel.customer_id == "A").ifelse(panel.tickets_n, None))
    found = tier_services(partly, tier_rows(held), scores, profile_with(PLAN), AS_OF)
    assert pd.api.types.is_numeric_dtype(found.tickets_n)
    assert found.set_index("group").tickets_n.isna()["regular"]


# ---- policy and service files --------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "params" / "policies").glob("*.yaml")), ids=str)
def test_a_shipped_policy_is_valid(path):
    assert load_policy(path).title.zh


def test_a_profile_may_name_its_policy_and_plan(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "services").mkdir()
    policy = "schema_version: 1\ntitle: {zh: 年, en: Yearly}\ntiers: {review_months: [1]}\n"
    plan = (
        "schema_version: 1\nservices:\n  offered: {desk: {title: {zh: 单, en: Desk}, cost: 1}}\n"
        "  tiers: {regular: [desk]}\n"
    )
    (tmp_path / "policies" / "yearly.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "services" / "small.yaml").write_text(plan, encoding="utf-8")
    path = tmp_path / "small.yaml"
    named = "tiers: policies/yearly.yaml\nservices: services/small.yaml\n"
    path.write_text(MINIMAL + named, encoding="utf-8")
    profile = load_profile(path)
    assert profile.tiers.review_months == (1,)
    assert profile.services == load_services(tmp_path / "services" / "small.yaml")
    path.write_text(MINIMAL + "tiers: policies/yerly.yaml\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="not found") as fault:
        load_profile(path)
    assert "yearly.yaml" in fault.value.todo


def test_an_unknown_service_is_refused_with_the_nearest(tmp_path):
    content = {"offered": {"desk": {"title": {"zh": "单", "en": "D"}, "cost": 1}}}
    with pytest.raises((ParamsError, GroupedError), match="dask") as fault:
        build(ServicePlan, content | {"tiers": {"regular": ["dask"]}}, "services")
    assert "desk" in str(fault.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"measure": "abc"},
        {"classes": {"key": ["A"]}},
        {"measure": "abc", "classes": {"key": ["D"]}},
        {"measure": "rfm", "classes": {"key": ["x"], "strategic": ["x"]}},
        {"measure": "abc", "classes": {"key": ["A"]}, "shares": {"key": 0.1}},
        {"shares": {"key": 0.1}, "value_by": "margin"},
        {"level": "depot"},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ParamsError):
        build(TierPolicy, wrong, "tiers")
