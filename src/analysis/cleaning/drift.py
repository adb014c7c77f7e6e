"""Level 5, monitored: is this month like the twelve before it, as they were published?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import pandas as pd

from ..months import Month
from .monthly_profile import MISSING, WORD

MOST_MONTHS = 12
FEWEST_MONTHS = 3
"""With fewer earlier months nothing can be called unusual."""

FEWEST_ROWS = 30
"""A column with fewer values in the month has no distribution to speak of."""

PSI_WARNING, PSI_ERROR = 0.1, 0.25
"""Population stability index: the customary limits of "some" and "a large" shift (Siddiqi 2006,
Credit Risk Scorecards, ch. 9)."""

ROWS_WARNING, ROWS_ERROR = math.log(1.5), math.log(2.5)
"""Least log ratio of row counts to the usual ones that is told of, whatever the usual spread."""

SPREADS_WARNING, SPREADS_ERROR = 4.0, 8.0
"""Robust standard deviations (1.4826 · median absolute deviation) from the usual."""

MISSING_WARNING, MISSING_ERROR = 0.02, 0.2
"""Least difference of a missing share that is told of, as a fraction of rows."""

NEW_WARNING, NEW_ERROR = 0.001, 0.05
"""Share of rows in categories that no earlier month had."""

DRIFT_COLUMNS = (
    "table", "column", "measure", "value", "usual", "months_n", "severity", "detail",
)  # fmt: skip


def drift_of(history: Mapping[str, Mapping[str, Any]], as_of: Month) -> pd.DataFrame:
    """Hold a month against the twelve before it.

    Args:
        history: Month → its profile (`monthly_profile`), as stored when that month was made;
            the as-of month among them.
        as_of: The month; later ones are not looked at.

    Returns:
        One row a measure: table, column (empty for the table), measure (rows, missing, new,
        shift), value, usual (the median of the earlier months: of a shift each against the
        others, of new categories each against those before it), months_n (earlier months with
        rows), severity (ok, warning, error), detail (new categories).
        No rows where fewer than `FEWEST_MONTHS` earlier months are known.
    """
    now = history.get(str(as_of))
    wanted = [str(as_of.shifted(-back)) for back in range(MOST_MONTHS, 0, -1)]
    before = [history[month] for month in wanted if month in history]
    if now is None or len(before) < FEWEST_MONTHS:
        return pd.DataFrame(columns=list(DRIFT_COLUMNS))
    rows = [
        row
        for name, told in now["tables"].items()
        for row in _of_table(
            name, told, [one["tables"][name] for one in before if name in one["tables"]]
        )
    ]
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


Row = tuple[str, str, str, float, float, int, str, str]
Bins = Mapping[str, int]
"""Bin → rows."""


def _of_table(name: str, now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> list[Row]:
    known = [one for one in before if one["rows_n"] > 0]
    if len(known) < FEWEST_MONTHS:
        return []
    rows = [_rows(name, int(now["rows_n"]), [int(one["rows_n"]) for one in before])]
    if now["rows_n"] == 0:
        return rows
    for column, told in now["columns"].items():
        earlier = [
            {**one["columns"][column], "rows_n": one["rows_n"]}
            for one in known
            if column in one["columns"]
        ]
        if len(earlier) >= FEWEST_MONTHS:
            rows += _of_column(name, column, {**told, "rows_n": now["rows_n"]}, earlier)
    return rows


def _rows(name: str, now: int, before: Sequence[int]) -> Row:
    logs = [math.log(n + 1) for n in before]
    away = abs(math.log(now + 1) - median(logs))
    severity = _unusual(away, 0.0, _spread(logs), ROWS_WARNING, ROWS_ERROR)
    return (name, "", "rows", float(now), float(median(before)), len(before), severity, "")


def _of_column(
    table: str, column: str, now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]
) -> list[Row]:
    months = len(before)
    shares = [_missing(one) for one in before]
    value, usual = _missing(now), median(shares)
    severity = _unusual(abs(value - usual), 0.0, _spread(shares), MISSING_WARNING, MISSING_ERROR)
    rows: list[Row] = [(table, column, "missing", value, usual, months, severity, "")]
    filled, earlier = _filled(now), [_filled(one) for one in before]
    pooled = _pooled(earlier)
    if not pooled or not filled:
        return rows
    if now["kind"] == WORD:
        rows.append(_new(table, column, filled, earlier))
    if min(sum(filled.values()), sum(pooled.values())) >= FEWEST_ROWS:
        rows.append(_shift(table, column, filled, earlier))
    return rows


def _new(table: str, column: str, now: Bins, before: Sequence[Bins]) -> Row:
    """Categories that no earlier month had, against how many each of those had brought."""
    share, unseen = _unseen(now, before)
    brought = [_unseen(one, before[:at])[0] for at, one in enumerate(before)][FEWEST_MONTHS:]
    usual, spread = _middle(brought)
    severity = _unusual(share, usual, spread, NEW_WARNING, NEW_ERROR)
    return (table, column, "new", share, usual, len(before), severity, ", ".join(unseen[:5]))


def _unseen(now: Bins, before: Sequence[Bins]) -> tuple[float, list[str]]:
    known = set().union(*before)
    unseen = sorted(key for key in now if key not in known)
    return sum(now[key] for key in unseen) / max(1, sum(now.values())), unseen


def _shift(table: str, column: str, now: Bins, before: Sequence[Bins]) -> Row:
    """How far the values moved, against how far each earlier month stood from the others."""
    value = stability_index(now, _pooled(before))
    pairs = [(one, _pooled([*before[:at], *before[at + 1 :]])) for at, one in enumerate(before)]
    moved = [
        stability_index(one, others)
        for one, others in pairs
        if min(sum(one.values()), sum(others.values())) >= FEWEST_ROWS
    ]
    usual, spread = _middle(moved)
    severity = _unusual(value, usual, spread, PSI_WARNING, PSI_ERROR)
    return (table, column, "shift", value, usual, len(before), severity, "")


def _filled(column: Mapping[str, Any]) -> Bins:
    return {key: int(n) for key, n in column["bins"].items() if key != MISSING}


def _pooled(months: Sequence[Bins]) -> Bins:
    pooled: dict[str, int] = {}
    for one in months:
        for key, n in one.items():
            pooled[key] = pooled.get(key, 0) + n
    return pooled


def stability_index(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """The population stability index, less what chance alone makes of it.

    Args:
        now, before: Bin → rows; half a row is added to each bin, so that an empty one is finite.

    Returns:
        Σ (p − q)·ln(p/q), less its expected value without a shift, (bins − 1)·(1/n + 1/m); not
        below 0.

    Source:
        Yurdakul and Naranjo (2020), Statistical properties of the population stability index,
        Journal of Risk Model Validation 14(4): the index is asymptotically (1/n + 1/m)·χ².

    Example:
        >>> round(stability_index({"a": 500, "b": 500}, {"a": 900, "b": 100}), 2)
        0.88
    """
    bins = sorted({*now, *before})
    n, m = sum(now.values()), sum(before.values())
    total = 0.0
    for one in bins:
        p = (now.get(one, 0) + 0.5) / (n + 0.5 * len(bins))
        q = (before.get(one, 0) + 0.5) / (m + 0.5 * len(bins))
        total += (p - q) * math.log(p / q)
    return max(0.0, total - (len(bins) - 1) * (1 / n + 1 / m))


def _missing(column: Mapping[str, Any]) -> float:
    """Share of the month's rows without a value; not all bins of a column are kept."""
    return int(column["bins"].get(MISSING, 0)) / int(column["rows_n"])


def _spread(values: Sequence[float]) -> float:
    """Robust standard deviation: 1.4826 · median absolute deviation."""
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """Median and robust standard deviation; with too few months nothing is known to be usual."""
    return (median(values), _spread(values)) if len(values) >= FEWEST_MONTHS else (0.0, 0.0)


def _unusual(value: float, usual: float, spread: float, warning: float, error: float) -> str:
    """At a limit or beyond it, and beyond what the months before make usual."""
    if value >= error and value > usual + SPREADS_ERROR * spread:
        return "error"
    return "warning" if value >= warning and value > usual + SPREADS_WARNING * spread else "ok"
