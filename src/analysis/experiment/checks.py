"""Gates: what must hold before any effect is read. One alarm replaces the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..language import Language
from ..message import Message, Value
from ..params.metric import Metric
from .contrasts import Contrast
from .contrasts import contrasts as make_contrasts
from .estimation import make_cell
from .estimators.gates import (
    ALARM_AT,
    CROSSOVER_ALARM,
    GateTest,
    crossover,
    imbalance,
    loss,
    sample_ratio,
)
from .estimators.nps import on_scale
from .estimators.randomisation import differences_before
from .estimators.results import BoolArray
from .gaps import gap_test
from .losses import LOSS, everybody
from .study import Study
from .table_faults import PRIOR
from .verdict import metric_value
from .words import covariate_value

LOWEST_COVERAGE = 0.90
"""Share of units whose window is over that must have a value of a metric everyone has; below,
what is missing could turn the result."""
COLUMNS = ("experiment", "gate", "statistic", "p_value", "threshold", "alarmed", "note")


@dataclass(frozen=True)
class Check:
    """One gate.

    Attributes:
        gate: Its code.
        statistic: Chi-square, odds ratio, share or smallest p, as the gate has it.
        p_value: After correction for the number of tests; NaN where there is none.
        threshold: Where the alarm begins.
        alarmed: The figures must not be trusted.
        note: What was found, in words.
    """

    gate: str
    statistic: float
    p_value: float
    threshold: float
    alarmed: bool
    note: Message


def gates(
    study: Study,
    contrasts: Sequence[Contrast],
    quality: pd.DataFrame | None = None,
) -> tuple[Check, ...]:
    """All gates of an experiment.

    Args:
        study: Its units.
        contrasts: Its comparisons.
        quality: Quality by source and level, with ``status``; None where not measured.
    """
    found = [*_ratios(study), _two_arms(study), _pre_period(study, contrasts)]
    lost = _loss(study)
    found += [lost] if lost else []
    found += _coverage(study, contrasts)
    found += [_data_quality(quality)] if quality is not None and len(quality) else []
    return tuple(found)


def checks_table(checks: Iterable[Check], experiment: str) -> pd.DataFrame:
    """Gates as a table: one row a gate; notes in English."""
    english = Language("en")
    rows = [
        (
            experiment,
            check.gate,
            _number(check.statistic),
            _number(check.p_value),
            check.threshold,
            check.alarmed,
            check.note.in_(english),
        )
        for check in checks
    ]
    kinds = dict.fromkeys(("statistic", "p_value", "threshold"), "float64")
    texts = dict.fromkeys(("experiment", "gate", "note"), "str")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({**kinds, **texts, "alarmed": "bool"})


def _ratios(study: Study) -> list[Check]:
    """Sizes of the arms against the plan: units, or clusters where clusters were drawn."""
    spec = study.spec
    arms, shares = list(spec.allocation), np.array(list(spec.allocation.values()))
    if spec.design == "saturation":
        return _saturation_ratios(study)
    if spec.design == "cluster":
        clusters = study.units.drop_duplicates(spec.cluster)
        counts = _counts(clusters[spec.arm], arms)
        return [_ratio_check("sample_ratio", sample_ratio(counts, shares), counts, arms)]
    counts = np.array([int(study.in_arm(arm).sum()) for arm in arms])
    found = [_ratio_check("sample_ratio", sample_ratio(counts, shares), counts, arms)]
    if spec.strata:
        table = _counts_by_stratum(study, arms)
        test = sample_ratio(table, shares)
        worst = table[max(test.worst, 0)]
        found.append(_ratio_check("sample_ratio_strata", test, worst, arms))
    return found


def _counts_by_stratum(study: Study, arms: Sequence[str]) -> np.ndarray:
    """(S, A) units by stratum and arm."""
    strata = study.units.groupby(list(study.spec.strata), dropna=False, sort=True).ngroup()
    members = np.column_stack([study.in_arm(arm) for arm in arms])
    codes = strata.to_numpy()
    return np.column_stack([np.bincount(codes[m], minlength=codes.max() + 1) for m in members.T])


def _saturation_ratios(study: Study) -> list[Check]:
    """Clusters by drawn share, and units by arm within half-treated clusters."""
    spec = study.spec
    clusters = study.units.drop_duplicates(spec.cluster)
    drawn = {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}
    planned = spec.share_allocation or drawn
    counts = np.array([int((clusters[spec.share] == share).sum()) for share in planned])
    test = sample_ratio(counts, np.array(list(planned.values())))
    values = {
        "shares": Value("plain", " / ".join(f"{share:.0%}" for share in planned)),
        "counts": Value("plain", " / ".join(f"{count:,}" for count in counts)),
        "p": _p(test.p_value),
    }
    source = (
        "{counts} clusters have {shares} of their units treated, which is not as planned (p = {p})"
        if test.alarm
        else "{counts} clusters have {shares} of their units treated, as planned (p = {p})"
    )
    found = [_check("sample_ratio", test, ALARM_AT, Message(source, values))]
    half = study.units[study.units[spec.share] == 0.5]
    arms = list(spec.allocation)
    within = _counts(half[spec.arm], arms)
    test = sample_ratio(within, np.array(list(spec.allocation.values())))
    return [*found, _ratio_check("sample_ratio_strata", test, within, arms)]


def _ratio_check(gate: str, test: GateTest, counts: np.ndarray, names: Sequence[str]) -> Check:
    listed = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
    values = {"counts": Value("plain", listed), "p": _p(test.p_value)}
    source = (
        "the sizes do not fit the planned allocation: {counts} (p = {p})"
        if test.alarm
        else "the sizes fit the planned allocation: {counts} (p = {p})"
    )
    return _check(gate, test, ALARM_AT, Message(source, values))


def _two_arms(study: Study) -> Check:
    test = crossover(study.two_arms, study.total)
    total = {"total": Value("number", study.total)}
    note = Message("none of {total} units is in two arms", total)
    if study.two_arms:
        source = "{n} of {total} units are in two arms and are left out"
        note = Message(source, {**total, "n": Value("number", study.two_arms)})
    return _check("two_arms", test, CROSSOVER_ALARM, note)


def _loss(study: Study) -> Check | None:
    """Units lost since assignment, arm by arm."""
    spec = study.spec
    arms = list(spec.allocation)
    if study.lost is None:
        return None
    analysed = np.array([int(study.in_arm(arm).sum()) for arm in arms])
    assigned = analysed + _counts(study.lost[spec.arm], arms)
    if assigned.min() == 0:
        return None
    test = _loss_test(study, study.lost, assigned, analysed)
    if test is None:
        told = Message("the file of the draw does not name the clusters of the lost units")
        return Check("loss", float("nan"), float("nan"), ALARM_AT, False, told)
    lost = ", ".join(
        f"{arm} {n - k:,} / {n:,}" for arm, n, k in zip(arms, assigned, analysed, strict=True)
    )
    source = (
        "the arms lost different shares of their units: {counts} (p = {p})"
        if test.alarm
        else "no arm lost more of its units than chance allows: {counts} (p = {p})"
    )
    values = {"counts": Value("plain", lost), "p": _p(test.p_value)}
    return _check("loss", test, ALARM_AT, Message(source, values))


def _loss_test(
    study: Study, lost: pd.DataFrame, assigned: np.ndarray, analysed: np.ndarray
) -> GateTest | None:
    """The arms' losses against each other; None where the lost units' clusters are not known."""
    spec = study.spec
    if spec.design == "customer":
        return loss(assigned, analysed, list(spec.allocation).index(spec.control))
    drawn = everybody(study, lost)
    if drawn is None:
        return None
    everyone = np.ones(len(drawn.units), bool)
    return gap_test(drawn, make_contrasts(drawn), everyone, drawn.numbers(LOSS) == 0)


def _pre_period(study: Study, contrasts: Sequence[Contrast]) -> Check:
    """Whether the arms differed before anything was done, by the design's own draw."""
    columns = pre_period_columns(study)
    names, p_values = [], []
    for contrast in contrasts:
        if contrast.estimand == "total" and columns:
            cell = make_cell(study, contrast, "all", contrast.rows, adjusted=False)
            before = np.vstack([study.numbers(c)[cell.rows] for c in columns]).T
            names += columns
            p_values += differences_before(before, cell.units)
    test = imbalance(p_values)
    worst = names[test.worst] if test.worst >= 0 else ""
    if not worst:
        return _check("pre_period", test, ALARM_AT, Message("nothing is known from before"))
    source = (
        "the arms differed before the start: {column} (p = {p} after {n} comparisons)"
        if test.alarm
        else "the arms were alike before the start: largest difference {column} (p = {p} after "
        "{n} comparisons)"
    )
    values = {
        "column": covariate_value(worst),
        "p": _p(test.p_value),
        "n": Value("number", test.tests),
    }
    return _check("pre_period", test, ALARM_AT, Message(source, values))


def pre_period_columns(study: Study) -> list[str]:
    """Columns from before assignment: the plan's covariates and the pipeline's own."""
    prior = [c for c in study.units.columns if str(c).startswith(PRIOR)]
    return list(dict.fromkeys([*study.covariates, *prior]))


def _coverage(study: Study, contrasts: Sequence[Contrast]) -> list[Check]:
    """Whether each planned metric has a value for the units whose window is over."""
    spec = study.spec
    arms = list(spec.allocation)
    members = [study.in_arm(arm) for arm in arms]
    tests, worst = [], None
    for entry in study.followed:
        metric = entry.metric
        if not entry.declared or entry.name in study.unavailable:
            continue
        used = study.matured(metric) & study.eligible(metric)
        known = used & has_value(study, metric)
        if metric.kind == "nps":  # silence is no gap, but an answer off the scale is one
            used = used & np.isfinite(study.numbers(str(metric.column)))
            known = used & known
            if known.sum() == used.sum():
                continue
        elif metric.answered:
            continue
        if not used.any():
            continue
        by_arm = np.array([int((used & member).sum()) for member in members])
        if by_arm.min() == 0:
            continue
        test = gap_test(study, contrasts, used, known)
        tests.append((metric, float(known.sum() / used.sum()), test))
    if not tests:
        return []
    worst = min(tests, key=lambda t: (np.nan_to_num(t[2].p_value, nan=2.0), t[1]))
    lowest = min(tests, key=lambda t: t[1])
    p_value = float(np.minimum(1.0, worst[2].p_value * len(tests)))
    is_low = lowest[1] < LOWEST_COVERAGE
    metric, share, _ = lowest if is_low else worst
    values = {"metric": metric_value(metric), "share": Value("percent", share, 1), "p": _p(p_value)}
    if is_low and metric.kind == "nps":
        source = "only {share} of the answers of {metric} are on its scale"
        del values["p"]
    elif is_low:
        source = "{metric} has a value for only {share} of the units whose window is over"
        del values["p"]
    elif p_value < ALARM_AT:
        source = "{metric} is missing more often in one arm: {share} have a value (p = {p})"
    else:
        source = "outcomes are complete enough: least for {metric}, {share} (p = {p})"
    alarmed = is_low or p_value < ALARM_AT
    note = Message(source, values)
    return [Check("coverage", lowest[1], p_value, ALARM_AT, alarmed, note)]


def has_value(study: Study, metric: Metric) -> BoolArray:
    """(n,) whether each unit has a value that is used: finite, on its scale, no time below zero."""
    known = np.ones(len(study.units), bool)
    for column in metric.columns:
        known &= np.isfinite(study.numbers(column))
    if metric.duration is not None:
        known &= study.numbers(metric.duration) >= 0
    if metric.kind == "nps":
        known &= on_scale(study.numbers(str(metric.column)))
    return known


def _data_quality(quality: pd.DataFrame) -> Check:
    """Whether a source of this month is in critical state."""
    critical = quality[quality["status"] == "critical"]
    lowest = float(quality["score"].min()) if "score" in quality else float("nan")
    if critical.empty:
        note = Message("no source is in a critical state")
        return Check("data_quality", lowest, float("nan"), float("nan"), False, note)
    names = ", ".join(sorted(set(critical["source"].astype(str))))
    note = Message(
        "the data of {sources} are in a critical state", {"sources": Value("plain", names)}
    )
    return Check("data_quality", lowest, float("nan"), float("nan"), True, note)


def _check(gate: str, test: GateTest, threshold: float, note: Message) -> Check:
    return Check(gate, test.statistic, test.p_value, threshold, test.alarm, note)


def _counts(arms: pd.Series, names: Sequence[str]) -> np.ndarray:
    return np.array([int((arms == name).sum()) for name in names])


def _p(p_value: float) -> Value:
    """A p value as readers write it: two digits, however small."""
    return Value("plain", "–" if np.isnan(p_value) else f"{p_value:.2g}")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
