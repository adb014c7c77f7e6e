"""A table of texts made safe for a spreadsheet program: nothing in it is run as a formula."""

from __future__ import annotations

import ibis.expr.types as ir

MOST_ROWS = 1_048_575
"""Rows that Excel shows below a header (Microsoft, Excel specifications and limits)."""

MOST_SIGNS = 32_000
"""Signs of one cell; Excel's limit is 32,767, what is longer runs into the next row."""

FORMULA = r"^\s*[=+\-@\t\r\n＝＋－＠]"
"""How a cell begins that a spreadsheet may run (OWASP, CSV injection), full-width signs too."""


def for_spreadsheet(table: ir.Table) -> ir.Table:
    """The same rows, every text harmless to open: an apostrophe before what may be a formula.

    Args:
        table: Any table; columns that are no text stay as they are.

    Returns:
        One row a row of the table. A text beyond `MOST_SIGNS` is cut, its length told; NUL
        signs become ␀.
    """
    texts = [name for name, kind in table.schema().items() if kind.is_string()]
    return table.mutate(**{name: _harmless(table[name]) for name in texts})


def _harmless(text: ir.Value) -> ir.Value:
    length = text.length()
    cut = text.left(MOST_SIGNS) + "…(" + length.cast("string") + ")"
    held = (length > MOST_SIGNS).ifelse(cut, text).replace("\0", "␀")
    return held.re_search(FORMULA).ifelse("'" + held, held)


def too_long_for_excel(rows: int) -> bool:
    """Whether Excel would show only the first `MOST_ROWS` of so many rows."""
    return rows > MOST_ROWS
