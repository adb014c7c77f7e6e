"""How much longer a company's churn window must be than that of a steady stream of shipments.

Customers pause. A window made for a Poisson stream counts many a pause as leaving: of those
counted as lost, 5 to 10 % may ship again, no more. One factor is learnt from what the company's
customers did before the first assignment; nothing later is looked at, so the treatment cannot
move it, and both arms have the same.

Every gap of history is judged as the experiment would judge it: by the customer's other gaps,
and by the off-season known when the gap began. Who ships again within half a year of being
counted as lost is estimated by Kaplan and Meier, because the last gaps are still open.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..calendar import Calendar
from ..months import Month, month_index
from ..panel import (
    LONGEST_WINDOW_DAYS,
    SHORTEST_WINDOW_DAYS,
    churn_window,
    off_seasons,
    with_silence,
)
from .estimators.survival import kaplan_meier
from .facts import ACTIVE_DAYS

FACTORS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
"""What is tried. With the largest every window is the longest one, whatever the customer's gap."""
MOST_RETURNED = 0.10
"""Share of those counted as lost that may ship again (statistics.md, Retention)."""
FOLLOWED_DAYS = 180
"""Days after being counted as lost within which a return is looked for."""
FEWEST = 30
"""Lost customers, so long followed after the plain window, below which a share is not known.

A longer window leaves less to follow: a share then tells of returns within what history holds."""
MIN_OTHER_GAPS = 2
"""Other gaps of a customer without which its own gap is not judged."""
SETTLED_DAYS = 365
"""History after which a customer's off-season has been seen once."""
ALL_SEASONS_DAYS = SETTLED_DAYS - SHORTEST_WINDOW_DAYS
"""Days over which settled customers' gaps began once every season is among them."""
MOST_CUSTOMERS = 20_000
"""More teach nothing new; of a larger company so many are taken, by a hash of their id."""


@dataclass(frozen=True)
class WindowFactor:
    """The factor on the churn window.

    Attributes:
        value: At least 1; 1 where nothing could be learnt.
        is_learnt: False where the history before assignment is too short.
    """

    value: float = 1.0
    is_learnt: bool = False


def learn_window_factor(
    shipments: ir.Table, before: dt.datetime, calendar: Calendar
) -> WindowFactor:
    """The smallest factor with which at most a tenth of the customers counted as lost return.

    Args:
        shipments: The canonical table, of all customers: those that left before assignment are
            in no arm, and without them every gap of history would end in a return.
        before: The first assignment; nothing from then on is looked at.
        calendar: Says when the company is shut.

    Returns:
        The largest factor that can be judged where none keeps the share; factor 1, not learnt,
        where fewer than 30 lost customers were followed for half a year.
    """
    days = _shipping_days(shipments, before)
    gaps = _judged(_gaps(days, before), days, before, calendar)
    share = _settled_share(days, before)
    chosen = WindowFactor()
    for factor in FACTORS:
        returned = _returned(gaps, factor, share)
        if np.isnan(returned):
            return chosen
        chosen = WindowFactor(factor, is_learnt=True)
        if returned <= MOST_RETURNED:
            return chosen
    return chosen


def _shipping_days(shipments: ir.Table, before: dt.datetime) -> ir.Table:
    """One row a customer and shipping day: day, shipments_n."""
    sent = shipments.filter(shipments.shipped_at < ibis.literal(before))
    customers = int(sent.customer_id.nunique().execute())
    if customers > MOST_CUSTOMERS:
        place = (sent.customer_id.hash() % 1_000_000).abs()
        sent = sent.filter(place < 1_000_000 * MOST_CUSTOMERS // customers)
    dated = sent.select("customer_id", day=sent.shipped_at.date())
    return dated.group_by("customer_id", "day").agg(shipments_n=dated.count())


def _gaps(days: ir.Table, before: dt.datetime) -> ir.Table:
    """One row a gap that may be too long, the last one still open at assignment."""
    order = ibis.window(group_by="customer_id", order_by="day")
    whole = ibis.window(group_by="customer_id")
    marked = days.mutate(
        next_day=days.day.lead().over(order),
        first=days.day.min().over(whole),
        last=days.day.max().over(whole),
        days_n=days.count().over(whole),
    )
    until = marked.next_day.fill_null(ibis.literal(before.date()))
    gaps = marked.mutate(until=until, is_over=marked.next_day.notnull())
    gaps = gaps.mutate(others_n=gaps.days_n - 1 - gaps.is_over.cast("int64"))
    long = gaps.until.epoch_days() - gaps.day.epoch_days() > SHORTEST_WINDOW_DAYS
    return gaps.filter(long, gaps.others_n >= MIN_OTHER_GAPS).mutate(
        key=gaps.customer_id + "@" + gaps.day.cast("string")
    )


def _judged(
    gaps: ir.Table, days: ir.Table, before: dt.datetime, calendar: Calendar
) -> pd.DataFrame:
    """One row a gap: customer_id, day, silent_days, window_days, is_over, is_settled, behind_days.

    behind_days: from the gap's first day to assignment.
    """
    spans = {"gap": (gaps.day, gaps.until), "spread": (gaps["first"], gaps["last"])}
    parts = [
        gaps.select(customer_id="key", since=since, until=until, span=ibis.literal(name))
        for name, (since, until) in spans.items()
    ]
    seasons, as_of = _seasons_known_then(gaps, days), Month(before.year, before.month)
    ran = with_silence(ibis.union(*parts), seasons, calendar, as_of)
    wide = ran.group_by(key=ran.customer_id).agg(
        silent_days=ran.silent_days.max(where=ran.span == "gap"),
        spread=ran.silent_days.max(where=ran.span == "spread"),
    )
    timed = gaps.join(wide, "key")
    rest = timed.spread - timed.is_over.ifelse(timed.silent_days, 0.0)
    behind = ibis.literal(before.date()).epoch_days() - timed.day.epoch_days()
    tenure = timed.day.epoch_days() - timed["first"].epoch_days()
    told = timed.select(
        "customer_id",
        "day",
        "silent_days",
        "is_over",
        window_days=churn_window(ibis.greatest(rest, 1.0) / timed.others_n),
        is_settled=tenure >= SETTLED_DAYS,
        behind_days=behind,
    )
    long = told.filter(told.silent_days > told.window_days)
    frame: pd.DataFrame = long.order_by("customer_id", "day").execute()
    return frame


def _seasons_known_then(gaps: ir.Table, days: ir.Table) -> ir.Table:
    """The off-season of each gap's customer, by the months before the gap's own."""
    monthly = days.mutate(month_index=month_index(days.day))
    counts = monthly.group_by("customer_id", "month_index").agg(
        shipments_n=monthly.shipments_n.sum()
    )
    began = gaps.select("key", "customer_id", reference=month_index(gaps.day))
    known = began.inner_join(counts, "customer_id")
    known = known.filter(known.month_index < known.reference)
    return off_seasons(
        known.select("month_index", "shipments_n", "reference", customer_id=known.key)
    )


def _settled_share(days: ir.Table, before: dt.datetime) -> float:
    """Share of the customers active at assignment whose off-season has been seen once."""
    edges = days.group_by("customer_id").agg(first=days.day.min(), last=days.day.max())
    at = ibis.literal(before.date()).epoch_days()
    active = edges.filter(at - edges["last"].epoch_days() <= ACTIVE_DAYS)
    share = (at - active["first"].epoch_days() >= SETTLED_DAYS).mean().execute()
    return 0.0 if share is None or np.isnan(share) else float(share)


def _returned(gaps: pd.DataFrame, factor: float, settled_share: float) -> float:
    """Share of the customers counted as lost with a factor that return; NaN where too few were.

    Settled and newer customers are weighted as they are at assignment: the more off-seasons are
    known, the fewer are taken for leaving. Until settled ones were seen through all seasons, all
    gaps count alike, which errs towards the longer window.
    """
    is_settled = gaps["is_settled"]
    settled = _returned_of(gaps[is_settled], factor)
    newer = _returned_of(gaps[~is_settled], factor)
    through_a_year = gaps.loc[is_settled, "behind_days"].max() >= ALL_SEASONS_DAYS
    if np.isnan(settled) or np.isnan(newer) or not through_a_year:
        return _returned_of(gaps, factor)
    return settled_share * settled + (1 - settled_share) * newer


def _returned_of(gaps: pd.DataFrame, factor: float) -> float:
    """The same of some gaps, the first of each customer that is too long."""
    window = np.minimum(factor * gaps["window_days"], LONGEST_WINDOW_DAYS)
    long = gaps.assign(window=window)[gaps["silent_days"] > window]
    first = long.drop_duplicates("customer_id")
    followed = first["behind_days"] - first["window_days"] >= FOLLOWED_DAYS
    if followed.sum() < FEWEST:
        return float("nan")
    silent = (first["silent_days"] - first["window"]).to_numpy(dtype=float)
    is_over = first["is_over"].to_numpy(dtype=bool) & (silent <= FOLLOWED_DAYS)
    curve = kaplan_meier(np.minimum(silent, FOLLOWED_DAYS), is_over)
    return float(1 - curve.survival[-1])
