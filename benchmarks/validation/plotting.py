"""Small plots of shares achieved beside the limits of their promise, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABEL, ROW, TOP = 760, 250, 22, 30
KEPT, BROKEN, TOLD = "#1a7f5a", "#b3261e", "#5f6368"


@dataclass(frozen=True)
class Mark:
    """One row of a plot.

    Attributes:
        label: Its name.
        achieved: Share achieved.
        n: Replications.
        limits: Of the promise; None where none is made.
        passes: Whether it is kept; None where none is made.
    """

    label: str
    achieved: float
    n: int
    limits: tuple[float, float] | None
    passes: bool | None


def plot(title: str, marks: Sequence[Mark]) -> str:
    """One row a mark: the limits as a band, the share achieved as a dot with its figure.

    Args:
        title: Read by screen readers.
        marks: At least one.
    """
    height = TOP + ROW * len(marks) + 8
    rows = "".join(_row(mark, TOP + ROW * i) for i, mark in enumerate(marks))
    scale = "".join(_tick(tick, height) for tick in (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="12">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>{scale}{rows}</svg>\n'
    )


def _x(share: float) -> float:
    """Place of a share: the ends, where coverage and false alarms lie, are drawn wider."""
    low, high = LABEL + 10, WIDTH - 70
    if share <= 0.1:
        part = 3.5 * share
    elif share >= 0.9:
        part = 0.65 + 3.5 * (share - 0.9)
    else:
        part = 0.35 + 0.375 * (share - 0.1)
    return low + part * (high - low)


def _tick(share: float, height: int) -> str:
    x = _x(share)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 4}" stroke="#e0e0e0"/>'
        f'<text x="{x:.1f}" y="{TOP - 14}" text-anchor="middle" fill="{TOLD}">{share:.0%}</text>'
    )


def _row(mark: Mark, y: int) -> str:
    colour = {True: KEPT, False: BROKEN, None: TOLD}[mark.passes]
    middle = y + 9
    band = ""
    if mark.limits:
        low, high = _x(mark.limits[0]), _x(mark.limits[1])
        band = (
            f'<rect x="{low:.1f}" y="{y + 3}" width="{max(high - low, 1):.1f}" height="12" '
            f'fill="{KEPT}" fill-opacity="0.18"/>'
        )
    told = f"{100 * mark.achieved:.2f} %"
    return (
        f'<text x="{LABEL}" y="{middle + 4}" text-anchor="end" fill="#202124">'
        f"{escape(mark.label)}</text>{band}"
        f'<circle cx="{_x(mark.achieved):.1f}" cy="{middle}" r="4" fill="{colour}"/>'
        f'<text x="{WIDTH - 6}" y="{middle + 4}" text-anchor="end" fill="{colour}">{told}</text>'
    )
