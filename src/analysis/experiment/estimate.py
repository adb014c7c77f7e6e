"""One estimate, as it is decided on and as a row of the table ``estimates``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..language import Language
from ..message import Message
from ..params.metric import Metric
from ..tables import CONTRACTS
from .contrasts import Estimand
from .followed import RoleInTable
from .words import OK

WHOLE = "all"
ITT = "intention_to_treat"
COMPLIER = "complier"
NAN = float("nan")
Key = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Estimate:
    """One comparison of one metric; NaN where there is no number, and `status` says why.

    Attributes:
        metric: What is compared.
        role: Its role, or ``reading``.
        estimand, treatment, control, segment, basis, bound: Key of the row.
        n_treatment, n_control: Matured units with a value.
        n_maturing: Units whose window is still running.
        clusters: Clusters of both sides; None where units were randomised.
        value_treatment … p_adjusted, av_low, av_high, av_p_value: As in the contract.
        strict_low, strict_high: The always-valid interval at the level that guardrails share.
        corrected_low, corrected_high: The same at the level that the declared segments share (of
            a guardrail: the segments and the guardrails); NaN for the whole.
        share_error: Standard error of the effect beside a tenth of the control's value, where that
            is the tolerated harm: the control's value is not known exactly either.
        claim: +1 or −1 where an earlier planned look crossed its boundary on that side.
        boundary: c_k of this look in standard normal units; NaN where looks are by accrual.
        method: How it was estimated.
        status: ``ok``, or why there is no estimate.
        notes: What must be known beside it.
    """

    metric: Metric
    role: RoleInTable
    estimand: Estimand
    treatment: str
    control: str
    segment: str = WHOLE
    basis: str = ITT
    bound: str = ""
    n_treatment: int = 0
    n_control: int = 0
    n_maturing: int = 0
    clusters: int | None = None
    value_treatment: float = NAN
    value_control: float = NAN
    effect: float = NAN
    effect_relative: float = NAN
    std_error: float = NAN
    df: float = NAN
    ci_low: float = NAN
    ci_high: float = NAN
    p_value: float = NAN
    p_adjusted: float = NAN
    av_low: float = NAN
    av_high: float = NAN
    av_p_value: float = NAN
    strict_low: float = NAN
    strict_high: float = NAN
    corrected_low: float = NAN
    corrected_high: float = NAN
    share_error: float = NAN
    claim: int = 0
    boundary: float = NAN
    method: str = ""
    status: Message = field(default_factory=lambda: Message(OK))
    notes: tuple[Message, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether there is an estimate with an interval that holds at every look."""
        return self.status.source == OK and math.isfinite(self.av_low + self.av_high)

    @property
    def n_independent(self) -> int:
        """Independent observations: clusters where clusters were randomised, else units."""
        return self.clusters or self.n_treatment + self.n_control

    @property
    def gain(self) -> float:
        """The effect in the direction of better."""
        return self.metric.sign * self.effect

    @property
    def gain_limits(self) -> tuple[float, float]:
        """The always-valid interval in the direction of better."""
        return _turned(self.metric.sign, self.av_low, self.av_high)

    @property
    def strict_limits(self) -> tuple[float, float]:
        """The interval at the guardrails' shared level, in the direction of better."""
        return _turned(self.metric.sign, self.strict_low, self.strict_high)

    @property
    def corrected_limits(self) -> tuple[float, float]:
        """The interval at the declared segments' shared level, in the direction of better."""
        return _turned(self.metric.sign, self.corrected_low, self.corrected_high)

    @property
    def decisive_p(self) -> float:
        """The p value that holds at every look; the fixed one where there is no other."""
        return self.av_p_value if math.isfinite(self.av_p_value) else self.p_value

    @property
    def key(self) -> Key:
        """What names the row within its experiment."""
        return (
            self.basis,
            self.estimand,
            self.metric.name,
            self.segment,
            self.treatment,
            self.bound,
        )


def estimates_table(
    estimates: Iterable[Estimate], experiment: str, as_of_month: str | None
) -> pd.DataFrame:
    """Estimates in the contract's columns, one row each; texts in English."""
    rows = [_row(estimate, experiment, as_of_month) for estimate in estimates]
    frame = pd.DataFrame(rows, columns=list(CONTRACTS["estimates"].columns))
    return typed(frame)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the contract's types, so that an empty one has them too."""
    kinds = {"text": "str", "month": "str", "integer": "Int64", "number": "float64"}
    columns = CONTRACTS["estimates"].columns
    return frame.astype({name: kinds[column.type] for name, column in columns.items()})


def _row(estimate: Estimate, experiment: str, as_of_month: str | None) -> dict[str, object]:
    english = Language("en")
    told = {
        "experiment": experiment,
        "as_of_month": as_of_month,
        "analysis_basis": estimate.basis,
        "metric": estimate.metric.name,
        "kind": estimate.metric.kind,
        "status": estimate.status.in_(english),
        "note": "; ".join(note.in_(english) for note in estimate.notes),
    }
    return {
        name: told[name] if name in told else _finite(getattr(estimate, name))
        for name in CONTRACTS["estimates"].columns
    }


def _finite(value: object) -> object:
    """Infinite limits as missing: a table has no use for them, the status tells."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _turned(sign: int, low: float, high: float) -> tuple[float, float]:
    return (low, high) if sign > 0 else (-high, -low)
