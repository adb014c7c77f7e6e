"""Claims about complaints: how fast they are answered, and what they are about."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from . import estimating
from .company import YEAR, Company, Found, require
from .customer_sums import arrays, summed

QUICK_MINUTES, SLOW_MINUTES = 30, 24 * 60
SECONDS_A_MINUTE, SECONDS_AN_HOUR = 60, 3600


def response_30min(company: Company) -> Found:
    """Satisfaction after a complaint, by how fast it was answered."""
    rows = _answers_after_complaints(company)
    quick, slow = rows.minutes <= QUICK_MINUTES, rows.minutes > SLOW_MINUTES
    usual = ~quick & ~slow
    frame = summed(
        rows,
        **{f"{name}_n": group.cast("int").sum() for name, group in
           (("quick", quick), ("later", ~quick), ("slow", slow), ("usual", usual))},
        **{name: rows.points.sum(where=group) for name, group in
           (("quick", quick), ("later", ~quick), ("slow", slow), ("usual", usual))},
    )  # fmt: skip
    return {
        "quick": estimating.relative_difference(
            *arrays(frame, "quick", "quick_n", "later", "later_n")
        ),
        "slow": estimating.difference(*arrays(frame, "slow", "slow_n", "usual", "usual_n")),
    }


def _answers_after_complaints(company: Company) -> ir.Table:
    """Answers about a shipment whose first complaint had been answered: points, minutes."""
    tickets = company.need("tickets")
    known = tickets.filter(
        tickets.shipment_id.notnull(),
        tickets.opened_at < company.end,
        tickets.first_response_at < company.end,
    )
    first = known.group_by("shipment_id").aggregate(
        opened_at=known.opened_at.min(), responded_at=known.first_response_at.min()
    )
    rows = company.answers().inner_join(first, "shipment_id")
    rows = rows.filter(rows.responded_at <= rows.answered_at)
    waited = rows.responded_at.epoch_seconds() - rows.opened_at.epoch_seconds()
    return rows.select("customer_id", "points", minutes=waited / SECONDS_A_MINUTE)


def _opened(company: Company) -> ir.Table:
    tickets = company.need("tickets")
    return tickets.filter(tickets.opened_at < company.end, tickets.opened_at >= company.since(YEAR))


def response_average(company: Company) -> Found:
    """The mean wait for a first response; who still waits counts with the wait so far."""
    tickets = _opened(company)
    seen = ibis.least(ibis.coalesce(tickets.first_response_at, company.end), company.end)
    hours = (seen.epoch_seconds() - tickets.opened_at.epoch_seconds()) / SECONDS_AN_HOUR
    known = tickets.first_response_at < company.end
    answered = int(tickets.first_response_at.count(where=known).execute())
    require("no record of responses to tickets", answered > 0)
    frame = summed(tickets, hours=hours.sum(), n=tickets.count())
    return {"hours": estimating.ratio(*arrays(frame, "hours", "n"))}


def complaint_mix(company: Company) -> Found:
    """What complaints are about."""
    tickets = _opened(company)
    known = tickets.filter(tickets.category.notnull())
    frame = summed(
        known,
        delay=(known.category == "delay").cast("int").sum(),
        damage_loss=known.category.isin(["damage", "loss"]).cast("int").sum(),
        n=known.count(),
    )
    require("no categories of tickets", bool(len(frame)))
    return {name: estimating.ratio(*arrays(frame, name, "n")) for name in ("delay", "damage_loss")}
