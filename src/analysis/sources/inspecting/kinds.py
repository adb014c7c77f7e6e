"""What the columns of a file hold, told by the same conversions that a run uses."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from ...engine import Engine
from ...params import ColumnReading
from ..conversion import FALSE_WORDS, TRUE_WORDS, convert
from ..oddities import is_totals_word
from .looking import Look
from .names import normal

DISTINCT = 4_000
"""Different texts of a column that are tried, the most frequent ones."""

NEARLY_ALL = 0.97
FEW_WORDS = 30
EMPTY = "empty"
MOST, NAMED = 0.75, 0.4
"""Shares of texts that must fit a type: to be of it, to be of it with exceptions, and to be of it
with exceptions where the header says the same."""

TRIED: Mapping[str, ColumnReading] = {
    "integer": ColumnReading(type="integer"),
    "number": ColumnReading(type="number"),
    "comma": ColumnReading(type="number", decimal=","),
    "boolean": ColumnReading(type="boolean"),
    "time": ColumnReading(type="time"),
    "month": ColumnReading(type="month"),
}
FORMS = (
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%y %H:%M", "%m/%d/%y",
    "%d/%m/%y %H:%M", "%d/%m/%y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y",
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y %H:%M", "%m-%d-%Y",
)  # fmt: skip
"""Forms that must be declared; those with the month first stand before those with the day."""

_NULLS = (
    "n/a na null none nan - -- / 无 暂无 未填 未填写 未知 空 #n/a n.a. (null) <null> nil unknown "
    "不详 待定 tbd ? \\n"
)
NULL_WORDS = frozenset(_NULLS.split())
"""Texts that usually mean that there is no value, in small letters."""

SERIAL_DAYS = (25_000, 80_000)
"""1968 to 2119: serial day numbers of a spreadsheet."""

_MONTH = re.compile(r"\d{4}\s*[-/.年]?\s*(0?[1-9]|1[0-2])\s*月?$")
_ID = re.compile(
    r"(编号|编码|代码|号|号码|单号|电话|手机|税号|信用代码|邮编|条码)$|(^|_|\s)(id|no|code|number|phone|"
    r"tel|mobile|zip|postcode|sku|barcode|tax_?no|tax_?id|pq|po|awb|dn)$|(id|code|_no|#)$|zip_?code",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"金额|收入|运费|费用|成本|单价|价格|货值|保费|应收|应付|amount|revenue|price|cost|fee|freight|charge|"
    r"(^|[_\s])value|insurance",
    re.IGNORECASE,
)
_TIMELY = re.compile(r"日期|时间|日$|date|time|_at$|_on$|day", re.IGNORECASE)
_FLAG = re.compile(
    r"^是否|^有无|^is_|^has_|破损|丢失|flag|damaged|lost|treat(ed)?$|active|valid", re.IGNORECASE
)
_UNITS: tuple[tuple[str, float], ...] = (
    ("百万元", 1e6), ("千元", 1e3), ("万元", 1e4), ("亿元", 1e8), ("万", 1e4), ("亿", 1e8),
    ("k", 1e3), ("thousand", 1e3), ("million", 1e6), ("分", 0.01), ("cents", 0.01),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What one column holds.

    Attributes:
        reading: How it is to be read.
        sure: Whether nothing about it is guessed.
        notes: What is odd or guessed, in words; never a value of a personal column.
        words: The texts of a column that has few different ones.
        days: Its times are days: none has a clock time.
    """

    reading: ColumnReading
    sure: bool = True
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    days: bool = False


@dataclass(frozen=True)
class _Seen:
    """The texts of one column: how often each comes, and which types read them."""

    header: str
    texts: Counter[str]
    read: Mapping[str, frozenset[str]]

    @property
    def n(self) -> int:
        return sum(self.texts.values())

    def share(self, kind: str) -> float:
        return sum(self.texts[t] for t in self.read[kind]) / self.n if self.n else 0.0

    def unread(self, kind: str) -> Counter[str]:
        return Counter({t: n for t, n in self.texts.items() if t not in self.read[kind]})


def kinds_of(look: Look, engine: Engine) -> list[Kind]:
    """What each column of a file holds, from the left."""
    columns = [look.cells.column(at) for at in range(len(look.headers))]
    texts = [_counted(column, h) for column, h in zip(columns, look.headers, strict=True)]
    read = _tried(texts, engine)
    seen = [_Seen(h, texts[at], read[at]) for at, h in enumerate(look.headers)]
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
    found = convert(table, TRIED, (), "UTC").select("_at", "_text", *TRIED).to_pyarrow()
    at, text = found["_at"].to_pylist(), found["_text"].to_pylist()
    read: list[dict[str, set[str]]] = [{kind: set() for kind in TRIED} for _ in texts]
    for kind in TRIED:
        for column, cell, value in zip(at, text, found[kind].to_pylist(), strict=True):
            if value is not None:
                read[column][kind].add(cell)
    return [{kind: frozenset(cells) for kind, cells in each.items()} for each in read]


def _kind(seen: _Seen, native: str) -> Kind:
    if not seen.n:
        return Kind(ColumnReading(), sure=False, notes=(EMPTY,))
    if native in ("time", "date", "boolean"):
        return Kind(ColumnReading(type=native), days=native == "date")
    if native and not (native == "number" and _is_numbered(seen)):
        return _number(seen, whole=native == "integer")
    if _is_id(seen):
        return Kind(ColumnReading(), notes=tuple(_text_notes(seen)))
    return _boolean(seen) or _moment(seen) or _numeric(seen) or _textual(seen)


def _is_id(seen: _Seen) -> bool:
    """A name of something, though it may look like a number."""
    if not _ID.search(seen.header.strip()) or _TIMELY.search(seen.header):
        return False
    return not any(":" in text for text in list(seen.texts)[:20])


def _is_numbered(seen: _Seen) -> bool:
    """Ids that the file keeps as numbers, as a gap in a column of whole numbers makes them."""
    return _is_id(seen) and not _MONEY.search(seen.header) and seen.share("integer") == 1


def _boolean(seen: _Seen) -> Kind | None:
    words = {text.strip().lower() for text in seen.texts}
    if seen.share("boolean") < NEARLY_ALL or len(words) > 4:
        return None
    named = bool(_FLAG.search(seen.header))
    pair = bool(words & set(TRUE_WORDS)) and bool(words & set(FALSE_WORDS))
    if words <= {"0", "1"} and not named:
        return Kind(ColumnReading(type="boolean"), False, ("0 and 1",)) if pair else None
    return Kind(ColumnReading(type="boolean"), sure=pair or named)


def _moment(seen: _Seen) -> Kind | None:
    timely = bool(_TIMELY.search(seen.header))
    words = r"年|-|/|\."
    months = sum(n for text, n in seen.texts.items() if _MONTH.match(text.strip()))
    monthly = all(re.search(words, t) for t in seen.texts) or "月" in seen.header
    if months >= NEARLY_ALL * seen.n and monthly:
        return Kind(ColumnReading(type="month"))
    serial = _serial(seen) if timely else None
    if serial:
        return serial
    if _only_digits(seen) and not timely:
        return None
    if seen.share("time") >= (NAMED if timely else NEARLY_ALL):
        kind = "time" if _has_clock(seen.read["time"]) else "date"
        found = _with_exceptions(seen, "time", ColumnReading(type=kind))
        return replace(found, days=_all_midnight(seen.read["time"]))
    return _formed(seen)


def _all_midnight(texts: frozenset[str]) -> bool:
    """Whether times are days, written with a clock that never moves."""
    return bool(texts) and all(
        not re.search(r"\d:\d", text) or re.search(r"\s0?0:00(:00)?(\.0+)?$", text.strip())
        for text in texts
    )


def _only_digits(seen: _Seen) -> bool:
    return all(text.strip().isdigit() for text in seen.texts)


def _has_clock(texts: frozenset[str]) -> bool:
    return any(":" in text or "：" in text or "时" in text for text in texts)


def _serial(seen: _Seen) -> Kind | None:
    days = [_float(text) for text in seen.texts]
    low, high = SERIAL_DAYS
    if not days or not all(day is not None and low <= day < high for day in days):
        return None
    clock = any(day is not None and day % 1 for day in days)
    reading = ColumnReading(type="time" if clock else "date", forms=("excel",))
    return Kind(reading, False, ("serial day numbers of a spreadsheet",))


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _formed(seen: _Seen) -> Kind | None:
    """Dates in a form that must be declared, where one or two forms read them."""
    dated = [t for t in seen.texts if re.match(r"\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b", t)]
    least = NAMED if _TIMELY.search(seen.header) else MOST
    if sum(seen.texts[t] for t in dated) < least * seen.n:
        return None
    reads = {form: frozenset(t for t in dated if _fits(t, form)) for form in FORMS}
    best = max(reads.values(), key=len)
    chosen = [form for form in FORMS if reads[form] == best]
    rest = frozenset(dated) - best
    more = [form for form in FORMS if rest and rest <= reads[form] and form[:2] == chosen[0][:2]]
    forms = (chosen[0], *more[:1])
    kind = "time" if any("%H" in form or "%I" in form for form in forms) else "date"
    both_ways = len({form[1] for form in chosen}) > 1
    notes = ("month first or day first? Both read it",) if both_ways else ()
    read = {**seen.read, "formed": best.union(*(reads[form] for form in more[:1]))}
    found = _with_exceptions(
        _Seen(seen.header, seen.texts, read), "formed", ColumnReading(type=kind, forms=forms)
    )
    sure = found.sure and not both_ways
    return Kind(found.reading, sure, (*found.notes, *notes), days=_all_midnight(read["formed"]))


def _fits(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text.strip(), form)
    except ValueError:
        return False
    return True


def _numeric(seen: _Seen) -> Kind | None:
    if seen.share("comma") > seen.share("number") + 0.05 and seen.share("comma") >= MOST:
        kind = _number(seen, whole=False, key="comma")
        reading = kind.reading.model_copy(update={"decimal": ","})
        return Kind(reading, kind.sure, (*kind.notes, "decimal commas"))
    if seen.share("number") < (NAMED if _MONEY.search(seen.header) or _weighs(seen) else MOST):
        return None
    if any(len(re.sub(r"\D", "", text)) > 15 or _led_by_zero(text) for text in seen.texts):
        return None
    whole = seen.share("integer") >= seen.share("number")
    return _number(seen, whole=whole)


def _weighs(seen: _Seen) -> bool:
    return bool(re.search("重量|weight|体积|volume", seen.header, re.IGNORECASE))


def _led_by_zero(text: str) -> bool:
    return len(text) > 1 and text[0] == "0" and text.isdigit()


def _number(seen: _Seen, *, whole: bool, key: str = "number") -> Kind:
    money = bool(_MONEY.search(seen.header))
    kind = "amount" if money else "integer" if whole and not _weighs(seen) else "number"
    unit, note = unit_in(seen.header, money)
    reading = ColumnReading(type=kind, unit=unit)
    found = _with_exceptions(seen, key, reading)
    return Kind(found.reading, found.sure, (*found.notes, *([note] if note else [])))


def unit_in(header: str, money: bool) -> tuple[float | None, str]:
    """The factor that a header's unit asks for, and what to say about it."""
    inside = re.search(r"[(（\[【]\s*([^)）\]】]+?)\s*[)）\]】]", header)
    written = " ".join(inside[1].split()).lower() if inside else ""
    if money:
        factor = next((f for name, f in _UNITS if written.startswith(name)), None)
        return factor, f"the header says {written}" if written and factor else ""
    if re.search("重量|weight", header, re.IGNORECASE):
        factors = {
            "吨": 1000.0,
            "t": 1000.0,
            "ton": 1000.0,
            "tons": 1000.0,
            "克": 0.001,
            "g": 0.001,
        }
        if written in factors:
            return factors[written], f"the header says {written}"
        if normal(header).endswith(("weightg", "weightgrams")):
            return 0.001, "the header says g"
    return None, ""


def _with_exceptions(seen: _Seen, key: str, reading: ColumnReading) -> Kind:
    """A reading, with what the texts that it cannot read may mean."""
    unread = seen.unread(key)
    if not unread:
        return Kind(reading)
    words = [t for t in unread if t.strip().lower() in NULL_WORDS]
    others = Counter({_pattern(t): 0 for t in unread if t not in words})
    for text, n in unread.items():
        if text not in words:
            others[_pattern(text)] += n
    frequent = [p for p, n in others.most_common(8) if n >= max(3, 0.001 * seen.n)]
    nulls = tuple(t.strip() for t in words) + tuple(p for p in frequent if re.search(r"\w", p))
    n = sum(unread.values())
    note = f"{n:,} of {seen.n:,} texts tried are no {reading.type}"
    sure = not nulls and n <= (1 - NEARLY_ALL) * seen.n
    return Kind(reading.model_copy(update={"nulls": nulls}), sure, (note,))


def _pattern(text: str) -> str:
    """A text with what follows its first digit left open: ``See DN-304 (…)`` → ``See DN-*``."""
    head = re.split(r"\d", text.strip(), maxsplit=1)[0]
    return f"{head}*" if head != text.strip() and len(head) > 3 else text.strip()


def _textual(seen: _Seen) -> Kind:
    nulls = tuple(t.strip() for t in seen.texts if t.strip().lower() in NULL_WORDS)
    notes = list(_text_notes(seen))
    if 0.2 < seen.share("number") < NEARLY_ALL:
        notes.append(f"mixed: {seen.share('number'):.0%} are numbers")
    words = tuple(t.strip() for t in seen.texts) if len(seen.texts) <= FEW_WORDS else ()
    return Kind(ColumnReading(nulls=nulls), not nulls, tuple(notes), words)


def _text_notes(seen: _Seen) -> list[str]:
    wide = sum(n for t, n in seen.texts.items() if re.search("[０-９Ａ-Ｚａ-ｚ]", t))
    edged = sum(n for t, n in seen.texts.items() if t != t.strip())
    notes = [f"{wide:,} with full-width letters or digits"] if wide else []
    return notes + ([f"{edged:,} with blanks at an end"] if edged else [])
