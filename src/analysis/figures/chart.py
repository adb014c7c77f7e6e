"""A published chart: picture, finding, and the words for those who do not see it."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from html import escape
from typing import Any

PIXELS_PER_INCH = 96
"""CSS pixels an inch: a chart of 4.6 inches takes 442 px."""
PNG_DENSITY = 2
"""Picture pixels a CSS pixel, so that a PNG is sharp on a dense screen."""
LARGEST_SVG = 90_000
"""Bytes above which a chart is embedded as PNG instead, to keep the report small."""


@dataclass(frozen=True)
class Chart:
    """One chart, ready to be shown in a notebook or a report.

    Attributes:
        finding: What the chart shows, as one sentence; its title.
        measure: What is drawn, in which unit.
        alternative: The finding with its numbers, for readers who do not see the picture.
        image: The picture's bytes.
        media: ``image/svg+xml`` or ``image/png``.
        width, height: CSS pixels.
        notes: What a reader must know to read it right; shown beneath.
    """

    finding: str
    measure: str
    alternative: str
    image: bytes
    media: str
    width: int
    height: int
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.image).decode()
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in self.notes if note)
        return (
            '<figure class="chart"><figcaption>'
            f'<span class="finding">{escape(self.finding)}</span>'
            f'<span class="measure">{escape(self.measure)}</span></figcaption>'
            f'<img src="data:{self.media};base64,{data}" alt="{escape(self.alternative)}" '
            f'width="{self.width}" height="{self.height}">{notes}</figure>'
        )


def published(
    figure: Any, *, finding: str, measure: str, alternative: str, notes: tuple[str, ...] = ()
) -> Chart:
    """Turn a drawn figure into a chart: SVG, or PNG where that is smaller by far.

    Args:
        figure: A matplotlib figure; it is drawn once, or twice where the SVG is too large.
        finding, measure, alternative, notes: As `Chart` says.
    """
    image, media = _svg(figure), "image/svg+xml"
    if len(image) > LARGEST_SVG:
        image, media = _png(figure), "image/png"
    width, height = (round(side * PIXELS_PER_INCH) for side in figure.get_size_inches())
    return Chart(finding, measure, alternative, image, media, width, height, notes)


def _svg(figure: Any) -> bytes:
    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", text).encode()


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=PIXELS_PER_INCH * PNG_DENSITY)
    return stream.getvalue()
