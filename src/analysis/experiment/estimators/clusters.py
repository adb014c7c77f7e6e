"""Cluster-robust inference: CR2 with Satterthwaite degrees of freedom.

CR2 (Bell and McCaffrey 2002, Survey Methodology 28(2)) multiplies each cluster's residuals by
(I − H_gg)^(−1/2). Written with Q = √w Z R⁻¹, R'R = Z'WZ, the cluster's adjusted score is
(I − C_g)^(−1/2) Q_g'e_g with C_g = Q_g'Q_g: a problem of the size of the regression, never of
the cluster. Degrees of freedom: the working model in which the units of a cluster move as one
(ρ = 1; Imbens and Kolesár 2016, Rev. Econ. Stat. 98(4)), which errs on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .results import FloatArray, IntArray

EXACT_CLUSTER = 1e-8
"""Eigenvalues of I − C_g below this are directions a cluster decides alone; their residuals are
zero, and they are left out (pseudo-inverse; Pustejovsky and Tipton 2018, J. Bus. Econ. Stat.
36(4))."""


@dataclass(frozen=True, eq=False)
class ClusterDesign:
    """A least-squares design with its clusters; a function of the design only.

    Attributes:
        regressors: (n, K) Z, rows sorted by cluster.
        weights: (n,) in the same order, or None for 1.
        order: (n,) positions of the given rows in that order.
        starts: (G,) first row of each cluster.
        cluster_ids: (G,) codes, ascending.
        grams: (G, K, K) Z_g'W Z_g.
        sums: (G, K) Z_g'W 1.
        inverse: (K, K) (Z'WZ)⁻¹.
        whitener: (K, K) R⁻¹.
        adjustments: (G, K, K) (I − C_g)^(−1/2).
    """

    regressors: FloatArray
    weights: FloatArray | None
    order: IntArray
    starts: IntArray
    cluster_ids: IntArray
    grams: FloatArray
    sums: FloatArray
    inverse: FloatArray
    whitener: FloatArray
    adjustments: FloatArray


@dataclass(frozen=True, eq=False)
class ClusterFit:
    """A fit with its cluster-robust variance.

    Attributes:
        coefficients: (K,).
        residual_scores: (G, K) Z_g'W e_g.
        influence: (G, K) CR2-adjusted influence of each cluster on each coefficient.
        covariance: (K, K) CR2 covariance, influence' influence.
    """

    coefficients: FloatArray
    residual_scores: FloatArray
    influence: FloatArray
    covariance: FloatArray


def cluster_design(
    regressors: FloatArray, clusters: IntArray, weights: FloatArray | None = None
) -> ClusterDesign:
    """Cross-products by cluster and their CR2 adjustments.

    Args:
        regressors: (n, K) of full column rank.
        clusters: (n,) whole-number code of the cluster.
        weights: (n,) positive, or None.

    Returns:
        The design, shared by all outcomes.
    """
    order = np.argsort(clusters, kind="stable")
    cluster_ids, starts = np.unique(clusters[order], return_index=True)
    sorted_regressors = regressors[order]
    sorted_weights = None if weights is None else weights[order]
    weighted = _times(sorted_regressors, sorted_weights)
    grams = cluster_grams(sorted_regressors, weighted, starts)
    total = grams.sum(axis=0)
    whitener = np.linalg.inv(np.linalg.cholesky(total).T)
    return ClusterDesign(
        sorted_regressors,
        sorted_weights,
        order,
        starts,
        cluster_ids,
        grams,
        np.add.reduceat(weighted, starts, axis=0),
        whitener @ whitener.T,
        whitener,
        inverse_root(np.eye(len(total)) - whitener.T @ grams @ whitener),
    )


def cluster_grams(left: FloatArray, right: FloatArray, starts: IntArray) -> FloatArray:
    """(G, K, K) left_g' right_g for rows sorted by cluster; right is left times weights."""
    k = left.shape[1]
    grams = np.empty((len(starts), k, k))
    for i in range(k):
        for j in range(i + 1):
            grams[:, i, j] = np.add.reduceat(left[:, i] * right[:, j], starts)
            grams[:, j, i] = grams[:, i, j]
    return grams


def inverse_root(matrices: FloatArray) -> FloatArray:
    """(…, K, K) symmetric inverse square roots, zero where a matrix is singular."""
    values, vectors = np.linalg.eigh(matrices)
    roots = np.zeros_like(values)
    np.divide(1.0, np.sqrt(np.maximum(values, 0)), out=roots, where=values > EXACT_CLUSTER)
    return (vectors * roots[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def fit_clusters(design: ClusterDesign, outcome: FloatArray) -> ClusterFit:
    """Least squares with the CR2 covariance of all coefficients.

    Args:
        design: The design.
        outcome: (n,) finite, in the order of the rows given to `cluster_design`.

    Returns:
        Coefficients, scores, influence values and covariance.
    """
    scores = cluster_scores(design, outcome)
    coefficients = design.inverse @ scores.sum(axis=0)
    residual_scores = scores - design.grams @ coefficients
    adjusted = np.einsum("gij,gj->gi", design.adjustments, residual_scores @ design.whitener)
    influence = adjusted @ design.whitener.T
    return ClusterFit(coefficients, residual_scores, influence, influence.T @ influence)


def cluster_scores(design: ClusterDesign, outcome: FloatArray) -> FloatArray:
    """(G, K) Z_g'W y_g."""
    weighted = _times(design.regressors, design.weights)
    return np.add.reduceat(weighted * outcome[design.order][:, None], design.starts, axis=0)


def satterthwaite_df(design: ClusterDesign, contrast: FloatArray) -> float:
    """Degrees of freedom of the CR2 variance of one contrast, working model with ρ = 1.

    Args:
        design: The design.
        contrast: (K,).

    Returns:
        Degrees of freedom; 0 when the variance is zero by construction.
    """
    mean, squared = _moments(design, contrast)
    return mean**2 / squared if squared > 0 else 0.0


def unbiased_where_units_move_as_one(design: ClusterDesign) -> ClusterDesign:
    """The design with each arm's CR2 variance raised to what it estimates under ρ = 1.

    CR2 takes units for independent when it allows for the residuals' shrinking. Where two or
    three clusters of unequal size make up an arm of a stratum, and their units are alike, the
    large one draws the mean to itself and hides how they differ: of two clusters with shares .9
    and .1 CR2 expects .18 of a variance of .82. The degrees of freedom take ρ = 1 already; so
    does the variance then, by the ratio of the two, never below 1, a number of the design alone.

    Args:
        design: Columns 0 and 1 are the arms' means.

    Returns:
        The same design; the adjustments of each arm's clusters are scaled. Where clusters hold
        units of both arms nothing is: what moves a cluster cancels in the difference.
    """
    if (design.sums[:, 0] * design.sums[:, 1]).any():
        return design
    scale = np.sqrt([shortfall(design, arm) for arm in np.eye(2, design.regressors.shape[1])])
    of_arm = design.sums[:, :2] / design.sums[:, :2].sum(axis=1, keepdims=True)
    return replace(design, adjustments=design.adjustments * (of_arm @ scale)[:, None, None])


def shortfall(design: ClusterDesign, contrast: FloatArray) -> float:
    """Variance of a contrast ÷ mean of its CR2 estimate under ρ = 1, at least 1."""
    mean, _ = _moments(design, contrast)
    variance = float(np.sum((design.sums @ (design.inverse @ contrast)) ** 2))
    return max(1.0, variance / mean) if mean > EXACT_CLUSTER * variance else 1.0


def _moments(design: ClusterDesign, contrast: FloatArray) -> tuple[float, float]:
    """Mean, and half the variance, of the CR2 variance of a contrast when units move as one.

    V = Σ_g (p_g'ε)² is a sum of squares of normal variables with covariances (F F')_gh,
    F_gj = [g = j] t_g'D_gλ − t_j'C_gD_gλ, where t_g = Q_g'√w, D_g = (I − C_g)^(−1/2) and
    λ = R⁻ᵀ contrast: mean tr(FF'), half variance ‖FF'‖². F is diagonal plus rank K, so nothing of
    size G × G is built.
    """
    direction = design.adjustments @ (contrast @ design.whitener)
    left = np.einsum(
        "gij,gj->gi",
        np.swapaxes(design.whitener.T @ design.grams @ design.whitener, 1, 2),
        direction,
    )
    right = design.sums @ design.whitener
    diagonal = np.einsum("gi,gi->g", right, direction)
    # F F' = Δ² + first second'
    first = np.hstack([diagonal[:, None] * right, left])
    second = np.hstack([-left, left @ (right.T @ right) - diagonal[:, None] * right])
    low_rank = np.einsum("gi,gi->g", first, second)
    squared = float(
        np.sum(diagonal**4)
        + 2 * np.sum(diagonal**2 * low_rank)
        + np.trace((first.T @ first) @ (second.T @ second))
    )
    return float(np.sum(diagonal**2 + low_rank)), squared


def cr1_std_error(design: ClusterDesign, fit: ClusterFit, contrast: FloatArray) -> float:
    """Plain cluster-robust standard error with G/(G−1) · (n−1)/(n−K).

    Not used for verdicts (measured type I error 13-17 % at 8 clusters); the scale in which
    published bootstrap examples are stated.
    """
    n, k = design.regressors.shape
    g = len(design.starts)
    meat = fit.residual_scores @ (design.inverse @ contrast)
    return float(np.sqrt(g / (g - 1) * (n - 1) / (n - k) * np.sum(meat**2)))


def _times(regressors: FloatArray, weights: FloatArray | None) -> FloatArray:
    return regressors if weights is None else regressors * weights[:, None]
