"""The draw of an experiment: reproducible, balanced, and frozen with its plan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.cli import exit_code_of
from analysis.errors import DesignError, ParamsError
from analysis.experiment import load_frozen_plans
from analysis.experiment.design.balance import balance
from analysis.experiment.design.drawing import draw, keyed, systematic, tickets
from analysis.experiment.freezing import freeze, frozen_beside, read_frozen
from analysis.params import load_experiment
from analysis.params.experiment import ExperimentSpec
from canonical import company
from experiment_units import units as plain_units
from small_profile import MINIMAL

METRIC = {"name": "frequency", "measure": "frequency", "role": "primary", "window": [0, 90],
          "minimum_effect": 2}  # fmt: skip
PLAN = {
    "id": "trial",
    "control": "uniform",
    "allocation": {"tiered": 0.5, "uniform": 0.5},
    "strata": ["region"],
    "looks": "accrual",
    "planned_n": 200,
    "metrics": [METRIC],
}


def plan(**changes: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate(PLAN | changes)


def customers(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"K{i:04d}" for i in range(n)],
            "region": rng.choice(["east", "south", None], n, p=[0.6, 0.3, 0.1]),
            "cluster_id": [f"D{c:02d}" for c in rng.choice(24, n)],
            "prior_revenue": rng.lognormal(8, 1, n),
        }
    )


# ---- the draw ------------------------------------------------------------------------------


def test_a_draw_depends_on_key_experiment_and_name_alone():
    units, spec = customers(), plan()
    one = draw(units, spec, key="k", blocks=["region"])
    shuffled = units.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(one, draw(shuffled, spec, key="k", blocks=["region"]))
    other_key = draw(units, spec, key="other", blocks=["region"])
    other_id = draw(units, plan(id="second"), key="k", blocks=["region"])
    for other in (other_key, other_id):
        assert 0.3 < (one["arm"] == other["arm"]).mean() < 0.7


def test_arms_are_even_within_every_block():
    drawn = draw(customers(), plan(), key="k", blocks=["region"])
    counts = drawn.groupby(["stratum", "arm"]).size().unstack()
    assert set(counts.index) == {"east", "south", "-"}
    assert (counts["tiered"] - counts["uniform"]).abs().max() <= 1


@pytest.mark.full
def test_every_customer_gets_each_arm_with_the_planned_chance():
    units, spec = customers(30), plan(allocation={"tiered": 0.25, "uniform": 0.75})
    drawn = [draw(units, spec, key=str(i), blocks=["region"])["arm"] == "tiered"
             for i in range(200)]  # fmt: skip
    counts = np.sum(drawn, axis=0)
    low, high = stats.binom.ppf([0.00001, 0.99999], 200, 0.25)  # 30 customers at once
    assert low <= counts.min()
    assert counts.max() <= high


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=2, max_size=4),
    st.integers(0, 99),
)
def test_every_beginning_of_a_group_holds_its_shares(groups, parts, key):
    shares = {f"a{i}": part / sum(parts) for i, part in enumerate(parts)}
    index = pd.RangeIndex(len(groups))
    group = pd.Series([f"g{g}" for g in groups], index=index)
    ticket = tickets(str(key), pd.Series([f"u{i}" for i in index], index=index))
    starts = pd.DataFrame(
        {name: group.map(lambda g, name=name: keyed(str(key), g, name)) for name in shares}
    )
    dealt = systematic(group, ticket, shares, starts)
    for g in set(group):
        ordered = dealt[group == g].loc[ticket[group == g].sort_values().index]
        for rank in range(1, len(ordered) + 1):
            first, *others = shares
            off = {a: abs((ordered[:rank] == a).sum() - rank * shares[a]) for a in shares}
            assert off[first] < 1 + 1e-9
            assert all(off[a] < 2 + 1e-9 for a in others)


def test_newcomers_change_nobody_and_are_dealt_evenly():
    before_units, spec = customers(150), plan()
    before = draw(before_units, spec, key="k", blocks=["region"])
    # regions of old customers may have changed since, and some no longer ship
    later = customers(260, seed=9).iloc[20:]
    after = draw(later, spec, key="k", blocks=["region"], before=before)
    old = after[after["customer_id"].isin(before["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before)
    new = after[~after["customer_id"].isin(before["customer_id"])]
    assert len(new) == 110
    counts = new.groupby(["stratum", "arm"]).size().unstack()
    assert (counts["tiered"] - counts["uniform"]).abs().max() <= 1


def test_clusters_stay_whole_and_their_sizes_alike():
    spec = plan(design="cluster", cluster="cluster_id", strata=[])
    drawn = draw(customers(600), spec, key="k")
    assert (drawn.groupby("cluster_id")["arm"].nunique() == 1).all()
    clusters = drawn.groupby("arm")["cluster_id"].nunique()
    assert abs(clusters["tiered"] - clusters["uniform"]) <= 1
    sizes = drawn["arm"].value_counts()
    assert abs(sizes["tiered"] - sizes["uniform"]) < 0.12 * len(drawn)


def test_two_stages_give_clusters_shares_and_customers_arms():
    spec = plan(design="saturation", cluster="cluster_id", strata=[])
    drawn = draw(customers(600), spec, key="k")
    assert (drawn.groupby("cluster_id")["cluster_share"].nunique() == 1).all()
    share = drawn.groupby("cluster_share")["arm"].apply(lambda arm: (arm == "tiered").mean())
    assert share[0.0] == 0
    assert share[1.0] == 1
    assert share[0.5] == pytest.approx(0.5, abs=0.05)
    assert drawn.groupby("cluster_share")["cluster_id"].nunique().tolist() == [8, 8, 8]
    half = drawn[drawn["cluster_share"] == 0.5]
    assert (half["arm"] == half["arm_at_half"]).all()


def test_a_customer_without_a_cluster_or_twice_is_refused():
    spec, units = plan(design="cluster", cluster="cluster_id", strata=[]), customers(20)
    with pytest.raises(DesignError, match="1 units have no cluster"):
        draw(units.assign(cluster_id=[None, *units["cluster_id"][1:]]), spec, key="k")
    with pytest.raises(DesignError, match="twice"):
        draw(pd.concat([units, units[:1]]), spec, key="k")


def test_the_balance_tells_an_uneven_draw():
    units, spec = customers(400), plan()
    drawn = draw(units, spec, key="k", blocks=["region"])
    even = balance(units, drawn, spec, ["region", "prior_revenue"])
    assert even.loc[even["covariate"] == "region", "is_balanced"].all()
    # whoever brings more than the median gets the treatment
    rich = (units["prior_revenue"] > units["prior_revenue"].median()).to_numpy()
    uneven = balance(units, drawn.assign(arm=np.where(rich, "tiered", "uniform")), spec,
                     ["prior_revenue"]).iloc[0]  # fmt: skip
    assert not uneven["is_balanced"]
    one, other = units["prior_revenue"][rich], units["prior_revenue"][~rich]
    by_hand = (one.mean() - other.mean()) / np.sqrt((one.var(ddof=0) + other.var(ddof=0)) / 2)
    assert uneven["difference"] == pytest.approx(by_hand)


# ---- the command ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> Path:
    """Two months of a small company, the later one with customers that came since."""
    root = tmp_path_factory.mktemp("company")
    profile = root / "params" / "small.yaml"
    profile.parent.mkdir()
    profile.write_text(MINIMAL, encoding="utf-8")
    tables = company(customers_n=80, seed=5)
    shipments = tables["shipments"]
    kept = shipments.filter(shipments.customer_id < "K00070")
    for month, sent in (("2026-08", kept), ("2026-10", shipments)):
        folder = root / "data" / "processed" / "small" / month
        folder.mkdir(parents=True)
        for name, table in {"customers": tables["customers"], "shipments": sent}.items():
            pq.write_table(table.to_pyarrow(), folder / f"{name}.parquet")
    return root


def called(root: Path, folder: Path, month: str = "2026-08", *more: str, **changes: object) -> int:
    """Write the plan and run ``tierlab design --assign`` on it."""
    (folder / "plan.yaml").write_text(yaml.safe_dump(PLAN | changes), encoding="utf-8")
    words = ["design", "--profile", str(root / "params" / "small.yaml"), "--out", str(root)]
    words += ["--experiment", str(folder / "plan.yaml"), "--draws", "0", "--customers", "40"]
    words += ["--month", month, "--language", "en", "--assign", str(folder / "drawn.csv")]
    return exit_code_of([*words, *more])


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


@pytest.fixture(scope="module")
def drawn(months, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    assert called(months, folder, "2026-08", "--key", "secret") == 0
    return folder


def copied(drawn: Path, folder: Path) -> Path:
    for name in ("plan.yaml", "plan.frozen.json", "drawn.csv"):
        (folder / name).write_bytes((drawn / name).read_bytes())
    return folder


def test_the_file_is_the_keyed_draw_of_those_that_ship(drawn, months):
    file = read(drawn / "drawn.csv")
    assert set(file["assigned_at"]) == {"2026-09-01T00:00:00"}
    shipments = pd.read_parquet(months / "data/processed/small/2026-08/shipments.parquet")
    at = shipments["shipped_at"]
    quarter = at.ge(pd.Timestamp("2026-09-01") - pd.Timedelta(days=90)) & at.lt("2026-09-01")
    regions = pd.read_parquet(months / "data/processed/small/2026-08/customers.parquet")
    ship = shipments.loc[quarter, "customer_id"].unique()
    expected = draw(
        regions[regions["customer_id"].isin(ship)], plan(), key="secret", blocks=["region"]
    )
    assert dict(zip(file["customer_id"], file["arm"], strict=True)) == dict(
        zip(expected["customer_id"], expected["arm"], strict=True)
    )
    frozen = json.loads((drawn / "plan.frozen.json").read_text(encoding="utf-8"))
    assert frozen["draw"]["key"] == "secret"
    assert frozen["draw"]["rounds"][0]["customers"] == len(file)


def test_drawing_again_gives_the_same_file(drawn, months, tmp_path):
    copied(drawn, tmp_path)
    (tmp_path / "drawn.csv").unlink()
    assert called(months, tmp_path) == 0  # the frozen plan keeps the key
    for name in ("drawn.csv", "plan.frozen.json"):
        assert (tmp_path / name).read_bytes() == (drawn / name).read_bytes()


def test_a_changed_plan_is_not_drawn_again(drawn, months, tmp_path, capsys):
    copied(drawn, tmp_path)
    assert called(months, tmp_path, alpha=0.1) == DesignError.exit_code
    told = capsys.readouterr().err
    assert "changed after it was drawn" in told
    assert "alpha: – → 0.1" in told
    assert (tmp_path / "drawn.csv").read_bytes() == (drawn / "drawn.csv").read_bytes()


def test_an_edited_file_is_not_added_to(drawn, months, tmp_path, capsys):
    copied(drawn, tmp_path)
    text = (tmp_path / "drawn.csv").read_text(encoding="utf-8")
    (tmp_path / "drawn.csv").write_text(text.replace(",tiered,", ",uniform,", 1), encoding="utf-8")
    assert called(months, tmp_path, "2026-10") == 4
    assert "not the one that was drawn" in capsys.readouterr().err


def test_newcomers_are_added_where_units_accrue_and_only_there(drawn, months, tmp_path, capsys):
    copied(drawn, tmp_path)
    assert called(months, tmp_path, "2026-10") == 0
    before, after = read(drawn / "drawn.csv"), read(tmp_path / "drawn.csv")
    old = after[after["customer_id"].isin(before["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before)
    new = after[~after["customer_id"].isin(before["customer_id"])]
    assert len(new)
    assert set(new["assigned_at"]) == {"2026-11-01T00:00:00"}
    rounds = json.loads((tmp_path / "plan.frozen.json").read_text(encoding="utf-8"))["draw"]
    assert [r["month"] for r in rounds["rounds"]] == ["2026-08", "2026-10"]

    calendar = tmp_path / "calendar"
    calendar.mkdir()
    fixed = {"looks": "calendar", "looks_planned": 3, "planned_n": None}
    assert called(months, calendar, **fixed) == 0
    kept = (calendar / "drawn.csv").read_bytes()
    assert called(months, calendar, "2026-10", **fixed) == DesignError.exit_code
    assert "drawn as of 2026-08" in capsys.readouterr().err
    assert (calendar / "drawn.csv").read_bytes() == kept


def test_a_draw_is_never_of_a_start_in_the_past(months, tmp_path, capsys):
    assert called(months, tmp_path, starts_on="2026-08-15") == DesignError.exit_code
    assert "starts before the month of its draw ends" in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"plan.yaml"}


# ---- frozen plans --------------------------------------------------------------------------

COLOURS = {
    "id": "colours", "unit": "id", "arm": "arm", "control": "grey", "looks": "accrual",
    "allocation": {"grey": 0.5, "red": 0.5}, "planned_n": 400,
    "metrics": [{"name": "orders", "kind": "mean", "column": "orders", "role": "primary"}],
}  # fmt: skip


def evaluated(folder: Path, content: dict) -> dict:
    (folder / "plan.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    plain_units().to_csv(folder / "units.csv", index=False)
    words = ["--experiment", str(folder / "plan.yaml"), "--units", str(folder / "units.csv")]
    assert exit_code_of(["evaluate", *words, "--out", str(folder / "out")]) == 0
    return json.loads((folder / "out" / "verdict.json").read_text(encoding="utf-8"))


def test_evaluate_shows_a_changed_plan_and_calls_the_verdict_exploratory(tmp_path, capsys):
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(COLOURS), encoding="utf-8")
    freeze(tmp_path / "plan.yaml", load_experiment(tmp_path / "plan.yaml"), "2026-09", {})
    renamed = COLOURS | {"title": {"zh": "改名", "en": "Renamed"}}
    assert not evaluated(tmp_path, renamed)["exploratory"]  # a title binds nothing
    capsys.readouterr()
    found = evaluated(tmp_path, COLOURS | {"planned_n": 100})
    assert found["exploratory"]
    told = capsys.readouterr().out
    assert "changed after it was frozen in September 2026" in told
    assert "Plan, planned_n: 400 → 100" in told
    page = (tmp_path / "out" / "report.en.html").read_text(encoding="utf-8")
    assert "exploratory: plan or assignment was changed after the start" in page
    assert "planned_n" in page


def test_a_frozen_file_that_was_edited_is_refused(tmp_path):
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(COLOURS), encoding="utf-8")
    spec = load_experiment(tmp_path / "plan.yaml")
    freeze(tmp_path / "plan.yaml", spec, "2026-09", {"key": "k"})
    assert load_frozen_plans(tmp_path)["colours"] == read_frozen(tmp_path / "plan.yaml")
    file = frozen_beside(tmp_path / "plan.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("400", "100"), encoding="utf-8")
    with pytest.raises(ParamsError, match="does not have its digest"):
        read_frozen(tmp_path / "plan.yaml")
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ParamsError, match="cannot be read"):
        load_frozen_plans(tmp_path)
