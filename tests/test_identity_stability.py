"""A customer keeps its id and its records when next month's records arrive."""

import csv

import ibis
import pandas as pd
import pytest

from analysis.identity import RECORD_COLUMNS, resolve
from analysis.simulate import company

SCHEMA = ibis.schema(
    {**dict.fromkeys([*RECORD_COLUMNS, "email", "address"], "string")}
    | {"is_customer": "boolean", "precedence": "int64"}
)
FILES = {
    "crm": (
        "crm/客户档案.csv",
        "gb18030",
        ["客户编号", "客户名称", "联系电话", "统一社会信用代码", "上级客户编号", "邮箱", "地址"],
    ),
    "transport": (
        "transport/shippers.csv",
        "utf-8-sig",
        ["shipper_id", "shipper_name", "phone", "tax_no", "", "", "address"],
    ),
}
NAMES = ["source_customer_id", "name", "phone", "tax_id", "parent_source_id", "email", "address"]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Both systems' records in the order in which they were made."""
    folder = tmp_path_factory.mktemp("stability")
    company(folder, 150, 2, 31)
    frames = []
    for place, (system, (file, encoding, columns)) in enumerate(FILES.items()):
        with (folder / file).open(encoding=encoding, newline="") as stream:
            rows = [[row.get(c) or None for c in columns] for row in csv.DictReader(stream)]
        frame = pd.DataFrame(rows, columns=NAMES).drop_duplicates("source_customer_id")
        frame = frame[frame["source_customer_id"].notna()]
        facts = {"system": system, "is_customer": system == "crm", "precedence": place}
        frames.append(frame.assign(**facts))
    return frames


def linked(*frames):
    found = resolve(ibis.memtable(pd.concat(frames)[list(SCHEMA)], schema=SCHEMA), cores=1)
    return found.execute().set_index(["source", "source_customer_id"])


@pytest.mark.full
def test_known_customers_keep_their_ids_when_records_are_added(records):
    before = linked(*(frame.iloc[: int(len(frame) * 0.9)] for frame in records))
    after = linked(*records)
    assert len(after) > len(before)
    known = before[before["is_known"]]
    assert len(known) > 150
    assert known["customer_id"].tolist() == after.loc[known.index, "customer_id"].tolist()
    arrived = after.index.difference(before.index)
    joined = after.loc[arrived, "customer_id"].isin(known["customer_id"])
    assert joined.any()  # some are further records of known customers
    assert not joined.all()  # and some are new customers
