"""Response weights: who answered stands for those alike who did not.

A logit of response on what was known before assignment, fitted in each arm by itself (a model
pooled over arms biases the effect when the service changes who answers). The weighted reading
is right only if response is random given these covariates. Weights are treated as known, which
on average widens the interval (Hirano, Imbens and Ridder 2003, Econometrica 71(4)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .covariates import UNITS_PER_COVARIATE, clean_covariates, independent_columns
from .results import BoolArray, FloatArray, Note, NoteCode, merge_notes
from .strata import PooledStrata, pool_strata
from .units import Units

TRIM_AT = (0.01, 0.99)
"""Percentiles of the respondents' weights, within each arm, at which weights are cut."""
RIDGE = 1e-6
"""Penalty on standardised slopes, in units of one observation: too small to move a fit that
exists, enough to keep one finite when a covariate separates response."""
SEPARATED_BEYOND = 15.0
"""|log odds| beyond which a fitted response is separated rather than rare (3 in 10 million)."""
MOST_STRATA = 50
"""Strata with a coefficient of their own in the response model; bounds memory at n × 50."""
MAX_STEPS = 100
"""Newton steps; a logit that has a maximum needs fewer than 20."""
STEP_TOLERANCE = 1e-9
"""Change of the log odds below which Newton's steps end."""


@dataclass(frozen=True, eq=False)
class ResponseWeights:
    """Weights for the respondents.

    Attributes:
        weights: (n,) 1 / probability of response, trimmed; 0 for non-respondents.
        probability: (n,) fitted probability of response.
        trimmed: Number of weights cut.
        rate_treatment: Share of treated units that answered.
        rate_control: Share of control units that answered.
        effective_treatment: (Σw)² / Σw² of the treated respondents.
        effective_control: The same of the controls.
        notes: Trimming, separation, covariates dropped.
    """

    weights: FloatArray
    probability: FloatArray
    trimmed: int
    rate_treatment: float
    rate_control: float
    effective_treatment: float
    effective_control: float
    notes: tuple[Note, ...]


def response_weights(responded: BoolArray, units: Units) -> ResponseWeights:
    """Inverse response probabilities from a logit by arm on strata and covariates.

    Args:
        responded: (n,) whether the unit answered.
        units: All assigned (matured) units, respondents or not.

    Returns:
        One weight a unit. An arm without respondents has weights 0.
    """
    strata = pool_strata(units)
    covariates = clean_covariates(units.covariates, units.covariate_names, len(units))
    columns = np.hstack([_stratum_indicators(strata), covariates.values])
    probability = np.empty(len(units))
    weights = np.zeros(len(units))
    notes = [*strata.notes, *covariates.notes]
    trimmed = 0
    for subject, member in (("treatment", units.treated), ("control", ~units.treated)):
        fitted, separated = response_probability(responded[member], columns[member])
        probability[member] = fitted
        arm_weights, n_cut = _trimmed(responded[member] / fitted, responded[member])
        weights[member] = arm_weights
        trimmed += n_cut
        notes += [Note(NoteCode.RESPONSE_SEPARATED, subject=subject)] if separated else []
    notes += [Note(NoteCode.WEIGHTS_TRIMMED, trimmed)] if trimmed else []
    if units.weights is not None:
        weights = weights * units.weights
    return ResponseWeights(
        weights,
        probability,
        trimmed,
        _mean(responded[units.treated]),
        _mean(responded[~units.treated]),
        _effective(weights[units.treated]),
        _effective(weights[~units.treated]),
        merge_notes(notes),
    )


def response_probability(responded: BoolArray, columns: FloatArray) -> tuple[FloatArray, bool]:
    """Fitted probabilities of a logit by Newton's method.

    Args:
        responded: (n,).
        columns: (n, k) standardised columns without the constant; those that others determine,
            and those beyond one for ten of the rarer outcome, are left out.

    Returns:
        (n,) probabilities, and whether some column separates response.
    """
    n, answered = len(responded), int(responded.sum())
    if answered in (0, n):
        return np.full(n, 1.0 if answered else 0.5), False  # nothing to model
    room = min(answered, n - answered) // UNITS_PER_COVARIATE
    centred = columns - columns.mean(axis=0)
    kept = independent_columns([centred.T @ centred], [float(n)])[:room]
    design = np.column_stack([np.ones(n), centred[:, kept]])
    odds = design @ _logit_coefficients(design, responded.astype(np.float64))
    return _logistic(odds), bool(np.abs(odds).max() > SEPARATED_BEYOND)


def _logit_coefficients(design: FloatArray, answered: FloatArray) -> FloatArray:
    """(k,) maximum likelihood; steps are halved until the likelihood does not fall."""
    penalty = RIDGE * np.r_[0.0, np.ones(design.shape[1] - 1)]
    rate = answered.mean()
    found = np.r_[np.log(rate / (1 - rate)), np.zeros(design.shape[1] - 1)]
    likelihood = _log_likelihood(design @ found, answered, found, penalty)
    for _ in range(MAX_STEPS):
        fitted = _logistic(design @ found)
        gradient = design.T @ (answered - fitted) - penalty * found
        spread = np.maximum(fitted * (1 - fitted), np.finfo(float).tiny)
        step = np.linalg.solve((design.T * spread) @ design + np.diag(penalty), gradient)
        while True:
            trial = _log_likelihood(design @ (found + step), answered, found + step, penalty)
            if trial >= likelihood or np.abs(step).max() < STEP_TOLERANCE:
                break
            step = step / 2
        found, likelihood = found + step, trial
        if np.abs(step).max() < STEP_TOLERANCE:
            break
    return found


def _log_likelihood(
    odds: FloatArray, answered: FloatArray, coefficients: FloatArray, penalty: FloatArray
) -> float:
    total = answered @ odds - np.logaddexp(0.0, odds).sum()
    return float(total - penalty @ coefficients**2 / 2)


def _logistic(odds: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -500, 500))))


def _trimmed(weights: FloatArray, responded: BoolArray) -> tuple[FloatArray, int]:
    """Weights cut at the percentiles of the respondents' weights, and how many were."""
    if not responded.any():
        return weights, 0
    low, high = np.quantile(weights[responded], TRIM_AT)
    cut = np.where(responded, np.clip(weights, low, high), 0.0)
    return cut, int(np.sum(cut != weights))


def _stratum_indicators(strata: PooledStrata) -> FloatArray:
    """(n, s) standardised indicators of the largest strata but one; the rest is the base."""
    if strata.n_strata == 1:
        return np.empty((len(strata.codes), 0))
    by_size = np.argsort(-np.bincount(strata.codes, minlength=strata.n_strata), kind="stable")
    chosen = np.sort(by_size[1 : 1 + MOST_STRATA])
    columns = (strata.codes[:, None] == chosen).astype(np.float64)
    spread = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _effective(weights: FloatArray) -> float:
    squares = float(np.sum(weights**2))
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def _mean(values: BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
