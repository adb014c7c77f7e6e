"""What the practice literature prints: the one place where its figures stand, with their quotes.

They are claims to be tested, never targets, and no estimate is computed from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FILE = Path(__file__).with_name("literature.json")
MILLION = 1_000_000.0


@dataclass(frozen=True)
class Quote:
    """A sentence of the literature.

    Attributes:
        text: As the domain description quotes it.
        figures: Name → figure as it is printed in the text, such as ``45 %``.
    """

    text: str
    figures: Mapping[str, str]


def _read() -> Mapping[str, Quote]:
    told = json.loads(FILE.read_text(encoding="utf-8"))["claims"]
    return MappingProxyType(
        {name: Quote(c["quote"], MappingProxyType(c["figures"])) for name, c in told.items()}
    )


QUOTES = _read()
"""Claim → quote."""


def printed(claim: str, figure: str) -> float:
    """A figure as a number; per cents as fractions.

    Example:
        >>> printed("complaint-mix", "delay"), printed("value-cost", "yuan_a_year")
        (0.45, 1000000.0)
    """
    text = QUOTES[claim].figures[figure]
    if text.endswith("%"):
        return float(text.removesuffix("%")) / 100
    if text.endswith(" million"):
        return float(text.removesuffix(" million")) * MILLION
    return float(text)
