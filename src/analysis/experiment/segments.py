"""Segments: the same comparison within groups that were known before assignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..tables import TIERS
from .estimate import Estimate
from .estimation import Compared
from .estimators.multiplicity import holm
from .estimators.results import BoolArray
from .estimators.segments import interaction_test
from .study import Study
from .table_faults import TIER
from .words import interaction_told

MOST_SEGMENTS = 50
"""Segments of one column that are estimated: with more, each would hold too little to tell, and
no reader could follow."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment.

    Attributes:
        name: A tier's name, else ``column=value``.
        column: The column it comes from.
        rows: (n,) its units.
    """

    name: str
    column: str
    rows: BoolArray


def segments_of(study: Study) -> tuple[list[Segment], dict[str, int]]:
    """The segments that the plan declares, and ordinary customers.

    Returns:
        Segments in order, tiers from the highest; and the columns with too many values, with
        their number.
    """
    found: list[Segment] = []
    too_many: dict[str, int] = {}
    columns = list(dict.fromkeys([*study.spec.segments]))
    for column in columns:
        if column not in study.units.columns:
            continue
        values = list(study.units[column].dropna().unique())
        if len(values) > MOST_SEGMENTS:
            too_many[column] = len(values)
            continue
        found += [_segment(study, column, value) for value in sorted(values, key=_place)]
    if TIER in study.units.columns and TIER not in columns:
        there = set(study.units[TIER].dropna().unique())
        ordinary = [tier for tier in study.spec.ordinary_tiers if tier in there]
        found += [_segment(study, TIER, tier) for tier in ordinary]
    return found, too_many


def interaction_p(compared: Sequence[Compared]) -> dict[tuple[str, str], float]:
    """p of equal effects in all segments: (arm, metric) → p, of segments of one column."""
    groups: dict[tuple[str, str], list[Compared]] = {}
    for one in compared:
        groups.setdefault((one.cell.contrast.treatment, one.metric.name), []).append(one)
    return {
        key: interaction_test([one.comparison for one in group]).p_value
        for key, group in groups.items()
    }


def smallest_by_arm(p_values: Mapping[tuple[str, str], float], names: set[str]) -> dict[str, float]:
    """For each arm the smallest p over some metrics, after Holm."""
    arms = dict.fromkeys(arm for arm, _ in p_values)
    found = {}
    for arm in arms:
        own = [p for (a, name), p in p_values.items() if a == arm and name in names]
        known = holm(own)
        if np.isfinite(known).any():
            found[arm] = float(np.nanmin(known))
    return found


def with_interaction(
    estimates: Sequence[Estimate],
    p_values: Mapping[tuple[str, str], float],
    segments: set[str],
) -> list[Estimate]:
    """The estimates of some segments with the test of equal effects noted beside them."""

    def noted(estimate: Estimate) -> Estimate:
        p = p_values.get((estimate.treatment, estimate.metric.name), float("nan"))
        if estimate.segment not in segments or not np.isfinite(p):
            return estimate
        return replace(estimate, notes=(*estimate.notes, interaction_told(p)))

    return [noted(estimate) for estimate in estimates]


def _segment(study: Study, column: str, value: object) -> Segment:
    rows = np.asarray(study.units[column] == value, dtype=bool)
    name = str(value) if column == TIER and value in TIERS else f"{column}={value}"
    return Segment(name, column, rows)


def _place(value: object) -> tuple[int, str]:
    text = str(value)
    return (TIERS.index(text) if text in TIERS else len(TIERS), text)
