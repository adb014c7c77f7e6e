"""One raw folder of the demo company, cleaned as a run cleans it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

import analysis
from analysis.cleaning import Cleaned, drift_of
from analysis.months import Month
from analysis.sources import LINE_BITS, ROW, Ingested

from .scoring import file_label

ROOT = Path(__file__).resolve().parents[2]
MONTHS_BEFORE = 6
"""Half of what a run looks at: cleaning each takes most of the time here."""


@dataclass(frozen=True)
class Run:
    """A cleaned month.

    Attributes:
        ingested: Its sources after declared corrections.
        links: Source id → customer, one row a record.
        profile: As loaded.
        cleaned: What `analysis.clean` returned.
    """

    ingested: Ingested
    links: pd.DataFrame
    profile: Any
    cleaned: Cleaned

    @property
    def listed(self) -> pd.DataFrame:
        """The list of rejects, corrections and repairs; one row a violation."""
        return self.cleaned.rejects.execute()

    def table(self, name: str) -> pd.DataFrame:
        return self.cleaned.tables[name].execute()

    def close(self) -> None:
        self.ingested.engine.close()


def cleaned(raw: Path, month: str, links: pd.DataFrame | None = None) -> Run:
    """The steps of the first notebook; with links where no file about customers has changed."""
    workspace = analysis.open_month(ROOT / "params/demo.yaml", month, raw=str(raw))
    declared = analysis.load_corrections(workspace.corrections)
    ingested = analysis.correct(analysis.ingest(workspace), declared)
    if links is None:
        records = analysis.customer_records(ingested, workspace.profile)
        links = analysis.identify(records).links.execute()
    known = workspace.engine.table(links)
    result = analysis.clean(ingested, known, workspace.profile, workspace.as_of)
    return Run(ingested, links, workspace.profile, result)


def history(run: Run, month: str) -> dict[str, Any]:
    """What the months before looked like, each cleaned as of its own end."""
    last, links = Month.parse(month), run.ingested.engine.table(run.links)
    earlier = [last.shifted(-back) for back in range(MONTHS_BEFORE, 0, -1)]
    return {
        str(one): analysis.clean(run.ingested, links, run.profile, one).profile for one in earlier
    }


def drifted(run: Run, before: dict[str, Any], month: str) -> set[str]:
    """Measures of level 5 that are unlike the months before."""
    frame = drift_of({**before, month: run.cleaned.profile}, Month.parse(month))
    odd = frame[frame["severity"] != "ok"]
    return {" ".join(filter(None, row)) for row in odd[["table", "column", "measure"]].to_numpy()}


def disagreeing(run: Run, month: str) -> set[str]:
    """Checks of level 4 whose difference in the month is beyond a limit."""
    frame = run.cleaned.reconciliation
    odd = frame[
        (frame["month"] == month) & frame["severity"].isin(["warning", "error", "critical"])
    ]
    return set(odd["check"] + " " + odd["severity"])


def only_here(run: Run, true: Run) -> dict[str, float]:
    """Checks of level 4 in which sources differ, and do not without errors; summed over months."""
    sums = [
        one.cleaned.reconciliation.groupby("check")["difference"].agg(lambda d: d.abs().sum())
        for one in (run, true)
    ]
    more = sums[0].subtract(sums[1], fill_value=0)
    return {str(check): float(n) for check, n in more[more > 0.5].items()}


def cells(run: Run, wanted: pd.DataFrame) -> pd.Series:
    """What cells were read as.

    Args:
        wanted: One row a cell: file (as in `errors.csv`), row, column (empty: the whole row).

    Returns:
        The values as text, in the order of ``wanted``; null where the row holds none.
    """
    found = pd.Series([None] * len(wanted), index=wanted.index, dtype=object)
    label = wanted["file"].map(file_label)
    for source in run.ingested.sources.values():
        numbers = {_label(part): part.number for part in source.parts}
        own = wanted[label.isin(numbers)]
        if own.empty:
            continue
        at = label[own.index].map(numbers).astype("int64") * 2**LINE_BITS + own["row"]
        rows = ibis.memtable(pd.DataFrame({ROW: at.unique()}))
        columns = {name: source.table[name].cast("string") for name in source.source.columns}
        frame = source.table.select(ROW, **columns).semi_join(rows, ROW).execute().set_index(ROW)
        whole = frame.fillna("").agg("|".join, axis=1) if len(frame) else frame
        for index, place, column in zip(own.index, at, own["column"], strict=True):
            if place in frame.index:
                found[index] = frame.at[place, column] if column else whole[place]
    return found


def rows_by_key(run: Run, wanted: pd.DataFrame) -> pd.Series:
    """Whole rows, found by what stands in their first column.

    Args:
        wanted: One row a row: file (as in `errors.csv`), written (the key).

    Returns:
        The first row of the source with that key as text, in the order of ``wanted``.
    """
    found = pd.Series([None] * len(wanted), index=wanted.index, dtype=object)
    label = wanted["file"].map(file_label)
    for source in run.ingested.sources.values():
        own = wanted[label.isin([_label(part) for part in source.parts])]
        if own.empty:
            continue
        columns = list(source.source.columns)
        keys = ibis.memtable(pd.DataFrame({columns[0]: own["written"].str.strip().unique()}))
        shown = source.table.select(ROW, **{n: source.table[n].cast("string") for n in columns})
        frame = shown.semi_join(keys, columns[0]).order_by(ROW).execute().fillna("")
        first = frame.drop_duplicates(columns[0]).set_index(columns[0], drop=False)[columns]
        whole = first.agg("|".join, axis=1)
        found[own.index] = own["written"].str.strip().map(whole)
    return found


def _label(part: Any) -> str:
    return f"{part.path.name} [{part.sheet}]" if part.sheet else part.path.name
