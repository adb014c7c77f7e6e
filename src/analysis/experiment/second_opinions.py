"""Second opinions on a cluster design's p value, for when clusters are few."""

from __future__ import annotations

from ..message import Message, Value
from .estimation import Compared
from .estimators.bootstrap import bootstrap_test
from .estimators.permutation import permutation_test
from .estimators.results import Status
from .estimators.units import Units


def cluster_notes(compared: Compared) -> tuple[Message, ...]:
    """Permutation and wild cluster bootstrap p of a comparison of clusters."""
    units, values = compared.cell.units, compared.values
    if units.clusters is None or compared.comparison.status is not Status.OK:
        return ()
    if values.response is not None:
        units = Units(**{**vars(units), "weights": values.response.weights})
    permuted = permutation_test(values.values, units)
    booted = bootstrap_test(values.values, units)
    found = []
    if permuted.status is Status.OK:
        p = {"p": Value("plain", f"{permuted.p_value:.2g}")}
        found.append(Message("permutation of clusters: p = {p}", p))
    if booted.status is Status.OK:
        p = {"p": Value("plain", f"{booted.p_value:.2g}")}
        found.append(Message("wild cluster bootstrap: p = {p}", p))
    return tuple(found)
