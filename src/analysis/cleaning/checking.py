"""A profile's SELECTs tried out without any data."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from ..engine import Engine, open_engine
from ..errors import AnalysisError, GroupedError
from ..params import Profile, Source
from ..params.corrections import FILE, ROW_NUMBER, ROWS_EXPECTED, Correction
from ..sources import FAULTS, ROW, UNUSABLE
from ..sources.conversion import FAULT
from .candidates import selected
from .conditions import undeclared, unknown_source
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


def correction_faults(profile: Profile, corrections: Sequence[Correction]) -> list[AnalysisError]:
    """Sources and columns that declared corrections name and a profile does not have.

    Args:
        profile: The profile.
        corrections: As `load_corrections` read them.
    """
    faults: list[AnalysisError] = []
    for one in corrections:
        if one.source not in profile.sources:
            faults.append(unknown_source(one, profile.sources))
            continue
        columns = profile.sources[one.source].columns
        named = [("match", name) for name in one.match]
        named += [("expectation", name) for name in one.expectation]
        named += [("column", one.column)] if one.column else []
        faults += [
            undeclared(name, one.source, columns, f"{one.id}.{key}")
            for key, name in named
            if name not in columns and name not in (FILE, ROW_NUMBER, ROWS_EXPECTED)
        ]
    return faults


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
