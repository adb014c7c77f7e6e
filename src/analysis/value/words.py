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


def missing_in_words(**missing: Message | None) -> pd.DataFrame:
    """What could not be told, and why, in both languages.

    Args:
        missing: What each result lacks, by its name; None where it lacks nothing.

    Returns:
        One row a result that lacks something: result, zh, en.
    """
    rows = [
        {"result": name, **{code: message.in_(Language(code)) for code in LANGUAGES}}
        for name, message in missing.items()
        if message is not None
    ]
    return pd.DataFrame(rows, columns=["result", *LANGUAGES])


def empty(**kinds: str) -> pd.DataFrame:
    """A table without rows: column → type, as pandas names it."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
