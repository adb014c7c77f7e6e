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


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw in the house style; a character without a glyph is an error, never an empty box."""
    import matplotlib as mpl

    _register()
    style: Any = dict(STYLE)
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        yield
