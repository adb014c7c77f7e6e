"""Customer features: documented, right, and read from nothing later."""

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.months import Month
from analysis.panel import customer_features, customer_months, feature_dictionary
from canonical import company

AS_OF = Month(2026, 8)


@pytest.fixture(scope="module")
def panel():
    made = customer_months(**company(), as_of=Month(2026, 10))
    return ibis.memtable(made.to_pyarrow(), schema=made.schema())


@pytest.fixture(scope="module")
def features(panel) -> pd.DataFrame:
    return customer_features(panel, AS_OF).execute()


def test_every_feature_is_documented_in_both_languages(panel, features):
    told = feature_dictionary(panel)
    assert len(told) >= 200
    assert told.feature.is_unique
    assert (told.apply(lambda column: column.str.len()) > 0).all(axis=None)
    assert list(features.columns) == ["customer_id", "month", *told.feature]
    assert features.customer_id.is_unique


def test_features_agree_with_pandas(panel, features):
    frame = panel.execute()
    frame = frame[frame.month <= str(AS_OF)]
    half = frame[frame.month >= "2026-03"].groupby("customer_id")
    before = frame[(frame.month >= "2025-09") & (frame.month <= "2026-02")].groupby("customer_id")
    got = features.set_index("customer_id")
    shipments = half.shipments_n.sum()
    earlier = before.shipments_n.sum().reindex(shipments.index)
    wanted = {
        "shipments_6m": shipments,
        "revenue_best_6m": half.revenue.max(),
        "on_time_rate_6m": half.on_time_n.sum() / half.promised_n.sum(),
        "shipments_growth_6m": (shipments - earlier) / (shipments + earlier),
    }
    for name, values in wanted.items():
        mine = got.loc[values.index, name].astype(float)
        # rounded to six decimals
        assert np.allclose(mine, values.astype(float), atol=1e-5, equal_nan=True), name


def test_later_rows_and_the_order_of_rows_change_nothing(panel, features):
    frame = panel.execute().sample(frac=1, random_state=1)
    frame.loc[frame.month > str(AS_OF), ["shipments_n", "revenue"]] = 9999
    again = customer_features(ibis.memtable(frame, schema=panel.schema()), AS_OF).execute()
    pd.testing.assert_frame_equal(features, again)


def test_the_overdue_share_counts_an_invoice_once(panel):
    """20 are overdue at every month's end, 10 fall due a month."""
    frame = panel.execute().assign(due=10.0, overdue=20.0)
    got = customer_features(ibis.memtable(frame, schema=panel.schema()), AS_OF).execute()
    inside = frame[(frame.month >= "2026-03") & (frame.month <= str(AS_OF))]
    wanted = 20 / inside.groupby("customer_id").due.sum()
    mine = got.set_index("customer_id").overdue_share_6m.reindex(wanted.index)
    # rounded to six decimals
    assert np.allclose(mine.astype(float), wanted, atol=1e-5)
