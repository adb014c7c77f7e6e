"""Data quality in five levels, by source and in total: only what can truly be computed.

1 collected, 2 standardised, 3 validated, 4 reconciled across sources, 5 monitored over time
(五级数据治理). A level that needs what the run does not have is "not measured", never guessed.
The fifth is measured when the report is made: it needs the months before as they were published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import ibis.expr.types as ir
import pandas as pd

from ..errors import ContractError
from ..params import Profile
from ..sources import FAULTS, Ingested, SourceTable
from .corrections import RULE
from .forgetting import RULE as FORGOTTEN
from .reconciliation import scores_of

LEVELS = {1: "collected", 2: "standardised", 3: "validated", 4: "reconciled", 5: "monitored"}
NOT_MEASURED = "not measured"
TOTAL = ""
"""Stands for the source in the rows about all of them."""

ORPHAN_RULES = ("unknown_customer", "not_selected")
"""Rules about other sources: they count on level 4, not on level 3."""

QUALITY_COLUMNS = (
    "source", "level", "level_name", "score", "status", "detail", "count", "of", "rows_n",
)  # fmt: skip

Measure = tuple[float | None, str, int, int]
"""Score, code of what was measured, how many fell short, of how many."""


def quality_of(
    ingested: Ingested,
    ledger: pd.DataFrame,
    rejects: ir.Table,
    reconciliation: pd.DataFrame,
    coverage: Mapping[str, tuple[int, int]],
    profile: Profile,
) -> pd.DataFrame:
    """The quality of every source and of all of them.

    Args:
        ingested: The sources.
        ledger: What became of their rows.
        rejects: One row a violated rule of a row.
        reconciliation: What the sources say of each other.
        coverage: Source → months without a row, and months from its first to the as-of month.
        profile: Its thresholds turn a score into a status.

    Returns:
        One row a source and level, and a level of all (source empty; weighted by rows): source,
        level (1-5), level_name, score (fraction; NaN where not measured), status (ok, warning,
        error, critical, not measured), detail (code), count and of (what the detail counts),
        rows_n (rows read, each once).
    """
    rejected = _rows_with_faults(rejects)
    agreed = scores_of(reconciliation)
    rows = []
    for name, source in ingested.sources.items():
        own = ledger[ledger["source"] == name]
        measures: dict[int, Measure] = {
            1: _collected(source, coverage.get(name)),
            2: _standardised(source),
            3: _validated(own, rejected.get(name, 0)),
            4: _reconciled(agreed.get(name)),
            5: (None, "needs_months", 0, 0),
        }
        size = source.rows + len(source.lost)
        rows += [
            (name, level, LEVELS[level], score, _status(score, profile), detail, count, of, size)
            for level, (score, detail, count, of) in measures.items()
        ]
    frame = pd.DataFrame(rows, columns=list(QUALITY_COLUMNS))
    return with_total(frame.astype({"score": "float64", "level": "int64"}), profile)


def with_total(quality: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """The quality of the sources, followed by that of all of them, weighted by rows."""
    own = quality[quality["source"] != TOTAL]
    rows = []
    for level, name in LEVELS.items():
        part = own[(own["level"] == level) & own["score"].notna() & (own["rows_n"] > 0)]
        size = int(part["rows_n"].sum())
        score = float((part["score"] * part["rows_n"]).sum() / size) if size else None
        rows.append((TOTAL, level, name, score, _status(score, profile), "total",
                     len(part), own["source"].nunique(), size))  # fmt: skip
    total = pd.DataFrame(rows, columns=list(QUALITY_COLUMNS)).astype({"score": "float64"})
    return pd.concat([own, total], ignore_index=True)


def monitored(
    quality: pd.DataFrame, drift: pd.DataFrame, tables_of: Mapping[str, Sequence[str]],
    profile: Profile,
) -> pd.DataFrame:  # fmt: skip
    """The quality with its fifth level: the share of a source's measures that did not drift.

    Args:
        quality: As `quality_of` returned it.
        drift: As `drift_of` returned it; empty where there are too few months.
        tables_of: Source → canonical tables that it yields.
        profile: Its thresholds.

    Returns:
        The same rows, level 5 measured where there is anything to measure it by.
    """
    frame = quality[quality["source"] != TOTAL].copy()
    for at, row in frame[frame["level"] == 5].iterrows():
        own = drift[drift["table"].isin(list(tables_of.get(row["source"], ())))]
        if own.empty:
            continue
        odd = int((own["severity"] != "ok").sum())
        score = 1 - odd / len(own)
        told = {"score": score, "status": _status(score, profile), "detail": "measures_drifted",
                "count": odd, "of": len(own)}  # fmt: skip
        for column, value in told.items():
            frame[column] = frame[column].mask(frame.index == at, value)
    return with_total(frame, profile)


def refuse_weak(quality: pd.DataFrame, profile: Profile) -> None:
    """Stop a run whose source falls short of a level that the profile stops at.

    Raises:
        ContractError: With every source and level that does.
    """
    limits = profile.quality
    limit = {"error": limits.error, "critical": limits.critical}.get(limits.stop_at)
    if limit is None:
        return
    stopping = quality["level_name"].isin(limits.stop_levels) & (quality["source"] != TOTAL)
    weak = quality[stopping & (1 - quality["score"] > limit)]
    if weak.empty:
        return
    told = "; ".join(
        f"{row.source}, level {row.level} ({row.level_name}): {row.score:.1%}"
        for row in weak.itertuples()
    )
    raise ContractError(
        "The quality of a source is too low",
        where="quality",
        got=told,
        allowed=f"a shortfall of at most {limit:.0%} (quality.{limits.stop_at})",
        todo="Mend the source or its entry in the profile, or set quality.stop_at.",
    )


def refuse_critical(ledger: pd.DataFrame, violations: pd.DataFrame, profile: Profile) -> None:
    """Stop a run whose source is mostly rejected.

    Raises:
        ContractError: With the rules that rejected most.
    """
    read = ledger[ledger["rows_read"] > 0]
    share = read["rows_rejected"] / read["rows_read"]
    bad = read[share > profile.quality.critical]
    if bad.empty or profile.quality.stop_at == "never":
        return
    worst = bad.iloc[0]
    own = violations[
        (violations["source"] == worst["source"])
        & (violations["table"] == worst["table"])
        & (violations["action"] == "rejected")
    ]
    top = own.sort_values("rows_n", ascending=False).head(3)
    told = "; ".join(f"{r.rule} ({r.column}): {r.rows_n:,}" for r in top.itertuples())
    raise ContractError(
        "Too many rows of a source are rejected",
        where=f"source '{worst['source']}', table '{worst['table']}'",
        got=f"{worst['rows_rejected']:,} of {worst['rows_read']:,} rows; {told}",
        allowed=f"at most {profile.quality.critical:.0%} (quality.critical)",
        todo=_STRANGERS
        if not top.empty and top.iloc[0]["rule"] == "unknown_customer"
        else "Correct the source's entry in the profile (types, forms, units), or its files.",
    )


_STRANGERS = (
    "Do its customer ids lack the zeros ahead (the SELECT puts them back: "
    "repeat('0', 6 - length(id)) || id), or are they another system's ('system', 'customer_ids')?"
)


def _status(score: float | None, profile: Profile) -> str:
    return NOT_MEASURED if score is None or pd.isna(score) else profile.quality.status(1 - score)


def _rows_with_faults(rejects: ir.Table) -> dict[str, int]:
    """Rows of each source with a broken rule that is not about other sources."""
    faulty = rejects.action.isin(["rejected", "emptied"])
    counted = rejects.filter(faulty & rejects.rule.notin((*ORPHAN_RULES, FORGOTTEN)))
    places = counted.select("source", "file", "row").distinct()
    frame = places.group_by("source").agg(n=places.count()).execute()
    return dict(zip(frame["source"], frame["n"].astype(int), strict=True))


def _collected(source: SourceTable, months: tuple[int, int] | None) -> Measure:
    """Share of what should be there that is: months from the first on, declared columns."""
    if not source.parts or (source.later and not source.rows):
        return None, "absent", 0, 0
    if not source.rows:
        return 0.0, "no_rows", 0, 0
    table, columns = source.table, list(source.source.columns)
    filled = table.agg(**{f"c{at}": table[c].count() for at, c in enumerate(columns)}).execute()
    empty = int((filled.iloc[0] == 0).sum())
    lacking, expected = months or (0, 0)
    short, of = empty + lacking, len(columns) + expected
    return 1 - short / of, "columns_and_months_empty", short, of


def _standardised(source: SourceTable) -> Measure:
    """Share of filled cells that could be read, rows without cells counted as unread."""
    table, columns = source.table, list(source.source.columns)
    if not source.rows:
        return None, "no_rows", 0, 0
    filled = reduce(add, [table[column].count() for column in columns])
    faults = table[FAULTS].length().sum().fill_null(0)
    counts = table.agg(filled=filled, faults=faults).execute().iloc[0]
    meant = sum(lost.rule.startswith((RULE, FORGOTTEN)) for lost in source.lost)
    misread = len(source.lost) - meant
    bad = int(counts["faults"]) + misread * len(columns)
    cells = int(counts["filled"]) + bad
    return (1 - bad / cells if cells else None), "cells_unread", bad, cells


def _validated(ledger: pd.DataFrame, faulty: int) -> Measure:
    """Share of rows that kept every rule, those about other sources aside."""
    read = int((ledger["rows_in_files"] - ledger["rows_later"]).max()) if len(ledger) else 0
    return (1 - min(faulty, read) / read if read else None), "rows_with_faults", faulty, read


def _reconciled(found: tuple[float, str, int] | None) -> Measure:
    """What the worst check against another source leaves."""
    if found is None:
        return None, "nothing_to_hold_against", 0, 0
    score, check, checks = found
    return score, check, 0, checks
