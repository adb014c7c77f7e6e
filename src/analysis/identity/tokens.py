"""A text field as what its comparison needs: words weighted by rarity, and runs of signs.

A word is kept as one number: its hash with the last eight bits replaced by its weight (sixteen
times the logarithm of how rare it is), so that the weight of what two records share is the sum
of a list's last bits. Chinese has no blanks: there pairs of signs take the place of words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import ibis
import ibis.expr.types as ir

from ..engine import Engine
from .texts import CHINESE

WEIGHT_BITS = 255
HASH_BITS = (1 << 62) - 1 - WEIGHT_BITS
WEIGHT_SCALE = 16.0
MOST_WORDS = 40
"""Words of a field that are looked at; a description's end adds nothing but time."""

MOST_SIGNS = 200
"""Signs of a field that are looked at."""


def tokenised(
    engine: Engine,
    texts: ir.Table,
    field: str,
    *,
    forms: Mapping[str, str] | None = None,
    dropped: Collection[str] = (),
) -> ir.Table:
    """What comparing one field needs.

    Args:
        engine: Computes the steps.
        texts: rid and the field: plain words with one blank between them, or a Chinese text.
        field: Its column; also the beginning of the names of the new columns.
        forms: Word → the form that stands for it.
        dropped: Words left out unless nothing else is there.

    Returns:
        One row a record that has the field: rid and ``<field>_text`` (words in order), ``_key``
        (words sorted), ``_codes`` (array of weighted words), ``_sum`` (their weight), ``_grams``
        (array of hashed runs of two or three signs), ``_words`` (array of words, rarest first).
    """
    words = engine.materialise(_words(texts, field, forms or {}, dropped))
    weighted = _weighted(words)
    listed = engine.materialise(
        weighted.group_by("rid").agg(
            text=weighted.word.group_concat(" ", order_by=weighted.at),
            key=weighted.word.group_concat(" ", order_by=weighted.word),
            codes=weighted.code.collect(order_by=weighted.code),
            words=weighted.word.collect(order_by=[weighted.n, weighted.word]),
            is_chinese=weighted.is_chinese.any(),
        )
    )
    # Chinese "words" overlap: the text itself is the key
    joined = listed.left_join(texts.select("rid", _whole=texts[field]), "rid")
    whole = joined["_whole"].re_replace(r"\s+", "").substr(0, MOST_SIGNS)
    text = joined.is_chinese.ifelse(whole, joined.text.substr(0, MOST_SIGNS))
    shaped = joined.mutate(text=text, key=joined.is_chinese.ifelse(whole, joined.key))
    return engine.materialise(
        shaped.select(
            "rid",
            **{
                f"{field}_text": shaped.text,
                f"{field}_key": shaped.key,
                f"{field}_codes": shaped.codes,
                f"{field}_sum": weight_of(shaped.codes),
                f"{field}_grams": _grams(shaped.text, shaped.is_chinese),
                f"{field}_words": shaped.words,
            },
        )
    )


def weight_of(codes: ir.ArrayValue) -> ir.Value:
    """The weight of a list of weighted words; 0 of an empty one."""
    return codes.map(lambda code: code & WEIGHT_BITS).sums().fill_null(0)


def _words(
    texts: ir.Table, field: str, forms: Mapping[str, str], dropped: Collection[str]
) -> ir.Table:
    """One row a word of a record: rid, at, word, is_chinese."""
    known = texts.filter(texts[field].notnull() & (texts[field] != ""))
    is_chinese = known[field].re_search(f"[{CHINESE}]")
    bare = known[field].re_replace(r"\s+", "").substr(0, MOST_SIGNS)
    pairs = ibis.range(0, ibis.greatest(bare.length() - 1, 1)).map(lambda at: bare.substr(at, 2))
    split = is_chinese.ifelse(pairs, known[field].split(" "))[:MOST_WORDS]
    numbered = known.select(
        "rid", is_chinese=is_chinese, _split=split, at=ibis.range(0, split.length())
    )
    rows = numbered.select(
        "rid", "is_chinese", at=numbered["at"].unnest(), word=numbered["_split"].unnest()
    )
    rows = rows.filter(rows.word.notnull() & (rows.word != ""))
    if forms:
        rows = rows.mutate(word=_standing_for(rows.word, forms))
    rows = rows.group_by("rid", "word", "is_chinese").agg(at=rows["at"].min())
    if not dropped:
        return rows
    saying = ~rows.word.isin(sorted(dropped))
    kept = saying | ~saying.any().over(ibis.window(group_by=rows.rid))
    return rows.mutate(_kept=kept).filter(lambda t: t["_kept"]).drop("_kept")


def _standing_for(word: ir.StringValue, forms: Mapping[str, str]) -> ir.StringValue:
    return word.cases(*forms.items(), else_=word)


def _weighted(words: ir.Table) -> ir.Table:
    """Each word with how many records have it, and its number."""
    counted = words.group_by("word").agg(n=words.rid.nunique())
    records = words.agg(all=words.rid.nunique()).all.as_scalar()
    rarity = (WEIGHT_SCALE * (records / counted.n).ln()).round().cast("int64")
    code = (counted.word.hash() & HASH_BITS) + rarity.clip(1, WEIGHT_BITS)
    return words.inner_join(counted.mutate(code=code), "word")


def _grams(text: ir.StringValue, is_chinese: ir.BooleanValue) -> ir.ArrayValue:
    """Hashed runs of signs: three of a text between blanks, two of a Chinese one."""
    padded = is_chinese.ifelse(text, " " + text + " ")
    size = is_chinese.ifelse(2, 3)
    last = ibis.greatest(padded.length() - size + 1, 1)
    return ibis.range(0, last).map(lambda at: padded.substr(at, size).hash()).unique()
