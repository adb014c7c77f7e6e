"""Maximum likelihood of positive parameters, on their logarithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]

LARGEST_LOG = 12.0
"""Parameters are held between exp(−12) and exp(12): beyond, the likelihood is flat."""
GRADIENT_TOLERANCE = 1e-7
"""Of the mean log-likelihood a customer; parameters are then steady to five digits."""
MOST_STEPS = 500


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is largest.

    Attributes:
        place: (p,) logarithms of the parameters.
        value: The log-likelihood there.
        converged: Whether the search ended within its steps, away from the bounds.
    """

    place: FloatArray
    value: float
    converged: bool


def maximise(
    log_likelihood: Callable[[FloatArray], tuple[float, FloatArray]], start: FloatArray
) -> Maximum:
    """Climb from a start with the exact gradient (L-BFGS-B).

    Args:
        log_likelihood: Gives the value and the (p,) gradient in the logarithms.
        start: (p,) logarithms to start from.
    """
    first, _ = log_likelihood(start)
    size = max(abs(first), 1.0)

    def falling(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood(theta)
        return -value / size, -gradient / size

    found = minimize(
        falling,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-LARGEST_LOG, LARGEST_LOG)] * len(start),
        options={"gtol": GRADIENT_TOLERANCE, "ftol": 1e-14, "maxiter": MOST_STEPS},
    )
    inside = bool((np.abs(found.x) < LARGEST_LOG - 1e-6).all())
    return Maximum(np.asarray(found.x), float(-found.fun * size), bool(found.success) and inside)
