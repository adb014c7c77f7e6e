"""How often a customer will buy, and whether it still does: the BG/NBD model.

While alive, a customer buys at its own steady rate, gamma distributed over customers; after each
purchase it may leave, with its own chance, beta distributed over customers.

Source:
    Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, hyp2f1

from .fitting import FloatArray, maximise

IntArray = NDArray[np.int64]
NEAREST_TO_ONE = 1e-6
"""The expectation divides by a − 1; nearer to it, a is taken this far away (its limit exists)."""


@dataclass(frozen=True)
class Histories:
    """Purchase histories; equal ones stand once, with their number.

    Attributes:
        repeats: (k,) purchases after the first one.
        recency: (k,) time of the last purchase, from the first one.
        age: (k,) time until now, from the first purchase.
        customers: (k,) customers with this history.
        group: (n,) history of each customer.
    """

    repeats: FloatArray
    recency: FloatArray
    age: FloatArray
    customers: FloatArray
    group: IntArray


def histories(repeats: FloatArray, recency: FloatArray, age: FloatArray) -> Histories:
    """Group identical histories.

    Args:
        repeats: (n,) purchases after the first.
        recency, age: (n,) times, in one unit.

    Raises:
        ValueError: A time is negative, or the last purchase lies after now.
    """
    columns = np.column_stack([repeats, recency, age]).astype(np.float64)
    if not np.isfinite(columns).all() or (columns < 0).any() or (recency > age).any():
        raise ValueError("0 <= recency <= age and repeats >= 0 must hold for every customer")
    order = np.lexsort(columns.T[::-1])
    placed = columns[order]
    begins = np.ones(len(placed), dtype=bool)
    begins[1:] = (placed[1:] != placed[:-1]).any(axis=1)
    group = np.empty(len(placed), dtype=np.int64)
    group[order] = np.cumsum(begins) - 1
    customers = np.bincount(group).astype(np.float64)
    distinct = placed[begins]
    return Histories(distinct[:, 0], distinct[:, 1], distinct[:, 2], customers, group)


@dataclass(frozen=True)
class BgNbd:
    """A fitted model.

    Attributes:
        r, alpha: Shape and rate (in time units) of the gamma distribution of buying rates.
        a, b: Beta distribution of the chance to leave after a purchase.
        log_likelihood: At the maximum.
        converged: Whether the maximum was found.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool

    def alive(self, known: Histories) -> FloatArray:
        """(k,) probability that a customer with the history still buys."""
        return np.asarray(1 / (1 + self._leaving_odds(known)))

    def expected(self, known: Histories, ahead: float) -> FloatArray:
        """(k,) purchases expected in the next `ahead` time units, given the history.

        Equation (10) of the source, with Euler's transformation of the hypergeometric function:
        the number of purchases leaves its numerator, so that nothing over- or underflows for a
        customer with thousands of them.
        """
        a = self.a if abs(self.a - 1) > NEAREST_TO_ONE else 1 + NEAREST_TO_ONE
        c = a + self.b + known.repeats - 1
        z = ahead / (self.alpha + known.age + ahead)
        lasting = hyp2f1(a + self.b - 1 - self.r, a - 1, c, z) * np.exp((a - 1) * np.log1p(-z))
        return np.asarray(c / (a - 1) * (1 - lasting) / (1 + self._leaving_odds(known)))

    def _leaving_odds(self, known: Histories) -> FloatArray:
        """(k,) odds of having left after the last purchase; 0 without a repeat purchase."""
        x = known.repeats
        ratio = np.log(self.alpha + known.age) - np.log(self.alpha + known.recency)
        with np.errstate(over="ignore"):  # odds beyond 1e308: certainly gone
            odds = self.a / (self.b + np.maximum(x, 1) - 1) * np.exp((self.r + x) * ratio)
        return np.asarray(np.where(x > 0, odds, 0.0))


def fit_purchases(known: Histories) -> BgNbd:
    """Fit BG/NBD by maximum likelihood.

    Args:
        known: Histories; at least one customer must have bought again.
    """
    positive = known.age[known.age > 0]
    scale = float(np.average(positive)) if len(positive) else 1.0
    scaled = Histories(
        known.repeats, known.recency / scale, known.age / scale, known.customers, known.group
    )
    found = maximise(lambda theta: _log_likelihood(theta, scaled), np.zeros(4))
    r, alpha, a, b = np.exp(found.place)
    repeats = float(known.customers @ known.repeats)
    # a density of times: the change of unit enters once a repeat purchase
    level = found.value - repeats * np.log(scale)
    return BgNbd(r, alpha * scale, a, b, float(level), found.converged)


def _log_likelihood(theta: FloatArray, known: Histories) -> tuple[float, FloatArray]:
    """Log-likelihood and its gradient in the logarithms of r, alpha, a, b."""
    r, alpha, a, b = np.exp(theta)
    x, is_repeated = known.repeats, known.repeats > 0
    distinct, place = np.unique(x, return_inverse=True)
    beyond = np.maximum(distinct, 1) - 1  # b + x − 1, used where x > 0
    by_count = (
        gammaln(r + distinct) - gammaln(r) + gammaln(a + b) - gammaln(a + b + distinct)
        + gammaln(b + distinct) - gammaln(b)
    )  # fmt: skip
    to_now, to_last = np.log(alpha + known.age), np.log(alpha + known.recency)
    stays = -(r + x) * to_now
    left = np.log(a) - np.log(b + beyond)[place] - (r + x) * to_last
    left = np.where(is_repeated, left, -np.inf)
    either = np.logaddexp(stays, left)
    share = np.exp(left - either)  # of having left, among the two ways
    value = by_count[place] + r * np.log(alpha) + either
    total = digamma(a + b) - digamma(a + b + distinct)
    d_r = (digamma(r + distinct) - digamma(r))[place] + np.log(alpha)
    d_r = d_r - (1 - share) * to_now - share * to_last
    d_alpha = r / alpha - (r + x) * (
        (1 - share) / (alpha + known.age) + share / (alpha + known.recency)
    )
    d_a = total[place] + share / a
    d_b = (total + digamma(b + distinct) - digamma(b))[place] - share * (1 / (b + beyond))[place]
    gradient = np.array([known.customers @ d for d in (d_r, d_alpha, d_a, d_b)])
    return float(known.customers @ value), gradient * np.array([r, alpha, a, b])
