"""Parquet files of one source that keep the same values in other types."""

import copy
import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.errors import AnalysisError
from analysis.sources import ingest
from raw_company import CUSTOMERS, ORDERS, together, workspace_of

DAY = dt.datetime(2026, 10, 1, 9)


def company(folder, *tables):
    profile = copy.deepcopy(together(CUSTOMERS, ORDERS))
    entry = profile["sources"]["orders"]
    entry |= {"files": "orders_*.parquet", "format": "parquet"}
    entry["columns"]["at"] = "time"
    workspace = workspace_of(folder, {"crm.csv": "id\nC1\n"}, profile)
    for at, table in enumerate(tables):
        pq.write_table(table, folder / "raw" / f"orders_{at}.parquet")
    return workspace


def orders(no, who, at, done, yuan):
    values = {"no": no, "who": who, "at": at, "done": done, "yuan": yuan}
    return pa.table({name: pa.array([value], kind) for name, (value, kind) in values.items()})


def test_a_month_that_another_version_wrote_is_the_same_source(tmp_path):
    """Large strings, nanoseconds, categories, a column without a value, gaps in whole numbers."""
    one = orders(
        (90071992547409931, pa.int64()), ("C1", pa.string()), (DAY, pa.timestamp("us")),
        (DAY, pa.timestamp("us")), (5, pa.int64()),
    )  # fmt: skip
    other = orders(
        (12.0, pa.float64()), ("C1", pa.large_string()), (DAY, pa.timestamp("ns")),
        (None, pa.null()), (7.5, pa.float64()),
    )  # fmt: skip
    third = orders(
        (13, pa.int32()), ("C1", pa.string()), (DAY, pa.timestamp("ms")), (None, pa.null()),
        (None, pa.null()),
    )  # fmt: skip
    third = third.set_column(1, "who", pa.array(["C1"]).dictionary_encode())
    table = ingest(company(tmp_path, one, other, third)).sources["orders"].table
    found = table.order_by("_row").to_pyarrow()
    assert found["no"].to_pylist() == ["90071992547409931", "12", "13"], "ids keep their digits"
    assert found["who"].to_pylist() == ["C1"] * 3
    assert found["at"].to_pylist() == [DAY] * 3
    assert found["done"].to_pylist() == [DAY, None, None]
    assert found["yuan"].to_pylist() == [5, 7.5, None]


def test_a_column_that_holds_something_else_is_still_refused(tmp_path):
    usual = orders(("1", pa.string()), ("C1", pa.string()), (DAY, pa.timestamp("us")),
                   (None, pa.null()), (5, pa.int64()))  # fmt: skip
    strange = usual.set_column(2, "at", pa.array(["2026-10-01"]))
    with pytest.raises(AnalysisError, match="differ in a column's type"):
        ingest(company(tmp_path, usual, strange))


@pytest.mark.parametrize(
    ("value", "kind"),
    [(5, pa.decimal128(12, 2)), (dt.date(2026, 10, 1), pa.date32())],
)
def test_a_month_without_a_value_takes_the_type_of_the_others(tmp_path, value, kind):
    column = "yuan" if pa.types.is_decimal(kind) else "done"
    usual = orders(("1", pa.string()), ("C1", pa.string()), (DAY, pa.timestamp("us")),
                   (DAY, pa.timestamp("us")), (5, pa.int64()))  # fmt: skip
    at = usual.schema.get_field_index(column)
    filled = usual.set_column(at, column, pa.array([value], kind))
    empty = usual.set_column(at, column, pa.nulls(1))
    found = (
        ingest(company(tmp_path, empty, filled))
        .sources["orders"]
        .table.order_by("_row")
        .to_pyarrow()[column]
    )
    assert found.to_pylist()[0] is None
    assert found.to_pylist()[1] is not None
