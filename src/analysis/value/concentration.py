"""How much of revenue and margin a few customers bring: Lorenz curve, Gini, ABC."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..months import Month
from ..params import ValuePolicy
from .ranking import abc_bars, abc_class

STEPS = 100
"""Points of a Lorenz curve besides the origin: one for each per cent of customers."""
WORTH = {"margin": "margin_window", "revenue": "revenue_window"}


def lorenz(scores: ir.Table, as_of: Month) -> pd.DataFrame:
    """The Lorenz curves of the window's margin and revenue over the customers that shipped in it.

    Args:
        scores: What `score` returned.
        as_of: The month.

    Returns:
        One row a measure and point: by (margin, revenue), customers_share (the poorest share of
        customers) and value_share (what they bring). Below zero where customers lose money.
        No rows for a measure that is not known.
    """
    curves = [_curve(name, worth) for name, worth in _worths(scores, as_of)]
    columns = ["by", "customers_share", "value_share"]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns)


def concentration(scores: ir.Table, policy: ValuePolicy, as_of: Month) -> pd.DataFrame:
    """ABC by margin and by revenue, with Gini: one row a measure and class.

    Args:
        scores: What `score` returned.
        policy: Its cuts.
        as_of: The month.

    Returns:
        by, abc_class, customers, customers_share, value (currency), value_share (of the measure's
        total), gini (of the measure, over all customers; above 1 is possible where many lose
        money), losing (customers that lose money).
    """
    now = scores.filter(scores.month == str(as_of)).mutate(is_ranked=scores.frequency > 0)
    rows = []
    for by, worth in _worths(scores, as_of):
        barred = now.left_join(abc_bars(now, now[WORTH[by]], policy.abc_cuts), "month")
        classed = barred.mutate(abc_class=abc_class(barred, barred[WORTH[by]]))
        known = classed.filter(classed.abc_class.notnull())
        frame = known.select("abc_class", value=WORTH[by]).execute()
        sums = frame.groupby("abc_class")["value"].agg(["size", "sum"]).reindex(list("ABC"))
        sums = sums.fillna(0.0)
        shares = sums / sums.sum()
        rows.append(
            pd.DataFrame(
                {
                    "by": by,
                    "abc_class": sums.index,
                    "customers": sums["size"].astype("int64").to_numpy(),
                    "customers_share": shares["size"].to_numpy(),
                    "value": sums["sum"].to_numpy(),
                    "value_share": shares["sum"].to_numpy(),
                    "gini": gini(worth),
                    "losing": int((worth < 0).sum()),
                }
            )
        )
    columns = ["by", "abc_class", "customers", "customers_share", "value", "value_share"]
    empty = pd.DataFrame(columns=[*columns, "gini", "losing"])
    return pd.concat(rows, ignore_index=True) if rows else empty


def gini(worth: np.ndarray) -> float:
    """The Gini coefficient: twice the area between the Lorenz curve and equality.

    Args:
        worth: (n,) values.

    Returns:
        0 where all are equal, 1 − 1/n where one has everything; NaN where the sum is not positive.

    Source:
        Gini (1912); the sorted form Σ (2i − n − 1)·x_i / (n·Σ x).
    """
    placed = np.sort(worth.astype(np.float64))
    n, total = len(placed), placed.sum()
    if not n or total <= 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ placed / (n * total))


def _worths(scores: ir.Table, as_of: Month) -> Iterator[tuple[str, np.ndarray]]:
    """Each measure that is known and not nothing, with its values sorted."""
    now = scores.filter(scores.month == str(as_of), scores.frequency > 0)
    frame = now.select(*WORTH.values()).execute()
    for name, column in WORTH.items():
        values = np.sort(frame[column].dropna().to_numpy(np.float64))
        if len(values) and values.sum() > 0:
            yield name, values


def _curve(name: str, worth: np.ndarray) -> pd.DataFrame:
    shares = np.linspace(0, 1, STEPS + 1)
    running = np.concatenate([[0.0], np.cumsum(worth)]) / worth.sum()
    value = np.interp(shares * len(worth), np.arange(len(worth) + 1), running)
    return pd.DataFrame({"by": name, "customers_share": shares, "value_share": value})
