"""Small canonical tables for tests: random but seeded, with every column of the contract."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.tables import CONTRACTS, check

AMOUNTS = 2
"""Decimals of amounts."""


def canonical(name: str, rows: pd.DataFrame | Sequence[dict[str, object]]) -> ir.Table:
    """A canonical table from rows that give only the columns that matter."""
    contract = CONTRACTS[name]
    frame = pd.DataFrame(rows)
    missing = [column for column in contract.columns if column not in frame]
    frame = frame.assign(**dict.fromkeys(missing)) if missing else frame
    schema = ibis.schema({column: contract.schema[column] for column in frame.columns})
    unknown = [column for column in frame if column not in contract.columns]
    assert not unknown, unknown
    return check(ibis.memtable(frame, schema=schema), name)


def company(
    customers_n: int = 40, months: int = 30, first: str = "2024-05", seed: int = 7
) -> dict[str, ir.Table]:
    """Customers, shipments, tickets, surveys and service_costs of a small company.

    Volumes are log-normal; about one customer in eight ships only from August to January, one in
    ten stops for good. Some deliveries are still under way at the end.
    """
    rng = np.random.default_rng(seed)
    starts = pd.period_range(first, periods=months, freq="M")
    ids = np.array([f"K{i:05d}" for i in range(customers_n)])
    began = rng.choice(np.r_[np.full(months, -5), np.arange(months)], customers_n)
    ended = np.where(rng.random(customers_n) < 0.1, rng.integers(5, months + 1, customers_n), 999)
    pace = np.exp(rng.normal(1.0, 1.0, customers_n))
    seasonal = rng.random(customers_n) < 0.125
    month = np.arange(months)
    off = np.isin(starts.month, [2, 3, 4, 5, 6, 7])
    alive = (month[None] >= began[:, None]) & (month[None] < ended[:, None])
    rate = pace[:, None] * np.where(seasonal[:, None] & off[None], 0.0, 1.0) * alive
    counts = rng.poisson(rate)
    who, when = np.nonzero(counts)
    repeated = np.repeat(np.arange(len(who)), counts[who, when])
    who, when = who[repeated], when[repeated]
    shipments = _shipments(rng, ids[who], starts.to_timestamp()[when])
    tickets = _tickets(rng, shipments)
    return {
        "customers": canonical(
            "customers",
            pd.DataFrame(
                {
                    "customer_id": ids,
                    "onboarded_on": _onboarded(starts, began, rng),
                    "region": rng.choice(["east", "south"], customers_n),
                }
            ),
        ),
        "shipments": canonical("shipments", shipments),
        "tickets": canonical("tickets", tickets),
        "surveys": canonical("surveys", _surveys(rng, shipments)),
        "service_costs": canonical("service_costs", _service_costs(tickets)),
    }


def _onboarded(starts: pd.PeriodIndex, began: np.ndarray, rng: np.random.Generator) -> list[object]:
    days = [(starts[0] + int(b)).to_timestamp().date() for b in began]
    return [None if rng.random() < 0.2 else day for day in days]


def _shipments(
    rng: np.random.Generator, customer: np.ndarray, month: pd.DatetimeIndex
) -> pd.DataFrame:
    n = len(customer)
    minutes = rng.integers(0, np.asarray(month.days_in_month) * 1440)
    shipped = month + pd.to_timedelta(minutes, unit="min")
    promised = shipped.normalize() + pd.to_timedelta(3, unit="D")
    delivered = shipped + pd.to_timedelta(rng.gamma(4.0, 12.0, n).round(1), unit="h")
    revenue = np.exp(rng.normal(4.0, 1.0, n)).round(AMOUNTS)
    return pd.DataFrame(
        {
            "shipment_id": [f"S{i:07d}" for i in range(n)],
            "customer_id": customer,
            "shipped_at": shipped,
            "promised_at": promised,
            "delivered_at": delivered,
            "revenue": revenue,
            "cost": (revenue * rng.uniform(0.6, 1.05, n)).round(AMOUNTS),
            "is_damaged": rng.random(n) < 0.05,
        }
    )


def _tickets(rng: np.random.Generator, shipments: pd.DataFrame) -> pd.DataFrame:
    about = shipments[rng.random(len(shipments)) < 0.1]
    opened = about.delivered_at + pd.to_timedelta(rng.integers(1, 72, len(about)), unit="h")
    return pd.DataFrame(
        {
            "ticket_id": "T" + about.shipment_id,
            "customer_id": about.customer_id,
            "shipment_id": about.shipment_id,
            "opened_at": opened,
            "first_response_at": opened
            + pd.to_timedelta(rng.integers(5, 3000, len(about)), unit="min"),
            "category": rng.choice(["delay", "damage"], len(about)),
        }
    )


def _surveys(rng: np.random.Generator, shipments: pd.DataFrame) -> pd.DataFrame:
    asked = shipments[rng.random(len(shipments)) < 0.2]
    sent = asked.delivered_at + pd.to_timedelta(1, unit="D")
    answered = rng.random(len(asked)) < 0.5
    return pd.DataFrame(
        {
            "survey_id": "Q" + asked.shipment_id,
            "customer_id": asked.customer_id,
            "sent_at": sent,
            "answered_at": (sent + pd.to_timedelta(2, unit="D")).where(answered),
            "nps_score": pd.Series(rng.integers(0, 11, len(asked)), asked.index).where(answered),
            "csat_score": pd.Series(rng.integers(1, 6, len(asked)), asked.index).where(answered),
        }
    )


def _service_costs(tickets: pd.DataFrame) -> pd.DataFrame:
    months = tickets.opened_at.dt.strftime("%Y-%m")
    counted = tickets.groupby(["customer_id", months]).size().reset_index()
    counted.columns = ["customer_id", "month", "cost"]
    return counted.assign(activity="agent", cost=counted.cost * 12.5)
