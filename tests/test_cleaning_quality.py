"""Five levels of quality, sources held against each other, months held against each other."""

import pytest

from analysis.cleaning import drift_of, monitored
from analysis.cleaning.drift import stability_index
from analysis.cleaning.ledger import refuse_unlisted
from analysis.errors import ContractError, RunError
from analysis.months import Month
from raw_company import CUSTOMERS, ORDERS, cleaned_from, together, workspace_of

HEADER = "no,who,at,done,yuan\n"
TOTALS = {
    "sources": {
        "booked": {
            "system": "finance",
            "files": "booked.csv",
            "columns": {"m": "month", "n": "integer", "yuan": "number"},
        }
    },
    "tables": {
        "finance_totals": {
            "source": "booked",
            "select": "SELECT m AS month, n AS shipments_n, yuan AS revenue FROM booked",
        }
    },
}


def cleaned(folder, orders, booked="", **more):
    parts = [CUSTOMERS, ORDERS, *([TOTALS] if booked else [])]
    files = {"crm.csv": "id\nC1\n", "orders.csv": HEADER + orders}
    files |= {"booked.csv": "m,n,yuan\n" + booked} if booked else {}
    return cleaned_from(workspace_of(folder, files, together(*parts), **more))[1]


def level(quality, source, number):
    return quality[(quality["source"] == source) & (quality["level"] == number)].iloc[0]


ORDERS_OF_TWO_MONTHS = (
    "1,C1,2026-09-01,2026-09-02,100\n2,C1,2026-10-03,2026-10-04,60\n3,C1,2026-10-05,2026-10-06,40\n"
)


def test_shipments_are_held_against_what_finance_booked(tmp_path):
    found = cleaned(tmp_path, ORDERS_OF_TWO_MONTHS, "2026-09,1,100\n2026-10,4,125\n2026-11,9,9\n")
    frame = found.reconciliation.set_index(["check", "month"])
    assert frame.loc[("finance_revenue", "2026-09"), "severity"] == "ok"
    told = frame.loc[("finance_revenue", "2026-10")]
    assert (told["value_a"], told["value_b"], told["difference"]) == (100, 125, -25)
    assert told["share"] == pytest.approx(0.2)
    assert told["severity"] == "critical"
    assert frame.loc[("finance_shipments", "2026-10"), "difference"] == -2
    assert "2026-11" not in frame.index.get_level_values("month")
    assert level(found.quality, "booked", 4)["score"] == pytest.approx(1 - 2 / 5)


def test_deliveries_before_their_start_count_in_the_month_they_began(tmp_path):
    found = cleaned(tmp_path, ORDERS_OF_TWO_MONTHS + "4,C1,2026-10-09,2026-10-01,9\n")
    frame = found.reconciliation
    own = frame[(frame["check"] == "delivered_before_start") & (frame["month"] == "2026-10")]
    assert own["difference"].tolist() == [1]


def test_a_shipment_that_the_other_system_books_on_another_customer_is_counted(tmp_path):
    """Codes that are valid; rows without one, and of one system only, say nothing."""
    trucks = {"system": "crm", "files": "trucks.csv",
              "columns": {"no": "text", "who": "text", "at": "time"}}  # fmt: skip
    select = "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at FROM trucks"
    profile = together(CUSTOMERS, ORDERS, {"sources": {"trucks": trucks}})
    own = ORDERS["tables"]["shipments"]
    profile["tables"]["shipments"] = [own, {"source": "trucks", "select": select}]
    orders = ORDERS_OF_TWO_MONTHS + "4,,2026-10-07,2026-10-08,9\n5,C1,2026-10-07,2026-10-08,9\n"
    day = "2026-10-05"
    told = f"1,C1,{day}\n2,C2,{day}\n3,,{day}\n4,C2,{day}\n6,C2,{day}\n"
    files = {"crm.csv": "id\nC1\nC2\n", "orders.csv": HEADER + orders,
             "trucks.csv": "no,who,at\n" + told}  # fmt: skip
    found = cleaned_from(workspace_of(tmp_path, files, profile))[1]
    frame = found.reconciliation
    own = frame[frame["check"] == "shipments_of_another_customer"].set_index("month")
    assert own["difference"].to_dict() == {"2026-09": 0, "2026-10": 1}
    assert own["value_a"].to_dict() == {"2026-09": 1, "2026-10": 2}
    assert set(own["source_a"]) == {"trucks"}
    assert set(own["source_b"]) == {"orders"}
    assert own.loc["2026-10", "severity"] == "critical"


def test_levels_are_counted_and_what_cannot_be_is_not_guessed(tmp_path):
    orders = ORDERS_OF_TWO_MONTHS + "4,C1,2026-10-09,2026-10-10,viele\n"
    quality = cleaned(tmp_path, orders).quality
    assert level(quality, "orders", 2)["score"] == pytest.approx(1 - 1 / 20)
    assert level(quality, "orders", 3)["score"] == pytest.approx(3 / 4)
    assert level(quality, "orders", 5)["status"] == "not measured"
    assert level(quality, "crm", 4)["status"] == "not measured"
    total = level(quality, "", 3)
    assert total["score"] == pytest.approx((3 / 4 * 4 + 1) / 5)


def test_a_month_without_a_row_lowers_what_is_collected(tmp_path):
    gap = "1,C1,2026-08-01,2026-08-02,100\n2,C1,2026-10-03,2026-10-04,60\n"
    told = level(cleaned(tmp_path, gap).quality, "orders", 1)
    assert (told["count"], told["of"]) == (1, 5 + 3)


def test_files_of_which_every_row_came_later_are_as_if_they_were_not_there(tmp_path):
    drawn = {"system": "crm", "files": "drawn.csv",
             "columns": {"who": "text", "arm": "text", "at": "date"}}  # fmt: skip
    select = (
        "SELECT 'tiers' AS experiment_id, who AS customer_id, arm, at AS assigned_at FROM drawn"
    )
    assigned = {"sources": {"drawn": drawn},
                "tables": {"assignments": {"source": "drawn", "select": select}}}  # fmt: skip
    files = {"crm.csv": "id\nC1\n", "orders.csv": HEADER + ORDERS_OF_TWO_MONTHS}

    def collected(folder, rows):
        made = {**files, "drawn.csv": "who,arm,at\n" + rows}
        workspace = workspace_of(folder, made, together(CUSTOMERS, ORDERS, assigned))
        return level(cleaned_from(workspace)[1].quality, "drawn", 1)

    later = collected(tmp_path / "later", "C1,new,2026-11-02\n")
    assert (later["status"], later["detail"]) == ("not measured", "absent")
    assert collected(tmp_path / "empty", "")["score"] == 0


def test_a_level_can_stop_a_run(tmp_path):
    orders = ORDERS_OF_TWO_MONTHS + "4,C1,2026-10-09,2026-10-10,viele\n"
    limits = {"warning": 0.01, "error": 0.04, "critical": 0.9, "stop_at": "error"}
    with pytest.raises(ContractError, match=r"orders, level 2 \(standardised\): 95.0%"):
        cleaned(tmp_path / "a", orders, quality=limits)
    cleaned(tmp_path / "b", orders, quality={**limits, "stop_at": "never"})


def test_a_rejected_row_must_be_listed():
    import pandas as pd

    ledger = pd.DataFrame([{"source": "a", "table": "t", "rows_rejected": 2}])
    refuse_unlisted(ledger, {("a", "t"): 2})
    with pytest.raises(RunError, match="not listed"):
        refuse_unlisted(ledger, {("a", "t"): 1})


def profile_of(rows, shares):
    bins = {name: round(rows * share) for name, share in shares.items()}
    return {"tables": {"shipments": {"rows_n": rows, "columns": {
        "service": {"kind": "word", "bins": bins}}}}}  # fmt: skip


USUAL = {"road": 0.7, "air": 0.28, "missing": 0.02}


def history(now, months=6):
    before = {f"2026-{10 - back:02d}": profile_of(1000 + back, USUAL)
              for back in range(1, months + 1)}  # fmt: skip
    return {**before, "2026-10": now}


def severities(found):
    return dict(zip(found["measure"], found["severity"], strict=True))


def test_nothing_is_unusual_without_earlier_months(tmp_path):
    october = Month(2026, 10)
    assert drift_of({}, october).empty
    assert drift_of(history(profile_of(1000, USUAL), months=2), october).empty
    quality = cleaned(tmp_path, ORDERS_OF_TWO_MONTHS).quality
    told = monitored(
        quality, drift_of({}, october), {"orders": ["shipments"]}, profile_in(tmp_path)
    )
    assert level(told, "orders", 5)["status"] == "not measured"


def profile_in(folder):
    from analysis.params import load_profile

    return load_profile(folder / "params" / "tiny.yaml")


def test_a_month_like_the_others_does_not_drift_and_a_strange_one_does():
    october = Month(2026, 10)
    usual = drift_of(history(profile_of(1010, USUAL)), october)
    assert set(usual["severity"]) == {"ok"}
    half = severities(drift_of(history(profile_of(300, USUAL)), october))
    assert half["rows"] == "error"
    odd = {"road": 0.1, "air": 0.3, "sea": 0.2, "missing": 0.4}
    strange = severities(drift_of(history(profile_of(1000, odd)), october))
    assert strange == {"rows": "ok", "missing": "error", "new": "error", "shift": "error"}


def restless(share, new=()):
    """Projects: another region is busy each month."""
    return profile_of(1000, {"north": share, "south": 1 - share - 0.02 * len(new),
                             **dict.fromkeys(new, 0.02)})  # fmt: skip


def test_what_moves_every_month_is_no_drift_until_it_moves_further():
    """With the fixed limits of a shift alone, each of these months had been told of."""
    shares = (0.2, 0.7, 0.35, 0.8, 0.25, 0.6, 0.3)
    before = {f"2026-{3 + at:02d}": restless(share) for at, share in enumerate(shares)}
    october = Month(2026, 10)
    for share, told in ((0.75, "ok"), (0.002, "error")):
        found = drift_of({**before, "2026-10": restless(share)}, october)
        assert severities(found)["shift"] == told
    calm = {month: restless(0.4) for month in before}
    assert severities(drift_of({**calm, "2026-10": restless(0.75)}, october))["shift"] == "error"


def test_new_categories_are_told_of_where_months_do_not_bring_some_anyway():
    october = Month(2026, 10)
    before = {f"2026-{3 + at:02d}": restless(0.4, [f"n{at}"]) for at in range(7)}
    found = drift_of({**before, "2026-10": restless(0.4, ["sea"])}, october)
    assert severities(found)["new"] == "ok"
    flood = drift_of({**before, "2026-10": restless(0.4, ["a", "b", "c", "d"])}, october)
    assert severities(flood)["new"] == "error"


def test_many_sizes_are_kept_and_many_words_leave_their_missing_share_known(tmp_path):
    """Fifty sizes of revenue, half octaves apart, and as many services; one row of each empty."""
    orders = "".join(
        f"{at},C1,2026-10-0{at % 9 + 1},,{2 ** (at / 2 + 0.25):.6f},s{at}\n" for at in range(50)
    )
    files = {"crm.csv": "id\nC1\n",
             "orders.csv": f"{HEADER.strip()},kind\n{orders}50,C1,2026-10-05,,,\n"}  # fmt: skip
    profile = together(CUSTOMERS, ORDERS)
    source, select = profile["sources"]["orders"], profile["tables"]["shipments"]
    columns = {**source["columns"], "kind": "text"}
    profile["sources"]["orders"] = {**source, "columns": columns}
    chosen = select["select"].replace(" FROM", ", kind AS service FROM")
    profile["tables"]["shipments"] = {**select, "select": chosen}
    described = cleaned_from(workspace_of(tmp_path, files, profile))[1].profile
    october = described["tables"]["shipments"]["columns"]
    assert len(october["revenue"]["bins"]) == 51
    assert october["service"]["bins"] == {"missing": 1}
    drift = drift_of(dict.fromkeys(("2026-07", "2026-08", "2026-09", "2026-10"), described),
                     Month(2026, 10))  # fmt: skip
    missing = drift[drift["measure"] == "missing"].set_index("column")["value"]
    assert missing["service"] == missing["revenue"] == pytest.approx(1 / 51)


def test_later_months_are_not_looked_at():
    known = history(profile_of(1000, USUAL))
    later = {**known, "2026-11": profile_of(9, {"sea": 1.0})}
    assert drift_of(later, Month(2026, 10)).equals(drift_of(known, Month(2026, 10)))


def test_level_five_is_the_share_of_measures_that_hold(tmp_path):
    quality = cleaned(tmp_path, ORDERS_OF_TWO_MONTHS).quality
    drift = drift_of(history(profile_of(300, USUAL)), Month(2026, 10))
    told = monitored(quality, drift, {"orders": ["shipments"]}, profile_in(tmp_path))
    row = level(told, "orders", 5)
    assert (row["count"], row["of"]) == (1, 4)
    assert row["score"] == pytest.approx(3 / 4)


def test_chance_alone_is_no_shift():
    assert stability_index({"a": 52, "b": 48}, {"a": 500, "b": 500}) < 0.01
    assert stability_index({"a": 10, "b": 90}, {"a": 500, "b": 500}) > 0.25


def test_a_month_that_only_the_other_source_of_a_table_holds_is_missing(tmp_path):
    desk = {
        "system": "crm",
        "columns": {"no": "text", "who": "text", "at": "time", "kind": "text"},
    }
    select = "SELECT no AS ticket_id, who AS customer_id, at AS opened_at, kind AS category FROM "
    tickets = {
        "sources": {name: {**desk, "files": f"{name}.csv"} for name in ("phone", "mail")},
        "tables": {
            "tickets": [{"source": name, "select": select + name} for name in ("phone", "mail")]
        },
    }
    rows = {
        "phone": "1,C1,2026-08-02,delay\n2,C1,2026-09-02,delay\n3,C1,2026-10-02,delay\n",
        "mail": "4,C1,2026-08-05,loss\n5,C1,2026-10-05,loss\n6,C1,2026-10-06,loss\n",
    }
    files = {f"{name}.csv": "no,who,at,kind\n" + text for name, text in rows.items()}
    files |= {"crm.csv": "id\nC1\n", "orders.csv": HEADER + ORDERS_OF_TWO_MONTHS}
    profile = together(CUSTOMERS, ORDERS, tickets)
    quality = cleaned_from(workspace_of(tmp_path, files, profile))[1].quality
    assert level(quality, "phone", 1)["score"] == 1
    told = level(quality, "mail", 1)
    assert (told["count"], told["of"]) == (1, 4 + 3)  # columns and months
