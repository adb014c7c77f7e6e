"""Personal values of the simulated company, looked for in everything that lies in a folder.

The values are read from the raw files with the csv module alone, so that no rule of the program
decides what is looked for.
"""

from __future__ import annotations

import csv
import html
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

CRM, SHIPPERS, SURVEYS = "crm/客户档案.csv", "transport/shippers.csv", "surveys/surveys.csv"
PLACES = {
    "name": ((CRM, "客户名称"), (SHIPPERS, "shipper_name")),
    "contact": ((CRM, "联系人"),),
    "telephone": ((CRM, "联系电话"), (SHIPPERS, "phone")),
    "e-mail": ((CRM, "邮箱"),),
    "address": ((CRM, "地址"), (SHIPPERS, "address")),
    "tax id": ((CRM, "统一社会信用代码"), (SHIPPERS, "tax_no")),
    "account manager": ((CRM, "客户经理"),),
    "comment": ((SURVEYS, "comment"),),
}
"""Kind of personal value → raw files and columns that hold it."""
ENCODINGS = {CRM: "gb18030"}

SHORT = 2
"""Signs of a value that may stand within an ordinary word by chance: whole words only."""

TABLES = ".parquet"
_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,([A-Za-z0-9+/=]+)")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Found:
    """A personal value in a place; ``path`` and ``kind`` may be told, the value may not."""

    path: str
    kind: str
    value: str


def needles_of(raw: Path) -> dict[str, set[str]]:
    """Kind → every different value of it in the raw files."""
    read = {name: _rows(raw / name, ENCODINGS.get(name, "utf-8-sig")) for name, _ in _all_places()}
    return {
        kind: {row[column].strip() for name, column in places for row in read[name]} - {""}
        for kind, places in PLACES.items()
    }


def _all_places() -> Iterator[tuple[str, str]]:
    for places in PLACES.values():
        yield from places


def _rows(path: Path, encoding: str) -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as stream:
        return [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(stream)]


def found_below(
    folder: Path, needles: dict[str, set[str]], without: Iterable[str] = ()
) -> list[Found]:
    """Every personal value in every file below a folder.

    Args:
        folder: Where to look; hidden files and the files' names too.
        needles: As `needles_of` returns them.
        without: Names of folders that may hold personal values.

    Returns:
        A line that several files share is told for the first of them only.
    """
    skipped, seen, found = set(without), set(), []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not skipped & set(name.parts):
            new = {name.as_posix(), *text_of(path).split("\n")} - seen
            seen |= new
            found += found_in(name.as_posix(), "\n".join(sorted(new)), needles)
    return found


def found_in(path: str, text: str, needles: dict[str, set[str]]) -> list[Found]:
    """The personal values in a text."""
    # A value can only stand where its beginning does: a set answers that at once.
    begins = {text[at : at + SHORT] for at in range(len(text) - 1)}
    return [
        Found(path, kind, value)
        for kind, values in needles.items()
        for value in sorted(values)
        if value[:SHORT] in begins and _stands_in(value, text)
    ]


def _stands_in(value: str, text: str) -> bool:
    if value not in text or len(value) > SHORT:
        return value in text
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def text_of(path: Path) -> str:
    """What a file says, one line a text: of a table every string in any column, however nested;
    of any other file its text as it stands, and as a browser or a reader of JSON sees it, what
    is embedded (charts) included."""
    if path.suffix == TABLES:
        return "\n".join(sorted(_strings(pq.read_table(path))))
    text = _decoded(path.read_bytes())
    text = _EMBEDDED.sub(lambda part: f"\n{_decoded(b64decode(part[1]))}\n", text)
    seen = _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), html.unescape(text))
    return text if seen == text else f"{text}\n{seen}"


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _strings(table: pa.Table) -> set[str]:
    """Names, notes and every different string of a table."""
    notes = {_decoded(text) for text in (table.schema.metadata or {}).values()}
    texts = set(table.column_names) | notes
    for column in table.columns:
        texts |= _strings_of(column)
    return texts


def _strings_of(column: pa.ChunkedArray | pa.Array) -> set[str]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _strings_of(array.dictionary)
    if pa.types.is_map(kind):
        return _strings_of(array.keys) | _strings_of(array.items)
    if pa.types.is_struct(kind):
        return set().union(*(_strings_of(part) for part in array.flatten()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _strings_of(array.flatten())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return set(array.unique().to_pylist()) - {None}
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return {_decoded(one) for one in array.unique().to_pylist() if one}
    return set()
