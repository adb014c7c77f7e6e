"""A spreadsheet file (Office Open XML) written row by row: text cells only, same bytes each time.

ECMA-376 needs no more than these parts. Text lies in the cells (inline strings), so that a sheet
of a million rows needs no table of shared strings in memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from analysis.simulate.lines import Layout

ROWS_A_SHEET = 1_048_576  # what the format allows
CELL_START = '<c t="inlineStr"><is><t xml:space="preserve">'
CELL_END = "</t></is></c>"
SHEET_LAYOUT = Layout(
    start="<row>" + CELL_START,
    between=CELL_END + CELL_START,
    end=CELL_END + "</row>",
    blank="<row/>",
)

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
OLDEST = (1980, 1, 1, 0, 0, 0)  # a fixed time stamp keeps the bytes the same


def text_row(cells: Sequence[str]) -> bytes:
    """One row of text cells."""
    layout = SHEET_LAYOUT
    return (layout.start + layout.between.join(map(escape, cells)) + layout.end).encode()


def write_workbook(path: Path, sheets: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """Write sheets given as (name, rows already in XML).

    Args:
        path: the `.xlsx` file.
        sheets: name and row bytes of each sheet, in order; rows are streamed.
    """
    names: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, rows in sheets:
            names.append(name)
            with book.open(_entry(f"xl/worksheets/sheet{len(names)}.xml"), "w") as part:
                part.write(f'{XML}<worksheet xmlns="{MAIN}"><sheetData>'.encode())
                for row in rows:
                    part.write(row)
                part.write(b"</sheetData></worksheet>")
        for name, text in _fixed_parts(names).items():
            book.writestr(_entry(name), XML + text)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _fixed_parts(names: list[str]) -> dict[str, str]:
    numbers = range(1, len(names) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{SHEET_TYPE}"/>'
        for n in numbers
    )
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{BOOK_TYPE}"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f"{related}</Relationships>",
    }
