"""Any file of records: which of them are one, without a profile and without labels."""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ..engine import open_engine
from ..errors import AnalysisError, ContractError, SourceError, did_you_mean, raise_all
from ..files import write_atomically
from ..params import MatchConfig
from ..sources.decoding import encoding_of, open_utf8
from ..sources.delimited import beginning_of
from ..sources.dialects import delimiter_of, first_records
from .linking import linked

MOST_SHOWN = 5
"""Ids that a message lists."""

MEMORY_GB = 5.0
"""Above this the engine spills to disk; the rest of the process needs as much again."""


@dataclass(frozen=True)
class Matched:
    """What matching found.

    Attributes:
        links: One row a record, in the file's order: record_id, entity_id (the id of the
            entity's first record by id), match_probability (1 where a record stands alone).
        records_n, entities_n: How many.
    """

    links: pd.DataFrame

    @property
    def records_n(self) -> int:
        """Records."""
        return len(self.links)

    @property
    def entities_n(self) -> int:
        """Different entities among them."""
        return int(self.links["entity_id"].nunique())


def match_file(path: Path, config: MatchConfig, where: str = "config") -> Matched:
    """Link the records of a CSV or Parquet file.

    Args:
        path: The file, which may be packed as .gz; encoding and delimiter of a CSV are told from
            its beginning.
        config: Which column holds what.
        where: The config's name, for messages.

    Raises:
        AnalysisError: The file cannot be read, lacks columns, or ids are missing or double.
    """
    if not path.is_file():
        raise SourceError("File not found", where=str(path), todo="Check --records.")
    with _unpacked(path) as plain:
        frame = _read(plain, config, where)
    _hold_ids(frame["id"], path, config.id)
    return Matched(match_records(frame, [c for c in frame.columns if c.startswith("other_")]))


def match_records(frame: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    """Link records.

    Args:
        frame: One row a record: id and any of source, name, address, city, postcode, phone,
            email, tax_id and `others`, as text.
        others: Further columns that are compared.

    Returns:
        One row a record, in the same order: record_id, entity_id, match_probability.
    """
    ordered = frame.sort_values("id", kind="stable", ignore_index=True)
    ids = ordered["id"].to_numpy(dtype=object)
    if not len(ordered):
        found_entity, probability = np.zeros(0, dtype=np.int64), np.zeros(0)
    else:
        records = ordered.drop(columns="id")
        records.insert(0, "rid", np.arange(len(records), dtype=np.int64))
        engine = open_engine(memory_gb=MEMORY_GB)
        try:
            found = linked(engine, engine.materialise(ibis.memtable(_typed(records))), others)
        finally:
            engine.close()
        found_entity, probability = found.entity, found.probability
    links = pd.DataFrame(
        {"record_id": ids, "entity_id": ids[found_entity], "match_probability": probability}
    )
    place = pd.Index(ids).get_indexer(pd.Index(frame["id"].to_numpy(dtype=object)))
    return links.iloc[place].reset_index(drop=True)


def write_links(matched: Matched, out: Path) -> None:
    """Write the links as CSV, whole or not at all."""
    write_atomically(out, matched.links.to_csv(index=False, lineterminator="\n"))


def _typed(records: pd.DataFrame) -> pa.Table:
    """Texts as texts, also where a column is empty."""
    fields = [pa.field(n, pa.int64() if n == "rid" else pa.string()) for n in records.columns]
    return pa.Table.from_pandas(records, schema=pa.schema(fields), preserve_index=False)


def _read(path: Path, config: MatchConfig, where: str) -> pd.DataFrame:
    """The columns by kind, as trimmed text, null where there is nothing."""
    if path.suffix.lower() == ".parquet":
        raw = _parquet(path, config, where)
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
    return pd.DataFrame(shown)


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


def _hold_ids(ids: pd.Series, path: Path, column: str) -> None:
    """Refuse records without an id, and ids that two records have."""
    missing = np.flatnonzero(ids.isna().to_numpy())
    if len(missing):
        raise ContractError(
            f"Records without an id: {len(missing)}",
            where=f"{path}, column '{column}'",
            got="records " + ", ".join(str(at + 1) for at in missing[:MOST_SHOWN]),
            todo="Give each record an id of its own.",
        )
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        raise ContractError(
            f"Ids that name more than one record: {len(twice)}",
            where=f"{path}, column '{column}'",
            got=", ".join(str(one) for one in twice[:MOST_SHOWN]),
            todo="Give each record an id of its own, or name another column.",
        )
