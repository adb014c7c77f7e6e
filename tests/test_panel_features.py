"""Customer features: documented, right, and read from nothing later."""

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.language import Language
from analysis.months import Month
from analysis.panel import customer_features, customer_months, feature_dictionary
from analysis.panel.features.dictionary import RECORDED
from canonical import company
from feature_page import PAGE, rendered_page

AS_OF = Month(2026, 8)


@pytest.fixture(scope="module")
def panel():
    made = customer_months(**company(), as_of=Month(2026, 10))
    return ibis.memtable(made.to_pyarrow(), schema=made.schema())


@pytest.fixture(scope="module")
def features(panel):
    return customer_features(panel, AS_OF)


def test_every_feature_is_documented_in_both_languages(features):
    told = feature_dictionary()
    assert len(told) >= 200
    assert told.feature.is_unique
    assert told.meaning_en.is_unique
    assert told.meaning_zh.is_unique
    assert (told.apply(lambda column: column.str.len()) > 0).all(axis=None)
    assert list(features.values.columns) == ["customer_id", "month", *told.feature]
    assert features.values.customer_id.is_unique


def test_the_page_shows_the_dictionary_as_it_is():
    message = "run: python tests/feature_page.py"
    assert PAGE.read_text(encoding="utf-8") == rendered_page(), message


def test_features_agree_with_pandas(panel, features):
    frame = panel.execute()
    frame = frame[frame.month <= str(AS_OF)]
    half = frame[frame.month >= "2026-03"].groupby("customer_id")
    before = frame[(frame.month >= "2025-09") & (frame.month <= "2026-02")].groupby("customer_id")
    got = features.values.set_index("customer_id")
    shipments = half.shipments_n.sum()
    earlier = before.shipments_n.sum().reindex(shipments.index)
    wanted = {
        "shipments_6m": shipments,
        "revenue_best_6m": half.revenue.max(),
        "on_time_rate_6m": half.on_time_n.sum() / half.promised_n.sum(),
        "shipments_growth_6m": (shipments - earlier) / (shipments + earlier),
    }
    for name, values in wanted.items():
        mine = got.loc[values.index, name]
        # rounded to six decimals
        assert np.allclose(mine, values.astype(float), atol=1e-5, equal_nan=True), name


def test_later_rows_and_the_order_of_rows_change_nothing(panel, features):
    frame = panel.execute().sample(frac=1, random_state=1)
    frame.loc[frame.month > str(AS_OF), ["shipments_n", "revenue"]] = 9999
    again = customer_features(ibis.memtable(frame, schema=panel.schema()), AS_OF)
    pd.testing.assert_frame_equal(features.values, again.values)
    pd.testing.assert_frame_equal(features.dictionary, again.dictionary)


def test_the_overdue_share_counts_an_invoice_once(panel):
    """20 are overdue at every month's end, 10 fall due a month."""
    frame = panel.execute().assign(due=10.0, overdue=20.0)
    got = customer_features(ibis.memtable(frame, schema=panel.schema()), AS_OF).values
    inside = frame[(frame.month >= "2026-03") & (frame.month <= str(AS_OF))]
    wanted = 20 / inside.groupby("customer_id").due.sum()
    mine = got.set_index("customer_id").overdue_share_6m.reindex(wanted.index)
    # rounded to six decimals
    assert np.allclose(mine.astype(float), wanted, atol=1e-5)


def test_what_cannot_be_known_is_null_and_the_dictionary_says_why(panel):
    short = panel.filter(panel.month >= "2026-02").mutate(
        tickets_n=ibis.null("int64"), responses_n=ibis.null("int64")
    )
    got = customer_features(short, AS_OF)
    told = got.dictionary.set_index("feature")
    lacking = told[told.unknown_en.str.contains("not recorded by this profile: tickets")].index
    assert {"tickets_1m", "tickets_a_shipment_3m", "tickets_growth_3m"} <= set(lacking)
    too_long = told[told.unknown_en == "needs 12 months of data; there are 7"].index
    assert {"shipments_12m", "shipments_growth_6m"} <= set(too_long)
    assert got.values[[*lacking, *too_long]].isna().all(axis=None)
    assert told.unknown_zh["shipments_12m"] == "需要 12 个月的数据，现有 7 个月"
    known = told.customers_n > 0
    assert (told.unknown_en[known] == "").all()
    assert (told.unknown_en[~known] != "").all()
    assert known["revenue_6m"]


def test_what_a_profile_may_lack_has_a_name_in_both_languages():
    speak = Language("zh")
    assert not [word for word in RECORDED.values() if speak.text(word) == word]


def test_a_month_before_the_data_has_no_customer_and_no_feature(panel):
    got = customer_features(panel, Month(2020, 1))
    assert got.values.empty
    assert (got.dictionary.customers_n == 0).all()
