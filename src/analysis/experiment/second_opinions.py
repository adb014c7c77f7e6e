"""Second opinions on a cluster design's p value, for when clusters are few."""

from __future__ import annotations

import numpy as np

from ..message import Message, Value
from .estimation import Compared
from .estimators.bootstrap import wild_cluster_bootstrap
from .estimators.cluster_arms import cluster_arms
from .estimators.clusters import fit_clusters
from .estimators.covariates import clean_covariates
from .estimators.permutation import permutation_test
from .estimators.results import FloatArray, Status
from .estimators.units import Units


def cluster_notes(compared: Compared) -> tuple[Message, ...]:
    """Permutation and wild cluster bootstrap p of a comparison of clusters.

    The permutation leaves covariates out: it then asks nothing of a model, and its thousands of
    regressions are small.
    """
    units, values = compared.cell.units, compared.values
    if units.clusters is None or compared.comparison.status is not Status.OK:
        return ()
    if values.response is not None:
        units = Units(**{**vars(units), "weights": values.response.weights})
    used = np.isfinite(values.values)
    units, outcome = units.take(used), values.values[used]
    bare = Units(**{**vars(units), "covariates": None, "covariate_names": ()})
    permuted = permutation_test(outcome, bare)
    booted = _bootstrap_p(outcome, units)
    found = []
    if permuted.status is Status.OK:
        p = {"p": Value("plain", f"{permuted.p_value:.2g}")}
        found.append(Message("permutation of clusters, without covariates: p = {p}", p))
    if np.isfinite(booted):
        p = {"p": Value("plain", f"{booted:.2g}")}
        found.append(Message("wild cluster bootstrap: p = {p}", p))
    return tuple(found)


def spillover_notes(compared: Compared) -> tuple[Message, ...]:
    """Permutation p of a spillover: exact, because the same untreated customers are compared.

    Who is untreated at a share of ½ was drawn beforehand in every cluster, so the set does not
    depend on which clusters drew which share.
    """
    units, values = compared.cell.units, compared.values
    if units.clusters is None or compared.comparison.status is not Status.OK:
        return ()
    if values.response is not None:
        units = Units(**{**vars(units), "weights": values.response.weights})
    used = np.isfinite(values.values)
    bare = Units(**{**vars(units.take(used)), "covariates": None, "covariate_names": ()})
    found = permutation_test(values.values[used], bare)
    if found.status is not Status.OK:
        return ()
    p = {"p": Value("plain", f"{found.p_value:.2g}")}
    return (Message("permutation of clusters over the same untreated customers: p = {p}", p),)


def _bootstrap_p(outcome: FloatArray, units: Units) -> float:
    """p of no effect by the restricted wild cluster bootstrap."""
    used = np.ones(len(units), bool) if units.weights is None else units.weights > 0
    units, outcome = units.take(used), outcome[used]
    covariates = clean_covariates(units.covariates, units.covariate_names, len(units))
    design = cluster_arms(units, covariates).design
    fit = fit_clusters(design, outcome - outcome[0])
    contrast = np.zeros(len(fit.coefficients))
    contrast[:2] = 1, -1
    return wild_cluster_bootstrap(design, fit, contrast, interval=False).p_value
