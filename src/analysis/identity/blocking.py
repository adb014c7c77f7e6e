"""Which pairs of records are compared at all: those that share something rare."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import ibis
import ibis.expr.types as ir

from ..engine import Engine

LARGEST_BLOCK = 50
"""Records that may share a key; what more records share says too little to compare them all."""

PAIRED_WORDS = 6
"""The rarest words of a name, of which any two together are a key."""

MISTYPED_WORDS = 2
"""The rarest words of a name, of which the beginning or end of one is a key with another."""


def candidates(engine: Engine, features: ir.Table) -> ir.Table:
    """Pairs of records that share a key.

    Args:
        engine: Computes the steps.
        features: As `features_of` returns them.

    Returns:
        One row a pair: l, r (l < r).
    """
    lists = [keys.filter(lambda key: key.notnull()) for keys in _key_lists(features)]
    parts = []
    for at, keys in enumerate(lists):
        own = features.select("rid", key=keys)
        rows = own.select("rid", key=own["key"].unnest())
        parts.append(rows.select("rid", key=(rows.key + ibis.literal(f"|{at}")).hash()))
    keyed = engine.materialise(ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0])
    sizes = keyed.group_by("key").agg(n=keyed.count())
    usable = sizes.filter(sizes.n.between(2, LARGEST_BLOCK)).drop("n")
    blocks = engine.materialise(keyed.inner_join(usable, "key"))
    _drop(engine, keyed)
    left = blocks.select("key", l=blocks.rid)
    right = blocks.select("key", r=blocks.rid)
    pairs = left.inner_join(right, "key").filter(lambda t: t.l < t.r).select("l", "r").distinct()
    made = engine.materialise(pairs)
    _drop(engine, blocks)
    return made


def _key_lists(t: ir.Table) -> Iterator[ir.ArrayValue]:
    """Arrays of texts, one kind of key each."""
    if "name_text" in t.columns:
        yield from _name_keys(t)
    if "street_text" in t.columns:
        first = t.street_words[:3]
        yield first.map(lambda word: t.number + "#" + word)
        yield ibis.array([t.street_key])
    for name in ("phone", "email", "code", "tax"):
        if name in t.columns:
            yield ibis.array([t[name]])
    if "phone" in t.columns:
        yield ibis.array([t.phone.right(7)])
    if "email" in t.columns:
        yield ibis.array([t.email.re_extract("^[^@]+", 0)])
    for field in others_of(t):
        yield t[f"{field}_words"][:4]
        yield ibis.array([t[f"{field}_key"]])
        if "name_text" in t.columns:
            beginnings = t.name_words[:4].map(lambda word: word.substr(0, 3))
            yield beginnings.map(lambda word, f=field: word + "#" + t[f"{f}_text"].substr(0, 12))
    for place in ("city", "postcode"):
        if place in t.columns and "name_text" in t.columns:
            yield t.name_words[:4].map(lambda word, p=place: word.substr(0, 3) + "#" + t[p])
    if "postcode" in t.columns and "number" in t.columns:
        yield ibis.array([t.postcode + "#" + t.number])


def _name_keys(t: ir.Table) -> Iterator[ir.ArrayValue]:
    compact = t.name_text.re_replace(r"\s+", "")
    yield t.name_words
    yield ibis.array([compact, t.name_key])
    yield t.name_words.map(lambda word: word.substr(0, 4))
    yield t.name_words.map(lambda word: (word.length() > 4).ifelse(word.right(4), None))
    yield ibis.array([compact.substr(0, 5), compact.right(5)])
    words = t.name_words[:PAIRED_WORDS]
    yield ibis.array(
        [
            ibis.least(words[a], words[b]) + "+" + ibis.greatest(words[a], words[b])
            for a, b in combinations(range(PAIRED_WORDS), 2)
        ]
    )
    some = list(permutations(range(MISTYPED_WORDS), 2))
    yield ibis.array(["<" + words[a].substr(0, 3) + "+" + words[b] for a, b in some])
    yield ibis.array([words[a].right(3) + ">+" + words[b] for a, b in some])


def others_of(features: ir.Table) -> list[str]:
    """The further text fields of a table of features."""
    ends = [name.removesuffix("_key") for name in features.columns if name.endswith("_key")]
    return [name for name in ends if name not in ("name", "street")]


def _drop(engine: Engine, table: ir.Table) -> None:
    """Give a large step's room back (Ibis 12 writes a DROP without a name)."""
    engine.connection.raw_sql(f"DROP TABLE {table.get_name()}")
