"""How often different companies' names agree: read off names put together anew.

Records cannot say by themselves which names that agree closely are one company's. But a name has
parts (a rare word and the others; the beginning and the end of a Chinese one) that hardly depend
on each other between companies: names whose rare part is another's are companies that do not
exist. What agrees closely among them agrees by chance.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np

from ..engine import Engine
from .blocking import candidates
from .comparing import MISSING, Comparison, compared
from .texts import CHINESE
from .tokens import tokenised

MOST_NAMES = 50_000
"""Names that are put together anew; the share hardly changes with more."""

FEWEST_ALIKE = 10
"""Names of one shape that lend each other their parts, at least."""

DIVIDED_SHARE = 0.5
"""Names that have parts (several words, or Chinese), at least: a word's letters hang together."""

MOST_EXCESS, DOUBT = 4 / 3, 2.0
"""How many times as many names may agree loosely as put together anew, and standard errors."""

UNSEEN = 0.5
"""Pairs that a level has although none was seen."""

ENOUGH_NAMES, MOST_TIMES = 10_000, 5
"""Names that tell the share well; fewer are put together several times."""


def recombined_names(
    engine: Engine, features: ir.Table, distinct: ir.Table, levels: ir.Table, name: Comparison
) -> np.ndarray:
    """How often names put together anew agree, at each level.

    Args:
        engine: Computes the steps.
        features: As `features_of` returns them.
        distinct: Of them the records that say something of their own.
        levels: As `compared` returns them, of the pairs of `distinct`.
        name: The comparison of names.

    Returns:
        Share of all pairs at each level, the highest first; shape (levels,). Shares of levels
        that blocking does not bring up whole are too small. Empty where it tells nothing: names
        are few or of one word, or their parts hang together, so that more of them agree
        loosely, as different companies' names do, than of those put together anew.
    """
    parts = engine.materialise(_parts(distinct))
    told = parts.agg(n=parts.count(), divided=parts.divided.mean()).execute().iloc[0]
    n = int(told["n"])
    if n < FEWEST_ALIKE or told["divided"] < DIVIDED_SHARE:
        return np.zeros(0)
    close = levels.filter(levels[name.column] >= name.top - 2).select("l", "r")
    times = int(np.clip(ENOUGH_NAMES // n, 1, MOST_TIMES))
    counts = np.sum([_counts(engine, parts, close, name, which) for which in range(times)], axis=0)
    apart, known = (int(t.name_text.count().execute()) for t in (distinct, features))
    expected = (counts + UNSEEN) / (times * _pairs(n)) * _pairs(apart)
    seen = levels.filter(levels[name.column] == name.complete).count().execute()
    by_chance = expected[name.top - name.complete]
    if seen > MOST_EXCESS * by_chance + DOUBT * np.sqrt(by_chance):
        return np.zeros(0)
    return expected / _pairs(known)


def _counts(
    engine: Engine, parts: ir.Table, close: ir.Table, name: Comparison, which: int
) -> np.ndarray:
    """Pairs at each level among names put together anew once, the highest level first."""
    mixed = engine.materialise(_mixed(parts, which))
    made = tokenised(engine, mixed.select("rid", "name"), "name")
    digits = made.name_text.re_replace(r"[^0-9]+", " ").strip()
    made = engine.materialise(made.mutate(name_digits=digits))
    found = compared(engine, candidates(engine, made), made)
    seen = _of_strangers(found, mixed, close)[name.column].execute()
    return np.bincount(seen[seen != MISSING], minlength=name.top + 1)[::-1]


def _pairs(n: int) -> float:
    return n * (n - 1) / 2


def _of_strangers(found: ir.Table, mixed: ir.Table, close: ir.Table) -> ir.Table:
    """Pairs of new names neither of whose parts come from two records of alike names."""
    donors = mixed.select("rid", "donor")
    both = found.inner_join(donors.rename(l="rid", one="donor"), "l")
    both = both.inner_join(donors.rename(r="rid", other="donor"), "r")
    both = both.mutate(
        first=ibis.least(both.one, both.other), second=ibis.greatest(both.one, both.other)
    )
    apart = both.anti_join(close, ["l", "r"])
    return apart.anti_join(close.rename(first="l", second="r"), ["first", "second"])


def _parts(features: ir.Table) -> ir.Table:
    """Names in three parts: rid, shape (alike names have it), front, head (the rare part), back."""
    named = features.filter(features.name_text.notnull())
    step = ibis.greatest(named.count().as_scalar() // MOST_NAMES, 1)
    some = named.filter(_order(named.rid, -1) % step == 0)
    words = some.name_text.split(" ")
    chinese = some.name_text.re_search(f"[{CHINESE}]")
    whole = chinese | (words.length() < 2)
    half = (some.name_text.length() + 1) // 2
    half = chinese.ifelse(ibis.least(half, 2), half)
    place = words.index(some.name_words[0])
    blank = ibis.literal(" ")
    return some.select(
        "rid",
        divided=chinese | ~whole,
        shape=whole.ifelse(
            -some.name_text.length(), words.length().clip(upper=20) * 100 + place.clip(upper=20)
        ),
        front=whole.ifelse("", words[:place].join(" ") + blank),
        head=whole.ifelse(some.name_text.substr(0, half), words[place]),
        back=whole.ifelse(some.name_text.substr(half), blank + words[place + 1 :].join(" ")),
    )


def _mixed(parts: ir.Table, which: int) -> ir.Table:
    """Each name with the rare part of another of its shape: rid, donor, name."""
    counted = parts.mutate(alike=parts.rid.count().over(ibis.window(group_by=parts["shape"])))
    usable = counted.filter(counted.alike >= FEWEST_ALIKE)

    def ranked(mixer: int) -> ir.Value:
        order = ibis.window(group_by=usable["shape"], order_by=[_order(usable.rid, mixer)])
        return ibis.row_number().over(order)

    kept = usable.select("rid", "shape", "front", "back", place=ranked(2 * which))
    lent = usable.select("shape", "head", donor="rid", place=ranked(2 * which + 1))
    joined = kept.inner_join(lent, ["shape", "place"])
    name = (joined.front + joined["head"] + joined.back).strip()
    return joined.select("rid", "donor", name=name).filter(lambda t: t["name"] != "")


def _order(rid: ir.Value, which: int) -> ir.Value:
    """A number that mixes the records, another way each time."""
    return (rid.cast("string") + ibis.literal(f"#{which}")).hash()
