"""What still holds a customer, and is nobody's to change here: raw files, reports, params files."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import ibis
import ibis.expr.types as ir

from ..cleaning import queries_of, rows_of_customers
from ..files import read_json
from ..params import Forgotten
from ..sources import LINE_BITS, ROW, Ingested, SourceTable, ingest
from ..workspace import open_month
from .digests import DigestCache
from .inputs import raw_digests
from .job import Job
from .releases import RELEASES
from .traces import Traces, files_below, tells_of

RAW = "raw/"
TEXTS = frozenset({".html", ".txt", ".json", ".csv", ".yaml"})
_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class RawRows:
    """A customer's rows in the raw files.

    Attributes:
        by_file: Source, and file (or sheet) → numbers of the rows, as the list of rejects
            counts them.
        unread: Rows that never became cells: nobody can tell whose they are.
        places: Source, file and row as one text (`place_of`).
        changed: Month → names of files that are not what they were when the month was run.
    """

    by_file: Mapping[tuple[str, str], tuple[int, ...]]
    unread: int
    changed: Mapping[str, frozenset[str]]

    @property
    def places(self) -> list[str]:
        """Every row as one text."""
        return [
            f"{source}|{file}|{row}"
            for (source, file), rows in self.by_file.items()
            for row in rows
        ]


def place_of(source: ir.StringValue, file: ir.StringValue, row: ir.Value) -> ir.StringValue:
    """A row of a raw file as one text, as `RawRows.places` writes it."""
    return source + "|" + file + "|" + row.cast("string")


def raw_rows_of(job: Job, traces: Traces, cache: DigestCache) -> RawRows:
    """The customer's rows in the raw files as they are today.

    Raises:
        SourceError: A raw file is missing or cannot be read.
    """
    month = open_month(job.profile_path, str(job.month), raw=job.raw, out=job.root)
    try:
        ingested = ingest(month)
        found = _numbers(ingested, traces, job)
    finally:
        month.engine.close()
    by_file: dict[tuple[str, str], tuple[int, ...]] = {}
    for name, numbers in found.items():
        source = ingested.sources[name]
        for part in source.parts:
            own = tuple(n % 2**LINE_BITS for n in numbers if n >> LINE_BITS == part.number)
            if own:
                by_file[name, file_name(part.file, part.sheet)] = own
    unread = sum(len(source.lost) for source in ingested.sources.values())
    return RawRows(by_file, unread, _changed(job, traces, cache))


def file_name(name: str, sheet: str) -> str:
    """A file or sheet as the list of rejects names it."""
    return f"{name} [{sheet}]" if sheet else name


def _numbers(ingested: Ingested, traces: Traces, job: Job) -> dict[str, list[int]]:
    """Source → the customer's rows: by the customer that a SELECT names, else by its ids."""
    queries = [
        query
        for listed in queries_of(job.profile).values()
        for query in listed
        if ingested.sources[query.counted].parts
    ]
    wanted = Forgotten.begun().with_records(traces.records, job.month.start.date())
    found = rows_of_customers(ingested.engine, queries, wanted)
    rows = {name: set(table[ROW].execute().astype(int)) for name, table in found.items()}
    for name, source in ingested.sources.items():
        if source.parts:
            rows.setdefault(name, set()).update(_rows_with_ids(source, traces))
    return {name: sorted(numbers) for name, numbers in rows.items()}


def _rows_with_ids(source: SourceTable, traces: Traces) -> set[int]:
    """Rows with an id of the customer or of its facts in any column of text."""
    own = {one for system, one in traces.records if system == source.source.system}
    wanted = sorted(own.union(*(ids for ids in traces.facts.values())))
    table = source.table
    texts = [c for c in source.source.columns if table[c].type().is_string()]
    if not texts or not wanted:
        return set()
    ids = ibis.memtable({"_id": wanted}, schema={"_id": "string"})
    named = [table.filter(table[column].isin(ids["_id"])).select(ROW) for column in texts]
    together = ibis.union(*named) if len(named) > 1 else named[0]
    return set(together[ROW].execute().astype(int))


def _changed(job: Job, traces: Traces, cache: DigestCache) -> dict[str, frozenset[str]]:
    """Month → files that have another content today: row numbers of theirs say nothing."""
    now = raw_digests(job, cache)
    changed: dict[str, frozenset[str]] = {}
    for month in traces.ids:
        noted = read_json(job.home / month / ".inputs" / "cleaning.digest") or {}
        then = {k.removeprefix(RAW): v for k, v in noted.items() if k.startswith(RAW)}
        changed[month] = frozenset(
            Path(name).name for name, digest in then.items() if now.get(name) != digest
        )
    return changed


def reports_with(shelf: Path, traces: Traces) -> tuple[list[Path], list[Path]]:
    """Pages that name the customer, and what was printed from them.

    Returns:
        Of published versions (which nothing changes), and of drafts (which the next run of the
        month makes anew); relative to the shelf.
    """
    published: list[Path] = []
    drafts: list[Path] = []
    for path in files_below(shelf):
        if path.suffix in TEXTS and tells_of(_seen(path), traces):
            into = published if path.relative_to(shelf).parts[0] == RELEASES else drafts
            into += [one.relative_to(shelf) for one in (path, *_printed_from(path))]
    return published, drafts


def _printed_from(page: Path) -> list[Path]:
    printed = page.with_suffix(".pdf")
    return [printed] if page.suffix == ".html" and printed.exists() else []


def params_with(job: Job, traces: Traces) -> list[Path]:
    """Files beside the profile that people wrote and that name the customer."""
    folder = job.profile_path.parent
    own = [
        *folder.glob(f"*/{job.profile.profile}.*"),
        *folder.glob(f"*/{job.profile.profile}/*"),
    ]
    texts = [path for path in own if path.is_file() and path.suffix in TEXTS]
    return [p.relative_to(folder) for p in sorted(texts) if tells_of(_seen(p), traces)]


def _seen(path: Path) -> str:
    """A file's text as a reader sees it, what is embedded (charts) included."""
    text = path.read_text(encoding="utf-8", errors="replace")
    embedded: Sequence[str] = _EMBEDDED.findall(text)
    inside = [b64decode(part).decode("utf-8", errors="replace") for part in embedded]
    return "\n".join([unescape(_EMBEDDED.sub("", text)), *inside])
