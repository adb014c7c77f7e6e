"""A file of records as texts by kind: delimited text, Parquet or a spreadsheet, packed or not."""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ..errors import AnalysisError, SourceError, did_you_mean, raise_all
from ..params import MatchConfig
from ..sources.decoding import encoding_of, open_utf8
from ..sources.delimited import beginning_of
from ..sources.dialects import ROWS_SEEN, delimiter_of, first_records
from ..sources.spreadsheets import names_of, texts_of

SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


def read_records(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    """Read what is compared.

    Args:
        path: The file, which may be packed as .gz.
        config: Which column holds what.
        where: The config's name, for messages.

    Returns:
        One row a record: id and, of what the config names, source, the kinds, and ``other_0``,
        ``other_1`` …: trimmed text, null where there is nothing.

    Raises:
        AnalysisError: The file cannot be read, or lacks columns.
    """
    with _unpacked(path) as plain:
        return _read(plain, config, where)


def _read(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    """The columns by kind, as trimmed text, null where there is nothing."""
    if path.suffix.lower() == ".parquet":
        raw = _parquet(path, config, where)
    elif path.suffix.lower() in SPREADSHEETS:
        raw = _spreadsheet(path, config, where)
    else:
        raw = _delimited(path, config, where)
    texts = {name: _text(raw[name]) for name in config.columns}
    shown = {"id": texts[config.id]}
    if config.source:
        shown["source"] = _joined([texts[c] for c in config.source])
    for kind, columns in config.kinds.items():
        shown[kind] = _joined([texts[c] for c in columns])
    for at, column in enumerate(config.other):
        shown[f"other_{at}"] = texts[column]
    return pd.DataFrame(shown).dropna(how="all", ignore_index=True)  # blank rows are no records


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file, or an unpacked copy of it for as long as it is read."""
    if path.suffix.lower() != ".gz":
        yield path
        return
    with TemporaryDirectory(prefix="tierlab-") as folder:
        plain = Path(folder) / path.with_suffix("").name
        try:
            with gzip.open(path) as packed, plain.open("wb") as out:
                shutil.copyfileobj(packed, out, 1 << 20)
        except (OSError, EOFError) as fault:
            raise SourceError(
                "The file cannot be unpacked",
                where=str(path),
                got=str(fault),
                todo="Ask for the file again.",
            ) from fault
        try:
            yield plain
        except AnalysisError as fault:
            for told in (fault, *getattr(fault, "faults", ())):
                told.where = told.where.replace(str(plain), str(path))
            raise


def _text(column: pd.Series) -> pd.Series:
    """Trimmed text; whole numbers that a spreadsheet made decimal are whole again."""
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna().mod(1).eq(0).all()
        column = column.astype("Int64") if whole else column
    text = column.astype("string").str.strip()
    return text.mask(text == "")


def _joined(parts: list[pd.Series]) -> pd.Series:
    if len(parts) == 1:
        return parts[0]
    text = parts[0].fillna("")
    for part in parts[1:]:
        text = text.str.cat(part.fillna(""), sep=" ")
    text = text.str.strip()
    return text.mask(text == "")


def _parquet(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    try:
        names = pq.read_schema(path).names
        _hold_columns(names, config, path, where)
        return pq.read_table(path, columns=list(config.columns)).to_pandas()
    except (pa.ArrowInvalid, OSError) as fault:
        raise SourceError(
            "The file is no Parquet file that can be read",
            where=str(path),
            got=str(fault).splitlines()[0],
            todo="Ask for the file again, or give it its right ending.",
        ) from fault


def _spreadsheet(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    """The rows below the columns' headers, of every sheet that has them."""
    sheets = [[row for _, row in texts_of(path, name)] for name in names_of(path)]
    found = [_below_header(rows, config.columns) for rows in sheets]
    tables = [table for table in found if table is not None]
    if not tables:
        first = [_names(row) for rows in sheets for row in rows[:ROWS_SEEN]]
        wanted = set(config.columns)
        best = max(first, key=lambda names: len(wanted & set(names)), default=[])
        _hold_columns([name for name in best if name], config, path, where)
    return pd.concat(tables, ignore_index=True)


def _below_header(
    rows: Sequence[Sequence[str | None]], columns: Sequence[str]
) -> pd.DataFrame | None:
    """The rows below the header but for the header once more; None without a header row."""
    for at, row in enumerate(rows[:ROWS_SEEN]):
        names = _names(row)
        if set(columns) <= set(names):
            places = [names.index(name) for name in columns]
            cells = [[one[p] if p < len(one) else None for p in places] for one in rows[at + 1 :]]
            below = [one for one in cells if _names(one) != list(columns)]
            return pd.DataFrame(below, columns=list(columns), dtype="string")
    return None


def _names(row: Sequence[str | None]) -> list[str]:
    return [(cell or "").strip() for cell in row]


def _delimited(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    encoding = encoding_of(path, None)
    text = beginning_of(path, encoding)
    if not text.strip("\ufeff \t\r\n\0"):
        raise SourceError("The file is empty", where=str(path), todo="Ask for the file again.")
    mark = delimiter_of(text, '"', 1, config.columns)
    spaced = bool(re.search(re.escape(mark) + ' +"', text))
    header = [cell.strip() for cell in first_records(text, mark, '"', 1)[0]]
    _hold_columns(header, config, path, where)
    try:
        if spaced:
            return _spaced(path, mark, encoding, header, config)
        return _plain(path, mark, encoding, header, config)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error, ValueError) as fault:
        raise SourceError(
            "The file cannot be read as delimited text",
            where=str(path),
            got=_without_row(fault),
            todo="Mend the row, or save the file as UTF-8 CSV with quotes around texts.",
        ) from fault


def _without_row(fault: Exception) -> str:
    """What is wrong, without the row that PyArrow quotes: it may be personal."""
    if not isinstance(fault, pa.ArrowInvalid):
        return " ".join(str(fault).split())
    told = re.search(r"(Row #\d+: )?Expected \d+ columns, got \d+", str(fault))
    return told[0] if told else "rows that are no delimited text"


def _plain(
    path: Path, mark: str, encoding: str, header: list[str], config: MatchConfig
) -> pd.DataFrame:
    with open_utf8(path, encoding) as stream:
        table = pa_csv.read_csv(
            stream,
            read_options=pa_csv.ReadOptions(
                column_names=_own_names(header), skip_rows_after_names=1, block_size=1 << 26
            ),
            parse_options=pa_csv.ParseOptions(delimiter=mark, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(config.columns, pa.string()),
                include_columns=list(config.columns),
            ),
        )
    return table.to_pandas()


def _spaced(
    path: Path, mark: str, encoding: str, header: list[str], config: MatchConfig
) -> pd.DataFrame:
    """A file with blanks before its quotes, which few readers take for quotes."""
    places = [header.index(name) for name in config.columns]
    rows: list[list[str]] = []
    with io.TextIOWrapper(open_utf8(path, encoding), encoding="utf-8", newline="") as text:
        for at, cells in enumerate(csv.reader(text, delimiter=mark, skipinitialspace=True)):
            if not cells:
                continue
            if len(cells) != len(header):
                raise ValueError(f"row {at + 1}: {len(cells)} cells, {len(header)} expected")
            if at:
                rows.append([cells[place] for place in places])
    return pd.DataFrame(rows, columns=list(config.columns))


def _own_names(header: list[str]) -> list[str]:
    """Headers that differ; a second column of a name is not asked for by anyone."""
    seen: set[str] = set()
    names = []
    for at, name in enumerate(header):
        names.append(f"{name}#{at}" if name in seen or not name else name)
        seen.add(name)
    return names


def _hold_columns(header: list[str], config: MatchConfig, path: Path, where: str) -> None:
    faults: list[AnalysisError] = [
        SourceError(
            f"The file has no column '{name}'",
            where=f"{path} ({where})",
            allowed=header,
            todo=did_you_mean(name, header) or "Correct the config.",
        )
        for name in config.columns
        if name not in header
    ]
    raise_all(faults)
