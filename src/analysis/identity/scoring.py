"""Evidence of pairs: the model is learnt from the records themselves, then weighs every pair."""

from __future__ import annotations

from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ..engine import Engine
from .comparing import MISSING, compared, comparisons_for
from .model import (
    MOST_PARTNERS,
    START_PARTNERS,
    Model,
    known_model,
    pattern_weights,
    prior_bits,
    trained,
    with_random_pairs,
    with_rare_levels,
)
from .recombining import recombined_names

RANDOM_PAIRS = (50_000, 1_000_000)
"""Fewest and most pairs drawn by chance, three a record in between."""

TRAINING_PAIRS = 100_000
WORTH_KEEPING = -8.0
"""Bits of posterior odds below which a pair is forgotten."""

ROUNDS = 12
RARE_ROUNDS = 3


@dataclass(frozen=True)
class Scored:
    """Compared pairs with their evidence.

    Attributes:
        pairs: One row a pair worth keeping: l, r, bits (log2 of the posterior odds), called
            (name and telephone, or name and e-mail, are the same).
        model: What each level says.
        prior: log2 of the odds that two records are one customer, before they are compared.
    """

    pairs: pd.DataFrame
    model: Model
    prior: float


def scored(
    engine: Engine, features: ir.Table, distinct: ir.Table, levels: ir.Table, n: int
) -> Scored:
    """Learn what agreement says, and weigh every pair.

    Args:
        engine: Computes the steps.
        features: As `features_of` returns them.
        distinct: Of them the records that say something of their own.
        levels: As `compared` returns them.
        n: Records.
    """
    model = _learnt(engine, features, distinct, levels, n)
    pairs = _weighed(engine, levels, model, prior_bits(START_PARTNERS * n, n) + WORTH_KEEPING)
    prior = _prior(pairs, n)
    return Scored(pairs.assign(bits=pairs["bits"] + prior), model, prior)


def bits_of(
    engine: Engine, features: ir.Table, found: Scored, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Evidence of further pairs, in bits of posterior odds; shape (pairs,)."""
    pairs = pd.DataFrame({"l": left, "r": right, "at": np.arange(len(left))})
    asked = engine.materialise(ibis.memtable(pairs))
    levels = compared(engine, asked.select("l", "r"), features)
    weighed = _weighed(engine, levels, found.model, -np.inf)
    order = pairs.merge(weighed, on=["l", "r"], how="left").sort_values("at")
    return order["bits"].to_numpy() + found.prior


def _prior(pairs: pd.DataFrame, n: int) -> float:
    """Prior odds that agree with how many pairs they make likely."""
    bits = pairs["bits"].to_numpy()
    prior = prior_bits(START_PARTNERS * n, n)
    for _ in range(ROUNDS):
        matches = float((1 / (1 + np.exp2(-np.clip(bits + prior, -60, 60)))).sum())
        prior = prior_bits(min(matches, MOST_PARTNERS * n), n)
    return round(prior, 6)


def _learnt(
    engine: Engine, features: ir.Table, distinct: ir.Table, levels: ir.Table, n: int
) -> Model:
    """m from sessions, u from chance; what agrees closely by chance from both."""
    model = known_model(comparisons_for(features))
    chance = compared(engine, _random_pairs(engine, features), features).execute()
    model = with_random_pairs(model, chance, n)
    columns = [c.column for c in model.comparisons]
    patterns = levels.group_by(columns).agg(n=levels.count()).order_by(columns).execute()
    model = with_rare_levels(model, patterns, n, rounds=0)
    model = trained(model, _training_pairs(levels), engine.cores)
    for name in (c for c in model.comparisons if c.field == "name" and "name" not in model.learnt):
        share = recombined_names(engine, features, distinct, levels, name)
        model = replace(model, recombined={"name": share} if len(share) else {})
    return with_rare_levels(model, patterns, n, rounds=RARE_ROUNDS)


def _random_pairs(engine: Engine, features: ir.Table) -> ir.Table:
    """Pairs of records by chance, the same for the same records."""
    rids = np.sort(features.rid.execute().to_numpy())
    n = len(rids)
    wanted = int(np.clip(3 * n, *RANDOM_PAIRS))
    chance = np.random.default_rng(20_151_001)
    if n * (n - 1) // 2 <= wanted:
        one, other = np.triu_indices(n, 1)
    else:
        one = chance.integers(0, n, wanted)
        other = (one + chance.integers(1, n, wanted)) % n
    pairs = pd.DataFrame({"l": rids[np.minimum(one, other)], "r": rids[np.maximum(one, other)]})
    return engine.materialise(ibis.memtable(pairs.drop_duplicates()))


def _training_pairs(levels: ir.Table) -> pd.DataFrame:
    """Compared pairs in a fixed order, evenly thinned out by a hash of their numbers."""
    n = int(levels.count().execute())
    chosen = levels
    if n > TRAINING_PAIRS:
        top = [
            levels[c] == levels[c].max().as_scalar()
            for c in levels.columns
            if c.startswith("level_")
        ]
        agrees = levels.same_code.fill_null(False)
        for one in top:
            agrees = agrees | one
        step = n // TRAINING_PAIRS + 1
        mixed = (levels.l * 2_654_435_761 + levels.r * 40_503) % 1_000_003
        chosen = levels.filter(agrees & (mixed % step == 0))
    return chosen.order_by("l", "r").execute()


def _weighed(engine: Engine, levels: ir.Table, model: Model, least: float) -> pd.DataFrame:
    """Pairs with at least so much evidence: l, r, bits, called."""
    columns = [c.column for c in model.comparisons]
    patterns = levels.select(columns).distinct().order_by(columns).execute()
    patterns["bits"] = pattern_weights(model, patterns, engine.cores)
    worth = patterns[patterns["bits"] >= least]
    if worth.empty:
        return pd.DataFrame({"l": [], "r": [], "bits": [], "called": []}).astype(
            {"l": "int64", "r": "int64", "bits": "float64", "called": "bool"}
        )
    known = ibis.memtable(worth.assign(called=_called(worth)))
    joined = levels.inner_join(known, columns)
    return joined.select("l", "r", "bits", "called").order_by("l", "r").execute()


def _called(patterns: pd.DataFrame) -> pd.Series:
    """Patterns whose name and telephone (or e-mail) are the same."""
    nothing = pd.Series(MISSING, index=patterns.index)
    name, phone, email = (
        patterns.get(f"level_{field}", nothing) for field in ("name", "phone", "email")
    )
    return (name == 7) & ((phone == 2) | (email == 2))
