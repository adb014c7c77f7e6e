"""What a numerical function hands back: a status, notes, and numbers.

A number is never NaN without a status that says why. Notes carry codes and counts, not
sentences: this package knows no language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


class Status(StrEnum):
    """Why a result has no, or not all, of its numbers."""

    OK = "ok"
    NO_UNITS = "no units"
    """An arm has no unit with a value."""
    TOO_FEW_UNITS = "too few units"
    """An arm has one unit, or no degree of freedom is left: values, but no standard error."""
    NO_VARIATION = "no variation"
    """Every unit has its arm's value: the effect stands, an interval cannot be made."""
    INSUFFICIENT_CLUSTERS = "insufficient clusters"
    """Fewer than four clusters in an arm: values, but nothing to decide on."""
    UNDEFINED = "undefined"
    """A denominator is zero, or in the mean below it."""
    UNBOUNDED = "unbounded"
    """The data exclude no value on at least one side: the interval has an infinite limit."""
    HORIZON_BEYOND_DATA = "horizon beyond data"
    """Nobody was followed as long as the horizon asks."""
    NOT_CONVERGED = "not converged"
    """A likelihood has no finite maximum (for example no event in one arm)."""
    LOOKS_EXHAUSTED = "looks exhausted"
    """The planned looks are used up: no further claim."""


class NoteCode(StrEnum):
    """What a reader must know beside a number."""

    MISSING_OUTCOMES = "missing_outcomes"
    """count: units left out because they have no value."""
    INFINITE_OUTCOMES = "infinite_outcomes"
    """count: units left out because their value is infinite."""
    COVARIATE_CONSTANT = "covariate_constant"
    """subject: covariate dropped because it does not vary."""
    COVARIATE_COLLINEAR = "covariate_collinear"
    """subject: covariate dropped because others (or the strata) determine it in an arm."""
    COVARIATE_MISSING = "covariate_missing"
    """subject, count: values filled with the mean, and an indicator added."""
    COVARIATES_TOO_MANY = "covariates_too_many"
    """subject: covariate dropped because the units (or clusters) do not carry it."""
    STRATA_POOLED = "strata_pooled"
    """count: strata merged because an arm has too few units in them."""
    CONSTANT_IN_ONE_ARM = "constant_in_one_arm"
    """Only one arm varies: its variance stands for both."""
    SKEWED = "skewed"
    """count: skewness of the estimate × 100; the interval may miss more often than promised."""
    FEW_CLUSTERS = "few_clusters"
    """count: clusters of the smaller arm; the interval rests on a handful of clusters."""
    NEGATIVE_CONTROL = "negative_control"
    """The control's value is negative: the relative effect divides by its size."""
    NEGATIVE_DENOMINATOR = "negative_denominator"
    """count: units of a ratio whose denominator is below zero."""
    WEIGHTS_TRIMMED = "weights_trimmed"
    """count: response weights trimmed."""
    RESPONSE_SEPARATED = "response_separated"
    """subject: arm in which a covariate decides response; its weights are held finite."""
    OUT_OF_RANGE = "out_of_range"
    """count: values outside their scale, treated as missing."""
    WEAK_INSTRUMENT = "weak_instrument"
    """count: first-stage F, rounded down; assignment hardly moves the use of the service."""


@dataclass(frozen=True)
class Note:
    """One remark: a code, how many, and about what (a covariate, an arm, a stratum)."""

    code: NoteCode
    count: int = 0
    subject: str = ""


def merge_notes(*groups: Iterable[Note]) -> tuple[Note, ...]:
    """All notes in order, each once."""
    return tuple(dict.fromkeys(note for group in groups for note in group))
