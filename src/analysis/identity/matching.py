"""Any file of records: which of them are one, without a profile and without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from ..engine import open_engine
from ..errors import ContractError, SourceError
from ..files import write_atomically
from ..params import MatchConfig
from .linking import linked
from .record_files import read_records

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
    """Link the records of a CSV, Parquet or spreadsheet file.

    Args:
        path: The file, which may be packed as .gz; encoding and delimiter of a CSV are told from
            its beginning, the header row of a spreadsheet from the columns asked for.
        config: Which column holds what.
        where: The config's name, for messages.

    Raises:
        AnalysisError: The file cannot be read, lacks columns, or ids are missing or double.
    """
    if not path.is_file():
        raise SourceError("File not found", where=str(path), todo="Check --records.")
    frame = read_records(path, config, where)
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
