"""The factor on the churn window: learnt from history, before assignment, from every customer."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd

from analysis.calendar import Calendar
from analysis.experiment.survival import survival_part
from analysis.experiment.window_factor import (
    MOST_RETURNED,
    WindowFactor,
    learn_window_factor,
)
from analysis.months import Month
from analysis.params.metric import Metric

START = pd.Timestamp("2025-04-01")
HISTORY, AFTER = 500, 400
STAY = Metric.model_validate({"name": "stay", "measure": "survival", "horizon": 180})


def drawn(customers: int, pauses: float, seed: int = 1) -> pd.DataFrame:
    """Shipments every 6 days on average; some gaps are pauses of 60 to 110 days; some leave."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(6, (customers, 200))
    gaps = np.where(rng.random(gaps.shape) < pauses, rng.uniform(60, 110, gaps.shape), gaps)
    day = gaps.cumsum(axis=1) - HISTORY
    leaves = rng.exponential(500, customers) - HISTORY
    who, nth = np.nonzero(day < np.minimum(leaves, AFTER)[:, None])
    at = START + pd.to_timedelta(np.round(day[who, nth] * 86_400), unit="s")
    return pd.DataFrame({"customer_id": [f"c{w:04d}" for w in who], "shipped_at": at})


def learnt(shipments: pd.DataFrame, before: pd.Timestamp = START) -> WindowFactor:
    return learn_window_factor(ibis.memtable(shipments), before.to_pydatetime(), Calendar())


def came_back(shipments: pd.DataFrame, factor: WindowFactor) -> float:
    """Share of those counted as lost after assignment that ship again."""
    names = shipments.loc[shipments.shipped_at < START, "customer_id"].unique()
    clock = pd.DataFrame({"customer_id": names, "assigned_at": START, "stratum": "s"})
    tables = ibis.memtable(clock), ibis.memtable(shipments)
    found = survival_part([STAY], *tables, Month.parse("2026-12"), factor=factor).table.execute()
    lost = found[found.stay_eligible & found.stay_churned]
    assert len(lost) > 60
    return float(lost.stay_returned.mean())


def test_steady_customers_need_no_longer_window():
    shipments = drawn(600, pauses=0.0)
    assert learnt(shipments) == WindowFactor(1.0, is_learnt=True)
    assert came_back(shipments, WindowFactor()) <= MOST_RETURNED


def test_the_factor_learnt_before_keeps_the_share_that_comes_back_after():
    shipments = drawn(1000, pauses=0.02)
    factor = learnt(shipments)
    assert factor.is_learnt
    assert 1.5 <= factor.value <= 2.5, "pauses end within 110 days, a window is about 55"
    assert came_back(shipments, WindowFactor()) > 3 * MOST_RETURNED
    assert came_back(shipments, factor) <= MOST_RETURNED + 0.03


def test_nothing_from_assignment_on_is_looked_at():
    shipments = drawn(600, pauses=0.02)
    before = shipments[shipments.shipped_at < START]
    assert learnt(shipments) == learnt(before)


def test_a_short_history_teaches_nothing_and_says_so():
    shipments = drawn(600, pauses=0.02)
    recent = shipments[shipments.shipped_at >= START - pd.Timedelta(days=150)]
    assert learnt(recent) == WindowFactor(1.0, is_learnt=False)
    assert learnt(shipments.head(0)) == WindowFactor()


def test_no_window_is_longer_than_180_days_so_that_no_value_is_complete_later():
    day = pd.to_timedelta([-40, -30, -20, -10, 5, 184], unit="D")
    one = pd.DataFrame({"customer_id": "A", "shipped_at": START + day})
    clock = pd.DataFrame({"customer_id": ["A"], "assigned_at": [START], "stratum": ["s"]})
    tables = ibis.memtable(clock), ibis.memtable(one)
    for factor, stayed in ((1.0, 5.0), (2.0, 5.0), (6.0, 180.0)):  # windows of 66, 132, 180 days
        part = survival_part(
            [STAY], *tables, Month.parse("2026-12"), factor=WindowFactor(factor, is_learnt=True)
        )
        row = part.table.execute().iloc[0]
        assert row.stay_days == stayed, factor
        assert row.stay_window_factor == factor


def test_a_first_assignment_within_a_day_is_the_end_of_what_is_known():
    shipments = drawn(600, pauses=0.02)
    noon = START + dt.timedelta(hours=12)
    assert learnt(shipments[shipments.shipped_at < noon], noon) == learnt(shipments, noon)
