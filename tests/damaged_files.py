"""Files as damaged as people and systems make them: some 400, the same ones every time.

Each is a list of shipments with one thing wrong. Where the damage is done to whole rows, the
number of rows that a reader must account for is known from the making.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlwt

HEADER = ["no", "who", "at", "done", "kg", "yuan", "note"]
ROWS = 8
SUFFIX = {"csv": "csv", "excel": "xlsx", "jsonl": "jsonl", "parquet": "parquet"}
Rows = list[list[object]]


@dataclass(frozen=True)
class Damaged:
    """One file.

    Attributes:
        name: What is wrong with it.
        format: As a profile names it.
        content: Its bytes.
        rows: Rows after the header that must be accounted for; None where that depends on
            what a reader takes for a row.
    """

    name: str
    format: str
    content: bytes
    rows: int | None = None


def shipments(tag: str) -> Rows:
    """Sound rows whose numbers start with a tag of their own."""
    return [
        [f"{tag}-{n}", f"C{n % 3 + 1}", f"2026-10-0{n + 1} 09:30", f"2026-10-1{n}", 1.5 * (n + 1),
         10.25 * n, f"备注{n}"]
        for n in range(ROWS)
    ]  # fmt: skip


def _cell(row: int, column: str, value: object) -> Callable[[Rows], Rows]:
    at = HEADER.index(column)

    def change(rows: Rows) -> Rows:
        rows[row][at] = value
        return rows

    return change


def _column(column: str, values: list[object]) -> Callable[[Rows], Rows]:
    at = HEADER.index(column)

    def change(rows: Rows) -> Rows:
        for n, row in enumerate(rows):
            row[at] = values[n % len(values)]
        return rows

    return change


def _insert(at: int, row: list[object]) -> Callable[[Rows], Rows]:
    return lambda rows: [*rows[:at], list(row), *rows[at:]]


def _swapped(left: str, right: str, count: int) -> Callable[[Rows], Rows]:
    a, b = HEADER.index(left), HEADER.index(right)

    def change(rows: Rows) -> Rows:
        for row in rows[:count]:
            row[a], row[b] = row[b], row[a]
        return rows

    return change


EMPTY: list[object] = [None] * len(HEADER)
ROW_DAMAGE: dict[str, Callable[[Rows], Rows]] = {
    "nothing wrong": lambda rows: rows,
    "a header again in the middle": _insert(4, list(HEADER)),
    "a header again at the end": _insert(ROWS, list(HEADER)),
    "a totals row at the end": _insert(ROWS, ["合计", None, None, None, 54, 287, None]),
    "a subtotal in the middle": _insert(3, ["小计：", None, None, None, 9, 30.75, None]),
    "an English total": _insert(ROWS, ["Grand Total", None, None, None, 54, 287, None]),
    "a blank row in the middle": _insert(4, EMPTY),
    "a footnote": _insert(ROWS, ["数据来源:运输系统", *EMPTY[1:]]),
    "two columns swapped in a row": _swapped("no", "who", 1),
    "dates and amounts swapped": _swapped("at", "yuan", 3),
    "weights and notes swapped throughout": _swapped("kg", "note", ROWS),
    "a number as words": _cell(2, "yuan", "约十元"),
    "numbers as text": _column("yuan", ["1,234.50", "¥12", "3.5万", "１２．５", "(7)", "45%"]),
    "numbers that are none": _column("yuan", ["nan", "inf", "-", "1.2.3", "0x1A", "--5"]),
    "negative weights": _column("kg", [-1, 2, 0]),
    "negative amounts": _cell(1, "yuan", -5),
    "absurd amounts": _cell(1, "yuan", "1e308"),
    "too large for a number": _cell(1, "yuan", "1e999"),
    "a far future": _cell(0, "at", "2099-01-01"),
    "a far past": _cell(0, "at", "0001-01-01"),
    "days that do not exist": _column("at", ["2026-02-30", "2026-13-01", "0000-00-00"]),
    "dates in three forms": _column("at", ["2026/10/3", "2026年10月4日", "20261005"]),
    "dates that could be two days": _column("at", ["3/4/2026", "04.03.2026"]),
    "words for dates": _column("done", ["infinity", "epoch", "now", "待定"]),
    "delivered before pick-up": _cell(3, "done", "2026-09-01"),
    "times with offsets": _column("at", ["2026-10-03T09:00:00Z", "2026-10-03 09:00:00+08:00"]),
    "formulas": _column("note", ["=SUM(A1:A9)", "+1+1", "-2", "@x", '=HYPERLINK("x","y")']),
    "formulas as amounts": _cell(2, "yuan", "=A1+B1"),
    "error values": _column("yuan", ["#N/A", "#REF!", "#DIV/0!", "5"]),
    "no key": _cell(5, "no", None),
    "an unknown customer": _cell(5, "who", "C99"),
    "a row twice": lambda rows: [*rows, list(rows[0])],
    "a key twice with other values": lambda rows: [*rows, [*rows[0][:4], 99, 99, "x"]],
    "NUL in a cell": _cell(2, "note", "a\0b"),
    "control characters": _cell(2, "note", "a\x07b\x1f\x7f"),
    "quotes and line breaks in cells": _column("note", ['say "x"', "two\nlines", "a\r\nb", "'"]),
    "delimiters in cells": _column("note", ["a,b;c\td|e", ";;;", ",,,"]),
    "a cell of a megabyte": _cell(2, "note", "长" * 350_000),
    "unusual signs": _column("note", ["😀", "\u202e倒", "e\u0301", "\ufeff", "𠮷野家"]),
    "markup and code": _column("note", ["<script>x</script>", "'; DROP TABLE x; --", "{{7*7}}"]),
    "blanks around cells": _column("who", [" C1 ", "\u3000C2", "C3\u00a0"]),
    "full-width cells": _column("who", ["Ｃ１", "Ｃ２"]),
    "words for nothing": _column("kg", ["N/A", "无", "NULL", "-"]),
    "only one row": lambda rows: rows[:1],
}  # fmt: skip


def as_csv(rows: Rows, delimiter: str = ",", end: str = "\n", header: list[str] = HEADER) -> str:
    def shown(cell: object) -> str:
        text = "" if cell is None else str(cell)
        special = any(sign in text for sign in (delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if special else text

    return "".join(delimiter.join(map(shown, row)) + end for row in [header, *rows])


DIALECTS: dict[str, tuple[str, str, str]] = {
    "commas, utf-8": (",", "\n", "utf-8"),
    "semicolons, gb18030, CRLF": (";", "\r\n", "gb18030"),
    "tabs, utf-16": ("\t", "\n", "utf-16"),
    "bars, utf-8 with mark, CR": ("|", "\r", "utf-8-sig"),
}


def files() -> Iterator[Damaged]:
    """All of them, in a stable order; each file's shipment numbers are its own."""
    yield from _delimited()
    yield from _broken_text()
    yield from _spreadsheets()
    yield from _json_lines()
    yield from _parquet()


def _delimited() -> Iterator[Damaged]:
    for d, (dialect, (delimiter, end, encoding)) in enumerate(DIALECTS.items()):
        for n, (name, damage) in enumerate(ROW_DAMAGE.items()):
            rows = damage(shipments(f"c{d}.{n}"))
            text = as_csv(rows, delimiter, end)
            yield Damaged(f"{name}; {dialect}", "csv", text.encode(encoding), len(rows))


def _broken_text() -> Iterator[Damaged]:
    """Damage to bytes, lines and headers."""
    chance = random.Random(20261124)
    for n in range(60):
        text = as_csv(shipments(f"t{n}"))
        content = text.encode("gb18030" if n % 3 == 2 else "utf-8")
        at = chance.randrange(1, len(content))
        if n < 16:
            yield Damaged(f"cut off at byte {at}", "csv", content[:at])
        elif n < 32:
            flipped = bytes([content[at] ^ (1 << chance.randrange(8))])
            yield Damaged(
                f"a bit flipped at {at}", "csv", content[:at] + flipped + content[at + 1 :]
            )
        elif n < 44:
            wrong = chance.choice(
                [b"\xff", b"\x80\x81", b"\0", b'"', b"\n", b"\r\r", b"\xef\xbb\xbf"]
            )
            yield Damaged(f"{wrong!r} put in at {at}", "csv", content[:at] + wrong + content[at:])
        elif n < 52:
            block = content[at : at + 40]
            yield Damaged(f"bytes twice at {at}", "csv", content[:at] + block + content[at:])
        else:
            other = "客户,备注\n".encode("gb18030" if n % 2 else "utf-16")
            yield Damaged(f"another encoding at {at}", "csv", content[:at] + other + content[at:])
    text = as_csv(shipments("h"))
    plain = {
        "empty": b"",
        "only blanks": b" \n \r\n\t\n",
        "only a mark": b"\xef\xbb\xbf",
        "only NUL bytes": b"\0" * 5000,
        "only a header": ",".join(HEADER).encode(),
        "no header": text.split("\n", 1)[1].encode(),
        "a title above the header": b"waybills of October\n\n" + text.encode(),
        "a column renamed": text.replace("yuan", "yuna", 1).encode(),
        "a column missing": as_csv([r[:-1] for r in shipments("m")], header=HEADER[:-1]).encode(),
        "a column more": as_csv([[*r, 1] for r in shipments("n")], header=[*HEADER, "x"]).encode(),
        "a column twice": text.replace("done", "at", 1).encode(),
        "columns in another order": as_csv(
            [r[::-1] for r in shipments("o")], header=HEADER[::-1]
        ).encode(),
        "a field less in each row": text.replace(",备注", "").encode(),
        "a field more in each row": text.replace("\n", ",\n").encode(),
        "a field more in some rows": text.replace("备注3", "备注3,,").encode(),
        "a quote that never ends": text.replace("备注2", '"备注2').encode(),
        "quotes of the wrong kind": text.replace("备注2", "“备注2”").encode(),
        "a lonely quote in a cell": text.replace("备注2", '5" 管').encode(),
        "all line ends": text.replace("注2\n", "注2\r\n").replace("3\n", "3\r").encode(),
        "NUL bytes at the end": text.encode() + b"\0" * 4096,
        "blank lines at the end": text.encode() + b"\n" * 50,
        "delimiters only at the end": text.encode() + b",,,,,,\n" * 20,
        "a sheet's hint for its delimiter": b"sep=,\n" + text.encode(),
        "one line without an end": b"x" * 3_000_000,
        "utf-16 without a mark": text.encode("utf-16-le"),
        "utf-16 cut in half a sign": text.encode("utf-16")[:-1],
        "utf-32": text.encode("utf-32"),
        "western letters": text.replace("备注", "Größe Straße Müller ").encode("cp1252"),
        "mojibake": text.encode().decode("latin-1").encode(),
        "zip renamed to csv": _zipped(text),
        "gzip renamed to csv": gzip.compress(text.encode(), mtime=0),
        "spreadsheet renamed to csv": _workbook([shipments("z")]),
        "a picture renamed to csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        "a web page renamed to csv": b"<html><body><h1>502 Bad Gateway</h1></body></html>\n",
        "noise": random.Random(7).randbytes(20_000),
        "short noise": random.Random(8).randbytes(300),
        "full-width commas": text.replace(",", "，").encode(),
        "fixed widths": text.replace(",", "   ").encode(),
    }  # fmt: skip
    known = {
        "columns in another order": ROWS,
        "a column more": ROWS,
        "blank lines at the end": ROWS,
    }
    known |= {"a field more in some rows": ROWS, "delimiters only at the end": ROWS}
    for name, content in plain.items():
        yield Damaged(name, "csv", content, known.get(name))


def _zipped(text: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as book:
        book.writestr(zipfile.ZipInfo("orders.csv"), text)
    return kept.getvalue()


def _workbook(sheets: list[Rows], header: bool = True, merged: str = "") -> bytes:
    book = openpyxl.Workbook()
    for n, rows in enumerate(sheets):
        sheet = book.create_sheet(f"S{n}") if n else book.active
        for row in [HEADER, *rows] if header else rows:
            sheet.append([_allowed(cell) for cell in row])
        if merged:
            sheet.merge_cells(merged)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _allowed(cell: object) -> object:
    """What a spreadsheet can hold: no control characters, 32,767 signs."""
    if not isinstance(cell, str):
        return cell
    return "".join(sign for sign in cell if sign >= " " or sign in "\n\t")[:32_767]


def _old_workbook(rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    for at, row in enumerate([HEADER, *rows]):
        for place, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, place, _allowed(cell))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _spreadsheets() -> Iterator[Damaged]:
    for n, (name, damage) in enumerate(ROW_DAMAGE.items()):
        rows = damage(shipments(f"x{n}"))
        yield Damaged(f"{name}; xlsx", "excel", _workbook([rows]), len(rows))
        if n % 3 == 0:
            rows = damage(shipments(f"y{n}"))
            yield Damaged(f"{name}; xls", "excel", _old_workbook(rows), len(rows))
    sound = _workbook([shipments("w1"), shipments("w2")])
    merged = shipments("w3")
    for row in merged[1:4]:
        row[1] = None
    plain: dict[str, tuple[bytes, int | None]] = {
        "two sheets": (sound, 2 * ROWS),
        "cells merged over rows": (_workbook([merged], merged="B2:B5"), ROWS),
        "a title merged over the header": (_workbook([shipments("w4")], merged="A1:G1"), None),
        "an empty sheet": (_workbook([[]], header=False), None),
        "only a header": (_workbook([[]]), None),
        "no header": (_workbook([shipments("w5")], header=False), None),
        "one sheet without the columns": (_workbook([shipments("w6"), []], header=True), None),
        "text renamed to xlsx": (as_csv(shipments("w7")).encode(), None),
        "empty": (b"", None),
        "an archive without a workbook": (_zipped("x"), None),
        "an old workbook cut off": (_old_workbook(shipments("w8"))[:2000], None),
        "an old workbook's beginning only": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, None),
    }  # fmt: skip
    for name, (content, rows) in plain.items():
        yield Damaged(f"{name}; spreadsheet", "excel", content, rows)
    chance = random.Random(3)
    for _ in range(12):
        at = chance.randrange(30, len(sound))
        yield Damaged(f"workbook cut off at {at}", "excel", sound[:at])
        changed = sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1 :]
        yield Damaged(f"workbook with a bit flipped at {at}", "excel", changed)


def _json_lines() -> Iterator[Damaged]:
    for n, (name, damage) in enumerate(ROW_DAMAGE.items()):
        if n % 2:
            continue
        rows = damage(shipments(f"j{n}"))
        lines = [
            json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in rows
        ]
        yield Damaged(f"{name}; JSON lines", "jsonl", "\n".join(lines).encode(), len(rows))
    good = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in shipments("k")]
    text = "\n".join(good)
    plain: dict[str, tuple[bytes, int | None]] = {
        "a line cut off at the end": (text[:-20].encode(), ROWS),
        "a broken line in the middle": (text.replace("}", "", 1).encode(), ROWS),
        "no objects but lists": ("\n".join(["[1, 2]"] * 3).encode(), None),
        "one list of all": (f"[{','.join(good)}]".encode(), None),
        "lines that are numbers": ((text + "\n5\nnull\n\"x\"").encode(), ROWS + 3),
        "nested members": (text.replace('"C1"', '{"id": "C1"}').encode(), ROWS),
        "members twice": (text.replace('{"no"', '{"kg": 3, "no"').encode(), ROWS),
        "very deep": ((text + "\n" + '{"no":' * 9_000).encode(), ROWS + 1),
        "a byte that is no text": (text.encode().replace(b"k-3", b"k\xff3"), None),
        "utf-16": (text.encode("utf-16"), ROWS),
        "NUL bytes at the end": (text.encode() + b"\n" + b"\0" * 100, ROWS + 1),
        "a member missing everywhere": (text.replace('"kg"', '"kilo"').encode(), None),
        "empty": (b"", None),
        "csv renamed to jsonl": (as_csv(shipments("l")).encode(), None),
    }  # fmt: skip
    for name, (content, rows) in plain.items():
        yield Damaged(f"{name}; JSON", "jsonl", content, rows)


def _parquet() -> Iterator[Damaged]:
    for n, (name, damage) in enumerate(ROW_DAMAGE.items()):
        if n % 3:
            continue
        rows = damage(shipments(f"p{n}"))
        yield Damaged(f"{name}; Parquet", "parquet", _as_parquet(rows), len(rows))
    sound = _as_parquet(shipments("q"))
    chance = random.Random(5)
    yield Damaged("empty; Parquet", "parquet", b"")
    yield Damaged("text renamed to Parquet", "parquet", as_csv(shipments("r")).encode())
    for _ in range(10):
        at = chance.randrange(4, len(sound))
        yield Damaged(f"Parquet cut off at {at}", "parquet", sound[:at])
        changed = sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1 :]
        yield Damaged(f"Parquet with a bit flipped at {at}", "parquet", changed)


def _as_parquet(rows: Rows) -> bytes:
    columns = {
        name: [None if row[at] is None else str(row[at]) for row in rows]
        for at, name in enumerate(HEADER)
    }
    kept = io.BytesIO()
    pq.write_table(pa.table(columns), kept)
    return kept.getvalue()
