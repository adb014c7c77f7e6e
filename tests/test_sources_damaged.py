"""Damaged files: rejects that add up, or one clear error; never a traceback, never a loss."""

import zipfile

import pytest

from analysis.errors import AnalysisError
from raw_company import CUSTOMERS, ORDERS, cleaned_from, ledger_row, together, workspace_of

HEADER = "no,who,at,done,yuan\n"
ROWS = [f"{n},C{n % 2 + 1},2026-10-0{n},,{n}.5\n" for n in range(1, 8)]
TEXT = HEADER + "".join(ROWS)


def zipped(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("orders.csv", TEXT)
    return path.read_bytes()


ACCOUNTED = {
    "truncated in a row": (TEXT[:-12], 6, 1),
    "NUL bytes in a cell": (TEXT.replace("3.5", "3\0.5"), 6, 1),
    "a header repeated": (TEXT + TEXT, 7, 1),
    "a totals row at the end": (TEXT + "合计,,,,28\n", 7, 1),
    "numbers as text": (TEXT.replace("3.5", "约3.5"), 6, 1),
    "swapped columns": (TEXT + "C1,9,2026-10-01,,5\n", 7, 1),
    "swapped dates and amounts": (TEXT + "9,C1,5,,2026-10-01\n", 7, 1),
    "formulas": (TEXT.replace("3.5", '"=SUM(E2:E3)"'), 6, 1),
    "negative amounts": (TEXT.replace("3.5", "-3.5"), 6, 1),
    "dates in three forms": (TEXT.replace("-10-03", "年10月3日").replace("-10-04", "/10/4"), 7, 0),
    "far future": (TEXT.replace("2026-10-03", "2099-10-03"), 6, 1),
    "an extra field": (TEXT.replace("3.5\n", "3.5,6\n"), 6, 1),
    "a missing field": (TEXT.replace(",,3.5\n", ",3.5\n"), 6, 1),
    "a quote left open": (TEXT.replace("3,C2", '"3,C2'), 2, 5),
    "quoted line breaks": (TEXT.replace("3,C2", '"3\n",C2'), 7, 0),
    "old line ends": (TEXT.replace("\n", "\r"), 7, 0),
    "mixed line ends": (TEXT.replace("3.5\n", "3.5\r\n").replace("4.5\n", "4.5\r"), 7, 0),
    "blank lines": (TEXT.replace("3.5\n", "3.5\n\n") + "\n\n", 7, 1),
    "utf-8 with mark": ("\ufeff" + TEXT, 7, 0),
    "utf-16": (TEXT.encode("utf-16"), 7, 0),
    "a mojibake cell": (TEXT.replace("3,C2", "é”™\ufffd,C2"), 7, 0),
    "a huge cell": (TEXT.replace("3,C2", "x" * (6 << 20) + ",C2"), 7, 0),
    "semicolons instead of commas": (TEXT.replace(",", ";"), 7, 0),
    "tabs instead of commas": (TEXT.replace(",", "\t"), 7, 0),
    "only a header": (HEADER.strip(), None, None),
}


@pytest.mark.parametrize("damage", ACCOUNTED)
def test_damage_is_accounted_for(tmp_path, damage):
    content, kept, rejected = ACCOUNTED[damage]
    workspace = workspace_of(
        tmp_path, {"crm.csv": "id\nC1\nC2\n", "orders.csv": content}, together(CUSTOMERS, ORDERS)
    )
    if kept is None:
        with pytest.raises(AnalysisError):
            cleaned_from(workspace)
        return
    found = cleaned_from(workspace)[1]
    books = ledger_row(found, "orders", "shipments")
    assert (books["rows_kept"], books["rows_rejected"]) == (kept, rejected), found.violations
    told = found.rejects.select("file", "row").distinct().execute()
    assert len(told) == rejected
    assert set(told["file"]) <= {"orders.csv"}


REFUSED = {
    "empty": (b"", "empty"),
    "only blanks": (b"\n\n  \n", "Column not found|header row"),
    "zip renamed to csv": (zipped, "Column not found|packed (zip)"),
    "wrong encoding half way": (
        TEXT.encode() * 3 + "客户".encode("gb18030") + b"\xff\n",
        "no text in any one encoding",
    ),
    "no header": ("".join(ROWS).encode(), "Column not found"),
    "a column renamed": (TEXT.replace("yuan", "yuna").encode(), "Did you mean 'yuna'?"),
    "a column twice": (TEXT.replace("done", "at").encode(), "twice"),
}


@pytest.mark.parametrize("damage", REFUSED)
def test_what_cannot_be_read_is_one_clear_error(tmp_path, damage):
    content, told = REFUSED[damage]
    content = content(tmp_path) if callable(content) else content
    workspace = workspace_of(
        tmp_path, {"crm.csv": "id\nC1\n", "orders.csv": content}, together(CUSTOMERS, ORDERS)
    )
    with pytest.raises(AnalysisError) as fault:
        cleaned_from(workspace)
    assert any(part in str(fault.value) for part in told.split("|")), str(fault.value)
    assert "orders.csv" in str(fault.value)
