"""How good is good enough: limits that turn a measured shortfall into a status."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .loading import Section

Status = Literal["ok", "warning", "error", "critical"]
StopLevel = Literal["collected", "standardised", "validated", "reconciled"]


class Limits(Section):
    """Three limits of a share that should be small, from mild to grave.

    Attributes:
        warning, error, critical: The share beyond which a status is given.
    """

    warning: float = Field(ge=0, le=1)
    error: float = Field(ge=0, le=1)
    critical: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if not self.warning <= self.error <= self.critical:
            raise ValueError("the limits must rise: warning <= error <= critical")
        return self

    def status(self, share: float) -> Status:
        """What a share is called.

        Example:
            >>> Limits(warning=0.05, error=0.2, critical=0.5).status(0.1)
            'warning'
        """
        if share > self.critical:
            return "critical"
        if share > self.error:
            return "error"
        return "warning" if share > self.warning else "ok"


class ReconciliationLimits(Limits):
    """Limits of the share by which two sources differ in a month."""

    warning: float = Field(0.005, ge=0, le=1)
    error: float = Field(0.02, ge=0, le=1)
    critical: float = Field(0.1, ge=0, le=1)


class QualityThresholds(Limits):
    """Limits of what a level falls short of 1 by, and of the rejected rows of a source.

    Attributes:
        stop_at: The status from which a run stops; ``never``: it only tells.
        stop_levels: The levels that may stop a run. A gap or a difference may be the business's
            own, so the first and fourth do only where the profile says so; the fifth
            (monitored) never does.
        reconciliation: Limits of differences between two sources, by month.
    """

    warning: float = Field(0.05, ge=0, le=1)
    error: float = Field(0.2, ge=0, le=1)
    critical: float = Field(0.5, ge=0, le=1)
    stop_at: Literal["error", "critical", "never"] = "critical"
    stop_levels: tuple[StopLevel, ...] = ("standardised", "validated")
    reconciliation: ReconciliationLimits = ReconciliationLimits()
