"""RFM, ABC and the score: right, deterministic, and never changed by a later run."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.engine import open_engine
from analysis.errors import ParamsError
from analysis.months import Month
from analysis.panel import customer_months
from analysis.params import ValuePolicy
from analysis.params.loading import build
from analysis.value import score, with_dimensions
from analysis.value.ranking import position, with_shared_position
from canonical import company

AS_OF = Month(2026, 10)
KEY = ["customer_id", "month"]
POLICY = ValuePolicy()


@pytest.fixture(scope="module")
def panel():
    return ibis.memtable(customer_months(**company(), as_of=AS_OF).to_pyarrow())


@pytest.fixture(scope="module")
def scores(panel) -> pd.DataFrame:
    return framed(score(panel, POLICY, AS_OF))


def framed(table) -> pd.DataFrame:
    return table.execute().sort_values(KEY, ignore_index=True)


def panel_of(rows: list[tuple], months: int = 1) -> ibis.Table:
    """A panel from (customer, shipments, revenue, margin, day of the last shipment) of 2026-10."""
    frame = pd.DataFrame(rows, columns=["customer_id", "n", "revenue", "margin", "day"])
    ends = pd.period_range(end="2026-10", periods=months, freq="M")
    repeated = pd.concat([frame.assign(month=str(month)) for month in ends])
    last = pd.to_datetime(repeated.month + "-" + repeated.day.astype(str).str.zfill(2))
    made = pd.DataFrame(
        {
            "customer_id": repeated.customer_id,
            "month": repeated.month,
            "shipments_n": repeated.n.astype("int64"),
            "revenue": repeated.revenue.astype(float),
            "margin": repeated.margin.astype(float),
            "last_shipped_at": last.where(repeated.n > 0),
        }
    )
    kinds = {"shipments_n": "int64", "revenue": "float64", "margin": "float64"}
    kinds |= {"customer_id": "string", "month": "string", "last_shipped_at": "timestamp(6)"}
    return ibis.memtable(made, schema={name: kinds[name] for name in made})


def scored(rows: list[tuple], policy: ValuePolicy = POLICY) -> pd.DataFrame:
    return framed(score(panel_of(rows), policy, AS_OF)).set_index("customer_id")


def test_windows_agree_with_pandas(panel, scores):
    frame = panel.execute().sort_values(KEY, ignore_index=True)
    by = frame.groupby("customer_id")
    wanted = {
        "frequency": by["shipments_n"].transform(lambda x: x.rolling(12, 1).sum()),
        "revenue_window": by["revenue"].transform(lambda x: x.rolling(12, 1).sum()),
        "margin_window": by["margin"].transform(lambda x: x.rolling(12, 1).sum()),
    }
    for name, values in wanted.items():
        # rolling sums in floating point, against amounts rounded to four decimals
        assert np.allclose(scores[name].astype(float), values.astype(float), atol=1e-3), name
    ends = pd.PeriodIndex(frame.month, freq="M").to_timestamp(how="end").normalize()
    days = (ends - frame.last_shipped_at.dt.normalize()).dt.days
    assert np.array_equal(scores["recency_days"], days, equal_nan=True)


def test_a_later_run_never_changes_an_earlier_score(panel, scores):
    earlier = Month(2025, 9)
    then = framed(score(panel, POLICY, earlier))
    now = scores[scores.month <= str(earlier)].reset_index(drop=True)
    pd.testing.assert_frame_equal(then, now)


def test_the_order_of_rows_changes_nothing(panel, scores):
    shuffled = ibis.memtable(panel.execute().sample(frac=1, random_state=1), schema=panel.schema())
    pd.testing.assert_frame_equal(framed(score(shuffled, POLICY, AS_OF)), scores)


def test_equal_customers_share_the_middle():
    rows = [(f"K{i}", 3, 100.0, 20.0, 10) for i in range(7)]
    got = scored(rows)
    assert got.score.tolist() == [50.0] * 7
    assert (got[["r", "f", "m"]] == 3).all(axis=None)


def test_groups_are_fifths_of_the_ranked_customers():
    rows = [(f"K{i:02d}", i + 1, 100.0 * (i + 1), 20.0, 1 + i) for i in range(20)]
    got = scored(rows)
    for part in "rfm":
        assert got[part].tolist() == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4
    assert got.score.is_monotonic_increasing


def test_customers_that_left_or_never_came_do_not_fill_the_groups(panel, scores):
    now = scores[scores.month == str(AS_OF)].set_index("customer_id")
    gone, never = now[(now.frequency == 0) & now.recency_days.notna()], now[now.recency_days.isna()]
    assert len(gone)
    assert gone.score.eq(0).all()
    assert gone.rfm_group.eq("dormant").all()
    assert len(never)
    assert never[["score", "rfm_group"]].isna().all(axis=None)
    assert pd.concat([gone, never])[["r", "f", "m", "abc_class"]].isna().all(axis=None)
    ranked = now[now.frequency > 0]
    # positions of n ranked values are symmetric around one half
    assert (ranked.score.mean()) == pytest.approx(50, abs=1e-3)


def test_the_score_weighs_the_three_positions():
    rows = [("low", 1, 900.0, 1.0, 5), ("high", 2, 100.0, 1.0, 20)]
    by_value = ValuePolicy(weights={"monetary": 1.0})
    assert scored(rows, by_value).score.to_dict() == {"high": 25.0, "low": 75.0}
    # positions ¼ and ¾: high leads in recency (.2) and frequency (.3), low in value (.5)
    assert scored(rows).score.to_dict() == {"high": 50.0, "low": 50.0}


def test_without_revenue_the_other_parts_keep_their_proportion():
    rows = [("low", 1, None, None, 5), ("high", 2, None, None, 20)]
    got = scored(rows)
    assert got.score.to_dict() == {"high": 75.0, "low": 25.0}
    assert got[["m", "abc_class"]].isna().all(axis=None)
    assert got.loc["high", "rfm_group"] == "high_frequency_low_value"


def test_named_groups_hold_against_the_mean():
    rows = [
        ("A", 10, 1000.0, 1, 5),
        ("B", 9, 10.0, 1, 5),
        ("C", 1, 900.0, 1, 5),
        ("D", 1, 1.0, 1, 5),
    ]
    assert scored(rows).rfm_group.to_dict() == {
        "A": "high_frequency_high_value",
        "B": "high_frequency_low_value",
        "C": "low_frequency_high_value",
        "D": "low_frequency_low_value",
    }


def test_abc_goes_by_margin_until_the_cuts_are_covered():
    margins = {"A": 500.0, "B": 290.0, "C": 60.0, "D": 60.0, "E": 50.0, "F": 40.0, "G": 0, "H": -90}
    got = scored([(c, 1, 1.0, m, 5) for c, m in margins.items()])
    # better customers already cover 0, 50, 79 %, then 85 % (both of the tie), 97 … of 1000
    classes = dict(zip("ABCDEFGH", "AAABBCCC", strict=True)) | {"C": "A", "D": "A", "E": "B"}
    assert got.abc_class.to_dict() == classes
    assert got.abc_by.eq("margin").all()


def test_abc_goes_by_revenue_where_no_cost_is_known():
    got = scored([("A", 1, 99.0, None, 5), ("B", 1, 1.0, None, 5)])
    assert got.abc_class.to_dict() == {"A": "A", "B": "C"}
    assert got.abc_by.eq("revenue").all()


AMOUNTS = st.one_of(
    st.floats(-50, 300).map(lambda x: round(x, 2)), st.sampled_from([0.0, 100.0, 100.01, 4e6])
)


@settings(max_examples=20, deadline=None)
@given(st.lists(AMOUNTS, min_size=1, max_size=60), st.sampled_from([(0.8, 0.95), (0.3, 0.31)]))
def test_abc_of_bands_is_that_of_all_amounts(margins, cuts):
    """Only two bands a month are sorted; the classes are those of sorting everyone."""
    rows = [(f"K{i:02d}", 1, 1.0, margin, 5) for i, margin in enumerate(margins)]
    got = scored(rows, ValuePolicy(abc_cuts=cuts)).sort_index().abc_class
    paid = [max(round(margin * 10_000), 0) for margin in margins]
    better = [sum(p for p in paid if p > own) for own in paid]
    ends = dict(zip("AB", cuts, strict=True))
    wanted = [
        "C" if own == 0 else next((c for c, cut in ends.items() if above / sum(paid) < cut), "C")
        for own, above in zip(paid, better, strict=True)
    ]
    assert got.tolist() == wanted


def test_scores_come_by_customer_and_month_whatever_the_order_of_rows(panel, tmp_path):
    written = []
    for run, cores in enumerate((1, 2)):
        engine = open_engine(cores=cores)
        panel.execute().sample(frac=1, random_state=run).to_parquet(tmp_path / "panel.parquet")
        shuffled = engine.read(tmp_path / "panel.parquet").cast(panel.schema())
        for name, made in (
            ("scores", score(shuffled, POLICY, AS_OF)),
            ("dimensions", with_dimensions(shuffled, POLICY, AS_OF)),
        ):
            engine.write(made, tmp_path / f"{name}.{run}.parquet")
            keys = pd.read_parquet(tmp_path / f"{name}.{run}.parquet")[KEY]
            assert keys.equals(keys.sort_values(KEY, ignore_index=True))
            written.append((tmp_path / f"{name}.{run}.parquet").read_bytes())
    assert written[:2] == written[2:]


def test_abc_survives_absurd_amounts():
    got = scored([("A", 1, 1.0, 1e30, 5), ("B", 1, 1.0, 1e30, 5), ("C", 1, 1.0, 1.0, 5)])
    assert got.abc_class.to_dict() == {"A": "A", "B": "A", "C": "C"}


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 6), st.integers(1, 28)), min_size=1))
def test_more_never_scores_less(drawn):
    rows = [(f"K{i}", n, float(r), None, d) for i, (n, r, d) in enumerate(drawn)]
    got = scored(rows).reindex([row[0] for row in rows])
    for (n, r, d), mine in zip(drawn, got.score, strict=True):
        worse = [n2 <= n and r2 <= r and d2 <= d for n2, r2, d2 in drawn]
        assert (got.score[worse] <= mine).all()
        assert 0 < mine < 100


def test_a_policy_that_cannot_be_is_refused():
    for wrong in (
        {"weights": {"recency": -1}},
        {"abc_cuts": [0.9, 0.8]},
        {"weights": {"recency": 0}},
    ):
        with pytest.raises(ParamsError):
            build(ValuePolicy, wrong, "value")


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=15, deadline=None)
def test_positions_of_shared_values_are_those_of_sorted_customers(rows):
    frame = pd.DataFrame(rows, columns=["days", "is_ranked"]).assign(month="2026-01")
    frame["days"] = frame["days"].where(frame["days"] > 0).astype("Int64")
    table = ibis.memtable(
        frame, schema={"days": "int64", "is_ranked": "boolean", "month": "string"}
    )
    both = with_shared_position(table, table.view(), "shared", lambda t: -t.days)
    told = both.mutate(alone=position(both, -both.days)).execute()
    assert len(told) == len(frame)
    pd.testing.assert_series_equal(told.shared, told.alone, check_names=False)
