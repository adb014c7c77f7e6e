"""The processed months of a profile without one customer: made beside, then exchanged at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

import ibis
import ibis.expr.types as ir

from ..cleaning import for_spreadsheet
from ..engine import Engine
from ..experiment.frozen import without_names
from ..files import read_json, write_json
from ..tables import CONTRACTS
from .exchange import RETIRED
from .holdings import RawRows, place_of
from .job import PRIVATE
from .traces import BETWEEN, Traces, files_below, tells_of

PAGES = frozenset({".html", ".txt", ".ipynb"})
"""Files that are read as texts; one that names the customer goes as a whole."""
REJECTS = "rejects"
EVALUATIONS = "evaluations.json"
SIDES = (("source", "source_customer_id"), ("other_source", "other_source_customer_id"))
"""Columns that name a source record."""


@dataclass(frozen=True)
class Removed:
    """What a month loses.

    Attributes:
        rows: Table → rows that go.
        emptied: Table → rows that stay, in which the customer's id is emptied (it was
            somebody's parent, or the head of a group).
        pages: Files that name the customer: they go, and the next run makes them again.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    emptied: Mapping[str, int] = field(default_factory=dict)
    pages: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Without:
    """A table without the customer, and what that changes."""

    table: ir.Table
    dropped: int
    emptied: int


def erased(
    engine: Engine, home: Path, traces: Traces, rows: RawRows, new: Path | None
) -> dict[str, Removed]:
    """Leave the customer out of every month.

    Args:
        engine: Reads and writes.
        home: ``data/processed/<profile>``, which is not changed.
        traces: What belongs to the customer.
        rows: The customer's rows in the raw files.
        new: An empty folder that gets everything else; None: only say what would go.

    Returns:
        Month → what it loses; months without the customer are left out.
    """
    found: dict[str, Removed] = {}
    for month in sorted(traces.ids):
        found[month] = _month_erased(engine, home / month, traces, rows, new and new / month)
    if new is not None:
        for path in files_below(home):
            name = path.relative_to(home)
            if name.parts[0] not in traces.ids and not name.parts[0].startswith(RETIRED):
                _linked(path, new / name)
    return {month: one for month, one in found.items() if one.rows or one.emptied or one.pages}


def _month_erased(
    engine: Engine, folder: Path, traces: Traces, rows: RawRows, new: Path | None
) -> Removed:
    dropped: dict[str, int] = {}
    emptied: dict[str, int] = {}
    pages: list[str] = []
    for path in files_below(folder):
        name = path.relative_to(folder)
        if path.suffix == ".parquet":
            without = _without(engine, path, traces, rows, folder.name)
            dropped |= {path.stem: without.dropped} if without and without.dropped else {}
            emptied |= {path.stem: without.emptied} if without and without.emptied else {}
            if without is None or not (without.dropped or without.emptied):
                _linked(path, new and new / name)
            elif new is not None:
                engine.write(without.table, new / name)
                _to_disk(new / name)
        elif path.suffix in PAGES and tells_of(path.read_text("utf-8", "replace"), traces):
            pages.append(name.as_posix())
        elif name.as_posix() == EVALUATIONS:
            _without_names(path, new and new / name, traces)
        elif name.as_posix() != f"{PRIVATE}/{REJECTS}.csv":
            _linked(path, new and new / name)
    if new is not None:
        _list_again(engine, new / PRIVATE)
    return Removed(dropped, emptied, tuple(pages))


def _without_names(path: Path, place: Path | None, traces: Traces) -> None:
    """The evaluations without the customer's hashes; the same file where they hold none."""
    was = read_json(path)
    now = None if was is None else without_names(was, traces.every_id)
    if place is None or now is None or now == was:
        _linked(path, place)
        return
    write_json(place, now)


def _list_again(engine: Engine, private: Path) -> None:
    """The list of rejects for Excel, from the table."""
    table = private / f"{REJECTS}.parquet"
    if table.exists():
        engine.write_csv(for_spreadsheet(engine.read(table)), private / f"{REJECTS}.csv")


def _without(
    engine: Engine, path: Path, traces: Traces, rows: RawRows, month: str
) -> _Without | None:
    """A table without the customer; None where none of its columns can name one."""
    table = engine.read(path)
    texts = [name for name, kind in table.schema().items() if kind.is_string()]
    if not texts:
        return None
    ids = sorted(traces.ids[month])
    hits = {
        name: _names(table[name], ids, path.stem).fill_null(False)
        for name in texts
        if name != "customer_id"
    }
    marked = table.mutate(
        _gone=_gone(table, path.stem, traces, rows, month).fill_null(False),
        _named=reduce(or_, hits.values(), ibis.literal(False)),
    )
    gone, named = marked["_gone"], marked["_named"]
    counts = marked.agg(dropped=gone.sum(), emptied=(named & ~gone).sum()).execute().iloc[0]
    dropped, emptied = (int(counts[name] or 0) for name in ("dropped", "emptied"))
    without = {
        name: hit.ifelse(ibis.null("string"), table[name]) for name, hit in hits.items() if emptied
    }
    kept = table.mutate(**without, _gone=_gone(table, path.stem, traces, rows, month))
    kept = kept.filter(~kept["_gone"].fill_null(False)).drop("_gone")
    return _Without(kept, dropped, emptied)


def _names(text: ir.StringValue, ids: list[str], table: str) -> ir.BooleanValue:
    """Where a text is one of the ids; in what was made of canonical tables, also holds one."""
    if table in CONTRACTS or not ids:
        return text.isin(ids)
    words = "|".join(_escaped(one) for one in ids)
    return text.re_search(rf"(^|[^\w:.-])({words})($|[^\w])")


def _escaped(text: str) -> str:
    return "".join(sign if sign.isalnum() else f"\\{sign}" for sign in text)


def _gone(table: ir.Table, name: str, traces: Traces, rows: RawRows, month: str) -> ir.BooleanValue:
    """Rows about the customer."""
    tests = [ibis.literal(False)]
    if "customer_id" in table.columns:
        tests.append(table.customer_id.isin(sorted(traces.ids[month])))
    else:
        tests += [_among(table[c], ids) for c, ids in traces.facts.items() if c in table.columns]
    records = sorted(BETWEEN.join(record) for record in traces.records)
    for system, own in SIDES:
        if {system, own} <= set(table.columns):
            tests.append((table[system] + BETWEEN + table[own]).isin(records))
    if name == REJECTS:
        tests += [
            place_of(table.source, table.file, table.row).isin(rows.places),
            table.file.isin(sorted(rows.changed.get(month, ()))),
            table.value.isin(sorted(traces.every_id)),
        ]
    return reduce(or_, tests)


def _among(column: ir.Value, ids: frozenset[str]) -> ir.BooleanValue:
    listed = ibis.memtable({"_id": sorted(ids)}, schema={"_id": "string"})
    return column.isin(listed["_id"])


def _linked(path: Path, place: Path | None) -> None:
    """The same file in another place: a hard link, or a copy where there are none."""
    if place is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place)
    except OSError:
        shutil.copy2(path, place)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
