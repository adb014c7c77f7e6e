"""JSON lines: one object a line, its members read as text cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..params import Source
from .decoding import open_utf8, undecodable
from .oddities import KIND

LINE = "_line_text"
PROBED_LINES = 1_000
DEEPEST = 4
"""Members within members that are looked for."""

LONGEST_LINE = 1 << 26
"""Bytes of one object: 64 MB."""


@ibis.udf.scalar.builtin(name="json_extract_string")
def _member(line: str, path: str) -> str:  # type: ignore[empty-body]
    """A member of a JSON object as text; null where it is missing or null."""


@ibis.udf.scalar.builtin(name="json_valid")
def _is_json(line: str) -> bool:  # type: ignore[empty-body]
    """Whether a text is JSON."""


def keys_of(path: Path, encoding: str) -> list[str]:
    """The members seen in the first `PROBED_LINES` lines; of an object in them its own, too.

    A member of a member is written with a point between: ``times.picked_up``.

    Raises:
        SourceError: The first line is no JSON object.
    """
    seen: dict[str, None] = {}
    with open_utf8(path, encoding) as stream:
        for line in islice(chain.from_iterable(_lines(stream, path, 1)), PROBED_LINES):
            seen.update(dict.fromkeys(_object(line)))
    if not seen:
        raise SourceError(
            "The file holds no JSON objects, one a line",
            where=str(path),
            todo="Check the format in the profile, or export the file as JSON lines.",
        )
    return list(seen)


def line_batches(
    path: Path, encoding: str, block: int
) -> Iterator[tuple[np.ndarray, list[pa.Array]]]:
    """The lines of a file.

    Yields:
        Line numbers from 1 (int64, shape (n,)) and one column of n lines; blank ones left out.

    Raises:
        SourceError: A byte is no text, or a line has no end.
    """
    with open_utf8(path, encoding) as stream:
        number = 1
        for lines in _lines(stream, path, block):
            texts = [_decoded(line, path, encoding) for line in lines]
            kept = [at for at, text in enumerate(texts) if text]
            numbers = np.asarray(kept, dtype=np.int64) + number
            yield numbers, [pa.array([texts[at] for at in kept], pa.string())]
            number += len(lines)


def _lines(stream: BinaryIO, path: Path, block: int) -> Iterator[list[bytes]]:
    """Lines, about a block of them at once, none longer than `LONGEST_LINE`."""
    lines: list[bytes] = []
    size = 0
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise SourceError(
                "A line is too long to be one JSON object",
                where=str(path),
                allowed=f"{LONGEST_LINE >> 20} MB",
                todo="Export the file as JSON lines: one object a line.",
            )
        lines.append(line)
        size += len(line)
        if size >= block:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _decoded(line: bytes, path: Path, encoding: str) -> str:
    try:
        return line.decode("utf-8").strip()
    except UnicodeDecodeError as fault:
        raise undecodable(path, encoding) or SourceError(
            "A line is no text", where=str(path), todo="Save the file as UTF-8."
        ) from fault


def members(lines: Sequence[str], keys: Sequence[str]) -> list[pa.Array]:
    """The members of some lines as text, one array a key; a line that is no object gives nulls."""
    objects = [_flat(_content(line)) for line in lines]
    return [
        pa.array([_shown(content.get(key)) for content in objects], pa.string()) for key in keys
    ]


def cells_of(lines: ir.Table, source: Source) -> ir.Table:
    """The declared members of each line as text, and in `KIND` which lines are no objects."""
    line = lines[LINE]
    valid = _is_json(line)
    usable = valid.ifelse(line, ibis.null("string"))
    is_object = valid & line.startswith("{")
    cells = {
        column: ibis.coalesce(
            *(_cell(usable, one) for one in (column, *source.reading(column).also))
        )
        for column in source.columns
    }
    kind = is_object.ifelse(ibis.null("string"), ibis.literal("not_json"))
    return lines.select("_row", **cells, **{KIND: kind})


def _cell(line: ir.StringValue, column: str) -> ir.StringValue:
    """The member of that name; where none has it, the member of a member."""
    parts = column.split(".")
    own = _member(line, _path([column]))
    return own if len(parts) == 1 else ibis.coalesce(own, _member(line, _path(parts)))


def _path(members: Sequence[str]) -> str:
    escaped = [member.replace("\\", "\\\\").replace('"', '\\"') for member in members]
    return "$" + "".join(f'."{member}"' for member in escaped)


def _object(line: bytes) -> list[str]:
    return list(_flat(_content(line.decode("utf-8", "replace"))))


def _flat(content: Mapping[str, object], within: str = "", depth: int = 0) -> dict[str, object]:
    """Members, and members of members, by their names with points between."""
    found = {}
    for key, value in content.items():
        found[within + key] = value
        if isinstance(value, dict) and depth < DEEPEST:
            found |= _flat(value, f"{within}{key}.", depth + 1)
    return found | {within + key: value for key, value in content.items()}


def leaves(keys: Sequence[str]) -> list[str]:
    """The members that hold values: without those that hold other members.

    Example:
        >>> leaves(["id", "times", "times.picked_up"])
        ['id', 'times.picked_up']
    """
    return [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]


def _content(line: str) -> dict[str, object]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _shown(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
