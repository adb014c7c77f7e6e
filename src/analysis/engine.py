"""The engine that runs table logic: the only module that imports duckdb (or pyspark).

Everything else writes Ibis expressions. Files are written beside their place and renamed, so
that a reader never sees half of one.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.operations import Union

from .errors import RunError, SourceError
from .files import write_atomically

__all__ = ["Engine", "Pending", "open_engine", "write_atomically"]

COMPRESSION = "zstd"
COMPRESSION_BETWEEN = "lz4"
"""Of files that are read once, soon."""
BYTE_ORDER_MARK = "\ufeff"
"""Before the first name of a CSV file: without it Excel takes Chinese for another encoding."""

SETTINGS = (
    "SET enable_progress_bar = false",
    "SET TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
)
"""Of every connection; the last two are what Ibis sets on its own."""

ibis.options.sql.fuse_selects = False
"""A column made in one step and used in the next is computed once, not copied into each use."""


class Background:
    """One thread with a connection of its own: it fills tables while Python prepares the next.

    Only finished SQL is handed over; Ibis' expressions are not safe in several threads.

    Args:
        connection: Of the same database.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._parent = connection
        self._start()

    def _start(self) -> None:
        self._connection = self._parent.cursor()
        for setting in SETTINGS:  # a cursor does not take over its parent's
            self._connection.execute(setting)
        self._thread = ThreadPoolExecutor(1)

    def begin(self, task: Callable[[duckdb.DuckDBPyConnection], None]) -> Future[None]:
        """Do something after what was begun before."""
        return self._thread.submit(task, self._connection)

    def give_up(self) -> None:
        """Drop what was begun, because something of it failed; others can be begun after."""
        self.end()
        self._start()

    def end(self) -> None:
        """Drop what was begun; nobody waits for it any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._connection.interrupt()


@dataclass(frozen=True)
class Pending:
    """A table that is being filled.

    Attributes:
        engine: Its engine.
        name: The table's name.
        done: What fills it.
        paths: The files that it is filled from, where they may be damaged inside.
    """

    engine: Engine
    name: str
    done: Future[None]
    paths: Sequence[Path] = ()

    def wait(self) -> ir.Table:
        """The table, filled.

        Raises:
            RunError: The disk or the memory is full.
            SourceError: A value does not fit what is done to it, or a file is damaged.
        """
        with _told(), _broken_told(self.paths) if self.paths else nullcontext():
            self.done.result()
        return self.engine.connection.table(self.name)


@dataclass(frozen=True)
class Engine:
    """An open engine.

    Attributes:
        connection: The Ibis backend.
        scratch: Folder for what does not fit into memory and for files in between.
        background: Fills tables that need not be there at once.
    """

    connection: ibis.BaseBackend
    scratch: Path
    background: Background

    def read(self, *paths: Path) -> ir.Table:
        """A table of one or more Parquet files with the same columns (read lazily).

        Raises:
            SourceError: A file is missing or is no Parquet file.
        """
        for path in paths:
            if not path.exists():
                raise SourceError("File not found", where=str(path), todo="Run the stage before.")
        try:
            return self.connection.read_parquet([str(path) for path in paths])
        except duckdb.Error as fault:
            raise _unreadable(paths, fault) from fault

    @property
    def cores(self) -> int:
        """Threads that it may use."""
        found = self.connection.con.execute("SELECT current_setting('threads')").fetchall()
        return int(found[0][0])

    def load(self, batches: pa.RecordBatchReader, name: str) -> ir.Table:
        """Stream Arrow batches into a table of the engine; memory stays bounded."""
        with _told():
            duck = self.connection.con
            duck.register("incoming", batches)
            duck.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM incoming')  # noqa: S608
            duck.unregister("incoming")
            return self.connection.table(name)

    def table(self, table: ir.Table | pd.DataFrame) -> ir.Table:
        """A data frame as a table; a table as it is."""
        return ibis.memtable(table) if isinstance(table, pd.DataFrame) else table

    def sql(self, select: str) -> ir.Table:
        """A SELECT (in DuckDB's dialect) over the registered views, as a table expression."""
        name = f"v_{uuid.uuid4().hex}"  # Ibis 12's own `sql` asks DuckDB 2 for a method it lost
        try:
            self.connection.raw_sql(f'CREATE VIEW "{name}" AS {select}')
            return self.connection.table(name)
        except duckdb.Error as fault:
            raise SourceError("The SELECT is wrong", got=_first_line(fault)) from fault

    def materialise(self, table: ir.Table, name: str = "", *, by_part: bool = False) -> ir.Table:
        """Compute a table once and keep it in the engine under a name.

        Args:
            table: What to compute.
            name: Under which it is kept; by default one of its own.
            by_part: Compute the tables of a union one after another, so that each has the memory
                to itself; what they share is computed for each of them.
        """
        name, parts = name or f"t_{uuid.uuid4().hex}", _parts(table) if by_part else [table]
        with _told():
            # Ibis 12's own overwrite writes a DROP without a name (sqlglot 30)
            self.connection.raw_sql(f'DROP TABLE IF EXISTS "{name}"')
            made = self.connection.create_table(name, parts[0])
            for part in parts[1:]:
                self.connection.insert(name, part)
            return made

    def view(self, name: str, table: ir.Table) -> ir.Table:
        """A table under a name that SELECTs may use."""
        return self.connection.create_view(name, table, overwrite=True)

    def parquet(self, path: Path) -> ir.Table:
        """A Parquet file with the number of each row, from 0, as ``file_row_number``."""
        name, place = f"p_{uuid.uuid4().hex}", str(path).replace("'", "''")
        rows = f"read_parquet('{place}', file_row_number = true)"
        with _broken_told([path]):  # Ibis' own reader is seen by one connection only
            self.connection.raw_sql(f'CREATE VIEW "{name}" AS SELECT * FROM {rows}')  # noqa: S608
        return self.connection.table(name)

    def begin(self, table: ir.Table, name: str, paths: Sequence[Path] = ()) -> Pending:
        """Begin to fill a table under a name; one of the same name is replaced.

        With one core it is filled at once: a second thread would only be in the way.

        Args:
            table: What it is filled with; no data frame takes part.
            name: Of the table.
            paths: Files that are read meanwhile.
        """
        insert = self._emptied(table, name)
        return self._begun(lambda duck: _run(duck, insert), name, paths)

    def begin_stream(
        self, batches: pa.RecordBatchReader, shape: Callable[[ir.Table], ir.Table], name: str
    ) -> Pending:
        """As `begin`, from Arrow batches that are read once and never stored.

        Args:
            batches: What comes in.
            shape: From the batches' columns to the table's.
            name: Of the table.
        """
        incoming = f"s_{uuid.uuid4().hex}"
        cells = ibis.table(ibis.Schema.from_pyarrow(batches.schema), name=incoming)
        insert = self._emptied(shape(cells), name)

        def fill(duck: duckdb.DuckDBPyConnection) -> None:
            duck.register(incoming, batches)
            try:
                _run(duck, insert)
            finally:
                duck.unregister(incoming)

        return self._begun(fill, name)

    def _emptied(self, table: ir.Table, name: str) -> str:
        """Make an empty table of the same columns; what fills it, as SQL."""
        self.connection.raw_sql(f'DROP TABLE IF EXISTS "{name}"')
        self.connection.create_table(name, schema=table.schema())
        return f'INSERT INTO "{name}" {self.connection.compile(table)}'

    def _begun(
        self,
        fill: Callable[[duckdb.DuckDBPyConnection], None],
        name: str,
        paths: Sequence[Path] = (),
    ) -> Pending:
        pending = Pending(self, name, self.background.begin(fill), paths)
        if self.cores == 1:
            wait([pending.done])
        return pending

    def write(self, table: ir.Table, path: Path, *, by_part: bool = False) -> int:
        """Write a table as one Parquet file, atomically.

        Args:
            table: What to compute and write.
            path: Of the file.
            by_part: As `materialise` has it.

        Returns:
            The number of rows written.

        Raises:
            RunError: The disk is full, or the folder cannot be written.
        """
        with _beside(path) as part:
            with _told(), self._computed(table, by_part=by_part) as whole:
                self.connection.to_parquet(whole, str(part), compression=COMPRESSION)
            return int(pq.read_metadata(part).num_rows)

    @contextmanager
    def _computed(self, table: ir.Table, *, by_part: bool) -> Iterator[ir.Table]:
        """The table itself, or the parts of a union as files that go afterwards."""
        parts = _parts(table) if by_part else [table]
        if len(parts) == 1:
            yield table
            return
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            files = [Path(folder) / f"{number:04d}.parquet" for number in range(len(parts))]
            for part, file in zip(parts, files, strict=True):
                self.connection.to_parquet(part, str(file), compression=COMPRESSION_BETWEEN)
            yield self.read(*files)

    def write_csv(self, table: ir.Table, path: Path) -> int:
        """Write a table as one CSV file that Excel reads as UTF-8, atomically and in a stream.

        Returns:
            The number of rows written.

        Raises:
            RunError: The disk is full, or the folder cannot be written.
        """
        first = table.columns[0]
        marked = table.rename({f"{BYTE_ORDER_MARK}{first}": first})
        with _beside(path) as part, _told():
            self.connection.to_csv(marked, str(part), header=True)
            return int(table.count().execute())

    def keep(self, tables: Mapping[str, ir.Table], path: Path) -> None:
        """Keep tables in a file of the engine's own form, for engines of other processes.

        Raises:
            RunError: The disk is full, or the folder cannot be written.
        """
        alias = f"k_{uuid.uuid4().hex}"
        with _told():
            self.connection.raw_sql(f"ATTACH {_quoted(path)} AS {alias}")
            try:
                for name, table in tables.items():
                    select = self.connection.compile(table)
                    self.connection.raw_sql(f'CREATE TABLE {alias}.main."{name}" AS {select}')
            finally:
                self.connection.raw_sql(f"DETACH {alias}")

    def kept(self, path: Path) -> dict[str, ir.Table]:
        """The tables of a file that `keep` has written, by name; they are only read."""
        alias = f"k_{uuid.uuid4().hex}"
        self.connection.raw_sql(f"ATTACH {_quoted(path)} AS {alias} (READ_ONLY)")
        listed = f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{alias}'"  # noqa: S608
        names = [name for (name,) in self.connection.con.execute(listed).fetchall()]
        return {name: self.connection.table(name, database=(alias, "main")) for name in names}

    def close(self) -> None:
        """Close the connection; what was not written is lost."""
        self.background.end()
        self.connection.disconnect()


def open_engine(
    scratch: Path | None = None, *, cores: int | None = None, memory_gb: float | None = None
) -> Engine:
    """Open the embedded engine (DuckDB).

    Args:
        scratch: Existing folder for spilling and files in between; by default a temporary one
            that goes with the engine.
        cores: Threads; all by default.
        memory_gb: Limit above which it spills to `scratch`; DuckDB's own (80 %) by default.

    Returns:
        The engine; no extension is ever fetched from the network.
    """
    own = scratch is None
    scratch = scratch or Path(tempfile.mkdtemp(prefix="tierlab-"))
    connection = ibis.duckdb.connect(
        temp_directory=str(scratch),
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        preserve_insertion_order=True,
        **({"threads": cores} if cores else {}),
        **({"memory_limit": f"{memory_gb}GB"} if memory_gb else {}),
    )
    for setting in SETTINGS:
        connection.raw_sql(setting)
    if own:
        weakref.finalize(connection, shutil.rmtree, scratch, ignore_errors=True)
    return Engine(connection, scratch, Background(connection.con))


def _parts(table: ir.Table) -> list[ir.Table]:
    """The tables that a union puts below each other, in order; the table itself where it is none.

    Its rows come in their order, which a query for the whole would not promise.
    """
    node = table.op()
    if not isinstance(node, Union) or node.distinct:
        return [table]
    return [part for side in (node.left, node.right) for part in _parts(side.to_expr())]


def _run(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    duck.execute(sql)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A file beside another that takes its place when the block ends well, else goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _told() -> Iterator[None]:
    """Turn a full disk or memory into a sentence; let other faults pass."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as fault:
        raise RunError(
            "The engine could not write or ran out of room",
            got=_first_line(fault),
            todo="Free disk space or memory, then run again; finished stages are kept.",
        ) from fault
    except duckdb.DataError as fault:
        raise SourceError(
            "A value does not fit what is done to it", got=_first_line(fault)
        ) from fault


_BROKEN_FILE = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InvalidInputException,
    duckdb.InternalException,
)
"""What DuckDB raises, beside its bare `Error`, where a Parquet file is damaged inside."""


@contextmanager
def _broken_told(paths: Sequence[Path]) -> Iterator[None]:
    """Turn what is said about a file that is damaged inside into a sentence."""
    try:
        yield
    except duckdb.Error as fault:
        if type(fault) is not duckdb.Error and not isinstance(fault, _BROKEN_FILE):
            raise
        raise _unreadable(paths, fault) from fault


def _unreadable(paths: Sequence[Path], fault: Exception) -> SourceError:
    return SourceError(
        "The file cannot be read",
        where=", ".join(str(path) for path in paths[:3]),
        got=_first_line(fault),
        todo="Check the format, the delimiter and the encoding in the profile's source.",
    )


def _quoted(path: Path) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(fault: Exception) -> str:
    return str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__
