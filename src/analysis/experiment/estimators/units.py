"""What is known of the units before their outcomes: arm, strata, covariates, weights, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .results import BoolArray, FloatArray, IntArray

LARGEST_VALUE = 1e100
"""Size beyond which a value counts as infinite: its square would overflow."""
_Array = TypeVar("_Array", FloatArray, IntArray)


@dataclass(frozen=True, eq=False)
class Units:
    """Two arms of an experiment, one row a unit, in one order for every array.

    Attributes:
        treated: (n,) true for the treated arm, false for the control arm.
        strata: (n,) whole-number code of the stratum, or None.
        covariates: (n, p) values known before assignment, or None; missing as NaN.
        covariate_names: p names, for reporting.
        weights: (n,) weights ≥ 0, for example inverse response probabilities, or None for 1;
            a unit of weight 0 is not used.
        clusters: (n,) whole-number code of the cluster, or None when units were randomised.
        blocked: True when arms were dealt within strata.
    """

    treated: BoolArray
    strata: IntArray | None = None
    covariates: FloatArray | None = None
    covariate_names: tuple[str, ...] = field(default=())
    weights: FloatArray | None = None
    clusters: IntArray | None = None
    blocked: bool = True

    def __post_init__(self) -> None:
        n = len(self.treated)
        for name in ("strata", "covariates", "weights", "clusters"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise ValueError(f"{name} has {len(value)} rows, treated has {n}")
        if self.weights is not None and not (
            np.isfinite(self.weights).all() and (self.weights >= 0).all()
        ):
            raise ValueError("weights must be finite and not negative")

    def __len__(self) -> int:
        return len(self.treated)

    def take(self, rows: BoolArray | IntArray) -> Units:
        """The units of some rows (mask or positions), everything else unchanged."""

        return Units(
            treated=self.treated[rows],
            strata=_rows_of(rows, self.strata),
            covariates=_rows_of(rows, self.covariates),
            covariate_names=self.covariate_names,
            weights=_rows_of(rows, self.weights),
            clusters=_rows_of(rows, self.clusters),
            blocked=self.blocked,
        )


def make_units(
    treated: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    covariates: ArrayLike | None = None,
    covariate_names: Sequence[str] = (),
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    blocked: bool = True,
) -> Units:
    """Units from any array-likes; strata and clusters may be labels of any sort.

    Args:
        treated: (n,) booleans or 0/1.
        strata: (n,) labels or codes.
        covariates: (n,) or (n, p) numbers.
        covariate_names: p names; made up (x1, x2, …) where missing.
        weights: (n,) weights ≥ 0.
        clusters: (n,) labels or codes.
        blocked: True when arms were dealt within strata.

    Returns:
        One row a unit, in the order given.

    Raises:
        ValueError: Lengths differ, or a weight is negative or not finite.

    Example:
        >>> units = make_units([1, 0, 1, 0], strata=["a", "a", "b", "b"])
        >>> units.strata
        array([0, 0, 1, 1])
    """
    matrix = None if covariates is None else _as_matrix(covariates)
    p = 0 if matrix is None else matrix.shape[1]
    names = tuple(covariate_names) or tuple(f"x{j + 1}" for j in range(p))
    if len(names) != p:
        raise ValueError(f"{len(names)} covariate names for {p} covariates")
    return Units(
        treated=np.asarray(treated).astype(bool),
        strata=_codes(strata),
        covariates=matrix,
        covariate_names=names,
        weights=None if weights is None else np.asarray(weights, dtype=np.float64),
        clusters=_codes(clusters),
        blocked=blocked,
    )


def usable(values: FloatArray, units: Units) -> BoolArray:
    """(n,) units with a value that is neither missing nor infinite, and with weight."""
    used = np.abs(values) <= LARGEST_VALUE  # false for NaN too
    return used if units.weights is None else used & (units.weights > 0)


def _rows_of(rows: BoolArray | IntArray, array: _Array | None) -> _Array | None:
    return None if array is None else array[rows]


def _as_matrix(values: ArrayLike) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    return matrix.reshape(-1, 1) if matrix.ndim == 1 else matrix


def _codes(labels: ArrayLike | None) -> IntArray | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.intp, copy=False)
    return np.unique(array, return_inverse=True)[1].astype(np.intp, copy=False)
