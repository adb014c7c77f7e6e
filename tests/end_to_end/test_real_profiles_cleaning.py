"""Two real companies through the profiles: known facts must come out of the cleaned tables."""

from pathlib import Path

import ibis
import pytest

from analysis import claims, customer_months, open_month
from analysis.cleaning import clean, customer_records, verify
from analysis.identity import resolve
from analysis.months import Month
from analysis.sources import ingest

PARAMS = Path(__file__).parents[2] / "params"


def cleaned(profile, month, raw):
    if not raw.is_dir():
        pytest.skip(f"no data set in {raw}")
    workspace = open_month(PARAMS / f"{profile}.yaml", month, raw=raw)
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    return ingested, clean(ingested, links, workspace.profile, workspace.as_of)


@pytest.fixture(scope="module")
def olist(shared_data):
    """The month of the last delivery, so that all of them are known."""
    return cleaned("olist", "2018-09", shared_data / "olist_5k")


@pytest.fixture(scope="module")
def scms(shared_data):
    return cleaned("scms", "2015-09", shared_data / "scms")


def late(shipments):
    delivered = shipments.filter(shipments.delivered_at.notnull())
    return delivered.mutate(is_late=delivered.delivered_at > delivered.promised_at)


def test_olist_late_deliveries_by_order(olist):
    shipments = late(olist[1].tables["shipments"])
    orders = shipments.group_by(order=shipments.shipment_id.split(":")[0]).agg(
        is_late=shipments.is_late.max()
    )
    share = orders.is_late.mean().execute()
    assert share == pytest.approx(0.0685, abs=0.00005)  # as published with the data
    assert int(orders.count().execute()) == 4858


def test_olist_reviews_of_late_and_punctual_orders(olist):
    """4.3 on time; late ones 2.4, or 2.6 if the promised day is misread as its midnight."""
    ingested, found = olist
    shipments = late(found.tables["shipments"])
    midnight = shipments.promised_at.truncate("D")
    shipments = shipments.mutate(after_midnight=shipments.delivered_at > midnight)
    orders = shipments.group_by(order_id=shipments.shipment_id.split(":")[0]).agg(
        is_late=shipments.is_late.max(), after_midnight=shipments.after_midnight.max()
    )
    scores = ingested.sources["reviews"].table.inner_join(orders, "order_id").execute()
    means = scores.groupby("is_late")["review_score"].mean()
    assert means[False] == pytest.approx(4.3, abs=0.05)
    assert means[True] == pytest.approx(2.36, abs=0.005)
    assert orders.after_midnight.mean().execute() == pytest.approx(0.0807, abs=0.0005)
    misread = scores.groupby("after_midnight")["review_score"].mean()
    assert misread[True] == pytest.approx(2.6, abs=0.05)


def test_olist_books(olist):
    found = olist[1]
    ledger = found.ledger.set_index(["source", "table"])
    assert ledger.loc[("items", "shipments"), "rows_in_files"] == 5603
    assert ledger.loc[("reviews", "surveys"), "rows_rejected"] == 32, "orders without any item"
    assert ledger.loc[("items", "shipments"), "rows_kept"] == int(
        found.tables["shipments"].count().execute()
    )
    assert set(found.tables) == {"customers", "customer_links", "shipments", "surveys"}
    assert verify(found).all_passed()


def test_scms_late_by_shipment_and_by_order_line(scms):
    ingested, found = scms
    shipments = late(found.tables["shipments"])
    assert int(shipments.count().execute()) == 7030
    assert shipments.is_late.mean().execute() == pytest.approx(0.114, abs=0.0005)
    lines = ingested.sources["lines"].table
    done, by = lines["Delivered to Client Date"], lines["Scheduled Delivery Date"]
    lines = lines.mutate(mode=lines["Shipment Mode"], is_late=done > by)
    assert lines.is_late.mean().execute() == pytest.approx(0.115, abs=0.0005)
    by_mode = lines.group_by("mode").agg(share=lines.is_late.mean()).execute()
    shares = by_mode.set_index("mode")["share"]
    for mode, share in {"Ocean": 0.175, "Truck": 0.161, "Air": 0.096}.items():
        assert shares[mode] == pytest.approx(share, abs=0.0005)


def test_scms_shared_freight_is_taken_once(scms):
    ingested, found = scms
    lines = ingested.sources["lines"].table
    freight = lines["Freight Cost (USD)"].sum().execute()
    assert found.tables["shipments"].revenue.sum().execute() == pytest.approx(freight)
    raw = lines.filter(lines["ASN/DN #"] == "DN-304")["Freight Cost (USD)"].execute()
    assert raw.notna().sum() == 1, "the other lines of the shipment only point to it"
    one = found.tables["shipments"].filter(ibis._.shipment_id == "DN-304").revenue.execute()
    assert one.tolist() == raw.dropna().tolist()


def test_scms_books(scms):
    found = scms[1]
    ledger = found.ledger.set_index("table").loc["shipments"]
    assert ledger["rows_in_files"] == 10_324
    assert (ledger["rows_kept"], ledger["rows_merged"]) == (7030, 3294)
    assert found.violations["rule"].tolist() == ["out_of_range"], "one shipment of 0 kg"
    assert verify(found).all_passed()


@pytest.mark.parametrize(("profile", "month"), [("olist", "2018-06"), ("scms", "2014-06")])
def test_the_months_that_the_reports_are_made_for(shared_data, profile, month):
    folder = shared_data / {"olist": "olist_5k"}.get(profile, profile)
    found = cleaned(profile, month, folder)[1]
    shipments = found.tables["shipments"]
    assert f"{shipments.shipped_at.max().execute():%Y-%m}" == month
    assert f"{shipments.delivered_at.max().execute():%Y-%m}" == month
    assert found.ledger["rows_later"].sum() > 0
    assert verify(found).all_passed()


def test_olist_measures_delay_and_shares_of_customers(olist):
    """What the literature claims, on data that nobody here made."""
    tables = {name: olist[1].tables[name] for name in ("customers", "shipments", "surveys")}
    as_of = Month(2018, 9)
    panel = customer_months(
        tables["customers"], tables["shipments"], None, tables["surveys"], None, as_of
    )
    frame = claims({**tables, "customer_months": panel}, as_of, (), "BRL")
    found = frame.set_index(["claim", "part"])
    for claim in ("delay-dose", "delay-15", "rfm-shares"):
        assert (found.loc[claim, "verdict"] != "not_measurable").all()
    late = found.loc[("delay-15", "late")]
    assert 0.06 < late["estimate"] < 0.085  # 6.85 % over all years; the last twelve months here
    assert late["verdict"] == "contradicted"
    assert found.loc[("abc-shares", "a"), "verdict"] == "not_measurable"  # no costs
