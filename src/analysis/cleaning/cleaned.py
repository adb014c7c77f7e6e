"""From sources to canonical tables: judged, merged, known as of a month, every row accounted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..engine import Engine
from ..errors import CoverageError
from ..params import Profile
from ..sources import Ingested
from ..tables import CONTRACTS, Contract, check
from ..workspace import Month
from . import violations
from .beginnings import AHEAD, PEOPLE, dated_sources
from .candidates import Candidates, begin_candidates
from .corrections import Corrected, correct
from .counting import contributed, entry_of, left_out, lookup_entry, never_counted
from .coverage import months_covered, refuse_empty_month, refuse_none_kept
from .fields import fields_of, together
from .known import known_by
from .ledger import Entry, ledger_of, refuse_unlisted
from .merging import Merged, Unique, is_empty, merged, unique
from .monthly_profile import monthly_profile
from .people import links_of_customers, links_of_usable, only_present
from .point_in_time import lost_masked
from .quality import quality_of, refuse_critical, refuse_weak
from .reconciliation import reconciled, strays_of
from .selects import KNOWN, Query, queries_of


@dataclass(frozen=True)
class Cleaned:
    """The canonical tables of one month, and what became of every source row.

    Attributes:
        tables: By name, as of the month, plus ``customer_links``.
        ledger: One row a source and table; read = kept + rejected + merged.
        rejects: One row a violated rule of a row: table, source, file, row, column, rule, value
            (personal data masked), action (rejected: the row; emptied: the cell; filled: by
            another source). Private.
        violations: Counts of those: source, table, column, rule, action, rows_n.
        quality: One row a source and level (1-5), and a level of all.
        reconciliation: One row a check and month: what two sources say of the same thing.
        fields: One row a column and source of tables that several sources yield: who won.
        corrections: One row a declared correction: what it did to how many rows.
        profile: What the month's own rows look like, for later months (`monthly_profile`).
    """

    tables: Mapping[str, ir.Table]
    ledger: pd.DataFrame
    rejects: ir.Table
    violations: pd.DataFrame
    quality: pd.DataFrame
    reconciliation: pd.DataFrame
    fields: pd.DataFrame
    corrections: pd.DataFrame
    profile: Mapping[str, Any]

    @property
    def outputs(self) -> dict[str, ir.Table | pd.DataFrame]:
        """Everything that a run keeps, by the name it is kept under; tables sorted by key."""
        tables = {n: table.order_by(CONTRACTS[n].key) for n, table in self.tables.items()}
        books = {
            "ledger": self.ledger,
            "violations": self.violations,
            "quality": self.quality,
            "reconciliation": self.reconciliation,
            "merged_fields": self.fields,
            "corrections": self.corrections,
        }
        return {**tables, "rejects": self.rejects, **books}


@dataclass
class _Work:
    """What the steps below share while one month is cleaned."""

    engine: Engine
    ingested: Ingested
    links: ir.Table
    as_of: Month
    tables: dict[str, ir.Table] = field(default_factory=dict)
    found: list[ir.Table] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    strays: list[pd.DataFrame] = field(default_factory=list)
    fields: list[pd.DataFrame] = field(default_factory=list)
    yields: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, ir.Table] = field(default_factory=dict)
    offers: dict[str, list[Candidates]] = field(default_factory=dict)


def clean(ingested: Ingested, links: ir.Table, profile: Profile, as_of: Month) -> Cleaned:
    """Turn the sources into canonical tables as they were known at a month's end.

    Args:
        ingested: The sources.
        links: What `analysis.resolve` returned for the same sources.
        profile: Its SELECTs yield the tables.
        as_of: The month; rows that began later are left aside, later timestamps masked.

    Raises:
        ParamsError: A SELECT is wrong.
        CoverageError: No shipment began in the month.
        ContractError: A source has more rejected rows than the profile tolerates.
    """
    ingested.complete()
    links = ingested.engine.materialise(links)
    queries = queries_of(profile, KNOWN)
    every = [query for listed in queries.values() for query in listed]
    ahead = {query.counted for table in AHEAD for query in queries.get(table, ())}
    known = known_by(ingested, dated_sources(every), as_of, ahead=ahead)
    work = _Work(ingested.engine, known, links.filter(links.is_known), as_of)
    _refuse_absent(known, queries)
    customers = _offered(work, "customers", queries["customers"])()
    work.links = links_of_usable(work.engine, work.links, customers)
    facts = {t: _offered(work, t, listed) for t, listed in queries.items() if t not in PEOPLE}
    for table, offered in facts.items():
        _clean_table(work, table, offered())
    refuse_none_kept(work.tables["shipments"], work.entries)
    refuse_empty_month(work.tables["shipments"], as_of)
    _clean_table(work, "customers", customers)
    if "customer_names" in queries:
        names = _offered(work, "customer_names", queries["customer_names"])
        _clean_table(work, "customer_names", names())
    work.tables["customer_links"] = links_of_customers(work.ingested, work.tables, links, queries)
    personal = _personal_columns(every)
    _account_for_lookups(work, every, personal)
    return _finished(work, profile, personal)


def _refuse_absent(ingested: Ingested, queries: Mapping[str, Sequence[Query]]) -> None:
    """Customers and shipments must have at least one source that is there."""
    for table in ("customers", "shipments"):
        sources = [query.counted for query in queries[table]]
        if not any(ingested.sources[name].parts for name in sources):
            raise CoverageError(
                f"None of the sources of the table '{table}' is there",
                where=f"tables.{table}",
                got=", ".join(sources),
                todo="Complete the raw files; these sources are optional, their table is not.",
            )


def _offered(work: _Work, table: str, queries: Sequence[Query]) -> Callable[[], list[Candidates]]:
    """Begin to find what those SELECTs of a table offer whose source is there."""
    listed = [q for q in queries if work.ingested.sources[q.counted].parts]
    alone = _stands_alone(table, listed)
    begun = [begin_candidates(work.engine, q, work.links, work.as_of, alone=alone) for q in listed]
    return lambda: [finish() for finish in begun]


def _stands_alone(table: str, listed: Sequence[object]) -> bool:
    """Whether every row must be complete by itself, without other SELECTs' help."""
    return len(listed) == 1 or "customer_id" in CONTRACTS[table].key


def _clean_table(work: _Work, table: str, offered: Sequence[Candidates]) -> None:
    """One canonical table from what all its SELECTs offer."""
    if not offered:
        return
    contract, alone = CONTRACTS[table], _stands_alone(table, offered)
    if table in PEOPLE:
        offered = [only_present(work.engine, work.tables, one) for one in offered]
    parts = [unique(work.engine, one, at) for at, one in enumerate(offered)]
    result = merged(work.engine, contract, parts)
    kept, missing = result.table, None
    if not alone:
        kept, missing = _complete(work, result.table, contract)
    for part in parts:
        _account(work, part, result, kept, missing)
        work.strays += strays_of(part.offered)
    work.yields[table] = [one.query.counted for one in offered]
    work.fields.append(fields_of(contract, parts, replace(result, table=kept)))
    work.kept[table], work.offers[table] = kept, list(offered)
    work.tables[table] = _as_known(check(kept.select(list(contract.columns)), table), table, work)


def _complete(work: _Work, table: ir.Table, contract: Contract) -> tuple[ir.Table, ir.Table | None]:
    """The rows that have every value that the contract requires, and the others, if any."""
    needed = [name for name, column in contract.columns.items() if column.required]
    lacking = reduce(or_, [table[name].isnull() for name in needed])
    missing = work.engine.materialise(table.filter(lacking))
    return (table, None) if is_empty(missing) else (table.filter(~lacking), missing)


def _account(
    work: _Work, part: Unique, result: Merged, kept: ir.Table, missing: ir.Table | None
) -> None:
    """Write down what became of the rows of one SELECT."""
    offered, table = part.offered, part.offered.query.table
    source = work.ingested.sources[offered.query.counted]
    n_left_out, n_fallen, fallen = left_out(work.engine, source, offered)
    work.entries.append(entry_of(source, part, result, kept, missing, n_left_out, n_fallen))
    work.found += violations.of_candidates(work.engine, offered, source)
    if part.contradicting is not None:
        work.found.append(violations.of_duplicates(offered, part.contradicting))
    if result.clashing is not None:
        own = result.clashing.filter(result.clashing["_part"] == part.place)
        work.found.append(violations.of_clashes(offered, own))
    if missing is not None:
        work.found += _missing_found(offered, part.place, missing)
    if source.lost:
        work.found.append(violations.of_lost(source, table))
    if fallen is not None and n_fallen:
        work.found.append(violations.not_selected(source.name, table, fallen))


def _missing_found(offered: Candidates, place: int, missing: ir.Table) -> list[ir.Table]:
    found = []
    for name, column in offered.contract.columns.items():
        if column.required:
            rows = contributed(missing.filter(missing[name].isnull()), place)
            rule = "unknown_customer" if name == "customer_id" else "required"
            found.append(violations.of_missing(offered, rows, name, rule))
    return found


def _as_known(table: ir.Table, name: str, work: _Work) -> ir.Table:
    """What the month knew of rows that hold more by now."""
    if name == "shipments":
        return lost_masked(table, work.as_of)
    if name == "customers":
        known = (table.onboarded_on < ibis.literal(work.as_of.end.date())).fill_null(False)
        parent = (table.parent_customer_id != table.customer_id).fill_null(False)
        return table.mutate(
            onboarded_on=known.ifelse(table.onboarded_on, ibis.null("date")),
            parent_customer_id=parent.ifelse(table.parent_customer_id, ibis.null("string")),
        )
    return table


def _account_for_lookups(
    work: _Work, queries: Sequence[Query], personal: Mapping[str, frozenset[str]]
) -> None:
    for source in never_counted(work.ingested, queries):
        work.entries.append(lookup_entry(source))
        work.found.append(violations.of_lookup(source, personal.get(source.name, frozenset())))
        if source.lost:
            work.found.append(violations.of_lost(source, "lookup"))


def _finished(work: _Work, profile: Profile, personal: Mapping[str, frozenset[str]]) -> Cleaned:
    sources = work.ingested.sources
    ledger = ledger_of(work.entries)
    if isinstance(work.ingested, Corrected):
        work.found += [
            violations.of_touched(one, personal.get(one.correction.source, frozenset()))
            for one in work.ingested.touched
        ]
    found = violations.together(work.engine, work.found)
    rejects = work.engine.materialise(violations.placed(found, sources.values()))
    refuse_unlisted(ledger, violations.rows_rejected(rejects))
    by = ["source", "table", "column", "rule", "action"]
    counts = rejects.group_by(by).agg(rows_n=rejects.count()).order_by(by).execute()
    refuse_critical(ledger, counts, profile)
    shipments = work.kept["shipments"]
    agreed = reconciled(work.tables, shipments, work.strays, work.yields, profile, work.as_of)
    coverage = months_covered(work.offers, work.kept, work.as_of)
    quality = quality_of(work.ingested, ledger, rejects, agreed, coverage, profile)
    refuse_weak(quality, profile)
    return Cleaned(
        MappingProxyType(work.tables),
        ledger,
        rejects,
        counts,
        quality,
        agreed,
        together(work.fields),
        _applied(work.ingested),
        monthly_profile(work.tables, work.as_of),
    )


def _applied(ingested: Ingested) -> pd.DataFrame:
    if isinstance(ingested, Corrected):
        return ingested.applied
    return correct(ingested, ()).applied


def _personal_columns(queries: Iterable[Query]) -> dict[str, frozenset[str]]:
    """Of each source the columns that personal columns are made from."""
    found: dict[str, frozenset[str]] = {}
    for query in queries:
        for source, own in query.personal.items():
            found[source] = found.get(source, frozenset()) | own
    return found
