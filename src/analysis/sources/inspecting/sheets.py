"""How a workbook is laid out: which of its sheets hold which table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import SourceError
from ...params import Source
from .. import spreadsheets
from ..headers import unnamed
from ..oddities import HEAD_COLUMNS, is_totals_word
from .look import Look, header_row_of, taken
from .names import tables_of

TOTALS = "the last row holds totals: it will be listed as totals_row, not read"


def looks_at_sheets(path: Path, most: int) -> list[Look]:
    """One look a group of sheets with the same headers.

    Sheets whose headers speak of no canonical table are named among the oddities, where others
    do; of a workbook without any the largest group is looked at.

    Args:
        path: A workbook.
        most: Rows that are looked at, of each group.
    """
    every = Source.model_validate(
        {"system": "x", "files": "x", "format": "excel", "columns": {"x": "text"}}
    )
    names = spreadsheets.sheets_of(path, every)
    firsts = {sheet: spreadsheets.first_rows(path, sheet, every) for sheet in names}
    filled = {sheet: rows for sheet, rows in firsts.items() if any(any(row) for row in rows)}
    if not filled:
        raise SourceError("The spreadsheet is empty", where=str(path), todo="Ask for it again.")
    groups: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for sheet, rows in filled.items():
        groups.setdefault((header_row_of(rows), _headers(rows)), []).append(sheet)
    chosen = {head: sheets for head, sheets in groups.items() if _is_known(head, sheets)}
    if not chosen:
        largest = max(groups, key=lambda head: len(groups[head]))
        chosen = {largest: groups[largest]}
    looks = [_look(path, head, sheets, every, most) for head, sheets in chosen.items()]
    read = {sheet for sheets in chosen.values() for sheet in sheets}
    return _with_others(looks, [sheet for sheet in names if sheet not in read])


def _is_known(head: tuple[int, tuple[str, ...]], sheets: Sequence[str]) -> bool:
    row, headers = head
    return row > 0 and bool(tables_of([header for header in headers if header], sheets[0]))


def _headers(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    at = header_row_of(rows)
    return tuple(rows[at - 1]) if at else tuple(unnamed(max(map(len, rows))))


def _look(
    path: Path,
    head: tuple[int, tuple[str, ...]],
    sheets: Sequence[str],
    every: Source,
    most: int,
) -> Look:
    header_row, headers = head
    declared = every.model_copy(update={"header_row": header_row})
    places = list(range(len(headers)))
    batches = (
        columns
        for sheet in sheets
        for _, columns in spreadsheets.text_batches(path, sheet, declared, places)
    )
    cells, whole = taken(batches, len(headers), most)
    odd = [f"merged cells in sheet {s}" for s in sheets if spreadsheets.has_merged(path, s)]
    look = Look(path, "excel", headers, cells, header_row, sheets=tuple(sheets), whole=whole)
    return replace(look, oddities=(*odd, *([TOTALS] if whole and _ends_in_totals(look) else [])))


def _ends_in_totals(look: Look) -> bool:
    last = look.cells.slice(look.cells.num_rows - 1).to_pylist() if look.cells.num_rows else []
    return any(
        is_totals_word(cell or "") for row in last for cell in [*row.values()][:HEAD_COLUMNS]
    )


def _with_others(looks: Sequence[Look], others: Sequence[str]) -> list[Look]:
    """Looks that say which sheets are not read; without names of sheets where all are read."""
    if not others and len(looks) == 1:
        return [replace(looks[0], sheets=())]
    told = (f"sheets that hold no known table: {', '.join(others)}",) if others else ()
    return [replace(look, oddities=(*told, *look.oddities)) for look in looks]
