"""What a claim is tested on: the month's tables, with the periods that the readings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from ..message import Message, Value
from ..months import Month
from ..params.experiment import ExperimentSpec
from .estimating import Estimate, TooFew

YEAR, TWO_YEARS = 12, 24
"""Months."""
POINTS_A_STEP = 25.0
"""Satisfaction points of one step of the 1-5 scale: points = 25 × (score − 1)."""
SECONDS_A_DAY = 86_400

Found = Mapping[str, Estimate | TooFew | Message]
"""Part → its estimate, or why there is none."""

MISSING_TABLE: Mapping[str, Message] = {
    "shipments": Message("no shipments"),
    "tickets": Message("no complaint tickets"),
    "surveys": Message("no survey answers"),
    "assignments": Message("no experiment"),
    "tiers": Message("no tiers"),
    "tier_accuracy": Message("no accuracy of the tiers"),
    "customer_months": Message("no customer months"),
}
"""Table → what to say where a profile or a month has none."""


class NotMeasurableError(Exception):
    """Something that a claim needs does not exist; holds what, in words."""

    def __init__(self, message: Message):
        super().__init__(message.source)
        self.message = message


@dataclass(frozen=True)
class Company:
    """One month's tables as the claims see them.

    Attributes:
        tables: Canonical tables and the panel by name; None where there is none.
        as_of: Nothing after its last instant is read.
        experiments: The profile's plans.
        currency: Of every amount.
    """

    tables: Mapping[str, ir.Table | None]
    as_of: Month
    experiments: Sequence[ExperimentSpec] = field(default_factory=tuple)
    currency: str = ""

    def need(self, name: str) -> ir.Table:
        """A table.

        Raises:
            NotMeasurableError: There is none.
        """
        table = self.tables.get(name)
        if table is None:
            raise NotMeasurableError(MISSING_TABLE[name])
        return table

    def panel(self, months: int, *, until: int = 0) -> ir.Table:
        """Customer months of a period.

        Args:
            months: How many.
            until: Months before the as-of month at which it ends.
        """
        panel = self.need("customer_months")
        first, last = self.as_of.shifted(1 - months - until), self.as_of.shifted(-until)
        return panel.filter(panel.month >= str(first), panel.month <= str(last))

    def since(self, months: int) -> ir.TimestampScalar:
        """First instant of a period of so many months that ends with the as-of month."""
        return ibis.timestamp(self.as_of.shifted(1 - months).start)

    @property
    def end(self) -> ir.TimestampScalar:
        """First instant after the as-of month."""
        return ibis.timestamp(self.as_of.end)

    def shipments(self) -> ir.Table:
        """Shipments known by the as-of month; what was filled in later is null."""
        shipments = self.need("shipments")
        known = shipments.filter(shipments.shipped_at < self.end)
        later = ("delivered_at", "notified_at")
        masked = {n: ibis.ifelse(known[n] < self.end, known[n], ibis.null()) for n in later}
        return known.mutate(**masked)

    def answers(self) -> ir.Table:
        """Satisfaction answers of two years: customer_id, shipment_id, answered_at, points."""
        surveys = self.need("surveys")
        known = surveys.filter(
            surveys.sent_at < self.end,
            surveys.answered_at < self.end,
            surveys.answered_at >= self.since(TWO_YEARS),
            surveys.csat_score.notnull(),
        )
        return known.select(
            "customer_id", "shipment_id", "answered_at",
            points=POINTS_A_STEP * (known.csat_score - 1),
        )  # fmt: skip


def require(source: str, condition: bool, /, **values: Value) -> None:
    """Say what is missing unless a condition holds.

    Raises:
        NotMeasurableError: It does not.
    """
    if not condition:
        raise NotMeasurableError(Message(source, values))
