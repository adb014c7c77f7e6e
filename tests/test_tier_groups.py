"""Tiers at the level of the parent: who belongs to whom, and what a group does together."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import ParamsError
from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import Override, TierPolicy, ValuePolicy
from analysis.tiers import Groups, assign, explain
from analysis.tiers.groups import group_months, members_of
from analysis.tiers.members import overrides_of_groups
from analysis.value import score
from canonical import canonical, company

AS_OF = Month(2026, 10)
POLICY = TierPolicy(level="parent")
KEY = ["customer_id", "month"]


def members(links: dict[str, str | None]) -> dict[str, str]:
    rows = [{"customer_id": c, "parent_customer_id": p} for c, p in links.items()]
    frame = members_of(canonical("customers", rows)).execute()
    return dict(zip(frame.customer_id, frame.group_id, strict=True))


def test_chains_lead_to_the_top_and_lone_customers_to_nobody():
    found = members({"A": None, "B": "A", "C": "B", "D": "C", "E": None, "F": "F", "G": "gone"})
    assert found == {**dict.fromkeys("ABCD", "A"), "G": "gone", "gone": "gone"}


def test_a_circle_of_parents_has_one_top():
    found = members({"A": "C", "B": "A", "C": "B", "D": "B", "X": "Y", "Y": "X"})
    assert found == {**dict.fromkeys("ABCD", "A"), "X": "X", "Y": "X"}


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.sampled_from("ABCDEFGH"), min_size=1))
def test_parent_and_child_always_share_a_group(links):
    found = members(links)
    for child, parent in links.items():
        if child != parent:
            assert found[child] == found[parent]


@pytest.fixture(scope="module")
def panel():
    made = customer_months(**company(customers_n=60, seed=3), as_of=AS_OF)
    return ibis.memtable(made.to_pyarrow())


@pytest.fixture(scope="module")
def grouped(panel) -> Groups:
    ids = sorted(panel.customer_id.execute().unique())
    rows = [{"customer_id": c, "parent_customer_id": ids[i // 4 * 4]} for i, c in enumerate(ids)]
    found = members_of(canonical("customers", rows[:40]))
    scores = score(group_months(panel, found), ValuePolicy(), AS_OF)
    return Groups(ibis.memtable(found.execute()), ibis.memtable(scores.to_pyarrow()))


def test_what_members_do_is_added_up(panel, grouped):
    whole = group_months(panel, grouped.members).execute()
    own = panel.execute()
    for column in ("shipments_n", "revenue", "margin", "tickets_n", "on_time_n", "answers_n"):
        assert whole[column].sum() == pytest.approx(own[column].sum(), rel=1e-9), column
    answers = own.dropna(subset="nps_score")
    mean = (answers.nps_score * answers.answers_n).sum() / answers.answers_n.sum()
    again = whole.dropna(subset="nps_score")
    # rounded to four decimals a month
    assert (again.nps_score * again.answers_n).sum() / again.answers_n.sum() == pytest.approx(
        mean, abs=1e-4
    )


def test_members_share_a_tier_and_every_customer_has_one(panel, grouped):
    scores = score(panel, ValuePolicy(), AS_OF)
    made = assign(scores, POLICY, AS_OF, groups=grouped)
    tiers = made.tiers.execute()
    assert len(tiers) == scores.count().execute()
    top = grouped.members.execute().set_index("customer_id").group_id
    tiers["group"] = tiers.customer_id.map(top).fillna(tiers.customer_id)
    assert (tiers.groupby(["group", "month"]).tier.nunique() == 1).all()
    assert made.moves.customer_id.is_unique
    moved = tiers[(tiers.month == str(AS_OF)) & (tiers.tier != tiers.previous_tier)]
    moved = moved.dropna(subset="previous_tier")
    assert set(made.moves[made.moves.moved].customer_id) == set(moved.customer_id)
    told = explain(made.moves, POLICY, "CNY")
    in_group = made.moves.group_id.notna()
    assert in_group.any()
    for message, together in zip(told, in_group, strict=True):
        assert message.in_(Language("en")).startswith("As part of the group K") == together
        assert ("集团" in message.in_(Language("zh"))) == together


def test_row_order_changes_nothing_and_a_month_alone_is_the_same(panel, grouped):
    frame = panel.execute().sample(frac=1, random_state=5)
    shuffled = ibis.memtable(frame, schema=panel.schema())
    scores = score(shuffled, ValuePolicy(), AS_OF)
    again = score(group_months(shuffled, grouped.members), ValuePolicy(), AS_OF)
    mixed = Groups(grouped.members, again)
    longer = framed(assign(scores, POLICY, AS_OF, groups=mixed).tiers)
    plain = framed(assign(score(panel, ValuePolicy(), AS_OF), POLICY, AS_OF, groups=grouped).tiers)
    pd.testing.assert_frame_equal(longer, plain)
    earlier = Month(2026, 3)
    known = panel.filter(panel.month <= str(earlier))
    own = score(known, ValuePolicy(), earlier)
    alone = Groups(
        grouped.members,
        score(group_months(known, grouped.members), ValuePolicy(), earlier),
    )
    made = framed(assign(own, POLICY, earlier, groups=alone).tiers)
    wanted = longer[longer.month <= str(earlier)].reset_index(drop=True)
    pd.testing.assert_frame_equal(made, wanted)


def framed(table) -> pd.DataFrame:
    return table.execute().sort_values(KEY, ignore_index=True)


def test_an_override_of_a_member_is_its_groups(panel, grouped):
    override = Override(
        customer_id="K00002",
        tier="strategic",
        first_month="2026-10",
        last_month="2026-12",
        reason="Contract",
        approved_by="Committee",
    )
    scores = score(panel, ValuePolicy(), AS_OF)
    tiers = assign(scores, POLICY, AS_OF, [override], grouped).tiers.execute()
    now = tiers[(tiers.month == str(AS_OF)) & (tiers.reason == "override")]
    assert sorted(now.customer_id) == ["K00000", "K00001", "K00002", "K00003"]
    other = override.model_copy(update={"customer_id": "K00003", "first_month": "2026-12"})
    with pytest.raises(ParamsError, match="one group"):
        overrides_of_groups([override, other], grouped.members)


def test_policy_and_groups_belong_together(panel, grouped):
    scores = score(panel, ValuePolicy(), AS_OF)
    with pytest.raises(ParamsError, match="belong together"):
        assign(scores, POLICY, AS_OF)
    with pytest.raises(ParamsError, match="belong together"):
        assign(scores, TierPolicy(), AS_OF, groups=grouped)
