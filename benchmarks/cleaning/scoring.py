"""What became of planted errors: found, repaired, missed; and alarms where nothing was planted.

Only frames go in and out. A row of a file is named by ``file`` (as the list of rejects names it)
and ``row`` (as an editor counts it).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

PLACE = ["file", "row"]
ADDED = ("duplicated_row", "repeated_header", "totals_row", "blank_row")
"""Kinds that put a row of their own into the file."""

AS_WRITTEN = ("csv_quotes", "formula_text", "html_text")
"""Traps, not errors: the text must arrive as the file writes it, and harm no reader."""

ACTIONS = ("rejected", "emptied", "filled")
"""From the strongest: what the list of rejects says of a row; all of them count as found."""

REPAIRED, MERGED, KEPT, MISSED = "repaired", "merged", "kept as written", "missed"
FOUND = "found"
OUTCOMES = (FOUND, REPAIRED, MERGED, KEPT, MISSED)


def file_label(file: str) -> str:
    """`tickets/工单.xlsx#2025` as the list of rejects names it."""
    name, _, sheet = file.rsplit("/", 1)[-1].partition("#")
    return f"{name} [{sheet}]" if sheet else name


def with_true_rows(planted: pd.DataFrame) -> pd.DataFrame:
    """Where each planted row stands in the same file written without errors.

    Args:
        planted: One row an error: file, row, column, kind.

    Returns:
        The same with ``true_row``: less the rows that errors have put above it. The added rows
        themselves carry the number of the row that they follow.
    """
    ordered = planted.sort_values(PLACE, kind="stable").reset_index(drop=True)
    added = ordered["kind"].isin(ADDED)
    above = added.groupby(ordered["file"]).cumsum()
    return ordered.assign(true_row=ordered["row"] - above)


def outcomes(
    planted: pd.DataFrame, listed: pd.DataFrame, read: pd.Series, true: pd.Series
) -> pd.DataFrame:
    """What became of each planted error.

    Args:
        planted: One row an error: file, row, column, kind, written.
        listed: One row a violation: file, row, action.
        read: For each planted error the value that the cell was read as (of an added row: of
            the whole row), as text; null where there is none.
        true: The same of the file without errors.

    Returns:
        The planted errors with ``action`` (the strongest of ACTIONS; empty where not listed) and
        ``outcome`` (one of OUTCOMES).
    """
    frame = planted.merge(strongest(listed), on=PLACE, how="left")
    frame["action"] = frame["action"].fillna("")
    same = (read.fillna("") == true.fillna("")).to_numpy()
    carried = read.fillna("").to_numpy() == frame["written"].fillna("").to_numpy()
    frame["outcome"] = MISSED
    frame.loc[same, "outcome"] = REPAIRED
    frame.loc[same & (frame["kind"] == "duplicated_row"), "outcome"] = MERGED
    frame.loc[carried & frame["kind"].isin(AS_WRITTEN), "outcome"] = KEPT
    frame.loc[frame["action"] != "", "outcome"] = FOUND
    return frame


def strongest(listed: pd.DataFrame) -> pd.DataFrame:
    """One row a listed place: what was done to it at most."""
    known = listed[listed["action"].isin(ACTIONS)]
    rank = known["action"].map({name: at for at, name in enumerate(ACTIONS)})
    least = rank.groupby([known["file"], known["row"]]).min().reset_index(name="action")
    return least.assign(action=least["action"].map(dict(enumerate(ACTIONS))))


def by_kind(scored: pd.DataFrame) -> pd.DataFrame:
    """Counts of outcomes.

    Returns:
        One row a kind: planted, one column for each of OUTCOMES, ``right`` (share not missed).
    """
    counts = pd.crosstab(scored["kind"], scored["outcome"]).reindex(columns=OUTCOMES, fill_value=0)
    counts.insert(0, "planted", counts.sum(axis=1))
    return counts.assign(right=1 - counts[MISSED] / counts["planted"])


def false_alarms(listed: pd.DataFrame, planted: pd.DataFrame) -> pd.DataFrame:
    """Listed rows in which nothing was planted.

    Returns:
        One row a rule: column, rule, action, rows_n.
    """
    places = planted[PLACE].drop_duplicates().assign(_planted=True)
    marked = listed.merge(places, on=PLACE, how="left")
    alone = marked[marked["_planted"].isna()].fillna({"column": ""})
    rows = alone.drop_duplicates([*PLACE, "column", "rule"])
    return rows.groupby(["column", "rule", "action"]).size().reset_index(name="rows_n")


def wrong_cells(found: pd.DataFrame, true: pd.DataFrame, key: list[str]) -> Mapping[str, int]:
    """Hold a cleaned table against the table without errors, cell by cell.

    Args:
        found: The cleaned table.
        true: What it would be had no error been planted; the same columns.
        key: Columns that name a row.

    Returns:
        ``cells`` (of the true table, key columns aside), ``wrong`` (another value), ``emptied``
        (no value where there is one), ``lost`` (cells of rows that are missing), ``invented``
        (cells of rows that should not be there).
    """
    columns = [name for name in true.columns if name not in key]
    both = true.merge(found, on=key, how="outer", suffixes=("", "_found"), indicator=True)
    common = both[both["_merge"] == "both"]
    wrong = emptied = 0
    for name in columns:
        one, other = common[name], common[f"{name}_found"]
        differ = ~((one == other).fillna(False) | (one.isna() & other.isna()))
        emptied += int((differ & other.isna()).sum())
        wrong += int((differ & other.notna()).sum())
    width = len(columns)
    return {
        "cells": len(true) * width,
        "wrong": wrong,
        "emptied": emptied,
        "lost": int((both["_merge"] == "left_only").sum()) * width,
        "invented": int((both["_merge"] == "right_only").sum()) * width,
    }
