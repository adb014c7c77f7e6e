"""JSON lines: one object a line, its members read as text cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..params import Source
from .decoding import open_utf8

LINE = "_line_text"
PROBED_LINES = 1_000


@ibis.udf.scalar.builtin(name="json_extract_string")
def _member(line: str, path: str) -> str:  # type: ignore[empty-body]
    """A member of a JSON object as text; null where it is missing or null."""


@ibis.udf.scalar.builtin(name="json_valid")
def _is_json(line: str) -> bool:  # type: ignore[empty-body]
    """Whether a text is JSON."""


def keys_of(path: Path, encoding: str) -> list[str]:
    """The members seen in the first `PROBED_LINES` lines.

    Raises:
        SourceError: The first line is no JSON object.
    """
    seen: dict[str, None] = {}
    with open_utf8(path, encoding) as stream:
        for line in islice(stream, PROBED_LINES):
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
    """
    with open_utf8(path, encoding) as stream:
        number = 1
        while True:
            lines = stream.readlines(block)
            if not lines:
                return
            texts = [line.decode("utf-8", "replace").strip() for line in lines]
            kept = [at for at, text in enumerate(texts) if text]
            numbers = np.asarray(kept, dtype=np.int64) + number
            yield numbers, [pa.array([texts[at] for at in kept], pa.string())]
            number += len(lines)


def cells_of(lines: ir.Table, source: Source) -> ir.Table:
    """The declared members of each line as text; a line that is no JSON gives only nulls."""
    line = lines[LINE]
    usable = _is_json(line).ifelse(line, ibis.null("string"))
    cells = {column: _member(usable, _path(column)) for column in source.columns}
    return lines.select("_row", **cells)


def _path(column: str) -> str:
    escaped = column.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _object(line: bytes) -> list[str]:
    try:
        content = json.loads(line)
    except ValueError:
        return []
    return list(content) if isinstance(content, dict) else []
