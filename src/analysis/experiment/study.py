"""The units of an experiment, read from any table and held against the plan.

One row a unit. What cannot be analysed is refused with every fault told; a unit in two arms is
set aside and counted, because chance alone can make a few of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..errors import AnalysisError, DesignError, SourceError, did_you_mean, raise_all
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .estimators.results import BoolArray, FloatArray
from .followed import Followed, metrics_followed

Table: TypeAlias = pd.DataFrame | ir.Table | str | Path
ENCODINGS = ("utf-8-sig", "gb18030")
KNOWN = "is_known"
"""Column of the pipeline: the unit is still in the customer table."""
TIER = "tier"
"""Column of the tier at assignment; its segments go by the tiers' own names."""
PRIOR = "prior_"
"""Columns that the pipeline measures before assignment begin so."""
LARGEST = 1e100
"""No amount, count or score is larger; squares of squares would overflow."""
EXAMPLES = 3
"""Values named in an error: enough to find them, few enough to read."""


@dataclass(frozen=True, eq=False)
class Study:
    """The units of an experiment, ready to be compared.

    Attributes:
        spec: The plan.
        units: One row a unit, ordered by unit; units in two arms are not in it.
        followed: The metrics that are estimated.
        unavailable: Metric → the table that is missing.
        covariates: The plan's covariates that the table has.
        two_arms: Number of units that appear in two arms.
        total: Number of distinct units found.
        all_units: Every unit found, those in two arms too.
        lost: Arm of each unit that was assigned but is not known any more; None where the table
            does not say.
    """

    spec: ExperimentSpec
    units: pd.DataFrame
    followed: tuple[Followed, ...]
    unavailable: dict[str, str]
    covariates: tuple[str, ...]
    two_arms: int
    total: int
    all_units: pd.Series
    lost: pd.Series | None = None

    def in_arm(self, arm: str) -> BoolArray:
        """(n,) whether each unit is in an arm."""
        return np.asarray(self.units[self.spec.arm] == arm, dtype=bool)

    def numbers(self, column: str) -> FloatArray:
        """(n,) a column as numbers; missing as NaN, what no computer can square as infinite."""
        values = self.units[column]
        if not pd.api.types.is_numeric_dtype(values):
            values = pd.to_numeric(values.map(_plain), errors="coerce")
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        beyond = np.abs(numbers) > LARGEST
        return np.where(beyond, np.copysign(np.inf, numbers), numbers) if beyond.any() else numbers

    def flags(self, column: str) -> BoolArray:
        """(n,) a column as yes or no; missing as no."""
        return np.asarray(self.units[column].fillna(False), dtype=bool)

    def matured(self, metric: Metric) -> BoolArray:
        """(n,) whether each unit's window is over."""
        is_told = metric.matured is not None
        return self.flags(str(metric.matured)) if is_told else np.ones(len(self.units), bool)

    def eligible(self, metric: Metric) -> BoolArray:
        """(n,) whether each unit counts for a metric."""
        is_told = metric.eligible is not None
        return self.flags(str(metric.eligible)) if is_told else np.ones(len(self.units), bool)


def read_table(table: Table) -> pd.DataFrame:
    """A data frame of any table: a frame, an Ibis table, or the path of a CSV or Parquet file.

    Raises:
        SourceError: The file is missing, of another format, or unreadable.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, ir.Table):
        return table.execute()
    path = Path(table)
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        raise SourceError(
            "File not found",
            where=str(path),
            todo=did_you_mean(path.name, near) or "Check the path.",
        )
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise SourceError(
            "This kind of file is not read here",
            where=str(path),
            got=path.suffix,
            allowed=[".csv", ".parquet"],
        )
    return _read_file(path)


def read_study(
    units: Table, spec: ExperimentSpec, unavailable: dict[str, str] | None = None
) -> Study:
    """Read units and hold them against the plan.

    Args:
        units: One row a unit, with the columns that the plan names.
        spec: The plan.
        unavailable: Metric → the missing table, for metrics that have no columns.

    Raises:
        DesignError: Columns are missing, a unit appears twice in one arm, an arm is not in the
            plan, or values are not of the kind their metric needs; all faults at once.
        SourceError: The file cannot be read.
    """
    frame = read_table(units).reset_index(drop=True)
    missing = dict(unavailable or {})
    followed = tuple(
        f
        for f in metrics_followed(spec)
        if f.declared or f.name in missing or _has_all(frame, f.metric)
    )
    raise_all(_missing_columns(frame, spec, missing))
    frame = frame.assign(**{spec.arm: _as_text(frame[spec.arm])})
    raise_all([*_unit_faults(frame, spec), *_value_faults(frame, followed, spec, missing)])
    in_two = _in_two_arms(frame, spec)
    kept = frame.loc[~in_two]
    raise_all(_doubled(kept, spec))
    lost = None
    if KNOWN in kept.columns:
        is_lost = ~kept[KNOWN].astype(bool)
        kept, lost = kept.loc[~is_lost], kept.loc[is_lost, spec.arm]
    return Study(
        spec=spec,
        units=_ordered(kept, spec.unit),
        followed=followed,
        unavailable=missing,
        covariates=tuple(c for c in spec.covariates if c in frame.columns),
        two_arms=int(frame.loc[in_two, spec.unit].nunique()),
        total=int(frame[spec.unit].nunique()),
        all_units=frame[spec.unit],
        lost=lost,
    )


def _read_file(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as fault:
        raise SourceError(
            "The file cannot be read",
            where=str(path),
            got=" ".join(str(fault).split())[:200],
            todo="Check that it is a table with a header row, in UTF-8 or GB18030.",
        ) from fault


def _read_csv(path: Path) -> pd.DataFrame:
    first, last = ENCODINGS
    try:
        return pd.read_csv(path, encoding=first, low_memory=False)
    except UnicodeDecodeError:
        return pd.read_csv(path, encoding=last, low_memory=False)


def _has_all(frame: pd.DataFrame, metric: Metric) -> bool:
    return all(column in frame.columns for column in metric.columns)


def _missing_columns(
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


def _as_text(arms: pd.Series) -> pd.Series:
    if isinstance(arms.dtype, pd.StringDtype):
        return arms
    return arms.map(lambda arm: arm if isinstance(arm, str) else str(arm), na_action="ignore")


def _unit_faults(frame: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
    """Rows that name no unit, no arm, no cluster, or an arm the plan does not know."""
    where = f"experiment {spec.id}"
    if frame.empty:
        return [DesignError("The table holds no unit", where=where)]
    keys = [spec.unit, spec.arm]
    keys += [spec.cluster] if spec.cluster else []
    keys += [spec.share, spec.arm_at_half] if spec.design == "saturation" else []
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
                todo=did_you_mean(unknown[0], spec.allocation) or "Add them to allocation.",
            )
        )
    return faults


def _in_two_arms(frame: pd.DataFrame, spec: ExperimentSpec) -> pd.Series:
    """Rows of units that appear in more than one arm."""
    again = frame[spec.unit].duplicated(keep=False)
    arms_a_unit = frame.loc[again].groupby(spec.unit, sort=False)[spec.arm].transform("nunique")
    return (arms_a_unit > 1).reindex(frame.index, fill_value=False)


def _doubled(frame: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
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


def _value_faults(
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


def _value_fault(column: pd.Series, where: str, is_yes_or_no: bool) -> AnalysisError | None:
    """What is wrong with a column that must hold numbers, or yes and no."""
    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    if not numeric:
        numbers = pd.to_numeric(column.map(_plain), errors="coerce")
        wrong = column[numbers.isna() & column.notna()]
        if len(wrong):
            return DesignError(
                f"{len(wrong)} values are no numbers",
                where=where,
                got=", ".join(repr(v) for v in wrong.unique()[:EXAMPLES]),
                allowed="numbers, true and false; put categories under strata or segments",
            )
        column = numbers
    if is_yes_or_no:
        wrong = column[column.notna() & ~column.isin([0, 1])]
        if len(wrong):
            return DesignError(
                f"{len(wrong)} values are neither 0 nor 1",
                where=where,
                got=", ".join(repr(v) for v in wrong.unique()[:EXAMPLES]),
                allowed="0 and 1, or false and true",
            )
    return None


def _plain(value: object) -> object:
    """Objects such as True or Decimal as numbers."""
    return float(value) if isinstance(value, (bool, np.bool_)) else value


def _ordered(frame: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Rows in the order of their units, so that results do not depend on the table's order."""
    is_mixed = frame[unit].dtype == object
    key = (lambda values: values.astype(str)) if is_mixed else None
    return frame.sort_values(unit, kind="stable", ignore_index=True, key=key)
