"""Claims about delay, damage and notice."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np

from . import estimating
from .company import SECONDS_A_DAY, TWO_YEARS, YEAR, Company, Found, require
from .customer_sums import arrays, slopes_within, summed
from .estimating import TooFew

KNEE_DAYS = 3
"""Days of delay after which satisfaction is said to collapse."""
SILENCE_DAYS = 90
"""Days without a shipment after which a customer counts as lost by its last delivery."""
PEAK_SHARE = 4
"""One month in four is a peak month."""


def delay_dose(company: Company) -> Found:
    """What a day of delay costs in satisfaction, and whether customers leave."""
    rows = answers_about_deliveries(company)
    slopes = slopes_within(
        rows,
        rows.points,
        {"days": rows.days.clip(upper=KNEE_DAYS), "beyond": rows.days > KNEE_DAYS},
    )
    leaving = _leaving(company)
    if isinstance(slopes, TooFew):
        return {"dose": slopes, "collapse": slopes, "leaving": leaving}
    return {
        "dose": slopes.combined(np.array([1.0, 0.0])),
        "collapse": slopes.combined(np.array([0.0, 1.0])),
        "leaving": leaving,
    }


def answers_about_deliveries(company: Company) -> ir.Table:
    """Answers about a shipment with a promise.

    Returns:
        One row an answer: customer_id, points (0-100), days (whole days late when the customer
        answered, 0 when on time), is_told (a notice had come before the answer).
    """
    answers, shipments = company.answers(), company.shipments()
    facts = shipments.filter(shipments.promised_at.notnull()).select(
        "shipment_id", "promised_at", "delivered_at", "notified_at"
    )
    rows = answers.inner_join(facts, "shipment_id")
    seen = ibis.least(ibis.coalesce(rows.delivered_at, rows.answered_at), rows.answered_at)
    days = (_days(rows.promised_at, seen)).clip(lower=0).ceil()
    told = (rows.notified_at <= rows.answered_at).fill_null(False)
    return rows.select("customer_id", "points", days=days, is_told=told)


def _days(start: ir.TimestampValue, end: ir.TimestampValue) -> ir.FloatingValue:
    return (end.epoch_seconds() - start.epoch_seconds()) / SECONDS_A_DAY


def _leaving(company: Company) -> estimating.Estimate | TooFew:
    """Deliveries soon after which the customer's last shipment came: very late against on time."""
    shipments = company.shipments()
    latest = shipments.group_by("customer_id").aggregate(last_at=shipments.shipped_at.max())
    silence = ibis.interval(days=SILENCE_DAYS)
    rows = shipments.filter(
        shipments.delivered_at >= company.since(TWO_YEARS),
        shipments.delivered_at < company.end - silence - silence,
        shipments.promised_at.notnull(),
    ).inner_join(latest, "customer_id")
    is_lost = rows.last_at < rows.delivered_at + silence
    days = _days(rows.promised_at, rows.delivered_at)
    late, punctual = days > KNEE_DAYS, days <= 0
    frame = summed(
        rows,
        lost=(is_lost & late).cast("int").sum(),
        late=late.cast("int").sum(),
        lost_0=(is_lost & punctual).cast("int").sum(),
        punctual=punctual.cast("int").sum(),
    )
    return estimating.difference(*arrays(frame, "lost", "late", "lost_0", "punctual"))


def notify_40(company: Company) -> Found:
    """How much of what a delay costs a notice saves."""
    rows = answers_about_deliveries(company)
    shipments = company.shipments()
    told = int(shipments.notified_at.count().execute())
    require("no record of notices to customers", told > 0)
    step, beyond = rows.days.clip(upper=KNEE_DAYS), rows.days > KNEE_DAYS
    late = rows.filter(rows.days > 0)
    notices = late.aggregate(
        n=late.is_told.cast("int").sum(),
        step=late.days.clip(upper=KNEE_DAYS).mean(where=late.is_told),
        beyond=(late.days > KNEE_DAYS).cast("int").mean(where=late.is_told),
    ).execute()
    n = int(notices["n"].fillna(0).iloc[0])
    if n < estimating.FEWEST_ROWS:
        return {"notice": TooFew(n, estimating.FEWEST_ROWS)}
    is_told = rows.is_told.cast("int")
    slopes = slopes_within(
        rows, rows.points,
        {"step": step, "beyond": beyond, "told_step": step * is_told,
         "told_beyond": beyond.cast("int") * is_told},
    )  # fmt: skip
    if isinstance(slopes, TooFew):
        return {"notice": slopes}
    mean = notices[["step", "beyond"]].iloc[0].to_numpy(dtype=float)
    nothing = np.zeros(2)
    saved = np.concatenate([nothing, -mean])
    return {"notice": slopes.ratio_of(saved, np.concatenate([mean, nothing]))}


def delay_15(company: Company) -> Found:
    """The share of deliveries that come late."""
    panel = company.panel(YEAR)
    frame = summed(
        panel, late=(panel.promised_n - panel.on_time_n).sum(), all=panel.promised_n.sum()
    )
    require("no promised delivery times", bool(frame["all"].sum()))
    return {"late": estimating.ratio(*arrays(frame, "late", "all"))}


def damage_5(company: Company) -> Found:
    """The share of deliveries that come damaged, and whether it is higher at peak."""
    panel = company.panel(YEAR)
    known = panel.filter(panel.damaged_n.notnull())
    by_month = known.group_by("month").aggregate(n=known.deliveries_n.sum()).execute()
    require("no record of damage", bool(by_month["n"].sum()))
    peaks = by_month.nlargest(max(len(by_month) // PEAK_SHARE, 1), "n")["month"].tolist()
    at_peak, hits, deliveries = known.month.isin(peaks), known.damaged_n, known.deliveries_n
    frame = summed(
        known,
        hits=hits.sum(), all=deliveries.sum(),
        peak_hits=hits.sum(where=at_peak), peak=deliveries.sum(where=at_peak),
        other_hits=hits.sum(where=~at_peak), other=deliveries.sum(where=~at_peak),
    )  # fmt: skip
    return {
        "damaged": estimating.ratio(*arrays(frame, "hits", "all")),
        "peak": estimating.difference(*arrays(frame, "peak_hits", "peak", "other_hits", "other")),
    }
