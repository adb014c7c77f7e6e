"""Under which ids and words one customer stands in what was processed of all months."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..engine import Engine
from ..errors import CoverageError, ParamsError, did_you_mean
from .job import PRIVATE

MONTH = re.compile(r"\d{4}-\d{2}")
LINKS = "customer_links"
BETWEEN = ":"
"""Between system and id, as people write a record: ``crm:C0000123``."""

FACTS = {
    "shipment_id": "shipments",
    "ticket_id": "tickets",
    "survey_id": "surveys",
    "invoice_id": "receivables",
}
"""Column that names a fact → the table that says whose it is."""

NAMES = ("name", "contact", "phone", "email", "tax_id")
"""Personal columns that tell one customer from another; addresses and managers are shared."""
SHORTEST_NAME = 4
"""Shorter words occur in any text by chance."""


@dataclass(frozen=True)
class Traces:
    """What belongs to one customer.

    Attributes:
        customer_id: As it was asked for, in canonical form.
        records: System and id of every source record of the customer, in any month.
        ids: Month → the canonical ids that those records have there; one, unless what is one
            customer today was several then.
        facts: Column of `FACTS` → the ids of the customer's facts.
        words: Personal values that no other customer has.
    """

    customer_id: str
    records: frozenset[tuple[str, str]]
    ids: Mapping[str, frozenset[str]]
    facts: Mapping[str, frozenset[str]]
    words: frozenset[str]

    @property
    def every_id(self) -> frozenset[str]:
        """Canonical ids and ids of source systems."""
        return frozenset().union(*self.ids.values(), {own for _, own in self.records})


def months_below(home: Path) -> list[Path]:
    """The folders of a profile's months that hold links of customers, the first one first."""
    folders = (path for path in home.glob("*-*") if MONTH.fullmatch(path.name))
    return sorted(path for path in folders if (path / f"{LINKS}.parquet").exists())


def traces_of(engine: Engine, home: Path, customer: str) -> Traces:
    """Everything that belongs to a customer.

    Args:
        engine: Reads the tables.
        home: ``data/processed/<profile>``.
        customer: A canonical id, or a source record such as ``crm:C0000123``.

    Raises:
        CoverageError: No month was processed.
        ParamsError: No month knows the customer.
    """
    months = months_below(home)
    if not months:
        raise CoverageError(
            "No month of this profile was processed",
            where=str(home),
            todo="Run a month first, or name the folder of results with --out.",
        )
    found = _canonical(engine, months, customer)
    records = frozenset(
        (str(row.source), str(row.source_customer_id))
        for month in months
        for row in _links(engine, month, "customer_id", {found})
    )
    ids = {month.name: _ids_in(engine, month, records) for month in months}
    facts: dict[str, set[str]] = {column: set() for column in FACTS}
    words: set[str] = set()
    for month in months:
        for column, table in FACTS.items():
            facts[column] |= _facts(engine, month / f"{table}.parquet", column, ids[month.name])
        words |= _words(engine, month / PRIVATE / "customer_names.parquet", ids[month.name])
    held = {column: frozenset(found) for column, found in facts.items()}
    return Traces(found, records, ids, held, frozenset(words))


def _canonical(engine: Engine, months: list[Path], customer: str) -> str:
    """The canonical id, as the latest month has it that knows the customer."""
    system, _, own = customer.partition(BETWEEN)
    for month in reversed(months):
        if _links(engine, month, "customer_id", {customer}):
            return customer
        for row in _links(engine, month, "source_customer_id", {own}):
            if row.source == system:
                return str(row.customer_id)
    known = engine.read(months[-1] / f"{LINKS}.parquet").customer_id.execute().unique().tolist()
    raise ParamsError(
        "No processed month knows this customer",
        where=str(months[-1].parent),
        got=customer,
        allowed="a customer_id of customers.parquet, or a source record such as crm:C0000123",
        todo=did_you_mean(customer, known)
        or "Look the id up; a customer that was forgotten before is in no month any more.",
    )


def _links(engine: Engine, month: Path, column: str, wanted: set[str]) -> list:
    links = engine.read(month / f"{LINKS}.parquet")
    found = links.filter(links[column].isin(sorted(wanted))).execute()
    return list(found.itertuples(index=False))


def _ids_in(engine: Engine, month: Path, records: frozenset[tuple[str, str]]) -> frozenset[str]:
    rows = _links(engine, month, "source_customer_id", {own for _, own in records})
    return frozenset(
        str(row.customer_id) for row in rows if (row.source, row.source_customer_id) in records
    )


def _facts(engine: Engine, path: Path, column: str, ids: frozenset[str]) -> set[str]:
    if not path.exists() or not ids:
        return set()
    table = engine.read(path)
    return set(table.filter(table.customer_id.isin(sorted(ids)))[column].execute().dropna())


def _words(engine: Engine, path: Path, ids: frozenset[str]) -> set[str]:
    """The customer's personal values, those of other customers aside."""
    if not path.exists() or not ids:
        return set()
    table = engine.read(path)
    own = table.customer_id.isin(sorted(ids))
    words: set[str] = set()
    for column in NAMES:
        mine = set(table.filter(own)[column].execute().dropna())
        others = table.filter(~own & table[column].isin(sorted(mine)))[column].execute()
        words |= {word for word in mine - set(others) if len(word) >= SHORTEST_NAME}
    return words


def tells_of(text: str, traces: Traces) -> bool:
    """Whether a text names the customer: an id or the id of a fact as a whole word, or a name."""
    words = set(_WORD.findall(text))
    ids = traces.every_id.union(*traces.facts.values())
    return not words.isdisjoint(ids) or any(word in text for word in traces.words)


_WORD = re.compile(r"[\w:.-]*\w")


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, hidden ones too, in order."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())
