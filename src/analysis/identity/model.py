"""How much each level of agreement speaks for one customer: learnt from the records, unlabelled.

The model is Fellegi and Sunter's in Splink's words. It is given pairs as levels, nothing else,
so that the same settings run on any engine. Shares among different companies (u) come from
pairs drawn by chance; shares among pairs of one company (m) from expectation-maximisation in
sessions that leave one field out: the pairs that agree in it train the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .comparing import MISSING, Comparison
from .splink_linker import MOST_ITERATIONS, linker_of, quiet

Shares = Mapping[str, np.ndarray]
"""Field → share of pairs at each level, the highest level first; shape (levels,)."""

START_MATCHES = 0.3
"""Share of true pairs in a session that EM starts from: they agree in something rare."""

KNOWN_PAIRS = 20.0
"""Pairs that what is known beforehand counts for, against those seen."""

KNOWN_RANDOM_PAIRS = 50.0
FEWEST_PAIRS = 20
"""Pairs that a session needs to tell anything."""

RARE = 0.005
"""Share of different companies agreeing in a field, above which agreeing in it is not rare."""

DRAWN_DOUBT = 3.0
"""Standard errors below the share drawn by chance that different companies agree at least."""

MOST_SESSION_PAIRS = 10_000
LEAST_SHARE = 0.003
"""No level is impossible among true pairs: someone mistyped."""

LEAST_CHANCE = 0.05
"""Share of pairs agreeing closely in one field that agree by chance, at least."""

START_PARTNERS, LEAST_PARTNERS, MOST_PARTNERS = 0.25, 0.01, 0.5
"""Pairs of one company for each record: before any were seen, and within what bounds the records
may say otherwise; without bounds a wrong habit of the model could feed itself."""

LARGEST_PARTNERS = 2.0
"""Pairs of one company for each record that no data have more of: what agrees closely beyond
them agrees by chance."""


@dataclass(frozen=True)
class Model:
    """What each level says.

    Attributes:
        comparisons: The fields.
        m, u: Share of pairs of one company, of different companies, at each level.
        least: What u is at least, by the pairs drawn by chance; empty before any were.
        learnt: Fields whose m a session has taught.
        recombined: Shares of pairs of values put together anew, where they tell anything.
    """

    comparisons: tuple[Comparison, ...]
    m: Shares
    u: Shares
    least: Shares = dataclasses.field(default_factory=dict)
    learnt: frozenset[str] = frozenset()
    recombined: Shares = dataclasses.field(default_factory=dict)

    @property
    def by_parts(self) -> frozenset[str]:
        """Fields whose u is told by their parts: no other field says what agrees by chance."""
        return frozenset(self.recombined) - self.learnt

    def free(self, field: str) -> int:
        """Levels that may say less than a lower one: equal names, where a name is all there is.

        They are one company in any case; how common they are says nothing of those mistyped.
        """
        return int(field in self.by_parts and len({c.group for c in self.comparisons}) == 1)


def known_model(comparisons: Sequence[Comparison]) -> Model:
    """What is known before any data were seen."""
    return Model(
        tuple(comparisons),
        {c.field: np.array(c.m) for c in comparisons},
        {c.field: np.array(c.u) for c in comparisons},
    )


def with_random_pairs(model: Model, pairs: pd.DataFrame, records: int) -> Model:
    """The model with u from pairs drawn by chance; its own u counts as a few of them.

    Among few records the pairs of one company are no small part of all pairs: as many as are
    likely before any were seen are taken off.
    """
    shares, least = {}, {}
    everything = max(records * (records - 1) / 2, 1.0)
    for c in model.comparisons:
        levels = pairs[c.column].to_numpy()
        drawn = np.bincount(levels[levels != MISSING], minlength=c.top + 1)[::-1]
        of_one = drawn.sum() * records / everything * np.array(c.m)
        doubt = LARGEST_PARTNERS * of_one + DRAWN_DOUBT * np.sqrt(drawn)
        least[c.field] = np.maximum(drawn - doubt, 0.0) / max(drawn.sum(), 1)
        counts = np.maximum(drawn - START_PARTNERS * of_one, 0.0)
        known = KNOWN_RANDOM_PAIRS * np.array(c.u)
        shares[c.field] = (counts + known) / (counts.sum() + KNOWN_RANDOM_PAIRS)
    return replace(model, u=shares, least=least)


def with_rare_levels(model: Model, patterns: pd.DataFrame, records: int, rounds: int) -> Model:
    """The model with u of close agreement from all pairs that agree so.

    Pairs drawn by chance cannot tell it: what agrees closely among them may be pairs of one
    company. Blocking brings up every pair that agrees closely in a field; those of them that the
    other fields speak against are the different companies that agree by chance. Where a value is
    common (a state, a branch), blocks are too large to compare: more of the pairs drawn by chance
    agree than were brought up, and u stays theirs.

    Args:
        model: m, and u of the common levels.
        patterns: One row a pattern: level columns and n, the compared pairs that show it.
        records: Number of records.
        rounds: How often the pairs are weighed anew; 0: by what is known beforehand.
    """
    certainty = np.zeros(len(patterns))
    for at in range(rounds + 1):
        shares = dict(model.u)
        for c in model.comparisons:
            shares[c.field] = _with_rare(model, c, patterns, certainty if at else None, records)
        model = _ordered(replace(model, u=shares))
        certainty = _certainty(model, patterns, records)
        if rounds:
            model = replace(model, m={**model.m, **_untaught(model, patterns, certainty)})
    return model


def _with_rare(
    model: Model,
    comparison: Comparison,
    patterns: pd.DataFrame,
    certainty: np.ndarray | None,
    records: int,
) -> np.ndarray:
    """u of a field, its rare levels by the compared pairs that are of different companies."""
    share = model.u[comparison.field].copy()
    everything = max(records * (records - 1) / 2, 1.0)
    levels, n = patterns[comparison.column].to_numpy(), patterns["n"].to_numpy()
    known = max(float((n * (levels != MISSING)).sum()) / max(n.sum(), 1), 0.01)
    for level in range(comparison.complete, comparison.top + 1):
        at, here = comparison.top - level, levels == level
        seen = max(float(n[here].sum()), 0.5) / (everything * known)
        least = model.least[comparison.field][at] if model.least else 0.0
        if seen > RARE or least > seen:  # too common for blocking to bring up every pair
            continue
        if certainty is not None and comparison.field in model.by_parts:
            share[at] = min(float(model.recombined[comparison.field][at]), seen)
            continue
        chance = comparison.u[at]
        if certainty is not None:
            chance = float((n * (1 - certainty))[here].sum()) / (everything * known)
        likely = LARGEST_PARTNERS * records * model.m[comparison.field][at] / everything
        share[at] = np.clip(max(chance, seen - likely, least), LEAST_CHANCE * seen, seen)
    return share / share.sum()


def _ordered(model: Model) -> Model:
    """The model with u such that a closer agreement never speaks less for one company."""
    shares = {}
    for field, m in model.m.items():
        shares[field] = m / np.exp(_ratio(m, model.u[field], model.free(field)))
    return replace(model, u=shares)


def _untaught(model: Model, patterns: pd.DataFrame, certainty: np.ndarray) -> Shares:
    """m of fields that no session teaches (nothing else to agree in), from the likely pairs."""
    found = {}
    for c in model.comparisons:
        if c.field not in model.learnt:
            levels, n = patterns[c.column].to_numpy(), patterns["n"].to_numpy() * certainty
            known = levels != MISSING
            seen = np.bincount(levels[known], weights=n[known], minlength=c.top + 1)[::-1]
            said = seen + KNOWN_PAIRS * np.array(c.m)
            found[c.field] = _decreasing(said, model.u[c.field], model.free(c.field))
    return found


def _certainty(model: Model, patterns: pd.DataFrame, records: int) -> np.ndarray:
    """How surely each pattern's pairs are of one company, with a prior that agrees with it."""
    bits = plain_weights(model, patterns)
    n = patterns["n"].to_numpy()
    prior = prior_bits(START_PARTNERS * records, records)
    for _ in range(MOST_ITERATIONS):
        sure = 1 / (1 + np.exp2(-np.clip(bits + prior, -60, 60)))
        prior = prior_bits(min(float((n * sure).sum()), MOST_PARTNERS * records), records)
    return 1 / (1 + np.exp2(-np.clip(bits + prior, -60, 60)))


def plain_weights(model: Model, patterns: pd.DataFrame) -> np.ndarray:
    """What `pattern_weights` gives, without its engine."""
    bits = np.zeros(len(patterns))
    for c in model.comparisons:
        says = np.append(np.log2(model.m[c.field] / model.u[c.field])[::-1], 0.0)
        bits += says[patterns[c.column].to_numpy()]  # MISSING is the last place: nothing said
    return bits


def prior_bits(matches: float, records: int) -> float:
    """log2 of the odds that two records are one company, where so many pairs are."""
    everything = max(records * (records - 1) / 2, 1.0)
    share = min(max(matches, LEAST_PARTNERS * records, 0.25) / everything, 0.5)
    return float(np.log2(share / (1 - share)))


def trained(model: Model, pairs: pd.DataFrame, cores: int) -> Model:
    """The model with m learnt in sessions that leave one field out.

    Args:
        model: Its m counts as `KNOWN_PAIRS` pairs.
        pairs: One row a compared pair: level columns, same_code.
        cores: Threads.
    """
    sums = {c.field: KNOWN_PAIRS * np.array(c.m) for c in model.comparisons}
    taught: set[str] = set()
    for rows, left_out in _sessions(model, pairs):
        for field, found in _session(model, pairs.loc[rows], left_out, cores).items():
            sums[field] = sums[field] + found
            taught.add(field)
    shares = {field: _decreasing(sums[field], model.u[field]) for field in sums}
    return replace(model, m=shares, learnt=frozenset(taught))


def pattern_weights(model: Model, patterns: pd.DataFrame, cores: int) -> np.ndarray:
    """Evidence of each pattern of levels, in bits, before how common true pairs are.

    Args:
        model: What each level says.
        patterns: One row a pattern: level columns.
        cores: Threads.

    Returns:
        log2 of how much likelier the pattern is among pairs of one company; shape (patterns,).
    """
    if patterns.empty:
        return np.zeros(0)
    with quiet():
        linker = linker_of(model, patterns, 0.5, cores)
        scored = linker.inference.predict(warning_mode="never").as_pandas_dataframe()
    weights = np.empty(len(patterns))
    weights[scored["unique_id_l"].to_numpy(dtype=np.int64)] = scored["match_weight"].to_numpy()
    return np.round(weights, 6)


def _sessions(model: Model, pairs: pd.DataFrame) -> Iterator[tuple[np.ndarray, frozenset[str]]]:
    """Rows of each session, and the fields that it leaves out."""
    same = pairs["same_code"].to_numpy(dtype=bool)
    if same.sum() >= FEWEST_PAIRS:
        yield _some(same), frozenset()
    for group in dict.fromkeys(c.group for c in model.comparisons):
        own = [c for c in model.comparisons if c.group == group]
        if model.u[own[0].field][0] > RARE:
            continue
        agrees = pairs[own[0].column].to_numpy() == own[0].top
        left_out = frozenset(c.field for c in own)
        if agrees.sum() >= FEWEST_PAIRS and len(left_out) < len(model.comparisons):
            yield _some(agrees), left_out


def _some(chosen: np.ndarray) -> np.ndarray:
    """Places of the chosen rows, evenly thinned out where they are many."""
    places = np.flatnonzero(chosen)
    step = max(1, -(-len(places) // MOST_SESSION_PAIRS))
    return places[::step]


def _session(
    model: Model, pairs: pd.DataFrame, left_out: frozenset[str], cores: int
) -> dict[str, np.ndarray]:
    """Expected pairs of one company at each level of the fields that take part."""
    taking_part = [c for c in model.comparisons if c.field not in left_out and _varies(pairs, c)]
    if not taking_part:
        return {}
    part = Model(tuple(taking_part), model.m, model.u)
    with quiet():
        linker = linker_of(part, pairs, START_MATCHES, cores)
        session = linker.training.estimate_parameters_using_expectation_maximisation(
            "l.pair = r.pair", estimate_without_term_frequencies=True
        )
    settings = session.core_model_settings
    matches = settings.probability_two_random_records_match * len(pairs)
    return {c.field: matches * _learnt(settings, c) * _seen(pairs, c) for c in taking_part}


def _varies(pairs: pd.DataFrame, comparison: Comparison) -> bool:
    return bool((pairs[comparison.column].to_numpy() != MISSING).any())


def _seen(pairs: pd.DataFrame, comparison: Comparison) -> float:
    return float((pairs[comparison.column].to_numpy() != MISSING).mean())


def _learnt(settings: Any, comparison: Comparison) -> np.ndarray:
    """m at each level, the highest first; 0 where a level was not seen."""
    found = settings.get_comparison_by_output_column_name(comparison.field)
    levels = found._comparison_levels_excluding_null
    shares = [level.m_probability for level in levels]
    return np.array([share if isinstance(share, float) else 0.0 for share in shares])


def _decreasing(m: np.ndarray, u: np.ndarray, free: int = 0) -> np.ndarray:
    """Shares of true pairs such that a closer agreement never speaks less for one company."""
    share = np.maximum(m / m.sum(), LEAST_SHARE)
    made = np.exp(_ratio(share, u, free)) * u
    return made / made.sum()


def _ratio(m: np.ndarray, u: np.ndarray, free: int) -> np.ndarray:
    """Logarithm of m by u that never rises, but for the first ones that are free."""
    ratio = np.log(m / u)
    ratio[free:] = _isotonic(ratio[free:], _certain(m, u)[free:])
    return ratio


def _certain(m: np.ndarray, u: np.ndarray) -> np.ndarray:
    """How well a level's ratio is known: by the rarer of the two shares that it is made of."""
    return np.maximum(np.minimum(m, u), 1e-12)


def _isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The nearest values that never rise."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(values, weights=weights, increasing=False).x)
