"""Amounts in another currency, unit or tax basis become the profile's, or are refused."""

import pytest

from analysis.errors import AnalysisError
from analysis.sources import ingest, source_faults
from raw_company import CUSTOMERS, ORDERS, together, workspace_of

CRM = "id\nC1\n"
HEADER = "no,who,at,done,yuan\n"
ROWS = "1,C1,2026-09-30,,100\n2,C1,2026-10-01,,1.06\n3,C1,2026-11-02,,7\n"
RATES = "month,currency,rate\n2026-09,USD,7.1\n2026年10月,USD,7.0\n2026-10,EUR,8\n"


def opened(folder, text=HEADER + ROWS, money=None, own=None, column="amount", rates=""):
    entry = {**ORDERS["sources"]["orders"], **({"money": own} if own else {})}
    entry["columns"] = {**entry["columns"], "yuan": column}
    profile = together(CUSTOMERS, ORDERS)
    profile = {**profile, "sources": {**profile["sources"], "orders": entry}}
    files = {"crm.csv": CRM, "orders.csv": text, **({"rates.csv": rates} if rates else {})}
    stated = {"currency": "CNY", "tax": "excluded", **(money or {})}
    return workspace_of(folder, files, profile, money=stated)


def amounts(workspace):
    table = ingest(workspace).sources["orders"].table.order_by("_row")
    frame = table.execute()
    faults = [
        [f["rule"] for f in found or []] for found in table["_faults"].to_pyarrow().to_pylist()
    ]
    values = frame["yuan"].astype(object).where(frame["yuan"].notna(), None).tolist()
    return values, faults, frame["_unusable"].tolist()


def told(workspace):
    faults = source_faults(workspace)
    assert len(faults) == 1, [str(f) for f in faults]
    return str(faults[0])


def test_each_month_has_its_rate_and_a_month_without_one_is_a_fault(tmp_path):
    usd = {"currency": "USD", "dated_by": "at"}
    values, faults, unusable = amounts(
        opened(tmp_path, money={"rates": "rates.csv"}, own=usd, rates=RATES)
    )
    assert values == [710, 7.42, None]
    assert faults == [[], [], ["no_exchange_rate"]]
    assert unusable == [False, False, True]


def test_unit_and_tax_of_column_source_and_profile(tmp_path):
    with_tax = {"tax": "included", "tax_rate": 0.06}
    assert amounts(opened(tmp_path / "a", own=with_tax))[0][1] == 1
    other = {"money": {"tax": "included", "tax_rate": 0.06}, "own": {"tax": "excluded"}}
    assert amounts(opened(tmp_path / "b", **other))[0][0] == 106
    column = {"type": "amount", "unit": 10}
    assert amounts(opened(tmp_path / "c", money={"unit": 1e4}, column=column))[0][0] == 1000
    assert amounts(opened(tmp_path / "d", money={"unit": 1e4}))[0][0] == 1_000_000


def test_each_row_has_its_own_currency(tmp_path):
    """The profile's needs no rate; a row that says none takes the source's, else it is a fault."""
    text = HEADER + "".join(
        f"{code},C1,{at},,{signed}\n"
        for code, at, signed in (
            ("USD", "2026-09-30", "$100"), ("eur", "2026-10-01", "2"), ("CNY", "2026-12-01", "5"),
            ("", "2026-10-01", "3"), ("GBP", "2026-10-01", "4"), ("USD", "2026-11-02", "6"),
            ("USD", "2026-10-01", "7元"), ("EUR", "2026-10-01", "＄8"), ("EUR", "2026-10-01", "€2"),
        )
    )  # fmt: skip
    named = {"currency_in": "no", "dated_by": "at"}
    given = {"money": {"rates": "rates.csv"}, "rates": RATES, "text": text}
    values, faults, unusable = amounts(opened(tmp_path / "a", own=named, **given))
    assert values == [710, 16, 5, *[None] * 5, 16]
    assert faults == [*[[]] * 3, *[["no_exchange_rate"]] * 3, *[["not_an_amount"]] * 2, []]
    assert unusable == [False] * 3 + [True] * 5 + [False]
    usual = {**named, "currency": "USD"}
    assert amounts(opened(tmp_path / "b", own=usual, **given))[0][3] == 21


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"own": {"currency": "USD", "dated_by": "at"}}, "need a monthly rate table"),
        ({"own": {"currency_in": "no", "dated_by": "at"}}, "in several currencies need a monthly"),
        (
            {"own": {"currency": "USD"}, "money": {"rates": "rates.csv"}, "rates": RATES},
            "names no column that dates",
        ),
        (
            {
                "own": {"currency": "GBP", "dated_by": "at"},
                "money": {"rates": "rates.csv"},
                "rates": RATES,
            },
            "lacks a currency",
        ),
        (
            {"money": {"rates": "rates.csv"}, "rates": RATES + "2026-09,USD,7\n"},
            "given twice",
        ),
        ({"money": {"rates": "rates.csv"}, "rates": RATES + "2026-08,USD,x\n"}, "cannot be read"),
        ({"money": {"rates": "rates.csv"}, "rates": RATES + "2026-08,USD,0\n"}, "not usable"),
        ({"money": {"rates": "rates.csv"}}, "File not found"),
        ({"own": {"tax": "included"}}, "need a tax rate"),
        ({"own": {"tax": "unknown"}}, "tax basis is 'unknown'"),
        ({"own": {"tax": "included", "tax_rate": 0.06}, "money": {"tax": "unknown"}}, "tax basis"),
    ],
)
def test_what_cannot_be_brought_over_is_refused_in_one_sentence(tmp_path, case, words):
    workspace = opened(tmp_path, **case)
    assert words in told(workspace)
    with pytest.raises(AnalysisError):
        ingest(workspace)


def test_a_sign_of_another_currency_is_no_amount(tmp_path):
    cells = ["¥1", "12元", "$5", "€5", "人民币3.5万", "（1,234.50）"]
    text = HEADER + "".join(f'{n},C1,2026-10-01,,"{c}"\n' for n, c in enumerate(cells))
    values, faults, _ = amounts(opened(tmp_path, text))
    assert values == [1, 12, None, None, 35000, -1234.5]
    assert faults[2] == faults[3] == ["not_an_amount"]


def test_money_is_for_amounts_only(tmp_path):
    with pytest.raises(AnalysisError, match="there is none"):
        opened(tmp_path, own={"currency": "USD"}, column="number")
