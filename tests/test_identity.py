"""Which records are one customer: by exact keys, never two different tax ids."""

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.identity import (
    CREDIT_CODE_SIGNS,
    CREDIT_CODE_WEIGHTS,
    RECORD_COLUMNS,
    bare_tax_id,
    normalised_name,
    normalised_phone,
    resolve,
    valid_tax_id,
)

SCHEMA = ibis.schema(
    dict.fromkeys(RECORD_COLUMNS, "string") | {"is_customer": "boolean", "precedence": "int64"}
)


def code(body):
    """A social credit code with its check sign, computed apart from the code under test."""
    total = sum(
        CREDIT_CODE_SIGNS.index(s) * w for s, w in zip(body, CREDIT_CODE_WEIGHTS, strict=True)
    )
    return body + CREDIT_CODE_SIGNS[-total % 31]


A, B = code("91310199MA0100008"), code("91320599MA148H002")


def links(*records):
    """Customer of each record (system:id), and the rule that decided."""
    frame = pd.DataFrame(
        [
            {
                "system": system,
                "source_customer_id": own,
                "is_customer": system == "crm",
                "precedence": 0 if system == "crm" else 1,
                **dict.fromkeys(("name", "phone", "tax_id", "parent_source_id")),
                **details,
            }
            for system, own, details in records
        ]
    )
    found = resolve(ibis.memtable(frame[list(RECORD_COLUMNS)], schema=SCHEMA)).execute()
    assert len(found) == len(records)
    return {
        f"{row.source}:{row.source_customer_id}": (row.customer_id, row.decided_by)
        for row in found.itertuples()
    }


def test_records_with_one_tax_id_are_one_customer_under_the_preferred_systems_first_id():
    found = links(
        ("tms", "A0", {"tax_id": A.lower()}),
        ("crm", "C2", {"tax_id": f" {A[:8]} {A[8:]}"}),
        ("crm", "C1", {"tax_id": A}),
        ("crm", "C3", {"tax_id": B}),
    )
    assert found == {
        "tms:A0": ("C1", "tax_id"),
        "crm:C2": ("C1", "tax_id"),
        "crm:C1": ("C1", "tax_id"),
        "crm:C3": ("C3", "own_id"),
    }


def test_name_and_telephone_together_lead_to_a_customer():
    found = links(
        ("crm", "C1", {"name": "上海锐锐纺织有限公司", "phone": "021-5555 1234", "tax_id": A}),
        ("tms", "T1", {"name": "上海锐锐纺织 ", "phone": "（０２１）５５５５１２３４"}),
        ("tms", "T2", {"name": "上海锐锐纺织", "phone": "021-55559999"}),
        ("tms", "T3", {"name": None, "phone": "021-55551234"}),
        ("tms", "T4", {"name": "Acme Co., Ltd.", "phone": "1234567"}),
        ("tms", "T5", {"name": "ACME", "phone": "123 45 67"}),
    )
    assert found["tms:T1"] == ("C1", "name_and_phone")
    assert found["tms:T2"] == ("tms:T2", "own_id")  # another telephone: one name is not enough
    assert found["tms:T3"] == ("tms:T3", "own_id")  # a telephone alone is a desk, not a company
    assert found["tms:T4"] == found["tms:T5"] == ("tms:T4", "name_and_phone")


def test_two_valid_tax_ids_are_never_one_customer():
    same = {"name": "甲有限公司", "phone": "13800000000"}
    found = links(
        ("crm", "C1", {**same, "tax_id": A}),
        ("crm", "C2", {**same, "tax_id": B}),
        ("tms", "T1", same),  # might be either: neither
        ("tms", "T2", {**same, "tax_id": A[:-1] + ("0" if A[-1] != "0" else "1")}),  # mistyped
    )
    assert found["crm:C1"][0] != found["crm:C2"][0]
    assert found["tms:T1"] == found["tms:T2"] == ("tms:T1", "name_and_phone")


def test_a_record_is_kept_apart_from_the_parent_it_names():
    found = links(
        ("crm", "C1", {"tax_id": A}),
        ("crm", "C2", {"tax_id": A, "parent_source_id": "C1"}),
        ("crm", "C3", {"tax_id": A, "parent_source_id": "C3"}),  # itself: no parent
    )
    assert {own: customer for own, (customer, _) in found.items()} == {
        "crm:C1": "C1",
        "crm:C2": "C2",
        "crm:C3": "C1",
    }


def test_ids_stay_when_records_are_added():
    first = [("crm", "C5", {"tax_id": A}), ("tms", "T1", {"tax_id": A})]
    before = links(*first)
    after = links(("crm", "C9", {"tax_id": A}), ("tms", "T0", {"tax_id": A}), *first)
    assert before["crm:C5"][0] == after["crm:C5"][0] == after["crm:C9"][0] == "C5"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (A, A),
        (A.lower(), A),
        (f"{A[:9]}-{A[9:]}", A),
        ("９１" + A[2:], A),
        (A[:-1], None),
        (A[:-1] + ("0" if A[-1] != "0" else "1"), None),
        (A[1] + A[0] + A[2:], None),
        ("91350100M000100Y43", "91350100M000100Y43"),  # the worked example of GB 32100-2015
        ("I" * 18, None),
        ("", None),
    ],
)
def test_tax_ids_are_valid_by_their_check_sign(text, valid):
    table = ibis.memtable({"x": [text]})
    found = table.select(y=valid_tax_id(bare_tax_id(table.x))).y.execute()
    assert [None if value != value else value for value in found] == [valid]


@settings(max_examples=25, deadline=None)
@given(
    bodies=st.lists(st.text(CREDIT_CODE_SIGNS, min_size=17, max_size=17), min_size=1, max_size=20),
    at=st.integers(0, 16),
    step=st.integers(1, 30),
)
def test_one_wrong_sign_is_always_found(bodies, at, step):
    codes = [code(body) for body in bodies]
    wrong = [
        one[:at] + CREDIT_CODE_SIGNS[(CREDIT_CODE_SIGNS.index(one[at]) + step) % 31] + one[at + 1 :]
        for one in codes
    ]
    table = ibis.memtable({"right": codes, "wrong": wrong})
    frame = table.select(r=valid_tax_id(table.right), w=valid_tax_id(table.wrong)).execute()
    assert frame["r"].tolist() == codes
    assert frame["w"].isna().all()


def test_names_and_telephones_are_normalised():
    names = [
        "上海（集团）有限公司",
        "上海(集团)股份有限公司",
        "Ａcme, Co., Ltd.",
        "ACME Inc",
        "！！",
        None,
    ]
    phones = ["+86 138-0000-0000", "008613800000000", "（021）5555 1234", "12345", None, "86123456"]
    table = ibis.memtable({"n": names, "p": phones}, schema={"n": "string", "p": "string"})
    frame = table.select(n=normalised_name(table.n), p=normalised_phone(table.p)).execute()
    found = frame.astype(object).where(frame.notna(), None)
    assert found["n"].tolist() == ["上海", "上海", "acme", "acme", None, None]
    assert found["p"].tolist() == [
        "13800000000",
        "13800000000",
        "02155551234",
        None,
        None,
        "86123456",
    ]
