"""Claims about repurchase, churn and the level of satisfaction."""

from __future__ import annotations

import ibis

from . import estimating
from .company import TWO_YEARS, YEAR, Company, Found, require
from .customer_sums import arrays, summed

HIGH_SCORE, LOW_SCORE = 4.5, 2.5
"""Mean scores (1-5) from which a customer is highly satisfied, and up to which it is not."""
QUARTER = 3
"""Months after an answer in which a shipment counts as repurchase."""


def repurchase_35(company: Company) -> Found:
    """Shipping again after an answer, highly satisfied customers against the others."""
    company.need("surveys")
    panel = company.panel(TWO_YEARS)
    ordered = ibis.window(group_by="customer_id", order_by="month")
    ahead = [panel.shipments_n.lead(k).over(ordered) for k in range(1, QUARTER + 1)]
    rows = panel.mutate(again=sum(ahead[1:], ahead[0]) > 0, whole=ahead[-1].notnull())
    rows = rows.filter(rows.whole, rows.csat_score.notnull())
    high = rows.csat_score >= HIGH_SCORE
    frame = summed(
        rows,
        high_again=(high & rows.again).cast("int").sum(), high=high.cast("int").sum(),
        other_again=(~high & rows.again).cast("int").sum(), other=(~high).cast("int").sum(),
    )  # fmt: skip
    names = ("high_again", "high", "other_again", "other")
    return {"repurchase": estimating.relative_difference(*arrays(frame, *names))}


def low_sat_churn_25(company: Company) -> Found:
    """Customers lost within a year, of those that were not satisfied."""
    company.need("surveys")
    before, now = company.panel(YEAR, until=YEAR), company.panel(QUARTER)
    scored = before.group_by("customer_id").aggregate(
        score=(before.csat_score * before.answers_n).sum()
        / before.answers_n.sum(where=before.csat_score.notnull()).nullif(0)
    )
    unhappy = scored.filter(scored.score <= LOW_SCORE)
    shipped = now.group_by("customer_id").aggregate(n=now.shipments_n.sum())
    rows = unhappy.left_join(shipped, "customer_id").select("customer_id", "n")
    counted = rows.aggregate(
        lost=(rows.n.fill_null(0) == 0).cast("int").sum(), n=rows.customer_id.count()
    ).execute()
    lost, n = (int(counted[name].fillna(0).iloc[0]) for name in ("lost", "n"))
    return {"churn": estimating.wilson(lost, n)}


def csat_benchmark(company: Company) -> Found:
    """The mean satisfaction of the last year's answers."""
    answers = company.answers()
    recent = answers.filter(answers.answered_at >= company.since(YEAR))
    frame = summed(recent, points=recent.points.sum(), n=recent.count())
    require("no survey answers", bool(len(frame)))
    return {"level": estimating.ratio(*arrays(frame, "points", "n"))}
