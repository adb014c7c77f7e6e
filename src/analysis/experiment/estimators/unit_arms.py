"""The one regression, for units: both arms, on the same strata and the same covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import Estimate
from .covariates import UNITS_PER_COVARIATE, Covariates, choose_covariates
from .regression import ArmDesign, arm_data, arm_design, fit_arm, keep_columns
from .results import FloatArray, IntArray, Note
from .strata import pool_strata, shares
from .units import Units


@dataclass(frozen=True, eq=False)
class UnitArms:
    """Both arms' designs, the covariates used, and what was pooled or dropped."""

    treatment: ArmDesign
    control: ArmDesign
    covariate_names: tuple[str, ...]
    n_strata: int
    notes: tuple[Note, ...]
    clusters_per_arm: tuple[int, int] = (0, 0)

    @property
    def cluster_ids(self) -> IntArray:
        """None: units were randomised."""
        return np.empty(0, dtype=np.intp)

    def estimate(self, outcome: FloatArray) -> Estimate:
        """Adjusted means with the HC2 covariance; influence by unit."""
        treatment = fit_arm(self.treatment, outcome[self.treatment.rows])
        control = fit_arm(self.control, outcome[self.control.rows])
        influence = np.empty(len(outcome))
        influence[self.treatment.rows] = treatment.influence
        influence[self.control.rows] = -control.influence
        df = welch_df(
            np.concatenate([treatment.variance_by_stratum, control.variance_by_stratum]),
            np.concatenate([self.treatment.df, self.control.df]),
        )
        covariance = np.diag([treatment.variance, control.variance])
        return Estimate((treatment.mean, control.mean), covariance, df, influence)


def unit_arms(units: Units, covariates: Covariates) -> UnitArms:
    """Everything of the regression that does not depend on the outcome.

    Args:
        units: Both arms with at least two units each; every unit is used.
        covariates: (n, q) of the same units, without gaps.

    Returns:
        The design of both arms on the same strata and the same covariates.
    """
    strata = pool_strata(units)
    share = shares(strata.codes, strata.n_strata, units.weights)
    arms = [
        arm_data(units, covariates.values, strata, rows)
        for rows in (np.flatnonzero(units.treated), np.flatnonzero(~units.treated))
    ]
    kept, notes = choose_covariates(
        covariates,
        [arm.gram for arm in arms],
        [float(arm.stratum_weight.sum()) for arm in arms],
        min((len(arm.rows) - strata.n_strata) // UNITS_PER_COVARIATE for arm in arms),
    )
    centre = _mean(covariates.values[:, kept], units.weights)
    treatment, control = (arm_design(keep_columns(arm, kept), share, centre) for arm in arms)
    names = tuple(covariates.names[j] for j in kept)
    return UnitArms(treatment, control, names, strata.n_strata, (*strata.notes, *notes))


def welch_df(variances: FloatArray, dfs: FloatArray) -> float:
    """Degrees of freedom of a sum of independent variances (Welch 1947, Satterthwaite 1946).

    Args:
        variances: (S,) parts of the variance; parts of zero do not count.
        dfs: (S,) degrees of freedom of each part.

    Returns:
        Degrees of freedom, 0 where there are none.
    """
    part = variances > 0
    if not part.any() or (dfs[part] <= 0).any():
        return 0.0
    scaled = variances[part] / variances[part].max()  # squares of tiny variances would vanish
    return float(scaled.sum() ** 2 / np.sum(scaled**2 / dfs[part]))


def _mean(values: FloatArray, weights: FloatArray | None) -> FloatArray:
    """(q,) weighted means of the columns."""
    if weights is None:
        return np.asarray(values.mean(axis=0))
    return np.einsum("i,ij->j", weights, values) / weights.sum()
