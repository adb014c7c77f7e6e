"""The one regression, for clusters: both arms in one design matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clusters import (
    ClusterDesign,
    cluster_design,
    fit_clusters,
    satterthwaite_df,
    unbiased_where_units_move_as_one,
)
from .comparison import Estimate
from .covariates import CLUSTERS_PER_COVARIATE, Covariates, choose_covariates
from .results import FloatArray, IntArray, Note, NoteCode
from .strata import pool_strata, shares
from .units import Units

CONSTANT_IN_CLUSTER = 1e-9
"""Range of a standardised covariate within a cluster below which it belongs to the cluster."""
RESERVED_CLUSTERS = 2
"""Clusters of an arm that no coefficient may use up: fewer leave no variance."""
MOST_INDICATORS = 30_000_000
"""Units × strata in a design matrix (240 MB): beyond it the smallest strata are pooled."""


@dataclass(frozen=True, eq=False)
class ClusterArms:
    """The regression of both arms; columns 0 and 1 of the design are the arms' means.

    Attributes:
        design: Columns [T, C, T × others, C × others], others = centred strata and covariates.
        df: Satterthwaite degrees of freedom of the difference.
        covariate_names: Covariates used.
        n_strata: Strata after pooling.
        clusters_per_arm: Treated and control clusters.
        notes: What was pooled or dropped.
    """

    design: ClusterDesign
    df: float
    covariate_names: tuple[str, ...]
    n_strata: int
    clusters_per_arm: tuple[int, int]
    notes: tuple[Note, ...]

    @property
    def cluster_ids(self) -> IntArray:
        """(G,) codes."""
        return self.design.cluster_ids

    def estimate(self, outcome: FloatArray) -> Estimate:
        """Adjusted means with the CR2 covariance; influence by cluster."""
        anchor = float(outcome[0])  # keeps the digits of large, nearly equal values
        fit = fit_clusters(self.design, outcome - anchor)
        treatment, control = (float(c) + anchor for c in fit.coefficients[:2])
        influence = fit.influence[:, 0] - fit.influence[:, 1]
        return Estimate((treatment, control), fit.covariance[:2, :2], self.df, influence)


@dataclass(frozen=True, eq=False)
class ArmRegressors:
    """Columns both arms share, before they are multiplied by the arm.

    Attributes:
        others: (n, b) centred strata indicators and covariates.
        covariate_names: Covariates among them.
        n_strata: Strata after pooling.
        notes: What was pooled or dropped.
    """

    others: FloatArray
    covariate_names: tuple[str, ...]
    n_strata: int
    notes: tuple[Note, ...]


def cluster_arms(units: Units, covariates: Covariates) -> ClusterArms:
    """The cluster design of both arms.

    Args:
        units: Units with clusters, at least two clusters an arm.
        covariates: (n, q) of the same units, without gaps.

    Returns:
        A design ready for any outcome of these units.
    """
    assert units.clusters is not None
    shared = arm_regressors(units, covariates)
    arm = np.column_stack([units.treated, ~units.treated]).astype(np.float64)
    blocks = [arm, arm[:, :1] * shared.others, arm[:, 1:] * shared.others]
    plain = cluster_design(np.hstack(blocks), units.clusters, units.weights)
    design = unbiased_where_units_move_as_one(plain)
    contrast = np.zeros(design.regressors.shape[1])
    contrast[:2] = 1, -1
    return ClusterArms(
        design,
        satterthwaite_df(design, contrast),
        shared.covariate_names,
        shared.n_strata,
        clusters_per_arm(units),
        shared.notes,
    )


def clusters_per_arm(units: Units) -> tuple[int, int]:
    """Number of treated and of control clusters."""
    assert units.clusters is not None
    treated, control = (
        len(np.unique(units.clusters[member])) for member in (units.treated, ~units.treated)
    )
    return treated, control


def arm_regressors(units: Units, covariates: Covariates) -> ArmRegressors:
    """Strata indicators and the covariates that the clusters carry, centred."""
    strata = pool_strata(units, most=_most_strata(units))
    share = shares(strata.codes, strata.n_strata, units.weights)
    indicators = (strata.codes[:, None] == np.arange(strata.n_strata - 1)) - share[:-1]
    kept, notes = _carried_covariates(units, covariates, indicators)
    values = covariates.values[:, kept]
    weights = np.ones(len(units)) if units.weights is None else units.weights
    centred = values - weights @ values / weights.sum()
    return ArmRegressors(
        np.hstack([indicators, centred]),
        tuple(covariates.names[j] for j in kept),
        strata.n_strata,
        (*strata.notes, *notes),
    )


def _most_strata(units: Units) -> int:
    """Strata that the clusters of the smaller arm, and the memory, carry."""
    by_clusters = min(clusters_per_arm(units)) - RESERVED_CLUSTERS
    return max(1, min(by_clusters, MOST_INDICATORS // len(units)))


def _carried_covariates(
    units: Units, covariates: Covariates, indicators: FloatArray
) -> tuple[list[int], tuple[Note, ...]]:
    """Few cluster-level covariates, and in all fewer columns than clusters of an arm."""
    per_arm = clusters_per_arm(units)
    order = _with_few_of_clusters(units, covariates.values, sum(per_arm) // CLUSTERS_PER_COVARIATE)
    candidates = Covariates(covariates.values[:, order], tuple(covariates.names[j] for j in order))
    weights = np.ones(len(units)) if units.weights is None else units.weights
    members = (units.treated, ~units.treated)
    picked, notes = choose_covariates(
        candidates,
        [_gram_beside(candidates.values[m], indicators[m], weights[m]) for m in members],
        [float(weights[m].sum()) for m in members],
        min(per_arm) - indicators.shape[1] - RESERVED_CLUSTERS,
    )
    beyond = (name for j, name in enumerate(covariates.names) if j not in order)
    too_many = (Note(NoteCode.COVARIATES_TOO_MANY, subject=name) for name in beyond)
    return [order[j] for j in picked], (*notes, *too_many)


def _gram_beside(values: FloatArray, indicators: FloatArray, weights: FloatArray) -> FloatArray:
    """(q, q) cross-products of what constant and strata leave of the covariates."""
    root = np.sqrt(weights)[:, None]
    frame = np.hstack([np.ones_like(root), indicators]) * root
    scaled = values * root
    remainder = scaled - frame @ np.linalg.lstsq(frame, scaled, rcond=None)[0]
    return np.asarray(remainder.T @ remainder)


def _with_few_of_clusters(units: Units, values: FloatArray, room: int) -> list[int]:
    """Positions of all unit-level covariates and of the first `room` cluster-level ones."""
    if values.shape[1] == 0:
        return []
    assert units.clusters is not None
    order = np.argsort(units.clusters, kind="stable")
    starts = np.unique(units.clusters[order], return_index=True)[1]
    ordered = values[order]
    ranges = np.maximum.reduceat(ordered, starts) - np.minimum.reduceat(ordered, starts)
    of_clusters = np.flatnonzero(ranges.max(axis=0) <= CONSTANT_IN_CLUSTER)
    return sorted(set(range(values.shape[1])) - set(of_clusters[room:].tolist()))
