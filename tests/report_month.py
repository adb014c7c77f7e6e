"""One month of tables as the stages before the report leave them, made up but consistent.

`write_month` writes them for a small company with two experiments; what a test leaves out is
missing, as it is for a profile without that source.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.satisfaction import claims as untested_claims
from analysis.tables import TIERS
from analysis.workspace import Month, Workspace, open_month
from small_profile import MINIMAL

PLAN = """
id: {id}
title: {{zh: {zh}, en: {en}}}
owner: {owner}
starts_on: {starts_on}
{design}
control: uniform
allocation: {{tiered: 0.5, uniform: 0.5}}
looks: calendar
looks_planned: 12
metrics:
  - {{name: retention, measure: retention, role: primary, minimum_effect: 0.02, window: [91, 181]}}
  - {{name: nps, measure: nps, role: primary, minimum_effect: 3.0, window: [31, 181]}}
  - {{name: margin, measure: margin, window: [0, 183]}}
  - {{name: complaints, measure: complaints, role: guardrail, margin: 0.0046, window: [0, 183]}}
  - {{name: response_minutes, measure: response_minutes, role: guardrail, window: [0, 183]}}
  - {{name: on_time, measure: on_time, role: guardrail, margin: 0.02, window: [0, 183]}}
  - {{name: cost_to_serve, measure: cost_to_serve, role: guardrail, margin: 120,
     window: [0, 183]}}
"""
PLANS = {
    "tiered-2025": PLAN.format(
        id="tiered-2025", zh="分层服务与统一服务", en="Tiered against uniform service",
        owner="客户服务部 王敏", starts_on="2025-04-01", design="design: customer",
    ),
    "depot-2026": PLAN.format(
        id="depot-2026", zh="按网点推开的分层服务", en="Tiered service by depot",
        owner="运营部 李强", starts_on="2026-05-01",
        design="design: saturation\ncluster: depot",
    ),
}  # fmt: skip
PROFILE = (
    MINIMAL
    + """
  tickets: {source: orders, select: "SELECT id AS ticket_id FROM orders"}
  surveys: {source: orders, select: "SELECT id AS survey_id FROM orders"}
  service_costs: {source: orders, select: "SELECT id AS customer_id FROM orders"}
  assignments: {source: orders, select: "SELECT id AS customer_id FROM orders"}
services:
  offered:
    agent: {title: {zh: 专属客服, en: Dedicated agent}, cost: 500}
    tickets: {title: {zh: 工单处理, en: Ticket handling}, cost: 30, per: ticket}
  tiers: {strategic: [agent, tickets], regular: [tickets]}
"""
)
ACTIONS = """
schema_version: 1
actions:
  - {id: quick, measure: {zh: 两小时内首次响应, en: First response within two hours},
     owner: {zh: 客户服务部, en: Customer service}, decided_on: 2026-03-10, due_on: 2026-09-30,
     status: running, metric: response_minutes}
  - {id: capacity, measure: {zh: 增租干线运力, en: Rent line-haul capacity},
     owner: {zh: 运营部, en: Operations}, decided_on: 2026-08-10, due_on: 2026-12-31,
     status: planned, metric: on_time_rate}
"""
AS_OF = "2026-10"
MONTHS = 26
CUSTOMERS = 400


def months(count: int = MONTHS) -> list[str]:
    last = Month.parse(AS_OF)
    return [str(last.shifted(-back)) for back in range(count - 1, -1, -1)]


@cache
def customer_months(seed: int = 7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.lognormal(2.2, 1.0, CUSTOMERS)
    frames = []
    for t, month in enumerate(months()):
        season = 1 + 0.25 * np.sin(2 * np.pi * (t - 4) / 12)
        alive = rng.random(CUSTOMERS) < 0.93
        n = np.where(alive, rng.poisson(size * season), 0)
        on_time = rng.binomial(n, 0.915 + 0.001 * t)
        revenue = n * rng.lognormal(4.2, 0.2, CUSTOMERS)
        tickets = rng.poisson(n * 0.045)
        answers = rng.binomial(np.minimum(n, 3), 0.2)
        nps = np.clip(rng.normal(7.6 + 0.02 * t, 1.8, CUSTOMERS).round(), 0, 10)
        frames.append(
            pd.DataFrame(
                {
                    "customer_id": [f"C{i:05d}" for i in range(CUSTOMERS)],
                    "month": month,
                    "shipments_n": n,
                    "revenue": revenue,
                    "shipment_cost": revenue * 0.78,
                    "margin": revenue * 0.22,
                    "deliveries_n": n,
                    "promised_n": n,
                    "on_time_n": on_time,
                    "on_time_rate": np.where(n > 0, on_time / np.maximum(n, 1), np.nan),
                    "delay_days_mean": 0.1,
                    "damaged_n": rng.binomial(n, 0.01),
                    "tickets_n": tickets,
                    "responses_n": tickets,
                    "response_minutes_median": np.where(
                        tickets > 0, rng.lognormal(5.2, 0.5, CUSTOMERS), np.nan
                    ),
                    "answers_n": answers,
                    "nps_score": np.where(answers > 0, nps, np.nan),
                    "csat_score": np.where(answers > 0, np.clip(nps / 2, 1, 5), np.nan),
                    "cost_to_serve": size * 6.0,
                    "last_shipped_at": pd.Timestamp(Month.parse(month).last_day),
                    "is_active": n > 0,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@cache
def surveys(seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frames = []
    for t, month in enumerate(months()):
        sent = pd.Timestamp(Month.parse(month).start) + pd.to_timedelta(
            rng.integers(0, 28 * 24, 300), unit="h"
        )
        answered = rng.random(300) < 0.28
        wait = pd.to_timedelta(rng.integers(1, 240, 300), unit="h")
        when = pd.Series(sent + wait).where(answered)
        when = when.where(when < pd.Timestamp(Month.parse(AS_OF).end))
        known = when.notna()
        score = np.clip(rng.normal(7.9 + 0.02 * t, 2.0, 300).round(), 0, 10)
        frames.append(
            pd.DataFrame(
                {
                    "survey_id": [f"S{t:02d}{i:04d}" for i in range(300)],
                    "customer_id": [f"C{i % CUSTOMERS:05d}" for i in range(300)],
                    "shipment_id": None,
                    "sent_at": sent,
                    "answered_at": when,
                    "nps_score": pd.Series(score).where(known).astype("Int64"),
                    "csat_score": pd.Series(np.clip(score // 2, 1, 5)).where(known).astype("Int64"),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"shipment_id": "string"})


@cache
def tiers(seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.uniform(0, 100, CUSTOMERS)
    tier = np.select([score > 95, score > 80, score > 50], TIERS[:3], TIERS[3])
    frames, previous = [], np.array([None] * CUSTOMERS, dtype=object)
    for month in months(14):
        moved = rng.random(CUSTOMERS) < 0.05
        step = rng.choice([-1, 1], CUSTOMERS)
        place = np.array([TIERS.index(t) for t in tier])
        place = np.where(moved, np.clip(place + step, 0, 3), place)
        tier = np.array(TIERS)[place]
        frames.append(
            pd.DataFrame(
                {
                    "customer_id": [f"C{i:05d}" for i in range(CUSTOMERS)],
                    "month": month,
                    "score": score,
                    "tier_by_score": tier,
                    "tier": tier,
                    "previous_tier": previous,
                    "reason": np.where(moved, "score", "unchanged"),
                    "held_back_by": None,
                }
            )
        )
        previous = tier.astype(object)
    return pd.concat(frames, ignore_index=True)


def moves(all_tiers: pd.DataFrame) -> pd.DataFrame:
    last = all_tiers[(all_tiers["month"] == AS_OF) & all_tiers["previous_tier"].notna()]
    moved = last[last["tier"] != last["previous_tier"]]
    rank = {tier: place for place, tier in enumerate(TIERS)}
    up = moved["tier"].map(rank) < moved["previous_tier"].map(rank)
    done = pd.DataFrame(
        {
            "customer_id": moved["customer_id"],
            "month": AS_OF,
            "from_tier": moved["previous_tier"],
            "to_tier": moved["tier"],
            "direction": np.where(up, "up", "down"),
            "moved": True,
            "reason": np.where(up, "promoted", "demoted"),
            "held_back_by": None,
            "score": moved["score"],
            "score_before": moved["score"] - np.where(up, 6.0, -6.0),
            "revenue_window": moved["score"] * 1e4,
        }
    )
    held = last[last["tier"] == last["previous_tier"]].head(9)
    kept = pd.DataFrame(
        {
            "customer_id": held["customer_id"],
            "month": AS_OF,
            "from_tier": held["tier"],
            "to_tier": "regular",
            "direction": "down",
            "moved": False,
            "reason": "demoted",
            "held_back_by": ["seasonal_protection"] * 6 + ["demote_after"] * 3,
            "score": held["score"],
            "score_before": held["score"] + 5,
            "revenue_window": held["score"] * 1e4,
        }
    )
    return pd.concat([done, kept], ignore_index=True)


def calls() -> pd.DataFrame:
    nothing = float("nan")
    rows = [
        ("C00011", "strategic", "at_risk", 1_860_000.0, 402_000.0, 2, 71, 6.2, 44.0, 3, 30.0),
        ("C00042", "strategic", "demoted", 912_000.0, 188_000.0, 0, 8, 5.0, 40.0, 12, 20.0),
        ("C00230", "key", "slowing", 377_000.0, -12_000.0, 0, 21, 9.0, 60.0, 4, 19.0),
        ("C00107", "key", "burst", 433_000.0, 90_000.0, 0, 1, 7.0, 50.0, 40, 18.0),
    ]
    names = [
        "customer_id",
        "tier",
        "why",
        "revenue_window",
        "margin_window",
        "months_silent",
        "recency_days",
        "usual_gap_days",
        "silent_after_days",
        "shipments_recent",
        "shipments_expected",
    ]
    frame = pd.DataFrame(rows, columns=names).assign(month=AS_OF)
    burst = frame["why"] == "burst"
    return frame.assign(
        revenue=np.where(burst, 210_000.0, nothing),
        expected_revenue=np.where(burst, 61_000.0, nothing),
    )


def _estimate(
    experiment: str,
    metric: str,
    kind: str,
    role: str,
    effect: float,
    se: float,
    control: float,
    **more: Any,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "experiment": experiment,
        "as_of_month": AS_OF,
        "analysis_basis": "intention_to_treat",
        "estimand": "total",
        "metric": metric,
        "kind": kind,
        "role": role,
        "segment": "all",
        "treatment": "tiered",
        "control": "uniform",
        "n_treatment": 2104,
        "n_control": 2099,
        "n_maturing": 0,
        "clusters": 0,
        "value_treatment": control + effect,
        "value_control": control,
        "effect": effect,
        "effect_relative": effect / control if control else None,
        "std_error": se,
        "df": 4000.0,
        "ci_low": effect - 1.96 * se,
        "ci_high": effect + 1.96 * se,
        "p_value": 0.01,
        "p_adjusted": 0.02,
        "av_low": effect - 2.6 * se,
        "av_high": effect + 2.6 * se,
        "av_p_value": 0.02,
        "bound": "",
        "method": "adjusted regression, HC2",
        "status": "ok",
        "note": "",
    }
    return {**row, **more}


def estimates() -> pd.DataFrame:
    a, b = "tiered-2025", "depot-2026"
    rows = [
        _estimate(a, "retention", "proportion", "primary", 0.052, 0.012, 0.741),
        _estimate(a, "nps", "nps", "primary", 7.9, 2.1, 18.4),
        _estimate(a, "margin", "mean", "secondary", 412.0, 160.0, 5210.0),
        _estimate(a, "cost_to_serve", "mean", "guardrail", 96.0, 21.0, 540.0),
        _estimate(a, "complaints", "ratio", "guardrail", -0.004, 0.0015, 0.046),
        _estimate(a, "response_minutes", "ratio", "guardrail", -38.0, 9.0, 212.0),
        _estimate(a, "on_time", "ratio", "guardrail", 0.006, 0.004, 0.921),
        _estimate(b, "retention", "proportion", "primary", 0.031, 0.014, 0.748, clusters=48),
        _estimate(b, "nps", "nps", "primary", 4.2, 3.0, 19.0, clusters=48, n_maturing=310),
    ]
    for tier, effect in zip(TIERS, (0.094, 0.071, 0.043, 0.021), strict=True):
        rows.append(
            _estimate(
                a,
                "retention",
                "proportion",
                "primary",
                effect,
                0.02,
                0.74,
                segment=tier,
                n_treatment=300,
                n_control=310,
            )
        )
        rows.append(_estimate(a, "nps", "nps", "primary", effect * 110, 4.4, 18.0, segment=tier))
    for estimand, effect in (("direct", 0.044), ("spillover", -0.009)):
        rows.append(
            _estimate(
                b,
                "retention",
                "proportion",
                "primary",
                effect,
                0.013,
                0.748,
                estimand=estimand,
                clusters=30,
            )
        )
    for metric, kind, effect, se, control in (
        ("complaints", "ratio", 0.0042, 0.0014, 0.046),
        ("response_minutes", "ratio", 11.0, 6.0, 212.0),
        ("on_time", "ratio", -0.012, 0.006, 0.921),
    ):
        rows.append(
            _estimate(
                b,
                metric,
                kind,
                "guardrail",
                effect,
                se,
                control,
                estimand="spillover",
                clusters=30,
                segment="all",
            )
        )
    for bound, effect in (
        ("lee_low", 2.1),
        ("lee_high", 12.4),
        ("worst_low", -41.0),
        ("worst_high", 58.0),
    ):
        rows.append(_estimate(a, "nps", "nps", "primary", effect, 2.4, 18.4, bound=bound))
    return pd.DataFrame(rows)


def checks(*, alarmed: str = "") -> pd.DataFrame:
    rows = [
        {
            "experiment": experiment,
            "gate": gate,
            "statistic": 0.8,
            "p_value": 0.0002 if alarmed == gate else 0.41,
            "threshold": 0.001,
            "alarmed": alarmed == gate,
            "note": "",
        }
        for experiment in ("tiered-2025", "depot-2026")
        for gate in ("sample_ratio", "loss", "two_arms", "pre_period")
    ]
    return pd.DataFrame(rows)


def curves() -> pd.DataFrame:
    day = np.arange(0, 366, 7)
    frames = []
    for arm, rate in (("tiered", 0.00055), ("uniform", 0.0009)):
        s = np.exp(-rate * day)
        frames.append(
            pd.DataFrame(
                {
                    "experiment": "tiered-2025",
                    "arm": arm,
                    "day": day,
                    "survival": s,
                    "low": s - 0.0008 * np.sqrt(day),
                    "high": np.minimum(s + 0.0008 * np.sqrt(day), 1),
                    "at_risk": (2100 * s).astype(int),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _message(text: str, **values: dict[str, Any]) -> dict[str, Any]:
    return {"text": text, "values": values}


def evaluations(*, decision: str = "roll_out") -> dict[str, Any]:
    def arms(n: int) -> list[dict[str, Any]]:
        return [
            {"arm": "tiered", "n": n, "response_rate": 0.31},
            {"arm": "uniform", "n": n - 5, "response_rate": 0.29},
        ]

    return {
        "experiments": [
            {
                "id": "tiered-2025",
                "title": {"zh": "分层服务与统一服务", "en": "Tiered against uniform service"},
                "owner": "客户服务部 王敏",
                "design": "customer",
                "assigned_on": "2025-04-01",
                "as_of": "2026-10-31",
                "next_look": None,
                "plan_digest": "9f31c2aa",
                "exploratory": False,
                "verdict": {
                    "decision": decision,
                    "segments": [],
                    "headline": None,
                    "reasons": [],
                    "needs": [],
                },
                "arms": arms(2104),
                "money": None,
                "notes": [],
            },
            {
                "id": "depot-2026",
                "title": {"zh": "按网点推开的分层服务", "en": "Tiered service by depot"},
                "owner": "运营部 李强",
                "design": "saturation",
                "assigned_on": "2026-05-01",
                "as_of": "2026-10-31",
                "next_look": "2026-11-30",
                "plan_digest": "1c77e0bd",
                "exploratory": False,
                "verdict": {
                    "decision": "continue",
                    "segments": [],
                    "headline": None,
                    "reasons": [],
                    "needs": [],
                },
                "arms": arms(3010),
                "money": None,
                "notes": [],
            },
        ]
    }


def ledger() -> pd.DataFrame:
    rows = [
        ("crm", "crm", "customers", 8110, 0, 8110, 7986, 14, 110),
        ("orders", "oms", "shipments", 1_204_411, 0, 1_204_411, 1_201_020, 391, 3000),
        ("tickets", "service desk", "tickets", 51_020, 0, 51_020, 50_871, 149, 0),
        ("surveys", "survey", "surveys", 88_200, 0, 88_200, 88_100, 100, 0),
    ]
    names = [
        "source",
        "system",
        "table",
        "rows_in_files",
        "rows_later",
        "rows_read",
        "rows_kept",
        "rows_rejected",
        "rows_merged",
    ]
    return pd.DataFrame(rows, columns=names)


def quality() -> pd.DataFrame:
    words = ("collected", "standardised", "validated", "reconciled", "monitored")
    rows = []
    for source in ("crm", "orders", "tickets", "surveys"):
        for level, word in enumerate(words, start=1):
            score = 0.999 - 0.004 * level - (0.05 if source == "crm" and level == 3 else 0)
            status = "warning" if score < 0.95 else "ok"
            rows.append((source, level, word, score, status, ""))
    return pd.DataFrame(
        rows, columns=["source", "level", "level_name", "score", "status", "detail"]
    )


def violations() -> pd.DataFrame:
    rows = [
        ("tickets", "tickets", "first_response_at", "before_opened_at", 149),
        ("orders", "shipments", "revenue", "out_of_range", 391),
        ("crm", "customers", "onboarded_on", "not_a_date", 14),
    ]
    return pd.DataFrame(rows, columns=["source", "table", "column", "rule", "rows_n"])


def claims() -> pd.DataFrame:
    """One row a claim and part: every verdict occurs, and what is missing is told."""
    frame = untested_claims({}, Month.parse(AS_OF))
    low, high = frame["claim_low"], frame["claim_high"]
    middle = frame[["claim_low", "claim_high"]].mean(axis=1)
    step = pd.Series(np.arange(len(frame)) % 3, frame.index)
    value = middle + step.map({0: 0.0, 1: 0.2, 2: 0.5}) * middle.abs()
    is_measured = low.notna() | high.notna()
    verdict = step.map({0: "supported", 1: "undecided", 2: "contradicted"})
    verdict = verdict.where(is_measured, "not_measurable")
    whole = verdict.groupby(frame["claim"]).transform("first")
    return frame.assign(
        estimate=value, low=value - 0.011, high=value + 0.011,
        n=np.where(is_measured, 400 + frame.index, 0), customers=np.where(is_measured, 90, 0),
        verdict=verdict, claim_verdict=whole,
        missing=frame["missing"].where(~is_measured),
    )  # fmt: skip


def tier_services() -> pd.DataFrame:
    """One row a tier, and all of them."""
    customers = np.array([20.0, 60, 120, 200])
    shipments, cost_to_serve = customers * [40, 20, 10, 5], customers * [6000.0, 1500, 400, 60]
    cost, profit = shipments * 300 + cost_to_serve, shipments * 80.0
    rows = pd.DataFrame(
        {"group": TIERS, "customers_n": customers, "shipments_n": shipments, "cost": cost,
         "cost_to_serve": cost_to_serve, "planned_cost": 2 * cost_to_serve, "profit": profit}
    )  # fmt: skip
    whole = rows.sum(numeric_only=True).to_frame().T.assign(group="all")
    both = pd.concat([rows, whole], ignore_index=True)
    share = both["profit"] / profit.sum()
    return both.assign(
        grouping="tier", months_n=12, share_of_customers=both["customers_n"] / customers.sum(),
        share_of_cost=both["cost"] / cost.sum(), share_of_profit=share,
        share_of_profit_low=share - 0.02, share_of_profit_high=share + 0.02,
        cost_per_shipment=both["cost"] / both["shipments_n"],
        service_cost_per_shipment=both["cost_to_serve"] / both["shipments_n"],
        services=["agent,tickets", "", "", "tickets", None],
    )  # fmt: skip


def tables() -> dict[str, pd.DataFrame]:
    """Every table that the report reads."""
    of_tiers = tiers()
    return {
        "customer_months": customer_months(),
        "surveys": surveys(),
        "tiers": of_tiers,
        "moves": moves(of_tiers),
        "calls": calls(),
        "estimates": estimates(),
        "checks": checks(),
        "curves": curves(),
        "ledger": ledger(),
        "quality": quality(),
        "violations": violations(),
        "claims": claims(),
        "tier_services": tier_services(),
    }


def write_month(
    folder: Path,
    content: dict[str, pd.DataFrame] | None = None,
    documents: dict[str, Any] | None = None,
) -> Workspace:
    """Write a month and open it.

    Args:
        folder: An empty folder; becomes the repository.
        content: Tables by name; all by default.
        documents: JSON documents by name; the evaluations by default.
    """
    profile = folder / "params" / "small.yaml"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(PROFILE, encoding="utf-8")
    for name, plan in PLANS.items():
        path = folder / "params" / "experiments" / "small" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plan, encoding="utf-8")
    actions = folder / "params" / "actions" / "small.yaml"
    actions.parent.mkdir(exist_ok=True)
    actions.write_text(ACTIONS, encoding="utf-8")
    place = folder / "data" / "processed" / "small" / AS_OF
    place.mkdir(parents=True, exist_ok=True)
    for name, frame in (tables() if content is None else content).items():
        frame.to_parquet(place / f"{name}.parquet", index=False)
    written = {"evaluations": evaluations()} if documents is None else documents
    for name, document in written.items():
        (place / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return open_month(profile, AS_OF, out=folder)
