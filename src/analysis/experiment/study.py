"""The units of an experiment, read from any table and held against the plan.

One row a unit. What cannot be analysed is refused with every fault told; a unit in two arms is
set aside and counted, because chance alone can make a few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import raise_all
from ..params.experiment import ExperimentSpec
from ..params.metric import Metric
from .carriers import Table, read_table
from .estimators.results import BoolArray, FloatArray, IntArray
from .followed import Followed, metrics_followed
from .table_faults import (
    columns_of_names,
    doubled_columns,
    doubled_units,
    missing_columns,
    plain_number,
    unit_faults,
    value_faults,
)

KNOWN = "is_known"
"""Column of the pipeline: the unit is still in the customer table."""
LARGEST = 1e100
"""No amount, count or score is larger; squares of squares would overflow."""


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
        lost: Rows of the units that were assigned but are not there any more; None where
            nothing tells who was assigned.
    """

    spec: ExperimentSpec
    units: pd.DataFrame
    followed: tuple[Followed, ...]
    unavailable: dict[str, str]
    covariates: tuple[str, ...]
    two_arms: int
    total: int
    all_units: pd.Series
    lost: pd.DataFrame | None = None

    def in_arm(self, arm: str) -> BoolArray:
        """(n,) whether each unit is in an arm."""
        return np.asarray(self._arm_codes == list(self.spec.allocation).index(arm))

    @cached_property
    def _arm_codes(self) -> IntArray:
        """(n,) place of each unit's arm in the plan; -1 for another one."""
        codes, names = pd.factorize(self.units[self.spec.arm])
        arms = list(self.spec.allocation)
        places = [arms.index(name) if name in arms else -1 for name in names.tolist()]
        return np.array([*places, -1], dtype=np.intp)[codes]

    def numbers(self, column: str) -> FloatArray:
        """(n,) a column as numbers; missing as NaN, what no computer can square as infinite."""
        values = self.units[column]
        if not pd.api.types.is_numeric_dtype(values):
            values = pd.to_numeric(values.map(plain_number), errors="coerce")
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        beyond = np.abs(numbers) > LARGEST
        return np.where(beyond, np.copysign(np.inf, numbers), numbers) if beyond.any() else numbers

    def flags(self, column: str) -> BoolArray:
        """(n,) a column as yes or no; missing as no."""
        return np.nan_to_num(self.numbers(column)) != 0

    def matured(self, metric: Metric) -> BoolArray:
        """(n,) whether each unit's window is over."""
        is_told = metric.matured is not None
        return self.flags(str(metric.matured)) if is_told else np.ones(len(self.units), bool)

    def eligible(self, metric: Metric) -> BoolArray:
        """(n,) whether each unit counts for a metric."""
        is_told = metric.eligible is not None
        return self.flags(str(metric.eligible)) if is_told else np.ones(len(self.units), bool)


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
    frame = read_table(units, columns_of_names(spec)).reset_index(drop=True)
    raise_all(doubled_columns(frame, spec))
    missing = dict(unavailable or {})
    followed = tuple(
        f
        for f in metrics_followed(spec)
        if f.declared or f.name in missing or _has_all(frame, f.metric)
    )
    raise_all(missing_columns(frame, spec, missing))
    arms = [spec.arm, *([spec.arm_at_half] if spec.design == "saturation" else [])]
    frame = frame.assign(**{column: as_text(frame[column]) for column in arms})
    raise_all([*unit_faults(frame, spec), *value_faults(frame, followed, spec, missing)])
    again = frame[spec.unit].duplicated(keep=False)
    in_two = _in_two_arms(frame, again, spec) if again.any() else again
    kept = frame.loc[~in_two] if again.any() else frame
    raise_all(doubled_units(kept, spec) if again.any() else [])
    lost = None
    if KNOWN in kept.columns:
        is_lost = ~kept[KNOWN].astype(bool)
        kept, lost = kept.loc[~is_lost], kept.loc[is_lost]
    return Study(
        spec=spec,
        units=_ordered(kept, spec.unit),
        followed=followed,
        unavailable=missing,
        covariates=tuple(c for c in spec.covariates if c in frame.columns),
        two_arms=int(frame.loc[in_two, spec.unit].nunique()),
        total=int(frame[spec.unit].nunique()) if again.any() else len(frame),
        all_units=frame[spec.unit],
        lost=lost,
    )


def _has_all(frame: pd.DataFrame, metric: Metric) -> bool:
    return all(column in frame.columns for column in metric.columns)


def as_text(names: pd.Series) -> pd.Series:
    """Names of arms or units as text, alike whatever type a file's column has; gaps stay."""
    if isinstance(names.dtype, pd.CategoricalDtype):
        names = names.astype(object)
    if isinstance(names.dtype, pd.StringDtype):
        return names
    return names.map(_name_of, na_action="ignore")


def _name_of(name: object) -> str:
    """A name: whole numbers without the point that gaps in a file's column give them."""
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    return name if isinstance(name, str) else str(name)


def _in_two_arms(frame: pd.DataFrame, again: pd.Series, spec: ExperimentSpec) -> pd.Series:
    """Rows of units that appear in more than one arm, of those with several rows."""
    arms_a_unit = frame.loc[again].groupby(spec.unit, sort=False)[spec.arm].transform("nunique")
    return (arms_a_unit > 1).reindex(frame.index, fill_value=False)


def _ordered(frame: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Rows in the order of their units, so that results do not depend on the table's order."""
    is_mixed = frame[unit].dtype == object
    key = (lambda values: values.astype(str)) if is_mixed else None
    return frame.sort_values(unit, kind="stable", ignore_index=True, key=key)


def available(study: Study) -> list[Followed]:
    """The metrics whose tables exist."""
    return [entry for entry in study.followed if entry.name not in study.unavailable]
