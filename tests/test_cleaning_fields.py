"""Who won which field where two systems know the same shipment or customer."""

import pytest

from raw_company import CUSTOMERS, ORDERS, cleaned_from, together, workspace_of

TRUCKS = {
    "sources": {
        "trucks": {
            "system": "crm",
            "files": "trucks.csv",
            "columns": {
                "no": "text",
                "who": "text",
                "at": "time",
                "yuan": "number",
                "kg": "number",
            },
        }
    },
    "tables": {
        "shipments": [
            ORDERS["tables"]["shipments"],
            {
                "source": "trucks",
                "select": "SELECT no AS shipment_id, who AS customer_id, at AS shipped_at, "
                "yuan AS revenue, kg AS weight_kg FROM trucks",
            },
        ]
    },
}
HEADER = "no,who,at,done,yuan\n"
ORDER_ROWS = "1,C1,2026-10-01,,100\n2,C1,2026-10-02,,\n3,C1,2026-10-03,,300\n"
TRUCK_ROWS = (
    "1,C1,2026-10-01,100,5\n"  # agrees
    "2,C1,2026-10-02,200,6\n"  # fills what the order left empty
    "3,C1,2026-10-04,333,7\n"  # is overruled, in time and in revenue
    "4,C1,2026-10-05,400,8\n"  # only the trucks know it
)


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    files = {
        "crm.csv": "id\nC1\n",
        "orders.csv": HEADER + ORDER_ROWS,
        "trucks.csv": "no,who,at,yuan,kg\n" + TRUCK_ROWS,
    }
    profile = together(CUSTOMERS, ORDERS, TRUCKS)
    return cleaned_from(workspace_of(tmp_path_factory.mktemp("fields"), files, profile))[1]


def field(cleaned, column):
    """Source → values, won, filled, agreed, overruled."""
    own = cleaned.fields[cleaned.fields["column"] == column]
    counts = own[["values_n", "won_n", "filled_n", "agreed_n", "overruled_n"]]
    return dict(zip(own["source"], counts.itertuples(index=False, name=None), strict=True))


def test_each_field_counts_who_won_filled_agreed_and_was_overruled(cleaned):
    assert field(cleaned, "revenue") == {"orders": (2, 2, 0, 0, 0), "trucks": (4, 2, 1, 1, 1)}
    assert field(cleaned, "shipped_at") == {"orders": (3, 3, 0, 0, 0), "trucks": (4, 1, 0, 2, 1)}
    assert field(cleaned, "weight_kg") == {"trucks": (4, 4, 0, 0, 0)}


def test_the_winner_stands_in_the_table(cleaned):
    table = cleaned.tables["shipments"].order_by("shipment_id").execute()
    assert table["revenue"].tolist() == [100, 200, 300, 400]
    assert table["shipped_at"].dt.day.tolist() == [1, 2, 3, 5]


def test_every_value_offered_ends_in_one_way(cleaned):
    fields = cleaned.fields
    ends = fields["won_n"] + fields["agreed_n"] + fields["overruled_n"]
    assert (fields["values_n"] == ends).all()
    assert (fields["filled_n"] <= fields["won_n"]).all()
    assert (fields["agreed_n"] >= 0).all()
    assert set(fields["table"]) == {"shipments"}  # only it has several sources
