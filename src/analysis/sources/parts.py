"""What a source consists of: its files, their sheets, or a table; and where its columns stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import AnalysisError, GroupedError, SourceError, raise_all
from ..params import Source
from . import databases, delimited, json_lines, spreadsheets
from .decoding import encoding_of
from .files import files_of, name_within
from .headers import positions, where_of
from .parquet_files import parquet_schema


@dataclass(frozen=True)
class Layout:
    """How one file, or one sheet of it, is laid out.

    Attributes:
        sheet: Empty where there are none.
        encoding: What the text is read as; empty where the file is binary.
        delimiter: Between two cells; empty where there is none.
        headers: From the left.
        rows: The first rows as text, where the headers stand among rows.
    """

    sheet: str
    encoding: str
    delimiter: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Part:
    """One file of a source, one sheet of it, or a table of a database.

    Attributes:
        number: Counted from 0 within the source; the upper bits of ``_row``.
        path: The file; of a database, a name such as ``warehouse:public.orders``.
        file: What the file is called among those of the source.
        places: Declared column → position in the file.
        titles: Declared column → its header as the file writes it, in the file's order.
        width: Number of columns in the file.
        encoding: What the text is read as; empty where the file is binary.
        delimiter: What separates the cells; empty where nothing does.
    """

    number: int
    path: Path
    file: str
    sheet: str
    encoding: str
    places: Mapping[str, int]
    width: int
    unread: tuple[str, ...] = ()
    delimiter: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)

    def row_of(self, line: int) -> int:
        """The ``_row`` of a row number in the file."""
        return (self.number << LINE_BITS) + line


LINE_BITS = 40


def parts_of(name: str, source: Source, raw: Path) -> list[Part]:
    """The files and sheets of a source with the places of its columns.

    Raises:
        AnalysisError: Files are missing, unreadable or lack columns; all faults at once, one
            that several files share told once.
    """
    if source.format == "postgresql":
        label = databases.label_of(source)
        return [_part(0, Path(label), Path(label).name, _table_layout(name, source), source)[0]]
    parts: list[Part] = []
    faults: list[AnalysisError] = []
    for path in files_of(name, source, raw):
        file = name_within(path, source, raw)
        try:
            for layout in layouts_of(path, source):
                part, missing = _part(len(parts), path, file, layout, source, name)
                parts.append(part)
                faults.extend(missing)
        except GroupedError as several:
            faults.extend(several.faults)
        except AnalysisError as fault:
            faults.append(fault)
    raise_all(told_once(faults))
    return parts


def layouts_of(path: Path, source: Source) -> Iterator[Layout]:
    """Each part of a file, as it is laid out.

    Raises:
        SourceError: The file is empty, or not what the profile says.
    """
    if path.stat().st_size == 0:
        raise SourceError(
            "The file is empty", where=str(path), todo="Ask for the file again, or remove it."
        )
    if source.format == "csv":
        encoding = encoding_of(path, source.encoding)
        found = delimited.settled(path, source, encoding)
        rows = delimited.first_rows(path, found, encoding)
        headers = delimited.header_in(rows, found)
        yield Layout("", encoding, found.delimiter or ",", headers, rows)
    elif source.format == "excel":
        for sheet in spreadsheets.sheets_of(path, source):
            rows = spreadsheets.first_rows(path, sheet, source)
            yield Layout(sheet, "", "", spreadsheets.header_in(rows, source), rows)
    elif source.format == "jsonl":
        encoding = encoding_of(path, source.encoding)
        yield Layout("", encoding, "", json_lines.keys_of(path, encoding))
    else:
        yield Layout("", "", "", parquet_schema(path).names)


def told_once(faults: Sequence[AnalysisError]) -> list[AnalysisError]:
    """Faults, those that differ in their file only told once."""
    same: dict[tuple[str, str, str], list[AnalysisError]] = {}
    for fault in faults:
        same.setdefault((fault.what, str(fault.got), fault.todo), []).append(fault)
    for several in same.values():
        if len(several) > 1:
            several[0].where += f" and {len(several) - 1} more"
    return [several[0] for several in same.values()]


def _table_layout(name: str, source: Source) -> Layout:
    headers = databases.columns_of(source)
    missing = positions(headers, name, source, databases.label_of(source))[1]
    raise_all(missing)
    return Layout("", "", "", headers)


def _part(
    number: int, path: Path, file: str, layout: Layout, source: Source, name: str = ""
) -> tuple[Part, list[AnalysisError]]:
    where = where_of(path, layout.sheet)
    places, missing = positions(layout.headers, name, source, where, layout.rows)
    used = set(places.values())
    in_order = sorted(places, key=lambda column: places[column])
    part = Part(
        number=number,
        path=path,
        file=file,
        sheet=layout.sheet,
        encoding=layout.encoding,
        places=places,
        width=len(layout.headers),
        unread=_unread(layout, used, source),
        delimiter=layout.delimiter,
        titles={column: layout.headers[places[column]] for column in in_order},
    )
    return part, missing


def _unread(layout: Layout, used: Set[int], source: Source) -> tuple[str, ...]:
    """The headers that no column reads; of JSON lines only those that hold values."""
    valued = layout.headers
    if source.format == "jsonl":
        whole = [layout.headers[at] for at in used]
        leaves = set(json_lines.leaves(layout.headers))
        valued = [
            h
            for h in layout.headers
            if h in leaves and not h.startswith(tuple(f"{w}." for w in whole))
        ]
    return tuple(h for at, h in enumerate(layout.headers) if at not in used and h and h in valued)


def settled_source(part: Part, source: Source) -> Source:
    """The source with the delimiter of one of its files."""
    return source.model_copy(update={"delimiter": part.delimiter}) if part.delimiter else source


def titles_of(parts: Sequence[Part]) -> dict[str, list[str]]:
    """Declared column → how the files write it, in the order of the first file."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for column, title in part.titles.items():
            found.setdefault(column, []).append(title)
    return {column: sorted(set(titles)) for column, titles in found.items()}
