"""Covariates made fit for a regression: filled, standardised, and free of redundancy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .results import FloatArray, Note, NoteCode

COLLINEAR_TOLERANCE = 1e-8
"""Share of a covariate's variance the others must leave unexplained. Cross-products in double
precision are exact to about 1e-15 of the variance times the number of covariates; a remainder
below this is rounding, not information."""
CONSTANT_TOLERANCE = 1e-12
"""Standard deviation against size below which a covariate is rounding noise around a constant."""
UNITS_PER_COVARIATE = 10
"""Units of the smaller arm, beyond its strata, that one covariate needs: interacted adjustment
is justified when covariates are few against units (Lin 2013, Ann. Appl. Stat. 7(1))."""
CLUSTERS_PER_COVARIATE = 8
"""Clusters that one cluster-level covariate needs."""


@dataclass(frozen=True, eq=False)
class Covariates:
    """Covariates without gaps.

    Attributes:
        values: (n, q) standardised to mean 0 and standard deviation 1 over the units given.
        names: q names; an indicator of missing values is named `<covariate> missing`.
        notes: What was filled or dropped.
    """

    values: FloatArray
    names: tuple[str, ...]
    notes: tuple[Note, ...] = ()


def clean_covariates(raw: FloatArray | None, names: Sequence[str], n: int) -> Covariates:
    """Fill gaps with the mean and add their indicator, standardise, drop constants.

    The missing-indicator method is unbiased under randomisation whatever the reason for the gaps
    (Zhao and Ding 2022, J. Am. Stat. Assoc., "To adjust or not to adjust?").

    Args:
        raw: (n, p) or None; NaN and infinite values are gaps.
        names: p names.
        n: Number of units.

    Returns:
        (n, q) covariates with their names, and notes on each change.
    """
    columns: list[FloatArray] = []
    kept: list[str] = []
    notes: list[Note] = []
    for j, name in enumerate(names if raw is not None else ()):
        assert raw is not None
        for label, column, note in _filled(raw[:, j], name):
            notes += [note] if note else []
            standardised = _standardised(column)
            if standardised is None:
                notes.append(Note(NoteCode.COVARIATE_CONSTANT, subject=label))
            else:
                columns.append(standardised)
                kept.append(label)
    values = np.column_stack(columns) if columns else np.empty((n, 0))
    return Covariates(values, tuple(kept), tuple(notes))


def _filled(column: FloatArray, name: str) -> list[tuple[str, FloatArray, Note | None]]:
    """The covariate and, where it has gaps, their indicator."""
    gap = ~np.isfinite(column)
    n_gaps = int(gap.sum())
    if n_gaps == 0:
        return [(name, column, None)]
    if n_gaps == len(column):
        return [(name, np.zeros(len(column)), None)]
    filled = np.where(gap, column[~gap].mean(), column)
    note = Note(NoteCode.COVARIATE_MISSING, n_gaps, name)
    return [(name, filled, note), (f"{name} missing", gap.astype(np.float64), None)]


def _standardised(column: FloatArray) -> FloatArray | None:
    size = float(np.abs(column).max(initial=0.0))
    if size == 0:
        return None
    scaled = column / size  # so that squares of huge values do not overflow
    centred = scaled - scaled.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    return None if spread <= CONSTANT_TOLERANCE else centred / spread


def independent_columns(grams: Sequence[FloatArray], scales: Sequence[float]) -> list[int]:
    """Columns that no earlier column determines, in any of the arms.

    Args:
        grams: (q, q) cross-products within each arm, after its strata means are taken out.
        scales: Weight of each arm, the cross-product a standardised covariate would have.

    Returns:
        Positions kept, in order: the same for every arm.
    """
    kept: list[int] = []
    for j in range(grams[0].shape[0]):
        if all(_remainder_is_real(g, kept, j, s) for g, s in zip(grams, scales, strict=True)):
            kept.append(j)
    return kept


def _remainder_is_real(gram: FloatArray, kept: list[int], j: int, scale: float) -> bool:
    """Whether column j keeps variance beside the columns kept so far."""
    own = float(gram[j, j])
    explained = 0.0
    if kept:
        cross = gram[kept, j]
        explained = float(cross @ np.linalg.solve(gram[np.ix_(kept, kept)], cross))
    return own - explained > COLLINEAR_TOLERANCE * max(own, scale)


def choose_covariates(
    covariates: Covariates, grams: list[FloatArray], scales: list[float], room: int
) -> tuple[list[int], tuple[Note, ...]]:
    """Positions of the covariates the regression uses, and a note on each one dropped.

    Args:
        covariates: The candidates, most wanted first.
        grams: (q, q) cross-products within each arm, strata taken out.
        scales: Sum of weights of each arm.
        room: Number of covariates the units (or clusters) carry.

    Returns:
        Positions kept, and notes.
    """
    independent = independent_columns(grams, scales)
    kept = independent[: max(room, 0)]
    dropped = {
        **dict.fromkeys(range(len(covariates.names)), NoteCode.COVARIATE_COLLINEAR),
        **dict.fromkeys(independent, NoteCode.COVARIATES_TOO_MANY),
    }
    notes = tuple(
        Note(code, subject=covariates.names[j]) for j, code in dropped.items() if j not in kept
    )
    return kept, notes
