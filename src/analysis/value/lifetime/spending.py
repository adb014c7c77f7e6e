"""What a purchase of a customer is worth: the Gamma-Gamma model.

Values of a customer's purchases vary around its own mean; the means vary over customers. A
customer with few purchases is drawn towards what all customers spend.

Source:
    Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from .fitting import FloatArray, maximise


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model.

    Attributes:
        p: Shape of a customer's purchases.
        q: Shape of the distribution over customers.
        v: Its scale, in currency.
        log_likelihood: At the maximum.
        converged: Whether the maximum was found.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    converged: bool

    @property
    def population_mean(self) -> float:
        """Value of a purchase expected of a customer that nothing is known of; NaN if endless."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("nan")

    def expected(self, purchases: FloatArray, mean_value: FloatArray) -> FloatArray:
        """(n,) value expected of a customer's purchases.

        Args:
            purchases: (n,) purchases that the mean was taken over; 0 gives the population's mean.
            mean_value: (n,) their mean value, above zero where there are purchases.
        """
        weight = self.p * purchases
        spent = np.where(purchases > 0, mean_value, 0.0)
        known = self.p * (self.v + purchases * spent) / (weight + self.q - 1)
        return np.asarray(np.where(purchases > 0, known, self.population_mean))


def fit_spending(purchases: FloatArray, mean_value: FloatArray) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood.

    Args:
        purchases: (n,) purchases, above zero.
        mean_value: (n,) their mean value, above zero.

    Raises:
        ValueError: A value is not above zero.
    """
    if not ((purchases > 0) & (mean_value > 0)).all() or not len(purchases):
        raise ValueError("purchases and their mean values must be above zero, and there be some")
    scale = float(np.exp(np.log(mean_value).mean()))
    scaled = mean_value / scale
    found = maximise(lambda theta: _log_likelihood(theta, purchases, scaled), np.ones(3))
    p, q, v = np.exp(found.place)
    level = found.value - len(purchases) * float(np.log(scale))
    return GammaGamma(p, q, v * scale, level, found.converged)


def _log_likelihood(theta: FloatArray, x: FloatArray, mean: FloatArray) -> tuple[float, FloatArray]:
    """Log-likelihood of the means and its gradient in the logarithms of p, q, v."""
    p, q, v = np.exp(theta)
    total, log_x, log_mean = np.log(v + mean * x), np.log(x), np.log(mean)
    value = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        + (p * x - 1) * log_mean + p * x * log_x - (p * x + q) * total
    )  # fmt: skip
    both = digamma(p * x + q)
    d_p = x * (both - digamma(p * x) + log_mean + log_x - total)
    d_q = both - digamma(q) + np.log(v) - total
    d_v = q / v - (p * x + q) / (v + mean * x)
    gradient = np.array([d.sum() for d in (d_p, d_q, d_v)])
    return float(value.sum()), gradient * np.array([p, q, v])
