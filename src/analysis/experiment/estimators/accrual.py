"""Always-valid inference while new units arrive: an asymptotic confidence sequence.

The interval holds at every sample size at once, so that looking each day costs nothing but
width. Normal-mixture boundary with the asymptotic guarantee of Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas (2024, Ann. Stat. 52(6), "Time-uniform central limit theory and asymptotic
confidence sequences").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from .results import Status


@dataclass(frozen=True)
class AlwaysValid:
    """An interval and a p value that stay valid however often one looks.

    Attributes:
        status: `ok`, or why there is no interval.
        low: Lower limit.
        high: Upper limit.
        p_value: Two-sided, for no effect.
        multiplier: Half width in standard errors (looks: calendar) of this look.
    """

    status: Status
    low: float
    high: float
    p_value: float
    multiplier: float


def accrual_interval(
    estimate: float,
    std_error: float,
    n: int,
    planned_n: int,
    *,
    alpha: float = 0.05,
    df: float = math.inf,
) -> AlwaysValid:
    """Always-valid interval of an estimate from n independent observations so far.

    Args:
        estimate: The effect, absolute or relative.
        std_error: Its standard error.
        n: Matured units (clusters in a cluster design) of both arms.
        planned_n: N* > 0, the n at which the interval is made tightest.
        alpha: Error allowed over all looks together.
        df: Degrees of freedom of the standard error where they are few, as with clusters; the
            multiplier is then carried to their t distribution, as `calendar_look` does.

    Returns:
        Interval and p value; status `no variation` where the standard error is not positive.

    Example:
        >>> found = accrual_interval(0.29, 0.12478, 6868, 5000)
        >>> round(found.low, 4), round(found.high, 4), round(found.p_value, 4)
        (-0.0894, 0.6694, 0.2907)
    """
    if not (np.isfinite(std_error) and std_error > 0 and n > 0):
        nan = float("nan")
        return AlwaysValid(Status.NO_VARIATION, nan, nan, nan, nan)
    multiplier, score = accrual_multiplier(n, planned_n, alpha=alpha), estimate / std_error
    if math.isfinite(df):
        multiplier = -float(special.stdtrit(df, special.ndtr(-multiplier)))
        score = float(special.ndtri(special.stdtr(df, -abs(score))))
    half_width = std_error * multiplier
    return AlwaysValid(
        Status.OK,
        estimate - half_width,
        estimate + half_width,
        accrual_p_value(score, 1.0, n, planned_n, alpha=alpha),
        multiplier,
    )


def accrual_multiplier(n: int, planned_n: int, *, alpha: float = 0.05) -> float:
    """Half width in standard errors: √N · √(2(Nρ²+1)/(N²ρ²) · ln(√(Nρ²+1)/α))."""
    scaled = n * _squared_rho(planned_n, alpha)
    return float(np.sqrt(2 * (scaled + 1) / scaled * np.log(np.sqrt(scaled + 1) / alpha)))


def accrual_p_value(
    estimate: float, std_error: float, n: int, planned_n: int, *, alpha: float = 0.05
) -> float:
    """min(1, 1/E) with the mixture martingale E = exp(ρ²S²/(2(Nρ²+1)))/√(Nρ²+1)."""
    scaled = n * _squared_rho(planned_n, alpha)
    t_squared = (estimate / std_error) ** 2
    log_e = scaled * t_squared / (2 * (scaled + 1)) - np.log1p(scaled) / 2
    return float(np.exp(min(0.0, -log_e)))


def _squared_rho(planned_n: int, alpha: float) -> float:
    """ρ² that makes the interval tightest near N*."""
    if planned_n <= 0:
        raise ValueError(f"planned_n is {planned_n}, must be above 0")
    log_alpha = -2 * np.log(alpha)
    return float((log_alpha + np.log(log_alpha + 1)) / planned_n)
