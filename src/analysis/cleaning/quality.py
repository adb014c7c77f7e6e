"""Data quality in five levels, by source: only what can truly be computed now.

1 collected, 2 standardised, 3 validated, 4 reconciled across sources, 5 monitored over time
(五级数据治理). A level that needs what the run does not have is "not measured", never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add

import pandas as pd

from ..errors import ContractError
from ..params import Profile
from ..sources import FAULTS, Ingested, SourceTable

LEVELS = {1: "collected", 2: "standardised", 3: "validated", 4: "reconciled", 5: "monitored"}
NOT_MEASURED = "not measured"
ORPHAN_RULES = ("unknown_customer", "not_selected")
QUALITY_COLUMNS = ("source", "level", "level_name", "score", "status", "detail")


def quality_of(
    ingested: Ingested, ledger: pd.DataFrame, violations: pd.DataFrame, profile: Profile
) -> pd.DataFrame:
    """The quality of every source.

    Args:
        ingested: The sources.
        ledger: What became of their rows.
        violations: Counts by source, table, column, rule, action.
        profile: Its thresholds turn a score into a status.

    Returns:
        One row a source and level: source, level (1-5), level_name, score (fraction; NaN where
        not measured), status (ok, warning, critical, not measured), detail.
    """
    rows = []
    for name, source in ingested.sources.items():
        own = ledger[ledger["source"] == name]
        broken = violations[violations["source"] == name]
        for level, (score, detail) in _levels(source, own, broken).items():
            status = _status(score, profile) if score is not None else NOT_MEASURED
            rows.append((name, level, LEVELS[level], score, status, detail))
    frame = pd.DataFrame(rows, columns=list(QUALITY_COLUMNS))
    return frame.astype({"score": "float64", "level": "int64"})


def refuse_critical(ledger: pd.DataFrame, violations: pd.DataFrame, profile: Profile) -> None:
    """Stop a run whose source is mostly rejected.

    Raises:
        ContractError: With the rules that rejected most.
    """
    read = ledger[ledger["rows_read"] > 0]
    share = read["rows_rejected"] / read["rows_read"]
    bad = read[share > profile.quality.critical]
    if bad.empty:
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
        todo="Correct the source's entry in the profile (types, forms, units), or its files.",
    )


def _status(score: float, profile: Profile) -> str:
    if 1 - score > profile.quality.critical:
        return "critical"
    return "warning" if 1 - score > profile.quality.warning else "ok"


def _levels(
    source: SourceTable, ledger: pd.DataFrame, violations: pd.DataFrame
) -> dict[int, tuple[float | None, str]]:
    measures: dict[int, Callable[[], tuple[float | None, str]]] = {
        1: lambda: _collected(source),
        2: lambda: _standardised(source),
        3: lambda: _validated(ledger, violations),
        4: lambda: _reconciled(ledger, violations),
        5: lambda: (None, "needs the months before"),
    }
    return {level: measure() for level, measure in measures.items()}


def _collected(source: SourceTable) -> tuple[float, str]:
    rows = source.rows + len(source.lost)
    told = f"{len(source.parts)} files or sheets, {rows:,} rows"
    return (1.0 if rows else 0.0), told


def _standardised(source: SourceTable) -> tuple[float | None, str]:
    """Share of filled cells that could be read, rows without cells counted as unread."""
    table, columns = source.table, list(source.source.columns)
    if not source.rows:
        return None, "no rows"
    filled = reduce(add, [table[column].count() for column in columns])
    faults = table[FAULTS].length().sum().fill_null(0)
    counts = table.agg(filled=filled, faults=faults).execute().iloc[0]
    bad = int(counts["faults"]) + len(source.lost) * len(columns)
    all_cells = int(counts["filled"]) + bad
    return (1 - bad / all_cells if all_cells else None), f"{bad:,} of {all_cells:,} cells unread"


def _validated(ledger: pd.DataFrame, violations: pd.DataFrame) -> tuple[float | None, str]:
    """Share of rows that kept every rule but those about other sources."""
    read = int(ledger["rows_read"].sum())
    orphans = _orphans(violations)
    rejected = max(0, int(ledger["rows_rejected"].sum()) - orphans)
    return (1 - rejected / read if read else None), f"{rejected:,} of {read:,} rows rejected"


def _reconciled(ledger: pd.DataFrame, violations: pd.DataFrame) -> tuple[float | None, str]:
    """Share of rows whose customer, or partner in a join, exists elsewhere."""
    counted = ledger[ledger["table"] != "lookup"]
    read = int(counted["rows_read"].sum())
    orphans = _orphans(violations)
    return (1 - orphans / read if read else None), f"{orphans:,} of {read:,} rows without a partner"


def _orphans(violations: pd.DataFrame) -> int:
    hit = violations["rule"].isin(ORPHAN_RULES) & (violations["action"] == "rejected")
    return int(violations.loc[hit, "rows_n"].sum())
