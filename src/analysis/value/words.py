"""What is missing, in the words of both languages."""

from __future__ import annotations

import pandas as pd

from ..language import Language, LanguageCode
from ..message import Message, Value

LANGUAGES: tuple[LanguageCode, ...] = ("zh", "en")


def not_available(table: str) -> Message:
    """That nothing can be said without a table."""
    word = Value("term", table.replace("_", " "))
    return Message("not available: no {table} source", {"table": word})


def told(missing: Message | None) -> pd.DataFrame:
    """A message as a table for a notebook: one row, zh and en; no row where nothing is missing."""
    rows = [] if missing is None else [{code: missing.in_(Language(code)) for code in LANGUAGES}]
    return pd.DataFrame(rows, columns=list(LANGUAGES))
