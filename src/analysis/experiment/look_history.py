"""The earlier looks at an experiment: measured again, held against their stored boundaries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..params.metric import Metric
from .contrasts import contrasts
from .estimate import ITT, WHOLE, Estimate, Key
from .estimation import compare_cell, make_cell
from .extras import RESPONSE, UNWEIGHTED, with_extras
from .followed import NET_BY_MONTH, NET_VALUE, WHILE_STAYING, months_of_money, net_value_of
from .looks import Looks, PastLook, past_look, settled
from .setting import Setting
from .study import Study, available, read_study
from .table_faults import TIER


def looks_of(study: Study, setting: Setting) -> Looks:
    """How this experiment is looked at, with its earlier looks."""
    spec = study.spec
    looks = Looks(
        spec=spec,
        alpha=spec.alpha / len(spec.treatments),
        guardrails=_number_of_guardrails(study),
        number=spec.look or 1,
        once=_with_derived(setting.once, study),
    )
    return replace(looks, past=_past(study, looks, setting)) if setting.earlier else looks


def _with_derived(once: frozenset[str], study: Study) -> frozenset[str]:
    """Metrics with one look, and the readings that are made of them."""
    money = net_value_of(study.spec)
    parts = {money.margin, money.cost_to_serve or money.margin} if money else {""}
    derived = {f"{name}{suffix}" for name in once for suffix in (RESPONSE, UNWEIGHTED)}
    stays = {entry.name for entry in study.followed if entry.metric.kind == "survival"}
    amounts = {NET_VALUE} if parts <= once else set()
    if amounts and stays <= once:
        amounts |= {WHILE_STAYING}
    if amounts:
        amounts |= {f"{NET_BY_MONTH}{n}" for n in range(1, months_of_money(study.spec) + 1)}
    return once | derived | amounts


def _number_of_guardrails(study: Study) -> int:
    """Guardrails that share the error level: declared ones, and those of ordinary customers."""
    spec = study.spec
    declared = sum(entry.role == "guardrail" for entry in study.followed)
    guards = sum(entry.guards_ordinary for entry in study.followed)
    tiers = len(spec.ordinary_tiers) if TIER in study.units.columns else 0
    groups = tiers + (1 if spec.design == "saturation" else 0)
    return max(1, (declared + guards * groups) * len(spec.treatments))


def _past(study: Study, looks: Looks, setting: Setting) -> dict[Key, tuple[PastLook, ...]]:
    """The earlier looks at every estimate that is looked at more than once."""
    found: dict[Key, list[PastLook]] = {}
    metrics: dict[str, Metric] = {}
    for table in setting.earlier:
        then = with_extras(read_study(table, study.spec, dict(study.unavailable)))
        entries = [e for e in available(then) if e.name not in looks.once]
        metrics |= {e.name: e.metric for e in entries}
        for side in contrasts(then):
            cell = make_cell(then, side, WHOLE, side.rows)
            for one in compare_cell(cell, entries, alpha=looks.alpha, keep_influence=True):
                look = past_look(one.comparison, one.labels)
                if look is not None:
                    found.setdefault(one.key, []).append(look)
    return {
        key: settled(past, setting.boundaries.get(key_text(key), ()), looks.plan(metrics[key[2]]))
        for key, past in found.items()
    }


def boundaries_of(readings: Sequence[Estimate], looks: Looks) -> dict[str, list[float]]:
    """The boundaries of all looks so far at estimates that are looked at more than once."""
    found = {}
    for estimate in readings:
        several = looks.planned(estimate.metric) > 1 and estimate.segment == WHOLE
        if several and estimate.basis == ITT and math.isfinite(estimate.boundary):
            past = [look.boundary for look in looks.past.get(estimate.key, ())]
            found[key_text(estimate.key)] = [*past, estimate.boundary]
    return found


def key_text(key: Key) -> str:
    """The key of a row as text, for a JSON document."""
    return "|".join(key)


def is_last_look(readings: Sequence[Estimate], looks: Looks) -> bool:
    """Whether no planned look at any primary follows."""
    primaries = [
        e
        for e in readings
        if e.role == "primary" and e.segment == WHOLE and e.estimand == "total"
        if e.basis == ITT and not e.bound
    ]
    return all(_is_final(e, looks) for e in primaries)


def _is_final(estimate: Estimate, looks: Looks) -> bool:
    if looks.spec.looks_kind == "accrual":
        n = estimate.clusters or estimate.n_treatment + estimate.n_control
        return estimate.n_maturing == 0 and n >= (looks.spec.planned_n or 0)
    if looks.planned(estimate.metric) == 1:
        return estimate.n_maturing == 0
    return looks.taken(estimate.key) >= looks.planned(estimate.metric)
