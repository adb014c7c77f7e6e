"""The effect on those who used the service, with assignment as the instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import Comparison
from .relative import RatioEstimate, ratio_of_estimates, without_ratio
from .results import Note, NoteCode, Status

WEAK_F = 10.0
"""First-stage F below which the instrument is weak (Staiger and Stock 1997, Econometrica 65(3));
Fieller's interval, which is the Anderson-Rubin interval here, stays right even so."""


@dataclass(frozen=True)
class ComplierEffect:
    """Effect per unit that used the service because it was assigned to it.

    Attributes:
        effect: Ratio of the two intention-to-treat effects, with its interval.
        first_stage: Difference in the share of users between the arms.
        first_stage_f: Its squared t value.
    """

    effect: RatioEstimate
    first_stage: float
    first_stage_f: float


def complier_effect(
    outcome: Comparison, uptake: Comparison, *, alpha: float = 0.05
) -> ComplierEffect:
    """CACE: the outcome's effect divided by the effect on use (Imbens and Angrist 1994).

    Args:
        outcome: Intention-to-treat comparison of the outcome, with influence values kept.
        uptake: The same units' comparison of use of the service (0/1 or a share), influence kept.
        alpha: Error the interval allows, two-sided.

    Returns:
        The effect on compliers; a status where the first stage is missing or zero.

    Raises:
        ValueError: The influence values do not belong to the same units.
    """
    usable = (Status.OK, Status.NO_VARIATION)  # everybody treated, nobody else: exact uptake
    for status in (outcome.status, uptake.status):
        if status not in usable:
            return ComplierEffect(without_ratio(status), uptake.effect, np.nan)
    if outcome.influence.shape != uptake.influence.shape or not outcome.influence.size:
        raise ValueError("keep the influence values of both comparisons, on the same units")
    influences = np.column_stack([outcome.influence, uptake.influence])
    found = ratio_of_estimates(
        np.array([outcome.effect, uptake.effect]),
        influences.T @ influences,
        float(np.nanmin([outcome.df, uptake.df])),
        alpha,
    )
    f_value = (uptake.effect / uptake.std_error) ** 2 if uptake.std_error > 0 else np.inf
    notes = (Note(NoteCode.WEAK_INSTRUMENT, int(f_value)),) if f_value < WEAK_F else ()
    return ComplierEffect(RatioEstimate(**{**vars(found), "notes": notes}), uptake.effect, f_value)
