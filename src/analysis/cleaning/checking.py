"""A profile's SELECTs tried out without any data."""

from __future__ import annotations

import pyarrow as pa

from ..engine import Engine, open_engine
from ..errors import AnalysisError, GroupedError
from ..params import Profile, Source
from ..sources import FAULTS, ROW, UNUSABLE
from ..sources.conversion import FAULT
from .candidates import selected
from .selects import Query, engine_table, queries_of

_ARROW_TYPES = {
    "text": pa.string(),
    "month": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "amount": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
}


def select_faults(profile: Profile) -> list[AnalysisError]:
    """What is wrong with a profile's SELECTs: names, and types by running them over no rows.

    Args:
        profile: The profile.

    Returns:
        Every fault found; empty where all SELECTs run.
    """
    try:
        queries = queries_of(profile)
    except GroupedError as several:
        return list(several.faults)
    except AnalysisError as one:
        return [one]
    engine = open_engine(cores=1)
    try:
        for name, source in profile.sources.items():
            engine.load(_no_rows(source), engine_table(name))
        return [
            fault
            for listed in queries.values()
            for query in listed
            for fault in _faults_of(engine, query)
        ]
    finally:
        engine.close()


def _faults_of(engine: Engine, query: Query) -> list[AnalysisError]:
    try:
        engine.materialise(selected(engine, query))
    except AnalysisError as fault:
        return [fault]
    return []


def _no_rows(source: Source) -> pa.RecordBatchReader:
    """An empty table with the columns that the source will have."""
    schema = pa.schema(
        [(name, _ARROW_TYPES[source.reading(name).type]) for name in source.columns]
        + [(ROW, pa.int64()), (FAULTS, pa.list_(FAULT.to_pyarrow())), (UNUSABLE, pa.bool_())]
    )
    return pa.RecordBatchReader.from_batches(schema, [])
