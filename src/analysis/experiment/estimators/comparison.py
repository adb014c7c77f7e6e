"""The result of comparing two arms: interval, p value, status and warnings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from .results import BoolArray, FloatArray, IntArray, Note, NoteCode, Status, merge_notes
from .units import Units

NEGLIGIBLE = 1e-12
"""Standard error against the largest value below which the spread is rounding."""
SMALLEST_ERROR = 1e-100
"""Standard error below which its powers vanish in double precision: taken for none."""
SKEWNESS_WARNED = 0.2
"""Skewness of the estimate above which a note warns. Cochran's rule n > 25 · skewness² (Sampling
Techniques, 3rd ed., section 2.15) keeps a 95 % interval from missing more than 6 % of the time;
an estimate's own skewness is the value's skewness / √n, so the rule reads: below 0.2."""
SMALL_ARM = 50
"""Units of an arm below which its skewness is looked at by itself: so few values understate it,
and do not cancel reliably against the other arm's. At 25 units an arm of lognormal revenue the
skewness of the difference warned 70 % of the time, and the intervals it passed over missed 16 %."""
EVEN_FROM = 0.45
"""Share of the smaller arm from which the arms' skewness cancels, were they alike in shape."""
FEW_CLUSTERS = 6
"""Clusters of an arm below which a note warns: with cluster sizes as unequal as depots' (CV 0.9)
the interval then has fewer than about four degrees of freedom, where Satterthwaite's approximation
is known to be rough (Tipton 2015, Psychological Methods 20(3))."""
ROUGH_DF = 4.0
"""Degrees of freedom of a cluster design below which the same note warns (Tipton 2015)."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The treated arm against the control arm, for one outcome.

    Attributes:
        status: `ok`, or why numbers are missing.
        notes: What was left out, dropped, pooled or is doubtful.
        n_treatment: Treated units with a value.
        n_control: Control units with a value.
        clusters_treatment: Treated clusters with a value; 0 when units were randomised.
        clusters_control: Control clusters with a value; 0 when units were randomised.
        value_treatment: Adjusted mean of the treated.
        value_control: Adjusted mean of the controls.
        effect: Difference of the two.
        std_error: Standard error of the effect.
        df: Degrees of freedom of its t distribution.
        ci_low: Lower limit of the 1 − α interval of the effect.
        ci_high: Upper limit.
        p_value: Two-sided, for no effect.
        covariance: (2, 2) joint sandwich covariance of (value_treatment, value_control).
        influence: (n,) influence of each unit on the effect, 0 where it was not used; in a
            cluster design (G,) of each cluster, in the order of `influence_ids`. The sum of
            squares is std_error². Empty unless asked for.
        influence_ids: (G,) cluster codes, or empty.
        covariates: Names of the covariates used.
        n_strata: Strata after pooling.
        method: `difference`, `regression`, with ` weighted` or ` clustered` added.
    """

    status: Status
    notes: tuple[Note, ...]
    n_treatment: int
    n_control: int
    clusters_treatment: int
    clusters_control: int
    value_treatment: float
    value_control: float
    effect: float
    std_error: float
    df: float
    ci_low: float
    ci_high: float
    p_value: float
    covariance: FloatArray
    influence: FloatArray
    influence_ids: IntArray
    covariates: tuple[str, ...]
    n_strata: int
    method: str

    @property
    def n_analysed(self) -> int:
        """Independent observations: clusters in a cluster design, else units."""
        clusters = self.clusters_treatment + self.clusters_control
        return clusters or self.n_treatment + self.n_control


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a fit gives.

    Attributes:
        means: Adjusted means of the treated and of the controls.
        covariance: (2, 2) of the two means.
        df: Degrees of freedom of the difference.
        influence: (n,) of the used units, or (G,) of the clusters, on the difference.
    """

    means: tuple[float, float]
    covariance: FloatArray
    df: float
    influence: FloatArray


class FittedDesign(Protocol):
    """A regression's design, of units or of clusters, ready for any outcome."""

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates used."""

    @property
    def n_strata(self) -> int:
        """Strata after pooling."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was pooled or dropped."""

    @property
    def clusters_per_arm(self) -> tuple[int, int]:
        """Treated and control clusters; zeros when units were randomised."""

    @property
    def cluster_ids(self) -> IntArray:
        """(G,) codes, empty when units were randomised."""

    def estimate(self, outcome: FloatArray) -> Estimate:
        """Means and variance of one outcome (n,) of the used units."""


@dataclass(frozen=True, eq=False)
class Design:
    """The design of the units that share a set of known values.

    Attributes:
        used: (n,) rows with a value.
        units: The units of those rows.
        status: `ok`, or why nothing can be fitted or decided on.
        fitted: None where nothing can be fitted.
        notes: What was pooled, dropped or filled.
    """

    used: BoolArray
    units: Units
    status: Status
    fitted: FittedDesign | None
    notes: tuple[Note, ...]


def assemble(
    values: FloatArray, design: Design, notes: tuple[Note, ...], alpha: float, keep_influence: bool
) -> Comparison:
    """Fit one outcome and give its interval, p value and status.

    Args:
        values: (n_used,) finite.
        design: The design of the same units.
        notes: Notes on the outcome.
        alpha: Error the interval allows, two-sided.
        keep_influence: Keep the influence values.

    Returns:
        The comparison; numbers are NaN only beside a status.
    """
    fitted = design.fitted
    estimate = _plain_means(values, design.units) if fitted is None else fitted.estimate(values)
    is_constant = fitted is not None and _is_constant_in_one_arm(estimate.covariance)
    estimate = _with_shared_spread(estimate, design) if is_constant else estimate
    effect = estimate.means[0] - estimate.means[1]
    std_error = _std_error_of_difference(estimate.covariance)
    status = _status(values, design, std_error, estimate.df)
    has_error = fitted is not None and status in (Status.OK, Status.INSUFFICIENT_CLUSTERS)
    half_width, p_value = np.nan, np.nan
    if status is Status.OK:
        half_width, p_value = t_interval(effect, std_error, estimate.df, alpha)
    treated = design.units.treated
    clusters = fitted.clusters_per_arm if fitted else (0, 0)
    return Comparison(
        status=status,
        notes=merge_notes(
            notes, design.notes, _warnings(estimate, design, is_constant) if has_error else ()
        ),
        n_treatment=int(treated.sum()),
        n_control=int((~treated).sum()),
        clusters_treatment=clusters[0],
        clusters_control=clusters[1],
        value_treatment=estimate.means[0],
        value_control=estimate.means[1],
        effect=effect,
        std_error=0.0 if status is Status.NO_VARIATION else std_error if has_error else np.nan,
        df=estimate.df if has_error else np.nan,
        ci_low=effect - half_width,
        ci_high=effect + half_width,
        p_value=p_value,
        covariance=estimate.covariance,
        influence=_influence_by_row(design, estimate) if keep_influence else np.empty(0),
        influence_ids=(
            fitted.cluster_ids if fitted and keep_influence else np.empty(0, dtype=np.intp)
        ),
        covariates=fitted.covariate_names if fitted else (),
        n_strata=fitted.n_strata if fitted else 0,
        method=_method(design),
    )


def t_interval(effect: float, std_error: float, df: float, alpha: float) -> tuple[float, float]:
    """Half width of the 1 − α interval and two-sided p value for no effect."""
    # not scipy.stats.t: its checks cost more than a small segment's whole regression
    half_width = -float(special.stdtrit(df, alpha / 2)) * std_error
    return half_width, float(2 * special.stdtr(df, -abs(effect) / std_error))


def _plain_means(values: FloatArray, units: Units) -> Estimate:
    """Means of arms too small for a variance."""
    treatment, control = (
        float(values[member].mean()) if member.any() else np.nan
        for member in (units.treated, ~units.treated)
    )
    return Estimate((treatment, control), np.full((2, 2), np.nan), np.nan, np.zeros(len(values)))


def _std_error_of_difference(covariance: FloatArray) -> float:
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return float(np.sqrt(np.maximum(variance, 0.0)))


def _status(values: FloatArray, design: Design, std_error: float, df: float) -> Status:
    if design.fitted is None:
        return design.status
    largest = max(float(values.max()), -float(values.min()))
    if std_error <= max(NEGLIGIBLE * largest, SMALLEST_ERROR):
        return Status.NO_VARIATION
    if design.status is not Status.OK:
        return design.status
    return Status.OK if df > 0 else Status.TOO_FEW_UNITS


def _is_constant_in_one_arm(covariance: FloatArray) -> bool:
    """Whether the values of one arm, or of its clusters, do not vary."""
    variances = np.diag(covariance)
    return bool(variances.min() <= NEGLIGIBLE**2 * variances.max())


def _with_shared_spread(estimate: Estimate, design: Design) -> Estimate:
    """The estimate with one variance for both arms, where a small arm shows none of its own.

    Its sample variance of 0 is no knowledge: among 238 units an event of 0.5 % stays away by
    chance one time in three, and the difference to a large arm would then always be "shown". With
    the variance v of all units together the difference has v (1/n₁ + 1/n₀), as in the chi-square
    test: n_large / n_small times the varying arm's own. A constant arm that is the larger one
    keeps 0: pooling would make the interval narrower.
    """
    constant = int(np.argmin(np.diag(estimate.covariance)))
    treated = int(design.units.treated.sum())
    sizes = (treated, len(design.units) - treated)
    if design.fitted is not None and any(design.fitted.clusters_per_arm):
        sizes = design.fitted.clusters_per_arm
    own = float(estimate.covariance[1 - constant, 1 - constant])
    factor = sizes[1 - constant] / sizes[constant]
    if factor <= 1:
        return estimate
    covariance = np.diag([own, own])
    covariance[constant, constant] = own * (factor - 1)
    return Estimate(estimate.means, covariance, estimate.df, estimate.influence * math.sqrt(factor))


def _warnings(estimate: Estimate, design: Design, is_constant: bool) -> tuple[Note, ...]:
    """Notes on an arm without spread, on a skewed estimate, and on few clusters."""
    notes = []
    if is_constant:
        notes.append(Note(NoteCode.CONSTANT_IN_ONE_ARM))
    influence, units = estimate.influence, design.units
    skewness = max(_skewness(part) for part in _parts(influence, units))
    if units.clusters is None:
        skewness = max(skewness, _skewness_of_few(influence, units.treated))
    if skewness > SKEWNESS_WARNED:
        notes.append(Note(NoteCode.SKEWED, round(100 * skewness)))
    clusters = min(design.fitted.clusters_per_arm) if design.fitted else 0
    if clusters and (clusters < FEW_CLUSTERS or estimate.df < ROUGH_DF):
        notes.append(Note(NoteCode.FEW_CLUSTERS, clusters))
    return tuple(notes)


def _parts(influence: FloatArray, units: Units) -> tuple[FloatArray, ...]:
    """The influence values whose skewness counts: all, and each arm's where arms are small."""
    n_treated = int(units.treated.sum())
    small = min(n_treated, len(units) - n_treated) < SMALL_ARM
    if units.clusters is not None or not small:
        return (influence,)
    return (influence, influence[units.treated], influence[~units.treated])


def _skewness(influence: FloatArray) -> float:
    """Skewness of a sum of independent influence values; 0 where they do not vary."""
    squares = influence * influence
    spread = float(squares.sum())
    if spread <= SMALLEST_ERROR:
        return 0.0
    return abs(float(np.einsum("i,i->", squares, influence))) / spread**1.5


def _skewness_of_few(influence: FloatArray, treated: BoolArray) -> float:
    """Skewness of the difference, were the values of both arms of one shape and spread.

    A small arm seldom holds the few large values that make its mean lean, and tells its own
    skewness too small just when the interval misses; the large arm knows the shape. With arms of
    one size the two cancel, as they do in the difference.

    Args:
        influence: (n,) residual ÷ units of its arm, the controls' with the sign turned.
        treated: (n,).
    """
    n, few = float(len(influence)), float(treated.sum())
    if min(few, n - few) > EVEN_FROM * n:
        return 0.0
    part, squares = influence[treated], influence * influence
    spread_of_few = float(np.einsum("i,i->", part, part))
    moved_of_few = float(np.einsum("i,i,i->", part, part, part))
    spread, moved = float(squares.sum()), float(np.einsum("i,i->", squares, influence))
    total = few**2 * spread_of_few + (n - few) ** 2 * (spread - spread_of_few)
    if total <= SMALLEST_ERROR:
        return 0.0
    skewed = few**3 * moved_of_few - (n - few) ** 3 * (moved - moved_of_few)
    leaning = abs(1 / few**2 - 1 / (n - few) ** 2) / (1 / few + 1 / (n - few)) ** 1.5
    return abs(skewed) * math.sqrt(n) / total**1.5 * leaning


def _influence_by_row(design: Design, estimate: Estimate) -> FloatArray:
    """Influence by unit of the whole table, or by cluster."""
    if design.fitted is not None and any(design.fitted.clusters_per_arm):
        return estimate.influence
    full = np.zeros(len(design.used))
    full[design.used] = estimate.influence
    return full


def _method(design: Design) -> str:
    fitted = design.fitted
    adjusted = fitted is not None and (bool(fitted.covariate_names) or fitted.n_strata > 1)
    words = ["regression" if adjusted else "difference"]
    words += ["weighted"] if design.units.weights is not None else []
    words += ["clustered"] if design.units.clusters is not None else []
    return " ".join(words)
