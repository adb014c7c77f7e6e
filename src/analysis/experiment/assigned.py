"""Who was assigned: the file of the draw held against the units that are left."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ..errors import AnalysisError, DesignError, did_you_mean, raise_all
from ..params.experiment import ExperimentSpec
from .carriers import Table, read_table
from .study import Study, as_text
from .table_faults import EXAMPLES, columns_of_names


def with_assignments(study: Study, assignments: Table | None) -> Study:
    """The study with the units that were assigned but are in its table no more.

    Args:
        study: The units as found.
        assignments: One row a unit, with the plan's unit and arm columns; None where not given.

    Raises:
        DesignError: The file does not fit the plan or the units: columns or values are missing,
            a unit was never assigned, or stands in another arm than it was assigned to.
        SourceError: The file cannot be read.
    """
    if assignments is None:
        return study
    spec = study.spec
    file = read_table(assignments, columns_of_names(spec)).reset_index(drop=True)
    raise_all(_columns_missing(file, spec))
    file = file.assign(**{spec.arm: as_text(file[spec.arm]).astype(object)})
    unit = _comparable(file[spec.unit], study.all_units)
    raise_all([*_draw_faults(file, unit, spec), *_unit_faults(file, unit, study)])
    is_lost = ~unit.isin(set(_comparable(study.all_units, file[spec.unit])))
    return replace(study, lost=file.loc[is_lost])


def _comparable(own: pd.Series, other: pd.Series) -> pd.Series:
    """Names of units as text where the two tables hold them in different types."""
    if own.dtype == other.dtype:
        return own
    return as_text(own)


def _columns_missing(file: pd.DataFrame, spec: ExperimentSpec) -> list[AnalysisError]:
    return [
        DesignError(
            f"The assignment file has no column '{column}'",
            where=f"experiment {spec.id}: assignments",
            got=column,
            allowed=list(map(str, file.columns[:60])),
            todo=did_you_mean(column, map(str, file.columns)) or "Name the columns as in the plan.",
        )
        for column in (spec.unit, spec.arm)
        if column not in file.columns
    ]


def _draw_faults(file: pd.DataFrame, unit: pd.Series, spec: ExperimentSpec) -> list[AnalysisError]:
    """What is wrong with the file alone."""
    where = f"experiment {spec.id}: assignments"
    faults: list[AnalysisError] = []
    if unit.duplicated().any():
        told = f"{int(unit.duplicated().sum())} rows of the assignment file repeat a unit"
        faults.append(DesignError(told, where=where, got=_named(unit[unit.duplicated()])))
    unknown = file[spec.arm][~file[spec.arm].isin(list(spec.allocation))]
    if len(unknown):
        told = "The assignment file holds arms that the plan does not know"
        allowed = list(spec.allocation)
        faults.append(DesignError(told, where=where, got=_named(unknown), allowed=allowed))
    return faults


def _unit_faults(file: pd.DataFrame, unit: pd.Series, study: Study) -> list[AnalysisError]:
    """Units that the file does not know, or knows in another arm."""
    spec = study.spec
    where = f"experiment {spec.id}: {spec.unit}"
    assigned = pd.Series(file[spec.arm].to_numpy(), index=unit.to_numpy())
    assigned = assigned[~assigned.index.duplicated()]
    found = _comparable(study.all_units, file[spec.unit])
    stray = found[~found.isin(set(assigned.index))]
    faults: list[AnalysisError] = []
    if len(stray):
        todo = "Give the file of the whole draw, and only units of this experiment."
        told = f"{stray.nunique()} units were never assigned"
        faults.append(DesignError(told, where=where, got=_named(stray), todo=todo))
    kept = _comparable(study.units[spec.unit], file[spec.unit])
    drawn = kept.map(assigned)
    moved = kept[drawn.notna() & (drawn != study.units[spec.arm].astype(object))]
    if len(moved):
        todo = "Analyse every unit in the arm it was assigned to, whatever it got."
        told = f"{len(moved)} units stand in another arm than they were assigned to"
        faults.append(DesignError(told, where=where, got=_named(moved), todo=todo))
    return faults


def _named(values: pd.Series) -> str:
    return ", ".join(map(str, values.unique()[:EXAMPLES]))
