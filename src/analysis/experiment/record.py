"""What readers of an evaluation need besides its tables, as JSON-like content."""

from __future__ import annotations

import math
from typing import Any

from ..message import Message
from ..params.loading import Bilingual
from .estimate import ITT, WHOLE, Estimate
from .evaluation import Evaluation
from .extras import RESPONSE
from .followed import NET_VALUE, WHILE_STAYING
from .guardrails import guardrail
from .payback import payback_told
from .verdict import effect_told
from .words import distinct


def record(found: Evaluation, currency: str = "") -> dict[str, Any]:
    """An evaluation as JSON-like content; sentences as `Message.to_json` writes them.

    Returns:
        id, title, owner, design, verdict, exploratory (plan or assignment was changed after it was
        frozen) with plan_changes (how), metrics, arms, money, looks (what the ordinary and the
        repeated reading say), guardrails (their states), corrected (segments' shared intervals),
        notes, checks (gate and note), remarks (status and notes of each estimate that is not
        plain) and boundaries of the looks.
    """
    spec = found.experiment
    return {
        "id": spec.id,
        "title": spec.title.model_dump() if spec.title else None,
        "owner": spec.owner.model_dump() if isinstance(spec.owner, Bilingual) else spec.owner,
        "design": spec.design,
        "control": spec.control,
        "alpha": spec.alpha,
        "verdict": found.verdict.to_json(),
        "exploratory": bool(found.plan_changes),
        "plan_changes": [told.to_json() for told in found.plan_changes],
        "metrics": [
            {
                **metric.model_dump(
                    include={"name", "kind", "role", "direction", "minimum_effect", "margin"}
                ),
                "measure": metric.measure,
                "title": metric.title.model_dump() if metric.title else None,
            }
            for metric in spec.metrics
        ],
        "arms": [vars(arm) for arm in found.arms],
        "money": [told.to_json() for told in _money(found, currency)],
        "looks": [told.to_json() for told in found.looks],
        "guardrails": _guardrails(found),
        "corrected": _corrected(found),
        "notes": [told.to_json() for told in _notes(found)],
        "checks": [
            {"gate": check.gate, "alarmed": check.alarmed, "note": check.note.to_json()}
            for check in found.gates
        ],
        "remarks": _remarks(found),
        "boundaries": {key: list(values) for key, values in found.boundaries.items()},
    }


def _money(found: Evaluation, currency: str) -> list[Message]:
    """Net value per customer, arm by arm, for all and where it was estimated for a segment."""
    rows = [
        e
        for e in found.readings
        if e.metric.name in (NET_VALUE, WHILE_STAYING)
        and e.estimand == "total"
        and e.basis == ITT
        and e.is_ok
    ]
    paid = (payback_told(found.readings, arm) for arm in found.experiment.treatments)
    return [*(effect_told(e, currency) for e in rows), *(told for told in paid if told)]


def _guardrails(found: Evaluation) -> list[dict[str, Any]]:
    """State and tolerated harm of every guardrail, as it was decided on, by its row."""
    rows = [
        e
        for e in found.readings
        if e.role == "guardrail" and e.basis == ITT and not e.bound and e.estimand != "direct"
    ]
    guarded = [guardrail(e) for e in rows]
    return [
        {
            **_key(g.estimate),
            "state": g.state,
            "margin": g.margin if math.isfinite(g.margin) else None,
        }
        for g in guarded
    ]


def _corrected(found: Evaluation) -> list[dict[str, Any]]:
    """Intervals of segments at the level that all declared segments share, by their row."""
    return [
        {**_key(e), "low": e.corrected_low, "high": e.corrected_high}
        for e in found.readings
        if math.isfinite(e.corrected_low + e.corrected_high)
    ]


def _key(estimate: Estimate) -> dict[str, str]:
    """What tells which row of the estimates is meant."""
    return {
        "analysis_basis": estimate.basis,
        "estimand": estimate.estimand,
        "metric": estimate.metric.name,
        "segment": estimate.segment,
        "treatment": estimate.treatment,
        "bound": estimate.bound,
    }


def _notes(found: Evaluation) -> list[Message]:
    """What must be known of an experiment as a whole: response, and tables that are missing."""
    whole = [
        e for e in found.readings if e.segment == WHOLE and e.estimand == "total" and not e.bound
    ]
    response = [
        effect_told(e, "")
        for e in whole
        if e.metric.name.endswith(RESPONSE) and e.basis == ITT and e.is_ok and e.claim
    ]
    missing = [
        e.status for e in whole if e.basis == ITT and e.status.source.startswith("not available")
    ]
    return list(distinct([*response, *missing]))


def _remarks(found: Evaluation) -> list[dict[str, Any]]:
    """Status and notes in both languages, by the row they belong to."""
    return [
        {
            **_key(e),
            "status": e.status.to_json(),
            "notes": [note.to_json() for note in e.notes],
        }
        for e in found.readings
        if e.notes or not math.isfinite(e.effect)
    ]
