"""Who is compared with whom, by design.

Customers or clusters: each arm against the control. Saturation (clusters draw a share of treated
customers, customers draw arms within): cells are compared, never pooled arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import DesignError
from .estimators.results import BoolArray, IntArray
from .study import Study

Estimand = Literal["total", "direct", "spillover"]
SHARE_TOLERANCE = 1e-6
"""Shares are 0, ½ and 1, written as decimals."""


NO_CLUSTERS = np.empty(0, dtype=object)


@dataclass(frozen=True, eq=False)
class Contrast:
    """One comparison of two groups of units.

    Attributes:
        estimand: ``total``, ``direct`` (beside untreated neighbours), or ``spillover`` (on them).
        treatment: The arm whose effect is looked at.
        control: The control arm.
        rows: (n,) units that belong to the comparison.
        treated: (n,) of these, the side whose value comes first.
        clusters: (n,) code of the cluster where clusters were randomised, else None.
        cluster_names: (G,) name of the cluster by its code; empty where units were randomised.
        strata: (n,) code of the stratum, or None.
        blocked: Arms were dealt within the strata.
    """

    estimand: Estimand
    treatment: str
    control: str
    rows: BoolArray
    treated: BoolArray
    clusters: IntArray | None
    cluster_names: np.ndarray
    strata: IntArray | None
    blocked: bool


def contrasts(study: Study) -> tuple[Contrast, ...]:
    """All comparisons of an experiment, the one that decides first.

    Raises:
        DesignError: A saturation design's shares are not 0, ½ and 1, or contradict the arms, or
            a cluster of a cluster design holds two arms.
    """
    if study.spec.design == "saturation":
        return _saturation(study)
    clusters, names = None, NO_CLUSTERS
    if study.spec.design == "cluster":
        _refuse_mixed_clusters(study)
        clusters, names = _codes(study, study.spec.cluster)
    strata = _strata(study)
    control = study.in_arm(study.spec.control)
    return tuple(
        Contrast(
            "total",
            arm,
            study.spec.control,
            control | study.in_arm(arm),
            study.in_arm(arm),
            clusters,
            names,
            strata,
            study.spec.blocked,
        )
        for arm in study.spec.treatments
    )


def _saturation(study: Study) -> tuple[Contrast, ...]:
    """Total between share 1 and 0; direct within ½; spillover between ½ and 0, untreated only."""
    spec = study.spec
    (treatment,) = spec.treatments
    share = study.numbers(spec.share)
    none, half, full = (np.abs(share - s) < SHARE_TOLERANCE for s in (0.0, 0.5, 1.0))
    treated = study.in_arm(treatment)
    _refuse_contradictions(study, none, half, full, treated)
    clusters, names = _codes(study, spec.cluster)
    strata = _strata(study)
    untreated_at_half = study.units[spec.arm_at_half].to_numpy(dtype=object) == spec.control
    focal = np.asarray(untreated_at_half, dtype=bool)
    total = Contrast(
        "total", treatment, spec.control, none | full, full, clusters, names, strata, spec.blocked
    )
    direct = Contrast(
        "direct", treatment, spec.control, half, treated, None, NO_CLUSTERS, clusters, False
    )
    spillover = Contrast(
        "spillover",
        treatment,
        spec.control,
        focal & (none | half),
        half,
        clusters,
        names,
        strata,
        spec.blocked,
    )
    return total, direct, spillover


def _refuse_contradictions(
    study: Study, none: BoolArray, half: BoolArray, full: BoolArray, treated: BoolArray
) -> None:
    spec = study.spec
    if not (none | half | full).all():
        other = sorted(set(study.numbers(spec.share)[~(none | half | full)].tolist()))
        raise DesignError(
            "The saturation design draws shares of 0, 0.5 and 1",
            where=f"experiment {spec.id}: {spec.share}",
            got=", ".join(str(share) for share in other[:3]),
            allowed=[0, 0.5, 1],
        )
    dealt = np.asarray(study.units[spec.arm_at_half].to_numpy(dtype=object) != spec.control)
    wrong = (treated & none) | (~treated & full) | (half & (treated != dealt))
    if wrong.any():
        raise DesignError(
            f"{int(wrong.sum())} units are not in the arm that their cluster's share deals them",
            where=f"experiment {spec.id}: {spec.arm}",
            todo="Assign by the drawn share: none at 0, all at 1, the hash's arm at 0.5.",
        )


def _refuse_mixed_clusters(study: Study) -> None:
    spec = study.spec
    arms = study.units.groupby(spec.cluster)[spec.arm].nunique()
    mixed = arms.index[arms > 1]
    if len(mixed):
        raise DesignError(
            f"{len(mixed)} clusters hold units of two arms",
            where=f"experiment {spec.id}: {spec.cluster}",
            got=", ".join(str(cluster) for cluster in mixed[:3]),
            todo="Name the design that was drawn: customer, cluster or saturation.",
        )


def _strata(study: Study) -> IntArray | None:
    """One code a combination of the strata columns; a missing value is a stratum of its own."""
    columns = list(study.spec.strata)
    if not columns:
        return None
    numbered = study.units.groupby(columns, dropna=False, sort=True).ngroup()
    return np.asarray(numbered, dtype=np.intp)


def _codes(study: Study, column: str | None) -> tuple[IntArray, np.ndarray]:
    """One code a cluster, and the clusters' names by code."""
    codes, names = pd.factorize(study.units[str(column)], sort=True)
    return codes.astype(np.intp), np.asarray(names, dtype=object)
