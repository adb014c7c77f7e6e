"""The customer satisfaction index: weights, windows, what is missing, nothing later."""

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ParamsError
from analysis.language import Language
from analysis.months import Month
from analysis.value.satisfaction import satisfaction_index
from canonical import canonical

AS_OF = Month(2026, 3)


def asked(rows: list[tuple]) -> tuple:
    """Surveys and items from (survey, customer, answered, {item: score})."""
    surveys, items = [], []
    for survey, customer, answered, scores in rows:
        at = pd.Timestamp(answered)
        surveys.append({"survey_id": survey, "customer_id": customer, "sent_at": at})
        items += [
            {"survey_id": survey, "item": item, "answered_at": at, "score": score}
            for item, score in scores.items()
        ]
    return canonical("surveys", surveys), canonical("survey_items", items)


ROWS = [
    ("1", "A", "2026-03-02", {"on_time": 5, "service": 3}),
    ("2", "A", "2026-03-09", {"on_time": 1}),
    ("3", "B", "2026-02-09", {"on_time": 4, "service": 4}),
    ("4", "B", "2025-03-09", {"on_time": 1, "service": 1}),
]


def test_items_are_weighed_and_answers_averaged():
    told = satisfaction_index(*asked(ROWS), {"on_time": 0.75, "service": 0.25}, AS_OF)
    by_month = told.by_month.execute().set_index("month")
    # 25 × (¾·5 + ¼·3 − 1) = 87.5 and, the item left out, 25 × (1 − 1) = 0
    assert by_month.csi.to_dict() == {"2025-03": 0.0, "2026-02": 75.0, "2026-03": 43.75}
    assert by_month.answers_n.to_dict() == {"2025-03": 1, "2026-02": 1, "2026-03": 2}
    assert by_month.std_error["2026-03"] == pytest.approx(87.5 / 2, abs=1e-3)
    by_customer = told.by_customer.execute().set_index("customer_id")
    assert by_customer.csi.to_dict() == {"A": 43.75, "B": 75.0}  # 2025-03 lies before the window
    assert by_customer.loc["A", "on_time_mean"] == 3
    assert by_customer.month.eq("2026-03").all()


def test_without_weights_items_are_equal_and_one_not_named_does_not_count():
    surveys, items = asked(ROWS)
    equal = satisfaction_index(surveys, items, None, AS_OF).by_customer.execute()
    assert equal.csi.tolist() == [37.5, 75.0]
    only = satisfaction_index(surveys, items, {"service": 1}, AS_OF).by_customer.execute()
    assert only.csi.tolist() == [50.0, 75.0]


def test_later_answers_change_nothing():
    then = satisfaction_index(*asked(ROWS), None, AS_OF)
    later = [*ROWS, ("5", "A", "2026-04-01", {"on_time": 1, "service": 1})]
    again = satisfaction_index(*asked(later), None, AS_OF)
    for name in ("by_month", "by_customer"):
        before, after = (getattr(found, name).execute() for found in (then, again))
        pd.testing.assert_frame_equal(before, after)


def test_items_first_asked_later_are_not_known_yet():
    later = [*ROWS, ("5", "A", "2026-04-01", {"price": 1})]
    then, again = (satisfaction_index(*asked(rows), None, AS_OF) for rows in (ROWS, later))
    assert again.by_customer.columns == then.by_customer.columns
    told = satisfaction_index(*asked(later), {"on_time": 1, "price": 1}, AS_OF)
    assert "price" in told.missing.in_(Language("en"))


@pytest.mark.parametrize("weights", [None, {"on_time": 1}])
def test_before_the_first_answer_there_is_no_index(weights):
    told = satisfaction_index(*asked(ROWS), weights, Month(2025, 2))
    assert told.by_month.execute().empty
    assert told.by_customer.execute().empty
    assert told.missing.in_(Language("zh")) != told.missing.in_(Language("en"))


def test_what_is_missing_is_said():
    surveys, _ = asked(ROWS)
    told = satisfaction_index(surveys, None, None, AS_OF)
    assert told.by_month.execute().empty
    assert told.by_customer.execute().empty
    assert told.missing.source.startswith("not available")
    assert satisfaction_index(None, None, None, AS_OF).missing is not None


def test_an_item_that_nobody_was_asked_is_told_or_refused():
    told = satisfaction_index(*asked(ROWS), {"on_time": 1, "price": 1}, AS_OF)
    assert "price" in told.missing.in_(Language("en"))
    assert told.by_customer.execute().csi.notna().all()
    with pytest.raises(ParamsError, match="items of the satisfaction index"):
        satisfaction_index(*asked(ROWS), {"on_tme": 1}, AS_OF)


def test_the_index_lies_between_0_and_100():
    rng = np.random.default_rng(1)
    rows = [
        (str(i), f"K{i % 7}", "2026-03-02", {"a": int(rng.integers(1, 6)), "b": 5})
        for i in range(60)
    ]
    told = satisfaction_index(*asked(rows), {"a": 3, "b": 1}, AS_OF).by_customer.execute()
    assert told.csi.between(0, 100).all()
