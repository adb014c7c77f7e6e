"""The contract of every canonical table: grain, key, columns, types, units, allowed values.

A table that meets its contract can be used by every later stage without looking at where it
came from. Point in time is part of the contract: ``began`` names the column that says since
when a row is known, ``known_later`` which columns are filled in afterwards, and with which
timestamp they (and what hangs on them) become known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from .errors import ContractError, did_you_mean

if TYPE_CHECKING:  # params need the names only; the engine's import would slow every command
    import ibis
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

ColumnType = Literal["text", "integer", "number", "boolean", "date", "time", "month"]

_IBIS_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "string",
        "integer": "int64",
        "number": "float64",
        "boolean": "boolean",
        "date": "date",
        "time": "timestamp(6)",
        "month": "string",
    }
)


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Attributes:
        type: ``month`` is text such as 2026-10; ``time`` is a timestamp without zone in the
            profile's local time.
        unit: kg, currency (the profile's), minutes, fraction (0-1), points … or empty.
        required: Null is a violation that rejects the row.
        low, high: Smallest and largest plausible value, both allowed.
        above: The value must be greater than this.
        allowed: The only values allowed.
        not_before: The column of the same row that must not be later than this one.
        lenient: A value out of range only empties the cell; the row stays (0 kg: not weighed).
        personal: Holds personal data: masked in ledgers, kept in the private folder.
        meaning: One English phrase.
    """

    type: ColumnType
    meaning: str
    unit: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    above: float | None = None
    allowed: tuple[str, ...] = ()
    not_before: str = ""
    lenient: bool = False
    personal: bool = False

    @property
    def ibis_type(self) -> dt.DataType:
        """The column's type in the engine."""
        import ibis.expr.datatypes as dt

        return dt.dtype(_IBIS_TYPES[self.type])


@dataclass(frozen=True)
class Contract:
    """The contract of one canonical table.

    Attributes:
        name: The table's name, also its Parquet file's.
        grain: What one row is.
        key: The columns that name a row.
        columns: By name, in order.
        private: Written to the private folder only.
        began: Column with the time (or day, or month) since when a row is known.
        known_later: timestamp column → the columns that are unknown until then.
        summed: Columns added up where two ids of one customer meet in one key.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    private: bool = False
    began: str = ""
    known_later: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    summed: tuple[str, ...] = ()

    @property
    def schema(self) -> ibis.Schema:
        """The table's schema in the engine."""
        import ibis

        return ibis.schema({name: column.ibis_type for name, column in self.columns.items()})


def _text(meaning: str, **more: object) -> Column:
    return Column("text", meaning, **more)  # type: ignore[arg-type]


CUSTOMER_ID = _text("canonical customer", required=True)
CATEGORIES = ("delay", "damage", "loss", "service", "other")
TIERS = ("strategic", "key", "potential", "regular")
"""From the highest to the lowest."""

_CONTRACTS = (
    Contract(
        "customers",
        "one row a customer",
        ("customer_id",),
        {
            "customer_id": CUSTOMER_ID,
            "parent_customer_id": _text("the customer's parent organisation"),
            "region": _text("sales region"),
            "industry": _text("industry"),
            "contract_type": _text("kind of contract"),
            "depot": _text("depot that serves the customer"),
            "onboarded_on": Column("date", "first day as a customer"),
        },
        began="onboarded_on",
    ),
    Contract(
        "customer_names",
        "one row a customer",
        ("customer_id",),
        {
            "customer_id": CUSTOMER_ID,
            "name": _text("name", personal=True),
            "contact": _text("contact person", personal=True),
            "phone": _text("telephone", personal=True),
            "email": _text("e-mail", personal=True),
            "address": _text("address", personal=True),
            "tax_id": _text("tax id or social credit code", personal=True),
            "account_manager": _text("account manager", personal=True),
        },
        private=True,
    ),
    Contract(
        "customer_links",
        "one row a source record",
        ("source", "source_customer_id"),
        {
            "source": _text("system that knows the customer by this id", required=True),
            "source_customer_id": _text("the customer's id there", required=True),
            "customer_id": CUSTOMER_ID,
            "match_probability": Column(
                "number",
                "probability that the link is right",
                "fraction",
                required=True,
                low=0,
                high=1,
            ),
            "decided_by": _text("rule or person that decided", required=True),
        },
    ),
    Contract(
        "shipments",
        "one row a shipment",
        ("shipment_id",),
        {
            "shipment_id": _text("waybill", required=True),
            "customer_id": CUSTOMER_ID,
            "shipped_at": Column(
                "time", "ordered, or picked up where the order is not recorded", required=True
            ),
            "picked_up_at": Column("time", "picked up, where it is recorded beside the order"),
            "promised_at": Column("time", "delivery promised by"),
            "delivered_at": Column("time", "delivered", not_before="shipped_at"),
            "origin_region": _text("region of origin"),
            "destination_region": _text("region of destination"),
            "service": _text("service or mode of transport"),
            "cargo_type": _text("kind of cargo"),
            "weight_kg": Column("number", "weight", "kg", above=0, lenient=True),
            "revenue": Column("number", "revenue", "currency", low=0),
            "cost": Column("number", "shipment cost", "currency", low=0),
            "is_damaged": Column("boolean", "damaged on the way"),
            "is_lost": Column("boolean", "lost on the way"),
            "notified_at": Column("time", "customer told of an exception before asking"),
        },
        began="shipped_at",
        known_later={"picked_up_at": (), "delivered_at": ("is_damaged",), "notified_at": ()},
    ),
    Contract(
        "tickets",
        "one row a ticket",
        ("ticket_id",),
        {
            "ticket_id": _text("ticket", required=True),
            "customer_id": CUSTOMER_ID,
            "shipment_id": _text("waybill it is about"),
            "opened_at": Column("time", "opened", required=True),
            "first_response_at": Column("time", "first response", not_before="opened_at"),
            "resolved_at": Column("time", "resolved", not_before="opened_at"),
            "category": _text("what it is about", allowed=CATEGORIES),
            "is_first_contact_resolution": Column("boolean", "solved at first contact"),
        },
        began="opened_at",
        known_later={"first_response_at": (), "resolved_at": ("is_first_contact_resolution",)},
    ),
    Contract(
        "surveys",
        "one row an invitation",
        ("survey_id",),
        {
            "survey_id": _text("survey invitation", required=True),
            "customer_id": CUSTOMER_ID,
            "shipment_id": _text("waybill it asks about"),
            "sent_at": Column("time", "sent", required=True),
            "answered_at": Column("time", "answered", not_before="sent_at"),
            "nps_score": Column("integer", "likelihood to recommend", "0-10", low=0, high=10),
            "csat_score": Column("integer", "satisfaction", "1-5", low=1, high=5),
        },
        began="sent_at",
        known_later={"answered_at": ("nps_score", "csat_score")},
    ),
    Contract(
        "survey_items",
        "one row an answer and item",
        ("survey_id", "item"),
        {
            "survey_id": _text("survey invitation", required=True),
            "item": _text("what was asked", required=True),
            "answered_at": Column("time", "answered", required=True),
            "score": Column("integer", "answer", "1-5", required=True, low=1, high=5),
        },
        began="answered_at",
    ),
    Contract(
        "survey_comments",
        "one row an answer with a comment",
        ("survey_id",),
        {
            "survey_id": _text("survey invitation", required=True),
            "answered_at": Column("time", "answered", required=True),
            "comment": _text("what the customer wrote", required=True, personal=True),
        },
        private=True,
        began="answered_at",
    ),
    Contract(
        "service_costs",
        "one row a customer, month and activity",
        ("customer_id", "month", "activity"),
        {
            "customer_id": CUSTOMER_ID,
            "month": Column("month", "month of the activity", required=True),
            "activity": _text("service activity", required=True),
            "cost": Column("number", "cost to serve", "currency", required=True, low=0),
        },
        began="month",
        summed=("cost",),
    ),
    Contract(
        "service_events",
        "one row a service granted",
        ("customer_id", "service", "granted_at"),
        {
            "customer_id": CUSTOMER_ID,
            "service": _text("service granted", required=True),
            "granted_at": Column("time", "granted", required=True),
            "used_at": Column("time", "first used", not_before="granted_at"),
        },
        began="granted_at",
        known_later={"used_at": ()},
    ),
    Contract(
        "receivables",
        "one row an invoice",
        ("invoice_id",),
        {
            "invoice_id": _text("invoice", required=True),
            "customer_id": CUSTOMER_ID,
            "due_on": Column("date", "due", required=True),
            "paid_on": Column("date", "paid"),
            "amount": Column("number", "amount", "currency", required=True, above=0),
        },
        began="due_on",
        known_later={"paid_on": ()},
    ),
    Contract(
        "finance_totals",
        "one row a month",
        ("month",),
        {
            "month": Column("month", "month booked", required=True),
            "shipments_n": Column("integer", "shipments that finance counts", "shipments", low=0),
            "revenue": Column("number", "revenue booked", "currency"),
            "cost": Column("number", "shipment cost booked", "currency"),
        },
        began="month",
    ),
    Contract(
        "assignments",
        "one row a unit",
        ("experiment_id", "customer_id"),
        {
            "experiment_id": _text("experiment", required=True),
            "customer_id": CUSTOMER_ID,
            "cluster_id": _text("cluster the unit belongs to"),
            "cluster_share": Column(
                "number", "share of treated customers its cluster drew", "fraction", low=0, high=1
            ),
            "arm_at_half": _text("arm that the draw gives the unit at share one half"),
            "stratum": _text("stratum it was drawn in"),
            "arm": _text("arm", required=True),
            "assigned_at": Column("time", "assigned", required=True),
        },
        began="assigned_at",
    ),
    Contract(
        "customer_months",
        "one row a customer and month since onboarding",
        ("customer_id", "month"),
        {
            "customer_id": CUSTOMER_ID,
            "month": Column("month", "calendar month", required=True),
            "shipments_n": Column("integer", "shipments picked up", "shipments", low=0),
            "shipping_days_n": Column("integer", "days with a shipment", "days", low=0),
            "services_n": Column("integer", "different services used", "services", low=0),
            "destinations_n": Column("integer", "different destinations", "regions", low=0),
            "cargo_types_n": Column("integer", "different kinds of cargo", "kinds", low=0),
            "sensitive_n": Column(
                "integer", "time-critical or special shipments", "shipments", low=0
            ),
            "revenue": Column("number", "revenue of shipments picked up", "currency"),
            "shipment_cost": Column("number", "cost of shipments picked up", "currency"),
            "margin": Column("number", "revenue − shipment cost", "currency"),
            "deliveries_n": Column("integer", "shipments delivered", "shipments", low=0),
            "promised_n": Column("integer", "deliveries that had a promise", "shipments", low=0),
            "on_time_n": Column("integer", "deliveries by the promise", "shipments", low=0),
            "on_time_rate": Column(
                "number", "on time among deliveries with a promise", "fraction", low=0, high=1
            ),
            "delay_days_mean": Column("number", "mean delay of deliveries, early = 0", "days"),
            "damaged_n": Column("integer", "deliveries damaged", "shipments", low=0),
            "tickets_n": Column("integer", "tickets opened", "tickets", low=0),
            "responses_n": Column("integer", "tickets first answered", "tickets", low=0),
            "response_minutes_median": Column(
                "number", "median opened → first response", "minutes"
            ),
            "answers_n": Column("integer", "survey answers", "answers", low=0),
            "nps_score": Column("number", "mean NPS answer", "0-10", low=0, high=10),
            "csat_score": Column("number", "mean CSAT answer", "1-5", low=1, high=5),
            "cost_to_serve": Column("number", "service costs", "currency"),
            "due": Column("number", "invoices that fell due", "currency"),
            "overdue": Column(
                "number", "unpaid 30 days after it was due, at the month's end", "currency"
            ),
            "first_shipped_at": Column("time", "earliest shipment up to the month's end"),
            "last_shipped_at": Column("time", "latest shipment up to the month's end"),
            "is_active": Column("boolean", "at least one shipment in the month"),
        },
    ),
    Contract(
        "tiers",
        "one row a customer and month",
        ("customer_id", "month"),
        {
            "customer_id": CUSTOMER_ID,
            "month": Column("month", "calendar month", required=True),
            "score": Column("number", "value score", "0-100", low=0, high=100),
            "tier_by_score": _text("tier the score alone would give", allowed=TIERS),
            "tier": _text("tier in force", required=True, allowed=TIERS),
            "previous_tier": _text("tier of the month before", allowed=TIERS),
            "reason": _text("code of the rule that decided"),
            "held_back_by": _text("code of the rule that held a move back"),
        },
    ),
    Contract(
        "estimates",
        "one row an estimate",
        ("experiment", "analysis_basis", "estimand", "metric", "segment", "treatment", "bound"),
        {
            "experiment": _text("experiment", required=True),
            "as_of_month": Column("month", "as-of month"),
            "analysis_basis": _text(
                "units in their assigned arm, or the effect on those who used the service",
                required=True,
                allowed=("intention_to_treat", "complier"),
            ),
            "estimand": _text(
                "what is compared", required=True, allowed=("total", "direct", "spillover")
            ),
            "metric": _text("metric", required=True),
            "kind": _text(
                "kind of metric",
                required=True,
                allowed=("mean", "proportion", "ratio", "nps", "survival"),
            ),
            "role": _text(
                "role; a reading is shown beside a metric, nothing is decided on it",
                required=True,
                allowed=("primary", "secondary", "guardrail", "reading"),
            ),
            "segment": _text("segment, or all", required=True),
            "treatment": _text("arm compared", required=True),
            "control": _text("arm compared with", required=True),
            "n_treatment": Column("integer", "matured units", "units", low=0),
            "n_control": Column("integer", "matured units", "units", low=0),
            "n_maturing": Column("integer", "units whose window still runs", "units", low=0),
            "clusters": Column("integer", "clusters", "clusters", low=0),
            "value_treatment": Column("number", "adjusted mean of the treated"),
            "value_control": Column("number", "adjusted mean of the controls"),
            "effect": Column("number", "difference"),
            "effect_relative": Column("number", "difference ÷ control", "fraction"),
            "std_error": Column("number", "standard error of the difference"),
            "df": Column("number", "degrees of freedom"),
            "ci_low": Column("number", "fixed 1 − α interval"),
            "ci_high": Column("number", "fixed 1 − α interval"),
            "p_value": Column("number", "fixed p", low=0, high=1),
            "p_adjusted": Column("number", "p after multiplicity", low=0, high=1),
            "av_low": Column("number", "interval that holds at every look"),
            "av_high": Column("number", "interval that holds at every look"),
            "av_p_value": Column("number", "p that holds at every look", low=0, high=1),
            "bound": _text(
                "empty, lee_low, lee_high, worst_low or worst_high",
                allowed=("", "lee_low", "lee_high", "worst_low", "worst_high"),
            ),
            "method": _text("how it was estimated"),
            "status": _text("ok, or why there is no estimate", required=True),
            "note": _text("what the reader must know"),
        },
    ),
)

CONTRACTS: Mapping[str, Contract] = MappingProxyType({c.name: c for c in _CONTRACTS})
SOURCE_TABLES = tuple(
    name
    for name in CONTRACTS
    if name not in {"customer_links", "customer_months", "tiers", "estimates"}
)
"""Tables that a profile's sources can yield; the others are computed."""


def check(table: ir.Table, name: str) -> ir.Table:
    """Hold a table against its contract's columns and types.

    Args:
        table: The table; extra columns are refused.
        name: The contract's name.

    Returns:
        The same rows with the columns in the contract's order and types.

    Raises:
        ContractError: A column is missing, unknown, or of a type that cannot be cast.
    """
    contract = CONTRACTS[name]
    unknown = [c for c in table.columns if c not in contract.columns]
    missing = [c for c in contract.columns if c not in table.columns]
    if unknown or missing:
        raise ContractError(
            f"The table '{name}' does not have the columns of its contract",
            where=name,
            got="missing " + ", ".join(missing) if missing else "unknown " + ", ".join(unknown),
            allowed=contract.columns,
            todo=did_you_mean(unknown[0], contract.columns) if unknown else "Add the columns.",
        )
    return table.select(list(contract.columns)).cast(dict(contract.schema.items()))
