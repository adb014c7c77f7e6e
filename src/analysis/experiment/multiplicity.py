"""Many questions at once: which p values are corrected together, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .estimate import ITT, WHOLE, Estimate
from .estimators.multiplicity import benjamini_hochberg, holm
from .followed import NET_VALUE

Family = tuple[str, ...]


def with_adjusted_p(
    estimates: Sequence[Estimate], columns: Mapping[str, str]
) -> tuple[Estimate, ...]:
    """The estimates with their p values after multiplicity.

    Primaries by Holm over metrics and arms, secondaries by Benjamini-Hochberg, guardrails by
    Holm; segments by Holm over all segments that the plan declares, the net value in them too.
    Readings and bounds are not corrected: nothing is decided on them.

    Args:
        estimates: All estimates of an experiment.
        columns: Declared segment → the column it comes from.
    """
    families: dict[Family, list[int]] = {}
    for i, estimate in enumerate(estimates):
        family = _family(estimate, columns)
        if family:
            families.setdefault(family, []).append(i)
    adjusted = dict(_adjusted(estimates, families))
    return tuple(
        replace(e, p_adjusted=adjusted[i]) if i in adjusted else e for i, e in enumerate(estimates)
    )


def _family(estimate: Estimate, columns: Mapping[str, str]) -> Family:
    """The estimates that it is corrected together with; empty for none."""
    is_money = estimate.metric.name == NET_VALUE and estimate.segment != WHOLE
    if estimate.bound or estimate.basis != ITT or (estimate.role == "reading" and not is_money):
        return ()
    if estimate.segment != WHOLE:
        is_declared = estimate.segment in columns
        declared = "declared" if is_declared else "ordinary"
        return ("segment", declared, estimate.estimand, estimate.metric.name, estimate.treatment)
    return (estimate.role, estimate.estimand)


def _adjusted(
    estimates: Sequence[Estimate], families: Mapping[Family, list[int]]
) -> Iterable[tuple[int, float]]:
    for family, members in families.items():
        p_values = np.array([estimates[i].decisive_p for i in members])
        correct = benjamini_hochberg if family[0] == "secondary" else holm
        yield from zip(members, correct(p_values).tolist(), strict=True)
