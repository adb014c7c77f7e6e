"""Permutation test of the studentised effect in cluster-randomised designs.

Treated clusters are drawn anew, within blocks, and the adjusted difference is studentised as the
estimator does each time: exact when the service changes nobody's outcome, and valid in large
samples when it changes the spread but not the mean (Wu and Ding 2021, J. Am. Stat. Assoc.
116(536)).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod

import numpy as np

from .cluster_arms import arm_regressors
from .clusters import EXACT_CLUSTER, cluster_design, cluster_scores, inverse_root
from .covariates import clean_covariates
from .results import BoolArray, FloatArray, IntArray, Status
from .units import Units, usable

ENUMERATED_UP_TO = 10_000
"""Assignments up to which all are enumerated instead of sampled."""
RANDOM_ASSIGNMENTS = 4_999
"""Random assignments otherwise: with the one drawn in truth 5,000 (standard error of a p of 5 %:
0.3 points)."""
SEED = 20_260_102
"""Fixed, so that the same data give the same p."""
TIE = 1e-9
"""Relative difference below which two statistics are equal: rounding."""
CHUNK = 1_000
"""Assignments worked on at once; bounds memory at CHUNK × clusters × columns²."""


@dataclass(frozen=True)
class PermutationTest:
    """Result of the permutation test.

    Attributes:
        status: `ok`, or why there is no p value.
        t_value: Studentised effect as observed, that of the estimator.
        p_value: Share of assignments with |t| at least as large, the true one being one of them.
        assignments: Number of assignments, the true one included.
        enumerated: True when these are all assignments there are.
    """

    status: Status
    t_value: float
    p_value: float
    assignments: int
    enumerated: bool


@dataclass(frozen=True, eq=False)
class _ClusterTable:
    """One row a cluster.

    Attributes:
        treated: (G,) whether the cluster is treated.
        blocks: (G,) block within which clusters were dealt.
        grams: (G, b, b) cross-products of the columns both arms share.
        scores: (G, b) cross-products of these with the outcome.
        sums: (G, b) sums of these.
    """

    treated: BoolArray
    blocks: IntArray
    grams: FloatArray
    scores: FloatArray
    sums: FloatArray


def permutation_test(outcome: FloatArray, units: Units) -> PermutationTest:
    """Permute the treated clusters.

    Args:
        outcome: (n,) values; units without a finite value or with weight 0 are left out.
        units: Units with clusters that lie wholly in one arm. Blocks are the strata where every
            cluster lies in one stratum; otherwise there is one block.

    Returns:
        The p value; status `undefined` where clusters are not nested in arms.
    """
    used = usable(outcome, units)
    table = _cluster_table(outcome[used], units.take(used))
    if isinstance(table, Status):
        return PermutationTest(table, np.nan, np.nan, 0, False)
    observed = _t_values(table, table.treated[None, :])[0]
    if not np.isfinite(observed):
        return PermutationTest(Status.NO_VARIATION, np.nan, np.nan, 0, False)
    assignments, enumerated = _assignments(table)
    chunks = range(0, len(assignments), CHUNK)
    found = np.concatenate([_t_values(table, assignments[i : i + CHUNK]) for i in chunks])
    reached = int(np.sum(np.abs(found) >= abs(observed) * (1 - TIE)))
    total = len(assignments) if enumerated else len(assignments) + 1
    p_value = (reached if enumerated else reached + 1) / total
    return PermutationTest(Status.OK, float(observed), p_value, total, enumerated)


def _cluster_table(outcome: FloatArray, units: Units) -> _ClusterTable | Status:
    """Cross-products by cluster, or why there are none."""
    assert units.clusters is not None
    order = np.argsort(units.clusters, kind="stable")
    starts = np.unique(units.clusters[order], return_index=True)[1]
    treated = units.treated[order]
    if len(starts) == 0:
        return Status.NO_UNITS
    if (np.logical_or.reduceat(treated, starts) != np.logical_and.reduceat(treated, starts)).any():
        return Status.UNDEFINED
    per_arm = treated[starts]
    if min(per_arm.sum(), (~per_arm).sum()) < 2:
        return Status.INSUFFICIENT_CLUSTERS
    covariates = clean_covariates(units.covariates, units.covariate_names, len(units))
    shared = arm_regressors(units, covariates)
    columns = np.hstack([np.ones((len(units), 1)), shared.others])
    design = cluster_design(columns, units.clusters, units.weights)
    scores = cluster_scores(design, outcome - outcome[0])
    blocks = _blocks(units, order, starts)
    return _ClusterTable(per_arm, blocks, design.grams, scores, design.sums)


def _blocks(units: Units, order: IntArray, starts: IntArray) -> IntArray:
    """(G,) stratum of each cluster, or zeros where a cluster has several."""
    if units.strata is None or not units.blocked:
        return np.zeros(len(starts), dtype=np.intp)
    strata = units.strata[order]
    low, high = np.minimum.reduceat(strata, starts), np.maximum.reduceat(strata, starts)
    return low if (low == high).all() else np.zeros(len(starts), dtype=np.intp)


def _assignments(table: _ClusterTable) -> tuple[BoolArray, bool]:
    """(P, G) treated clusters of each assignment, and whether these are all."""
    members = [np.flatnonzero(table.blocks == b) for b in np.unique(table.blocks)]
    sizes = [(m, int(table.treated[m].sum())) for m in members]
    if prod(comb(len(m), k) for m, k in sizes) <= ENUMERATED_UP_TO:
        chosen = list(product(*(combinations(m.tolist(), k) for m, k in sizes)))
        found = np.zeros((len(chosen), len(table.treated)), dtype=bool)
        for row, parts in enumerate(chosen):
            found[row, [g for part in parts for g in part]] = True
        return found, True
    generator = np.random.default_rng(SEED)
    found = np.zeros((RANDOM_ASSIGNMENTS, len(table.treated)), dtype=bool)
    for m, k in sizes:
        ranks = generator.random((RANDOM_ASSIGNMENTS, len(m))).argsort(axis=1)
        found[:, m] = ranks < k
    return found, False


def _t_values(table: _ClusterTable, assignments: BoolArray) -> FloatArray:
    """(P,) studentised effects under each assignment."""
    treatment, treatment_variance = _arm_means(table, assignments)
    control, control_variance = _arm_means(table, ~assignments)
    variance = treatment_variance + control_variance
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((treatment - control) / np.sqrt(variance))


def _arm_means(table: _ClusterTable, members: BoolArray) -> tuple[FloatArray, FloatArray]:
    """(P,) adjusted means of one arm, with the estimator's variances."""
    member = members.astype(np.float64)
    total = np.einsum("pg,gij->pij", member, table.grams)
    whitener = inverse_root(total)
    coefficients = np.einsum("pij,pjk,pk->pi", whitener, whitener, member @ table.scores)
    residual_scores = table.scores - np.einsum("gij,pj->pgi", table.grams, coefficients)
    within = whitener[:, None] @ table.grams @ whitener[:, None]
    adjustments = inverse_root(np.eye(total.shape[1]) - within * member[:, :, None, None])
    direction = np.einsum("pi,pgij->pgj", whitener[:, :, 0], adjustments) * member[:, :, None]
    influence = np.einsum("pgj,pji,pgi->pg", direction, whitener, residual_scores)
    moved = np.einsum("pij,gj->pgi", whitener, table.sums) * member[:, :, None]
    raised = _raised(whitener[:, :, 0], direction, within, moved)
    return coefficients[:, 0], raised * (influence**2).sum(axis=1)


def _raised(
    contrast: FloatArray, direction: FloatArray, within: FloatArray, moved: FloatArray
) -> FloatArray:
    """(P,) `clusters.shortfall` of an arm's mean under each assignment.

    Args:
        contrast: (P, b) λ, whitened.
        direction: (P, G, b) D_gλ, 0 for clusters of the other arm.
        within: (P, G, b, b) C_g.
        moved: (P, G, b) t_g, what a cluster whose units all move by 1 adds to the scores.
    """
    left = np.einsum("pgij,pgj->pgi", within, direction)
    own = np.einsum("pgi,pgi->pg", moved, direction)
    together = np.einsum("pgi,pgj->pij", moved, moved)
    mean = np.sum(own**2 - 2 * own * np.einsum("pgi,pgi->pg", moved, left), axis=1)
    mean += np.einsum("pgi,pij,pgj->p", left, together, left)
    variance = np.sum(np.einsum("pgi,pi->pg", moved, contrast) ** 2, axis=1)
    known = mean > EXACT_CLUSTER * variance
    found = np.ones(len(mean))
    np.divide(variance, mean, out=found, where=known)
    return np.maximum(found, 1.0)
