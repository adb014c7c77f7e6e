"""What is wrong with a table of units, held against the plan; every fault is gathered."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

import numpy as np
import pandas as pd

from ..errors import AnalysisError, DesignError, did_you_mean
from ..params.experiment import ExperimentSpec
from .followed import Followed

TIER = "tier"
"""Column of the tier at assignment; its segments go by the tiers' own names."""
PRIOR = "prior_"
"""Columns that the pipeline measures before assignment begin so."""
YAML_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n"})
"""Words that YAML takes for true and false where they stand without quotes."""
TRUTH = {"true": 1.0, "false": 0.0}
YES_NO = frozenset({"yes", "no", "y", "n", "t", "f", "是", "否", "有", "无"})
"""Words that people write for true and false; they are not taken for numbers."""
EXAMPLES = 3
"""Values named in an error: enough to find them, few enough to read."""


def columns_of_names(spec: ExperimentSpec) -> frozenset[str]:
    """Columns whose values are names of units, arms, clusters and groups, not numbers."""
    keys = {spec.unit, spec.arm, *spec.strata, *spec.segments}
    keys |= {spec.cluster} if spec.cluster else set()
    keys |= {spec.arm_at_half} if spec.design == "saturation" else set()
    numbers = {c for metric in spec.metrics for c in (*metric.columns, metric.eligible)}
    return frozenset(keys - numbers - set(spec.covariates))


def missing_columns(
    frame: pd.DataFrame, spec: ExperimentSpec, unavailable: Collection[str]
) -> list[AnalysisError]:
    """One fault a column that the plan names and the table lacks."""
    named = dict(_named_columns(spec, unavailable))
    return [
        DesignError(
            f"The table has no column '{column}'",
            where=f"experiment {spec.id}: {key}",
            got=column,
            allowed=list(frame.columns[:60]),
            todo=did_you_mean(column, map(str, frame.columns)) or "Correct the plan's column.",
        )
        for key, column in named.items()
        if column not in frame.columns
    ]


def _named_columns(spec: ExperimentSpec, unavailable: Collection[str]) -> Iterable[tuple[str, str]]:
    """Key of the plan → column, for every column that must be there."""
    yield "unit", spec.unit
    yield "arm", spec.arm
    if spec.cluster:
        yield "cluster", spec.cluster
    if spec.design == "saturation":
        yield "share", spec.share
        yield "arm_at_half", spec.arm_at_half
    if spec.exposure and not spec.exposure_services:
        yield "exposure", spec.exposure
    for key in ("strata", "covariates", "segments"):
        for i, column in enumerate(getattr(spec, key)):
            if not may_be_absent(spec, column):
                yield f"{key}.{i}", column
    for metric in spec.metrics:
        if metric.name not in unavailable:
            flags = [flag for flag in (metric.matured, metric.eligible) if flag]
            for column in (*metric.columns, *flags):
                yield f"metrics.{metric.name}: {column}", column


def may_be_absent(spec: ExperimentSpec, column: str) -> bool:
    """Whether a column comes from an optional table of the pipeline: tiers, or what was before."""
    return spec.starts_on is not None and (column == TIER or column.startswith(PRIOR))


def unit_faults(frame: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
    """Rows that name no unit, no arm, no cluster, or an arm the plan does not know."""
    where = f"experiment {spec.id}"
    if frame.empty:
        return [DesignError("The table holds no unit", where=where)]
    keys = [spec.unit, spec.arm]
    keys += [spec.cluster] if spec.cluster else []
    keys += [spec.share, spec.arm_at_half] if spec.design == "saturation" else []
    groups = [*keys, *(c for c in (*spec.strata, *spec.segments) if c in frame.columns)]
    nested = [key for key in dict.fromkeys(groups) if _holds_containers(frame[key])]
    if nested:
        told = "holds lists or records where one value belongs"
        return [DesignError(f"The column '{key}' {told}", where=where) for key in nested]
    faults: list[AnalysisError] = [
        DesignError(
            f"{int(frame[key].isna().sum())} rows have no value in '{key}'",
            where=where,
            todo="Complete or remove these rows; a unit must not be dropped in silence.",
        )
        for key in keys
        if frame[key].isna().any()
    ]
    unknown = sorted(set(frame[spec.arm].dropna().unique()) - set(spec.allocation))
    if unknown:
        faults.append(
            DesignError(
                "The table holds arms that the plan does not know",
                where=f"{where}: {spec.arm}",
                got=", ".join(unknown[:EXAMPLES]),
                allowed=list(spec.allocation),
                todo=_arm_meant(unknown, list(spec.allocation)),
            )
        )
    return faults


def _arm_meant(unknown: list[str], arms: list[str]) -> str:
    """What to do about arms that the plan does not know."""
    if {"True", "False"} & set(arms) and {u.lower() for u in unknown} & YAML_TRUTH:
        return "Put these arms in quotes in the plan: YAML reads yes, no, on and off as truth."
    return did_you_mean(unknown[0], arms) or "Add them to allocation."


def doubled_units(frame: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
    """Units with more than one row in the same arm."""
    twice = frame[spec.unit].duplicated()
    if not twice.any():
        return []
    examples = frame.loc[twice, spec.unit].astype(str).unique()[:EXAMPLES]
    return [
        DesignError(
            f"{int(frame.loc[twice, spec.unit].nunique())} units have more than one row",
            where=f"experiment {spec.id}: {spec.unit}",
            got=", ".join(examples),
            todo="Give one row a unit: add up or average its rows first.",
        )
    ]


def value_faults(
    frame: pd.DataFrame,
    followed: Iterable[Followed],
    spec: ExperimentSpec,
    unavailable: Collection[str],
) -> list[AnalysisError]:
    """Columns that do not hold what their metric, or a covariate, needs."""
    there = [c for c in spec.covariates if c in frame.columns]
    columns = {f"covariates: {c}": c for c in there}
    proportions = set()
    if spec.exposure and spec.exposure in frame.columns:
        columns["exposure"] = spec.exposure
        proportions.add(spec.exposure)
    for entry in followed:
        if entry.name not in unavailable:
            metric = entry.metric
            flags = [c for c in (metric.matured, metric.eligible) if c]
            columns |= {f"metrics.{metric.name}: {c}": c for c in (*metric.columns, *flags)}
            yes_or_no = (metric.event, metric.answered, *flags)
            proportions |= {c for c in yes_or_no if c}
            if metric.kind == "proportion":
                proportions.add(str(metric.column))
    faults = [
        _value_fault(frame[c], f"experiment {spec.id}: {k}", c in proportions)
        for k, c in columns.items()
    ]
    return [fault for fault in faults if fault is not None]


def doubled_columns(frame: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
    """Columns that stand in the table more than once, so that nobody knows which is meant."""
    twice = frame.columns[frame.columns.duplicated()]
    return [
        DesignError(
            f"The table has the column '{column}' more than once",
            where=f"experiment {spec.id}",
            todo="Rename or remove one of them.",
        )
        for column in dict.fromkeys(map(str, twice))
    ]


def _value_fault(column: pd.Series, where: str, is_yes_or_no: bool) -> AnalysisError | None:
    """What is wrong with a column that must hold numbers, or yes and no."""
    types = pd.api.types
    if types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column):
        return DesignError(
            "The column holds times, not numbers",
            where=where,
            got=str(column.dtype),
            allowed="numbers, true and false",
            todo="Turn it into a number of days, hours or minutes first.",
        )
    if types.is_complex_dtype(column) or _holds_containers(column):
        return DesignError(
            "The column holds no single numbers",
            where=where,
            got=str(column.dtype) if types.is_complex_dtype(column) else "lists or records",
            allowed="numbers, true and false",
        )
    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    if not numeric:
        numbers = pd.to_numeric(column.map(plain_number), errors="coerce")
        wrong = column[numbers.isna() & column.notna()]
        if len(wrong):
            return DesignError(
                f"{len(wrong)} values are no numbers",
                where=where,
                got=", ".join(repr(v) for v in wrong.unique()[:EXAMPLES]),
                allowed="0 and 1, or true and false"
                if is_yes_or_no
                else "numbers, true and false; put categories under strata or segments",
                todo=_number_meant(wrong),
            )
        column = numbers
    if is_yes_or_no:
        wrong = column[column.notna() & ~column.isin([0, 1])]
        if len(wrong):
            return DesignError(
                f"{len(wrong)} values are neither 0 nor 1",
                where=where,
                got=", ".join(repr(v) for v in wrong.unique()[:EXAMPLES].tolist()),
                allowed="0 and 1, or false and true",
            )
    return None


def _number_meant(wrong: pd.Series) -> str:
    """What to do about words where numbers belong."""
    if wrong.astype(str).str.strip().str.lower().isin(YES_NO).all():
        return "Write 1 for yes and 0 for no."
    if wrong.astype(str).str.contains(r"\d").all():
        return "Write plain numbers: a point for decimals, no signs, units or thousands marks."
    return ""


def _holds_containers(column: pd.Series) -> bool:
    """Whether some value is a list, a record or the like."""
    if column.dtype != object:
        return False
    return bool(column.map(lambda value: not isinstance(value, Hashable)).any())


def plain_number(value: object) -> object:
    """Objects such as True or Decimal as numbers; 'true' too, whatever carried the table."""
    if isinstance(value, str):
        return TRUTH.get(value.strip().lower(), value)
    return float(value) if isinstance(value, (bool, np.bool_)) else value
