"""Type and lines of every chart, the same on every machine and in both languages."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .palette import INK, MUTED, RULE

FONT = Path(__file__).parents[1] / "fonts" / "TierlabSansSC-Regular.otf"
"""A subset of Noto Sans CJK SC; see its folder for the licence and how it is made."""
FAMILIES = ("Tierlab Sans SC", "DejaVu Sans")
"""Searched glyph by glyph. The first has Latin, digits and Chinese in one design; the second,
which matplotlib brings along, has the letters of other alphabets."""

UNKNOWN = "▯"
"""Drawn for a character that no font of a chart has."""

STYLE: Mapping[str, Any] = MappingProxyType(
    {
        "font.family": list(FAMILIES),
        "font.size": 9.5,
        "axes.labelsize": 9,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.unicode_minus": True,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "text.color": INK,
        "text.parse_math": False,  # two dollar signs in a sentence are amounts, not a formula
        "grid.color": RULE,
        "grid.linewidth": 0.8,
        "svg.fonttype": "path",
        "svg.hashsalt": "tierlab",
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
    }
)


@cache
def _register() -> None:
    from matplotlib.font_manager import fontManager

    fontManager.addfont(str(FONT))


@cache
def _known() -> frozenset[int]:
    """Code points that some font of a chart can draw."""
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    _register()
    return frozenset(code for name in FAMILIES for code in FT2Font(findfont(name)).get_charmap())


def drawable(text: str) -> str:
    """A text from data, with what no font can draw replaced; the words beside it keep it all.

    A customer's region may be written with an emoji or a rare character; that must not keep a
    month from being reported.

    Example:
        >>> drawable("华东 \U0001f4e6")
        '华东 ▯'
    """
    known = _known()
    shown = (c if ord(c) in known else UNKNOWN for c in text if c.isprintable())
    return "".join(shown)


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw in the house style; a character without a glyph is an error, never an empty box."""
    import matplotlib as mpl

    _register()
    style: Any = dict(STYLE)
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        yield
