"""Which comparisons a plan makes, and what share of the units each of them has."""

from __future__ import annotations

from dataclasses import dataclass

from ...params.experiment import ExperimentSpec
from ..contrasts import Estimand
from .drawing import EQUAL_SHARES, HALF


@dataclass(frozen=True)
class PlannedComparison:
    """One comparison of a plan.

    Attributes:
        estimand: As in `contrasts`.
        treatment: The arm whose effect is looked at.
        share_of_units: Share of all units that it uses.
        share_treated: Share of these that are treated.
        share_of_cluster: Share of a cluster's units that it uses.
        of_clusters: Whole clusters are compared.
        within_clusters: Units of one cluster are compared with each other.
    """

    estimand: Estimand
    treatment: str
    share_of_units: float
    share_treated: float
    share_of_cluster: float = 1.0
    of_clusters: bool = False
    within_clusters: bool = False


def comparisons_of(spec: ExperimentSpec) -> tuple[PlannedComparison, ...]:
    """The comparisons that `contrasts` will make of a plan's units, in its order.

    A saturation design: total between shares 1 and 0; direct within ½; spillover between the
    untreated of ½ and those of 0 whom the draw leaves untreated.
    """
    if spec.design == "saturation":
        return _saturation(spec)
    control = spec.allocation[spec.control]
    return tuple(
        PlannedComparison(
            "total",
            arm,
            spec.allocation[arm] + control,
            spec.allocation[arm] / (spec.allocation[arm] + control),
            of_clusters=spec.design == "cluster",
        )
        for arm in spec.treatments
    )


def _saturation(spec: ExperimentSpec) -> tuple[PlannedComparison, ...]:
    drawn = dict(spec.share_allocation or EQUAL_SHARES)
    whole = sum(drawn.values())
    none, half, full = (drawn.get(share, 0.0) / whole for share in (0.0, HALF, 1.0))
    (arm,) = spec.treatments
    treated = spec.allocation[arm]
    sides = (
        ("total", none + full, full, False),
        ("direct", half, half * treated, True),
        ("spillover", (none + half) * (1 - treated), half * (1 - treated), False),
    )
    return tuple(
        PlannedComparison(
            estimand,  # type: ignore[arg-type]
            arm,
            share,
            part / share,
            1 - treated if estimand == "spillover" else 1.0,
            of_clusters=not within,
            within_clusters=within,
        )
        for estimand, share, part, within in sides
        if 0 < part < share
    )
