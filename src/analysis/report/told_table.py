"""A table of the quality page: a caption, headings and finished texts, all of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..figures import ReadingTable, reading_table
from ..language import Language

MOST_LINES = 200
"""Lines of one table; the tables in the month's folder hold all."""


def told_table(
    key: str,
    caption: str,
    titles: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    language: Language,
    numeric: Sequence[int] = (),
) -> ReadingTable | None:
    """Rows of texts as a table whose rows stack on a narrow screen; None without a row."""
    if not rows:
        return None
    names = [f"c{place}" for place in range(len(titles))]
    told: Any = dict(zip(names, (language.text(title) for title in titles), strict=True))
    frame = pd.DataFrame(list(rows[:MOST_LINES]), columns=names)
    return reading_table(
        frame, told, caption=language.text(caption), numeric=[names[n] for n in numeric],
        stacks=True, key=key,
    )  # fmt: skip
