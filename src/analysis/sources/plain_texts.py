"""Texts of cells made plain: full-width signs, blanks at an end, words for no value."""

from __future__ import annotations

import string
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

_ALPHANUMERIC = string.digits + string.ascii_letters

WIDE = "".join(chr(ord(sign) + 0xFEE0) for sign in _ALPHANUMERIC) + "\u3000\u00a0"

PLAIN = _ALPHANUMERIC + "  "
"""Full-width digits, letters and blanks, and what they mean, sign by sign."""

_KEPT_AS_TEXT = r"""^(?:="([^"]*)"|'(\d+))$"""
"""How exports keep a spreadsheet from taking an id for a number: ``="00123"``, ``'00123``."""

_UNTIDY = "[０-９Ａ-Ｚａ-ｚ\u3000\u00a0]|^\\s|\\s$|^=\"|^'\\d"

_WIDE_MARKS, _PLAIN_MARKS = "．，：／－（）＋％−", ".,:/-()+%-"

LARGEST_INTEGER = 9.0e15


@ibis.udf.scalar.builtin(name="bit_length")
def _bit_length(text: str) -> int:  # type: ignore[empty-body]
    """Bits of a text's UTF-8 form: 8 a character where it is plain ASCII."""


def as_text(cell: ir.Value) -> ir.StringValue:
    """A cell of any type as the text that people would write for it."""
    kind = cell.type()
    if kind.is_string():
        return cell
    if kind.is_floating() or kind.is_decimal():
        number = cell.cast("float64")
        whole = (number % 1 == 0) & (number.abs() < LARGEST_INTEGER)
        shown = whole.ifelse(number.try_cast("int64").cast("string"), number.cast("string"))
        return number.isnan().ifelse(ibis.null("string"), shown)
    return cell.cast("string")


def plain_text(text: ir.StringValue) -> ir.StringValue:
    """Trimmed, with full-width digits, letters and blanks made plain; empty becomes null.

    So is ``="00123"``, as exports write ids for spreadsheets.

    Nearly all cells need nothing; telling so by their length and ends is far cheaper.
    """
    ascii_only = _bit_length(text) == text.length() * 8
    first = text.left(1)
    tidy = ascii_only & (first > "'") & (first != "=") & (text.right(1) > " ")
    return ibis.cases(
        (tidy | text.isnull(), text),
        ((text != "") & ~text.re_search(_UNTIDY), text),
        else_=text.translate(WIDE, PLAIN).strip().re_replace(_KEPT_AS_TEXT, r"\1\2").nullif(""),
    )


def plain_marks(text: ir.StringValue) -> ir.StringValue:
    """Full-width marks made plain."""
    return text.translate(_WIDE_MARKS, _PLAIN_MARKS)


def emptied(text: ir.StringValue, nulls: Sequence[str]) -> ir.StringValue:
    """Texts that mean "no value" made null."""
    exact = [null for null in nulls if "*" not in null]
    for pattern in (null for null in nulls if "*" in null):
        like = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        text = text.like(like.replace("*", "%")).ifelse(ibis.null("string"), text)
    return text.isin(exact).ifelse(ibis.null("string"), text) if exact else text
