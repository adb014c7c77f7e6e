"""Numbers from one row a customer: ratios, their differences, slopes within customers, shares.

Rows of one customer are not independent, so every variance is taken over customers. Degrees of
freedom follow the effective number of customers, G* = (Σw)²/Σw² with w a customer's part of what
is divided by: a few large customers weigh as what they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
FEWEST_CUSTOMERS = 10.0
"""Effective customers below which no interval is given."""
FEWEST_ROWS = 20
"""Rows (answers, tickets, deliveries) below which a group is not compared."""
RESAMPLES = 500
SEED = 20_261_124
"""Of the bootstrap's draws: the same tables give the same interval."""


@dataclass(frozen=True)
class Estimate:
    """A quantity with its 95 % interval.

    Attributes:
        value, low, high: In the quantity's own unit.
        n: Rows behind it; of a comparison, in the smaller group.
        customers: Customers behind it.
    """

    value: float
    low: float
    high: float
    n: int
    customers: int


@dataclass(frozen=True)
class TooFew:
    """There are too few rows or customers for an interval.

    Attributes:
        n, needed: Rows (or effective customers) there are, and needed at least.
    """

    n: int
    needed: int


def ratio(num: Floats, den: Floats) -> Estimate | TooFew:
    """Σnum ÷ Σden over customers, linearised.

    Args:
        num, den: One entry a customer, shape (G,); `den` counts its rows.
    """
    n = int(den.sum())
    short = _too_few(n, den)
    if short:
        return short
    value, psi = _linearised(num, den)
    half = _quantile(_effective(den) - 1) * math.sqrt(_variance(psi))
    return Estimate(value, value - half, value + half, n, int((den > 0).sum()))


def difference(num: Floats, den: Floats, num_0: Floats, den_0: Floats) -> Estimate | TooFew:
    """Difference of two ratios over the same customers (a customer may count in both)."""
    parts = _both(num, den, num_0, den_0)
    if isinstance(parts, TooFew):
        return parts
    (one, psi), (zero, psi_0), n = parts
    half = _half(psi, psi_0, den, den_0, psi - psi_0)
    value = one - zero
    return Estimate(value, value - half, value + half, n, int(((den > 0) | (den_0 > 0)).sum()))


def relative_difference(
    num: Floats, den: Floats, num_0: Floats, den_0: Floats
) -> Estimate | TooFew:
    """Relative difference of two positive ratios, its interval on the log scale."""
    parts = _both(num, den, num_0, den_0)
    if isinstance(parts, TooFew):
        return parts
    (one, psi), (zero, psi_0), n = parts
    if one <= 0 or zero <= 0:
        return TooFew(0, FEWEST_ROWS)
    psi, psi_0 = psi / one, psi_0 / zero
    half = _half(psi, psi_0, den, den_0, psi - psi_0)
    log = math.log(one / zero)
    ends = (math.expm1(log - half), math.expm1(log + half))
    return Estimate(math.expm1(log), *ends, n, int(((den > 0) | (den_0 > 0)).sum()))


@dataclass(frozen=True)
class Slopes:
    """A regression within customers, from cross-products.

    Attributes:
        beta: Shape (k,).
        cov: Clustered by customer, shape (k, k).
        inverse: (Σ W_xx)⁻¹, shape (k, k).
        w_xx: Cross-products of each customer about its own means, shape (G, k, k).
        n, customers: Rows and customers that vary.
    """

    beta: Floats
    cov: Floats
    inverse: Floats
    w_xx: Floats
    n: int
    customers: int

    def combined(self, weights: Floats) -> Estimate | TooFew:
        """A weighted sum of the slopes; weights of shape (k,)."""
        leverage = np.einsum(
            "i,gij,j->g", self.inverse @ weights, self.w_xx, self.inverse @ weights
        )
        short = _too_few(self.n, leverage)
        if short:
            return short
        value = float(weights @ self.beta)
        half = _quantile(_effective(leverage) - 1) * math.sqrt(float(weights @ self.cov @ weights))
        return Estimate(value, value - half, value + half, self.n, self.customers)

    def ratio_of(self, top: Floats, bottom: Floats) -> Estimate | TooFew:
        """Ratio of two weighted sums, by the delta method."""
        below = self.combined(bottom)
        if isinstance(below, TooFew):
            return below
        value = float(top @ self.beta) / below.value
        gradient = (top - value * bottom) / below.value
        slope = self.combined(gradient)
        if isinstance(slope, TooFew):
            return slope
        half = slope.high - slope.value
        return Estimate(value, value - half, value + half, self.n, self.customers)


def within_slopes(sums: Floats, products: Floats, n: Floats) -> Slopes | TooFew:
    """Least squares of y on x, each customer about its own mean.

    Args:
        sums: Σ of (y, x₁ … x_k) by customer, shape (G, 1 + k).
        products: Σ of their cross-products by customer, shape (G, 1 + k, 1 + k).
        n: Rows by customer, shape (G,).

    Source:
        Liang and Zeger (1986), Biometrika 73(1): variance from the customers' score sums.
    """
    about = products - sums[:, :, None] * sums[:, None, :] / n[:, None, None]
    w_xx, w_xy = about[:, 1:, 1:], about[:, 1:, 0]
    varies = np.trace(w_xx, axis1=1, axis2=2) > 1e-9
    rows = int(n[varies].sum())
    total = w_xx.sum(axis=0)
    if rows < FEWEST_ROWS or np.linalg.matrix_rank(total) < len(total):
        return TooFew(rows, FEWEST_ROWS)
    inverse = np.linalg.inv(total)
    beta = inverse @ w_xy.sum(axis=0)
    scores = w_xy - np.einsum("gij,j->gi", w_xx, beta)
    count = max(int(varies.sum()), 2)
    cov = inverse @ (scores.T @ scores) @ inverse * count / (count - 1)
    return Slopes(beta, cov, inverse, w_xx, rows, int(varies.sum()))


def resampled(statistic: Callable[[Floats], Floats], customers: int) -> list[Estimate] | TooFew:
    """Statistics of a whole company with percentile intervals, customers drawn again.

    Args:
        statistic: Takes how often each customer counts (shape (G,)), gives shape (m,).
        customers: G.

    Source:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.
    """
    if customers < FEWEST_ROWS:
        return TooFew(customers, FEWEST_ROWS)
    rng = np.random.default_rng(SEED)
    draws = np.stack(
        [
            statistic(_counted(rng.integers(0, customers, customers), customers))
            for _ in range(RESAMPLES)
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    lows, highs = np.quantile(draws, [tail, 1 - tail], axis=0)
    values = statistic(np.ones(customers))
    return [
        Estimate(float(v), float(low), float(high), customers, customers)
        for v, low, high in zip(values, lows, highs, strict=True)
    ]


def wilson(hits: int, n: int) -> Estimate | TooFew:
    """A share of independent customers, Wilson's interval.

    Example:
        >>> found = wilson(8, 40)
        >>> round(found.low, 4), round(found.high, 4)
        (0.105, 0.3476)

    Source:
        Wilson (1927), JASA 22(158).
    """
    if n < FEWEST_ROWS:
        return TooFew(n, FEWEST_ROWS)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, n, alpha=1 - CONFIDENCE, method="wilson")
    return Estimate(hits / n, float(low), float(high), n, n)


def _counted(drawn: npt.NDArray[np.int64], customers: int) -> Floats:
    return np.bincount(drawn, minlength=customers).astype(np.float64)


def _both(
    num: Floats, den: Floats, num_0: Floats, den_0: Floats
) -> tuple[tuple[float, Floats], tuple[float, Floats], int] | TooFew:
    n, n_0 = int(den.sum()), int(den_0.sum())
    short = _too_few(n, den) or _too_few(n_0, den_0)
    if short:
        return short
    return _linearised(num, den), _linearised(num_0, den_0), min(n, n_0)


def _linearised(num: Floats, den: Floats) -> tuple[float, Floats]:
    value = float(num.sum() / den.sum())
    return value, (num - value * den) / den.sum()


def _half(psi: Floats, psi_0: Floats, den: Floats, den_0: Floats, joint: Floats) -> float:
    """Half-width of a comparison; degrees of freedom after Satterthwaite."""
    v, v_0 = _variance(psi), _variance(psi_0)
    parts = v**2 / (_effective(den) - 1) + v_0**2 / (_effective(den_0) - 1)
    df = (v + v_0) ** 2 / parts if parts > 0 else FEWEST_CUSTOMERS
    return _quantile(df) * math.sqrt(_variance(joint))


def _variance(psi: Floats) -> float:
    count = int((psi != 0).sum())
    return float((psi**2).sum()) * count / max(count - 1, 1)


def _effective(weights: Floats) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _too_few(n: int, weights: Floats) -> TooFew | None:
    if n < FEWEST_ROWS:
        return TooFew(n, FEWEST_ROWS)
    effective = _effective(weights)
    if effective < FEWEST_CUSTOMERS:
        return TooFew(int(effective), int(FEWEST_CUSTOMERS))
    return None


def _quantile(df: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, max(df, 1.0)))
