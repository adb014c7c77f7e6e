"""The one estimator: the adjusted difference between two arms, for any value per unit.

A metric is first turned into a value per unit (the metric itself; a ratio's linearised value;
100 · (promoter − detractor); a pseudo-observation of survival). This module compares the arms:
regression on arm, strata and centred covariates, HC2 with t quantiles for units, CR2 with
Satterthwaite degrees of freedom for clusters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .cluster_arms import cluster_arms
from .comparison import Comparison, Design, FittedDesign, assemble
from .covariates import Covariates, clean_covariates
from .results import BoolArray, FloatArray, Note, NoteCode, Status, merge_notes
from .unit_arms import unit_arms
from .units import LARGEST_VALUE, Units, usable

MIN_UNITS = 2
"""Units of an arm below which it has no variance."""
MIN_CLUSTERS = 4
"""Clusters of an arm below which no verdict is given."""


def compare_arms(
    outcomes: ArrayLike, units: Units, *, alpha: float = 0.05, keep_influence: bool = False
) -> tuple[Comparison, ...]:
    """Compare two arms on one or many outcomes of the same units.

    The design is worked out once for all outcomes whose values are known for the same units.

    Args:
        outcomes: (n,) or (n, m) values; NaN where a unit has no value (its window still runs, or
            it did not answer), infinite values count as missing and are reported.
        units: The same n units.
        alpha: Error the interval allows, two-sided.
        keep_influence: Keep influence values, (n,) or (G,) an outcome, for looks over time.

    Returns:
        One comparison an outcome, in the order of the columns.

    Raises:
        ValueError: The outcomes and the units differ in number.

    Source:
        Lin 2013, Ann. Appl. Stat. 7(1); MacKinnon and White 1985, J. Econometrics 29(3); Bell and
        McCaffrey 2002, Survey Methodology 28(2).

    Example:
        >>> import numpy as np
        >>> from analysis.experiment.estimators import compare_arms, make_units
        >>> units = make_units([1, 1, 1, 0, 0, 0])
        >>> (found,) = compare_arms(np.array([3.0, 4.0, 5.0, 1.0, 2.0, 3.0]), units)
        >>> round(found.effect, 3), round(found.std_error, 3), round(found.df, 1)
        (2.0, 0.816, 4.0)
    """
    columns = _as_columns(outcomes)
    if any(len(column) != len(units) for column in columns):
        raise ValueError(f"outcomes have {len(columns[0])} rows, units {len(units)}")
    covariates = clean_covariates(units.covariates, units.covariate_names, len(units))
    found: dict[int, Comparison] = {}
    for used, members in _by_known_values(columns, units):
        design = _design(units, covariates, used)
        for j in members:
            found[j] = _compare(columns[j], design, alpha, keep_influence)
    return tuple(found[j] for j in range(len(columns)))


def compare(
    outcome: ArrayLike, units: Units, *, alpha: float = 0.05, keep_influence: bool = False
) -> Comparison:
    """`compare_arms` for one outcome, (n,)."""
    return compare_arms(outcome, units, alpha=alpha, keep_influence=keep_influence)[0]


def _as_columns(outcomes: ArrayLike) -> list[FloatArray]:
    """m contiguous arrays (n,)."""
    array = np.asarray(outcomes)
    table = array.reshape(-1, 1) if array.ndim == 1 else array
    return [np.ascontiguousarray(column, dtype=np.float64) for column in table.T]


def _by_known_values(columns: list[FloatArray], units: Units) -> list[tuple[BoolArray, list[int]]]:
    """Sets of used rows (n,) with the columns that share them."""
    groups: list[tuple[BoolArray, list[int]]] = []
    for j, column in enumerate(columns):
        used = usable(column, units)
        same = next((members for mask, members in groups if np.array_equal(mask, used)), None)
        if same is None:
            groups.append((used, [j]))
        else:
            same.append(j)
    return groups


def _design(units: Units, covariates: Covariates, used: BoolArray) -> Design:
    """The design of the used rows, or the status that says why there is none."""
    everyone = bool(used.all())
    subset = units if everyone else units.take(used)
    n_treatment = int(subset.treated.sum())
    smaller = min(n_treatment, len(subset) - n_treatment)
    if smaller < MIN_UNITS:
        status = Status.TOO_FEW_UNITS if smaller else Status.NO_UNITS
        return Design(used, subset, status, None, covariates.notes)
    values = covariates.values if everyone else covariates.values[used]
    fitted, status = _fitted(subset, Covariates(values, covariates.names))
    notes = merge_notes(covariates.notes, fitted.notes if fitted else ())
    return Design(used, subset, status, fitted, notes)


def _fitted(units: Units, covariates: Covariates) -> tuple[FittedDesign | None, Status]:
    if units.clusters is None:
        return unit_arms(units, covariates), Status.OK
    per_arm = [len(np.unique(units.clusters[m])) for m in (units.treated, ~units.treated)]
    if min(per_arm) < 2:  # a single cluster has no variance between clusters
        return None, Status.INSUFFICIENT_CLUSTERS
    few = min(per_arm) < MIN_CLUSTERS
    return cluster_arms(units, covariates), Status.INSUFFICIENT_CLUSTERS if few else Status.OK


def _compare(outcome: FloatArray, design: Design, alpha: float, keep_influence: bool) -> Comparison:
    """One outcome on a finished design."""
    everyone = len(design.units) == len(outcome)
    values = outcome if everyone else outcome[design.used]
    notes = () if everyone else _left_out(outcome)
    return assemble(values, design, notes, alpha, keep_influence)


def _left_out(outcome: FloatArray) -> tuple[Note, ...]:
    """Notes on missing and infinite values."""
    missing = int(np.isnan(outcome).sum())
    infinite = int((np.abs(outcome) > LARGEST_VALUE).sum())
    notes = []
    if missing:
        notes.append(Note(NoteCode.MISSING_OUTCOMES, missing))
    if infinite:
        notes.append(Note(NoteCode.INFINITE_OUTCOMES, infinite))
    return tuple(notes)
