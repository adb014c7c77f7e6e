"""Records as what is compared: one row a record, every field in the form its comparison needs."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..engine import Engine
from .credit_code import bare_tax_id, valid_tax_id
from .texts import (
    CHINESE,
    chinese_core,
    normalised_email,
    normalised_phone,
    plain,
    traditional_characters,
    with_whole_codes,
    words_of,
)
from .tokens import tokenised
from .words import (
    ADDRESS_FILLERS,
    CITY_PATTERN,
    LEGAL_WORDS,
    NAME_FORMS,
    PROVINCE_PATTERN,
    STREET_FORMS,
)

KINDS = ("name", "address", "city", "postcode", "phone", "email", "tax_id")
CREDIT_CODE_SHARE = 0.5
"""From this share of 18-sign tax ids on, the others are mistyped codes, not ids of another kind."""

_HOUSE_NUMBER = r"(?:^|\s)(\d+)(?:\s?[a-d])?(?:\s|$)"
_CHINESE_NUMBER = r"(\d+)(?:-\d+)?(?:号|弄|號)"


def features_of(engine: Engine, records: ir.Table, others: Sequence[str] = ()) -> ir.Table:
    """Every field in the form that its comparison needs.

    Args:
        engine: Computes the steps.
        records: One row a record: rid, the columns of `KINDS` and of `others` (text, null or
            absent where there is nothing).
        others: Further text columns.

    Returns:
        One row a record: rid, what `tokenised` gives of name, street and each other field,
        number, city, postcode, phone, email, code (a valid credit code), tax (another tax id),
        and has_any: something can be compared.
    """
    given = [kind for kind in KINDS if kind in records.columns]
    filled = _filled(records, [*given, *others])
    texts = engine.materialise(_texts(records, filled, _traditional(records, filled), others))
    texts = texts.select("rid", *_filled(texts, [c for c in texts.columns if c != "rid"]))
    fields = [name for name in ("name", "street", *others) if name in texts.columns]
    wide = texts.drop(*fields)
    for field in fields:
        forms, dropped = _vocabulary(field)
        part = tokenised(engine, texts.select("rid", field), field, forms=forms, dropped=dropped)
        wide = wide.left_join(part, "rid").drop("rid_right")
    if "name_text" in wide.columns:
        wide = wide.mutate(name_digits=wide.name_text.re_replace(r"[^0-9]+", " ").strip())
    return engine.materialise(wide)


def _vocabulary(field: str) -> tuple[dict[str, str], frozenset[str]]:
    if field == "name":
        return dict(NAME_FORMS), LEGAL_WORDS
    if field == "street":
        return dict(STREET_FORMS), ADDRESS_FILLERS
    return {}, frozenset()


def _filled(records: ir.Table, columns: Sequence[str]) -> list[str]:
    """Columns that hold anything at all."""
    if not columns:
        return []
    counts = records.agg(**{name: records[name].count() for name in columns}).execute().iloc[0]
    return [name for name in columns if counts[name] > 0]


def _traditional(records: ir.Table, filled: Sequence[str]) -> tuple[str, str]:
    """The traditional characters that occur, and what stands for them."""
    old, new = traditional_characters()
    texts = [name for name in filled if name in ("name", "address", "city")]
    found: set[str] = set()
    for name in texts:
        column = records[name]
        some = records.filter(column.re_search(f"[{old}]")).select(text=column).distinct()
        signs = some.select(sign=some.text.split("").unnest()).distinct().execute()
        found |= set(signs["sign"])
    simple = dict(zip(old, new, strict=True))
    used = sorted(found & simple.keys())
    return "".join(used), "".join(simple[sign] for sign in used)


def _texts(
    records: ir.Table, filled: Sequence[str], traditional: tuple[str, str], others: Sequence[str]
) -> ir.Table:
    """Plain texts of what is there: rid, name, street, number, region, city, postcode, …"""
    shown = {
        name: plain(records[name], traditional if name in ("name", "address", "city") else ("", ""))
        for name in filled
        if name in ("name", "address", "city", "postcode", *others)
    }
    base = records.mutate(**shown)
    columns: dict[str, ir.Value] = {}
    if "name" in filled:
        chinese = base.name.re_search(f"[{CHINESE}]")
        columns["name"] = chinese.ifelse(
            chinese_core(base.name), with_whole_codes(words_of(base.name))
        )
    if "address" in filled:
        columns |= _address(base.address)
    columns |= _place(base, filled)
    if "postcode" in filled:
        columns["postcode"] = base.postcode.re_replace(r"[\s-]+|\.0$", "").nullif("")
    if "phone" in filled:
        columns["phone"] = normalised_phone(base.phone)
    if "email" in filled:
        columns["email"] = normalised_email(base.email)
    if "tax_id" in filled:
        columns |= _tax(records)
    for name in others:
        if name in filled:
            columns[name] = words_of(base[name]).nullif("")
    if "source" in base.columns:
        columns["source"] = base.source
    made = base.select("rid", **columns)
    return made.mutate(**{n: made[n].nullif("") for n in ("name", "street") if n in made.columns})


def _address(address: ir.StringValue) -> dict[str, ir.Value]:
    """House number and street (region in front left out)."""
    words = words_of(address)
    chinese = address.re_search(f"[{CHINESE}]")
    place = f"^(?:中国)?(?:{PROVINCE_PATTERN})?(?:{CITY_PATTERN}市)?"
    number = ibis.coalesce(
        address.re_extract(_CHINESE_NUMBER, 1).nullif(""),
        words.re_extract(_HOUSE_NUMBER, 1).nullif(""),
    )
    western = words.re_replace(_HOUSE_NUMBER, " ").strip()
    eastern = address.re_replace(r"[\s\p{P}\p{S}]+", "").re_replace(place, "")
    eastern = eastern.re_replace(_CHINESE_NUMBER, "")
    return {"number": number, "street": chinese.ifelse(eastern, western)}


def _place(base: ir.Table, filled: Sequence[str]) -> dict[str, ir.Value]:
    """The city: its column, else the one that a Chinese name or address begins with."""
    said = []
    if "city" in filled:
        said.append(words_of(base.city.re_replace("市$", "")).nullif(""))
    front = f"^(?:{PROVINCE_PATTERN})?({CITY_PATTERN})"
    if "name" in filled:
        said.append(base.name.re_extract(front, 1).nullif(""))
        said.append(base.name.re_extract(rf"[(（]({CITY_PATTERN})市?[)）]", 1).nullif(""))
    if "address" in filled:
        said.append(base.address.re_extract(f"{front}市", 1).nullif(""))
    return {"city": ibis.coalesce(*said)} if said else {}


def _tax(records: ir.Table) -> dict[str, ir.Value]:
    """Valid credit codes; tax ids of another kind where the column is not one of credit codes."""
    bare = bare_tax_id(records.tax_id).nullif("")
    code = valid_tax_id(bare)
    share = records.agg(share=(bare.length() == 18).mean()).execute()["share"][0]
    if pd.notna(share) and share >= CREDIT_CODE_SHARE:
        return {"code": code}
    looks_other = (bare.length() != 18) & (bare.length() >= 4)
    return {"code": code, "tax": looks_other.ifelse(bare, ibis.null("string"))}
