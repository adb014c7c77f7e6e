"""What the columns of a file hold, told by the same conversions that a run uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from ...engine import Engine
from ...params import ColumnReading
from ..conversion import FALSE_WORDS, FAULTS, FILL_DATE, TRUE_WORDS, convert
from ..oddities import is_totals_word
from .look import Look
from .moments import moment
from .quantities import number, numeric
from .seen import EMPTY, FILLS, NEARLY_ALL, NULL_WORDS, Kind, Seen, monetary, timely

DISTINCT = 4_000
"""Different texts of a column that are tried, the most frequent ones."""

FEW_WORDS = 30

TRIED: Mapping[str, ColumnReading] = {
    "integer": ColumnReading(type="integer"),
    "number": ColumnReading(type="number"),
    "comma": ColumnReading(type="number", decimal=","),
    "boolean": ColumnReading(type="boolean"),
    "time": ColumnReading(type="time"),
    "month": ColumnReading(type="month"),
}

_ID = re.compile(
    r"(编号|编码|代码|号|号码|单号|电话|手机|税号|信用代码|邮编|条码)$|(^|[_.\s])(id|no|code|number|phone|"
    r"tel|mobile|zip|postcode|sku|barcode|tax_?no|tax_?id|pq|po|awb|dn)$|(id|code|_no|#)$|zip_?code",
    re.IGNORECASE,
)

_LOST_DIGITS = re.compile(r"\d(\.\d+)?[Ee]\+\d{2,3}")

_FLAG = re.compile(
    r"^是否|^有无|^is_|^has_|破损|丢失|flag|damaged|lost|treat(ed)?$|active|valid", re.IGNORECASE
)


def kinds_of(look: Look, engine: Engine) -> list[Kind]:
    """What each column of a file holds, from the left."""
    columns = [look.cells.column(at) for at in range(len(look.headers))]
    texts = [_counted(column, h) for column, h in zip(columns, look.headers, strict=True)]
    read = _tried(texts, engine)
    seen = [Seen(h, texts[at], read[at]) for at, h in enumerate(look.headers)]
    return [_kind(column, look.natives.get(at, "")) for at, column in enumerate(seen)]


def _counted(column: pa.ChunkedArray, header: str) -> Counter[str]:
    """The filled texts of a column; its own header, written again, is none of them."""
    counts = column.value_counts()
    found = Counter(
        {p["values"]: p["counts"] for p in counts.to_pylist() if p["values"] is not None}
    )
    filled = Counter(
        {
            text: n
            for text, n in found.items()
            if text.strip() not in ("", header) and not is_totals_word(text)
        }
    )
    return Counter(dict(filled.most_common(DISTINCT)))


def _tried(texts: Sequence[Counter[str]], engine: Engine) -> list[dict[str, frozenset[str]]]:
    """For each column, the texts that each type reads: one query for the whole file."""
    rows = [(at, text) for at, counter in enumerate(texts) for text in counter]
    cells = {"_at": [at for at, _ in rows], "_text": [text for _, text in rows]}
    table = engine.load(
        pa.table(
            {
                "_at": pa.array(cells["_at"], pa.int64()),
                "_text": pa.array(cells["_text"], pa.string()),
                **{kind: pa.array(cells["_text"], pa.string()) for kind in TRIED},
            }
        ).to_reader(),
        "inspected",
    )
    found = convert(table, TRIED, (), "UTC").select("_at", "_text", *TRIED, FAULTS).to_pyarrow()
    at, text = found["_at"].to_pylist(), found["_text"].to_pylist()
    read: list[dict[str, set[str]]] = [{kind: set() for kind in (*TRIED, FILLS)} for _ in texts]
    for kind in TRIED:
        for column, cell, value in zip(at, text, found[kind].to_pylist(), strict=True):
            if value is not None:
                read[column][kind].add(cell)
    for column, cell, faults in zip(at, text, found[FAULTS].to_pylist(), strict=True):
        if any(fault["rule"] == FILL_DATE for fault in faults or ()):
            read[column][FILLS].add(cell)
    return [{kind: frozenset(cells) for kind, cells in each.items()} for each in read]


def _kind(seen: Seen, native: str) -> Kind:
    if not seen.n:
        return Kind(ColumnReading(), sure=False, notes=(EMPTY,))
    if native in ("time", "date", "boolean"):
        return Kind(ColumnReading(type=native), days=native == "date")
    if native and not (native == "number" and _is_numbered(seen)):
        return number(seen, whole=native == "integer")
    if _is_id(seen):
        return Kind(ColumnReading(), notes=tuple(_text_notes(seen)))
    return _boolean(seen) or moment(seen) or numeric(seen) or _textual(seen)


def _is_id(seen: Seen) -> bool:
    """A name of something, though it may look like a number."""
    if not _ID.search(seen.header.strip()) or timely(seen.header):
        return False
    return not any(":" in text for text in list(seen.texts)[:20])


def _is_numbered(seen: Seen) -> bool:
    """Ids that the file keeps as numbers, as a gap in a column of whole numbers makes them."""
    return _is_id(seen) and not monetary(seen.header) and seen.share("integer") == 1


def _boolean(seen: Seen) -> Kind | None:
    words = {text.strip().lower() for text in seen.texts}
    if seen.share("boolean") < NEARLY_ALL or len(words) > 4:
        return None
    named = bool(_FLAG.search(seen.header))
    pair = bool(words & set(TRUE_WORDS)) and bool(words & set(FALSE_WORDS))
    if words <= {"0", "1"} and not named:
        return Kind(ColumnReading(type="boolean"), False, ("0 and 1",)) if pair else None
    return Kind(ColumnReading(type="boolean"), sure=pair or named)


def _textual(seen: Seen) -> Kind:
    nulls = tuple(t.strip() for t in seen.texts if t.strip().lower() in NULL_WORDS)
    notes = list(_text_notes(seen))
    if 0.2 < seen.share("number") < NEARLY_ALL:
        notes.append(f"mixed: {seen.share('number'):.0%} are numbers")
    words = tuple(t.strip() for t in seen.texts) if len(seen.texts) <= FEW_WORDS else ()
    return Kind(ColumnReading(nulls=nulls), not nulls, tuple(notes), words)


def _text_notes(seen: Seen) -> list[str]:
    wide = sum(n for t, n in seen.texts.items() if re.search("[０-９Ａ-Ｚａ-ｚ]", t))
    edged = sum(n for t, n in seen.texts.items() if t != t.strip())
    lost = sum(n for t, n in seen.texts.items() if _LOST_DIGITS.fullmatch(t.strip()))
    notes = [f"{wide:,} with full-width letters or digits"] if wide else []
    if lost:
        notes.append(f"{lost:,} such as 1.23E+15: their digits are lost, ask for the export")
    return notes + ([f"{edged:,} with blanks at an end"] if edged else [])
