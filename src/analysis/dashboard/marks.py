"""Charts as plain HTML: they are sharp, read out as text, and fit a phone.

Every function returns a string and takes numbers that are already in the unit of the axis.
Positions are percentages of the track, so that text keeps its size at every width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROOM = 0.06
"""Share of the axis left free at both ends."""


@dataclass(frozen=True)
class Axis:
    """A linear axis.

    Attributes:
        low, high: Its ends, low < high.

    Example:
        >>> Axis(-1.0, 3.0).place(0.0)
        25.0
        >>> Axis(-0.02, 0.11).ticks()
        (0.0, 0.05, 0.1)
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Axis:
        """An axis that shows zero and all values, with room at the ends."""
        known = [v for v in (*values, 0.0) if math.isfinite(v)]
        low, high = min(known), max(known)
        room = (high - low or 1.0) * ROOM
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Where a value lies, in per cent of the track, kept within it."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def ticks(self, most: int = 5) -> tuple[float, ...]:
        """Round values on the axis, zero among them."""
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return tuple(round(n * step, 12) for n in range(first, last + 1))


def interval(
    axis: Axis,
    effect: float,
    inner: Sequence[float],
    outer: Sequence[float],
    *,
    tone: str,
    said: str,
    limit: float | None = None,
) -> str:
    """A point with its two intervals on an axis.

    Args:
        axis: The axis shared by all rows.
        effect: The point.
        inner: Low and high of the fixed interval (thick).
        outer: Low and high of the interval that holds at every look (thin).
        tone: ``better``, ``worse`` or ``unsure``.
        said: What a screen reader says.
        limit: Where a second line stands: the minimum effect, or the tolerated harm.
    """
    marks = [_bar(axis, outer, "outer"), _bar(axis, inner, "inner")]
    marks.append(f'<i class="dot" style="left:{axis.place(effect)}%"></i>')
    return (
        f'<div class="tl-track tl-{tone}" role="img" aria-label="{escape(said)}">'
        f"{_lines(axis, limit)}{''.join(marks)}</div>"
    )


def scale(axis: Axis, labels: Sequence[tuple[float, str]]) -> str:
    """The axis's own row: ticks with their labels."""
    ticks = "".join(
        f'<span style="left:{axis.place(value)}%">{escape(text)}</span>' for value, text in labels
    )
    return f'<div class="tl-track tl-scale" aria-hidden="true">{ticks}</div>'


def share_bar(share: float, tone: str = "") -> str:
    """A bar for a share 0-1 that stands beside its figure."""
    width = round(100 * min(max(share, 0.0), 1.0), 1)
    return f'<span class="tl-share {tone}" aria-hidden="true"><i style="width:{width}%"></i></span>'


def _bar(axis: Axis, ends: Sequence[float], name: str) -> str:
    if not all(math.isfinite(end) for end in ends):
        return ""
    left, right = axis.place(ends[0]), axis.place(ends[1])
    return f'<i class="{name}" style="left:{left}%;width:{round(right - left, 2)}%"></i>'


def _lines(axis: Axis, limit: float | None) -> str:
    zero = f'<i class="zero" style="left:{axis.place(0.0)}%"></i>'
    if limit is None:
        return zero
    return zero + f'<i class="limit" style="left:{axis.place(limit)}%"></i>'
