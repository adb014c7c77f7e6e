"""The customer-month panel: dense, right, and never changed by a later run."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from analysis.engine import open_engine
from analysis.months import Month
from analysis.panel import customer_months
from analysis.tables import CONTRACTS
from canonical import canonical, company

AS_OF = Month(2026, 10)
EARLIER = Month(2025, 9)
KEY = ["customer_id", "month"]


@pytest.fixture(scope="module")
def tables():
    return company()


@pytest.fixture(scope="module")
def panel(tables) -> pd.DataFrame:
    return framed(customer_months(**tables, as_of=AS_OF))


def framed(table) -> pd.DataFrame:
    return table.execute().sort_values(KEY, ignore_index=True)


def shipment(customer: str, shipped: str, **more: object) -> dict[str, object]:
    number = more.pop("number", 1)
    return {
        "shipment_id": f"{customer}-{shipped}-{number}",
        "customer_id": customer,
        "shipped_at": pd.Timestamp(shipped),
        "revenue": 100.0,
        "cost": 70.0,
    } | more


def small(shipments: list[dict], onboarded: dict[str, str | None], **more) -> pd.DataFrame:
    days = {c: None if d is None else dt.date.fromisoformat(d) for c, d in onboarded.items()}
    customers = [{"customer_id": c, "onboarded_on": d} for c, d in days.items()]
    optional = {"tickets": None, "surveys": None, "service_costs": None} | more
    as_of = optional.pop("as_of", Month(2026, 3))
    return framed(
        customer_months(
            canonical("customers", customers),
            canonical("shipments", shipments),
            **optional,
            as_of=as_of,
        )
    ).set_index(KEY)


def test_every_customer_has_every_month_since_its_first(panel):
    months = panel.groupby("customer_id")["month"]
    number = pd.PeriodIndex(panel["month"], freq="M").astype("int64")
    assert panel.assign(number=number).groupby("customer_id")["number"].diff().dropna().eq(1).all()
    assert months.max().eq(str(AS_OF)).all()
    assert not panel.duplicated(KEY).any()


def test_columns_are_those_of_the_contract(tables):
    made = customer_months(**tables, as_of=AS_OF)
    assert made.schema() == CONTRACTS["customer_months"].schema


def test_the_first_month_is_onboarding_or_first_fact_but_never_before_the_data():
    shipments = [shipment("A", "2026-01-20"), shipment("B", "2025-12-05")]
    shipments += [shipment("C", "2026-02-05")]
    rows = small(
        shipments, {"A": "2019-05-05", "B": None, "C": "2026-03-01", "D": "2026-02-02", "E": None}
    )
    first = rows.reset_index().groupby("customer_id")["month"].min().to_dict()
    assert first == {"A": "2025-12", "B": "2025-12", "C": "2026-02", "D": "2026-02"}
    assert rows.loc[("A", "2025-12"), "shipments_n"] == 0
    assert rows.loc[("A", "2025-12"), "revenue"] == 0
    assert pd.isna(rows.loc[("A", "2025-12"), "last_shipped_at"])


def test_a_customer_that_is_onboarded_later_does_not_exist_yet():
    rows = small([shipment("A", "2026-01-20")], {"A": None, "B": "2026-04-01"})
    assert set(rows.reset_index()["customer_id"]) == {"A"}


def test_sums_agree_with_pandas(tables, panel):
    shipments = tables["shipments"].execute()
    shipments = shipments[shipments.shipped_at < AS_OF.end]
    by = [shipments.customer_id, shipments.shipped_at.dt.strftime("%Y-%m")]
    margin = shipments.revenue - shipments.cost
    wanted = pd.DataFrame(
        {
            "shipments_n": shipments.groupby(by).size(),
            "revenue": shipments.groupby(by)["revenue"].sum(),
            "shipment_cost": shipments.groupby(by)["cost"].sum(),
            "margin": margin.groupby(by).sum(),
        }
    ).rename_axis(KEY)
    got = panel.set_index(KEY)[wanted.columns]
    # sums of amounts are rounded to four decimals
    pd.testing.assert_frame_equal(got.loc[wanted.index], wanted, atol=1e-4, check_dtype=False)
    assert got.drop(wanted.index).eq(0).all(axis=None)


def test_deliveries_count_in_the_month_of_delivery(tables, panel):
    shipments = tables["shipments"].execute()
    done = shipments[shipments.delivered_at < AS_OF.end]
    by = [done.customer_id, done.delivered_at.dt.strftime("%Y-%m")]
    delay = (done.delivered_at - done.promised_at).dt.total_seconds().clip(lower=0) / 86_400
    wanted = pd.DataFrame(
        {
            "deliveries_n": done.groupby(by).size(),
            "on_time_n": (done.delivered_at <= done.promised_at).groupby(by).sum(),
            "delay_days_mean": delay.groupby(by).mean(),
            "damaged_n": done["is_damaged"].astype(int).groupby(by).sum(),
        }
    ).rename_axis(KEY)
    got = panel.set_index(KEY)
    pd.testing.assert_frame_equal(
        got.loc[wanted.index, wanted.columns], wanted, atol=1e-4, check_dtype=False
    )
    rate = got["on_time_n"] / got["promised_n"].where(got["promised_n"] > 0)
    pd.testing.assert_series_equal(got["on_time_rate"], rate, check_names=False)


def test_tickets_answers_and_costs_count_when_they_become_known(tables, panel):
    tickets, surveys = tables["tickets"].execute(), tables["surveys"].execute()
    first = tickets[tickets.first_response_at < AS_OF.end]
    minutes = (first.first_response_at - first.opened_at).dt.total_seconds() / 60
    by = [first.customer_id, first.first_response_at.dt.strftime("%Y-%m")]
    got = panel.set_index(KEY)
    wanted = minutes.groupby(by).median()
    assert np.allclose(got.loc[wanted.index, "response_minutes_median"], wanted, atol=1e-4)
    answered = surveys[surveys.answered_at < AS_OF.end]
    by = [answered.customer_id, answered.answered_at.dt.strftime("%Y-%m")]
    wanted = answered["nps_score"].astype(float).groupby(by).mean()
    assert np.allclose(got.loc[wanted.index, "nps_score"], wanted, atol=1e-4)
    known = tickets[tickets.opened_at < AS_OF.end]
    assert got["tickets_n"].sum() == len(known)
    costs = tables["service_costs"].execute()
    assert got["cost_to_serve"].sum() == pytest.approx(costs.cost[costs.month <= "2026-10"].sum())


def test_last_shipment_is_the_latest_up_to_the_month(tables, panel):
    shipments = tables["shipments"].execute()
    for _, row in panel.sample(40, random_state=1).iterrows():
        own = shipments[shipments.customer_id == row.customer_id].shipped_at
        until = own[own < Month.parse(row.month).end]
        assert (pd.isna(row.last_shipped_at) and until.empty) or row.last_shipped_at == until.max()


def as_known(tables: dict, as_of: Month) -> dict:
    """The tables as a run of an earlier month saw them: fewer rows, later timestamps empty."""
    known = {}
    for name, table in tables.items():
        contract, frame = CONTRACTS[name], table.execute()
        began = pd.to_datetime(frame[contract.began])
        frame = frame[(began < as_of.end) | began.isna()].copy()
        for later, hanging in contract.known_later.items():
            unknown = ~(frame[later] < as_of.end)
            for column in (later, *hanging):
                frame[column] = frame[column].astype(object).mask(unknown, None)
        known[name] = canonical(name, frame)
    return known


def test_a_later_run_never_changes_an_earlier_row(tables, panel):
    then = framed(customer_months(**as_known(tables, EARLIER), as_of=EARLIER))
    now = panel[panel.month <= str(EARLIER)].reset_index(drop=True)
    assert len(then) > 100
    pd.testing.assert_frame_equal(then, now)


def test_rows_added_and_filled_in_later_do_not_change_an_earlier_month(tables):
    then = framed(customer_months(**as_known(tables, EARLIER), as_of=EARLIER))
    shipments = tables["shipments"].execute()
    under_way = (shipments.shipped_at < EARLIER.end) & (shipments.delivered_at >= EARLIER.end)
    assert under_way.any()
    shipments.loc[under_way, "delivered_at"] += pd.Timedelta(days=40)
    shipments["is_damaged"] = shipments["is_damaged"].astype(bool) | under_way
    added = shipments[shipments.shipped_at >= EARLIER.end].assign(
        shipment_id=lambda t: t.shipment_id + "+", revenue=9e6
    )
    changed = tables | {"shipments": canonical("shipments", pd.concat([shipments, added]))}
    again = framed(customer_months(**changed, as_of=EARLIER))
    pd.testing.assert_frame_equal(then, again)


def test_the_order_of_rows_changes_nothing(tables, panel):
    shuffled = {
        name: canonical(name, table.execute().sample(frac=1, random_state=3))
        for name, table in tables.items()
    }
    again = framed(customer_months(**shuffled, as_of=AS_OF))
    pd.testing.assert_frame_equal(panel, again)


def test_what_a_profile_lacks_is_null_and_not_zero():
    rows = small([shipment("A", "2026-01-20", revenue=None, cost=None)], {"A": None})
    lacking = ["revenue", "shipment_cost", "margin", "damaged_n", "tickets_n", "responses_n"]
    lacking += ["response_minutes_median", "answers_n", "nps_score", "cost_to_serve"]
    assert rows[lacking].isna().all(axis=None)
    assert rows["shipments_n"].tolist() == [1, 0, 0]


def test_nothing_is_claimed_for_the_time_before_a_source_began():
    tickets = canonical(
        "tickets",
        [{"ticket_id": "T", "customer_id": "A", "opened_at": pd.Timestamp("2026-02-03")}],
    )
    rows = small([shipment("A", "2026-01-20"), shipment("B", "2026-01-02")], {}, tickets=tickets)
    assert rows.loc["A", "tickets_n"].isna().tolist() == [True, False, False]
    assert rows.loc["B", "tickets_n"].tolist()[1:] == [0, 0]


def test_a_month_without_any_cost_row_has_no_known_cost():
    costs = canonical(
        "service_costs",
        [
            {"customer_id": "A", "month": month, "activity": "agent", "cost": 5.0}
            for month in ("2026-01", "2026-03")
        ],
    )
    shipments = [shipment("A", "2026-01-20"), shipment("B", "2026-01-02")]
    rows = small(shipments, {}, service_costs=costs)
    assert rows.loc["A", "cost_to_serve"].fillna(-1).tolist() == [5, -1, 5]
    assert rows.loc["B", "cost_to_serve"].fillna(-1).tolist() == [0, -1, 0]


def test_margin_needs_revenue_and_cost_of_the_same_shipment():
    shipments = [shipment("A", "2026-01-20"), shipment("A", "2026-01-21", cost=None)]
    row = small(shipments, {"A": None}, as_of=Month(2026, 1)).loc[("A", "2026-01")]
    assert (row.revenue, row.shipment_cost, row.margin) == (200, 70, 30)


def test_a_month_in_which_nobody_ships_is_a_month():
    rows = small([shipment("A", "2026-01-20"), shipment("A", "2026-03-20")], {"A": None})
    assert rows["is_active"].tolist() == [True, False, True]


def test_no_data_up_to_the_month_gives_an_empty_panel():
    rows = small([shipment("A", "2026-05-20")], {"A": "2025-01-01"})
    assert rows.empty


@pytest.mark.parametrize("block_rows", [1_000, 2_500])
def test_blocks_of_customers_make_the_same_panel_in_order(tables, panel, block_rows, tmp_path):
    """One block at a time as all at once, and put below each other by customer and month."""
    engine = open_engine(cores=2)
    made = customer_months(**on_disk(engine, tables, tmp_path), as_of=AS_OF, block_rows=block_rows)
    engine.write(made, tmp_path / "panel.parquet", by_part=True)
    written = pd.read_parquet(tmp_path / "panel.parquet")
    assert written[KEY].equals(written[KEY].sort_values(KEY, ignore_index=True))
    got = framed(engine.read(tmp_path / "panel.parquet"))
    pd.testing.assert_frame_equal(got, panel)
    kept = engine.materialise(made, by_part=True).to_pandas()
    pd.testing.assert_frame_equal(kept[KEY], written[KEY], check_dtype=False)


def on_disk(engine, tables: dict, folder) -> dict:
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    return {name: engine.read(folder / f"{name}.parquet") for name in tables}


def test_two_runs_write_the_same_bytes(tables, tmp_path):
    written = []
    for run, cores in enumerate((1, 2)):
        engine = open_engine(cores=cores)
        facts = on_disk(engine, tables, tmp_path)
        engine.write(customer_months(**facts, as_of=AS_OF), tmp_path / f"{run}.parquet")
        written.append((tmp_path / f"{run}.parquet").read_bytes())
    assert written[0] == written[1]


def test_it_is_lazy(tables):
    assert isinstance(customer_months(**tables, as_of=AS_OF), ibis.Table)


def test_what_was_overdue_before_the_first_month_is_overdue_in_it():
    invoices = [
        ("paid later", "2025-10-05", "2026-02-10", 50.0),
        ("never paid", "2025-10-06", None, 30.0),
        ("paid before", "2025-09-01", "2025-11-20", 7.0),
    ]
    receivables = canonical(
        "receivables",
        [
            {"invoice_id": name, "customer_id": "A", "amount": amount}
            | {"due_on": dt.date.fromisoformat(due)}
            | {"paid_on": None if paid is None else dt.date.fromisoformat(paid)}
            for name, due, paid, amount in invoices
        ],
    )
    rows = small([shipment("A", "2026-01-20")], {"A": None}, receivables=receivables)
    assert rows["overdue"].tolist() == [80, 30, 30]
    assert rows["due"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kinds_n", [3, 62, 63, 200, 500])
def test_different_kinds_are_counted_however_many_there_are(kinds_n):
    """Few are bits of one integer, some of several, very many are counted one by one."""
    rng = np.random.default_rng(kinds_n)
    places = [f"place {n}" for n in range(kinds_n)]
    rows = [
        shipment(f"C{n % 9}", "2026-01-10", number=n, service="road" if n % 3 else None)
        | {"destination_region": place}
        for n, place in enumerate([*places, *rng.choice(places, 300)])
    ]
    frame = pd.DataFrame(rows)
    got = small(rows, {}, as_of=Month(2026, 1)).reset_index().set_index("customer_id")
    wanted = frame.groupby("customer_id").agg(
        destinations_n=("destination_region", "nunique"), services_n=("service", "nunique")
    )
    pd.testing.assert_frame_equal(got[wanted.columns], wanted, check_dtype=False)


def test_delay_is_the_exact_mean_of_its_seconds():
    """0.03125 days rounds up whatever the order of rows: days added up may fall short of it."""
    late_seconds = [2880, 6840, 1440, 2100, 240]
    promised = dt.datetime(2026, 10, 5)
    rows = [
        {
            "shipment_id": f"S{i}",
            "customer_id": "K1",
            "shipped_at": dt.datetime(2026, 10, 2),
            "promised_at": promised,
            "delivered_at": promised + dt.timedelta(seconds=late),
        }
        for i, late in enumerate(late_seconds)
    ]
    customers = canonical("customers", [{"customer_id": "K1"}])
    panel = customer_months(customers, canonical("shipments", rows), None, None, None, AS_OF)
    assert panel.execute().delay_days_mean.tolist() == [0.0313]
