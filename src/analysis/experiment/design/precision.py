"""What decides a metric's precision, measured on history: one value a unit, and what explains it.

The values come from the code that will compare the arms (ratios linearised, NPS in points,
restricted time as pseudo-observations), on a made-up half of the history against the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...params.experiment import ExperimentSpec
from ...params.metric import Metric
from ..contrasts import contrasts
from ..estimators import PlannedDesign, intracluster_correlation
from ..estimators.covariates import clean_covariates
from ..estimators.results import BoolArray, FloatArray
from ..study import Study, read_study
from ..values import metric_values, units_of
from .comparisons import PlannedComparison
from .drawing import draw
from .history import History

HALVES = "halves"
"""Key of the made-up draw that splits history in two."""


LEAST_VARIANCE = 1e-20
"""Share of the mean square below which values differ by rounding alone."""


@dataclass(frozen=True)
class MetricPrecision:
    """One metric on history.

    Attributes:
        metric: As the plan declares it, its window closed.
        n: Units of history.
        usable: Share of them that have a value: eligible, and answered where that is asked.
        response: Share of the eligible that answered; None where nothing can go unanswered.
        level: Mean of the value, in the metric's own unit.
        variance: Variance of a unit's value, squared units of the metric.
        explained: Share of the variance that strata and covariates explain, R² adjusted.
        weighting: Factor by which unequal weights of the respondents raise the variance, 1 + cv².
        clusters: Clusters with a value; 0 where the plan has none.
        cluster_size: Mean units with a value of a cluster.
        cluster_size_cv: Standard deviation ÷ mean of these.
        cluster_correlation: Of what is left after strata and covariates.
    """

    metric: Metric
    n: int
    usable: float
    response: float | None
    level: float
    variance: float
    explained: float
    weighting: float
    clusters: int
    cluster_size: float
    cluster_size_cv: float
    cluster_correlation: float

    def design(self, comparison: PlannedComparison) -> PlannedDesign:
        """The precision of one comparison, as `power` takes it."""
        variance = self.variance * self.weighting
        if comparison.within_clusters:
            variance *= 1 - self.cluster_correlation
        if not comparison.of_clusters:
            return PlannedDesign(variance, comparison.share_treated, self.explained)
        return PlannedDesign(
            variance,
            comparison.share_treated,
            self.explained,
            self.cluster_correlation,
            self.cluster_size * comparison.share_of_cluster,
            self.cluster_size_cv,
        )


def precision_of(history: History) -> tuple[MetricPrecision, ...]:
    """Measure the precision of every metric that history holds.

    Args:
        history: See `history_of`.

    Returns:
        One entry a metric of the plan, in its order; metrics without values or without any
        difference between customers are left out.
    """
    study = _halves(history)
    (side,) = contrasts(study)
    rows = np.ones(len(study.units), dtype=bool)
    units = units_of(study, side, rows)
    known = _known_before(study, history.spec)
    clusters = study.units["cluster_id"] if history.spec.cluster else None
    found = []
    for metric in history.metrics:
        values = metric_values(study, metric, rows, units)
        weights = values.response.weights if values.response else None
        measured = _measured(metric, values.values, values.used, weights, known, clusters)
        found += [measured] if measured else []
    return tuple(found)


def _halves(history: History) -> Study:
    """History split in two by chance, compared customer by customer."""
    spec = history.spec
    treatment = spec.treatments[0]
    plain = spec.model_copy(
        update={
            "design": "customer",
            "allocation": {spec.control: 0.5, treatment: 0.5},
            "share_allocation": {},
            "strata": (),
            "segments": (),
            "exposure": None,
            "metrics": history.metrics,
            "covariates": tuple(c for c in spec.covariates if c in history.units),
        }
    )
    arms = draw(history.units, plain, key=HALVES)["arm"].to_numpy()
    return read_study(history.units.assign(arm=arms).rename(columns={"arm": spec.arm}), plain)


def _known_before(study: Study, spec: ExperimentSpec) -> FloatArray:
    """(n, q) what the plan's strata and covariates say of each unit, with a constant."""
    names = list(study.covariates)
    raw = np.column_stack([study.numbers(name) for name in names]) if names else None
    covariates = clean_covariates(raw, names, len(study.units)).values
    strata = [c for c in strata_columns(spec) if c in study.units]
    dummies = [
        pd.get_dummies(study.units[c].astype("object").fillna("-").astype(str), drop_first=True)
        for c in strata
    ]
    return np.column_stack([np.ones(len(study.units)), covariates, *dummies]).astype(np.float64)


def strata_columns(spec: ExperimentSpec) -> tuple[str, ...]:
    """Columns within which arms are dealt: the plan's strata, tier and region for the draw's own.

    The pipeline's `stratum` is what the draw itself names (statistics.md, Designs).
    """
    if spec.design == "saturation":
        return ()
    return tuple(
        dict.fromkeys(
            name for c in spec.strata for name in (("tier", "region") if c == "stratum" else (c,))
        )
    )


def _measured(
    metric: Metric,
    values: FloatArray,
    used: BoolArray,
    weights: FloatArray | None,
    known: FloatArray,
    clusters: pd.Series | None,
) -> MetricPrecision | None:
    has = np.isfinite(values)
    n, counted = len(values), int(has.sum())
    if counted <= known.shape[1] + 1:
        return None
    own = values[has]
    variance = float(own.var(ddof=1))
    left, df = _residuals(own, known[has])
    unexplained = float(left @ left) / df
    if unexplained <= LEAST_VARIANCE * float(own @ own) / counted:
        return None
    explained = max(0.0, 1 - unexplained / variance)
    weighing = np.ones(1) if weights is None else weights[has & (weights > 0)]
    asked = weights is not None or bool((used & ~has).any())
    codes = None if clusters is None else pd.factorize(clusters[has])[0]
    sizes = np.bincount(codes[codes >= 0]) if codes is not None else np.ones(1)
    inside = codes >= 0 if codes is not None else np.zeros(counted, dtype=bool)
    return MetricPrecision(
        metric=metric,
        n=n,
        usable=counted / n,
        response=counted / max(int(used.sum()), 1) if asked else None,
        level=float(own.mean()),
        variance=variance,
        explained=explained,
        weighting=1 + float((weighing.std() / weighing.mean()) ** 2),
        clusters=len(sizes) if codes is not None else 0,
        cluster_size=float(sizes.mean()),
        cluster_size_cv=float(sizes.std(ddof=1) / sizes.mean()) if len(sizes) > 1 else 0.0,
        cluster_correlation=intracluster_correlation(left[inside], codes[inside].astype(np.float64))
        if codes is not None
        else 0.0,
    )


def _residuals(values: FloatArray, known: FloatArray) -> tuple[FloatArray, int]:
    """What a regression leaves, and its degrees of freedom."""
    fit, _, rank, _ = np.linalg.lstsq(known, values, rcond=None)
    return values - known @ fit, max(len(values) - int(rank), 1)
