"""The unified social credit code (统一社会信用代码) and its check sign."""

from __future__ import annotations

from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from ..sources.plain_texts import PLAIN, WIDE

CREDIT_CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Alphabet of the unified social credit code (GB 32100-2015): no I, O, S, V, Z."""

CREDIT_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
"""Weights of its first 17 signs; the last one makes the sum divisible by 31."""


def bare_tax_id(tax_id: ir.StringValue) -> ir.StringValue:
    """A tax id in plain capitals without blanks and hyphens."""
    return tax_id.translate(WIDE, PLAIN).upper().re_replace(r"[\s-]", "")


def valid_tax_id(code: ir.StringValue) -> ir.StringValue:
    """A unified social credit code whose check sign is right, else null.

    Args:
        code: What `bare_tax_id` gives.

    Source:
        GB 32100-2015: Σ signᵢ·weightᵢ + check ≡ 0 (mod 31).
    """
    shaped = code.re_search(f"^[{CREDIT_CODE_SIGNS}]{{18}}$")
    signs = ibis.literal(CREDIT_CODE_SIGNS)
    total = reduce(
        add,
        [
            signs.find(code.substr(at, 1)) * weight
            for at, weight in enumerate((*CREDIT_CODE_WEIGHTS, 1))
        ],
    )
    return (shaped & (total % 31 == 0)).ifelse(code, ibis.null("string"))
