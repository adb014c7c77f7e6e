"""The engine writes atomically and tells faults in words."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from analysis import files
from analysis.engine import open_engine, write_atomically
from analysis.errors import RunError, SourceError


@pytest.fixture
def engine():
    opened = open_engine()
    yield opened
    opened.close()


def test_what_is_written_is_read_back(engine, tmp_path):
    rows = engine.write(ibis.memtable({"a": [1, 2], "b": ["甲", None]}), tmp_path / "t.parquet")
    assert rows == 2
    assert engine.read(tmp_path / "t.parquet").count().execute() == 2
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_the_parts_of_a_union_are_computed_in_their_order(engine, tmp_path):
    parts = [ibis.memtable({"a": [3 * n, 3 * n + 1, 3 * n + 2]}) for n in range(5)]
    union = parts[0]
    for part in parts[1:]:
        union = union.union(part)
    assert engine.write(union, tmp_path / "t.parquet", by_part=True) == 15
    assert engine.read(tmp_path / "t.parquet").a.execute().tolist() == list(range(15))
    assert engine.materialise(union, "kept", by_part=True).a.execute().tolist() == list(range(15))
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    assert not list(engine.scratch.iterdir())


def test_a_union_without_doubles_is_no_matter_of_parts(engine, tmp_path):
    union = ibis.memtable({"a": [1, 2]}).union(ibis.memtable({"a": [2, 3]}), distinct=True)
    assert engine.write(union, tmp_path / "t.parquet", by_part=True) == 3


def test_batches_stream_into_a_table(engine):
    batch = pa.record_batch({"a": pa.array([1, 2, 3])})
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])
    assert engine.load(reader, "streamed").count().execute() == 6


def test_a_missing_or_damaged_file_is_told(engine, tmp_path):
    with pytest.raises(SourceError, match="not found"):
        engine.read(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(SourceError, match="cannot be read"):
        engine.read(tmp_path / "bad.parquet")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(engine, tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    engine.write(ibis.memtable({"a": [1]}), path)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(engine.connection), "to_parquet", full)
    with pytest.raises(RunError, match="ran out of room"):
        engine.write(ibis.memtable({"a": [1, 2]}), path)
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    assert pd.read_parquet(path)["a"].tolist() == [1]


def test_a_small_file_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "s.json"
    write_atomically(path, "{}")
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(files.os, "fsync", lambda _fd: (_ for _ in ()).throw(full))
    with pytest.raises(RunError):
        write_atomically(path, '{"half": ')
    assert path.read_text() == "{}"
    assert [p.name for p in Path(tmp_path).iterdir()] == ["s.json"]


def test_no_extension_is_fetched(engine):
    settings = engine.connection.raw_sql(
        "SELECT value FROM duckdb_settings() WHERE name IN "
        "('autoinstall_known_extensions', 'autoload_known_extensions')"
    ).fetchall()
    assert [value for (value,) in settings] == ["false", "false"]


def test_several_tables_are_filled_from_batches_in_the_background(engine):
    batch = pa.record_batch({"a": pa.array([1, 2, None])})

    def doubled(cells):
        return cells.mutate(b=cells.a * 2)

    pending = [
        engine.begin_stream(
            pa.RecordBatchReader.from_batches(batch.schema, [batch]), doubled, f"t{at}"
        )
        for at in range(3)
    ]
    assert [len(one.wait().execute()) for one in pending] == [3, 3, 3]
    assert pending[0].wait().b.sum().execute() == 6


def test_what_fails_in_the_background_is_told_where_it_is_waited_for(engine):
    schema = pa.schema({"a": pa.int64()})

    def broken():
        yield pa.record_batch({"a": pa.array([1])}, schema=schema)
        raise OSError(errno.ENOSPC, "No space left on device")

    reader = pa.RecordBatchReader.from_batches(schema, broken())
    pending = engine.begin_stream(reader, lambda cells: cells, "broken")
    with pytest.raises(Exception, match="No space left"):
        pending.wait()
    good = pa.RecordBatchReader.from_batches(schema, [pa.record_batch({"a": pa.array([1])})])
    assert engine.begin_stream(good, lambda cells: cells, "broken").wait().count().execute() == 1


ZONED = """
import pyarrow as pa
from analysis.engine import open_engine

schema = pa.schema({"a": pa.string()})
batch = pa.record_batch({"a": ["2026-01-01 00:00:00"]}, schema=schema)
rows = pa.RecordBatchReader.from_batches(schema, [batch])
engine = open_engine(cores=2)
told = engine.begin_stream(rows, lambda t: t.select(t=t.a.cast("timestamp('UTC')")), "zoned")
print(told.wait().execute()["t"][0])
"""


def test_times_without_an_offset_do_not_depend_on_the_machine_in_the_background():
    told = subprocess.run(
        [sys.executable, "-c", ZONED],
        env=os.environ | {"TZ": "Asia/Shanghai"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == "2026-01-01 00:00:00+00:00"
