"""Customer records: each true customer's entries in the CRM and in the transport system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.draws import Bools, Draws, Ints
from analysis.simulate.identities import AS_REGISTERED, pick_variants
from analysis.simulate.population import LARGE, Population

NONE = -1
SECOND_RECORD_USE = 0.25  # of the shipments of a customer that has a second CRM record
SECOND_SHIPPER_USE = 0.40
PARENT_SHARE = 0.06
CUSTOMERS_PER_MANAGER = 70


@dataclass(frozen=True)
class Records:
    """Records of one system; arrays with one entry a record, and look-ups by customer.

    Attributes:
        owner: true customer of each record, in order of the record's code.
        variant: how the record writes the name.
        is_second: not the customer's first record.
        no_tax_code: the credit code is missing.
        first, second: record of each customer (second: NONE where there is none).
    """

    owner: Ints
    variant: Ints
    is_second: Bools
    no_tax_code: Bools
    first: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.owner)


def crm_records(draws: Draws, population: Population) -> Records:
    """CRM records in order of the day they were made, so that their codes rise with time."""
    extra = np.flatnonzero(population.has_second_record)
    owner = np.concatenate([np.arange(len(population)), extra])
    is_second = np.arange(len(owner)) >= len(population)
    made = np.where(is_second, population.second_record_day[owner], population.onboard_day[owner])
    order = np.argsort(made, kind="stable")
    variant = np.where(is_second, pick_variants(draws, "crm variant", owner), AS_REGISTERED)
    missing = draws.uniform("crm tax", owner, is_second) < np.where(is_second, 0.45, 0.03)
    return _records(owner, is_second, variant, missing, order, len(population))


def shipper_records(draws: Draws, population: Population) -> Records:
    """Transport records in no order that the CRM knows."""
    extra = np.flatnonzero(population.has_second_shipper)
    owner = np.concatenate([np.arange(len(population)), extra])
    is_second = np.arange(len(owner)) >= len(population)
    order = np.argsort(draws.keys("shipper order", owner, is_second), kind="stable")
    varied = draws.uniform("shipper varied", owner, is_second) < np.where(is_second, 1.0, 0.35)
    variant = pick_variants(draws, "shipper variant", owner * 2 + is_second)
    variant = np.where(varied, variant, AS_REGISTERED)
    missing = draws.uniform("shipper tax", owner, is_second) < np.where(is_second, 0.40, 0.12)
    return _records(owner, is_second, variant, missing, order, len(population))


def _records(
    owner: Ints, is_second: Bools, variant: Ints, missing: Bools, order: Ints, customers: int
) -> Records:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    second = np.full(customers, NONE)
    second[owner[is_second]] = place[is_second]
    return Records(
        owner=owner[order],
        variant=variant[order],
        is_second=is_second[order],
        no_tax_code=missing[order],
        first=place[:customers],
        second=second,
    )


def parents(draws: Draws, population: Population) -> Ints:
    """The parent of each customer, NONE for most: a large customer registered before it."""
    who = np.arange(len(population))
    large = np.flatnonzero(population.account_class == LARGE)
    if not len(large):
        return np.full(len(who), NONE)
    is_child = (population.account_class != LARGE) & (draws.uniform("child", who) < PARENT_SHARE)
    parent = large[draws.levels("parent", who) % len(large)]
    return np.where(is_child & (parent < who), parent, NONE)


def ship_to_record(records: Records, customer: Ints, uses_second: Bools) -> Ints:
    """Record under which each shipment runs."""
    second = records.second[customer]
    return np.where(uses_second & (second != NONE), second, records.first[customer])
