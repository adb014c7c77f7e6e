"""What readers call a source and a column, instead of the ids of a parameter file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..language import MISSING, Language
from ..params import Profile, in_language
from ..tables import CONTRACTS

TOGETHER = "+"
"""Parts the sources of a table that several make, in the books of the cleaning."""
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "account_manager": "account manager",
        "activity": "service activity",
        "address": "address",
        "amount": "invoice amount",
        "answered_at": "time of the answer",
        "arm": "group",
        "arm_at_half": "group at share one half",
        "assigned_at": "time of assignment",
        "cargo_type": "kind of cargo",
        "category": "category of the complaint",
        "cluster_id": "cluster",
        "cluster_share": "treated share of the cluster",
        "comment": "comment",
        "contact": "contact person",
        "contract_type": "kind of contract",
        "cost": "shipment cost",
        "csat_score": "satisfaction score",
        "customer_id": "customer id",
        "delivered_at": "time of delivery",
        "depot": "depot",
        "destination_region": "destination",
        "due_on": "due date",
        "email": "e-mail",
        "experiment_id": "experiment",
        "first_response_at": "time of the first response",
        "granted_at": "time of the grant",
        "industry": "industry",
        "invoice_id": "invoice number",
        "is_damaged": "damaged or not",
        "is_first_contact_resolution": "solved at first contact or not",
        "is_lost": "lost or not",
        "item": "question",
        "month": "month",
        "name": "customer name",
        "notified_at": "time of the notice",
        "nps_score": "NPS score",
        "onboarded_on": "first day as a customer",
        "opened_at": "time of opening",
        "origin_region": "origin",
        "paid_on": "date of payment",
        "parent_customer_id": "parent customer",
        "phone": "telephone",
        "picked_up_at": "time of pick-up",
        "promised_at": "promised time",
        "region": "region",
        "resolved_at": "time of resolution",
        "revenue": "revenue",
        "score": "score",
        "sent_at": "time of sending",
        "service": "service",
        "shipment_id": "waybill number",
        "shipments_n": "number of shipments",
        "shipped_at": "time of the order",
        "stratum": "stratum",
        "survey_id": "survey number",
        "tax_id": "tax number",
        "ticket_id": "ticket number",
        "used_at": "time of first use",
        "weight_kg": "weight",
    }
)
"""Canonical column → its word."""


def source_name(source: str, profile: Profile, language: Language) -> str:
    """A source for readers: its title in the profile, else its table's word, else its id.

    Args:
        source: An id, or several with a plus between them.
        profile: Whose sources they are.
        language: The reader's.
    """
    if TOGETHER in source:
        parts = (source_name(one, profile, language) for one in source.split(TOGETHER))
        return " + ".join(parts)
    known = profile.sources.get(source)
    if known is not None and known.title is not None:
        return in_language(known.title, language.code)
    return table_name(source, language) if source in CONTRACTS else source


def column_name(column: object, language: Language) -> str:
    """A column for readers: a word where it is canonical, else the file's own heading, quoted."""
    name = "" if column is None or column != column else str(column)
    if not name:
        return MISSING
    if name in COLUMNS:
        return language.text(COLUMNS[name], context="field")
    return language.text('"{heading}"', context="field", heading=name)


def no_source(table: str, language: Language) -> str:
    """That the profile has no source for a canonical table."""
    return language.text("no source of {table}", table=table_name(table, language))


def table_name(table: str, language: Language) -> str:
    """A canonical table for readers."""
    return language.text(table.replace("_", " "), context="table")
