"""Which records of which systems are one customer, and under which id it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..engine import open_engine
from ..errors import ParamsError
from ..params import Ruling
from ..shared import NOTHING_SHARED, Shared
from .clustering import Ints
from .linking import NO_PAIRS, Linked, linked

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
"""Columns that records must have; address, city, postcode and email are used where they are."""

KEPT = "links"
"""Under which name the months of a run share who is who."""
COMPARED = ("name", "address", "city", "postcode", "phone", "email", "tax_id")
LINK_COLUMNS = (
    "source",
    "source_customer_id",
    "customer_id",
    "match_probability",
    "decided_by",
    "is_known",
)
REVIEW_COLUMNS = (
    "source", "source_customer_id", "name", "phone", "tax_id",
    "other_source", "other_source_customer_id", "other_name", "other_phone", "other_tax_id",
    "match_probability", "is_linked", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Identified:
    """Records linked to customers.

    Attributes:
        links: One row a record, as `resolve` returns them.
        review: One row a doubtful pair of records, the likeliest first: both records as their
            systems write them (personal: keep it private), match_probability, is_linked (they
            are one customer now) and reason (``similar``; ``other_tax_id``: alike, but with
            different valid tax ids). A person's decision goes into
            ``params/identity/<profile>.csv``.
    """

    links: ir.Table
    review: pd.DataFrame


def resolve(
    records: ir.Table,
    rulings: Sequence[Ruling] = (),
    previous: ir.Table | pd.DataFrame | None = None,
    *,
    cores: int | None = None,
) -> ir.Table:
    """Link every record of every system to one canonical customer.

    Args:
        records: One row a record: system, source_customer_id, name, phone, tax_id,
            parent_source_id (the parent's id in the same system), is_customer (the system is
            one that customers are taken from), precedence (0 = the system whose ids are
            preferred), and where known email, address, city, postcode.
        rulings: What people decided (`analysis.load_rulings`); they hold for ever, and one about
            a record that has gone decides nothing.
        previous: Links of an earlier month, if its ids and its grouping must stay.
        cores: Threads; all by default.

    Returns:
        One row a record (see the contract ``customer_links``): source, source_customer_id,
        customer_id, match_probability, decided_by; and ``is_known``: the customer has a record
        in a system that customers are taken from. The same input gives the same ids, in
        whatever order the rows stand; a customer keeps its id when records are added, as long
        as its first record in the preferred system stays.

    Raises:
        ParamsError: Rulings contradict each other, a parent or two valid tax ids.
    """
    return identify(records, rulings, previous, cores=cores).links


def identify(
    records: ir.Table,
    rulings: Sequence[Ruling] = (),
    previous: ir.Table | pd.DataFrame | None = None,
    *,
    cores: int | None = None,
    shared: Shared = NOTHING_SHARED,
) -> Identified:
    """Link records as `resolve` does, and list the pairs that a person should look at.

    Args:
        records, rulings, previous, cores: As of `resolve`.
        shared: Where the months of one run share it: all of them have the same records.
    """
    known = shared.frames(KEPT, ("links", "review")) if previous is None else None
    if known is not None:
        links, review = known
        return Identified(ibis.memtable(links), review)
    found = _identified(records, rulings, previous, cores)
    if previous is None:
        shared.keep_frames(KEPT, {"links": found.links.execute(), "review": found.review})
    return found


def _identified(
    records: ir.Table,
    rulings: Sequence[Ruling],
    previous: ir.Table | pd.DataFrame | None,
    cores: int | None,
) -> Identified:
    frame = _ordered(records)
    before = _previous_groups(frame, previous)
    together, apart = _ruled(frame, rulings)
    kept_together, kept_apart = before.constraints()
    engine = open_engine(cores=cores)
    try:
        given = [c for c in COMPARED if c in frame.columns and frame[c].notna().any()]
        shown = frame[["rid", "system", *given]].rename(columns={"system": "source"})
        table = engine.materialise(ibis.memtable(shown))
        found = linked(
            engine,
            table,
            apart=np.concatenate([_parents(frame), apart, kept_apart]),
            together=np.concatenate([together, kept_together]),
        )
    finally:
        engine.close()
    _hold(frame, found, together)
    rule = np.where(np.isin(frame["rid"], together), "decision", found.decided_by)
    links = _with_ids(frame, found, rule, before)
    return Identified(ibis.memtable(links), _review(frame, found, together, apart))


def decisions(links: ir.Table) -> pd.DataFrame:
    """How records were linked.

    Args:
        links: As `resolve` returns them.

    Returns:
        One row a source and rule: source, decided_by, records_n.
    """
    counted = links.group_by("source", "decided_by").agg(records_n=links.count())
    return counted.order_by("source", "decided_by").execute()


def _ordered(records: ir.Table) -> pd.DataFrame:
    """The records in an order of their own, the preferred first, whatever order they came in."""
    names = [c for c in (*RECORD_COLUMNS, *COMPARED) if c in records.columns]
    frame = records.select(list(dict.fromkeys(names))).to_pandas()
    order = ["precedence", "source_customer_id", "system"]
    frame = frame.sort_values(order, kind="stable", ignore_index=True)
    frame["rid"] = np.arange(len(frame), dtype=np.int64)
    return frame


def _places(frame: pd.DataFrame, system: pd.Series, own: pd.Series) -> np.ndarray:
    """Number of each named record, -1 where there is none."""
    index = pd.MultiIndex.from_frame(frame[["system", "source_customer_id"]])
    return index.get_indexer(pd.MultiIndex.from_arrays([system, own]))


def _parents(frame: pd.DataFrame) -> Ints:
    """Pairs of a record and the parent that it names."""
    at = _places(frame, frame["system"], frame["parent_source_id"])
    named = (at >= 0) & (at != frame["rid"].to_numpy())
    return _pairs(at[named], np.flatnonzero(named))


def _pairs(one: Ints, other: Ints) -> Ints:
    return np.column_stack([np.minimum(one, other), np.maximum(one, other)]).astype(np.int64)


def _ruled(frame: pd.DataFrame, rulings: Sequence[Ruling]) -> tuple[Ints, Ints]:
    """Pairs that people decided are one customer, and pairs that are not."""
    if not rulings:
        return NO_PAIRS, NO_PAIRS
    rows = pd.DataFrame([ruling.model_dump() for ruling in rulings])
    one = _places(frame, rows["source"], rows["source_customer_id"])
    other = _places(frame, rows["other_source"], rows["other_source_customer_id"])
    if (one < 0).any() or (other < 0).any():
        known = (one >= 0) & (other >= 0)  # a record that has gone decides nothing any more
        rows, one, other = rows[known], one[known], other[known]
    pairs, same = _pairs(one, other), (rows["decision"] == "same").to_numpy()
    return pairs[same], pairs[~same]


def _hold(frame: pd.DataFrame, found: Linked, together: Ints) -> None:
    """Refuse decisions that cannot be honoured.

    Raises:
        ParamsError: Records that are one customer by decision must stay apart: their valid tax
            ids differ, one names the other as its parent, or another decision parts them.
    """
    broken = found.entity[together[:, 0]] != found.entity[together[:, 1]]
    if not broken.any():
        return
    places = together[broken][0]
    ids = [f"{frame['system'][at]}:{frame['source_customer_id'][at]}" for at in places]
    raise ParamsError(
        "A decision of identity cannot be honoured",
        where="params/identity",
        got=f"{ids[0]} and {ids[1]} are the same",
        allowed="records without different valid tax ids, that are not parent and subsidiary, "
        "and that no other decision parts",
        todo="Correct the decision, or the record's tax id or parent.",
    )


@dataclass(frozen=True)
class _Previous:
    """What an earlier month said: each record's customer then, -1 and "" for new records."""

    group: Ints
    customer: np.ndarray

    def constraints(self) -> tuple[Ints, Ints]:
        """Pairs that keep old customers as they were: together within, apart between."""
        old = np.flatnonzero(self.group >= 0)
        if not len(old):
            return NO_PAIRS, NO_PAIRS
        _, at, back = np.unique(self.group[old], return_index=True, return_inverse=True)
        heads = old[at][back]
        return _pairs(heads, old)[heads != old], NO_PAIRS


def _previous_groups(frame: pd.DataFrame, previous: ir.Table | pd.DataFrame | None) -> _Previous:
    if previous is None:
        return _Previous(np.full(len(frame), -1), np.full(len(frame), "", dtype=object))
    old = previous if isinstance(previous, pd.DataFrame) else previous.to_pandas()
    index = pd.MultiIndex.from_frame(old[["source", "source_customer_id"]])
    own = pd.MultiIndex.from_frame(frame[["system", "source_customer_id"]])
    at = index.get_indexer(own)
    customer = np.where(at >= 0, old["customer_id"].to_numpy(dtype=object)[at], "")
    group = np.where(at >= 0, pd.factorize(customer)[0], -1)
    return _Previous(group, customer)


def _with_ids(
    frame: pd.DataFrame, found: Linked, rule: np.ndarray, before: _Previous
) -> pd.DataFrame:
    """The id of a customer's first record; the preferred system's ids stay as they are."""
    first = found.entity
    systems, own = (frame[c].to_numpy(dtype=object) for c in ("system", "source_customer_id"))
    preferred = frame["precedence"].to_numpy()[first] == 0
    new = np.where(preferred, own[first], systems[first] + ":" + own[first])
    known = pd.Series(frame["is_customer"].to_numpy(dtype=bool)).groupby(first).transform("max")
    links = pd.DataFrame(
        {
            "source": systems,
            "source_customer_id": own,
            "customer_id": _kept_ids(new, first, before),
            "match_probability": found.probability,
            "decided_by": rule,
            "is_known": known.to_numpy(),
        }
    )
    return links.astype(dict.fromkeys((*LINK_COLUMNS[:3], "decided_by"), "string"))


def _kept_ids(new: np.ndarray, first: Ints, before: _Previous) -> np.ndarray:
    """The id that a customer's first old record had, where it has one."""
    old = np.flatnonzero(before.group >= 0)
    if not len(old):
        return new
    held = pd.Series(before.customer[old]).groupby(first[old]).first()
    kept = pd.Series(first).map(held)
    return kept.where(kept.notna(), pd.Series(new)).to_numpy(dtype=object)


def _review(frame: pd.DataFrame, found: Linked, together: Ints, apart: Ints) -> pd.DataFrame:
    """Doubtful pairs that nobody has decided yet, as their systems write them."""
    pairs = found.doubtful
    decided = {tuple(pair) for pair in np.concatenate([together, apart]).tolist()}
    seen = np.array(
        [pair in decided for pair in zip(pairs["l"], pairs["r"], strict=True)], dtype=bool
    )
    pairs = pairs[~seen].sort_values(["bits", "l", "r"], ascending=[False, True, True])
    shown = ["system", "source_customer_id", "name", "phone", "tax_id"]
    left = frame[shown].iloc[pairs["l"]].reset_index(drop=True)
    right = frame[shown].iloc[pairs["r"]].reset_index(drop=True)
    left = left.rename(columns={"system": "source"})
    right = right.rename(columns={"system": "source"}).add_prefix("other_")
    bits = pairs["bits"].to_numpy().astype(float)
    facts = {
        "match_probability": np.round(1 / (1 + np.exp2(-bits)), 4),
        "is_linked": found.entity[pairs["l"]] == found.entity[pairs["r"]],
        "reason": pairs["reason"].to_numpy(),
    }
    listed = pd.concat([left, right, pd.DataFrame(facts)], axis=1)[list(REVIEW_COLUMNS)]
    texts = [name for name in REVIEW_COLUMNS if name not in ("match_probability", "is_linked")]
    return listed.astype(dict.fromkeys(texts, "string"))
