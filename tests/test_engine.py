"""The engine writes atomically and tells faults in words."""

import errno
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
