"""Columns of dates and times: in which of the many forms people write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

from ...params import ColumnReading
from ...params.sources import EXCEL_SERIAL
from .seen import FILLS, MOST, NAMED, NEARLY_ALL, Kind, Seen, timely, with_exceptions

FORMS = (
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%y %H:%M", "%m/%d/%y",
    "%d/%m/%y %H:%M", "%d/%m/%y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y",
    "%m/%d/%y %I:%M:%S %p", "%m/%d/%y %I:%M %p", "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p",
    "%d/%m/%y %I:%M %p",
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y %H:%M", "%m-%d-%Y",
)  # fmt: skip
"""Forms that must be declared; those with the month first stand before those with the day."""

SERIAL_DAYS = (25_000, 80_000)
"""1968 to 2119: serial day numbers of a spreadsheet."""

_DATED_TEXT = re.compile(r"\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b")

_MONTH = re.compile(r"\d{4}\s*[-/.年]?\s*(0?[1-9]|1[0-2])\s*月?$")


def moment(seen: Seen) -> Kind | None:
    """What a column of dates or times holds; None where it is none."""
    named = timely(seen.header)
    words = r"年|-|/|\."
    months = sum(n for text, n in seen.texts.items() if _MONTH.match(text.strip()))
    monthly = all(re.search(words, t) for t in seen.texts) or "月" in seen.header
    if months >= NEARLY_ALL * seen.n and monthly:
        return Kind(ColumnReading(type="month"))
    serial = _serial(seen) if named else None
    if serial:
        return serial
    if _only_digits(frozenset(seen.texts)) and not named:
        return None
    also = _serials(seen) | seen.read[FILLS] if named else seen.read[FILLS]
    if seen.share("time") + _share(seen, also) >= (NAMED if named else NEARLY_ALL):
        return _known_moment(seen)
    return _formed(seen)


def _share(seen: Seen, texts: frozenset[str]) -> float:
    return sum(seen.texts[text] for text in texts) / seen.n


def _serials(seen: Seen) -> frozenset[str]:
    """The texts that are day numbers of a spreadsheet, and no dates as they stand."""
    return frozenset(text for text in seen.unread("time") if _is_serial(text))


def _is_serial(text: str) -> bool:
    low, high = SERIAL_DAYS
    day = _float(text)
    return day is not None and low <= day < high


def _known_moment(seen: Seen) -> Kind:
    """Dates in forms that are read without being told, some perhaps in one that is not."""
    left = [text for text in seen.unread("time") if _DATED_TEXT.match(text)]
    reads = {form: frozenset(t for t in left if _fits(t, form)) for form in FORMS}
    best = max(reads.values(), key=len)
    chosen = [form for form in FORMS if reads[form] == best] if best else []
    serials = _serials(seen) if timely(seen.header) else frozenset()
    read = seen.read["time"] | best | serials
    kind = "time" if _has_clock(read) or any(float(text) % 1 for text in serials) else "date"
    forms = (*chosen[:1], *([EXCEL_SERIAL] if serials else []))
    reading = ColumnReading(type=kind, forms=forms)
    found = with_exceptions(replace(seen, read={**seen.read, "time": read}), "time", reading)
    told = ["several forms of dates", *_both_ways(chosen)] if chosen else []
    told += ["some serial day numbers of a spreadsheet"] if serials else []
    sure = found.sure and not forms
    return replace(found, sure=sure, notes=(*found.notes, *told), days=_all_midnight(read))


def _both_ways(forms: Sequence[str]) -> list[str]:
    """That forms with the month first and with the day first read the same texts."""
    several = len({form[1] for form in forms}) > 1
    return ["month first or day first? Both read it"] if several else []


def _all_midnight(texts: frozenset[str]) -> bool:
    """Whether times are days, written with a clock that never moves."""
    return bool(texts) and all(
        not re.search(r"\d:\d", text) or re.search(r"\s0?0:00(:00)?(\.0+)?$", text.strip())
        for text in texts
    )


def _only_digits(texts: frozenset[str]) -> bool:
    return all(text.strip().isdigit() for text in texts)


def _has_clock(texts: frozenset[str]) -> bool:
    return any(":" in text or "：" in text or "时" in text for text in texts)


def _serial(seen: Seen) -> Kind | None:
    if not all(_is_serial(text) for text in seen.texts):
        return None
    clock = any(float(text) % 1 for text in seen.texts)
    reading = ColumnReading(type="time" if clock else "date", forms=(EXCEL_SERIAL,))
    return Kind(reading, False, ("serial day numbers of a spreadsheet",), days=not clock)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _formed(seen: Seen) -> Kind | None:
    """Dates in a form that must be declared, where one or two forms read them."""
    dated = [t for t in seen.texts if _DATED_TEXT.match(t)]
    least = NAMED if timely(seen.header) else MOST
    if _share(seen, frozenset(dated) | seen.read["time"]) < least or not dated:
        return None
    if not _only_digits(seen.read["time"]):
        return _known_moment(seen)
    reads = {form: frozenset(t for t in dated if _fits(t, form)) for form in FORMS}
    best = max(reads.values(), key=len)
    if not best:
        return None
    chosen = [form for form in FORMS if reads[form] == best]
    rest = frozenset(dated) - best
    more = [form for form in FORMS if rest and rest <= reads[form] and form[:2] == chosen[0][:2]]
    forms = (chosen[0], *more[:1])
    kind = "time" if any("%H" in form or "%I" in form for form in forms) else "date"
    notes = _both_ways(chosen)
    read = {**seen.read, "formed": best.union(*(reads[form] for form in more[:1]))}
    found = with_exceptions(
        Seen(seen.header, seen.texts, read), "formed", ColumnReading(type=kind, forms=forms)
    )
    sure = found.sure and not notes
    return Kind(found.reading, sure, (*found.notes, *notes), days=_all_midnight(read["formed"]))


def _fits(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text.strip(), form)
    except ValueError:
        return False
    return True
