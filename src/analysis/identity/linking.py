"""Records in, customers out: the steps of identity in their order, for any records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..engine import Engine
from .blocking import candidates
from .clustering import LINK_BITS, Constraints, Ints, Pairs, clusters
from .comparing import compared, comparisons_for
from .features import features_of
from .scoring import Scored, bits_of, scored

NO_PAIRS: Ints = np.zeros((0, 2), dtype=np.int64)
DOUBT_BITS = (-2.0, 6.0)
"""Evidence between which a person should look: p from 0.2 to 0.985, around the link's 0.89."""

_VALUES = ("text", "key")


@dataclass(frozen=True)
class Linked:
    """Which customer each record belongs to.

    Attributes:
        entity: The smallest record of each record's customer; shape (records,).
        probability: How surely the record belongs there; 1 where it stands alone.
        decided_by: ``own_id`` (it stands alone), ``tax_id``, ``name_and_phone`` (or e-mail),
            ``similarity``; shape (records,).
        doubtful: One row a pair that a person should look at: l, r, bits, reason (``similar``
            or ``other_tax_id``: alike, but with different valid tax ids).
    """

    entity: Ints
    probability: np.ndarray
    decided_by: np.ndarray
    doubtful: pd.DataFrame


def linked(
    engine: Engine,
    records: ir.Table,
    others: Sequence[str] = (),
    apart: Ints = NO_PAIRS,
    together: Ints = NO_PAIRS,
) -> Linked:
    """Link records.

    Args:
        engine: Computes the steps.
        records: One row a record: rid (0, 1, …, the preferred first) and any of source, name,
            address, city, postcode, phone, email, tax_id and `others`, as text.
        others: Further columns that say something about who it is.
        apart: Pairs of rids that are never one customer; shape (pairs, 2).
        together: Pairs that are.
    """
    n = int(records.count().execute())
    features = features_of(engine, records, others)
    if n < 2 or not [c for c in comparisons_for(features) if c.field != "source"]:
        code = _codes(features, n)
        return _decided(Constraints(code, apart, _stars(code, together)), n, None)
    first = _first_of_same(features, n, np.concatenate([apart, together]))
    distinct = features.filter(features.rid.isin(ibis.memtable({"rid": np.unique(first)}).rid))
    distinct = engine.materialise(distinct)
    pairs = candidates(engine, distinct)
    same = np.flatnonzero(first != np.arange(n))
    if len(same):
        copies = ibis.memtable(pd.DataFrame({"l": first[same], "r": same}))
        pairs = engine.materialise(ibis.union(pairs, copies))
    levels = compared(engine, pairs, features)
    evidence = scored(engine, features, distinct, levels, n)
    return _clustered(engine, features, evidence, first, apart, together)


def _clustered(
    engine: Engine, features: ir.Table, evidence: Scored, first: Ints, apart: Ints, together: Ints
) -> Linked:
    """Cluster the records that differ, then give each copy to the record it is a copy of.

    Where records say one thing only, those that say the same are one: nothing tells them apart.
    """
    n = len(first)
    code = _codes(features, n)
    constraints = Constraints(code, apart, first[_stars(code, together)].reshape(-1, 2))
    left, right, bits = (evidence.pairs[c].to_numpy() for c in ("l", "r", "bits"))
    is_copy = first[right] == left
    entity = clusters(
        n,
        Pairs(left[~is_copy], right[~is_copy], bits[~is_copy]),
        constraints,
        lambda one, other: bits_of(engine, features, evidence, one, other),
    )
    sure = np.zeros(n, dtype=bool)
    only = len({c.group for c in comparisons_for(features)} - {"source"}) == 1
    sure[right[is_copy & ((bits > LINK_BITS) | (code[right] >= 0) | only)]] = True
    entity = np.where(sure, entity[first], entity)
    return _decided(Constraints(code, apart, together), n, evidence.pairs, entity)


def _codes(features: ir.Table, n: int) -> Ints:
    """A number for each record's valid credit code, -1 where it has none."""
    if "code" not in features.columns:
        return np.full(n, -1)
    known = features.select("rid", "code").order_by("rid").execute()
    return known["code"].factorize()[0]


def _stars(code: Ints, together: Ints) -> Ints:
    """Pairs that are one customer: each record with its code's first, and those decided so."""
    coded = np.flatnonzero(code >= 0)
    _, at, back = np.unique(code[coded], return_index=True, return_inverse=True)
    heads = coded[at][back]
    pairs = np.column_stack([heads, coded])[heads != coded]
    return np.concatenate([pairs, together]).astype(np.int64)


def _first_of_same(features: ir.Table, n: int, own: Ints) -> Ints:
    """The first record that says the same in every field; records in `own` stand for themselves."""
    ends = tuple(f"_{value}" for value in _VALUES)
    plain = ("number", "city", "postcode", "phone", "email", "code", "tax", "source")
    said = [c for c in features.columns if c.endswith(ends) or c in plain]
    shown = features.select("rid", *said)
    firsts = shown.mutate(_first=shown.rid.min().over(ibis.window(group_by=said)))
    found = firsts.select("rid", "_first").order_by("rid").execute()["_first"].to_numpy().copy()
    kept = np.unique(own)
    found[kept] = kept
    nothing = features.filter(_all_null(features, [c for c in said if c != "source"]))
    empty = nothing.rid.execute().to_numpy()
    found[empty] = empty
    moved = np.isin(found, kept) & (found != np.arange(n))
    found[moved] = np.flatnonzero(moved)  # their first stands for itself
    return found


def _all_null(table: ir.Table, columns: Sequence[str]) -> ir.BooleanValue:
    empty = ibis.literal(True)
    for name in columns:
        empty = empty & table[name].isnull()
    return empty


def _decided(
    constraints: Constraints, n: int, pairs: pd.DataFrame | None, entity: Ints | None = None
) -> Linked:
    """How each record came to its customer."""
    if pairs is None:
        pairs = pd.DataFrame({"l": [], "r": [], "bits": [], "called": []}).astype("int64")
    if entity is None:
        nothing = Pairs(*np.zeros((3, 0), dtype=np.int64))
        entity = clusters(n, nothing, constraints, lambda one, _: np.zeros(len(one)))
    best = np.full(n, LINK_BITS)
    called = np.zeros(n, dtype=bool)
    inner = pairs[entity[pairs["l"]] == entity[pairs["r"]]]
    for side in ("l", "r"):
        np.maximum.at(best, inner[side].to_numpy(), inner["bits"].to_numpy().astype(float))
        called[inner.loc[inner["called"].astype(bool), side].to_numpy()] = True
    alone = np.bincount(entity, minlength=n)[entity] == 1
    by_code = _shares_code(constraints.code, entity)
    rule = np.select(
        [alone, by_code, called], ["own_id", "tax_id", "name_and_phone"], default="similarity"
    )
    probability = np.where(alone | by_code, 1.0, 1 / (1 + np.exp2(-np.clip(best, -60, 60))))
    return Linked(entity, np.round(probability, 6), rule, _doubtful(pairs, entity, constraints))


def _shares_code(code: Ints, entity: Ints) -> np.ndarray:
    """Records whose valid tax id another record of the same customer has too."""
    keys = pd.MultiIndex.from_arrays([entity, np.where(code >= 0, code, -1 - np.arange(len(code)))])
    return keys.duplicated(keep=False)


def _doubtful(pairs: pd.DataFrame, entity: Ints, constraints: Constraints) -> pd.DataFrame:
    """The pairs between customers, or within one, that a person should look at."""
    left, right = pairs["l"].to_numpy(), pairs["r"].to_numpy()
    code = constraints.code
    coded = (code[left] >= 0) & (code[right] >= 0)
    other_code = coded & (code[left] != code[right])
    bits = pairs["bits"].to_numpy()
    near = (bits > DOUBT_BITS[0]) & (bits < DOUBT_BITS[1]) & ~coded
    split = (entity[left] != entity[right]) & (bits > LINK_BITS) & ~other_code
    chosen = near | split | (other_code & (bits > DOUBT_BITS[1]))
    found = pairs.loc[chosen, ["l", "r", "bits"]].copy()
    found["reason"] = np.where(other_code[chosen], "other_tax_id", "similar")
    return found.reset_index(drop=True)
