"""How alike two records are, as a level of agreement for each field.

Levels are whole numbers, the highest the closest agreement; `MISSING` where one side has nothing.
They are all that the model sees: it knows neither texts nor engines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ..engine import Engine
from .blocking import others_of
from .tokens import weight_of

MISSING = -1
LEVEL = "level_"
"""How the names of level columns begin."""

CONTAINED = 0.9
"""Share of the weight of the poorer text's words that the richer one has, to contain it."""

NAME_STEPS = (0.8, 0.6, 0.4, 0.2)
SLIP_SIGNS = 4
"""Signs that the longer of two words has at least, to be one word mistyped."""

_ALIKE, _SIMILAR = 0.8, 0.5
_CITY_ALIKE = 0.9
_EMAIL_ALIKE = 0.95
_PHONE_TAIL = 7


@dataclass(frozen=True)
class Comparison:
    """What is known beforehand about comparing one field, before any data were seen.

    Attributes:
        field: The field.
        group: Fields that say much of the same; they never train each other.
        m: Share of true pairs at each level, highest first (sums to 1): how systems that know
            the same company write it; data with many pairs overrule it.
        u: Share of pairs of different companies at each level, highest first.
        complete: The lowest level of which blocking brings up every pair; above `top`: none.
    """

    field: str
    group: str
    m: tuple[float, ...]
    u: tuple[float, ...]
    complete: int

    @property
    def column(self) -> str:
        """The level's column."""
        return f"{LEVEL}{self.field}"

    @property
    def top(self) -> int:
        """The highest level."""
        return len(self.m) - 1


_KNOWN = (
    Comparison(
        "name",
        "name",
        (0.45, 0.1, 0.1, 0.15, 0.07, 0.08, 0.03, 0.02),
        (3e-6, 5e-6, 1.5e-5, 3e-4, 7e-4, 0.008, 0.07, 0.921),
        complete=4,
    ),
    Comparison(
        "street",
        "place",
        (0.5, 0.12, 0.1, 0.08, 0.12, 0.08),
        (5e-5, 1e-4, 0.002, 0.005, 0.03, 0.963),
        complete=4,
    ),
    Comparison("city", "place", (0.8, 0.1, 0.1), (0.1, 0.02, 0.88), complete=3),
    Comparison("postcode", "place", (0.75, 0.12, 0.13), (0.01, 0.04, 0.95), complete=3),
    Comparison("phone", "phone", (0.7, 0.1, 0.2), (3e-6, 1e-4, 0.9999), complete=1),
    Comparison("email", "email", (0.6, 0.1, 0.3), (3e-6, 1e-4, 0.9999), complete=1),
    Comparison("source", "source", (0.6, 0.4), (0.5, 0.5), complete=2),
    Comparison("tax", "tax", (0.85, 0.08, 0.07), (1e-6, 1e-4, 0.9999), complete=2),
)
_OTHER_M, _OTHER_U = (0.45, 0.15, 0.15, 0.25), (0.01, 0.005, 0.035, 0.95)


def comparisons_for(features: ir.Table) -> tuple[Comparison, ...]:
    """The comparisons that a table of features allows."""
    has = {"name": "name_key", "street": "street_key"}
    known = [c for c in _KNOWN if has.get(c.field, c.field) in features.columns]
    others = [
        Comparison(name, name, _OTHER_M, _OTHER_U, complete=3) for name in others_of(features)
    ]
    return (*known, *others)


def compared(engine: Engine, pairs: ir.Table, features: ir.Table) -> ir.Table:
    """Levels of agreement of pairs of records.

    Args:
        engine: Computes the steps.
        pairs: One row a pair: l, r.
        features: As `features_of` returns them.

    Returns:
        One row a pair: l, r, a level column each comparison, and same_code: both have a valid
        credit code, and it is the same (null where one has none).
    """
    comparisons = comparisons_for(features)
    needed = _needed(features)
    left = features.select(**{f"{c}_l": features[c] for c in needed}, l=features.rid)
    right = features.select(**{f"{c}_r": features[c] for c in needed}, r=features.rid)
    both = pairs.inner_join(left, "l").inner_join(right, "r")
    alike = both.mutate(**_likenesses(both, comparisons))
    levels = {c.column: _LEVELS.get(c.field, _other(c.field))(alike) for c in comparisons}
    same = alike.code_l == alike.code_r if "code" in needed else ibis.null("boolean")
    made = alike.select("l", "r", **{n: v.cast("int8") for n, v in levels.items()}, same_code=same)
    return engine.materialise(_without_echo(made))


def _needed(features: ir.Table) -> list[str]:
    ends = ("_text", "_key", "_codes", "_sum", "_grams")
    plain = ("name_digits", "number", "city", "postcode", "phone", "email", "tax", "code", "source")
    return [name for name in features.columns if name.endswith(ends) or name in plain]


def _likenesses(t: ir.Table, comparisons: Sequence[Comparison]) -> dict[str, ir.Value]:
    """Likeness (0-1) of the text fields, and what part of the poorer one the richer one has."""
    found: dict[str, ir.Value] = {}
    for field in (c.field for c in comparisons if f"{c.field}_codes_l" in t.columns):
        shared = t[f"{field}_codes_l"].intersect(t[f"{field}_codes_r"])
        weight = weight_of(shared)
        total = t[f"{field}_sum_l"] + t[f"{field}_sum_r"]
        poorer = ibis.least(t[f"{field}_sum_l"], t[f"{field}_sum_r"])
        runs = t[f"{field}_grams_l"].intersect(t[f"{field}_grams_r"]).length()
        runs_of_both = t[f"{field}_grams_l"].length() + t[f"{field}_grams_r"].length()
        is_same = t[f"{field}_key_l"] == t[f"{field}_key_r"]
        by_words, by_runs = 2.0 * weight / total, 2.0 * runs / runs_of_both
        if field != "name":
            found[f"{field}_likeness"] = is_same.ifelse(1.0, ibis.greatest(by_words, by_runs))
            continue
        other = _other_numbers(t)
        likeness = other.ifelse(by_words, ibis.greatest(by_words, by_runs))
        found["name_likeness"] = is_same.ifelse(1.0, likeness)
        found["name_contained"] = other.ifelse(0.0, weight / poorer)
    return found


def _other_numbers(t: ir.Table) -> ir.BooleanValue:
    """Names that hold other numbers (a model's, a branch's): letters alike say nothing then."""
    left, right = t.name_digits_l, t.name_digits_r
    return ((left != "") & (right != "") & ~left.contains(right) & ~right.contains(left)).fill_null(
        False
    )


def _name(t: ir.Table) -> ir.Value:
    joined = [t[f"name_text_{side}"].re_replace(r"\s+", "") for side in "lr"]
    is_same = (t.name_key_l == t.name_key_r) | (joined[0] == joined[1])
    first, second, *others = NAME_STEPS
    near = (t.name_likeness >= others[0]) & ~_other_numbers(t)
    return ibis.cases(
        (t.name_likeness.isnull(), MISSING),
        (is_same, 7),
        (near.ifelse(_slipped(t.name_text_l, t.name_text_r), False), 6),
        (t.name_likeness >= first, 5),
        (t.name_likeness >= second, 4),
        (t.name_contained >= CONTAINED, 3),
        *((t.name_likeness >= step, 2 - at) for at, step in enumerate(others)),
        else_=0,
    )


def _slipped(left: ir.StringValue, right: ir.StringValue) -> ir.BooleanValue:
    """Word by word the same, or with one slip in a word that is not too short for it."""
    words, others = left.split(" "), right.split(" ")

    def differs(at: ir.IntegerValue) -> ir.IntegerValue:
        one, other = words[at], others[at]
        slip = (ibis.greatest(one.length(), other.length()) >= SLIP_SIGNS) & (
            _edits(one, other) <= 1
        )
        return ((one == other) | slip).ifelse(0, 1)

    same_number = words.length() == others.length()
    return same_number.ifelse(ibis.range(0, words.length()).map(differs).maxs() == 0, False)


def _street(t: ir.Table) -> ir.Value:
    """Number and street jointly: neither says much without the other."""
    numbered = t.number_l.notnull() & t.number_r.notnull()
    same_number = (t.number_l == t.number_r).fill_null(False)
    unnumbered = t.number_l.isnull() & t.number_r.isnull()
    alike, similar = t.street_likeness >= _ALIKE, t.street_likeness >= 0.4
    return ibis.cases(
        (t.street_likeness.isnull(), MISSING),
        ((same_number & alike) | (unnumbered & (t.street_key_l == t.street_key_r)), 5),
        (same_number & similar, 4),
        (~numbered & alike, 3),
        (alike, 2),
        (same_number | similar, 1),
        else_=0,
    )


def _city(t: ir.Table) -> ir.Value:
    near = t.city_l.contains(t.city_r) | t.city_r.contains(t.city_l)
    near = near | (_jaro_winkler(t.city_l, t.city_r) >= _CITY_ALIKE)
    return _three(t.city_l, t.city_r, near)


def _postcode(t: ir.Table) -> ir.Value:
    near = t.postcode_l.substr(0, 3) == t.postcode_r.substr(0, 3)
    return _three(t.postcode_l, t.postcode_r, near)


def _phone(t: ir.Table) -> ir.Value:
    tail = t.phone_l.right(_PHONE_TAIL) == t.phone_r.right(_PHONE_TAIL)
    near = tail | (t.phone_l.levenshtein(t.phone_r) <= 1)
    return _three(t.phone_l, t.phone_r, near)


def _email(t: ir.Table) -> ir.Value:
    boxes = [t[f"email_{side}"].re_extract("^[^@]+", 0) for side in "lr"]
    near = (boxes[0] == boxes[1]) | (_jaro_winkler(t.email_l, t.email_r) >= _EMAIL_ALIKE)
    return _three(t.email_l, t.email_r, near)


def _tax(t: ir.Table) -> ir.Value:
    return _three(t.tax_l, t.tax_r, t.tax_l.levenshtein(t.tax_r) <= 1)


def _source(t: ir.Table) -> ir.Value:
    """Whether two systems say it: within one, a customer rarely stands twice, or often does."""
    return (t.source_l != t.source_r).ifelse(1, 0)


def _other(field: str) -> Callable[[ir.Table], ir.Value]:
    def level(t: ir.Table) -> ir.Value:
        likeness = t[f"{field}_likeness"]
        return ibis.cases(
            (likeness.isnull(), MISSING),
            (t[f"{field}_key_l"] == t[f"{field}_key_r"], 3),
            (likeness >= _ALIKE, 2),
            (likeness >= _SIMILAR, 1),
            else_=0,
        )

    return level


def _three(left: ir.Value, right: ir.Value, near: ir.BooleanValue) -> ir.Value:
    return ibis.cases(
        (left.isnull() | right.isnull(), MISSING), (left == right, 2), (near, 1), else_=0
    )


def _without_echo(t: ir.Table) -> ir.Table:
    """A city or postcode that agrees says nothing new where street and number do."""
    if f"{LEVEL}street" not in t.columns:
        return t
    same_place = t[f"{LEVEL}street"] >= 4
    echoes = [f"{LEVEL}{name}" for name in ("city", "postcode") if f"{LEVEL}{name}" in t.columns]
    missing = ibis.literal(MISSING, "int8")
    return t.mutate(
        **{name: (same_place & (t[name] > 0)).ifelse(missing, t[name]) for name in echoes}
    )


@ibis.udf.scalar.builtin(name="jaro_winkler_similarity")
def _jaro_winkler(left: str, right: str) -> float:  # type: ignore[empty-body]
    """Likeness of two short texts, 0-1, that weighs their beginnings more."""


@ibis.udf.scalar.builtin(name="damerau_levenshtein")
def _edits(left: str, right: str) -> int:  # type: ignore[empty-body]
    """Signs left out, added, changed or swapped with the next between two texts."""


_LEVELS: dict[str, Callable[[ir.Table], ir.Value]] = {
    "name": _name,
    "street": _street,
    "city": _city,
    "postcode": _postcode,
    "phone": _phone,
    "email": _email,
    "tax": _tax,
    "source": _source,
}
