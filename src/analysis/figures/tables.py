"""Tables for readers: great_tables' structure, with one stylesheet for all of them.

great_tables repeats some 8 kB of styles with every table; here they are left out, and the page
that shows the tables brings one small stylesheet (``TABLE_STYLE`` for a notebook on its own).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from ..language import MISSING


@dataclass(frozen=True)
class ReadingTable:
    """A table of finished texts.

    Attributes:
        html: The ``<table>`` with caption and header cells, escaped.
        caption: What it shows; also the accessible name of its scrolling frame.
        stacks: On a narrow screen each row becomes a block of its own.
    """

    html: str
    caption: str
    stacks: bool = False

    def _repr_html_(self) -> str:
        kind = "table stacks" if self.stacks else "table"
        frame = f'role="region" aria-label="{escape(self.caption)}" tabindex="0"'
        return f'<div class="{kind}" {frame}>{self.html}</div>'


def reading_table(
    rows: pd.DataFrame,
    headings: Mapping[str, str],
    *,
    caption: str,
    numeric: Sequence[str] = (),
    group: str = "",
    stacks: bool = False,
    key: str,
) -> ReadingTable:
    """Lay out finished texts as a table; the first column names the row.

    Args:
        rows: One row a row; every value is text already in the reader's language.
        headings: Column → its heading, in order. Other columns are left out.
        caption: What the table shows, for all readers.
        numeric: Columns that are aligned right.
        group: Column whose values head groups of rows.
        stacks: On a narrow screen each row becomes a block; for tables of many columns.
        key: Unique on the page; names the header cells.
    """
    from great_tables import GT

    first, *others = headings
    shown = rows[[*headings, *([group] if group else [])]].astype(str)
    table = (
        GT(shown, rowname_col=first, groupname_col=group or None, id=key)
        .tab_stubhead(label=headings[first])
        .cols_label({name: headings[name] for name in others})
        .cols_align("left", columns=others)
    )
    if numeric:
        table = table.cols_align("right", columns=list(numeric))
    html = _bare(table.as_raw_html(), caption)
    labels = {f"{key}-{name}": heading for name, heading in headings.items()}
    return ReadingTable(_labelled(html, labels) if stacks else html, caption, stacks)


def _bare(html: str, caption: str) -> str:
    """The table alone, without styles and empty attributes, and with its caption."""
    table = html[html.index("<table") : html.rindex("</table>") + len("</table>")]
    table = re.sub(r"<table[^>]*>", f"<table><caption>{escape(caption)}</caption>", table, count=1)
    table = re.sub(r' (rowspan|colspan)="1"', "", table)
    table = table.replace("gt_columns_bottom_border ", "").replace("gt_col_heading ", "")
    return re.sub(r">\s*\n\s*<", ">\n<", table)


def _labelled(html: str, labels: Mapping[str, str]) -> str:
    """Give each cell its heading, which stands beside it where rows are stacked.

    A cell that holds nothing is marked: a stacked row goes without it.
    """

    def with_label(found: re.Match[str]) -> str:
        heading = labels.get(found["headers"].split()[-1], "")
        kind = f"{found['kind']} none" if found["text"] == MISSING else found["kind"]
        return (
            f'<td data-label="{escape(heading)}" headers="{found["headers"]}" class="{kind}">'
            f"{found['text']}"
        )

    cell = r'<td headers="(?P<headers>[^"]*)" class="(?P<kind>[^"]*)">(?P<text>[^<]*)'
    return re.sub(cell, with_label, html)
