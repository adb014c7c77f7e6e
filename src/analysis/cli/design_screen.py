"""A design on the terminal: sentences and the columns that fit; the page has all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .options import console

if TYPE_CHECKING:
    from ..experiment.design import Assignment
    from ..report.design_words import DesignWords
    from ..report.difference_page import ToldTable


def show_design(words: DesignWords) -> None:
    """Print what a plan can see."""
    from rich.text import Text

    from ..report.design_tables import comparison_tables, sizes_table

    screen = console()
    screen.print(Text(words.title, style="bold"))
    screen.print(Text(words.headline(), style="bold"))
    for line in (*words.sentences(), words.cost(), *words.missing()):
        screen.print(Text(f"• {line}"))
    facts = [f"{name} {value}" for name, value in words.facts()]
    screen.print(Text(" · ".join(facts), style="dim"))
    tables = comparison_tables(words)
    for one in tables:
        _print(one.seen, SEEN_COLUMNS)
    _print(sizes_table(words))
    for one in tables:
        if one.rehearsal:
            _print(one.rehearsal, REHEARSAL_COLUMNS)
    for note in filter(None, (words.rehearsed(), *words.notes())):
        screen.print(Text(note, style="dim"))


SEEN_COLUMNS = (0, 2, 3, 4, 5, 6)
REHEARSAL_COLUMNS = (0, 1, 3, 4, 6)
"""Columns that fit a terminal; the page and the CSV files have all."""


def _print(told: ToldTable, columns: Sequence[int] = ()) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if not told.rows:
        return
    shown = columns or range(len(told.headings))
    table = Table(title=Text(told.title), title_justify="left", title_style="bold",
                  box=SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
    for place in shown:
        table.add_column(Text(told.headings[place]), justify="right" if place else "left")
    for row in told.rows:
        table.add_row(*(Text(row[place]) for place in shown))
    console().print(table)


def show_draw(words: DesignWords, drawn: Assignment) -> None:
    """Print what a draw has done and how alike the arms are."""
    from rich.text import Text

    from ..report.design_draw import balance_table, draw_told

    _print(balance_table(words, drawn))
    for line in draw_told(words, drawn):
        console().print(Text(f"• {line}"))
