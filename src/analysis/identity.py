"""Which records of which systems are one customer.

For now by exact keys only: a valid tax id, else the normalised name together with the
telephone. Two different valid tax ids are never one customer, and a record is never merged with
the parent that it names. Every rule is deterministic, so a link's probability is 1.
"""

from __future__ import annotations

from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir
import pandas as pd

from .sources.conversion import PLAIN, WIDE

RECORD_COLUMNS = (
    "system",
    "source_customer_id",
    "name",
    "phone",
    "tax_id",
    "parent_source_id",
    "is_customer",
    "precedence",
)
CREDIT_CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Alphabet of the unified social credit code (GB 32100-2015): no I, O, S, V, Z."""

CREDIT_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
"""Weights of its first 17 signs; the last one makes the sum divisible by 31."""

MIN_PHONE_DIGITS = 7
_LEGAL_FORMS = (
    r"(股份有限公司|有限责任公司|有限公司|公司|co\.?,?\s*ltd\.?|limited|ltd\.?|inc\.?|llc|corp\.?)$"
)


def resolve(records: ir.Table) -> ir.Table:
    """Link every record of every system to one canonical customer.

    Args:
        records: One row a record: system, source_customer_id, name, phone, tax_id,
            parent_source_id (the parent's id in the same system), is_customer (the system is
            one that customers are taken from), precedence (0 = the system whose ids are
            preferred).

    Returns:
        One row a record (see the contract ``customer_links``): source, source_customer_id,
        customer_id, match_probability, decided_by; and ``is_known``: the customer has a record
        in a system that customers are taken from. The same input gives the same ids; a
        customer keeps its id when records are added, as long as its first record in the
        preferred system stays.
    """
    keyed = _with_keys(records)
    grouped = _with_entities(keyed)
    return _with_canonical_ids(grouped)


def decisions(links: ir.Table) -> pd.DataFrame:
    """How records were linked.

    Args:
        links: As `resolve` returns them.

    Returns:
        One row a source and rule: source, decided_by, records_n.
    """
    counted = links.group_by("source", "decided_by").agg(records_n=links.count())
    return counted.order_by("source", "decided_by").execute()


def normalised_name(name: ir.StringValue) -> ir.StringValue:
    """A company's name without case, blanks, punctuation and legal form."""
    bare = name.translate(WIDE, PLAIN).lower().strip().re_replace(_LEGAL_FORMS, "")
    return bare.re_replace(r"[\s\p{P}\p{S}]+", "").nullif("")


def normalised_phone(phone: ir.StringValue) -> ir.StringValue:
    """A telephone's digits without the country's code; null where there are too few."""
    digits = phone.translate(WIDE, PLAIN).re_replace(r"[^0-9]", "")
    national = digits.re_replace(r"^(0086|86)(\d{10,11})$", r"\2")
    return (national.length() >= MIN_PHONE_DIGITS).ifelse(national, ibis.null("string"))


def bare_tax_id(tax_id: ir.StringValue) -> ir.StringValue:
    """A tax id in plain capitals without blanks and hyphens."""
    return tax_id.translate(WIDE, PLAIN).upper().re_replace(r"[\s-]", "")


def valid_tax_id(code: ir.StringValue) -> ir.StringValue:
    """A unified social credit code whose check sign is right, else null.

    Args:
        code: What `bare_tax_id` gives.

    Source:
        GB 32100-2015: Σ signᵢ·weightᵢ + check ≡ 0 (mod 31).
    """
    shaped = code.re_search(f"^[{CREDIT_CODE_SIGNS}]{{18}}$")
    signs = ibis.literal(CREDIT_CODE_SIGNS)
    total = reduce(
        add,
        [
            signs.find(code.substr(at, 1)) * weight
            for at, weight in enumerate((*CREDIT_CODE_WEIGHTS, 1))
        ],
    )
    return (shaped & (total % 31 == 0)).ifelse(code, ibis.null("string"))


def _with_keys(records: ir.Table) -> ir.Table:
    bare = records.mutate(_code=bare_tax_id(records.tax_id))
    keyed = bare.mutate(
        _tax=valid_tax_id(bare["_code"]),
        _name=normalised_name(records.name),
        _phone=normalised_phone(records.phone),
        _own=records.system + ":" + records.source_customer_id,
        _parent=records.system + ":" + records.parent_source_id,
    )
    both = keyed["_name"].notnull() & keyed["_phone"].notnull()
    called = both.ifelse(keyed["_name"] + "|" + keyed["_phone"], ibis.null("string"))
    keyed = keyed.mutate(_called=called)
    return _apart_from_parents(keyed)


def _apart_from_parents(keyed: ir.Table) -> ir.Table:
    """A child that shares its parent's keys is known by its own id only."""
    parents = keyed.select(
        _parent_own=keyed["_own"], _ptax=keyed["_tax"], _pcalled=keyed["_called"]
    )
    joined = keyed.left_join(parents, keyed["_parent"] == parents["_parent_own"])
    shares = (joined["_tax"] == joined["_ptax"]) | (joined["_called"] == joined["_pcalled"])
    apart = shares.fill_null(False) & (joined["_own"] != joined["_parent"])
    nothing = ibis.null("string")
    return joined.mutate(
        _tax=apart.ifelse(nothing, joined["_tax"]),
        _called=apart.ifelse(nothing, joined["_called"]),
    ).drop("_parent_own", "_ptax", "_pcalled")


def _with_entities(keyed: ir.Table) -> ir.Table:
    """Each record's entity: its tax id, else the one that its name and telephone lead to."""
    led = keyed.filter(keyed["_called"].notnull() & keyed["_tax"].notnull())
    led = led.group_by("_called").agg(_led_to=led["_tax"].min(), _led_n=led["_tax"].nunique())
    led = led.select(_led_called=led["_called"], _led_to=led["_led_to"], _led_n=led["_led_n"])
    joined = keyed.left_join(led, keyed["_called"] == led["_led_called"])
    led_tax = (joined["_led_n"] == 1).ifelse(joined["_led_to"], ibis.null("string"))
    tax = ibis.coalesce(joined["_tax"], led_tax)
    entity = ibis.coalesce("tax:" + tax, "called:" + joined["_called"], "own:" + joined["_own"])
    return joined.mutate(_entity=entity, _by_tax=joined["_tax"].notnull())


def _with_canonical_ids(grouped: ir.Table) -> ir.Table:
    """The id of an entity's first record; the preferred system's ids stay as they are."""
    first = ibis.window(group_by="_entity", order_by=["precedence", "source_customer_id", "system"])
    entity = ibis.window(group_by="_entity")
    system, own_id = (grouped[c].first().over(first) for c in ("system", "source_customer_id"))
    preferred = grouped.precedence.min().over(entity) == 0
    alone = grouped.count().over(entity) == 1
    rule = grouped["_by_tax"].ifelse("tax_id", "name_and_phone")
    return grouped.select(
        source=grouped.system,
        source_customer_id=grouped.source_customer_id,
        customer_id=preferred.ifelse(own_id, system + ":" + own_id),
        match_probability=ibis.literal(1.0),
        decided_by=alone.ifelse("own_id", rule),
        is_known=grouped.is_customer.max().over(entity),
    )
