"""The one regression, for units: each arm on strata and centred covariates, with HC2.

Regressing on arm, strata and covariates, covariates centred and fully interacted with arm
(Lin 2013, Ann. Appl. Stat. 7(1)), is the same as fitting each arm by itself and reading both fits
at the covariates' mean and the strata's shares of all units. So an arm is fitted alone. Strata
are absorbed by taking their means out, never as dummy columns; what depends on the design only
is computed once and serves every outcome.

An adjusted mean is Σ c_i y_i with coefficients c of the design alone. Its HC2 variance is
Σ c_i² e_i² / (1 − h_i) (MacKinnon and White 1985): φ_i = c_i e_i / √(1 − h_i) is the unit's
influence. The target is the mean of the units given (finite population, as in Lin 2013).

Long sums avoid the linear-algebra library: its threads gain nothing on a handful of columns, and
their number would change the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .results import FloatArray, IntArray
from .strata import PooledStrata
from .units import Units

EXACT_FIT = 1e-9
"""A unit with 1 − h below this is fitted exactly: its residual is rounding, its influence 0."""


@dataclass(frozen=True, eq=False)
class ArmDesign:
    """One arm's side of the regression; a function of the design only.

    Attributes:
        rows: (n_a,) positions of the arm's units.
        strata: (n_a,) stratum 0 … S − 1.
        weights: (n_a,) or None for 1.
        stratum_weight: (S,) sum of weights by stratum.
        covariates: (q, n_a), a row a covariate, with the stratum means of this arm taken out.
        gram_inverse: (q, q) inverse of covariates' weighted cross-products.
        share: (S,) share of each stratum in all units.
        shift: (q,) mean of all units minus this arm's, strata in the same shares.
        adjusted: (n_a,) c_i / √(1 − h_i), and 0 for a unit that is fitted exactly.
        df: (S,) degrees of freedom of each stratum's variance (Bell and McCaffrey 2002).
    """

    rows: IntArray
    strata: IntArray
    weights: FloatArray | None
    stratum_weight: FloatArray
    covariates: FloatArray
    gram_inverse: FloatArray
    share: FloatArray
    shift: FloatArray
    adjusted: FloatArray
    df: FloatArray


@dataclass(frozen=True, eq=False)
class ArmFit:
    """One arm's adjusted mean of one outcome.

    Attributes:
        mean: Adjusted mean.
        influence: (n_a,) φ_i; Σ φ_i² is the variance of the mean.
        variance_by_stratum: (S,) Σ φ_i² within each stratum.
    """

    mean: float
    influence: FloatArray
    variance_by_stratum: FloatArray

    @property
    def variance(self) -> float:
        """HC2 variance of the adjusted mean."""
        return float(self.variance_by_stratum.sum())


@dataclass(frozen=True, eq=False)
class ArmData:
    """An arm's units with the stratum means of its covariates.

    covariates (q, n_a) are within strata; stratum_means (S, q) are what was taken out.
    """

    rows: IntArray
    strata: IntArray
    weights: FloatArray | None
    stratum_weight: FloatArray
    covariates: FloatArray
    stratum_means: FloatArray

    @property
    def gram(self) -> FloatArray:
        """(q, q) weighted cross-products."""
        weighted = self.covariates if self.weights is None else self.covariates * self.weights
        return np.einsum("ji,ki->jk", self.covariates, weighted)


def fit_arm(arm: ArmDesign, outcome: FloatArray) -> ArmFit:
    """The adjusted mean of one outcome in one arm.

    Args:
        arm: The arm's design.
        outcome: (n_a,) finite values of the arm's units, in the order of `arm.rows`.

    Returns:
        Mean, influence values and variance by stratum.
    """
    anchor = float(outcome[0])  # keeps the digits of large, nearly equal values
    residual = outcome - anchor
    weighted = residual if arm.weights is None else residual * arm.weights
    size = len(arm.stratum_weight)
    means = _sums(arm.strata, weighted, size) / arm.stratum_weight
    slopes = arm.gram_inverse @ np.einsum("ji,i->j", arm.covariates, weighted)
    residual -= _of_units(means, arm.strata)
    for slope, covariate in zip(slopes, arm.covariates, strict=True):
        residual -= slope * covariate
    residual *= arm.adjusted
    mean = anchor + float(arm.share @ means + arm.shift @ slopes)
    return ArmFit(mean, residual, _sums(arm.strata, residual * residual, size))


def _sums(codes: IntArray, values: FloatArray, size: int) -> FloatArray:
    """(size,) sums of values by code."""
    if size == 1:
        return np.array([values.sum()])
    return np.bincount(codes, weights=values, minlength=size).astype(np.float64, copy=False)


def _of_units(by_stratum: FloatArray, codes: IntArray) -> FloatArray:
    """(n_a, …) each unit's value of its stratum; one row that broadcasts when there is one."""
    return by_stratum[:1] if len(by_stratum) == 1 else by_stratum[codes]


def arm_data(units: Units, covariates: FloatArray, strata: PooledStrata, rows: IntArray) -> ArmData:
    """The units at `rows` with the stratum means taken out of their (n, q) covariates."""
    codes = strata.codes[rows]
    weights = None if units.weights is None else units.weights[rows]
    total = np.bincount(codes, weights=weights, minlength=strata.n_strata).astype(np.float64)
    values = np.empty((covariates.shape[1], len(rows)))
    means = np.empty((strata.n_strata, covariates.shape[1]))
    for j, column in enumerate(values):
        column[:] = covariates[:, j][rows]
        weighted = column if weights is None else column * weights
        means[:, j] = _sums(codes, weighted, strata.n_strata) / total
        column -= _of_units(means[:, j], codes)
    return ArmData(rows, codes, weights, total, values, means)


def keep_columns(arm: ArmData, kept: list[int]) -> ArmData:
    """The same arm with the covariates at some positions only."""
    if len(kept) == len(arm.covariates):
        return arm
    covariates, means = arm.covariates[kept], arm.stratum_means[:, kept]
    return ArmData(arm.rows, arm.strata, arm.weights, arm.stratum_weight, covariates, means)


def arm_design(arm: ArmData, share: FloatArray, centre: FloatArray) -> ArmDesign:
    """Coefficients, leverages and degrees of freedom of one arm.

    Args:
        arm: Units and covariates kept.
        share: (S,) share of each stratum in all units.
        centre: (q,) mean of the covariates over all units.
    """
    gram_inverse = np.asarray(np.linalg.inv(arm.gram), dtype=np.float64)
    shift = centre - share @ arm.stratum_means
    coefficient = _of_units(share / arm.stratum_weight, arm.strata)
    leverage = _of_units(1 / arm.stratum_weight, arm.strata)
    coefficient = coefficient + np.einsum("j,ji->i", gram_inverse @ shift, arm.covariates)
    leverage = leverage + _quadratic_form(arm.covariates, gram_inverse)
    if arm.weights is not None:
        coefficient, leverage = coefficient * arm.weights, leverage * arm.weights
    free = np.maximum(1 - leverage, 0.0)
    adjusted = np.zeros_like(coefficient)
    np.divide(coefficient, np.sqrt(free), out=adjusted, where=free > EXACT_FIT)
    return ArmDesign(
        arm.rows,
        arm.strata,
        arm.weights,
        arm.stratum_weight,
        arm.covariates,
        gram_inverse,
        share,
        shift,
        adjusted,
        _degrees_of_freedom(arm, gram_inverse, adjusted, free),
    )


def _quadratic_form(columns: FloatArray, matrix: FloatArray) -> FloatArray:
    """(n,) x_i' M x_i for columns (q, n)."""
    form = np.zeros(columns.shape[1])
    for j, column in enumerate(columns):
        form += column * np.einsum("k,ki->i", matrix[j], columns)
    return form


def _degrees_of_freedom(
    arm: ArmData, gram_inverse: FloatArray, adjusted: FloatArray, free: FloatArray
) -> FloatArray:
    """(S,) Satterthwaite degrees of freedom of each stratum's part of the HC2 variance.

    Bell and McCaffrey (2002, Survey Methodology 28(2)): with equal variances within a stratum,
    V = Σ δ_i e_i² has mean Σ δ_i (1 − h_i) and variance 2 Σ_ij δ_i δ_j m_ij², m = I − H. Without
    covariates this is n_as − 1, so that two arms without strata give Welch's test.

    Args:
        arm: The arm's units.
        gram_inverse: (q, q).
        adjusted: (n_a,) c_i / √(1 − h_i).
        free: (n_a,) 1 − h_i.
    """
    size = len(arm.stratum_weight)
    squared = adjusted**2
    delta = squared if arm.weights is None else squared / arm.weights
    mean = _sums(arm.strata, delta * free, size)
    half_variance = _sums(arm.strata, delta**2 * (2 * free - 1), size)
    half_variance += _hat_products(arm, gram_inverse, squared)
    df = np.zeros(size)
    np.divide(mean**2, half_variance, out=df, where=half_variance > 0)
    return df


def _hat_products(arm: ArmData, gram_inverse: FloatArray, delta: FloatArray) -> FloatArray:
    """(S,) Σ_ij δ_i δ_j h_ij² over pairs within each stratum, from q × q sums alone."""
    size, q = len(arm.stratum_weight), len(arm.covariates)
    products = (_sums(arm.strata, delta, size) / arm.stratum_weight) ** 2
    first, second = np.empty((size, q)), np.empty((size, q, q))
    for j in range(q):
        column = delta * arm.covariates[j]
        first[:, j] = _sums(arm.strata, column, size)
        for k in range(j + 1):
            second[:, j, k] = _sums(arm.strata, column * arm.covariates[k], size)
            second[:, k, j] = second[:, j, k]
    products += 2 / arm.stratum_weight * np.einsum("sj,jk,sk->s", first, gram_inverse, first)
    scaled = gram_inverse @ second
    return products + np.einsum("sjk,skj->s", scaled, scaled)
