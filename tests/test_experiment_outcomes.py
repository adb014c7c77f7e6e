"""What each unit did in its windows, and nothing that was not known."""

import datetime as dt
import sys

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from analysis.calendar import Calendar
from analysis.experiment.outcomes import outcomes
from analysis.experiment.window_factor import WindowFactor
from analysis.months import Month
from analysis.params import ExperimentSpec
from canonical import canonical

START = pd.Timestamp("2025-04-01")
METRICS = [
    {"name": "retention", "measure": "retention", "role": "primary", "window": [91, 181]},
    {"name": "nps", "measure": "nps", "window": [31, 181]},
    {"name": "cost", "measure": "cost_to_serve", "window": [0, 183]},
    {"name": "margin", "measure": "margin", "window": [0, 183]},
    {"name": "complaints", "measure": "complaints", "window": [0, 183]},
    {"name": "response_minutes", "measure": "response_minutes", "window": [0, 183]},
    {"name": "on_time", "measure": "on_time", "window": [0, 183]},
]


def plan(metrics: list[dict] | None = None, **more: object) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "id": "small",
            "control": "uniform",
            "allocation": {"tiered": 0.5, "uniform": 0.5},
            "starts_on": START.date(),
            "looks_planned": 6,
            "metrics": metrics or METRICS,
            **more,
        }
    )


def day(number: float) -> pd.Timestamp:
    return START + pd.Timedelta(days=number).round("s")


def assignments(*customers: str, at: pd.Timestamp = START) -> ir.Table:
    return canonical(
        "assignments",
        [
            {
                "experiment_id": "small",
                "customer_id": customer,
                "stratum": "s",
                "arm": "tiered" if i % 2 else "uniform",
                "assigned_at": at,
            }
            for i, customer in enumerate(customers)
        ],
    )


def customers(*names: str) -> ir.Table:
    rows = [
        {"customer_id": n, "region": "east", "onboarded_on": dt.date(2024, 1, 1)} for n in names
    ]
    return canonical("customers", rows)


def shipments(*rows: tuple, customer: str = "A") -> ir.Table:
    """(shipped day, promised day, delivered day or None), revenue 100 and cost 60 each."""
    return canonical(
        "shipments",
        [
            {
                "shipment_id": f"{customer}{i}",
                "customer_id": customer,
                "shipped_at": day(shipped),
                "promised_at": day(promised),
                "delivered_at": None if delivered is None else day(delivered),
                "revenue": 100.0,
                "cost": 60.0,
            }
            for i, (shipped, promised, delivered) in enumerate(rows)
        ],
    )


def measured(
    sent: ir.Table,
    as_of: str = "2025-12",
    spec: ExperimentSpec | None = None,
    assigned: ir.Table | None = None,
    **tables: ir.Table,
) -> pd.Series:
    """The row of customer A."""
    table = outcomes(
        spec or plan(),
        assignments("A", "B") if assigned is None else assigned,
        customers("A", "B"),
        sent,
        as_of=Month.parse(as_of),
        **tables,
    ).execute()
    return table.set_index("customer_id").loc["A"]


@pytest.mark.parametrize(
    ("shipped", "kept"), [(90.99, 0.0), (91.0, 1.0), (180.99, 1.0), (181.0, 0.0)]
)
def test_a_window_holds_its_first_day_and_not_its_last(shipped, kept):
    assert measured(shipments((shipped, 190, 191)))["retention"] == kept


def test_a_customer_without_shipments_has_values_not_gaps():
    row = measured(shipments((10, 11, 11), customer="B"))
    assert (row["retention"], row["margin"], row["complaints_denominator"]) == (0, 0, 0)
    assert pd.isna(row["prior_on_time"])


def test_values_wait_until_the_window_is_over():
    sent = shipments((100, 101, 101))
    early, late = measured(sent, "2025-08"), measured(sent, "2025-09")
    assert pd.isna(early["retention"])
    assert not early["retention_matured"]
    assert (late["retention"], late["retention_matured"]) == (1.0, True)
    assert late["margin"] == 40.0  # 183 days end with the last instant of September


def test_later_rows_and_later_times_change_nothing():
    before = shipments((100, 103, None))
    after = shipments((100, 103, 102), (250, 251, 251))
    compared = [measured(sent, "2025-06") for sent in (before, after)]
    pd.testing.assert_series_equal(*compared)


def test_on_time_is_of_deliveries_by_the_promise():
    row = measured(shipments((1, 3, 2), (2, 3, 4), (5, 6, None), (200, 201, 200.5)))
    assert (row["on_time_numerator"], row["on_time_denominator"]) == (1, 2)


def tickets(*rows: tuple) -> ir.Table:
    """(opened day, answered day or None)."""
    return canonical(
        "tickets",
        [
            {
                "ticket_id": f"T{i}",
                "customer_id": "A",
                "opened_at": day(opened),
                "first_response_at": None if answered is None else day(answered),
            }
            for i, (opened, answered) in enumerate(rows)
        ],
    )


def test_complaints_and_minutes_to_the_first_response():
    row = measured(
        shipments((1, 2, 2), (3, 4, 4)),
        tickets=tickets((1, 1.5), (2, 2.25), (3, None), (-5, -4), (182.9, 183.5)),
    )
    assert (row["complaints_numerator"], row["complaints_denominator"]) == (4, 2)
    assert row["response_minutes_denominator"] == 2
    assert row["response_minutes_numerator"] == pytest.approx(0.75 * 1440)
    assert (row["prior_tickets"], row["prior_response_minutes"]) == (1, 1440)


def test_the_last_answer_counts_and_silence_is_no_answer():
    surveys = canonical(
        "surveys",
        [
            {"survey_id": "1", "customer_id": "A", "sent_at": day(40), "answered_at": day(41),
             "nps_score": 3},
            {"survey_id": "2", "customer_id": "A", "sent_at": day(80), "answered_at": day(81),
             "nps_score": 9},
            {"survey_id": "3", "customer_id": "A", "sent_at": day(90)},
            {"survey_id": "4", "customer_id": "A", "sent_at": day(30), "answered_at": day(35),
             "nps_score": 1},
            {"survey_id": "5", "customer_id": "B", "sent_at": day(50)},
        ],
    )  # fmt: skip
    row = measured(shipments((1, 2, 2)), surveys=surveys)
    assert (row["nps"], row["nps_answered"]) == (9, True)
    other = outcomes(
        plan(), assignments("A", "B"), customers("A", "B"), shipments((1, 2, 2)),
        surveys=surveys, as_of=Month.parse("2025-12"),
    ).execute().set_index("customer_id").loc["B"]  # fmt: skip
    assert pd.isna(other["nps"])
    assert (other["nps_answered"], other["nps_invited"]) == (False, True)


def test_service_costs_are_of_whole_months_in_the_window():
    months = ["2024-09", "2024-10", "2025-03", "2025-04", "2025-09", "2025-10"]
    costs = canonical(
        "service_costs",
        [
            {"customer_id": "A", "month": month, "activity": "agent", "cost": 10.0**i}
            for i, month in enumerate(months)
        ],
    )
    row = measured(shipments((1, 2, 2)), service_costs=costs)
    assert row["cost"] == 10.0**3 + 10.0**4
    assert row["prior_cost_to_serve"] == 10.0**1 + 10.0**2


def test_the_tier_is_the_one_before_assignment():
    tiers = canonical(
        "tiers",
        [
            {"customer_id": "A", "month": "2025-03", "tier": "key"},
            {"customer_id": "A", "month": "2025-04", "tier": "strategic"},
        ],
    )
    assert measured(shipments((1, 2, 2)), tiers=tiers)["tier"] == "key"


def test_a_missing_table_gives_no_column_of_its_metric():
    row = measured(shipments((1, 2, 2)))
    assert not {"nps", "cost", "complaints_numerator"} & set(row.index)


def test_an_assigned_customer_that_is_not_known_is_kept_and_marked():
    table = outcomes(
        plan(), assignments("A", "X"), customers("A"), shipments((1, 2, 2)),
        as_of=Month.parse("2025-12"),
    ).execute()  # fmt: skip
    assert dict(zip(table.customer_id, table.is_known, strict=True)) == {"A": True, "X": False}


SURVIVAL = [{"name": "stay", "measure": "survival", "horizon": 180, "role": "primary"}]


def stays(*shipped: float, as_of: str = "2026-12") -> pd.Series:
    rows = [(s, s + 1, s + 1) for s in shipped]
    return measured(shipments(*rows), as_of, plan(SURVIVAL))


def test_days_on_which_the_company_is_shut_count_in_no_gap():
    sent = shipments(*((s, s + 1, s + 1) for s in (-40, -30, -20, -10, 20, 60, 140, 180)))
    days = [{"first": "2025-06-01", "last": "2025-06-20", "reason": {"zh": "停工", "en": "shut"}}]
    shut = Calendar.model_validate({"closed": {"days": days}})

    def churn(calendar: Calendar | None) -> tuple[float, bool]:
        table = outcomes(
            plan(SURVIVAL), assignments("A", "B"), customers("A", "B"), sent,
            as_of=Month.parse("2026-12"), calendar=calendar,
        ).execute()  # fmt: skip
        row = table.set_index("customer_id").loc["A"]
        return row["stay_days"], row["stay_churned"]

    assert churn(None) == (60, True), "80 days of silence, a window of 65.9"
    assert churn(shut) == (180, False), "60 of them open"


def seasonal(quiet: tuple[int, int], back_on: int) -> list[int]:
    """A shipment every 4 days for two years, but in some days of the year; from day 100 silence."""
    before = [d for d in range(-730, 100, 4) if not quiet[0] <= d % 365 < quiet[1]]
    return [*before, *range(back_on, 700, 4)]


def followed_together(
    calendar: Calendar | None = None, **shipped: list[int]
) -> dict[str, tuple[float, bool, bool]]:
    """Customer → days stayed, whether it churned, and whether it then returned, from one table."""
    sent = [shipments(*((s, s + 1, s + 1) for s in v), customer=k) for k, v in shipped.items()]
    table = outcomes(
        plan(SURVIVAL), assignments(*shipped), customers(*shipped), ibis.union(*sent),
        as_of=Month.parse("2026-12"), calendar=calendar,
    ).execute()  # fmt: skip
    assert table.stay_eligible.all()
    rows = zip(table.stay_days, table.stay_churned, table.stay_returned, strict=True)
    return dict(zip(table.customer_id, rows, strict=True))


def test_a_known_off_season_counts_in_no_gap():
    """August to December are 153 of the days of silence; the window is the shortest, 30 days."""
    autumn, winter = (122, 275), (214, 365)
    found = followed_together(
        back=seasonal(autumn, back_on=276),
        late=seasonal(autumn, back_on=330),
        gone=seasonal(autumn, back_on=700),
        resting=seasonal(winter, back_on=2),
        steady=seasonal((0, 0), back_on=276),
    )
    assert found["back"] == (180, False, False), "25 days on the clock"
    assert found["late"] == (98, True, True), "79 days"
    assert found["gone"] == (98, True, False)
    assert found["resting"][0] == 180, "silent for five months at assignment, and always then"
    assert found["steady"] == (98, True, True), "its silence was not known at assignment"


def test_what_comes_after_the_days_that_are_needed_changes_nothing():
    """Horizon 180 and the longest window: a value is complete after 360 days, and stays."""
    closed = [{"first": "2026-02-01", "last": "2026-03-25", "reason": {"zh": "停", "en": "shut"}}]
    rare = [-300, -200, -100, 100, 170]
    found = followed_together(
        Calendar.model_validate({"closed": {"days": closed}}),
        silent=rare, later=[*rare, 361], back=[*rare, 359],
    )  # fmt: skip
    assert found["silent"] == found["later"] == (170, True, False)
    assert found["back"] == (180, False, False), "189 days, of which 53 were shut"


def test_margin_and_costs_of_the_net_value_are_of_the_same_months():
    """183 days from 15 April hold five whole months: May to September."""
    spec = plan(
        [
            {"name": "margin", "measure": "margin", "role": "primary", "window": [0, 183]},
            {"name": "cost", "measure": "cost_to_serve", "window": [0, 183]},
        ]
    )
    costs = canonical(
        "service_costs",
        [
            {"customer_id": "A", "month": f"2025-{m:02d}", "activity": "agent", "cost": 10.0}
            for m in range(4, 11)
        ],
    )
    sent = shipments(*((d, d + 1, d + 1) for d in (15, 40, 190)))  # mid April, May, 8 October
    assigned = assignments("A", "B", at=START + pd.Timedelta(days=14))
    row = measured(sent, spec=spec, assigned=assigned, service_costs=costs)
    assert row["margin"] == 3 * 40
    assert row["margin_in_cost_months"] == 40, "of May only"
    assert row["cost"] == 5 * 10
    assert row["margin_days_of_cost_months"] == 31 + 30 + 31 + 31 + 30
    assert row["net_value_to_month_1"] == 0, "no month is whole within the first"
    assert row["net_value_to_month_6"] == 40 - 5 * 10, "May to September"


def test_churn_begins_with_the_first_gap_longer_than_the_churn_window():
    # gaps of 10 days before: W = 10 · ln(20 · 365 / 10) = 65.9 days
    row = stays(-40, -30, -20, -10, 20, 60, 140)
    assert (row["stay_days"], row["stay_churned"]) == (60, True)


def test_who_never_ships_again_churns_on_day_zero():
    row = stays(-40, -30, -20, -10)
    assert (row["stay_days"], row["stay_churned"], row["stay_eligible"]) == (0, True, True)


def test_who_ships_on_is_followed_to_the_horizon():
    row = stays(-40, -30, -20, -10, *range(5, 400, 20))
    assert (row["stay_days"], row["stay_churned"]) == (180, False)


def test_who_was_silent_before_is_not_eligible():
    assert not stays(-240, -230, -220, -210, 5)["stay_eligible"]


def test_the_churn_window_is_held_between_30_and_180_days():
    daily = stays(-4, -3, -2, -1, 0.5, 28, 60)  # W = 30, not 1 · ln(7300) = 8.9
    assert daily["stay_days"] == 28
    rare = stays(-300, -200, -100, 100, 270, 440)  # W = 180, not 100 · ln(73) = 429
    assert rare["stay_days"] == 180


def test_where_nobodys_gap_is_known_the_churn_window_is_the_longest():
    row = stays(-10, 50, 140, 300)  # one shipment before: no gap
    assert (row["stay_days"], row["stay_churned"]) == (180, False)


def test_the_window_factor_is_learnt_before_the_first_assignment_once_a_value_is_complete(
    monkeypatch,
):
    asked: list[pd.Timestamp] = []

    def learn(sent: ir.Table, before: pd.Timestamp, calendar: Calendar) -> WindowFactor:
        asked.append(before)
        return WindowFactor(2.0, is_learnt=True)

    module = sys.modules[outcomes.__module__]  # the package has the function of this name
    monkeypatch.setattr(module, "learn_window_factor", learn)
    assert not stays(-40, -30, -20, -10, 20, 60, 140, as_of="2026-02")["stay_matured"]
    assert asked == []
    row = stays(-40, -30, -20, -10, 20, 60, 140)  # W = 65.9 days, twice: 131.8
    assert asked == [START]
    assert (row["stay_days"], row["stay_window_factor"]) == (140, 2.0)


def test_survival_needs_horizon_and_longest_churn_window():
    assert not stays(-20, -10, 1, as_of="2026-02")["stay_matured"]
    assert stays(-20, -10, 1, as_of="2026-03")["stay_matured"]
