"""Names, addresses and telephones in one form, however a system writes them.

Everything is an expression of the engine. What is rare (full-width signs, traditional characters)
is looked for before it is mended, so that plain text costs next to nothing.
"""

from __future__ import annotations

from functools import lru_cache

import ibis
import ibis.expr.types as ir

from .words import CHINESE_LEGAL_FORMS, CITY_PATTERN, PROVINCE_PATTERN

_FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000\u00a0"
_HALF_WIDTH = "".join(map(chr, range(0x21, 0x7F))) + "  "
CHINESE = r"\x{3400}-\x{9fff}"
"""Chinese characters, as the inside of a class of signs."""

MIN_PHONE_DIGITS = 7
_LEGAL_TAIL = (
    r"[\s,.]+(co(mpany)?\.?[\s,.]*(ltd|limited|llc|inc)?|ltd|limited|inc(orporated)?|llc|"
    r"corp(oration)?|gmbh(\s*&\s*co\.?\s*kg)?|plc|pty\.?\s*ltd|s\.?a|ag|b\.?v|n\.?v|s\.?r\.?l|"
    r"l\.?t\.?d)\.?$"
)


@ibis.udf.scalar.builtin(name="strip_accents")
def _without_accents(text: str) -> str:  # type: ignore[empty-body]
    """Latin letters without their accents."""


@lru_cache(maxsize=1)
def traditional_characters() -> tuple[str, str]:
    """Traditional characters and, sign by sign, the simplified ones (OpenCC's t2s)."""
    import opencc

    signs = "".join(map(chr, range(0x3400, 0xA000)))
    plain = opencc.OpenCC("t2s").convert("\n".join(signs)).split("\n")
    pairs = [(a, b) for a, b in zip(signs, plain, strict=True) if a != b and len(b) == 1]
    return "".join(a for a, _ in pairs), "".join(b for _, b in pairs)


def plain(text: ir.StringValue, traditional: tuple[str, str] | None = None) -> ir.StringValue:
    """A text in small half-width letters without accents, in simplified characters.

    Args:
        text: Any text.
        traditional: Traditional characters that occur and what stands for them; all by default.
    """
    has_wide = text.re_search("[\uff01-\uff5e\u3000\u00a0]")
    half = has_wide.ifelse(text.translate(_FULL_WIDTH, _HALF_WIDTH), text)
    old, new = traditional_characters() if traditional is None else traditional
    if old:
        half = half.re_search(f"[{old}]").ifelse(half.translate(old, new), half)
    return _without_accents(half.lower()).strip()


def words_of(text: ir.StringValue) -> ir.StringValue:
    """A plain text's words, one blank between them: no punctuation, ``&`` is ``and``."""
    bare = text.re_replace(r"['’`´]", "").re_replace(r"[&+]", " and ")
    dotted = bare.re_replace(r"\b([a-z])\.([a-z])\.", r"\1\2 ")
    return dotted.re_replace(r"[^\p{L}\p{N}]+", " ").strip()


def with_whole_codes(words: ir.StringValue) -> ir.StringValue:
    """Words in which a model's letters and number (``ak 123``) are one."""
    return words.re_replace(r"\b([a-z]{1,3}) (\d+)\b", r"\1\2")


def normalised_name(name: ir.StringValue) -> ir.StringValue:
    """A company's name without case, blanks, punctuation and legal form; null where none is left.

    A name that is nothing but a legal form stays as it is.
    """
    text = plain(name)
    bare = text.re_replace(_LEGAL_TAIL, "")
    compact = bare.re_replace(r"[\s\p{P}\p{S}]+", "")
    short = compact.re_replace(f"(?:{CHINESE_LEGAL_FORMS})+$", "")
    return ibis.coalesce(short.nullif(""), compact.nullif(""))


def normalised_phone(phone: ir.StringValue) -> ir.StringValue:
    """A telephone's digits without the country's code; null where there are too few."""
    half = phone.translate(_FULL_WIDTH, _HALF_WIDTH)
    digits = half.re_replace(r"(?i)\s*(ext|x|转|分机)\.?\s*\d+$", "").re_replace(r"[^0-9]", "")
    national = digits.re_replace(r"^(?:00)?86(\d{10,11})$", r"\1")
    return (national.length() >= MIN_PHONE_DIGITS).ifelse(national, ibis.null("string"))


def normalised_email(email: ir.StringValue) -> ir.StringValue:
    """An e-mail address in small letters; null where it is none."""
    text = email.translate(_FULL_WIDTH, _HALF_WIDTH).lower().re_replace(r"\s|^mailto:", "")
    shaped = text.re_search(r"^[^@]+@[^@]+\.[^@.]+$")
    return shaped.ifelse(text, ibis.null("string"))


def chinese_core(text: ir.StringValue) -> ir.StringValue:
    """A plain Chinese company name without region, brackets and legal form.

    Args:
        text: What `plain` gives, with its brackets.
    """
    forms = f"(?:{CHINESE_LEGAL_FORMS})"
    bare = text.re_replace(r"[\s\p{P}\p{S}]+", "")
    front = bare.re_replace(f"^(?:中国)?(?:{PROVINCE_PATTERN})?(?:{CITY_PATTERN}(?:市|县)?)?", "")
    inner = front.re_replace(f"{forms}+$", "").re_replace(f"(?:{CITY_PATTERN}市?)$", "")
    return ibis.coalesce(inner.nullif(""), front.nullif(""), bare.nullif(""))
