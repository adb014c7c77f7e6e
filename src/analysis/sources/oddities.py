"""Rows of a sheet that are no data: headers written again, totals, remarks below the table.

People write them for other people. They are told by what stands in them, counted, and listed
as rejected: nothing is added up twice and nothing vanishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add, and_, or_

import ibis
import ibis.expr.types as ir

from ..params import Source
from ..params.sources import NUMERIC

KIND = "_kind"
"""Column that says which rule a row breaks as a whole; null for a row of data."""

TOLD: Mapping[str, str] = {
    "repeated_header": "the header row again",
    "totals_row": "a row of totals",
    "remark_row": "a remark, no data",
    "not_json": "no JSON object",
}

_TOTALS = (
    "合计", "总计", "小计", "共计", "总合计", "本页合计", "本月合计", "本页小计", "累计",
    "合計", "總計", "小計", "共計", "総計",
)  # fmt: skip
_TOTALS_EN = (
    "total", "totals", "grand total", "subtotal", "sub-total", "sum", "sum total",
    "summe", "gesamt", "gesamtsumme", "zwischensumme", "insgesamt", "endsumme",
    "total général", "sous-total", "total general", "totale", "totaal", "suma", "razem", "итого",
)  # fmt: skip
_SPACED = tuple(f"{word[0]}{gap}{word[1]}" for word in _TOTALS[:4] for gap in (" ", "  ", "\u3000"))
_CASED = (*_TOTALS_EN, *(w.title() for w in _TOTALS_EN), *(w.upper() for w in _TOTALS_EN))
_WORDS = (*_TOTALS, *_SPACED, *_CASED, *(word.capitalize() for word in _TOTALS_EN))
TOTALS_WORDS = tuple(dict.fromkeys((*_WORDS, *(w + m for w in _WORDS for m in (":", "：")))))
"""What people write at the head of a row of totals."""

TOTALS_BEGINNINGS = tuple(word + mark for word in _TOTALS[:4] for mark in (":", "："))
"""Beginnings of a cell that holds word and total in one: ``合计：24家``."""

HEAD_COLUMNS = 3
"""The word stands in one of the first columns."""

REMARK_COLUMNS = 3
"""A remark is told from data by its being alone: among so many columns at least."""

_REMARK = (
    r"^[^\d:：]{2,}[:：]|^[*※]|^共\s*\d+\s*[条行笔]|^第\s*\d+\s*页|^(Page|Seite) \d+"
    r"|^(注|备注|说明|以上)|^.{60,}$"
)
"""What people write below a table: who made it and when, notes, how many rows there are."""


_NOTHING = ibis.null("string")


def marked(cells: ir.Table, source: Source, titles: Mapping[str, Sequence[str]]) -> ir.Table:
    """Say in `KIND` which rows are no data.

    Args:
        cells: One row a source row, all columns text.
        source: Its entry.
        titles: Declared column → how the files' headers write it; columns in the files' order.

    Returns:
        The same rows with `KIND`.
    """
    kinds: list[tuple[ir.BooleanValue, str]] = []
    if source.header_row:
        same = [cells[c].isin(list({c, *written})) for c, written in titles.items()]
        kinds.append((reduce(and_, same).fill_null(False), "repeated_header"))
    kinds.append((_is_total(cells, source, list(titles)), "totals_row"))
    kinds.append((_is_remark(cells, list(titles)), "remark_row"))
    cases = [(hit, ibis.literal(rule)) for hit, rule in kinds]
    return cells.mutate(**{KIND: ibis.cases(*cases, else_=ibis.null("string"))})


def is_totals_word(text: str) -> bool:
    """Whether a cell says that its row is one of totals."""
    return text.strip() in TOTALS_WORDS or text.strip().startswith(TOTALS_BEGINNINGS)


def _is_total(cells: ir.Table, source: Source, columns: Sequence[str]) -> ir.BooleanValue:
    """A totals word at the head, and at least half of what names a row empty."""
    naming = [c for c in columns if source.reading(c).type not in NUMERIC]
    heads = [_is_totals_head(cells[c]).fill_null(False) for c in naming[:HEAD_COLUMNS]]
    if not heads:
        return ibis.literal(False)
    empty = reduce(add, [(cells[c].fill_null("") == "").cast("int64") for c in naming])
    return reduce(or_, heads).ifelse(empty * 2 >= len(naming) - 1, False)


def _is_remark(cells: ir.Table, columns: Sequence[str]) -> ir.BooleanValue:
    """A text below a table that stands alone in its row and reads like no id."""
    if len(columns) < REMARK_COLUMNS:
        return ibis.literal(False)
    filled = [(cells[c].fill_null("") != "") for c in columns]
    text = reduce(lambda found, c: ibis.coalesce(found, cells[c].nullif("")), columns, _NOTHING)
    alone = reduce(add, [one.cast("int64") for one in filled]) == 1
    ends = [filled[at] for at in (0, -1)]
    return (ends[0] & ends[1]).ifelse(False, alone & text.re_search(_REMARK).fill_null(False))


def _is_totals_head(cell: ir.StringColumn) -> ir.BooleanValue:
    begins = cell.left(len(TOTALS_BEGINNINGS[0])).isin(TOTALS_BEGINNINGS)
    return cell.isin(TOTALS_WORDS) | begins
